"""Memory over many calls: whether it grows steadily."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from reference_host.engine.interface import PAGE

WINDOWS = 4
"""The second half of the calls is cut into so many windows; memory that grows in each of them grows steadily."""
DOUBLINGS = 3
"""Memory that grew each of the last times that the number of calls doubled grows steadily too: the runtimes of TinyGo
and AssemblyScript double a heap that is full, so that a leak grows in ever longer steps."""
MINIMUM = 200
"""Calls below which nothing can be said about growth."""


def grown(sizes: Sequence[int]) -> int | None:
    """How many pages were taken in the second half of the calls, by memory that grows steadily.

    `sizes` are bytes of memory after each call. None where it does not grow so, or where the calls are too few.
    """
    half = sizes[len(sizes) // 2 :]
    if len(sizes) < MINIMUM:
        return None
    borders = [half[min(len(half) - 1, position * len(half) // WINDOWS)] // PAGE for position in range(WINDOWS + 1)]
    octaves = [sizes[len(sizes) - 1 >> halvings] // PAGE for halvings in range(DOUBLINGS, -1, -1)]
    return borders[-1] - borders[0] if _rises(borders) or _rises(octaves) else None


def _rises(sizes: Sequence[int]) -> bool:
    return all(later > earlier for earlier, later in pairwise(sizes))
