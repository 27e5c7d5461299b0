"""One request on its way: the plugins, the shared context, the trace, and how a single hook is called.

A plugin runs one hook at a time, however many requests are on their way: an instance has one linear memory
and one stack.

Source: the sources are silent about concurrency; one call at a time for each instance is a stand.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from reference_host.abi.bifrost.types import HookPlugin, JsonObject, Note
from reference_host.errors import HookError
from reference_host.pipeline.context import RequestContext
from reference_host.pipeline.trace import (
    Effect,
    HookAnswered,
    HookCalled,
    HookFailed,
    HookNotCalled,
    HookNoted,
    Reason,
    Trace,
)

HTTP_PRE = "http_pre_hook"
HTTP_POST = "http_post_hook"
STREAM_CHUNK = "http_stream_chunk_hook"
PRE = "pre_hook"
POST = "post_hook"

_LLM_HOOKS = frozenset({PRE, POST})


@dataclass(frozen=True, slots=True)
class Seat:
    """A plugin in its place, and the lock that keeps it to one call at a time.

    `name` is asked for once: it is the guest's answer, too.
    """

    plugin: HookPlugin
    name: str
    lock: threading.Lock

    def exports(self, hook: str) -> bool:
        """Whether the plugin has the hook."""
        return hook in self.plugin.hooks


class _Result(Protocol):
    """What every hook's result has."""

    @property
    def context(self) -> JsonObject: ...

    @property
    def notes(self) -> tuple[Note, ...]: ...


R = TypeVar("R", bound=_Result)


class Run:
    """What the stages of one request share."""

    def __init__(self, seats: Sequence[Seat], context: RequestContext) -> None:
        self.seats = tuple(seats)
        self.context = context
        self.trace = Trace()

    def call(
        self, seat: Seat, hook: str, given: Mapping[str, object], invoke: Callable[[JsonObject], R]
    ) -> R | HookFailed:
        """Call one hook, merge its context, write down what was seen.

        A failure is returned, since each stage has its own effect for it.
        """
        name = seat.name
        snapshot = self.context.snapshot()
        self.trace.add(HookCalled(name, hook, snapshot, given))
        try:
            with seat.lock:
                result = invoke(snapshot)
        except HookError as failure:
            return self.failed(seat, hook, str(failure))
        dropped = self.context.merge(result.context, llm_hook=hook in _LLM_HOOKS)
        for note in result.notes:
            self.noted(seat, hook, note.code, note.message)
        for key in dropped:
            self.noted(seat, hook, "reserved-key", f"{key} cannot be written by an LLM hook")
        return result

    def answered(self, seat: Seat, hook: str, effect: Effect) -> None:
        """Write down what an answer did."""
        self.trace.add(HookAnswered(seat.name, hook, effect))

    def failed(self, seat: Seat, hook: str, message: str) -> HookFailed:
        """Write down that a hook failed."""
        event = HookFailed(seat.name, hook, message)
        self.trace.add(event)
        return event

    def noted(self, seat: Seat, hook: str, code: str, message: str) -> None:
        """Write down something odd."""
        self.trace.add(HookNoted(seat.name, hook, code, message))

    def not_called(self, seats: Sequence[Seat], hook: str, reason: Reason) -> None:
        """Write down why these plugins' hook was not called; a plugin without the hook has that as its reason."""
        for seat in seats:
            own = reason if seat.exports(hook) else Reason.NOT_EXPORTED
            self.trace.add(HookNotCalled(seat.name, hook, own))
