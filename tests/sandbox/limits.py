"""Rate limits over fixed windows, a counter a token."""

from __future__ import annotations

import math
import threading
import time


class FixedWindow:
    """At most `limit` requests in each window of `window` seconds.

    A window opens with the first request after the last one has closed.
    """

    def __init__(self, limit: int, window: float) -> None:
        self._lock = threading.Lock()
        self.set(limit, window)

    def set(self, limit: int, window: float) -> None:
        with self._lock:
            self.limit = limit
            self.window = window
            self._opened: dict[str, float] = {}
            self._used: dict[str, int] = {}

    def take(self, token: str) -> int:
        """0 where there is room, else the whole seconds to wait."""
        with self._lock:
            now = time.monotonic()
            opened = self._opened.get(token)
            if opened is None or now >= opened + self.window:
                opened = self._opened[token] = now
                self._used[token] = 0
            if self._used[token] < self.limit:
                self._used[token] += 1
                return 0
            return max(1, math.ceil(opened + self.window - now))
