"""Buffers that cross between a host and a guest: what the host saw of them, the same for every plugin system.

Facts only; a suite judges them. Pointers and lengths are unsigned bytes. `size` of a buffer is what the allocator was
asked for, which may exceed the length of what lies in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from reference_host.engine.interface import Memory
from reference_host.errors import HookError

CANARY = 0xA5
"""What the host writes behind the text, where it asked for more room than the text needs."""
SCRUB = 0xB5
"""What a suite lets the host leave in an input buffer that it gives back. Neither byte can begin a character."""

LONGEST = 64 * 2**20
"""Bytes that are taken for one text, where a pointer or a length may be any number."""


class Owner(StrEnum):
    """Whose words a buffer carries."""

    INPUT = "input"
    """The host asked for it and wrote a document or an argument into it."""
    RESULT = "result"
    """The guest answered with it."""
    CALLBACK_ARGUMENT = "callback-argument"
    """The guest passed it to a function of the host's."""
    CALLBACK_RESULT = "callback-result"
    """The host asked for it and answered a call of the guest's with it."""
    ERROR = "error"
    """The guest reported an error with it."""


class Stage(StrEnum):
    """The step of an exchange at which it failed."""

    ALLOCATE = "allocate"
    CALL = "call"
    RESULT = "result"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Allocated:
    """The allocator was asked for `size` bytes and answered `pointer`; memory had `memory_size` bytes afterwards."""

    pointer: int
    size: int
    memory_size: int


@dataclass(frozen=True, slots=True)
class Freed:
    """The host gave a buffer back, with the size that it passed (None where `free` takes a pointer only)."""

    pointer: int
    size: int | None
    owner: Owner


@dataclass(frozen=True, slots=True)
class NotFreed:
    """A buffer that was not given back; the rooms of plugin systems list their `reason`s."""

    pointer: int
    owner: Owner
    reason: str


@dataclass(frozen=True, slots=True)
class FreeFailed:
    """`free` trapped on a buffer that the host had to give back."""

    pointer: int
    owner: Owner
    failure: HookError


@dataclass(frozen=True, slots=True)
class InputOverwritten:
    """The guest changed bytes behind the text of an input buffer (the host had asked for more than the text needs)."""

    pointer: int
    length: int
    first_changed: int


@dataclass(frozen=True, slots=True)
class Buffer:
    """A range of linear memory: `length` bytes of text in an allocation of `size` bytes."""

    pointer: int
    length: int
    size: int

    def overlaps(self, other: Buffer) -> bool:
        """Whether the two allocations share a byte."""
        return self.pointer < other.pointer + other.size and other.pointer < self.pointer + self.size


class Witness(Protocol):
    """Looks at an exchange from within, while its buffers are alive; it may borrow buffers, and must give them back."""

    def placed(self, inputs: Sequence[Buffer]) -> None:
        """All inputs lie in memory; the function is called next."""

    def returned(self, inputs: Sequence[Buffer], result: Buffer | None) -> None:
        """The function has answered, and nothing was given back yet. `result` is None where it is empty."""


def overwritten(memory: Memory, buffer: Buffer) -> InputOverwritten | None:
    """Tell where the canary behind the text of an input buffer was changed; None where it is whole."""
    behind = memory.read(buffer.pointer + buffer.length, buffer.size - buffer.length)
    if behind.count(CANARY) == len(behind):
        return None
    changed = next(index for index, byte in enumerate(behind) if byte != CANARY)
    return InputOverwritten(buffer.pointer, buffer.length, buffer.length + changed)
