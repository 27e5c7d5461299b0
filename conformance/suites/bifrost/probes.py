"""Experiments on the allocator alone, apart from the sessions: many live buffers, and buffers taken and given back.

An experiment runs once for each lab, on an instance of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

from reference_host.abi.bifrost.heap import AllocatorPair
from reference_host.engine.binary import read_module
from reference_host.engine.interface import PAGE, Instance
from reference_host.errors import Trap, TrapCode

from .bounds import BUDGET, Blocked
from .messages.message import COPIES

SIZES = (1, 2, 3, 7, 8, 9, 16, 24, 100, 500, 1_000, 4_096, 5_000, 65_536)
FULL_SIZES = (300_000, 1_048_576)
"""Bytes; the large ones in scope `full` only, as the bodies of the traffic."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """One `malloc`, and its `free`. `pointer` is None where `malloc` trapped; `memory_size` is in bytes, afterwards."""

    case: str
    function: str
    size: int
    pointer: int | None
    memory_size: int
    trap: str | None = None
    given_back: bool = False
    free_trap: str | None = None

    @property
    def range(self) -> str:
        """The bytes that it covers."""
        start = self.pointer or 0
        return f"{start:#x} to {start + self.size:#x}"

    def overlaps(self, other: Allocation) -> bool:
        """Whether both cover a byte."""
        mine, theirs = self.pointer or 0, other.pointer or 0
        return mine < theirs + other.size and theirs < mine + self.size


@dataclass(frozen=True)
class StaticData:
    """The bytes other than 0 that active data segments put into memory, as (address, bytes)."""

    segments: tuple[tuple[int, bytes], ...]

    @cached_property
    def end(self) -> int:
        """The address behind the last of them."""
        return max((offset + len(data) for offset, data in self.segments), default=0)

    def first_covered(self, pointer: int, size: int) -> int | None:
        """The first address of static data in a range.

        Zeroes do not count: an arena may be declared as static zeroes.
        """
        if pointer >= self.end:
            return None
        for offset, data in self.segments:
            start, stop = max(pointer, offset), min(pointer + size, offset + len(data))
            if start < stop and (covered := data[start - offset : stop - offset].lstrip(b"\0")):
                return stop - len(covered)
        return None


@dataclass(frozen=True, slots=True)
class AllocatorProbe:
    """What the allocator did with all sizes, every buffer alive at once; then each was given back."""

    allocations: tuple[Allocation, ...]
    free: str | None
    static: StaticData

    @property
    def usable(self) -> list[Allocation]:
        """Those that gave a buffer inside memory."""
        return [a for a in self.allocations if a.pointer and a.pointer + a.size <= a.memory_size]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong with any of them."""
        trapped = any(a.free_trap is not None for a in self.allocations)
        complete = len(self.usable) == len(self.allocations)
        return complete and self.overlap is None and self.covered is None and not trapped

    @property
    def covered(self) -> Allocation | None:
        """The first that covers static data."""
        covering = (a for a in self.usable if self.static.first_covered(a.pointer or 0, a.size) is not None)
        return next(covering, None)

    @property
    def overlap(self) -> tuple[Allocation, Allocation] | None:
        """The first two live buffers that share a byte."""
        return next((pair for pair in combinations(self.usable, 2) if pair[0].overlaps(pair[1])), None)


def probe_allocator(
    instance: Instance, pair: AllocatorPair, binary: bytes, *, quick: bool, room: int
) -> AllocatorProbe:
    """Ask for a buffer of every size, then give all back in the same order. Raises `Blocked`.

    `room`: bytes of memory that the plugin can have; it is not asked for buffers of which that could not hold eight.
    """
    found: list[Allocation] = []
    for size in (size for size in SIZES + (() if quick else FULL_SIZES) if COPIES * size <= room):
        case = f"{pair.malloc}/{size}"
        pointer, trap = _call(instance, pair.malloc, size, size=size)
        found.append(Allocation(case, pair.malloc, size, pointer, _size(instance), trap))
        if trap is not None:
            break
    if pair.free is not None and instance.alive:
        for position, allocation in enumerate(found):
            if not allocation.pointer or not _can_be_given_back(allocation, found[:position]):
                continue
            arguments = (allocation.pointer, allocation.size)[: 2 if pair.free_takes_size else 1]
            _, trap = _call(instance, pair.free, *arguments, size=allocation.size)
            found[position] = replace(allocation, given_back=True, free_trap=trap)
            if trap is not None:
                break
    segments = tuple((s.offset, s.data) for s in read_module(binary).data_segments)
    return AllocatorProbe(tuple(found), pair.free, StaticData(segments))


def _can_be_given_back(allocation: Allocation, earlier: Sequence[Allocation]) -> bool:
    """Whether it is a buffer, and its own: one that lies outside memory, or over another, is at fault already."""
    if (allocation.pointer or 0) + allocation.size > allocation.memory_size:
        return False
    return not any(other.pointer and allocation.overlaps(other) for other in earlier)


RECYCLED = 65_536
"""Bytes of the buffer that is taken and given back."""
BEHIND = 64
"""Bytes of the buffer behind it."""
ROUNDS = 256


def takes_back(instance: Instance, pair: AllocatorPair, *, quick: bool) -> bool:
    """Whether memory that is given back is used again: 256 rounds of 64 KiB must not need 8 MiB. Raises `Blocked`.

    Behind each buffer lies a small one, which is given back after it, as the host does with a result: an allocator that
    takes back nothing but the last block does not take back what it gets.
    """
    if pair.free is None:
        return False
    rounds = 32 if quick else ROUNDS
    before = _size(instance)
    pointers: set[int] = set()
    for _ in range(rounds):
        taken: list[tuple[int, int]] = []
        for size in (RECYCLED, BEHIND):
            pointer, trap = _call(instance, pair.malloc, size, size=size)
            if not pointer or trap is not None:
                return False
            taken.append((pointer, size))
        pointers.add(taken[0][0])
        for given in taken:
            _, trap = _call(instance, pair.free, *given[: 2 if pair.free_takes_size else 1], size=RECYCLED)
            if trap is not None:
                return False
    return len(pointers) <= rounds // 2 and _size(instance) - before <= 128 * PAGE


def _call(instance: Instance, function: str, *arguments: int, size: int) -> tuple[int | None, str | None]:
    try:
        results: Sequence[int | float] = instance.call(function, *arguments, fuel=BUDGET.fuel(size, _size(instance)))
    except Trap as trap:
        if trap.code is TrapCode.DEADLINE:
            raise Blocked("the deadline fired before the fuel was used up", not_tested=True) from None
        return None, str(trap)
    return (int(results[0]) if results else None), None


def _size(instance: Instance) -> int:
    return 0 if instance.memory is None else instance.memory.size
