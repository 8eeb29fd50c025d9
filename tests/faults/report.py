"""The table at the end."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field


@dataclass
class Row:
    """An experiment: what was done to the programs, what came of it."""

    experiment: str
    runs: int = 0
    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    stuck: int = 0
    recovery: list[float] = field(default_factory=list)  # seconds
    problems: list[str] = field(default_factory=list)

    def judge(self, problems: list[str]) -> None:
        """Fail if there are any. They are shown below the table, too: what
        pytest says of a failure is far above it."""
        self.problems = problems[:20]
        assert not problems, "\n".join(self.problems)

    def cells(self) -> list[str]:
        times = "-"
        if self.recovery:
            times = (f"{statistics.median(self.recovery):.1f} / "
                     f"{max(self.recovery):.1f} s")
        return [self.experiment, *map(str, (
            self.runs, self.acknowledged, self.lost, self.doubled,
            self.stuck)), times]


HEAD = ["experiment", "runs", "acknowledged", "lost", "doubled", "stuck",
        "recovery, median / longest"]


class Report:
    def __init__(self) -> None:
        self.rows: list[Row] = []

    def row(self, experiment: str) -> Row:
        self.rows.append(Row(experiment))
        return self.rows[-1]

    def problems(self) -> list[str]:
        return [f"{row.experiment}: {problem}" for row in self.rows
                for problem in row.problems]

    def table(self) -> str:
        lines = [HEAD] + [row.cells() for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*lines)]
        return "\n".join(
            "  ".join(cell.ljust(width) if i in (0, len(widths) - 1)
                      else cell.rjust(width)
                      for i, (cell, width) in enumerate(zip(line, widths)))
            .rstrip() for line in lines)


REPORT = Report()
