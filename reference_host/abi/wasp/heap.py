"""wasp: values in the guest's memory, and whose turn it is to give them back.

What goes in is copied into a buffer that the guest's `allocate` gave; what comes out is read where the guest says. The
host keeps every address that it met during a call, and gives each to `deallocate` once, when the call is over: what it
asked for itself, and what the guest answered with or passed to a function of the host's. Memory is looked up again
after every guest call, because any of them may grow it.

Source: engine of wasp, `instance.go`: what is recorded, and freed with which size. Stands: the size of a string that
the guest made is its length and the terminator; static data and address 0 are never given back; an address that came up
twice is given back with the size that the host asked for, if it did; buffers are given back in the order in which they
came up (the real host has no order).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reference_host.abi.buffers import CANARY, LONGEST, overwritten
from reference_host.abi.wasp.events import (
    Allocated,
    Buffer,
    ErrorRaised,
    Event,
    Freed,
    FreeFailed,
    NotFreed,
    Oddity,
    OddText,
    Owner,
    Recorded,
    SpareReason,
    Stage,
)
from reference_host.abi.wasp.types import Type, Value
from reference_host.engine.binary import DataSegment
from reference_host.engine.interface import ExternType, FuncType, Instance, Memory, MemoryType, Number, ValueType
from reference_host.errors import (
    AllocationFailed,
    ArgumentMismatch,
    DeallocationFailed,
    HookError,
    MemoryAccessError,
    StringSizeFailed,
    Trap,
    ValueOutOfBounds,
    ValueTooLong,
)

ALLOCATE_TYPE = FuncType((ValueType.I32,), (ValueType.I32,))
STRING_SIZE_TYPE = ALLOCATE_TYPE
DEALLOCATE_TYPE = FuncType((ValueType.I32, ValueType.I32))

_MADE_HERE = (Owner.INPUT, Owner.CALLBACK_RESULT)
"""Whose buffers the host asked for itself."""


@dataclass(frozen=True, slots=True)
class HeapPolicy:
    """How a suite wants buffers treated; the default treats them as the documents say, and no other way.

    `slack`: bytes that are asked for beyond the value, filled with `CANARY`. `scrub`: the byte that a buffer of the
    host's is overwritten with just before it is given back. `doubts`: what looks like no buffer of its own is not given
    back: a result within an input, and text that is no UTF-8. `withheld`: whose buffers are never given back.
    `newest_first`: the order of giving back. `strip_terminator`: a NUL at the end of a string is no part of its value.
    `longest`: bytes of a string or of bytes that are taken from the guest.
    """

    slack: int = 0
    scrub: int | None = None
    doubts: bool = False
    withheld: frozenset[Owner] = frozenset()
    newest_first: bool = False
    strip_terminator: bool = False
    longest: int = LONGEST


PLAIN = HeapPolicy()


class Layout:
    """What a module's exports and data segments say about its memory; made once for a module."""

    def __init__(self, exports: dict[str, ExternType], segments: Sequence[DataSegment]) -> None:
        self.memory = isinstance(exports.get("memory"), MemoryType)
        self.no_room = _defect(exports, "allocate", ALLOCATE_TYPE)
        self.no_string_size = _defect(exports, "get_string_size", STRING_SIZE_TYPE)
        deallocate = exports.get("deallocate")
        # Results of `deallocate` are ignored, as the real host does.
        self.frees = isinstance(deallocate, FuncType) and deallocate.parameters == DEALLOCATE_TYPE.parameters
        if not self.memory:
            self.no_room = self.no_string_size = "the module exports no memory"
        ranges = sorted((s.offset, s.offset + len(s.data)) for s in segments if s.data)
        self._starts = [start for start, _end in ranges]
        self._ends: list[int] = []
        for _start, end in ranges:
            self._ends.append(max(end, self._ends[-1] if self._ends else 0))

    def is_static(self, pointer: int) -> bool:
        """Whether an address lies in an active data segment."""
        at = bisect_right(self._starts, pointer) - 1
        return at >= 0 and pointer < self._ends[at]


def _defect(exports: dict[str, ExternType], name: str, type_: FuncType) -> str | None:
    found = exports.get(name)
    if found is None:
        return f"the module exports no {name}"
    return None if found == type_ else f"{name} has type {found}, expected {type_}"


class Frame:
    """One call on its way: what is kept for its end, and what was seen. Events are kept raw until somebody asks."""

    __slots__ = (
        "arguments", "budget", "data", "failed_at", "failure", "fuel", "kind", "log", "made", "name", "raised", "raw",
        "records", "stage", "value",
    )  # fmt: skip

    def __init__(self, name: str, kind: Type, budget: int | None) -> None:
        self.name = name
        self.kind = kind
        self.budget = budget
        self.arguments: tuple[Number, ...] = ()
        self.made: list[tuple[Owner, int, int, int]] = []
        self.records: dict[int, tuple[int, Owner]] = {}
        self.raised: list[str] = []
        self.log: list[tuple[Any, ...]] = []
        self.stage = Stage.ALLOCATE
        self.raw: Number | None = None
        self.value: Value | None = None
        self.data: bytes | None = None
        self.fuel: int | None = None
        self.failure: HookError | None = None
        self.failed_at: Stage | None = None

    @property
    def events(self) -> tuple[Event, ...]:
        """What was seen."""
        return tuple(kind(*fields) for kind, *fields in self.log)

    @property
    def inputs(self) -> tuple[Buffer, ...]:
        """The buffers of the arguments."""
        return tuple(
            Buffer(pointer, length, size) for owner, pointer, length, size in self.made if owner is Owner.INPUT
        )


class Heap:
    """Carries values into and out of the memory of one instance.

    It is handed the instance at each use, because functions that the engine holds refer to the heap: it must not refer
    back. `faithful`: whether it has the defects of the real host.
    """

    def __init__(self, layout: Layout, policy: HeapPolicy, *, faithful: bool) -> None:
        self._layout = layout
        self._policy = policy
        self._faithful = faithful
        self.frames: list[Frame] = []
        """The calls on their way, the innermost last."""

    # -- in ----------------------------------------------------------------------------------------

    def place(self, instance: Instance, frame: Frame, value: Value, owner: Owner) -> int:
        """Copy a string or bytes into a buffer of the guest's: its address.

        Raises `AllocationFailed`, and `ArgumentMismatch` for a string with a lone surrogate.
        """
        if isinstance(value, bytes):
            content = len(value).to_bytes(4, "little") + value
        else:
            assert isinstance(value, str)
            try:
                content = value.encode() + b"\0"
            except UnicodeEncodeError:
                raise ArgumentMismatch(frame.name, f"{value[:40]!r} has a lone surrogate: it is no text") from None
        size = len(content) + self._policy.slack
        pointer, memory = self._allocate(instance, frame, size)
        if pointer == 0 and not self._faithful:
            raise AllocationFailed(frame.name, f"allocate({size}) answered 0")
        try:
            if self._faithful:
                self._record(frame, pointer, size, owner)
                if isinstance(value, str):
                    _write_as_the_real_host(memory, pointer, value, size)
                else:
                    memory.write(pointer, content)
            else:
                memory.write(pointer, content + bytes([CANARY]) * self._policy.slack if self._policy.slack else content)
                self._record(frame, pointer, size, owner)
        except MemoryAccessError:
            if not self._faithful:
                frame.log.append((NotFreed, pointer, owner, SpareReason.UNREAD))
            detail = f"allocate({size}) answered {pointer:#x}, which does not fit into {memory.size:#x} bytes"
            raise AllocationFailed(frame.name, detail) from None
        frame.made.append((owner, pointer, len(content), size))
        return pointer

    def _allocate(self, instance: Instance, frame: Frame, size: int) -> tuple[int, Memory]:
        if self._layout.no_room is not None:
            raise AllocationFailed(frame.name, self._layout.no_room)
        try:
            (pointer,) = instance.call("allocate", size, fuel=frame.budget)
        except Trap as trap:
            raise AllocationFailed(frame.name, f"allocate({size}) trapped: {trap}", trap) from None
        memory = instance.memory
        assert memory is not None
        frame.log.append((Allocated, pointer, size, memory.size))
        return int(pointer), memory

    # -- out ---------------------------------------------------------------------------------------

    def take_string(self, instance: Instance, frame: Frame, pointer: int, owner: Owner) -> tuple[str, bytes]:
        """Copy a string out: its text and its bytes. Raises `StringSizeFailed`, `ValueOutOfBounds`, `ValueTooLong`."""
        size = self._string_size(instance, frame, pointer, owner)
        memory = instance.memory
        assert memory is not None
        room = self._room_behind(frame, memory, pointer, size, owner)
        data = memory.read(pointer, size + 1 if room else size)
        terminated = room and data[size] == 0
        if room:
            data = data[:size]
        self._record(frame, pointer, size if self._faithful else size + 1, owner)
        if not terminated:
            frame.log.append((OddText, pointer, owner, Oddity.NO_TERMINATOR, data))
        if b"\0" in data:
            last = data.index(0) == size - 1
            frame.log.append((
                OddText, pointer, owner, Oddity.COUNTS_TERMINATOR if last else Oddity.EMBEDDED_NUL, data,
            ))  # fmt: skip
        try:
            text = data.decode()
        except UnicodeDecodeError:
            frame.log.append((OddText, pointer, owner, Oddity.NOT_UTF8, data))
            text = data.decode("utf-8", "replace")
        if self._policy.strip_terminator:
            text = text.removesuffix("\0")
        return text, data

    def take_bytes(self, instance: Instance, frame: Frame, pointer: int, owner: Owner) -> bytes:
        """Copy bytes out. Raises `ValueOutOfBounds`, `ValueTooLong`."""
        memory = instance.memory
        if memory is None or not self._layout.memory:
            raise ValueOutOfBounds(frame.name, "the module exports no memory")
        self._room_behind(frame, memory, pointer, 4, owner)
        length = int.from_bytes(memory.read(pointer, 4), "little")
        self._room_behind(frame, memory, pointer, length + 4, owner)
        self._record(frame, pointer, length + 4, owner)
        return memory.read(pointer + 4, length)

    def take_error(self, instance: Instance, frame: Frame, pointer: int) -> None:
        """Copy the text of an error out. Raises what `take_string` does."""
        text, _data = self.take_string(instance, frame, pointer, Owner.ERROR)
        frame.raised.append(text)
        frame.log.append((ErrorRaised, pointer, text))

    def _string_size(self, instance: Instance, frame: Frame, pointer: int, owner: Owner) -> int:
        if self._layout.no_string_size is not None:
            frame.log.append((NotFreed, pointer, owner, SpareReason.UNREAD))
            raise StringSizeFailed(frame.name, self._layout.no_string_size)
        try:
            (size,) = instance.call("get_string_size", pointer, fuel=frame.budget)
        except Trap as trap:
            frame.log.append((NotFreed, pointer, owner, SpareReason.UNREAD))
            raise StringSizeFailed(frame.name, f"get_string_size({pointer:#x}) trapped: {trap}", trap) from None
        return int(size)

    def _room_behind(self, frame: Frame, memory: Memory, pointer: int, size: int, owner: Owner) -> int:
        """Hold a length against memory, before anything is made of it: the bytes that memory has behind it."""
        available, longest = memory.size, self._policy.longest
        room = available - pointer - size
        if room >= 0 and size <= longest:
            return room
        frame.log.append((NotFreed, pointer, owner, SpareReason.UNREAD))
        what = f"the {owner} has {size:#x} bytes at {pointer:#x}"
        if room < 0:
            raise ValueOutOfBounds(frame.name, f"{what}, in a memory of {available:#x} bytes")
        raise ValueTooLong(frame.name, f"{what}, the host takes {longest:#x}")

    # -- back --------------------------------------------------------------------------------------

    def _record(self, frame: Frame, pointer: int, size: int, owner: Owner) -> None:
        former = frame.records.get(pointer)
        if former is not None:
            # Without defects the host knows best what it asked for itself.
            kept = (size, owner) if self._faithful or former[1] not in _MADE_HERE else former
            frame.log.append((Recorded, pointer, owner, size, kept[0]))
            frame.records[pointer] = kept
        else:
            frame.records[pointer] = (size, owner)

    def give_back(self, instance: Instance, frame: Frame) -> None:
        """Give every buffer of a call back, once; a `deallocate` that traps is an event, and no more."""
        records = list(frame.records.items())
        frame.records = {}
        frame.stage = Stage.FREE
        if self._policy is not PLAIN:
            self._look_after(instance, frame)
            if self._policy.newest_first:
                records.reverse()
        lost = not instance.alive
        for pointer, (size, owner) in records:
            reason = SpareReason.INSTANCE_LOST if lost else self._spared(frame, pointer, owner)
            if reason is not None:
                frame.log.append((NotFreed, pointer, owner, reason))
                continue
            try:
                instance.call("deallocate", pointer, size, fuel=frame.budget)
            except Trap as trap:
                failure = DeallocationFailed(frame.name, f"deallocate({pointer:#x}, {size}) trapped: {trap}", trap)
                frame.log.append((FreeFailed, pointer, owner, failure))
                lost = not instance.alive
            except HookError as failed:
                frame.log.append((FreeFailed, pointer, owner, failed.with_traceback(None)))
                lost = not instance.alive
            else:
                frame.log.append((Freed, pointer, size, owner))
        frame.log += [(NotFreed, pointer, owner, SpareReason.LATE) for pointer, (_, owner) in frame.records.items()]

    def _spared(self, frame: Frame, pointer: int, owner: Owner) -> SpareReason | None:
        if not self._layout.frees:
            return SpareReason.NO_DEALLOCATE
        if self._faithful:
            return None
        if owner not in _MADE_HERE:
            if pointer == 0:
                return SpareReason.ZERO
            if self._layout.is_static(pointer):
                return SpareReason.STATIC
            if self._policy.doubts and self._doubtful(frame, pointer):
                return SpareReason.DOUBTFUL
        return SpareReason.WITHHELD if owner in self._policy.withheld else None

    def _doubtful(self, frame: Frame, pointer: int) -> bool:
        within = any(start < pointer < start + size for _owner, start, _length, size in frame.made)
        return within or any(
            entry[0] is OddText and entry[1] == pointer and entry[3] is Oddity.NOT_UTF8 for entry in frame.log
        )

    def _look_after(self, instance: Instance, frame: Frame) -> None:
        memory = instance.memory
        assert memory is not None
        for _owner, pointer, length, size in frame.made:
            if self._policy.slack:
                found = overwritten(memory, Buffer(pointer, length, size))
                if found is not None:
                    frame.log.append((type(found), found.pointer, found.length, found.first_changed))
            if self._policy.scrub is not None and instance.alive:
                memory.write(pointer, bytes([self._policy.scrub]) * size)


def _write_as_the_real_host(memory: Memory, pointer: int, text: str, size: int) -> None:
    """Write the low byte of each character where its first byte belongs, and the terminator one byte too far."""
    if text.isascii():
        memory.write(pointer, text.encode())
    else:
        content = bytearray(memory.read(pointer, size - 1))
        at = 0
        for character in text:
            content[at] = ord(character) & 0xFF
            at += len(character.encode())
        memory.write(pointer, bytes(content))
    memory.write(pointer + size, b"\0")
