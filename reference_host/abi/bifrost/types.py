"""Bifrost: the values that hooks take and answer, the same for every revision.

The JSON that crosses the boundary differs by revision (`documents` knows how); what it means does not. Bodies are bytes
here and base64 in JSON. LLM requests, responses, errors and stream chunks stay JSON objects: their shapes are open.

Source: "Writing WASM Plugins", Hook Input/Output Structures; README of hello-world-wasm-go, Data Exchange.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from reference_host.abi.interface import Json

JsonObject = Mapping[str, Json]


class HookFailure(StrEnum):
    """Why a hook's answer cannot be used: the codes of `reference_host.errors.HookError` for this system."""

    ALLOC_FAILED = "alloc-failed"
    """The allocator answered 0, or a buffer outside linear memory."""
    TRAP = "trap"
    RESULT_OUT_OF_BOUNDS = "result-out-of-bounds"
    BAD_UTF8 = "bad-utf8"
    BAD_JSON = "bad-json"
    NOT_OBJECT = "not-object"
    BAD_MEMBER = "bad-member"
    """A member of the answer has another JSON type than the documents give it."""
    BAD_BASE64 = "bad-base64"
    BAD_STATUS = "bad-status"
    """A status code of 0 or outside 100 to 599."""
    FLAG_WITHOUT_VALUE = "flag-without-value"
    """A `has_*` flag is true, and the member that it announces is null, absent or (an error, a response) empty."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something odd but legal that a hook did: `code` is one of the sheet's warning words, e.g. `empty-result`."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class HTTPRequest:
    """The client's HTTP request. `None` members of a *returned* request mean: unchanged."""

    method: str | None = None
    path: str | None = None
    headers: Mapping[str, str] | None = None
    query: Mapping[str, str] | None = None
    body: bytes | None = None
    path_params: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class HTTPResponse:
    """An HTTP response: status code 100 to 599, one value a header name."""

    status_code: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class HTTPPreResult:
    """Answer of `http_pre_hook` (r2), `http_intercept` (r1, r1b) and `http_transport_intercept` (r0).

    `context`: keys to merge. `request`: what to change, None = nothing. `response`: the short-circuit answer; only set
    where the flag was. `error`: non-empty = the hook failed, and it wins over `response`.
    """

    context: JsonObject = field(default_factory=dict)
    request: HTTPRequest | None = None
    response: HTTPResponse | None = None
    error: str = ""
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class HTTPPostResult:
    """Answer of `http_post_hook`: it cannot change the response."""

    context: JsonObject = field(default_factory=dict)
    error: str = ""
    notes: tuple[Note, ...] = ()


class ChunkEffect(StrEnum):
    """What becomes of a stream chunk."""

    KEEP = "keep"
    """It goes on as it was (the hook gave no answer at all)."""
    SEND = "send"
    """The answered chunk goes on in its place."""
    DROP = "drop"
    STOP = "stop"
    """An error event is sent to the client, and the stream ends."""


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """Answer of `http_stream_chunk_hook`. With `SEND` and a non-empty `error`, the error is only logged."""

    effect: ChunkEffect
    chunk: JsonObject | None = None
    context: JsonObject = field(default_factory=dict)
    error: str = ""
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class ShortCircuit:
    """Answer without the provider. Both None: the remaining pre hooks are skipped, the provider is still called."""

    response: JsonObject | None = None
    error: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class PreResult:
    """Answer of `pre_hook`. `request`: replacement, None = unchanged. `error` is only logged."""

    context: JsonObject = field(default_factory=dict)
    request: JsonObject | None = None
    short_circuit: ShortCircuit | None = None
    error: str = ""
    notes: tuple[Note, ...] = ()


class PostEffect(StrEnum):
    """What a post hook does to the outcome so far."""

    UNCHANGED = "unchanged"
    RESPONSE = "response"
    """The response is replaced; an error stays what it was."""
    ERROR = "error"
    """The error is replaced (or there is one now); it wins over a response."""
    RECOVERED = "recovered"
    """There was an error; it is cleared, and the answered response is used."""


@dataclass(frozen=True, slots=True)
class PostResult:
    """Answer of `post_hook`. `hook_error` non-empty: the hook itself failed, the outcome before it is kept."""

    effect: PostEffect = PostEffect.UNCHANGED
    response: JsonObject | None = None
    error: JsonObject | None = None
    context: JsonObject = field(default_factory=dict)
    hook_error: str = ""
    notes: tuple[Note, ...] = ()


class HookPlugin(Protocol):
    """A plugin as the pipeline sees it: a loaded wasm plugin, or a scripted one in a test.

    Each method may raise `reference_host.errors.HookError`. A hook that is not in `hooks` is never called.
    """

    @property
    def name(self) -> str:
        """For traces and messages."""

    @property
    def hooks(self) -> frozenset[str]:
        """Which of the five methods below the plugin has, by their names."""

    def http_pre_hook(self, context: JsonObject, request: HTTPRequest) -> HTTPPreResult:
        """Before anything else; may change the request or answer it."""

    def http_post_hook(self, context: JsonObject, request: HTTPRequest, response: HTTPResponse) -> HTTPPostResult:
        """After the response of a request that does not stream."""

    def http_stream_chunk_hook(self, context: JsonObject, request: HTTPRequest, chunk: JsonObject) -> ChunkResult:
        """For each chunk, before it is written to the client."""

    def pre_hook(self, context: JsonObject, request: JsonObject) -> PreResult:
        """Before the provider is called."""

    def post_hook(self, context: JsonObject, response: JsonObject | None, error: JsonObject | None) -> PostResult:
        """After the provider, or after a short circuit."""
