"""Bifrost: what the host saw while it ran a plugin. Facts only; a suite judges them.

Pointers and lengths are unsigned bytes. `size` of a buffer is what `malloc` was asked for, which may exceed the length
of the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reference_host.errors import HookError


class Owner(StrEnum):
    """Whose words a buffer carries."""

    INPUT = "input"
    """The host asked for it and wrote a document into it."""
    RESULT = "result"
    """The guest answered with it."""


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
    """A buffer that was not given back: `no-free`, `zero`, `same-as-input`, `doubtful`, `withheld`, `instance-lost`.

    `doubtful`: a result that is no whole object, on a host that gives no such one back. `withheld`: on a host that
    gives none back. `zero`: it lies at address 0. `same-as-input`: the result shares bytes with an input, which is
    given back as such.
    """

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


Event = Allocated | Freed | NotFreed | FreeFailed | InputOverwritten


@dataclass(frozen=True, slots=True)
class Buffer:
    """A range of linear memory: `length` bytes of text in an allocation of `size` bytes."""

    pointer: int
    length: int
    size: int

    def overlaps(self, other: Buffer) -> bool:
        """Whether the two allocations share a byte."""
        return self.pointer < other.pointer + other.size and other.pointer < self.pointer + self.size


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call of a guest function that answers with a packed result, from the first `malloc` to the last `free`.

    `arguments`: what the function was called with. `raw`: the packed result, None where the function was not reached or
    trapped. `output`: a copy of the bytes that `raw` points to; None where there are none to read. `failure`: why the
    answer cannot be used, if it cannot, and `failed_at` at which step. `memory_size`: bytes of linear memory at the
    end, None where the instance was lost.
    """

    function: str
    inputs: tuple[Buffer, ...]
    raw: int | None
    output: bytes | None
    failure: HookError | None
    failed_at: Stage | None
    events: tuple[Event, ...]
    memory_size: int | None

    @property
    def lost(self) -> bool:
        """Whether the guest was aborted on the way, in whatever function: its instance is not to be used again."""
        if self.failure is None:
            return False
        return self.failure.trap is not None or any(isinstance(event, FreeFailed) for event in self.events)

    @property
    def arguments(self) -> tuple[int, ...]:
        """Pointer and length of each document."""
        return tuple(number for buffer in self.inputs for number in (buffer.pointer, buffer.length))

    @property
    def pointer(self) -> int | None:
        """The upper half of the packed result."""
        return None if self.raw is None else self.raw >> 32

    @property
    def length(self) -> int | None:
        """The lower half of the packed result."""
        return None if self.raw is None else self.raw & 0xFFFF_FFFF
