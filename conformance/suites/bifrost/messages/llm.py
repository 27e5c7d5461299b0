"""Messages of the LLM hooks: requests, responses and errors in each of the shapes that are known.

The documents show flat requests and wrapped responses, a public example wraps requests too. What only the gateway's Go
structures have (other names, other kinds than chat, null for all that is not set) is a topic of its own.

Source: "Writing WASM Plugins", pre_hook and post_hook. Members that the page does not show are the public Go code's.
"""

from __future__ import annotations

from collections.abc import Iterator

from reference_host.abi.bifrost.revisions import Role
from reference_host.abi.interface import Json

from .message import CONTROLS, MARK, PLAIN, TEXT, Message, Sizes, Topic, Variation, around, prose


def llm_request(**changes: Json) -> dict[str, Json]:
    """The documents' flat request, changed as told."""
    request: dict[str, Json] = {
        "provider": "openai",
        "model": "gpt-4",
        "input": [{"role": "user", "content": f"Hello {MARK}"}],
        "params": {"temperature": 0.7},
    }
    return request | changes


def chat_response(**changes: Json) -> dict[str, Json]:
    """The documents' chat response (what stands under `chat_response`), changed as told."""
    response: dict[str, Json] = {
        "id": "chatcmpl-123",
        "model": "gpt-4",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": f"Hello {MARK}!"}}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 10, "total_tokens": 15},
    }
    return response | changes


def llm_error(**changes: Json) -> dict[str, Json]:
    """An error as a provider's refusal becomes one, changed as told."""
    error: dict[str, Json] = {
        "is_bifrost_error": False,
        "status_code": 429,
        "error": {"type": "rate_limit", "message": f"slow down {MARK}"},
    }
    return error | changes


def _saying(content: Json, **more: Json) -> list[Json]:
    return [{"role": "user", "content": content, **more}]


def _calls(arguments: str = '{"a":"b"}', name: str = "f") -> list[Json]:
    return [{"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}]


_BLOCKS: list[Json] = [
    {"type": "text", "text": "What is this?"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}},
    {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
    {"type": "file", "file": {"file_id": "file-1", "filename": "a.pdf"}},
]
_TOOLS: list[Json] = [
    {"type": "function", "function": {"name": "f", "description": "d", "parameters": {
        "type": "object", "properties": {"a": {"type": "string", "enum": ["b"]}}, "required": ["a"]}}},
]  # fmt: skip
_DIALOGUE: list[Json] = [
    {"role": "system", "content": "Be brief."},
    {"role": "developer", "content": "Be kind.", "name": "house"},
    {"role": "user", "content": _BLOCKS, "name": "ann"},
    {"role": "assistant", "content": None, "tool_calls": _calls()},
    {"role": "tool", "tool_call_id": "call_1", "name": "f", "content": "42"},
]
_PARAMS: dict[str, Json] = {
    "temperature": 0, "top_p": 1.0, "max_completion_tokens": 10, "frequency_penalty": -0.5, "presence_penalty": 2,
    "stop": ["\n", "END"], "tools": _TOOLS, "tool_choice": "auto", "response_format": {"type": "json_object"},
    "user": "ann", "seed": 7, "logprobs": True, "stream_options": {"include_usage": True},
}  # fmt: skip
_FALLBACKS: list[Json] = [{"provider": "mistral", "model": "small"}, {"provider": "azure", "model": "gpt-4"}]

_REQUESTS = ("ListModelsRequest", "TextCompletionRequest", "ChatRequest", "ResponsesRequest", "EmbeddingRequest",
             "SpeechRequest", "TranscriptionRequest", "ImageGenerationRequest")  # fmt: skip
_RESPONSES = ("TextCompletionResponse", "ChatResponse", "ResponsesResponse", "ResponsesStreamResponse",
              "EmbeddingResponse", "SpeechResponse", "TranscriptionResponse", "ImageGenerationResponse")  # fmt: skip


def _go_request(kind: str, member: str, value: Json) -> dict[str, Json]:
    return {"RequestType": kind, **dict.fromkeys(_REQUESTS), member: value}


def _go_response(member: str, value: Json) -> dict[str, Json]:
    return {**dict.fromkeys(_RESPONSES), member: value}


def _requests(sizes: Sizes) -> Iterator[Variation]:
    for name, request in {
        "dialogue": llm_request(input=_DIALOGUE, params=_PARAMS),
        "blocks": llm_request(input=_saying(_BLOCKS)),
        "no-params": {"provider": "anthropic", "model": "m", "input": _saying("Hi")},
        "fallbacks": llm_request(fallbacks=_FALLBACKS),
        "wrapped": {"chat_request": llm_request(fallbacks=_FALLBACKS)},
    }.items():
        yield Variation(name, Topic.DOCUMENTED, request)
    for name, request in {
        "empty-input": llm_request(input=[]),
        "empty-params": llm_request(params={}),
        "empty-content": llm_request(input=_saying("")),
        "empty-blocks": llm_request(input=_saying([])),
        "empty-lists": llm_request(fallbacks=[], params={"stop": [], "tools": []}),
        "no-arguments": llm_request(input=[*_DIALOGUE[:3], {"role": "assistant", "tool_calls": _calls("")}]),
    }.items():
        yield Variation(name, Topic.EMPTY, request)
    for name, request in {
        "more-members": llm_request(metadata={"a": [1]}, extra=None, stream=False),
        "more-in-params": llm_request(params={"temperature": 0.7, "reasoning": {"effort": "low"}, "x": [None]}),
        "more-in-message": llm_request(input=_saying(f"Hello {MARK}", cache_control={"type": "ephemeral"}, x=None)),
        "more-around": {
            "chat_request": llm_request(fallbacks=_FALLBACKS),
            "request_type": "chat_completion",
            "other_request": None,
        },
    }.items():
        yield Variation(name, Topic.UNKNOWN, request, PLAIN if name != "more-around" else "wrapped")
    block = {"type": "text", "text": "What is this?", "cache_control": {"type": "ephemeral"}}
    yield Variation("more-in-block", Topic.UNKNOWN, llm_request(input=_saying([block, *_BLOCKS[1:]])), "blocks")
    named = [
        {"role": "user", "content": "é", "name": "Jürgen"},
        {"role": "assistant", "tool_calls": _calls(TEXT, "größe")},
    ]
    for name, request in {
        "text": llm_request(input=_saying(TEXT), model="modèle-世界", provider="größe"),
        "text-blocks": llm_request(input=_saying([{"type": "text", "text": TEXT}])),
        "text-names": llm_request(input=named, params={"user": TEXT, "stop": ["。"]}),
        "controls": llm_request(input=_saying(f"é{CONTROLS}")),
    }.items():
        yield Variation(name, Topic.NON_ASCII, request)
    for name, size in sizes.named():
        yield Variation(name, Topic.LARGE, llm_request(input=_saying(prose(size))))
    basis: dict[str, Json] = {"provider": "openai", "model": "m", "fallbacks": None}
    for name, kind, member, value in (
        ("go-chat", "chat_completion", "ChatRequest", llm_request(fallbacks=None)),
        ("go-text", "text_completion", "TextCompletionRequest", basis | {"input": "Once", "params": None}),
        ("go-responses", "responses", "ResponsesRequest", basis | {"input": _saying("Hi"), "params": {"top_p": 1}}),
        ("go-embedding", "embedding", "EmbeddingRequest", basis | {"input": ["a", "b"], "params": {"dimensions": 3}}),
        ("go-speech", "speech", "SpeechRequest", basis | {"input": {"input": "Hi"}, "params": {"voice": "v"}}),
        ("go-image", "image_generation", "ImageGenerationRequest", basis | {"input": {"prompt": "a"}}),
    ):
        yield Variation(name, Topic.GO_STRUCT, _go_request(kind, member, value))


def pre_messages(sizes: Sizes) -> Iterator[Message]:
    """Messages of `pre_hook`."""
    plain: dict[str, Json] = {"request": llm_request()}
    yield Message(Role.PRE, PLAIN, Topic.DOCUMENTED, plain)
    for name, topic, request, twin in _requests(sizes):
        yield Message(Role.PRE, name, topic, {"request": request}, twin=twin)
    yield from around(Role.PRE, plain)


_EXTRA: dict[str, Json] = {"request_type": "chat_completion", "provider": "openai", "model_requested": "gpt-4",
                           "latency": 12, "chunk_index": 0, "raw_request": None, "raw_response": {"a": 1}}  # fmt: skip


def _choice(message: Json, finish: str | None = "stop", **more: Json) -> list[Json]:
    return [{"index": 0, "message": message, "finish_reason": finish, **more}]


def _responses(sizes: Sizes) -> Iterator[Variation]:
    """What stands under `chat_response`."""
    logprobs = {"content": [{"token": "Hi", "logprob": -0.25, "bytes": [72], "top_logprobs": [{"token": "Ho"}]}]}
    saying = {"role": "assistant", "content": "Hi"}
    for name, response in {
        "all-members": chat_response(
            object="chat.completion", created=1_234_567_890, service_tier="default", system_fingerprint="fp_1",
            choices=_choice(saying, logprobs=logprobs)),
        "tool-calls": chat_response(
            choices=_choice({"role": "assistant", "content": None, "tool_calls": _calls()}, "tool_calls")),
        "blocks": chat_response(choices=_choice({"role": "assistant", "content": _BLOCKS[:1]})),
        "two-choices": chat_response(choices=[{"index": n, "message": saying} for n in (0, 1)]),
        "delta": chat_response(choices=[{"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}]),
        "no-usage": {"id": "r", "model": "m", "choices": _choice(saying, None)},
    }.items():  # fmt: skip
        yield Variation(name, Topic.DOCUMENTED, response)
    for name, response in {
        "no-choices": chat_response(choices=[]),
        "empty-content": chat_response(choices=_choice({"role": "assistant", "content": ""})),
        "empty-message": chat_response(choices=_choice({})),
        "empty-delta": chat_response(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]),
        "empty-usage": chat_response(usage={}),
        "no-tool-calls": chat_response(choices=_choice(saying | {"tool_calls": []})),
    }.items():
        yield Variation(name, Topic.EMPTY, response)
    plain = {"role": "assistant", "content": f"Hello {MARK}!"}
    usage = {"prompt_tokens": 5, "completion_tokens": 10, "total_tokens": 15}
    for name, response in {
        "extra-fields": chat_response(extra_fields=_EXTRA),
        "more-members": chat_response(citations=["c"], search_results=[{"url": "u"}], videos=[], x=None, y=1.5),
        "more-in-choice": chat_response(choices=[{"index": 0, "message": plain, "stop": None, "x": {"y": 1}}]),
        "more-in-message": chat_response(
            choices=[{"index": 0, "message": plain | {"refusal": None, "annotations": [{"a": 1}], "reasoning": "r"}}]),
        "more-in-usage": chat_response(usage=usage | {"completion_tokens_details": {"x": 0}, "cost": {"total": 0.1}}),
    }.items():  # fmt: skip
        yield Variation(name, Topic.UNKNOWN, response, PLAIN)
    named = {"role": "assistant", "content": None, "tool_calls": _calls(TEXT, "größe")}
    for name, response in {
        "text": chat_response(model="modèle-世界", choices=_choice({"role": "assistant", "content": TEXT})),
        "text-arguments": chat_response(choices=_choice(named)),
        "controls": chat_response(choices=_choice({"role": "assistant", "content": f"é{CONTROLS}"})),
    }.items():
        yield Variation(name, Topic.NON_ASCII, response)
    if sizes.fit(sizes.everyday):
        long = {"role": "assistant", "content": prose(sizes.everyday)}
        yield Variation("large", Topic.LARGE, chat_response(choices=_choice(long)))


def _errors() -> Iterator[Variation]:
    everything = {"type": "t", "code": "429", "message": "m", "param": "p", "event_id": "e"}
    upstream = {"is_bifrost_error": False, "type": "t", "event_id": "e", "status_code": 500, "error": everything}
    for name, error in {
        "minimal-error": {"is_bifrost_error": True, "error": {"message": f"broken {MARK}"}},
        "long-error": llm_error(**upstream),
        "fallbacks-error": llm_error(allow_fallbacks=False),
    }.items():
        yield Variation(name, Topic.DOCUMENTED, error)
    yield Variation("empty-error", Topic.EMPTY, {"is_bifrost_error": True, "error": {"message": "", "type": ""}})
    yield Variation("bare-error", Topic.EMPTY, {"is_bifrost_error": True, "error": {}})
    more = llm_error(extra_fields=_EXTRA, retry_after=1.5, x=None)
    yield Variation("more-error-members", Topic.UNKNOWN, more, "error")
    inside: dict[str, Json] = {"type": "rate_limit", "message": f"slow down {MARK}", "innererror": {"a": []}, "x": None}
    yield Variation("more-in-error", Topic.UNKNOWN, llm_error(error=inside), "error")
    yield Variation("text-error", Topic.NON_ASCII, llm_error(error={"type": "größe", "message": TEXT}))
    yield Variation("controls-error", Topic.NON_ASCII, llm_error(error={"message": f"é{CONTROLS}"}))
    # Go takes a number here and keeps its text; what else is known of errors stands in the Go code as well.
    yield Variation("number-code", Topic.GO_STRUCT, llm_error(error={"code": 429, "message": "m"}))
    unset: dict[str, Json] = {"event_id": None, "type": None, "status_code": None, "extra_fields": {}}
    nulls = {"type": None, "code": None, "message": "m", "param": None, "event_id": None}
    yield Variation("go-error", Topic.GO_STRUCT, {"is_bifrost_error": False, **unset, "error": nulls})


def _post(name: str, topic: Topic, response: Json, error: Json, twin: str | None = None, *omit: str) -> Message:
    members = {"response": response, "error": error, "has_error": bool(error)}
    return Message(Role.POST, name, topic, members, omit=omit, twin=twin)


def post_messages(sizes: Sizes) -> Iterator[Message]:
    """Messages of `post_hook`: one of response and error is there, the other is not."""
    response: dict[str, Json] = {"chat_response": chat_response()}
    yield _post(PLAIN, Topic.DOCUMENTED, response, {})
    yield _post("error", Topic.DOCUMENTED, None, llm_error())
    for name, topic, value, twin in _responses(sizes):
        yield _post(name, topic, {"chat_response": value}, {}, twin)
    for name, topic, error, twin in _errors():
        yield _post(name, topic, None, error, twin)
    more = response | {"request_type": "chat_completion", "other_response": None}
    yield _post("more-around", Topic.UNKNOWN, more, {}, PLAIN)
    yield _post("error-null", Topic.NO_ERROR, response, None, PLAIN)
    yield _post("error-absent", Topic.NO_ERROR, response, None, PLAIN, "error")
    yield _post("response-empty", Topic.NO_ERROR, {}, llm_error(), "error")
    yield _post("response-absent", Topic.NO_ERROR, None, llm_error(), "error", "response")
    yield _post("neither", Topic.NO_ERROR, None, {})
    basis: dict[str, Json] = {"model": "m", "extra_fields": _EXTRA}
    for name, member, value in (
        ("go-chat", "ChatResponse", chat_response(service_tier=None, system_fingerprint="", extra_fields=_EXTRA)),
        ("go-text", "TextCompletionResponse", basis | {"id": "r", "choices": [{"index": 0, "text": "a"}]}),
        ("go-responses", "ResponsesResponse", basis | {"id": "r", "output": [], "usage": None}),
        ("go-embedding", "EmbeddingResponse", basis | {"data": [{"index": 0, "embedding": [0.5, -1e-7]}]}),
        ("go-speech", "SpeechResponse", basis | {"audio": "AAEC"}),
        ("go-transcription", "TranscriptionResponse", basis | {"text": "Hi", "words": None}),
        ("go-image", "ImageGenerationResponse", basis | {"data": [{"b64_json": "AAEC"}]}),
    ):
        yield _post(name, Topic.GO_STRUCT, _go_response(member, value), {})
    yield from around(Role.POST, {"response": response, "error": {}, "has_error": False})
