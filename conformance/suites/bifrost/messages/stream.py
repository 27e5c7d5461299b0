"""Messages of the stream hook: every kind of chunk that the documents name.

Source: "Writing WASM Plugins", http_stream_chunk_hook. Which members stand in which chunk is the public Go code's.
"""

from __future__ import annotations

from collections.abc import Iterator

from reference_host.abi.bifrost.revisions import Role
from reference_host.abi.interface import Json

from .http import http_request, large_requests, other_requests
from .message import CONTROLS, MARK, PLAIN, TEXT, Message, Sizes, Topic, Variation, around, prose


def chat_chunk(delta: Json, finish: str | None = None, **more: Json) -> dict[str, Json]:
    """A chat completion chunk as the documents show it."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_234_567_890, "model": "gpt-4",
            "choices": [choice], **more}  # fmt: skip


def plain_chunk(**more: Json) -> dict[str, Json]:
    """The documents' chunk."""
    return chat_chunk({"content": f"Hello {MARK}"}, **more)


_USAGE: dict[str, Json] = {"prompt_tokens": 5, "completion_tokens": 10, "total_tokens": 15}


def _tool(**function: Json) -> dict[str, Json]:
    return {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]}


def _chunks(sizes: Sizes) -> Iterator[Variation]:
    logprob = {"token": "Hi", "logprob": -0.25, "bytes": [72, 105], "top_logprobs": [{"token": "Ho"}]}
    item = {"id": "i", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]}
    for name, chunk in {
        "role": chat_chunk({"role": "assistant"}),
        "last": chat_chunk({"content": "."}, "stop", usage=_USAGE),
        "length": chat_chunk({"content": "a"}, "length"),
        "two-choices": chat_chunk({}) | {"choices": [
            {"index": n, "delta": {"content": "a"}, "finish_reason": None} for n in (0, 1)]},
        "tool-call": chat_chunk(_tool(name="f", arguments='{"a":1}')),
        "tool-calls-end": chat_chunk({"role": "assistant"}, "tool_calls"),
        "null-content": chat_chunk({"role": "assistant", "content": None}),
        "logprobs": chat_chunk({}) | {"choices": [
            {"index": 0, "delta": {"content": "Hi"}, "finish_reason": None, "logprobs": {"content": [logprob]}}]},
        "text-completion": {"id": "cmpl-1", "choices": [{"index": 0, "text": "Hello", "finish_reason": None}]},
        "responses": {"type": "response.output_item.added", "output_index": 0, "item": item},
        "responses-text": {"type": "response.output_text.delta", "sequence_number": 4, "delta": "Hello"},
        "responses-end": {"type": "response.completed", "response": {"id": "r", "output": [item], "usage": {
            "input_tokens": 1, "output_tokens": 2, "total_tokens": 3}}},
        "speech": {"type": "speech.audio.delta", "audio": "AAEC"},
        "transcription": {"type": "transcript.text.delta", "delta": "Hello"},
        "image": {"type": "image_generation.partial_image", "b64_json": "AAEC", "partial_image_index": 0},
        "error": {"error": {"type": "server_error", "message": "upstream broke"}},
        "long-error": {"is_bifrost_error": False, "status_code": 500, "type": "t", "event_id": "e", "error": {
            "type": "server_error", "code": "500", "message": "upstream broke", "param": "p"}},
    }.items():  # fmt: skip
        yield Variation(name, Topic.DOCUMENTED, chunk)
    for name, chunk in {
        "nothing": {},
        "empty-content": chat_chunk({"content": ""}),
        "empty-delta": chat_chunk({}, "stop"),
        "no-choices": chat_chunk({}, usage=_USAGE) | {"choices": []},
        "empty-arguments": chat_chunk(_tool(name="f", arguments="")),
        "no-tool-calls": chat_chunk({"content": "a", "tool_calls": []}),
        "empty-error": {"error": {"type": "", "message": ""}},
    }.items():
        yield Variation(name, Topic.EMPTY, chunk)
    latency = {"request_type": "chat_completion_stream", "provider": "openai", "latency": 3, "chunk_index": 1}
    yield Variation("extra-fields", Topic.UNKNOWN, plain_chunk(extra_fields=latency), PLAIN)
    more = plain_chunk(service_tier=None, system_fingerprint="fp", citations=["c"], search_results=[], other=1.5)
    yield Variation("more-members", Topic.UNKNOWN, more, PLAIN)
    delta: dict[str, Json] = {"content": f"Hello {MARK}", "refusal": None, "reasoning": "r", "annotations": [{"a": {}}]}
    inside = chat_chunk(delta)
    choice = {"index": 0, "delta": delta, "finish_reason": None, "content_filter_results": {"x": {"filtered": False}}}
    yield Variation("more-in-delta", Topic.UNKNOWN, inside, PLAIN)
    yield Variation("more-in-choice", Topic.UNKNOWN, inside | {"choices": [choice]}, PLAIN)
    usage = _USAGE | {"prompt_tokens_details": {"cached_tokens": 0}, "cost": 0.01}
    yield Variation("more-in-usage", Topic.UNKNOWN, chat_chunk({"content": "."}, "stop", usage=usage), "last")
    failed = {"type": "server_error", "message": "upstream broke", "retry_after": 1.5, "details": []}
    yield Variation("more-in-error", Topic.UNKNOWN, {"error": failed, "extra_fields": latency}, "error")
    yield Variation("text", Topic.NON_ASCII, chat_chunk({"content": TEXT}))
    yield Variation("controls", Topic.NON_ASCII, chat_chunk({"content": f"é{CONTROLS}"}))
    yield Variation("text-arguments", Topic.NON_ASCII, chat_chunk(_tool(name="größe", arguments=TEXT), model="世界"))
    yield Variation("text-error", Topic.NON_ASCII, {"error": {"type": "größe", "message": TEXT}})
    if sizes.fit(sizes.everyday):
        yield Variation("large-chunk", Topic.LARGE, chat_chunk({"content": prose(sizes.everyday)}))


def stream_messages(sizes: Sizes) -> Iterator[Message]:
    """Messages of the stream hook: other chunks for the plain request, and other requests with the plain chunk."""
    plain: dict[str, Json] = {"request": http_request(), "chunk": plain_chunk()}
    yield Message(Role.STREAM, PLAIN, Topic.DOCUMENTED, plain)
    for name, topic, chunk, twin in _chunks(sizes):
        yield Message(Role.STREAM, name, topic, plain | {"chunk": chunk}, twin=twin)
    large = [variation for variation in large_requests(sizes) if variation.name != "huge"]
    for name, topic, request, twin in (*other_requests(), *large):
        same = f"request-{twin}" if twin not in (None, PLAIN) else twin
        yield Message(Role.STREAM, f"request-{name}", topic, plain | {"request": request}, twin=same)
    yield from around(Role.STREAM, plain)
