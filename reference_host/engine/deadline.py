"""A clock that ticks only while somebody waits for a deadline."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable

TICK = 0.01
"""Seconds between two ticks: how late a deadline may fire."""

_IDLE_TICKS = 50


class Ticker:
    """Calls `advance` once a tick from one thread, which ends by itself when nothing has waited for half a second.

    A thread for each call would cost more than the call; one that never ended would outlive its use. To enter and to
    leave costs a call next to nothing: no lock is taken while the thread runs.
    """

    def __init__(self, advance: Callable[[], None]) -> None:
        self._advance = advance
        self._waiting: deque[None] = deque()  # only its length counts; adding and removing are single operations
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        _TICKERS.add(self)

    @property
    def ticking(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def enter(self) -> None:
        """Begin to wait: ticks come from now on."""
        self._waiting.append(None)
        if self._thread is None:
            self._start()

    def leave(self) -> None:
        """Stop waiting."""
        self._waiting.pop()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="hookproof-ticker", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        idle = 0
        while True:
            time.sleep(TICK)
            self._advance()
            idle = 0 if self._waiting else idle + 1
            if idle > _IDLE_TICKS:
                # Whoever enters adds itself before it looks for the thread; the thread goes before it looks for
                # waiters. So one of the two sees the other.
                self._thread = None
                if self._waiting:
                    self._start()
                return


_TICKERS: weakref.WeakSet[Ticker] = weakref.WeakSet()


def _forget_threads() -> None:
    """A forked child has the tickers, but not their threads, and perhaps a lock that nobody will ever give back."""
    for ticker in _TICKERS:
        ticker._thread = None
        ticker._starting = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)
