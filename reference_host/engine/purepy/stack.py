"""Python's recursion limit while a guest runs: one for all, high enough for guests, low enough for the machine.

Calls of translated code take no native stack on CPython 3.11 and later, and a call too many is a `RecursionError`,
which becomes the trap. The limit belongs to the whole process; it is set while any guest runs, and given back when none
does.
"""

from __future__ import annotations

import sys
import threading

LIMIT = 6_500
"""Frames of a thread, the host's own included."""

HEADROOM = 200
"""So close to the limit a host function that fails for want of stack fails because of the guest's depth."""

_lock = threading.Lock()
_running = 0
_former = 0


def enter() -> None:
    """A guest begins to run."""
    global _running, _former
    with _lock:
        if not _running:
            _former = sys.getrecursionlimit()
            try:
                sys.setrecursionlimit(LIMIT)
            except RecursionError:  # the host is deeper than that already
                sys.setrecursionlimit(max(_former, LIMIT))
        _running += 1


def leave() -> None:
    """A guest has ended."""
    global _running
    with _lock:
        _running -= 1
        if not _running and sys.getrecursionlimit() == LIMIT:
            sys.setrecursionlimit(_former)


def is_deep() -> bool:
    """Whether the stack is almost used up here; looked at only where something has failed already."""
    frame, depth = sys._getframe(), 0
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    return depth > LIMIT - HEADROOM
