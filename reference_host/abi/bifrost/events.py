"""Bifrost: what the host saw while it ran a plugin. Facts only; a suite judges them.

Reasons of `NotFreed`: `no-free`, `zero`, `same-as-input`, `doubtful`, `withheld`, `instance-lost`. `doubtful`: a result
that is no whole object, on a host that gives no such one back. `withheld`: on a host that gives none back. `zero`: it
lies at address 0. `same-as-input`: the result shares bytes with an input, which is given back as such.
"""

from __future__ import annotations

from dataclasses import dataclass

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
from reference_host.errors import HookError

__all__ = [
    "Allocated",
    "Buffer",
    "Event",
    "Exchange",
    "FreeFailed",
    "Freed",
    "InputOverwritten",
    "NotFreed",
    "Owner",
    "Stage",
]

Event = Allocated | Freed | NotFreed | FreeFailed | InputOverwritten


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
