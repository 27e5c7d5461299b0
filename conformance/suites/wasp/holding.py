"""Buffers that a host holds while a plugin is called: one run of the experiment on ownership.

The host takes buffers of its own, calls a function, looks at what has changed and at what the allocator hands out
meanwhile, gives everything back, and holds new buffers where that was. The first breach ends the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from conformance.lab.bounds import Fault, call_fuel
from reference_host.abi.buffers import SCRUB
from reference_host.abi.wasp import Exchange, Type
from reference_host.abi.wasp.events import Allocated, Buffer, NotFreed, Oddity, OddText, Owner, SpareReason
from reference_host.abi.wasp.functions import Function
from reference_host.abi.wasp.heap import DEALLOCATE_TYPE
from reference_host.errors import Trap, TrapCode

from .loading import Plugin
from .sizes import HANDED_OUT, HOLDING, string_size
from .values import SMALL, Sending, placed

LETTER = ord("k")
"""Overwrites what the host owns again."""
KEPT = (5, 24, 100, 500, 1_000, 4_096)
"""Bytes of the buffers that are held all the time."""
SPARE = 3
"""How many buffers are asked for where one may be handed out twice: an allocator may have others in front of it."""
TRAPS = 2
"""A function that has trapped so often is left out."""
OVERLAP = "WASP-ALLOC-003"
MADE_HERE = (Owner.INPUT, Owner.CALLBACK_RESULT)


class Part(StrEnum):
    """Whose bytes lay where the host holds a buffer now; the value is the requirement that keeps a plugin off it."""

    INPUT = "WASP-OWN-004"
    RESULT = "WASP-OWN-005"
    HOST = "WASP-OWN-006"


@dataclass(frozen=True, slots=True)
class Probe:
    """A call to be made, and its case's name in reports."""

    case: str
    function: Function
    sending: Sending


@dataclass(frozen=True, slots=True)
class Breach:
    """A function used what it does not own: which requirement that breaks, in which call, and how it showed."""

    requirement: str
    probe: Probe
    arguments: tuple[int | float, ...]
    buffer: Buffer | None
    fault: Fault


@dataclass(frozen=True, slots=True)
class Trapped:
    """`allocate` trapped for a size. `is_full`: the host held what need not fit, and memory could not grow."""

    size: int
    trap: str
    is_full: bool


class Stop(Exception):
    """The allocator gives no more, or takes nothing back: there is nothing to learn. `probe`: in which call."""

    def __init__(self, reason: object, probe: Probe | None, trapped: Trapped | None = None) -> None:
        super().__init__(str(reason))
        self.probe = probe
        self.trapped = trapped


@dataclass(frozen=True, slots=True)
class _Held:
    """A buffer of the host's, with what it wrote there."""

    buffer: Buffer
    text: bytes
    part: Part


@dataclass(frozen=True, slots=True)
class _Used:
    """A buffer of a call, of the host's or of the plugin's, as it has to be given back."""

    buffer: Buffer
    owner: Owner


class Run:
    """One run on one plugin.

    `restored`: the parts whose bytes are put back as they were. `kept`: whose buffers are never given back. `mimics`:
    inputs that were given back are overwritten with those of the function's next call, where these are as long.
    """

    def __init__(
        self, plugin: Plugin, restored: frozenset[Part], kept: frozenset[Owner], *, mimics: bool = False
    ) -> None:
        self._plugin = plugin
        self._restored = restored
        self._kept = kept
        self._mimics = mimics
        self._next: tuple[bytes, ...] = ()
        self.outcomes: list[object] = []
        self.breach: Breach | None = None
        self.repeated: dict[str, Buffer] = {}
        self.is_suspect = False
        """Whether it may be the allocator that is confused, because the plugin freed what the host did."""
        self._probe: Probe | None = None
        self._texts: dict[int, bytes] = {}
        self._renew()

    def _renew(self) -> None:
        self._instance = self._plugin.new_instance(HOLDING)
        self.traffic: list[int] = []
        """What was asked for and given back, as `play_rounds` takes it, by the host alone."""
        self._numbers: dict[int, int] = {}
        self._count = 0
        self._taken: dict[int, int] = {}
        """Bytes of what was handed out and not given back, by address."""
        self._held: list[_Held] = []
        self._guards: list[_Held] = []
        self._left: dict[str, list[_Held]] = {}
        self._former: dict[str, list[Buffer]] = {}
        for size in KEPT:
            self._hold(self._held, size, b"", Part.HOST)

    def play(self, script: Sequence[Probe]) -> None:
        """Make the calls, up to the first breach. Raises `Stop`, and what loading raises."""
        traps: Counter[str] = Counter()
        for number, probe in enumerate(script):
            if self._is_over:
                return
            self._probe = probe
            self._next = _next_inputs(script, number) if self._mimics else ()
            if traps[probe.function.name] >= TRAPS:
                self.outcomes.append(None)
                continue
            exchange = self._call(probe)
            self.outcomes.append(_essence(exchange))
            if exchange.lost:
                trap = None if exchange.failure is None else exchange.failure.trap
                endless = trap is not None and trap.code in (TrapCode.FUEL_EXHAUSTED, TrapCode.DEADLINE)
                traps[probe.function.name] += TRAPS if endless else 1
                self._renew()
            elif not self._is_over:
                self._look(exchange)

    # -- the host's own buffers

    @property
    def _fuel(self) -> int:
        memory = None if self._instance.instance is None else self._instance.instance.memory
        return call_fuel(SMALL, 0 if memory is None else memory.size)

    def _borrow(self, size: int) -> Buffer | None:
        guest = self._instance.instance
        if guest is None or guest.memory is None or not self._plugin.can_allocate:
            return None
        try:
            (pointer,) = guest.call("allocate", size, fuel=self._fuel)
        except Trap as trap:
            is_full = self._plugin.is_full(guest.memory.size, size + sum(self._taken.values()))
            reason = f"allocate({size}) trapped{' where memory had run out' if is_full else ''}: {trap}"
            raise Stop(reason, self._probe, Trapped(size, str(trap), is_full)) from None
        if pointer == 0 or pointer + size > guest.memory.size:
            return None
        self._taken[int(pointer)] = size
        self._note(int(pointer), size)
        return Buffer(int(pointer), size, size)

    def _note(self, pointer: int, size: int) -> None:
        if pointer not in self._numbers:
            self._numbers[pointer] = self._count
            self._count += 1
            self.traffic.append(size)

    def _hand_back(self, buffer: Buffer) -> None:
        guest = self._instance.instance
        if guest is None or self._plugin.exports.get("deallocate") != DEALLOCATE_TYPE:
            return
        self._taken.pop(buffer.pointer, None)
        if buffer.pointer in self._numbers:
            self.traffic.append(~self._numbers.pop(buffer.pointer))
        try:
            guest.call("deallocate", buffer.pointer, buffer.size, fuel=self._fuel)
        except Trap as trap:
            raise Stop(f"deallocate({buffer.pointer:#x}, {buffer.size}) trapped: {trap}", self._probe) from None

    def _hold(self, where: list[_Held], size: int, text: bytes, part: Part) -> None:
        written = (text if part in self._restored else b"").ljust(size, bytes([LETTER]))
        buffer = self._borrow(size)
        guest = self._instance.instance
        if buffer is None or guest is None or guest.memory is None:
            return
        self._apart(buffer)
        if not self._is_over:
            guest.memory.write(buffer.pointer, written)
            where.append(_Held(buffer, written, part))

    def _changed(self) -> list[_Held]:
        guest = self._instance.instance
        if guest is None or guest.memory is None:
            return []
        memory = guest.memory
        return [held for held in self._live() if memory.read(held.buffer.pointer, held.buffer.size) != held.text]

    def _live(self) -> Iterator[_Held]:
        yield from self._held
        yield from self._guards
        for left in self._left.values():
            yield from left

    # -- one call

    def _call(self, probe: Probe) -> Exchange:
        self._guards = []
        size = probe.sending.size
        if size:
            self._hold(self._guards, size, b"", Part.HOST)
        return self._instance.exchange(
            probe.function.name, probe.sending.arguments, asked_for(probe.function), fuel=self._fuel, witness=self
        )

    def placed(self, inputs: Sequence[Buffer]) -> None:
        """Put a buffer behind the inputs, and see that all lie apart."""
        for buffer in inputs:
            self._note(buffer.pointer, buffer.size)
        guest = self._instance.instance
        self._texts = {
            buffer.pointer: guest.memory.read(buffer.pointer, buffer.size)
            for buffer in inputs
            if guest is not None and guest.memory is not None
        }
        for place, buffer in enumerate(inputs):
            self._apart(buffer)
            for other in inputs[:place]:
                if buffer.overlaps(other):
                    self._overlapping(other, buffer)
        if inputs:
            self._hold(self._guards, inputs[-1].size, b"", Part.HOST)

    def returned(self, inputs: Sequence[Buffer], result: Buffer | None) -> None:
        """Nothing is given back by the host of this experiment: all is looked at afterwards."""

    def _look(self, exchange: Exchange) -> None:
        """See what the call changed, and whether the allocator takes what it used for free; then give it back."""
        used = self._used(exchange)
        for each in used:
            self._note(each.buffer.pointer, each.buffer.size)
        arguments = exchange.arguments
        self._look_at_answers(exchange)
        self._look_at_result(exchange, used)
        self._look_at_held(used, arguments)
        if self._is_over:
            return
        fresh: list[Buffer] = []
        for size in sorted({each.buffer.size for each in used}):
            for _ in range(SPARE):
                buffer = self._borrow(size)
                if buffer is None:
                    break
                fresh.append(buffer)
                self._look_at_fresh(buffer, used, arguments)
        if not self._is_over:
            self._give_back(used, fresh)

    def _used(self, exchange: Exchange) -> list[_Used]:
        """The buffers of a call, each once."""
        guest = self._instance.instance
        assert guest is not None
        asked = {event.pointer: event.size for event in exchange.events if isinstance(event, Allocated)}
        used: list[_Used] = []
        for event in exchange.events:
            if not isinstance(event, NotFreed) or event.reason != SpareReason.WITHHELD:
                continue
            size = asked.get(event.pointer) if event.owner in MADE_HERE else self._size(event, exchange)
            if size is not None:
                used.append(_Used(Buffer(event.pointer, size, size), event.owner))
                self._taken[event.pointer] = size
        return used

    def _size(self, event: NotFreed, exchange: Exchange) -> int | None:
        """With which size the host gives back what the plugin handed out."""
        guest, function = self._instance.instance, self._probe.function if self._probe is not None else None
        if guest is None or guest.memory is None or function is None:
            return None
        result = event.owner is Owner.RESULT
        if result and function.signature.result is Type.BYTES:
            return None if exchange.data is None else len(exchange.data) + 4
        if event.owner is Owner.CALLBACK_ARGUMENT and self._plugin.has_bytes_callbacks:
            return None
        size = string_size(guest, event.pointer, self._fuel)
        return None if size is None else size + (0 if self._plugin.returns.demands_length else 1)

    def _look_at_answers(self, exchange: Exchange) -> None:
        """See that what callbacks answered lies apart from all that is alive.

        At the very place of an input it may be the function that has freed that.
        """
        asked = [Buffer(e.pointer, e.size, e.size) for e in exchange.events if isinstance(e, Allocated)]
        for place, buffer in enumerate(asked[len(exchange.inputs) :], len(exchange.inputs)):
            self._apart(buffer)
            for other in asked[:place]:
                if other.pointer != buffer.pointer and buffer.overlaps(other):
                    self._overlapping(other, buffer)

    def _look_at_result(self, exchange: Exchange, used: Sequence[_Used]) -> None:
        probe = self._probe
        if exchange.data is None or not isinstance(exchange.raw, int) or probe is None:
            return
        extra = 4
        if exchange.returns is Type.STRING:
            counted = any(isinstance(e, OddText) and e.oddity is Oddity.COUNTS_TERMINATOR for e in exchange.events)
            extra = 0 if counted else 1
        size = len(exchange.data) + extra
        result = Buffer(exchange.raw, size, size)
        for held in self._live():
            if held.buffer.overlaps(result):
                what, hint = FORMERLY.get(held.part, ("a buffer of the host's", _OWN))
                requirement = "WASP-OWN-002" if held.part is Part.HOST else held.part
                fault = Fault(
                    "a buffer that is the plugin's own",
                    f"the result lies at {result.pointer:#x}, where {what} was",
                    hint,
                )
                self._found(requirement, exchange.arguments, result, fault)
                self.is_suspect = True
                return
        cut = any(isinstance(value, str) and "\0" in value for value in probe.sending.arguments)
        for each in used:
            same = each.buffer.pointer == result.pointer
            whole = same and (each.buffer.size == result.size or cut or each.owner in HANDED_OUT)
            if each.buffer.overlaps(result) and not whole:
                whole_one = f"the {each.owner} of {each.buffer.size} bytes at {each.buffer.pointer:#x}"
                got = f"{size} bytes at {result.pointer:#x}, a part of {whole_one}"
                self._found("WASP-OWN-002", exchange.arguments, result, Fault("a buffer of its own", got, _OWN))
                return
        if not any(each.owner is Owner.RESULT for each in used):
            return
        name = probe.function.name
        if any(buffer.overlaps(result) for buffer in self._former.get(name, ())):
            self.repeated.setdefault(name, result)
        if Owner.RESULT in self._kept:
            self._former.setdefault(name, []).append(result)

    def _look_at_held(self, used: Sequence[_Used], arguments: tuple[int | float, ...]) -> None:
        guest = self._instance.instance
        memory = None if guest is None else guest.memory
        if memory is None:
            return
        changed = self._changed()
        if not changed:
            return
        # What the allocator hands out while it is alive is not the function's fault.
        for held in changed:
            for _ in range(SPARE):
                spare = self._borrow(held.buffer.size)
                if spare is not None:
                    self._look_at_fresh(spare, used, arguments)
        # A write that misses an input by little was seen before this: what is hit here was meant.
        held = min(changed, key=lambda held: held.part is Part.HOST)
        now, part = memory.read(held.buffer.pointer, held.buffer.size), held.part
        first = held.buffer.pointer + next(at for at, (a, b) in enumerate(zip(now, held.text, strict=True)) if a != b)
        what, hint = FORMERLY.get(part, ("a buffer of the host's", OUTSIDE))
        got = f"memory at {first:#x} was changed, where {what} {'is' if part is Part.HOST else 'had been'}"
        self.is_suspect = self.is_suspect or not self._is_over
        self._found(part, arguments, held.buffer, Fault("memory of the host as it was", got, hint))

    def _look_at_fresh(self, buffer: Buffer, used: Sequence[_Used], arguments: tuple[int | float, ...]) -> None:
        over = next((each for each in used if each.buffer.overlaps(buffer)), None)
        if over is None:
            kept = any(buffer.overlaps(former) for each in self._former.values() for former in each)
            if kept:
                self._found(Part.RESULT, arguments, buffer, _reissued("a result", buffer))
            self._apart(buffer)
            return
        requirement = "WASP-OWN-003" if over.owner in MADE_HERE else Part.RESULT
        self.is_suspect = self.is_suspect or self.breach is None
        self._found(requirement, arguments, buffer, _reissued(f"the {over.owner}", buffer))

    def _give_back(self, used: Sequence[_Used], fresh: Sequence[Buffer]) -> None:
        """Overwrite and give back what the call used, and hold buffers where it was, in place of those before."""
        guest = self._instance.instance
        assert guest is not None
        assert guest.memory is not None
        assert self._probe is not None
        texts: list[tuple[_Used, bytes]] = []
        for each in used:
            text = self._texts.get(each.buffer.pointer) if each.owner in MADE_HERE else None
            if each.owner is Owner.INPUT and text is not None:
                text = next((later for later in self._next if len(later) == len(text)), text)
            now = guest.memory.read(each.buffer.pointer, each.buffer.size)
            texts.append((each, now if text is None else text))
            if each.owner in MADE_HERE and Part.INPUT not in self._restored:
                guest.memory.write(each.buffer.pointer, bytes([SCRUB]) * each.buffer.size)
            elif self._mimics and text is not None and len(text) == each.buffer.size:
                guest.memory.write(each.buffer.pointer, text)
            if each.owner not in self._kept:
                self._hand_back(each.buffer)
                if each.owner in HANDED_OUT and (changed := self._changed()):
                    got = f"memory at {changed[0].buffer.pointer:#x} was changed when the {each.owner} was given back"
                    self._found("WASP-OWN-002", (), each.buffer, Fault("a buffer of its own", got, _OWN))
                    return
        name = self._probe.function.name
        former = self._left.get(name, [])
        left: list[_Held] = []
        for each, _ in texts:
            if each.owner not in self._kept:
                self._take_up(left, each.buffer.size, texts)
        self._left[name] = left
        for buffer in (*(held.buffer for held in (*self._guards, *former)), *fresh):
            self._hand_back(buffer)
        self._guards = []

    def _take_up(self, left: list[_Held], size: int, texts: Sequence[tuple[_Used, bytes]]) -> None:
        """Hold a buffer; what lay there before tells whose bytes it had."""
        buffer = self._borrow(size)
        guest = self._instance.instance
        if buffer is None or guest is None or guest.memory is None:
            return
        self._apart(buffer)
        former = next((pair for pair in texts if pair[0].buffer.overlaps(buffer)), None)
        part, text, start = Part.HOST, b"", buffer.pointer
        if former is not None:
            part = Part.INPUT if former[0].owner in MADE_HERE else Part.RESULT
            text, start = former[1], former[0].buffer.pointer
        written = bytearray([LETTER]) * buffer.size
        if part in self._restored:
            for at in range(max(start, buffer.pointer), min(start + len(text), buffer.pointer + buffer.size)):
                written[at - buffer.pointer] = text[at - start]
        if not self._is_over:
            guest.memory.write(buffer.pointer, bytes(written))
            left.append(_Held(buffer, bytes(written), part))

    # -- what was found

    def _apart(self, buffer: Buffer) -> None:
        for held in self._live():
            if buffer.size and held.buffer.overlaps(buffer):
                self._overlapping(held.buffer, buffer)

    def _overlapping(self, one: Buffer, other: Buffer) -> None:
        mine, theirs = (f"{b.pointer:#x} to {b.pointer + b.size:#x}" for b in (other, one))
        fault = Fault(
            "a buffer of its own",
            f"{mine} shares bytes with {theirs}, which was not given back",
            "a buffer is taken until the host gives it back; under a collector keep a reference to it",
        )
        if not self._is_over:
            self.is_suspect = True
        self._found(OVERLAP, (other.size,), other, fault)

    @property
    def _is_over(self) -> bool:
        return self.breach is not None

    def _found(self, requirement: str, arguments: tuple[int | float, ...], buffer: Buffer, fault: Fault) -> None:
        if not self._is_over and self._probe is not None:
            self.breach = Breach(str(requirement), self._probe, arguments, buffer, fault)


_COPY = "copy what is needed after the call: the host has given the buffer back, and used it again"
_OWN = "answer with a buffer of the exported allocator, or with an input as a whole"
OUTSIDE = "a string ends at its terminator, bytes after their number; there is no room behind them"
_ALONE = "hand out a new buffer each time: the host gives it back when the call is over"
FORMERLY = {
    Part.INPUT: ("an input of an earlier call", _COPY),
    Part.RESULT: ("what was handed out in an earlier call", _ALONE),
}


def _next_inputs(script: Sequence[Probe], number: int) -> tuple[bytes, ...]:
    """The inputs of the next call of the same function, as they lie in memory."""
    name = script[number].function.name
    later = next((probe for probe in script[number + 1 :] if probe.function.name == name), None)
    return () if later is None else tuple(filter(None, map(placed, later.sending.arguments)))


def _reissued(what: str, fresh: Buffer) -> Fault:
    return Fault(
        f"a new buffer apart from {what}, which the host has not given back yet",
        f"a new buffer at {fresh.pointer:#x}, over {what}",
        "free neither what comes in nor what goes out: the host does, once (Vec::from_raw_parts frees it, for one)",
    )


def _essence(exchange: Exchange) -> object:
    """What of a call must not depend on bytes that are not the plugin's."""
    failure = exchange.failure
    if failure is None or exchange.raised:
        return exchange.data if exchange.data is not None else exchange.raw, exchange.raised
    return exchange.failed_at, failure.code, None if failure.trap is None else failure.trap.code


def asked_for(function: Function) -> Type:
    """What a host can ask a function for: numbers that are no i32 are not read."""
    result = function.signature.result
    return result if result in (Type.STRING, Type.BYTES, Type.I32) else Type.NONE
