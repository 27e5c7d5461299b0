"""What real traffic looks like at Bifrost's hooks: every message that a conforming host may send, with its reason.

A message knows what it means, not how a revision spells it: `Message.documents` does that. Each belongs to
one topic, and each topic is the business of one INPUT requirement. `MARK` stands for a word that is different
in every call.

Source: "Writing WASM Plugins", Hook Input/Output Structures; README of hello-world-wasm-go, Data Exchange.
Null members and the Go shape are stands.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reference_host.abi.bifrost.answers import Outcome
from reference_host.abi.bifrost.jsontext import encode
from reference_host.abi.bifrost.revisions import Revision, Role
from reference_host.abi.interface import Json

MARK = "MARK-0000000000"


class Topic(StrEnum):
    """What a message is about."""

    DOCUMENTED = "documented"
    GO_STRUCT = "go-struct"
    NULLS = "nulls"
    UNKNOWN = "unknown-members"
    NO_ERROR = "no-error"
    LARGE = "large"
    NON_ASCII = "non-ascii"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one hook: the members beside `context`, in the order of the documents.

    `omit`: envelope members left out.
    """

    role: Role
    name: str
    topic: Topic
    members: Mapping[str, Json]
    context: Mapping[str, Json] = field(default_factory=lambda: {"request_id": MARK})
    omit: tuple[str, ...] = ()

    def documents(self, revision: Revision) -> tuple[bytes, ...]:
        """The bytes of each document that the revision's hook takes."""
        members: dict[str, Json] = {"context": self.context, **self.members}
        if revision.enveloped:
            return (encode({name: value for name, value in members.items() if name not in self.omit}),)
        hook = revision.hook(self.role)
        assert hook is not None
        # r0 has no flag and no envelope: an empty error or response is the literal null there.
        return tuple(
            encode(members[name] or (None if name in ("response", "error") else {})) for name in hook.documents
        )

    @property
    def given(self) -> Outcome | None:
        """For the post hook: what its input holds."""
        if self.role is not Role.POST:
            return None
        return Outcome(response=bool(self.members["response"]), error=bool(self.members["error"]))


def messages(*, largest: int, go_struct: bool, docs: bool) -> list[Message]:
    """Every message, in a fixed order. `largest`: bytes of the largest body."""
    everything = [*_http(largest), *_stream(), *_pre(largest), *_post()]
    return [m for m in everything if (go_struct if m.topic in (Topic.GO_STRUCT, Topic.NULLS) else docs)]


MALFORMED = {
    "truncated": b'{"context":{"request_id":"r"},"requ',
    "no-json": b"hello",
    "array": b"[]",
    "null": b"null",
    "number": b"1e400",
    "wrong-types": b'{"context":[],"request":"x","response":1,"chunk":"x","error":0,"has_error":"no"}',
    "no-utf8": b'{"context":{"request_id":"\xff\xfe"}}',
    "nothing-but-space": b"   ",
}
"""Inputs that no conforming host sends."""


def respelled() -> Iterator[Message]:
    """One request for each HTTP hook, in three spellings of its header and query names: `lower`, `upper`, `title`."""
    headers = {"content-type": "application/json", "authorization": "Bearer k", "x-api-key": "k", "user-agent": "curl",
               "x-request-id": "r", "x-team": "a", "accept": "*/*", "content-length": "2"}  # fmt: skip
    spellings: dict[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper, "title": str.title}
    for role in (Role.HTTP_PRE, Role.HTTP_POST, Role.STREAM):
        for name, spell in spellings.items():
            query = {spell("debug"): "1"}
            request = http_request(headers={spell(key): value for key, value in headers.items()}, query=query)
            extra = {
                Role.HTTP_POST: {"response": http_response()},
                Role.STREAM: {"chunk": chat_chunk({"content": "a"})},
            }
            yield Message(role, name, Topic.DOCUMENTED, {"request": request} | extra.get(role, {}))


# -- HTTP -----------------------------------------------------------------------------------------


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def http_request(**changes: Json) -> dict[str, Json]:
    """The documents' request, with mixed-case headers, changed as told."""
    body = {
        "model": "gpt-4",
        "messages": [{"role": "user", "content": f"Say {MARK} twice."}],
        "stream": False,
    }
    request: dict[str, Json] = {
        "method": "POST",
        "path": "/v1/chat/completions",
        "headers": {
            "Content-Type": "application/json",
            "x-trace-id": MARK,
            "AUTHORIZATION": "Bearer k",
            "X-Team": "a",
        },
        "query": {},
        "body": _b64(encode(body)),
    }
    return request | changes


def http_response(**changes: Json) -> dict[str, Json]:
    """The documents' response, changed as told."""
    response: dict[str, Json] = {
        "status_code": 200,
        "headers": {"content-type": "application/json", "X-Request-Id": MARK},
        "body": _b64(encode({"id": "chatcmpl-1", "choices": []})),
    }
    return response | changes


_TEXT = 'Grüße, 世界 — naïve café 🙂 \u2028 \u00a0 “quoted” \\ " / \t'


def _requests(largest: int) -> Iterator[tuple[str, Topic, dict[str, Json]]]:
    yield "chat", Topic.DOCUMENTED, http_request()
    yield (
        "get",
        Topic.DOCUMENTED,
        http_request(method="GET", path="/v1/models", query={"limit": "3", "Debug": "1"}, body=""),
    )
    yield (
        "lower-case",
        Topic.DOCUMENTED,
        http_request(headers={"content-type": "application/json", "x-team": "b"}),
    )
    yield (
        "upper-case",
        Topic.DOCUMENTED,
        http_request(headers={"CONTENT-TYPE": "application/json", "X-TEAM": "b"}),
    )
    yield "delete", Topic.DOCUMENTED, http_request(method="DELETE", path="/v1/files/a%20b", body="")
    yield "binary", Topic.DOCUMENTED, http_request(body=_b64(bytes(range(256))))
    yield (
        "no-json",
        Topic.DOCUMENTED,
        http_request(headers={"Content-Type": "text/plain"}, body=_b64(b"{ not json")),
    )
    yield (
        "many-headers",
        Topic.DOCUMENTED,
        http_request(headers={f"X-Header-{n}": "v" * n for n in range(40)}),
    )
    yield "body-left-out", Topic.DOCUMENTED, http_request(headers={"Content-Length": "50000000"}, body="")
    yield "empty", Topic.EMPTY, http_request(headers={}, query={}, body="")
    yield "empty-path", Topic.EMPTY, http_request(path="/", headers={}, body="")
    yield (
        "text",
        Topic.NON_ASCII,
        http_request(headers={"X-Name": _TEXT}, query={"q": _TEXT}, body=_b64(_TEXT.encode())),
    )
    yield "text-path", Topic.NON_ASCII, http_request(path="/v1/größe/世界")
    yield "nulls", Topic.NULLS, http_request(headers=None, query=None, body=None, path_params=None)
    yield "null-headers", Topic.NULLS, http_request(headers=None)
    yield "null-query", Topic.NULLS, http_request(query=None)
    yield "null-body", Topic.NULLS, http_request(body=None)
    yield "path-params", Topic.UNKNOWN, http_request(path_params={"id": "7"})
    yield (
        "more-members",
        Topic.UNKNOWN,
        http_request(host="example", protocol={"major": 2}, trailers=[None, 1.5, "x"]),
    )
    prompt = f"{MARK} ".encode() + b"lorem ipsum dolor sit amet, \\ud83d " * (largest // 36)
    yield "large", Topic.LARGE, http_request(body=_b64(prompt[:largest]))


NO_JSON_BODY = frozenset(
    {
        "get",
        "delete",
        "binary",
        "no-json",
        "body-left-out",
        "empty",
        "empty-path",
        "text",
        "nulls",
        "null-body",
        "large",
    }
    | {"error-status", "empty-response", "text-response", "null-response-members", "large-response"}
)
"""Messages whose HTTP body is no JSON: a plugin may well complain of it."""

_CONTEXTS: tuple[tuple[str, Topic, dict[str, Json]], ...] = (
    ("context-empty", Topic.EMPTY, {}),
    ("context-text", Topic.NON_ASCII, {"request_id": MARK, "nom de clé": _TEXT, "世界": {"🙂": [_TEXT]}}),
    (
        "context-nested",
        Topic.UNKNOWN,
        {"request_id": MARK, "a": {"b": [1, 2.5, None, True, {"c": {}}]}, "n": -1e300},
    ),
)


def _http(largest: int) -> Iterator[Message]:
    for role in (Role.HTTP_PRE, Role.HTTP_POST):
        extra: dict[str, Json] = {"response": http_response()} if role is Role.HTTP_POST else {}
        for name, topic, request in _requests(largest):
            yield Message(role, name, topic, {"request": request} | extra)
        for name, topic, context in _CONTEXTS:
            yield Message(role, name, topic, {"request": http_request()} | extra, context)
        yield Message(
            role,
            "more-envelope",
            Topic.UNKNOWN,
            {"request": http_request()} | extra | {"version": 3, "meta": {}},
        )
    post = Role.HTTP_POST
    for name, topic, response in (
        ("error-status", Topic.DOCUMENTED, http_response(status_code=503, body=_b64(b"upstream"))),
        ("empty-response", Topic.EMPTY, http_response(headers={}, body="")),
        (
            "text-response",
            Topic.NON_ASCII,
            http_response(headers={"X-Name": _TEXT}, body=_b64(_TEXT.encode())),
        ),
        ("null-response-members", Topic.NULLS, http_response(headers=None, body=None)),
        ("more-response-members", Topic.UNKNOWN, http_response(streamed=False, timing={"ms": 1.5})),
        ("large-response", Topic.LARGE, http_response(body=_b64(b"x" * largest))),
    ):
        yield Message(post, name, topic, {"request": http_request(), "response": response})


# -- streams --------------------------------------------------------------------------------------


def chat_chunk(delta: Json, finish: str | None = None, **more: Json) -> dict[str, Json]:
    """A chat completion chunk as the documents show it."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_234_567_890, "model": "gpt-4",
            "choices": [choice], **more}  # fmt: skip


def _stream() -> Iterator[Message]:
    usage = {"prompt_tokens": 5, "completion_tokens": 10, "total_tokens": 15}
    tool = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    chunks: tuple[tuple[str, Topic, dict[str, Json]], ...] = (
        ("role", Topic.DOCUMENTED, chat_chunk({"role": "assistant"})),
        ("content", Topic.DOCUMENTED, chat_chunk({"content": f"Hello {MARK}"})),
        ("last", Topic.DOCUMENTED, chat_chunk({}, "stop", usage=usage)),
        ("no-choices", Topic.DOCUMENTED, chat_chunk({}) | {"choices": []}),
        ("two-choices", Topic.DOCUMENTED, chat_chunk({}) | {"choices": [
            {"index": n, "delta": {"content": "a"}, "finish_reason": None} for n in (0, 1)]}),
        ("tool-call", Topic.DOCUMENTED, chat_chunk({"tool_calls": [tool]})),
        ("text-completion", Topic.DOCUMENTED, {"id": "cmpl-1", "choices": [{"index": 0, "text": "Hello"}]}),
        ("responses", Topic.DOCUMENTED, {"type": "response.output_item.added", "item": {"id": "i", "type": "message"}}),
        ("speech", Topic.DOCUMENTED, {"type": "speech.audio.delta", "audio": "AAEC"}),
        ("error", Topic.DOCUMENTED, {"error": {"type": "server_error", "message": "upstream broke"}}),
        ("nothing", Topic.EMPTY, {}),
        ("empty-content", Topic.EMPTY, chat_chunk({"content": ""})),
        ("null-content", Topic.DOCUMENTED, chat_chunk({"content": None})),
        ("text", Topic.NON_ASCII, chat_chunk({"content": _TEXT})),
        ("more-members", Topic.UNKNOWN, chat_chunk({"content": "a", "refusal": None}, extra_fields={"latency": 3})),
        ("long", Topic.LARGE, chat_chunk({"content": "lorem ipsum " * 300})),
    )  # fmt: skip
    for name, topic, chunk in chunks:
        yield Message(Role.STREAM, name, topic, {"request": http_request(), "chunk": chunk})
    for name, topic, context in _CONTEXTS:
        yield Message(
            Role.STREAM,
            name,
            topic,
            {"request": http_request(), "chunk": chat_chunk({"content": "a"})},
            context,
        )
    for name, request in (("null-request-members", http_request(headers=None, query=None, body=None)),):
        yield Message(Role.STREAM, name, Topic.NULLS, {"request": request, "chunk": chat_chunk({"content": "a"})})


# -- LLM ------------------------------------------------------------------------------------------


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


_GO_UNSET_REQUESTS = ("TextCompletionRequest", "ResponsesRequest", "EmbeddingRequest", "SpeechRequest")
_GO_UNSET_RESPONSES = ("TextCompletionResponse", "ResponsesResponse", "EmbeddingResponse", "SpeechResponse")


def _pre(largest: int) -> Iterator[Message]:
    blocks = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
    ]
    dialogue: list[Json] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": blocks},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "call_1", "name": "f", "content": "42"},
    ]  # fmt: skip
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]
    params = {
        "temperature": 0,
        "top_p": 1.0,
        "max_completion_tokens": 10,
        "stop": ["\n"],
        "tools": tools,
        "user": None,
    }
    go = {"RequestType": "chat_completion", "ChatRequest": llm_request(fallbacks=None)} | dict.fromkeys(
        _GO_UNSET_REQUESTS
    )
    requests: tuple[tuple[str, Topic, dict[str, Json]], ...] = (
        ("flat", Topic.DOCUMENTED, llm_request()),
        ("dialogue", Topic.DOCUMENTED, llm_request(input=dialogue, params=params)),
        (
            "no-params",
            Topic.DOCUMENTED,
            {"provider": "anthropic", "model": "m", "input": [{"role": "user", "content": "Hi"}]},
        ),
        ("fallbacks", Topic.DOCUMENTED, llm_request(fallbacks=[{"provider": "mistral", "model": "small"}])),
        ("wrapped", Topic.DOCUMENTED, {"chat_request": llm_request()}),
        ("empty-input", Topic.EMPTY, llm_request(input=[], params={})),
        ("empty-content", Topic.EMPTY, llm_request(input=[{"role": "user", "content": ""}])),
        (
            "text",
            Topic.NON_ASCII,
            llm_request(input=[{"role": "user", "content": _TEXT}], model="modèle-世界"),
        ),
        ("more-members", Topic.UNKNOWN, llm_request(metadata={"a": [1]}, extra=None, stream=False)),
        (
            "large",
            Topic.LARGE,
            llm_request(input=[{"role": "user", "content": "lorem ipsum " * (largest // 12)}]),
        ),
        ("go-struct", Topic.GO_STRUCT, go),
    )
    for name, topic, request in requests:
        yield Message(Role.PRE, name, topic, {"request": request})
    for name, topic, context in _CONTEXTS:
        yield Message(Role.PRE, name, topic, {"request": llm_request()}, context)


def _post() -> Iterator[Message]:
    wrapped = {"chat_response": chat_response()}
    go = {"ChatResponse": chat_response(service_tier=None, system_fingerprint="")} | dict.fromkeys(_GO_UNSET_RESPONSES)
    calls = [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    extra = {"request_type": "chat_completion", "provider": "openai", "latency": 12, "chunk_index": 0}
    tool_response = chat_response(choices=[{"index": 0, "message": message, "finish_reason": "tool_calls"}])
    long_error = llm_error(event_id="e", type="t", error={"message": "m", "code": "429", "param": None, "event_id": ""})
    pairs: tuple[tuple[str, Topic, Json, Json], ...] = (
        ("response", Topic.DOCUMENTED, wrapped, {}),
        ("tool-calls", Topic.DOCUMENTED, {"chat_response": tool_response}, {}),
        ("error", Topic.DOCUMENTED, None, llm_error()),
        (
            "minimal-error",
            Topic.DOCUMENTED,
            None,
            {"is_bifrost_error": True, "error": {"message": f"broken {MARK}"}},
        ),
        ("long-error", Topic.DOCUMENTED, None, long_error),
        ("no-choices", Topic.EMPTY, {"chat_response": chat_response(choices=[])}, {}),
        ("error-null", Topic.NO_ERROR, wrapped, None),
        ("response-empty", Topic.NO_ERROR, {}, llm_error()),
        ("neither", Topic.NO_ERROR, None, {}),
        ("text", Topic.NON_ASCII, {"chat_response": chat_response(model=_TEXT)}, {}),
        ("text-error", Topic.NON_ASCII, None, llm_error(error={"message": _TEXT})),
        (
            "more-members",
            Topic.UNKNOWN,
            {"chat_response": chat_response(extra_fields=extra, citations=["c"]), "other": 1},
            {},
        ),
        ("more-error-members", Topic.UNKNOWN, None, llm_error(extra_fields=extra, retry_after=1.5)),
        ("go-struct", Topic.GO_STRUCT, go, {}),
    )
    for name, topic, response, error in pairs:
        yield Message(Role.POST, name, topic, {"response": response, "error": error, "has_error": bool(error)})
    absent = {"response": wrapped, "error": None, "has_error": False}
    yield Message(Role.POST, "error-absent", Topic.NO_ERROR, absent, omit=("error",))
    refused = {"response": None, "error": llm_error(), "has_error": True}
    yield Message(Role.POST, "response-absent", Topic.NO_ERROR, refused, omit=("response",))
    for name, topic, context in _CONTEXTS:
        yield Message(Role.POST, name, topic, {"response": wrapped, "error": {}, "has_error": False}, context)
