"""What a function reads and writes behind its inputs: shown by bytes that the host asks for beyond the value.

The function gets the very pointer that `allocate` answered. A plugin that looks up how large the buffer is (in a header
of its own) is right to use all of it: such a one is told by buffers of another size, and is not judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

from conformance.lab.bounds import call_fuel
from reference_host.abi.buffers import CANARY
from reference_host.abi.wasp import HeapPolicy, Type
from reference_host.abi.wasp.events import Allocated, Buffer, Event, InputOverwritten
from reference_host.abi.wasp.functions import Function
from reference_host.engine.interface import Instance as Guest
from reference_host.errors import GuestError, Trap

from .holding import MADE_HERE, asked_for
from .loading import Plugin
from .values import SMALL, Sending, examples, usual, variants

NEAR, FAR = 16, 300
"""Bytes behind the value. What a function writes that knows no size is shorter than the larger one."""
FILLS = (CANARY, 0x6B, 0)
LONGER = (CANARY, 0)
"""What is behind where there are more bytes: a function that goes on to a zero stops at the first of these."""
FEW = 20
"""Bytes up to which a value of every length is sent."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A call that went beyond an input: its name, what it was called with, and the input."""

    name: str
    arguments: tuple[int | float, ...]
    buffer: Buffer
    got: str


@dataclass(frozen=True, slots=True)
class Edges:
    """What one function did: the first call that `read` and the first that `wrote` behind an input; `calls` in all."""

    calls: int
    read: Edge | None
    wrote: Edge | None


@dataclass(frozen=True, slots=True)
class _Seen:
    name: str
    outcome: object
    arguments: tuple[int | float, ...]
    inputs: tuple[Buffer, ...]
    wrote: Edge | None


class _Behind:
    """Fills what is behind the inputs of a call, and keeps it to compare."""

    def __init__(self, guest: Guest, fill: int) -> None:
        self._guest = guest
        self._fill = fill

    def placed(self, inputs: Sequence[Buffer]) -> None:
        """Fill the bytes behind each input."""
        memory = self._guest.memory
        for buffer in inputs:
            slack = buffer.size - buffer.length
            if memory is not None and slack:
                memory.write(buffer.pointer + buffer.length, bytes([self._fill]) * slack)

    def returned(self, inputs: Sequence[Buffer], result: Buffer | None) -> None:
        """Nothing is to be done then."""

    def changed(self, name: str, arguments: tuple[int | float, ...], inputs: Sequence[Buffer]) -> Edge | None:
        """The first input behind which bytes were changed, but not all of them."""
        memory = self._guest.memory
        for buffer in inputs:
            behind = b"" if memory is None else memory.read(buffer.pointer + buffer.length, buffer.size - buffer.length)
            at = next((place for place, byte in enumerate(behind) if byte != self._fill), None)
            if at is not None and behind[-1] == self._fill:
                got = f"byte {buffer.length + at} of an input of {buffer.length} bytes was changed"
                return Edge(name, arguments, buffer, got)
        return None


def look_behind(plugin: Plugin, function: Function) -> Edges:
    """Call a function with small values, five times: with other bytes behind each, and with more of them."""
    script = [*examples(function), *variants(function, most=min(SMALL, plugin.most)), *_lengths(function)]
    runs = [(_play(plugin, function, script, NEAR, fill), fill) for fill in FILLS]
    longer = {fill: _play(plugin, function, script, FAR, fill) for fill in LONGER}
    read: Edge | None = None
    for (near, fill), (others, other) in permutations(runs, 2):
        if read is None and fill in longer:
            number = next(_differing(near, others, longer[fill]), None)
            # What differs may come of an earlier input that was kept: then it is not this one's filling that counts.
            mixed = () if number is None else _play(plugin, function, script[: number + 1], NEAR, fill, last=other)
            if number is not None and mixed and mixed[-1].outcome != near[number].outcome:
                one = near[number]
                read = Edge(one.name, one.arguments, one.inputs[-1], "the answer changes with the bytes behind")
    wrote = next((seen.wrote for seen in longer[CANARY] if seen.wrote is not None), None)
    return Edges(len(script), read, wrote)


def _differing(near: Sequence[_Seen], others: Sequence[_Seen], longer: Sequence[_Seen]) -> Iterator[int]:
    """The calls whose answers change with the bytes behind, and not with how many there are."""
    for number, (one, two, three) in enumerate(zip(near, others, longer, strict=False)):
        if one.outcome != two.outcome and one.outcome == three.outcome and one.inputs:
            yield number


def _lengths(function: Function) -> Iterator[Sending]:
    """The usual arguments with each string and bytes among them replaced by a value of every small length."""
    given = usual(function)
    for place, type_ in enumerate(function.signature.parameters):
        for length in range(FEW + 1):
            text = "abcdefghijklmnopqrstuvwxyz"[:length]
            if type_ in (Type.STRING, Type.BYTES):
                value = text if type_ is Type.STRING else text.encode()
                yield Sending(f"{place + 1}-length-{length}", (*given[:place], value, *given[place + 1 :]))


def _shared(events: Sequence[Event]) -> bool:
    """Whether two buffers that the host asked for in one call, and has not given back, share a byte."""
    asked = [Buffer(event.pointer, event.size, event.size) for event in events if isinstance(event, Allocated)]
    return any(one.overlaps(other) for one, other in combinations(asked, 2))


def _was_freed(guest: Guest, buffer: Buffer, result: object) -> bool:
    """Whether an input that the host has not given back holds the result, or is handed out again, in whole or part."""
    if isinstance(result, int) and buffer.pointer < result < buffer.pointer + buffer.size:
        return True
    for size in (buffer.size, 8, 24, 64, 100, 200) * 4:
        memory = 0 if guest.memory is None else guest.memory.size
        try:
            (pointer,) = guest.call("allocate", size, fuel=call_fuel(size, memory))
        except Trap:
            return False
        if Buffer(int(pointer), size, size).overlaps(buffer):
            return True
    return False


def _play(
    plugin: Plugin, function: Function, script: Sequence[Sending], slack: int, fill: int, *, last: int | None = None
) -> list[_Seen]:
    """Make the calls with so many bytes behind each input, all `fill`; or `last` behind those of the last call."""
    policy = HeapPolicy(strip_terminator=True, slack=slack, withheld=frozenset(MADE_HERE), longest=2**30)
    instance = plugin.new_instance(policy)
    seen: list[_Seen] = []
    for number, sending in enumerate(script, 1):
        if last is not None and number == len(script):
            fill = last
        if not instance.alive:
            instance = plugin.new_instance(policy)
        guest = instance.instance
        assert guest is not None
        behind = _Behind(guest, fill)
        memory = 0 if guest.memory is None else guest.memory.size
        exchange = instance.exchange(
            function.name, sending.arguments, asked_for(function), fuel=call_fuel(sending.size, memory), witness=behind
        )
        failure = exchange.failure
        fine = failure is None or isinstance(failure, GuestError)
        outcome = (
            (exchange.data, exchange.raw if exchange.data is None else None, exchange.raised) if fine else "failed"
        )
        # The host notices itself what is changed behind the answer of a callback; it fills with its own byte.
        events = (event for event in exchange.events if isinstance(event, InputOverwritten) and fill == CANARY)
        answers = (Buffer(event.pointer, event.length, event.length + slack) for event in events)
        made = (*exchange.inputs, *answers)
        wrote = behind.changed(sending.name, exchange.arguments, made) if fine else None
        if _shared(exchange.events):
            # What the host wrote itself, in a buffer over another, is not the function's.
            wrote = None
        if wrote is not None and _was_freed(guest, wrote.buffer, exchange.raw):
            # An allocator writes there too, when a buffer is freed: it keeps its lists in what nobody uses.
            wrote = None
        seen.append(_Seen(sending.name, outcome, exchange.arguments, exchange.inputs, wrote))
        if not fine:
            # One that does not come back has rules of its own, and may not come to an end.
            break
    return seen
