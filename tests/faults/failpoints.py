"""The other side of src/base/failpoint.h: the folder that programs look into."""

from __future__ import annotations

from collections import Counter
from pathlib import Path


class Failpoints:
    """Places of the running programs, to be armed by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def arm(self, place: str, action: str = "kill", nth: int = 1,
            ms: int = 0) -> None:
        """At the nth passing from now on, once; nth 0: at each of them. The
        place as in "ons-process:page.created"."""
        draft = self.folder / ".new"
        draft.write_text(f"{action} {ms} {nth}\n")
        draft.rename(self.folder / place)

    def fired(self, place: str) -> bool:
        return not (self.folder / place).exists()

    def clear(self) -> None:
        for path in self.folder.iterdir():
            path.unlink(missing_ok=True)

    def trace(self) -> None:
        """Note from now on what is passed."""
        (self.folder / "trace").write_text("")

    def traced(self) -> Counter[str]:
        """How often each place was passed."""
        path = self.folder / "trace"
        found = Counter(path.read_text().split())
        path.unlink()
        return found
