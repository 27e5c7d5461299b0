"""Budgets of a call from outside: fuel, wall-clock time, and the size of wide frames.

Fuel is counted upwards from below zero in a cell that all functions share; at function entries and loop heads they
look whether it has come to zero, as wasmtime does. It goes in helpings, so that the numbers stay small and the clock is
looked at now and then.

Without a budget nothing is counted: every loop, and every function that can call several others, draws from one
iterator, `ticks`, which looks at the clock once in a few thousand steps.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from types import CellType

from reference_host.errors import Trap, TrapCode

HELPING = 1 << 28
"""Fuel in one helping without a deadline: below 2^30 CPython's integers are fastest."""

CLOCK_FUEL = 50_000
"""Fuel between two looks at the clock."""

CLOCK_TICKS = 2_000
"""Loop iterations and calls between two looks at the clock; in one of them at most a long bulk instruction runs."""

MAX_SLOTS = 1_000_000
"""Variables of wide frames: some 8 MiB."""


class Meter:
    """Counts for one instance."""

    def __init__(self) -> None:
        self.fuel = CellType(-HELPING)
        self.ticks = CellType(itertools.repeat(None))
        self.slots = 0
        self.running = 0
        """Calls from outside that are nested, where somebody counts them here."""
        self._start = -HELPING
        self._before = 0  # used in earlier helpings
        self._budget: int | None = None
        self._deadline: float | None = None

    def begin(self, budget: int | None, deadline: float | None) -> None:
        """Start to count a call from outside."""
        self.slots = 0
        self._budget = budget
        self._deadline = None if deadline is None else time.monotonic() + deadline
        self._before = 0
        self._serve()
        if budget is None:
            self.ticks.cell_contents = (
                itertools.repeat(None) if deadline is None else itertools.chain.from_iterable(self._watched())
            )

    def _serve(self) -> None:
        helping = HELPING if self._deadline is None else CLOCK_FUEL
        if self._budget is not None:
            helping = min(helping, self._budget - self._before)
        self._start = self.fuel.cell_contents = -helping

    @property
    def exact(self) -> bool:
        """Whether the current call has a budget of fuel."""
        return self._budget is not None

    @property
    def used(self) -> int:
        """Fuel used so far."""
        used: int = self._before + self.fuel.cell_contents - self._start
        return used

    def refuel(self, own: int) -> None:
        """Called when a helping is used up; `own` of it is for what has not run yet."""
        used = self.used
        if self._budget is not None and used - own >= self._budget:
            raise Trap(TrapCode.FUEL_EXHAUSTED)
        if self._deadline is not None and time.monotonic() >= self._deadline:
            raise Trap(TrapCode.DEADLINE)
        self._before = used
        self._serve()

    def charge(self, fuel: int) -> None:
        """Take fuel for an instruction that costs its length, and look at once."""
        self.fuel.cell_contents += fuel
        if self.fuel.cell_contents >= 0:
            self.refuel(0)

    def stacked(self, slots: int) -> None:
        """Count the variables of a frame that is wider than most; negative when it goes."""
        self.slots += slots
        if self.slots > MAX_SLOTS:
            raise Trap(TrapCode.STACK_EXHAUSTED)

    def _watched(self) -> Iterator[Iterator[None]]:
        deadline = self._deadline
        assert deadline is not None
        while time.monotonic() < deadline:
            yield itertools.repeat(None, CLOCK_TICKS)
        raise Trap(TrapCode.DEADLINE)
