"""A year of calls and messages, made when they are asked for.

Nothing of it is stored but whose each of them is: 50,000 calls and 200,000
messages take a few megabytes.  The same settings give the same objects.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

Json = dict[str, Any]

# In so many hundredths of all calls.
ANSWERED, VOICEMAIL, MISSED = 60, 70, 90
GROUPS = 25  # every so manieth conversation is one of three
WORDS = ("yes no order invoice tomorrow please call shipment ready open "
         "closed Monday thanks delivery address the and for with when").split()


@dataclass(frozen=True)
class Settings:
    """POST /openphone/year takes these."""

    since: str = "2025-10-01T00:00:00Z"
    until: str = "2026-10-01T00:00:00Z"
    calls: int = 50000
    messages: int = 200000
    people: int = 2000  # conversations
    lines: int = 3
    seed: int = 1


def _dice(*what: Any) -> int:
    return zlib.crc32("/".join(map(str, what)).encode())


def _shown(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


class Year:
    """The history of a workspace: what it has beside the world's objects."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.begin, self.end = (
            datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(
                timezone.utc) for text in (settings.since, settings.until))
        self.counts = {"calls": settings.calls, "messages": settings.messages}
        # whose: the indices of each conversation, oldest first
        self.of = {kind: [array("I") for _ in range(settings.people)]
                   for kind in self.counts}
        for kind, count in self.counts.items():
            for index in range(count):
                self.of[kind][self._whose(kind, index)].append(index)

    # --- the objects that the world has to know, too ---

    def line(self, number: int) -> Json:
        return {"id": f"PNyear{number:02d}", "name": f"Line {number}",
                "phoneNumber": f"+1555300{number:04d}",
                "users": self._users(number)}

    @staticmethod
    def _users(line: int) -> list[str]:
        return ["UStest01", "UStest02"] if line % 2 else ["UStest01"]

    def others(self, whose: int) -> list[str]:
        """The other parties of a conversation."""
        numbers = [f"+1555{2000000 + whose:07d}"]
        if whose % GROUPS == GROUPS - 1:
            numbers.append(f"+1555{4000000 + whose:07d}")
        return numbers

    def conversation(self, whose: int) -> Json:
        last = [self.of[kind][whose][-1:] for kind in self.of]
        times = [self.when(kind, found[0])
                 for kind, found in zip(self.of, last) if found]
        return {"id": f"CNyear{whose:05d}", "phoneNumberId":
                self.line(whose % self.settings.lines)["id"],
                "participants": self.others(whose),
                "createdAt": _shown(self.begin + timedelta(seconds=whose)),
                "lastActivityAt": _shown(max(times)) if times else None}

    def contacts(self) -> Iterator[Json]:
        """Every other one is in the address book."""
        for whose in range(0, self.settings.people, 2):
            yield {"id": f"CTyear{whose:05d}", "firstName": "Customer",
                   "lastName": f"No. {whose}",
                   "phoneNumbers": [self.others(whose)[0]]}

    # --- calls and messages ---

    def _whose(self, kind: str, index: int) -> int:
        return _dice(self.settings.seed, kind, index) % self.settings.people

    def when(self, kind: str, index: int) -> datetime:
        """Evenly spread, and a little shaken: a later index is later."""
        step = (self.end - self.begin) / self.counts[kind]
        shake = _dice("when", kind, index) % 1000 / 1000
        return (self.begin + step * (index + shake)).replace(microsecond=0)

    @staticmethod
    def _id(kind: str, index: int) -> str:
        return f"ACyear{kind[0]}{index:06d}"

    def get(self, kind: str, identifier: str) -> Json | None:
        if kind not in self.counts:
            return None
        start = self._id(kind, 0)[:-6]
        number = identifier.removeprefix(start)
        if (not identifier.startswith(start) or not number.isdigit()
                or int(number) >= self.counts[kind]):
            return None
        return self._make(kind, int(number))

    def newest(self, kind: str, before: datetime | None,
               party: str | None) -> Iterator[Json]:
        """Those of a party, or all; none created after `before`."""
        indices: Sequence[int] = range(self.counts[kind])
        if party is not None:
            found = [self.of[kind][whose]
                     for whose in range(self.settings.people)
                     if party in self.others(whose)]
            indices = found[0] if found else ()
        low, high = 0, len(indices)
        while before is not None and low < high:
            middle = (low + high) // 2
            if self.when(kind, indices[middle]) <= before:
                low = middle + 1
            else:
                high = middle
        for place in range(high - 1, -1, -1):
            yield self._make(kind, indices[place])

    def _make(self, kind: str, index: int) -> Json:
        whose = self._whose(kind, index)
        number = whose % self.settings.lines
        line = self.line(number)
        common = {"id": self._id(kind, index), "phoneNumberId": line["id"],
                  "createdAt": _shown(self.when(kind, index))}
        dice = _dice(self.settings.seed, "kind", kind, index)
        users = self._users(number)
        make = self._call if kind == "calls" else self._message
        return make(common, dice, line["phoneNumber"], self.others(whose),
                    users[dice // 100 % len(users)], index)

    def _call(self, common: Json, dice: int, ours: str, theirs: list[str],
              user: str, index: int) -> Json:
        outcome = dice % 100
        answered = outcome < ANSWERED
        incoming = outcome < MISSED and dice // 10 % 2 == 0 or (
            ANSWERED <= outcome < MISSED)
        begin = self.when("calls", index)
        length = 20 + dice // 1000 % 900 if answered else 0
        end = begin + timedelta(seconds=length + 12)
        return {**common, "actorId": user,
                "direction": "incoming" if incoming else "outgoing",
                "status": "completed" if answered else "no-answer",
                "participants": [
                    {"phoneNumber": ours, "actorId": user},
                    *({"phoneNumber": one, "actorId": None}
                      for one in theirs)],
                "answeredAt": _shown(begin + timedelta(seconds=12))
                if answered else None,
                "answeredBy": user if answered and incoming else None,
                "initiatedBy": None if incoming else user,
                "completedAt": _shown(end), "updatedAt": _shown(end),
                "callRoute": "phone-number" if incoming else None,
                "duration": length, "forwardedFrom": None,
                "forwardedTo": None, "aiHandled": None}

    def part(self, kind: str, call: str) -> list[Json]:
        """The summary or voicemail of a call; recordings there are none."""
        made = self.get("calls", call)
        if made is None:
            return []
        dice = _dice(self.settings.seed, "kind", "calls", int(call[-6:]))
        if kind == "summaries" and made["answeredAt"]:
            return [{"id": call, "callId": call, "status": "completed",
                     "type": "human", "summary": [self._text(dice, 12)],
                     "nextSteps": None, "jobs": None, "title": None}]
        if kind == "voicemails" and ANSWERED <= dice % 100 < VOICEMAIL:
            return [{"id": "VM" + call[2:], "callId": call, "duration": 9,
                     "status": "completed", "recordingUrl": None,
                     "transcript": self._text(dice, 8)}]
        return []

    @staticmethod
    def _text(dice: int, words: int) -> str:
        return " ".join(WORDS[(dice >> shift) % len(WORDS)]
                        for shift in range(words)).capitalize() + "."

    def _message(self, common: Json, dice: int, ours: str, theirs: list[str],
                 user: str, index: int) -> Json:
        incoming = dice % 2 == 0
        return {**common, "from": theirs[0] if incoming else ours,
                "to": [ours, *theirs[1:]] if incoming else theirs,
                "text": self._text(dice, 4 + dice % 12),
                "conversationId":
                f"CNyear{self._whose('messages', index):05d}",
                "direction": "incoming" if incoming else "outgoing",
                "status": "received" if incoming else "delivered",
                "updatedAt": common["createdAt"], "media": [],
                "userId": None if incoming else user}
