"""Where a plugin is put through its paces: fixed scripts of calls, the same on every engine and in every run.

A `Lab` belongs to one subject. Each session is a fresh instance and a script that depends on the subject and the seed
only; its calls are made once and kept, so that every rule looks at the same calls whatever the order of tests.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from conformance.judging import Subject
from conformance.lab.bounds import Blocked, call_fuel
from conformance.lab.growth import grown
from conformance.lab.metering import MemoryMeter
from conformance.lab.probes import (
    SIZES,
    AllocatorProbe,
    Bench,
    Rounds,
    play_rounds,
    probe_allocator,
    takes_back,
    traffic,
)
from reference_host.abi.wasp.functions import Function
from reference_host.abi.wasp.heap import ALLOCATE_TYPE, DEALLOCATE_TYPE, STRING_SIZE_TYPE
from reference_host.engine.interface import (
    Engine,
    GrowthRefused,
    Module,
)
from reference_host.errors import Trap

from .calls import Call, Reached
from .edges import Edges, look_behind
from .loading import Plugin
from .ownership import Ownership, examine
from .sizes import Measurement, measure
from .talk import Talk
from .values import LARGEST, QUICK, SMALL, Sending, examples, variants

TRAPS = 5
"""A function that traps so often in a session is not called again in it: the rule is broken, the rest is waiting."""
EVERY = 100
"""In the soak each function's examples are tried again after so many calls."""
BESIDE = (15, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1_024, 4_095, 4_097, 65_535, 65_537)
"""Bytes of buffers beside the sizes at which allocators do something else."""
ALONE = (4_000, 16_000)
"""Calls of one function alone; the larger number where memory grew in the second half of the smaller."""
TWICE = 3
"""How often a call is made before others, and after them."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The allocator, as the probes know it."""

    malloc: str = "allocate"
    free: str | None = "deallocate"
    free_takes_size: bool = True


@dataclass(frozen=True, slots=True)
class Session:
    """The calls of one instance's life, in order, and `sizes` of memory after each of them, in bytes.

    `skipped` counts the calls of functions that had trapped too often, `instances` those that had to be made.
    """

    calls: tuple[Call, ...]
    sizes: tuple[int, ...]
    skipped: Counter[str] = field(default_factory=Counter)
    instances: int = 1


class Lab(Plugin):
    """All that is done with one subject."""

    def __init__(self, subject: Subject, module: Module, engine: Engine) -> None:
        super().__init__(subject, module, engine)
        self._sessions: dict[str, Session] = {}
        self._reached: dict[Reached, Sequence[Call]] = {}
        self._edges: dict[str, Edges] = {}
        self._alone: dict[int, bool] = {}

    # -- getting there -----------------------------------------------------------------------------

    def is_static(self, pointer: int) -> bool:
        """Whether an address lies in a data segment, other than one that the allocator hands out."""
        for segment in self.module.info.data_segments:
            end = segment.offset + len(segment.data)
            if segment.offset <= pointer < end:
                given = self.allocator.allocations if self.can_allocate else ()
                return not any(segment.offset <= (a.pointer or 0) < end for a in given)
        return False

    def require_allocator(self) -> None:
        """Raise `Blocked` where no buffer can be asked for."""
        self.require_memory()
        if not self.can_allocate:
            raise Blocked("needs allocate, which is not exported with its type")
        hog = next((export for export, refused in self.life if refused is not None), None)
        if hog is not None:
            raise Blocked(f"{hog} takes all memory there is: see WASP-MEM-003")

    def require_giving_back(self) -> None:
        """Raise `Blocked` where `deallocate` does not even take back what the host asked for."""
        if self.exports.get("deallocate") != DEALLOCATE_TYPE:
            raise Blocked("needs deallocate, which is not exported with its type")
        self.require_harmless()
        if self.can_allocate and self.deallocates_badly:
            raise Blocked("needs a deallocate that takes back what allocate gave: see WASP-FREE-001")

    def require_readable(self) -> None:
        """Raise `Blocked` where strings are read by wrong sizes: what is read then tells nothing."""
        can_measure = self.can_allocate and self.exports.get("get_string_size") == STRING_SIZE_TYPE
        if can_measure and not self.measurement.is_right:
            raise Blocked("needs get_string_size to be right: see WASP-STRING-*")

    def require_harmless(self) -> None:
        """Raise `Blocked` where a host that uses the allocator destroys data: whatever is wrong may come of that."""
        if self.can_allocate:
            self.require_allocator()
            if not self.allocator.is_harmless or not self.rounds.is_harmless:
                raise Blocked("needs an allocator that keeps buffers apart, and off static data: see WASP-ALLOC-*")

    # -- experiments -------------------------------------------------------------------------------

    @cached_property
    def life(self) -> tuple[tuple[str, GrowthRefused | None], ...]:
        """What start-up and the three exports that hosts use are refused when they take all memory. Raises `Blocked`.

        In order, up to the first that is refused something, or does not come back.
        """
        self.require_loaded()
        instance = self.new_instance().instance
        assert instance is not None
        meter = MemoryMeter(instance, self.subject.memory_pages, self.minimum)
        start = "_initialize" if "_initialize" in self.exports else "start"
        found: list[tuple[str, GrowthRefused | None]] = [(start, meter.take())]
        pointer = 0
        for export, type_ in (
            ("allocate", ALLOCATE_TYPE),
            ("get_string_size", STRING_SIZE_TYPE),
            ("deallocate", DEALLOCATE_TYPE),
        ):
            if found[-1][1] is not None or self.exports.get(export) != type_ or instance.memory is None:
                continue
            size = 64
            if export == "allocate":
                arguments: tuple[int, ...] = (size,)
            elif not pointer or pointer + size > instance.memory.size:
                continue
            else:
                arguments = (pointer, size)[: len(type_.parameters)]
            try:
                results = instance.call(export, *arguments, fuel=call_fuel(size, instance.memory.size))
            except Trap:
                # That it failed is the business of other rules, whatever it took.
                break
            found.append((export, meter.take()))
            if export == "allocate":
                pointer = int(results[0])
                if pointer and pointer + size <= instance.memory.size:
                    instance.memory.write(pointer, bytes(size))
        return tuple(found)

    def bench(self) -> Bench:
        """The allocator of a fresh instance. Raises `Blocked`."""
        self.require_allocator()
        instance = self.new_instance().instance
        assert instance is not None
        free = Pair().free if self.exports.get("deallocate") == DEALLOCATE_TYPE else None
        return Bench(instance, Pair(free=free), self.subject.memory_pages, self.minimum, call_fuel)

    @cached_property
    def allocator(self) -> AllocatorProbe:
        """What the allocator does with every size, all buffers alive at once. Raises `Blocked`."""
        sizes = (*SIZES, 4, 5, 1, 1, 16, *BESIDE, QUICK + 4, 1_048_577, LARGEST + 1)
        asked = [size for size in sizes if size <= self.most + 4]
        return probe_allocator(self.bench(), self.static, asked, shuffled=self.subject.seed)

    @cached_property
    def in_order(self) -> AllocatorProbe:
        """The same with small sizes, given back in the order in which they came. Raises `Blocked`."""
        return probe_allocator(self.bench(), self.static, [size for size in SIZES if size <= self.most + 4])

    @cached_property
    def rounds(self) -> Rounds:
        """What the allocator does over many rounds. Raises `Blocked`."""
        return play_rounds(self.bench(), traffic(300 if self.subject.quick else 6_000, self.subject.seed))

    @cached_property
    def takes_back(self) -> bool:
        """Whether memory that is given back is used again. Raises `Blocked`."""
        return takes_back(self.bench(), quick=self.subject.quick)

    def fails_alone(self, size: int) -> bool:
        """Whether `allocate` gives no buffer of a size on a fresh instance either. Raises `Blocked`."""
        if size not in self._alone:
            bench = self.bench()
            pointer, _ = bench.take(size)
            self._alone[size] = not pointer or pointer + size > bench.memory_size
        return self._alone[size]

    @property
    def allocates_badly(self) -> bool:
        """Whether `allocate` alone gives something else than buffers. Raises `Blocked`."""
        wrong = self.rounds.wrong
        failed = wrong is not None and not wrong.given_back
        return failed or not self.allocator.is_harmless or any(not a.is_usable for a in self.allocator.allocations)

    @property
    def deallocates_badly(self) -> bool:
        """Whether `deallocate` traps on something that it has to take back. Raises `Blocked`."""
        given = (*self.in_order.allocations, *self.allocator.allocations, *filter(None, [self.rounds.wrong]))
        return any(a.free_trap is not None for a in given)

    @cached_property
    def measurement(self) -> Measurement:
        """What `get_string_size` tells of the host's own strings. Raises `Blocked`."""
        self.require_string_size()
        self.require_harmless()
        bench = self.bench() if self.can_allocate else None
        return measure(bench, self.most)

    @cached_property
    def ownership(self) -> Ownership:
        """Who uses whose memory. Raises `Blocked`."""
        self.require_harmless()
        try:
            self.require_readable()
        except Blocked as blocked:
            return Ownership({}, None, Counter(), stopped=blocked.reason)
        if self.can_allocate and any(a.size <= SMALL and not a.is_usable for a in self.allocator.allocations):
            return Ownership({}, None, Counter(), stopped="needs an allocator that gives buffers: see WASP-ALLOC-*")
        scripts = [(function, self._small(function)) for function in self.functions]
        return examine(self, scripts, self.edges_of, self._replay)

    def _replay(self, steps: Sequence[int]) -> Rounds:
        return play_rounds(self.bench(), steps, len(steps))

    def edges_of(self, function: Function) -> Edges:
        """What a function does behind its inputs. Raises what loading raises."""
        if function.name not in self._edges:
            self._edges[function.name] = look_behind(self, function)
        return self._edges[function.name]

    # -- sessions ----------------------------------------------------------------------------------

    @property
    def overlaps(self) -> bool:
        """Whether the allocator hands out what is alive, alone or in calls. Raises `Blocked`."""
        known = self.declared is not None
        return (
            not self.allocator.is_harmless
            or not self.rounds.is_harmless
            or (known and self.ownership.overlap is not None)
        )

    def session(self, name: str) -> Session:
        """The session of a name: `traffic` or `soak`. Raises `Blocked`."""
        if name not in self._sessions:
            self.require_loaded()
            self.require_harmless()
            if self.ownership.overlap is not None:
                raise Blocked("needs an allocator that keeps buffers apart: see WASP-ALLOC-003")
            functions = [f for f in self.functions if f.name not in self.ownership.breaches]
            script = self._traffic(functions) if name == "traffic" else self._soak(functions)
            self._sessions[name] = self._run(name, script)
        return self._sessions[name]

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """All calls of all sessions. Raises `Blocked`."""
        return self.session("traffic").calls + self.session("soak").calls

    @cached_property
    def growth(self) -> tuple[int, ...]:
        """Bytes of memory after each call of a soak in which nothing is lost by the host. Raises `Blocked`.

        What a function answers along with an error is, and what cannot be read: such functions are left out.
        """
        if self.returns.demands_length:
            return ()
        soak = self.session("soak")
        if not any(c.is_losing for c in soak.calls):
            return soak.sizes
        return self._run("growth", self._soak(self._lossless)).sizes

    @cached_property
    def growth_alone(self) -> dict[str, tuple[int, ...]]:
        """The same for each function alone, by name, where memory went on to grow after a quarter of the soak.

        Among the calls of all the others, what one function loses hardly shows. The first that loses is the last that
        is tried. Raises `Blocked`.
        """
        found: dict[str, tuple[int, ...]] = {}
        if not self.growth or self.growth[-1] == self.growth[len(self.growth) // 4]:
            return found
        for function in self._lossless:
            for calls in ALONE:
                sizes = self._run("growth", self._repeated(function, calls)).sizes
                found[function.name] = sizes
                if not sizes or sizes[-1] == sizes[len(sizes) // 2]:
                    break
            if grown(found[function.name]) is not None:
                break
        return found

    @property
    def _lossless(self) -> list[Function]:
        """The functions in whose calls the host loses nothing."""
        losing = {c.export for c in self.session("soak").calls if c.is_losing}
        return [f for f in self.functions if f.name not in losing and f.name not in self.ownership.breaches]

    def fails_only_inside(self, call: Call) -> bool:
        """Whether a buffer that a call asked for failed because a callback was under way. Raises `Blocked`."""
        asked = call.last_allocation
        answered = call.failure is not None and call.failure.trap is None
        return call.failed_inside is not None and not (answered and asked is not None and self.fails_alone(asked.size))

    def calls_that_reached(self, reached: Reached) -> Sequence[Call]:
        """Those that a rule which needs `reached` can be asked of. Raises `Blocked`."""
        if reached not in self._reached:
            self._reached[reached] = [call for call in self.calls if call.reached >= reached]
        return self._reached[reached]

    def _small(self, function: Function) -> list[Sending]:
        """What a function is sent thousands of times: its examples and values of every kind, none of them large."""
        every = (*examples(function), *variants(function, most=min(SMALL, self.most)))
        return [sending for sending in every if sending.size <= SMALL]

    def _traffic(self, functions: Sequence[Function]) -> Iterator[tuple[Function, Sending]]:
        """Each function with its examples, and with every kind of value."""
        for function in functions:
            for sending in (*examples(function), *variants(function, most=self.most)):
                yield function, sending
            yield function, next(examples(function))

    def _soak(self, functions: Sequence[Function]) -> Iterator[tuple[Function, Sending]]:
        """Calls in mixed order; some are made before and after all others, the examples all along."""
        draw = random.Random(self.subject.seed)
        pools = {function.name: self._small(function) for function in functions}
        kept = [(f, sending) for f in functions for sending in _chosen(pools[f.name])]
        for turn in range(TWICE):
            for function, sending in kept:
                yield function, Sending(f"first-{turn + 1}-{sending.name}", sending.arguments, sending.example)
        for number in range(200 if self.subject.quick else 10_000):
            if not functions:
                break
            function = draw.choice(functions)
            sending = draw.choice(pools[function.name])
            yield function, Sending(f"{number}-{sending.name}", sending.arguments, sending.example)
            if number % EVERY == EVERY - 1:
                for each in functions:
                    for again in examples(each):
                        yield each, Sending(f"{number}-again-{again.name}", again.arguments, again.example)
        for turn in range(TWICE):
            for function, sending in kept:
                yield function, Sending(f"last-{turn + 1}-{sending.name}", sending.arguments, sending.example)

    def _repeated(self, function: Function, calls: int) -> Iterator[tuple[Function, Sending]]:
        """Calls of one function with all its values, in turn."""
        pool = self._small(function)
        for number in range(calls):
            sending = pool[number % len(pool)]
            yield function, Sending(f"{number}-{sending.name}", sending.arguments, sending.example)

    def _run(self, name: str, script: Iterator[tuple[Function, Sending]]) -> Session:
        talk = Talk(self)
        calls: list[Call] = []
        sizes: list[int] = []
        skipped: Counter[str] = Counter()
        traps: Counter[str] = Counter()
        endless: set[str] = (
            set() if name == "traffic" else {c.export for c in self.session("traffic").calls if c.is_endless}
        )
        for number, (function, sending) in enumerate(script):
            if traps[function.name] >= TRAPS or function.name in endless:
                skipped[function.name] += 1
                continue
            case = f"{function.name}/{name}/{number}-{sending.name}" if name == "traffic" else None
            call = talk.call(case or f"{function.name}/{name}/{sending.name}", function, sending)
            calls.append(call)
            if call.exchange.memory_size is not None and not call.exchange.lost:
                sizes.append(call.exchange.memory_size)
            if call.exchange.lost or call.hogged is not None:
                traps[function.name] += 1
            if call.is_endless:
                endless.add(function.name)
        return Session(tuple(calls), tuple(sizes), skipped, talk.instances)


def _chosen(pool: Sequence[Sending]) -> Sequence[Sending]:
    """The first and every third one."""
    return pool[::3]
