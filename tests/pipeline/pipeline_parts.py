"""Small plugins and providers for the pipeline's tests: a function in the place of each hook."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reference_host.abi.bifrost.types import (
    ChunkEffect,
    ChunkResult,
    HTTPPostResult,
    HTTPPreResult,
    HTTPRequest,
    HTTPResponse,
    JsonObject,
    PostResult,
    PreResult,
)
from reference_host.pipeline import Answered, Failed

Hook = Callable[..., Any]


class Parts:
    """A plugin that has the hooks it is given, e.g. `Parts("a", pre_hook=lambda context, request: PreResult())`."""

    def __init__(self, name: str, **hooks: Hook) -> None:
        self.name = name
        self.hooks = frozenset(hooks)
        self._hooks: Mapping[str, Hook] = hooks

    def http_pre_hook(self, context: JsonObject, request: HTTPRequest) -> HTTPPreResult:
        result: HTTPPreResult = self._hooks["http_pre_hook"](context, request)
        return result

    def http_post_hook(self, context: JsonObject, request: HTTPRequest, response: HTTPResponse) -> HTTPPostResult:
        result: HTTPPostResult = self._hooks["http_post_hook"](context, request, response)
        return result

    def http_stream_chunk_hook(self, context: JsonObject, request: HTTPRequest, chunk: JsonObject) -> ChunkResult:
        result: ChunkResult = self._hooks["http_stream_chunk_hook"](context, request, chunk)
        return result

    def pre_hook(self, context: JsonObject, request: JsonObject) -> PreResult:
        result: PreResult = self._hooks["pre_hook"](context, request)
        return result

    def post_hook(self, context: JsonObject, response: JsonObject | None, error: JsonObject | None) -> PostResult:
        result: PostResult = self._hooks["post_hook"](context, response, error)
        return result


def passes(*_: object) -> Any:
    """A chunk hook that gives no answer."""
    return ChunkResult(ChunkEffect.KEEP)


@dataclass
class Echo:
    """A provider called `p` that answers with the last message, in chunks of one word where a stream is wanted."""

    seen: list[JsonObject] = field(default_factory=list)
    held: list[object] = field(default_factory=list)
    pulled: int = 0
    closed: int = 0

    def serves(self, provider: str) -> bool:
        return provider == "p"

    def complete(self, provider: str, request: JsonObject, context: JsonObject) -> Answered | Failed:
        self.seen.append(request)
        return Answered({"chat_response": {"text": request["input"][-1]["content"]}})

    def stream(self, provider: str, request: JsonObject, context: JsonObject) -> Iterator[Answered | Failed] | Failed:
        self.seen.append(request)
        chunks = self._words(request["input"][-1]["content"].split())
        # Held, so that only the pipeline can close it, and not the garbage collector.
        self.held.append(chunks)
        return chunks

    def _words(self, words: list[str]) -> Iterator[Answered | Failed]:
        try:
            for word in words:
                self.pulled += 1
                yield Answered({"chat_response": {"text": word}})
        finally:
            self.closed += 1
