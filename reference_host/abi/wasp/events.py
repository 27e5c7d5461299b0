"""wasp: what the host saw while it called a function. Facts only; a suite judges them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reference_host.abi.buffers import (
    Allocated,
    Buffer,
    Freed,
    FreeFailed,
    InputOverwritten,
    NotFreed,
    Owner,
    Stage,
)
from reference_host.abi.wasp.types import Type, Value
from reference_host.engine.interface import Number
from reference_host.errors import HookError

__all__ = [
    "Allocated",
    "Buffer",
    "CallbackCalled",
    "ErrorRaised",
    "Event",
    "Exchange",
    "FreeFailed",
    "Freed",
    "InputOverwritten",
    "NotFreed",
    "OddText",
    "Oddity",
    "Owner",
    "Recorded",
    "SpareReason",
    "Stage",
]


class SpareReason(StrEnum):
    """Why a buffer was not given back: the `reason` of `NotFreed`."""

    NO_DEALLOCATE = "no-deallocate"
    """The module exports no `deallocate` of two i32."""
    STATIC = "static"
    """It lies in an active data segment, so it came from no allocator: a foreign address."""
    ZERO = "zero"
    ERROR_RAISED = "error-raised"
    """A result that was not looked at, because the guest reported an error: if it is a buffer, it leaks."""
    UNREAD = "unread"
    """What lies there could not be read."""
    LATE = "late"
    """The guest handed it out while the host was giving buffers back."""
    DOUBTFUL = "doubtful"
    """It looks like no buffer of its own, on a host that gives no such one back (`HeapPolicy.doubts`)."""
    WITHHELD = "withheld"
    """On a host that gives none back (`HeapPolicy.withheld`)."""
    INSTANCE_LOST = "instance-lost"


class Oddity(StrEnum):
    """What is odd about a string of the guest's; none of it keeps the host from reading it."""

    NOT_UTF8 = "not-utf8"
    """It was decoded with replacement characters."""
    NO_TERMINATOR = "no-terminator"
    """No NUL follows it."""
    COUNTS_TERMINATOR = "counts-terminator"
    """Its last byte is a NUL: `get_string_size` counts the terminator."""
    EMBEDDED_NUL = "embedded-nul"
    """A NUL is among the bytes before the last."""


@dataclass(frozen=True, slots=True)
class OddText:
    """A string of the guest's is odd; `data` are the bytes that `get_string_size` tells of."""

    pointer: int
    owner: Owner
    oddity: Oddity
    data: bytes


@dataclass(frozen=True, slots=True)
class Recorded:
    """An address came up again in one call, which gives it back once.

    `size` is what it would have been given back with this time, `kept` the size that it will be given back with.
    """

    pointer: int
    owner: Owner
    size: int
    kept: int


@dataclass(frozen=True, slots=True)
class ErrorRaised:
    """The guest called `raise_error`."""

    pointer: int
    text: str


@dataclass(frozen=True, slots=True)
class CallbackCalled:
    """The guest called a callback; `answer` is None where it gives none, or did not come to that."""

    namespace: str
    name: str
    arguments: tuple[Value, ...]
    answer: Value | None


Event = Allocated | Freed | NotFreed | FreeFailed | InputOverwritten | OddText | Recorded | ErrorRaised | CallbackCalled


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call of a guest function, from the first `allocate` to the last `deallocate`.

    `arguments`: what the function was called with, integers unsigned; as far as it came to that. `inputs`: the buffers
    that the host made for strings and bytes among them. `returns`: what was asked for. `raw`: the function's result as
    WebAssembly has it, None where it has none, or was not reached, or was aborted. `value`: what was asked for; i32
    signed. `data`: the bytes that a string or bytes result was read from, None where none were read. `failure`: why
    there is no value, and `failed_at` at which step. `raised`: every text that the guest gave to `raise_error`; the
    last one is the failure's. `fuel`: what the function itself used, None without a budget, or where it was aborted.
    `memory_size`: bytes of linear memory at the end, None without one. `lost`: whether the instance was aborted on the
    way, in whatever function.
    """

    name: str
    arguments: tuple[Number, ...]
    inputs: tuple[Buffer, ...]
    returns: Type
    raw: Number | None
    value: Value | None
    data: bytes | None
    failure: HookError | None
    failed_at: Stage | None
    events: tuple[Event, ...]
    raised: tuple[str, ...]
    fuel: int | None
    memory_size: int | None
    lost: bool
