"""OpenPhone's side of a delivery: sent until it is acknowledged, and a note of
each acknowledgement."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

import deliver

# OpenPhone sends at once and, until there is a 2xx, after 5 s, 5 and 30 min, 2,
# 5, 10 and 10 h more. Here time is compressed, for the later waits ever more.
RETRY_AFTER = (0.0, 0.2, 0.6, 1.0, 2.0, 3.0, 5.0, 5.0)


class Ledger:
    """What was acknowledged, which hence may never be lost."""

    def __init__(self, stack: Any) -> None:
        self.stack = stack
        self.acknowledged: dict[str, str] = {}  # delivery key -> body's SHA-256
        self.refused = 0  # answers that were no 2xx
        self.unacknowledged: list[deliver.Delivery] = []
        self.envelopes: list[dict[str, Any]] = []
        # what earlier experiments did is not this one's
        self.violations_before = len(self.violations())

    def violations(self) -> list[dict[str, Any]]:
        """What the services refused, since the stack came up."""
        return self.stack.control("GET", "/stats")["violations"]

    def deliver(self, envelopes: list[dict[str, Any]],
                connections: int = 4) -> None:
        """As OpenPhone does; what is left after the last attempt failed."""
        self.envelopes += envelopes
        waiting = [deliver.delivery(str(number), envelope)
                   for number, envelope in enumerate(envelopes)]
        for pause in RETRY_AFTER:
            time.sleep(pause)
            answers = deliver.send(waiting, self.stack.env, connections)
            waiting = []
            for answer in answers:
                if answer.accepted:
                    self.note(answer)
                else:
                    self.refused += 1
                    waiting.append(answer.delivery)
            if not waiting:
                return
        self.unacknowledged += waiting

    def note(self, answer: deliver.Answer) -> None:
        key = json.loads(answer.text)["delivery"]
        self.acknowledged[key] = hashlib.sha256(
            answer.delivery.body).hexdigest()
