"""Who owns which bytes: an experiment with every function that answers, made before anything else is judged.

The host keeps to the contract, in the way that shows most. It holds buffers of its own: some for the whole time, one
on each side of an input, and some where former inputs, results and the config lay. Nobody else may change these, and
the allocator may not hand them out a second time. All of it is done twice. In one run the host overwrites what it gives
back and what it takes up again, in the other all bytes are put back as they were: a plugin whose answers differ has
read what it does not own any more.

Nothing is ever written outside of what the allocator gave, to a result, or to what was given back.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations
from typing import Protocol

from conformance.lab.bounds import Fault
from reference_host.abi.bifrost.events import Allocated, Buffer, Exchange, Freed, Owner, Stage
from reference_host.abi.bifrost.heap import CANARY
from reference_host.abi.bifrost.plugin import Plugin
from reference_host.engine.interface import Memory
from reference_host.errors import HookError, LoadError, TrapCode

LETTER = ord("k")
"""Overwrites what the host owns again: a letter, for a plugin may drop or replace what is no text."""
KEPT = (4_096, 1_000, 500), (100, 24)
"""Bytes of the buffers that are held all the time: taken before and after the one where the config was."""
SEARCHES = 8
"""How often a buffer is asked for where an answer is damaged.

An allocator writes its lists into what was freed, and may have other buffers to hand out before that one.
"""
BESIDE = 64
"""Bytes: what is written so near to an input was meant for it."""
TRAPS = 2
"""A function that has trapped so often is left out."""


ANSWERED_WITH = "BIFROST-PACK-004"
"""What a plugin breaks that answers with a buffer of the host's, and writes nothing there."""
OVERLAP = "BIFROST-ALLOC-003"
"""What an allocator breaks that hands out what is alive."""


class Part(StrEnum):
    """Whose bytes lay where the host holds a buffer now; the value is the requirement that keeps a plugin off it."""

    INPUT = "BIFROST-OWN-001"
    CONFIG = "BIFROST-OWN-002"
    RESULT = "BIFROST-OWN-005"
    HOST = "BIFROST-OWN-004"


@dataclass(frozen=True, slots=True)
class Probe:
    """A call to be made: a function, its documents, and the case's name in reports."""

    case: str
    function: str
    documents: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Breach:
    """A plugin used what it does not own: which requirement that breaks, in which call, and how it showed."""

    requirement: str
    probe: Probe
    arguments: tuple[int, ...]
    buffer: Buffer | None
    fault: Fault


@dataclass(frozen=True, slots=True)
class Ownership:
    """What came of it: at most one breach for each function, the overlap that ended it, and the calls that were made.

    `stopped`: why it could not be made, if it could not.
    """

    breaches: dict[str, Breach]
    overlap: Breach | None
    calls: Counter[str]
    stopped: str | None = None


class _Stop(Exception):
    """The allocator gives no more, or takes nothing back: there is nothing to learn. `probe`: in which call."""

    def __init__(self, reason: object, probe: Probe) -> None:
        super().__init__(str(reason))
        self.probe = probe


@dataclass(frozen=True, slots=True)
class _Held:
    """A buffer of the host's, with what it wrote there; or one that was given back, with what had stood there."""

    buffer: Buffer
    text: bytes
    part: Part


@dataclass(slots=True)
class _Call:
    """A call that was made."""

    probe: Probe
    arguments: tuple[int, ...]
    outcome: object


@dataclass(slots=True)
class _Run:
    """One run on one plugin. `restored`: the parts whose bytes are put back as they were."""

    plugin: Plugin
    restored: frozenset[Part]
    calls: list[_Call] = field(default_factory=list)
    breach: Breach | None = None
    _held: list[_Held] = field(default_factory=list)
    _guards: list[_Held] = field(default_factory=list)
    _left: dict[str, list[_Held]] = field(default_factory=dict)
    """By function: where the buffers of its last call were."""
    _fresh: list[Buffer] = field(default_factory=list)
    _probe: Probe = Probe("", "")
    _result: tuple[Buffer, bytes] | None = None

    def play(self, script: Sequence[Probe]) -> None:
        """Make the calls, up to the first breach. Raises `_Stop`, and what loading raises."""
        self.plugin.start()
        self.plugin.init()
        self._hold_on()
        traps: Counter[str] = Counter()
        for self._probe in script:
            if traps[self._probe.function] >= TRAPS:
                continue
            exchange = self._call()
            self.calls.append(_Call(self._probe, exchange.arguments, _essence(exchange)))
            if self.breach is not None:
                return
            if exchange.lost:
                if exchange.failed_at is not Stage.CALL:
                    raise _Stop(f"{self._probe.case}: {exchange.failure}", self._probe)
                trap = None if exchange.failure is None else exchange.failure.trap
                endless = trap is not None and trap.code in (TrapCode.FUEL_EXHAUSTED, TrapCode.DEADLINE)
                traps[self._probe.function] += TRAPS if endless else 1
                self._held, self._guards, self._left, self._fresh = [], [], {}, []
            else:
                self._take_up(exchange)

    # -- the host's own buffers

    def _hold_on(self) -> None:
        """Take the buffers that are held all the time, and one where the config was."""
        config = self.plugin.settings.config or b""
        placed = [event for event in self.plugin.heap.events if isinstance(event, Allocated)]
        former = [_Held(Buffer(at.pointer, len(config), at.size), config, Part.CONFIG) for at in placed]
        before, after = KEPT
        for size in (*before, *(held.buffer.size for held in former), *after):
            self._hold(self._held, size, former)

    def _hold(self, where: list[_Held], size: int, former: Sequence[_Held] = ()) -> None:
        """Take a buffer; where a `former` one lay it is that part's, and gets its text back if it is restored."""
        buffer = self._borrow(size)
        if buffer is None:
            return
        self._apart(buffer)
        if self.breach is None and self.plugin.instance is not None and self.plugin.instance.memory is not None:
            there = [held for held in former if held.buffer.overlaps(buffer)]
            written = bytearray([LETTER]) * size
            for held in there:
                if held.part in self.restored:
                    at = held.buffer.pointer - buffer.pointer
                    text = held.text[max(-at, 0) : size - at]
                    written[max(at, 0) : max(at, 0) + len(text)] = text
            self.plugin.instance.memory.write(buffer.pointer, bytes(written))
            where.append(_Held(buffer, bytes(written), there[0].part if there else Part.HOST))

    def _borrow(self, size: int) -> Buffer | None:
        try:
            return self.plugin.heap.borrow(size, None, self._fuel(size))
        except HookError as error:
            raise _Stop(error, self._probe) from None

    def _hand_back(self, buffers: Sequence[Buffer]) -> None:
        try:
            for buffer in buffers:
                self.plugin.heap.hand_back(buffer, self._fuel(buffer.size))
        except HookError as error:
            raise _Stop(error, self._probe) from None

    def _fuel(self, size: int) -> int | None:
        return self.plugin.fuel(size)

    def _live(self) -> Iterator[_Held]:
        yield from self._held
        yield from self._guards
        for left in self._left.values():
            yield from left

    # -- one call

    def _call(self) -> Exchange:
        self._guards, self._fresh, self._result = [], [], None
        if self._probe.documents and self.plugin.instance is not None:
            self._hold(self._guards, len(self._probe.documents[-1]))
        try:
            return self.plugin.exchange(self._probe.function, self._probe.documents, witness=self)
        except LoadError as error:
            raise _Stop(error, self._probe) from None

    def placed(self, inputs: Sequence[Buffer]) -> None:
        """Put a buffer behind the inputs, and see that all lie apart."""
        for buffer in inputs:
            self._apart(buffer)
        for one, other in combinations([buffer for buffer in inputs if buffer.size], 2):
            if one.overlaps(other):
                self._overlapping(one, other)
        if inputs:
            self._hold(self._guards, inputs[-1].length)

    def returned(self, inputs: Sequence[Buffer], result: Buffer | None) -> None:
        """See what the call changed, and whether the allocator takes the call's buffers for free."""
        instance = self.plugin.instance
        if self.breach is not None or instance is None or instance.memory is None:
            return
        arguments = tuple(number for buffer in inputs for number in (buffer.pointer, buffer.length))
        over: _Held | None = None
        if result is not None and not any(result.overlaps(buffer) for buffer in inputs):
            self._result = result, instance.memory.read(result.pointer, result.length)
            # Where the result lies in a buffer of the host's, its bytes were not the plugin's to answer with.
            over = next((held for held in self._live() if _begins_in(result, held.buffer)), None)
            if over is not None and over.part in _READ:
                got = f"the result lies at {result.pointer:#x}, where {_READ[over.part][0]} was"
                fault = Fault("a buffer that is the plugin's own", got, _READ[over.part][1])
                self._found(over.part, arguments, result, fault)
        self._look(inputs, arguments)
        sizes = {buffer.size for buffer in inputs if buffer.size}
        if self._result is not None:
            sizes.add(self._result[0].size)
        damaged = self._result is not None and self._probe.documents and not _is_json(self._result[1])
        for size in sorted(sizes) * (SEARCHES if damaged else 1):
            fresh = self._borrow(size)
            if fresh is None or self.breach is not None:
                continue
            self._fresh.append(fresh)
            if any(buffer.overlaps(fresh) for buffer in inputs if buffer.size):
                self._found("BIFROST-OWN-003", arguments, fresh, _reissued("the input", fresh))
            elif self._result is not None and self._result[0].overlaps(fresh):
                self._found(Part.RESULT, arguments, fresh, _reissued("the result", fresh))
            else:
                self._apart(fresh)
        if result is not None and over is not None:
            # Had it been written to, that would have shown by now: the fault is in the pointer alone.
            got = f"the result lies at {result.pointer:#x}, in a buffer of the host at {over.buffer.pointer:#x}"
            self._found(ANSWERED_WITH, arguments, result, Fault("a buffer of the plugin's own", got, _OWN))

    def _take_up(self, exchange: Exchange) -> None:
        """Hold buffers where those of the call were, in place of those of the function's call before."""
        given_back: list[_Held] = []
        if Owner.INPUT not in self.plugin.settings.heap.withheld:
            # Where the allocator failed, documents are left that have no buffer.
            pairs = zip(exchange.inputs, self._probe.documents, strict=False)
            given_back += [_Held(buffer, document, Part.INPUT) for buffer, document in pairs if buffer.size]
        freed = any(isinstance(event, Freed) and event.owner is Owner.RESULT for event in exchange.events)
        if self._result is not None and freed:
            given_back.append(_Held(*self._result, Part.RESULT))
        left: list[_Held] = []
        for held in given_back:
            self._hold(left, held.buffer.size, given_back)
        before = self._left.get(self._probe.function, [])
        self._left[self._probe.function] = left
        self._hand_back([held.buffer for held in (*self._guards, *before)])
        self._hand_back(self._fresh)
        self._guards, self._fresh = [], []

    # -- what was found

    def _look(self, inputs: Sequence[Buffer], arguments: tuple[int, ...]) -> None:
        memory = self.plugin.instance.memory if self.plugin.instance is not None else None
        assert memory is not None
        for buffer in inputs:
            slack = buffer.size - buffer.length
            behind = memory.read(buffer.pointer + buffer.length, slack)
            if behind != bytes([CANARY]) * slack:
                # An allocator writes there too, when a buffer is freed: it keeps its lists in what nobody uses.
                spare = [self._borrow(each.size) for each in inputs if each.size for _ in range(4)]
                again = next((new for new in spare if new and any(new.overlaps(each) for each in inputs)), None)
                if again is not None:
                    self._found("BIFROST-OWN-003", arguments, again, _reissued("the input", again))
                got = f"bytes behind an input of {buffer.length} bytes were changed"
                self._found(Part.HOST, arguments, buffer, _outside(got))
                return
        changed = [held for held in self._live() if memory.read(held.buffer.pointer, held.buffer.size) != held.text]
        if not changed:
            return
        # What the allocator hands out while it is alive is not the function's fault.
        spare = [self._borrow(held.buffer.size) for held in changed for _ in range(4)]
        for buffer in filter(None, spare):
            self._apart(buffer)
        if self.breach is None:
            held = min(changed, key=lambda held: held.part is not Part.HOST)
            if any(_is_beside(memory, held, buffer) for buffer in inputs):
                self._found(Part.HOST, arguments, held.buffer, _CHANGED[Part.HOST](held.buffer))
            self._found(held.part, arguments, held.buffer, _CHANGED[held.part](held.buffer))

    def _apart(self, buffer: Buffer) -> None:
        for held in self._live():
            if buffer.size and held.buffer.overlaps(buffer):
                self._overlapping(held.buffer, buffer)

    def _overlapping(self, one: Buffer, other: Buffer) -> None:
        got = f"{other.pointer:#x} to {other.pointer + other.size:#x} shares bytes with {one.pointer:#x} to"
        fault = Fault(
            "a buffer of its own",
            f"{got} {one.pointer + one.size:#x}, which was not given back",
            "a buffer is taken until the host gives it back; under a collector keep a reference to it",
        )
        self._found(OVERLAP, (other.size,), other, fault)

    def _found(self, requirement: str, arguments: tuple[int, ...], buffer: Buffer, fault: Fault) -> None:
        if self.breach is None:
            self.breach = Breach(str(requirement), self._probe, arguments, buffer, fault)


def _begins_in(result: Buffer, buffer: Buffer) -> bool:
    """Whether a result begins inside a buffer. One that only reaches into it is longer than it says."""
    return buffer.pointer <= result.pointer < buffer.pointer + buffer.size


def _is_beside(memory: Memory, held: _Held, buffer: Buffer) -> bool:
    """Whether what was changed of a buffer lies next to an input: by a write that missed it, not by a kept pointer."""
    now = memory.read(held.buffer.pointer, held.buffer.size)
    changed = [
        held.buffer.pointer + at for at, (one, other) in enumerate(zip(now, held.text, strict=True)) if one != other
    ]
    return bool(changed) and (
        0 < buffer.pointer - changed[-1] <= BESIDE or 0 <= changed[0] - buffer.pointer - buffer.size < BESIDE
    )


def _reissued(what: str, fresh: Buffer) -> Fault:
    return Fault(
        f"a new buffer apart from {what}, which the host has not given back yet",
        f"a new buffer at {fresh.pointer:#x}, over {what}",
        "free neither inputs nor results: the host does, once (Vec::from_raw_parts on an input frees it, for one)",
    )


def _outside(got: str) -> Fault:
    return Fault("memory of the host as it was", got, "an input ends after its length; there is no room behind it")


def _late(what: str, hint: str) -> Callable[[Buffer], Fault]:
    def fault(buffer: Buffer) -> Fault:
        got = f"memory at {buffer.pointer:#x} was changed, where {what} had been"
        return Fault("memory of the host as it was", got, hint)

    return fault


_COPY = "copy what is needed after the call: the host has given the buffer back, and used it again"
_OWN = "answer with memory of the plugin's own, or with what lies inside the call's own input"
_ALONE = "answer each time with a buffer of its own, or with one that is not the allocator's"
_CHANGED: dict[Part, Callable[[Buffer], Fault]] = {
    Part.HOST: lambda buffer: _outside(f"a buffer of the host at {buffer.pointer:#x} was changed"),
    Part.INPUT: _late("the input of an earlier call", _COPY),
    Part.CONFIG: _late("the config", _COPY),
    Part.RESULT: _late("an earlier result", _ALONE),
}
_READ = {
    Part.INPUT: ("the input of an earlier call", _COPY),
    Part.CONFIG: ("the config, after init", _COPY),
    Part.RESULT: ("an earlier result", _ALONE),
}


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _essence(exchange: Exchange) -> object:
    """What of a call must not depend on bytes that are not the plugin's.

    What follows a complete JSON text is not looked at: that is a fault of its own.
    """
    failure = exchange.failure
    if failure is not None:
        return exchange.failed_at, failure.code, None if failure.trap is None else failure.trap.code
    output = exchange.output or b""
    try:
        # NaN equals nothing, not even itself: as a text it does.
        return json.JSONDecoder(parse_constant=str).raw_decode(output.decode("utf-8", "surrogateescape").lstrip())[0]
    except (ValueError, RecursionError):
        return output


class Factory(Protocol):
    """Makes a plugin on which nothing has run."""

    def __call__(self, scrub: int | None, scrub_config: int | None, withheld: frozenset[Owner], /) -> Plugin:
        """`scrub`, `scrub_config`: what inputs and the config are overwritten with; `withheld`: what is not freed."""


def examine(new_plugin: Factory, script: Sequence[Probe]) -> Ownership:
    """Make the experiment. A function that is found out is left out, and the rest tried anew."""
    breaches: dict[str, Breach] = {}
    calls = Counter(probe.function for probe in script)
    while True:
        rest = [probe for probe in script if probe.function not in breaches]
        try:
            breach = _first_breach(new_plugin, rest)
        except (_Stop, LoadError, HookError) as stop:
            return Ownership(breaches, None, calls, str(stop))
        if breach is None:
            return Ownership(breaches, None, calls)
        if breach.probe.function in breaches or breach.requirement == OVERLAP:
            # An allocator that hands out what is alive explains whatever was found before.
            return Ownership({}, breach, calls)
        breaches[breach.probe.function] = breach


def _first_breach(new_plugin: Factory, script: Sequence[Probe]) -> Breach | None:
    try:
        overwritten = _played(new_plugin, script, frozenset())
    except _Stop as stop:
        # In its first call a function has nothing to free that the host has seen: then it is free that fails.
        first = next(probe for probe in script if probe.function == stop.probe.function) if stop.probe.case else None
        breach = _freed_twice(new_plugin, script, stop.probe) if first not in (None, stop.probe) else None
        if breach is None:
            raise
        return breach
    if overwritten.breach is not None:
        is_overlap = overwritten.breach.requirement == OVERLAP
        twice = _freed_twice(new_plugin, script, overwritten.breach.probe) if is_overlap else None
        return twice or overwritten.breach
    restored = _played(new_plugin, script, frozenset(_READ))
    differs = _first_difference(overwritten, restored)
    if restored.breach is not None or differs is None:
        return restored.breach
    # Which bytes was it? Each part alone is put back as it was.
    for part, (what, hint) in _READ.items():
        alone = _first_difference(overwritten, _played(new_plugin, script, frozenset({part})))
        if alone is not None or part is list(_READ)[-1]:
            call = overwritten.calls[differs if alone is None else alone]
            got = f"the answer changes with what the host writes where {what} was"
            return Breach(str(part), call.probe, call.arguments, None, Fault("an answer from its own bytes", got, hint))
    return None


def _freed_twice(new_plugin: Factory, script: Sequence[Probe], seen: Probe) -> Breach | None:
    """Whether an allocator goes wrong only because the plugin frees what the host frees: then it does well without."""
    for requirement, owner, what in (
        (str(Part.RESULT), Owner.RESULT, "results"),
        ("BIFROST-OWN-003", Owner.INPUT, "inputs"),
    ):
        if not _goes_well(new_plugin, script, frozenset({owner})):
            continue
        alone = {probe.function: [each for each in script if each.function == probe.function] for probe in script}
        blamed = (calls[0] for calls in alone.values() if not _goes_well(new_plugin, calls, frozenset()))
        fault = Fault(
            f"an allocator that works although the host gives {what} back",
            f"it hands out what is alive, or traps; it works where the host gives no {what} back",
            f"do not free {what}, not later either: the host does, once",
        )
        return Breach(requirement, next(blamed, seen), (), None, fault)
    return None


def _goes_well(new_plugin: Factory, script: Sequence[Probe], withheld: frozenset[Owner]) -> bool:
    try:
        return _played(new_plugin, script, frozenset(), withheld).breach is None
    except _Stop:
        return False


def _played(
    new_plugin: Factory,
    script: Sequence[Probe],
    restored: frozenset[Part],
    withheld: frozenset[Owner] = frozenset(),
) -> _Run:
    inputs, config = (None if part in restored else LETTER for part in (Part.INPUT, Part.CONFIG))
    run = _Run(new_plugin(inputs, config, withheld), restored)
    run.play(script)
    return run


def _first_difference(one: _Run, other: _Run) -> int | None:
    pairs = zip(one.calls, other.calls, strict=False)
    return next((number for number, (mine, theirs) in enumerate(pairs) if mine.outcome != theirs.outcome), None)
