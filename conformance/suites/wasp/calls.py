"""One call of a plugin's function as the suite sees it, and how far it got.

A rule is asked only of calls that got as far as the rule: a function that trapped has no result to be judged. So a
fault is reported once, at its root.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from reference_host.abi.wasp import Exchange, Type, Value
from reference_host.abi.wasp.events import Allocated, FreeFailed, NotFreed, Oddity, OddText, Owner, SpareReason, Stage
from reference_host.abi.wasp.functions import Function
from reference_host.engine.interface import GrowthRefused
from reference_host.errors import AllocationFailed, GuestError, HookError, StringSizeFailed, Trap, TrapCode

from .values import Sending


class Reached(IntEnum):
    """The last step that succeeded."""

    NOTHING = 0
    PLACED = 1
    """Every value lies in a buffer of the plugin's."""
    RETURNED = 2
    """The function came back, with a result or after an error that it raised."""
    READ = 3
    """Its result was read, where it has one; no error was raised."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call: `case` is its name in reports, e.g. `hello/traffic/1-empty`. `hogged`: it took all memory there was."""

    case: str
    function: Function
    sending: Sending
    exchange: Exchange
    hogged: GrowthRefused | None = None

    @property
    def export(self) -> str:
        """The function that was called."""
        return self.exchange.name

    @property
    def failure(self) -> HookError | None:
        """Why there is no answer; an error that the function raised is one."""
        return self.exchange.failure

    @property
    def reached(self) -> Reached:
        """The last step that succeeded."""
        failure = self.failure
        if self.hogged is not None:
            # Nothing can be learned from a plugin that starves.
            return Reached.NOTHING
        if failure is None:
            return Reached.READ
        if isinstance(failure, GuestError) or self.exchange.failed_at is Stage.RESULT:
            return Reached.RETURNED
        return Reached.PLACED if self.exchange.failed_at is Stage.CALL else Reached.NOTHING

    @property
    def trap(self) -> Trap | None:
        """What the function itself trapped with."""
        failure = self.failure
        if failure is None or self.exchange.failed_at is not Stage.CALL:
            return None
        return None if isinstance(failure, AllocationFailed | StringSizeFailed) else failure.trap

    @property
    def is_endless(self) -> bool:
        """Whether some function of the plugin's did not come to an end."""
        trap = None if self.failure is None else self.failure.trap
        return trap is not None and trap.code in (TrapCode.FUEL_EXHAUSTED, TrapCode.DEADLINE)

    @property
    def failed_inside(self) -> HookError | None:
        """What failed while the function waited for the host: `allocate` or `get_string_size`."""
        failure = self.failure
        inside = self.exchange.failed_at is Stage.CALL and isinstance(failure, AllocationFailed | StringSizeFailed)
        return failure if inside and self.unread is None else None

    @property
    def unread(self) -> NotFreed | None:
        """The value of the guest's that could not be read: outside of memory.

        A `get_string_size` that traps on such an address is not to blame.
        """
        events = (event for event in self.exchange.events if isinstance(event, NotFreed))
        found = next((event for event in events if event.reason == SpareReason.UNREAD), None)
        if found is None or self.failure is None:
            return None
        size = self.exchange.memory_size
        nowhere = isinstance(self.failure, StringSizeFailed) and size is not None and found.pointer >= size
        return found if nowhere or self.failure.code in ("out-of-bounds", "too-long") else None

    @property
    def is_losing(self) -> bool:
        """Whether the host gives something of the guest's not back: what it does not look at, or cannot read."""
        exchange = self.exchange
        unread = any(isinstance(e, NotFreed) and e.reason == SpareReason.UNREAD for e in exchange.events)
        return unread or bool(exchange.raised and exchange.raw)

    @property
    def last_allocation(self) -> Allocated | None:
        """The last buffer that was asked for."""
        asked = [event for event in self.exchange.events if isinstance(event, Allocated)]
        return asked[-1] if asked else None

    def odd(self, *owners: Owner) -> Iterator[OddText]:
        """What is odd about the strings that were handed out so."""
        return (event for event in self._oddities if event.owner in owners)

    @property
    def is_legible(self) -> bool:
        """Whether every string that was handed out is a proper one, but that a size may count the terminator."""
        return all(event.oddity is Oddity.COUNTS_TERMINATOR for event in self._oddities)

    @property
    def _oddities(self) -> Iterator[OddText]:
        """A string whose size counts the terminator has one: another is not asked for."""
        for event in self.exchange.events:
            counted = isinstance(event, OddText) and event.data.endswith(b"\0")
            if isinstance(event, OddText) and not (counted and event.oddity is Oddity.NO_TERMINATOR):
                yield event

    def not_taken_back(self) -> Iterator[FreeFailed]:
        """The buffers that `deallocate` did not take back."""
        return (event for event in self.exchange.events if isinstance(event, FreeFailed))

    @property
    def value(self) -> Value | None:
        """What the function answered, as its author would write it."""
        exchange, type_ = self.exchange, self.function.signature.result
        if type_ is Type.I64 and isinstance(exchange.raw, int):
            return exchange.raw - 2**64 if exchange.raw >= 2**63 else exchange.raw
        return exchange.raw if type_ in (Type.F32, Type.F64) else exchange.value

    @property
    def error(self) -> str | None:
        """The text of the last error that was raised."""
        return self.exchange.raised[-1] if self.exchange.raised else None

    @property
    def outcome(self) -> object:
        """What of a call is compared with another of the same values."""
        failure = self.failure
        if failure is None or isinstance(failure, GuestError):
            return self.value, self.exchange.raised
        return self.exchange.failed_at, failure.code, None if failure.trap is None else failure.trap.code
