"""Experiments on an allocator alone: many live buffers, and buffers taken and given back over many rounds.

An experiment runs on an instance of its own. Buffers are written to in the rounds only.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Protocol

from conformance.lab.bounds import Blocked, call_fuel
from conformance.lab.metering import MemoryMeter
from reference_host.engine.binary import DataSegment
from reference_host.engine.interface import PAGE, Instance
from reference_host.errors import Trap, TrapCode

SIZES = (1, 2, 3, 7, 8, 9, 16, 24, 100, 500, 1_000, 4_096, 5_000, 65_536)
"""Bytes of the buffers that every allocator is asked for."""


class AllocatorPair(Protocol):
    """An allocator and its counterpart, by the names of their exports; `free` is None where there is none."""

    @property
    def malloc(self) -> str:
        """Takes a size and answers a pointer."""

    @property
    def free(self) -> str | None:
        """Takes the pointer back."""

    @property
    def free_takes_size(self) -> bool:
        """Whether it is given the size, too."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """One allocation, and how it was given back. `pointer` is None where the allocator trapped.

    `memory_size` is in bytes, afterwards. `hogged`: the allocator took memory until it was refused more.
    """

    case: str
    function: str
    size: int
    pointer: int | None
    memory_size: int
    trap: str | None = None
    given_back: bool = False
    free_trap: str | None = None
    hogged: bool = False

    @property
    def range(self) -> str:
        """The bytes that it covers."""
        start = self.pointer or 0
        return f"{start:#x} to {start + self.size:#x}"

    @property
    def is_usable(self) -> bool:
        """Whether there is a buffer inside memory."""
        return bool(self.pointer) and (self.pointer or 0) + self.size <= self.memory_size

    def overlaps(self, other: Allocation) -> bool:
        """Whether both cover a byte."""
        mine, theirs = self.pointer or 0, other.pointer or 0
        return mine < theirs + other.size and theirs < mine + self.size


@dataclass(frozen=True)
class StaticData:
    """The bytes other than 0 that active data segments put into memory."""

    segments: tuple[DataSegment, ...]

    @cached_property
    def end(self) -> int:
        """The address behind the last of them."""
        return max((segment.offset + len(segment.data) for segment in self.segments), default=0)

    def first_covered(self, pointer: int, size: int) -> int | None:
        """The first address of static data in a range.

        Zeroes do not count: an arena may be declared as static zeroes.
        """
        if pointer >= self.end:
            return None
        for segment in self.segments:
            offset, data = segment.offset, segment.data
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
        return [allocation for allocation in self.allocations if allocation.is_usable]

    @property
    def covered(self) -> Allocation | None:
        """The first that covers static data."""
        covering = (a for a in self.usable if self.static.first_covered(a.pointer or 0, a.size) is not None)
        return next(covering, None)

    @property
    def overlap(self) -> tuple[Allocation, Allocation] | None:
        """The first two live buffers that share a byte."""
        return next((pair for pair in combinations(self.usable, 2) if pair[0].overlaps(pair[1])), None)

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong with any of them."""
        is_complete = len(self.usable) == len(self.allocations)
        return is_complete and self.is_harmless and all(a.free_trap is None for a in self.allocations)

    @property
    def is_harmless(self) -> bool:
        """Whether a host that writes to its buffers damages nothing."""
        return self.overlap is None and self.covered is None


@dataclass(frozen=True, slots=True)
class Bench:
    """An allocator on an instance: `limit` and `minimum` of its memory in pages.

    `fuel` is that of a call, by the bytes that it is about and those of memory.
    """

    instance: Instance
    pair: AllocatorPair
    limit: int
    minimum: int
    fuel: Callable[[int, int], int] = call_fuel

    @property
    def memory_size(self) -> int:
        """Bytes of memory now."""
        return 0 if self.instance.memory is None else self.instance.memory.size

    def take(self, size: int) -> tuple[int | None, str | None]:
        """Ask for a buffer: its pointer, or what the allocator trapped with. Raises `Blocked`."""
        return self._call(self.pair.malloc, size, size=size)

    def give(self, pointer: int, size: int) -> str | None:
        """Give a buffer back: what the counterpart trapped with. Raises `Blocked`."""
        if self.pair.free is None:
            return None
        arguments = (pointer, size)[: 2 if self.pair.free_takes_size else 1]
        return self._call(self.pair.free, *arguments, size=size)[1]

    def read(self, pointer: int, size: int) -> bytes:
        """What a buffer holds now."""
        return b"" if self.instance.memory is None else self.instance.memory.read(pointer, size)

    def write(self, pointer: int, data: bytes) -> None:
        """Fill a buffer."""
        if self.instance.memory is not None:
            self.instance.memory.write(pointer, data)

    def meter(self) -> MemoryMeter:
        """What tells what the instance is refused."""
        return MemoryMeter(self.instance, self.limit, self.minimum)

    def _call(self, function: str, *arguments: int, size: int) -> tuple[int | None, str | None]:
        try:
            results = self.instance.call(function, *arguments, fuel=self.fuel(size, self.memory_size))
        except Trap as trap:
            if trap.code is TrapCode.DEADLINE:
                raise Blocked("the deadline fired before the fuel was used up", not_tested=True) from None
            return None, str(trap)
        return (int(results[0]) if results else None), None


def probe_allocator(
    bench: Bench, static: StaticData, sizes: Sequence[int], *, shuffled: int | None = None
) -> AllocatorProbe:
    """Ask for a buffer of every size, then give all back: in the same order, or in one drawn with a seed.

    Raises `Blocked`.
    """
    found: list[Allocation] = []
    function = bench.pair.malloc
    meter = bench.meter()
    for number, size in enumerate(sizes):
        pointer, trap = bench.take(size)
        case = f"{function}/{size}" if sizes.index(size) == number else f"{function}/{size}-{number}"
        hogged = meter.take() is not None
        found.append(Allocation(case, function, size, pointer, bench.memory_size, trap, hogged=hogged))
        if trap is not None or hogged:
            break
    if bench.pair.free is not None and bench.instance.alive:
        order = list(range(len(found)))
        if shuffled is not None:
            random.Random(shuffled).shuffle(order)
        for position in order:
            allocation = found[position]
            others = (other for other in found[:position] if other.pointer)
            if not allocation.is_usable or any(allocation.overlaps(other) for other in others):
                # One that lies outside memory, or over another, is at fault already.
                continue
            free_trap = bench.give(allocation.pointer or 0, allocation.size)
            found[position] = replace(allocation, given_back=True, free_trap=free_trap)
            if free_trap is not None:
                break
    return AllocatorProbe(tuple(found), bench.pair.free, static)


@dataclass(frozen=True, slots=True)
class Rounds:
    """Buffers taken and given back over many rounds: how often, and the first allocation that went wrong, if any.

    `overlap`: the live buffer that it lies over. `changed`: the address in it at which the allocator wrote.
    """

    calls: int
    wrong: Allocation | None = None
    overlap: Allocation | None = None
    changed: int | None = None

    @property
    def damage(self) -> str | None:
        """What became of a live buffer, if it was not left to the host."""
        if self.wrong is None or self.is_harmless:
            return None
        if self.overlap is None:
            return f"{self.changed:#x} was changed, in the live buffer of {self.wrong.range}"
        return f"{self.wrong.range} shares bytes with {self.overlap.range}, which was not given back"

    @property
    def is_harmless(self) -> bool:
        """Whether each live buffer was left to the host."""
        return self.overlap is None and self.changed is None


LIVE = 12
"""Buffers that are alive at the same time in the rounds."""
ROUND_SIZES = (1, 4, 10, 16, 33, 100, 700)
MORE = (100, 4, 700, 24)
"""What is asked for where but one buffer is alive."""
CRAMPED = (
    *(size for power in (4_096, 2_048, 1_024, 512, 256) for size in range(power + 1, power - 17, -1)),
    *range(129, 0, -1),
)
"""Sizes that fill blocks of powers of two, with a header or without, and all small ones. The largest come first: a
block that was used for a smaller buffer has its header already."""
WATCHED = 2_000
"""Steps after each of which all live buffers are looked at."""


def traffic(rounds: int, seed: int) -> Iterator[int]:
    """What to do with an allocator: a size to ask for, or `~number` to give back the buffer of that number, from 0.

    First there are three buffers of one size; then all buffers but one are given back, each in turn, and others asked
    for; then buffers of a few sizes are taken and given back in a random order.
    """
    number = 0
    for size in CRAMPED:
        yield from (size, size, size, ~number, ~(number + 1), ~(number + 2))
        number += 3
    for first in ((10, 10), (25, 9, 64), (16, 33, 100, 1, 24)):
        for kept in range(len(first)):
            yield from first
            yield from (~(number + place) for place in range(len(first)) if place != kept)
            yield from MORE
            yield from (~(number + len(first) + place) for place in range(len(MORE)))
            yield ~(number + kept)
            number += len(first) + len(MORE)
    draw = random.Random(seed)
    live: list[int] = []
    for later in range(number, number + rounds):
        yield draw.choice(ROUND_SIZES)
        live.append(later)
        if len(live) > LIVE:
            yield ~live.pop(draw.randrange(len(live)))


def play_rounds(bench: Bench, steps: Iterable[int], watched: int = WATCHED) -> Rounds:
    """Take, fill and give back buffers as `traffic` has it, up to the first that goes wrong.

    In the first `watched` steps all live buffers are looked at after each; later but the one that is given back.
    Raises `Blocked`.
    """
    live: dict[int, Allocation] = {}
    function = bench.pair.malloc
    meter = bench.meter()
    number = 0
    for step, what in enumerate(steps):
        if what >= 0:
            pointer, trap = bench.take(what)
            hogged = meter.take() is not None
            case = f"{function}/round-{number}"
            fresh = Allocation(case, function, what, pointer, bench.memory_size, trap, hogged=hogged)
            overlap = next((other for other in live.values() if fresh.is_usable and fresh.overlaps(other)), None)
            if not fresh.is_usable or overlap is not None or hogged:
                return Rounds(number, fresh, overlap)
            live[number] = fresh
            number += 1
            if step < watched and (damaged := _damaged(bench, list(live.items())[:-1])):
                return Rounds(number, *damaged)
            bench.write(fresh.pointer or 0, _pattern(number - 1, what))
        else:
            old = live[~what]
            if damaged := _damaged(bench, [(~what, old)]):
                return Rounds(number, *damaged)
            del live[~what]
            trap = bench.give(old.pointer or 0, old.size)
            if trap is not None:
                case = f"{function}/round-{number}"
                return Rounds(number, replace(old, case=case, given_back=True, free_trap=trap))
            if step < watched and (damaged := _damaged(bench, live.items())):
                return Rounds(number, *damaged)
    return Rounds(number)


def _pattern(number: int, size: int) -> bytes:
    return bytes([1 + number % 255]) * size


def _damaged(bench: Bench, live: Iterable[tuple[int, Allocation]]) -> tuple[Allocation, None, int] | None:
    """The first live buffer that does not hold any more what was written there, and where."""
    for number, each in live:
        start, written = each.pointer or 0, _pattern(number, each.size)
        now = bench.read(start, each.size)
        if now != written:
            at = next(place for place in range(each.size) if now[place : place + 1] != written[place : place + 1])
            return each, None, start + at
    return None


RECYCLED = 65_536
"""Bytes of the buffer that is taken and given back."""
BEHIND = 64
"""Bytes of the buffer behind it."""
ROUNDS = 256


def takes_back(bench: Bench, *, quick: bool) -> bool:
    """Whether memory that is given back is used again: 256 rounds of 64 KiB must not need 8 MiB. Raises `Blocked`.

    Behind each buffer lies a small one, which is given back after it, as a host does with a result: an allocator that
    takes back nothing but the last block does not take back what it gets.
    """
    if bench.pair.free is None:
        return False
    rounds = 32 if quick else ROUNDS
    before = bench.memory_size
    pointers: set[int] = set()
    for _ in range(rounds):
        taken: list[tuple[int, int]] = []
        for size in (RECYCLED, BEHIND):
            pointer, trap = bench.take(size)
            if not pointer or trap is not None:
                return False
            taken.append((pointer, size))
        pointers.add(taken[0][0])
        for pointer, size in taken:
            if bench.give(pointer, size) is not None:
                return False
    return len(pointers) <= rounds // 2 and bench.memory_size - before <= 128 * PAGE
