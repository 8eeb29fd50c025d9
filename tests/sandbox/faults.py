"""Faults that a test has ordered, taken by the requests they fit."""

from __future__ import annotations

import itertools
import re
import threading
from dataclasses import asdict, dataclass, field
from typing import Any

NOTED_WITHIN = 10.0  # seconds; it takes none


@dataclass
class Fault:
    """What goes wrong, for which requests, and how often."""

    service: str
    method: str | None = None
    path: str | None = None  # a regular expression, searched in path and query
    times: int = 1  # -1: for ever
    delay: float = 0.0  # seconds before anything else happens
    status: int | None = None  # answer this …
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    after: bool = False  # … after the effect instead of in place of it
    late: float = 0.0  # the effect so many seconds after the answer
    hang: float = 0.0  # seconds between the effect and the answer
    drop: str | None = None  # reset "before" or "after" the effect
    committed: bool = False  # effect, then the 503 that says so
    truncate: int | None = None  # close after so many bytes of the body
    endless: bool = False  # never close, and send the body over and over
    chance: float = 1.0  # of each request that it fits
    seed: int = 0  # of the dice
    id: int = 0
    struck: int = 0  # how often it was taken

    def __post_init__(self) -> None:
        if self.drop not in (None, "before", "after"):
            raise ValueError("drop is \"before\" or \"after\"")
        if not (self.delay or self.hang or self.status or self.drop
                or self.committed or self.endless
                or self.truncate is not None):
            raise ValueError("a fault needs status, delay, hang, drop, "
                             "committed, endless or truncate")
        if self.late and not (self.drop or self.status):
            raise ValueError("late needs what is answered meanwhile")
        re.compile(self.path or "")
        self.over = threading.Event()  # forgotten: nobody waits any longer
        self.pending = 0  # requests that it has met and that are not noted

    def fits(self, service: str, method: str, target: str) -> bool:
        return (self.times != 0 and self.service in (service, "*")
                and self.method in (None, method)
                and re.search(self.path or "", target) is not None
                and (self.chance == 1.0 or self._dice() < self.chance))

    def _dice(self) -> float:
        """The next throw: the same again for the same seed."""
        self.seed = (self.seed * 6364136223846793005
                     + 1442695040888963407) % 2**64
        return self.seed / 2**64


class Faults:
    """The ordered faults, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._noted = threading.Condition(self._lock)
        self._ids = itertools.count(1)
        self._faults: list[Fault] = []

    def add(self, description: dict[str, Any]) -> int:
        """Raises TypeError or ValueError for what is not a fault."""
        fault = Fault(**description)
        with self._lock:
            fault.id = next(self._ids)
            self._faults.append(fault)
        return fault.id

    def take(self, service: str, method: str, target: str) -> Fault | None:
        """The first fault that fits this request, used up by one; noted()
        follows."""
        with self._lock:
            for fault in self._faults:
                if fault.fits(service, method, target):
                    if fault.times > 0:
                        fault.times -= 1
                    fault.struck += 1
                    fault.pending += 1
                    return fault
        return None

    def noted(self, fault: Fault) -> None:
        with self._noted:
            fault.pending -= 1
            self._noted.notify_all()

    def listing(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def clear(self) -> None:
        """Whom they keep waiting goes on at once, and is noted on return: not
        in the midst of the next test."""
        with self._noted:
            old, self._faults = self._faults, []
            for fault in old:
                fault.over.set()
            self._noted.wait_for(
                lambda: not any(fault.pending for fault in old), NOTED_WITHIN)
