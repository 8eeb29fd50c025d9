"""All that can go wrong with a request, as faults for the sandbox; each strikes
by chance, again and again."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any

from clock import seconds

Fault = dict[str, Any]
Control = Callable[..., Any]  # (method, path, data)

HTML = "<html><head><title>Just a moment...</title></head><body></body></html>"
# As services go: Notion's edge gives up after 60 s, the programs after 70.
SERVICE_GIVES_UP = 60
CLIENT_GIVES_UP = 70


def _waits() -> dict[str, Fault]:
    """429 with all that may stand in Retry-After; garbage is no time."""
    values = {"seconds": "3", "nought": "0", "negative": "-5", "empty": "",
              "a past date": formatdate(0, usegmt=True), "garbage": "soon"}
    found: dict[str, Fault] = {
        f"429, Retry-After: {name}": {"status": 429,
                                      "headers": {"Retry-After": value}}
        for name, value in values.items()}
    found["429 without Retry-After"] = {"status": 429}
    return found


# Rare ones: everybody waits then.
WAITS = _waits()

# Of any request: it has not been done, or it has, and nobody says so.
ANY: dict[str, Fault] = {
    "500": {"status": 500},
    "500 after the effect": {"status": 500, "after": True},
    "500, empty": {"status": 500, "body": ""},
    "502, HTML": {"status": 502, "body": HTML},
    "502, HTML, after the effect": {"status": 502, "body": HTML,
                                    "after": True},
    "503, not saved": {"status": 503},
    "503, saved, not said": {"status": 503, "after": True},
    "504": {"status": 504, "body": HTML},
    "504 after the effect": {"status": 504, "after": True},
    "time-out before the effect": {"delay": seconds(CLIENT_GIVES_UP + 10),
                                   "drop": "before"},
    "time-out after the effect": {"hang": seconds(CLIENT_GIVES_UP + 10)},
    "reset before the effect": {"drop": "before"},
    "reset after the effect": {"drop": "after"},
    "200, HTML, not done": {"status": 200, "body": HTML},
    "200, HTML, after the effect": {"status": 200, "body": HTML,
                                    "after": True},
    "200, empty, not done": {"status": 200, "body": ""},
    "200, empty, after the effect": {"status": 200, "body": "",
                                     "after": True},
    "cut after 20 bytes": {"truncate": 20},
}

# What Notion has besides.
NOTION: dict[str, Fault] = {
    **ANY,
    "409": {"status": 409},
    "529": {"status": 529, "headers": {"Retry-After": "2"}},
}
SAVED: dict[str, Fault] = {"503, saved and said": {"committed": True}}


# What is only read is as good as not done, and may have no end.
READING: dict[str, Fault] = {
    **{name: fault for name, fault in ANY.items() if "after" not in name},
    "502, cut": {"status": 502, "body": HTML, "truncate": 20},
    "never ending": {"endless": True},
}


class Faults:
    """Which of them struck, and how often. `control` does what the sandbox's
    control port does."""

    def __init__(self, control: Control) -> None:
        self.control = control
        self.names: dict[int, str] = {}
        self.struck: Counter[str] = Counter()

    def add(self, faults: dict[str, Fault], share: float, rng: random.Random,
            **where: Any) -> None:
        """Together they strike `share` of the requests that `where` (service,
        method, path) says."""
        left = 1.0
        for name, fault in faults.items():
            chance = share / len(faults) / left
            left -= share / len(faults)
            made = self.control("POST", "/faults", {
                **fault, **where, "times": -1, "chance": chance,
                "seed": rng.randrange(2**63)})
            self.names[made["id"]] = name

    def end(self) -> None:
        for fault in self.control("GET", "/faults"):
            self.struck[self.names[fault["id"]]] += fault["struck"]
        self.control("DELETE", "/faults")


@contextlib.contextmanager
def disturbed(control: Control) -> Iterator[Faults]:
    """Faults from here on, and none afterwards."""
    control("DELETE", "/faults")
    faults = Faults(control)
    try:
        yield faults
    finally:
        faults.end()


def all_struck(struck: Counter[str], full: bool) -> None:
    """Say how often each did; in the long form each must have."""
    for name, times in sorted(struck.items()):
        print(f"{times:6} {name}")
    assert not full or all(struck.values())
