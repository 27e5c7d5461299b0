"""What happened to one request, as frozen events: which hook was called with what, and which was not called, and why.

`Trace.not_called()` answers the question that plugin authors ask first: why was my hook not called?
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from reference_host.abi.bifrost.types import JsonObject


class Effect(StrEnum):
    """What a hook's answer did."""

    UNCHANGED = "unchanged"
    REQUEST_CHANGED = "request-changed"
    ANSWERED = "answered"
    """A pre hook gave the response itself."""
    REFUSED = "refused"
    """A pre hook gave an error in place of a response."""
    EMPTY_SHORT_CIRCUIT = "empty-short-circuit"
    """A short circuit with neither: the later pre hooks are skipped, the provider is called all the same."""
    FORBIDDEN_CHANGE = "forbidden-change"
    """An HTTP pre hook changed the method or the path: 409."""
    RESPONSE_REPLACED = "response-replaced"
    ERROR_REPLACED = "error-replaced"
    RECOVERED = "recovered"
    CHUNK_SENT = "chunk-sent"
    CHUNK_DROPPED = "chunk-dropped"
    STREAM_STOPPED = "stream-stopped"


class Reason(StrEnum):
    """Why a hook, the provider or a fallback was left out."""

    NOT_EXPORTED = "the plugin does not export it"
    ANSWERED_BEFORE = "a plugin before it answered"
    CUT_BEFORE = "a plugin before it ended the pre hooks"
    FAILED_BEFORE = "a plugin before it failed"
    REFUSED_BEFORE = "a plugin before it changed the method or path"
    ANSWERED_AT_HTTP = "a plugin answered at the HTTP level"
    FAILED_AT_HTTP = "a plugin failed at the HTTP level"
    REFUSED_AT_HTTP = "a plugin changed the method or path"
    PRE_HOOK_NOT_REACHED = "its pre hook was not reached"
    SHORT_CIRCUIT = "a pre hook answered in its place"
    NOT_AN_LLM_REQUEST = "the HTTP request is not an LLM request"
    NO_SUCH_PROVIDER = "no such provider"
    STREAMING = "streaming response"
    NOT_STREAMING = "the response does not stream"
    DROPPED_BEFORE = "a plugin before it dropped the chunk"
    STOPPED_BEFORE = "a plugin before it stopped the stream"
    CANCELLED = "the request was cancelled"
    FORBIDDEN = "the error does not allow fallbacks"


@dataclass(frozen=True, slots=True)
class HookCalled:
    """A hook is about to run, with this `context` and `given`, whose members are named as in its document."""

    plugin: str
    hook: str
    context: JsonObject
    given: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class HookAnswered:
    """A hook gave a usable answer."""

    plugin: str
    hook: str
    effect: Effect


@dataclass(frozen=True, slots=True)
class HookFailed:
    """A hook reported an error, or broke its contract; `message` is the plugin's text, or that of the `HookError`."""

    plugin: str
    hook: str
    message: str


@dataclass(frozen=True, slots=True)
class HookNoted:
    """Something odd but legal; `code` is a word of the plugin system's room, or of this one (`reserved-key`)."""

    plugin: str
    hook: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class HookNotCalled:
    """A hook that had its turn, and was not called. For a chunk hook it is written once a chunk, else once a stream."""

    plugin: str
    hook: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class ProviderCalled:
    """The provider is about to be called, with the request as the pre hooks left it."""

    provider: str
    request: JsonObject
    stream: bool


@dataclass(frozen=True, slots=True)
class ProviderNotCalled:
    """The provider had its turn, and was not called."""

    provider: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class FallbackTried:
    """The whole LLM pipeline runs again for a fallback; `index` counts from 1."""

    index: int
    provider: str
    model: str


@dataclass(frozen=True, slots=True)
class FallbackNotTried:
    """A configured fallback that an error would have led to, and that was not tried."""

    index: int
    reason: Reason


Event = (
    HookCalled
    | HookAnswered
    | HookFailed
    | HookNoted
    | HookNotCalled
    | ProviderCalled
    | ProviderNotCalled
    | FallbackTried
    | FallbackNotTried
)


class Trace:
    """The events of one request, the oldest first. A stream adds to it until it has been read to its end."""

    def __init__(self) -> None:
        self._events: list[Event] = []

    def __iter__(self) -> Iterator[Event]:
        return iter(tuple(self._events))

    def __len__(self) -> int:
        return len(self._events)

    def add(self, event: Event) -> None:
        """Write one event down."""
        self._events.append(event)

    def called(self) -> tuple[str, ...]:
        """Every call in order, as `plugin.hook` and `provider:name`."""
        names = []
        for event in self._events:
            if isinstance(event, HookCalled):
                names.append(f"{event.plugin}.{event.hook}")
            elif isinstance(event, ProviderCalled):
                names.append(f"provider:{event.provider}")
        return tuple(names)

    def not_called(self) -> tuple[str, ...]:
        """What was left out, in order: `plugin.hook: reason`, `provider:name: reason`, `fallback 1: reason`."""
        lines = []
        for event in self._events:
            if isinstance(event, HookNotCalled):
                lines.append(f"{event.plugin}.{event.hook}: {event.reason}")
            elif isinstance(event, ProviderNotCalled):
                lines.append(f"provider:{event.provider}: {event.reason}")
            elif isinstance(event, FallbackNotTried):
                lines.append(f"fallback {event.index}: {event.reason}")
        return tuple(lines)
