"""A clock that ticks only while somebody waits for a deadline."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

TICK = 0.01
"""Seconds between two ticks: how late a deadline may fire."""

_IDLE_TICKS = 50


class Ticker:
    """Calls `advance` once a tick from one thread, which ends by itself when nothing has waited for half a second.

    A thread for each call would cost more than the call; one that never ended would outlive its use.
    """

    def __init__(self, advance: Callable[[], None]) -> None:
        self._advance = advance
        self._lock = threading.Lock()
        self._waiting = 0
        self._thread: threading.Thread | None = None

    @property
    def ticking(self) -> bool:
        """Whether the thread runs. A forked child has the object, but not the thread."""
        return self._thread is not None and self._thread.is_alive()

    def enter(self) -> None:
        """Begin to wait: ticks come from now on."""
        with self._lock:
            self._waiting += 1
            if not self.ticking:
                self._thread = threading.Thread(target=self._run, name="hookproof-ticker", daemon=True)
                self._thread.start()

    def leave(self) -> None:
        """Stop waiting."""
        with self._lock:
            self._waiting -= 1

    def _run(self) -> None:
        idle = 0
        while True:
            time.sleep(TICK)
            self._advance()
            with self._lock:
                idle = 0 if self._waiting else idle + 1
                if idle > _IDLE_TICKS:
                    self._thread = None
                    return
