"""Experiments with the sizes of strings: what `get_string_size` tells, and what `deallocate` wants to be told.

Each runs once for a lab, on instances of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from conformance.lab.bounds import Blocked, call_fuel
from conformance.lab.probes import Bench
from reference_host.abi.wasp import HeapPolicy, Instance, Type
from reference_host.abi.wasp.events import NotFreed, Owner, SpareReason
from reference_host.abi.wasp.functions import Function
from reference_host.engine.interface import Instance as Guest
from reference_host.errors import Trap, TrapCode

from .values import LARGEST, STRINGS, examples

HANDED_OUT = (Owner.RESULT, Owner.CALLBACK_ARGUMENT, Owner.ERROR)
"""Whose buffers the guest made itself."""
HOLDING = HeapPolicy(withheld=frozenset(Owner), strip_terminator=True, longest=2**30)
"""A host that gives nothing back: the experiment does."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A string of the host's: `right` are the sizes that may be told of it, `told` is None where the plugin trapped.

    With a NUL inside, both the bytes before it and all of them are right.
    """

    case: str
    pointer: int
    right: tuple[int, ...]
    told: int | None
    trap: str | None = None

    @property
    def counts_terminator(self) -> bool:
        """Whether it is one more than is right. Of a text that is but a NUL nobody can tell."""
        return self.told is not None and self.told - 1 in self.right


@dataclass(frozen=True, slots=True)
class Measurement:
    """All strings that were measured."""

    strings: tuple[Measured, ...]

    @property
    def counts_terminator(self) -> bool:
        """Whether the terminator is counted throughout."""
        told = [each for each in self.strings if each.told is not None]
        return any(each.told not in each.right for each in told) and all(each.counts_terminator for each in told)

    @property
    def is_right(self) -> bool:
        """Whether nothing is wrong, but that the terminator may be counted."""
        return all(each.told in each.right for each in self.strings) or (
            self.counts_terminator and all(each.trap is None for each in self.strings)
        )


def measure(bench: Bench | None, most: int) -> Measurement:
    """Write strings of up to `most` bytes into buffers, and ask for their sizes. Without an allocator there are none.

    Raises `Blocked`.
    """
    if bench is None:
        return Measurement(())
    texts = [(name, text.encode()) for name, text in STRINGS]
    if most >= LARGEST:
        texts.append(("16-mib", b"sixteen MiB text" * (LARGEST // 16)))
    found: list[Measured] = []
    for name, text in texts:
        if len(text) > most:
            continue
        pointer, _ = bench.take(len(text) + 1)
        memory = bench.instance.memory
        if not pointer or memory is None or pointer + len(text) + 1 > memory.size:
            # An allocator that gives no buffer has rules of its own.
            break
        memory.write(pointer, text + b"\0")
        first = text.find(b"\0")
        right = (len(text),) if first < 0 else (first, len(text))
        try:
            (told,) = bench.instance.call("get_string_size", pointer, fuel=call_fuel(len(text), memory.size))
        except Trap as trap:
            if trap.code is TrapCode.DEADLINE:
                raise Blocked("the deadline fired before the fuel was used up", not_tested=True) from None
            found.append(Measured(f"get_string_size/{name}", pointer, right, None, str(trap)))
            break
        found.append(Measured(f"get_string_size/{name}", pointer, right, int(told)))
        if bench.give(pointer, len(text) + 1) is not None:
            break
    return Measurement(tuple(found))


@dataclass(frozen=True, slots=True)
class Returned:
    """Something that a function handed out, and how giving it back went with each size that is right.

    `traps`: what `deallocate` trapped with, by size; None where it took the buffer.
    """

    case: str
    function: str
    owner: Owner
    pointer: int
    traps: dict[int, str | None]

    @property
    def refused(self) -> bool:
        """Whether no size is taken."""
        return all(trap is not None for trap in self.traps.values())

    @property
    def is_strict(self) -> bool:
        """Whether one size is taken, and another is not."""
        return not self.refused and any(trap is not None for trap in self.traps.values())


@dataclass(frozen=True, slots=True)
class Returns:
    """All that was given back."""

    found: tuple[Returned, ...]

    @property
    def demands_length(self) -> bool:
        """Whether strings are taken back by their length, and not with the terminator."""
        return any(each.is_strict and each.traps[max(each.traps)] is not None for each in self.found)


Factory = Callable[[HeapPolicy], Instance]


def try_sizes(new_instance: Factory, functions: Sequence[Function]) -> Returns:
    """Call each function with its first values, and give back what it hands out: each size on another instance."""
    found: list[Returned] = []
    for function in functions:
        for owner, pointer, sizes in _handed_out(new_instance(HOLDING), function):
            traps = {size: _give_back(new_instance(HOLDING), function, pointer, size) for size in sizes}
            case = f"{function.name}/sizes/{owner}"
            found.append(Returned(case, function.name, owner, pointer, traps))
    return Returns(tuple(found))


def _play(instance: Instance, function: Function) -> tuple[NotFreed, ...]:
    sending = next(examples(function))
    returns = function.signature.result if function.signature.result in (Type.STRING, Type.BYTES) else Type.NONE
    exchange = instance.exchange(function.name, sending.arguments, returns, fuel=_fuel(instance))
    if exchange.lost:
        return ()
    return tuple(e for e in exchange.events if isinstance(e, NotFreed) and e.reason == SpareReason.WITHHELD)


def _handed_out(instance: Instance, function: Function) -> list[tuple[Owner, int, tuple[int, ...]]]:
    """Owner, address and right sizes of what one call hands out."""
    found: list[tuple[Owner, int, tuple[int, ...]]] = []
    for event in _play(instance, function):
        if event.owner not in HANDED_OUT or any(event.owner is owner for owner, _, _ in found):
            continue
        guest = instance.instance
        if guest is None or guest.memory is None:
            continue
        if event.owner is Owner.RESULT and function.signature.result is Type.BYTES:
            count = int.from_bytes(guest.memory.read(event.pointer, 4), "little")
            found.append((event.owner, event.pointer, (count + 4,)))
        elif (size := string_size(guest, event.pointer, _fuel(instance))) is not None:
            found.append((event.owner, event.pointer, (size, size + 1)))
    return found


def string_size(guest: Guest, pointer: int, fuel: int) -> int | None:
    """What `get_string_size` tells; None where it traps."""
    try:
        (size,) = guest.call("get_string_size", pointer, fuel=fuel)
    except Trap:
        return None
    return int(size)


def _give_back(instance: Instance, function: Function, pointer: int, size: int) -> str | None:
    _play(instance, function)
    guest = instance.instance
    if guest is None or not guest.alive:
        return None
    try:
        guest.call("deallocate", pointer, size, fuel=_fuel(instance))
    except Trap as trap:
        return None if trap.code is TrapCode.DEADLINE else str(trap)
    return None


def _fuel(instance: Instance) -> int:
    memory = None if instance.instance is None else instance.instance.memory
    return call_fuel(0, 0 if memory is None else memory.size)
