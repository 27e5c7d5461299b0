"""Between the two levels: OpenAI's chat form over HTTP becomes an LLM request, and an answer an HTTP response.

`model` is `provider/model`, as the gateway's clients write it; `messages` becomes `input`, `fallbacks` may be
strings of the same form, and everything else goes into `params`.

Source: "Writing WASM Plugins", the flat request of `pre_hook`. The path, the model's form and the status of
an error without one are those of the public gateway.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Protocol

from reference_host.abi.bifrost.types import HTTPRequest, HTTPResponse, JsonObject
from reference_host.abi.interface import Json
from reference_host.pipeline.provider import Answered, Failed
from reference_host.pipeline.stream import as_chunk

CHAT_COMPLETIONS = "/v1/chat/completions"

_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class LLMCall:
    """An LLM request, and whether its answer is wanted in chunks."""

    request: JsonObject
    stream: bool = False


class Endpoint(Protocol):
    """How HTTP and LLM meet."""

    def decode(self, request: HTTPRequest) -> LLMCall | HTTPResponse:
        """The LLM request of an HTTP request, or the answer to one that has none."""

    def encode(self, answer: Answered | Failed) -> HTTPResponse:
        """The HTTP response of an LLM answer."""

    def stream_head(self) -> HTTPResponse:
        """Status and headers of a stream; the body is empty."""


class ChatCompletions:
    """The chat form at `/v1/chat/completions`."""

    def decode(self, request: HTTPRequest) -> LLMCall | HTTPResponse:
        """Read the body; 404, 405 or 400 where this is no chat request."""
        if request.path != CHAT_COMPLETIONS:
            return _refusal(404, f"no such path: {request.path}")
        if request.method != "POST":
            return _refusal(405, f"{request.path} takes POST only")
        try:
            body = json.loads(request.body or b"")
        except (ValueError, RecursionError):
            return _refusal(400, "the body is not JSON")
        if not isinstance(body, dict):
            return _refusal(400, "the body is not a JSON object")
        model = _split(body.pop("model", None))
        messages = body.pop("messages", None)
        if model is None:
            return _refusal(400, "model must be provider/model")
        if not isinstance(messages, list):
            return _refusal(400, "messages must be a list")
        stream = body.pop("stream", None) is True
        fallbacks = [pair for pair in map(_split, _items(body.pop("fallbacks", None))) if pair is not None]
        document: dict[str, Json] = {**model, "input": messages, "params": body}
        if fallbacks:
            document["fallbacks"] = fallbacks
        return LLMCall(document, stream)

    def encode(self, answer: Answered | Failed) -> HTTPResponse:
        """A response without its wrapper; an error with its own status, else 400, or 500 if it is the gateway's."""
        body = json.dumps(as_chunk(answer), ensure_ascii=False).encode("utf-8", "replace")
        return HTTPResponse(200 if isinstance(answer, Answered) else _status(answer.error), _JSON, body)

    def stream_head(self) -> HTTPResponse:
        """Server-sent events."""
        return HTTPResponse(200, {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})


def _items(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _split(value: Json) -> dict[str, Json] | None:
    """`provider/model`, or an object with both."""
    if isinstance(value, str):
        provider, slash, model = value.partition("/")
        value = {"provider": provider, "model": model} if slash else None
    if not isinstance(value, dict):
        return None
    pair = {key: value.get(key) for key in ("provider", "model")}
    return pair if all(isinstance(part, str) and part for part in pair.values()) else None


def _status(error: JsonObject) -> int:
    status = error.get("status_code")
    if isinstance(status, int) and not isinstance(status, bool) and 100 <= status <= 599:
        return status
    return 500 if error.get("is_bifrost_error") is True else 400


def _refusal(status: int, message: str) -> HTTPResponse:
    error = {"is_bifrost_error": False, "status_code": status, "error": {"message": message}}
    return HTTPResponse(status, _JSON, json.dumps(error).encode())
