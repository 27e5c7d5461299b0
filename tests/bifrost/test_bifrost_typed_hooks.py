"""The typed hooks of a loaded plugin, for each revision and on every engine: what goes in, what comes out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from bifrost_guests import ECHO, PRINTING, Guest, Loader, every_engine, journal, packed, printing

from reference_host.abi.bifrost.contract import Profile
from reference_host.abi.bifrost.documents import Shape
from reference_host.abi.bifrost.plugin import Plugin
from reference_host.abi.bifrost.types import (
    ChunkEffect,
    ChunkResult,
    HookFailure,
    HookPlugin,
    HTTPPostResult,
    HTTPPreResult,
    HTTPRequest,
    HTTPResponse,
    JsonObject,
    Note,
    PostEffect,
    PostResult,
    PreResult,
    ShortCircuit,
)
from reference_host.abi.interface import Json
from reference_host.errors import HookError, UnknownHook

CONTEXT: JsonObject = {"request_id": "r-7"}
REQUEST = HTTPRequest("POST", "/x", {"X-Team": "a"}, {}, b"hi")
REQUEST_JSON = {"method": "POST", "path": "/x", "headers": {"X-Team": "a"}, "query": {}, "body": "aGk="}
RESPONSE = HTTPResponse(200, {}, b"{}")
RESPONSE_JSON = {"status_code": 200, "headers": {}, "body": "e30="}
LLM: JsonObject = {"provider": "openai", "model": "m", "input": []}
ANSWERED: JsonObject = {"chat_response": {"id": "r"}}
ERROR: JsonObject = {"is_bifrost_error": False, "error": {"message": "slow down"}}


def guest(revision: str, export: str, answer: Json = None, *, body: str | None = None) -> Guest:
    """A plugin of that revision; one of its hooks answers this."""
    bodies = {} if body is None else {export: body}
    answers = {} if answer is None else {export: json.dumps(answer)}
    made = Guest(revision, answers=answers, bodies=bodies)
    return replace(made, malloc="plugin_malloc", free_name="plugin_free") if revision == "r0" else made


def received(plugin: Plugin, export: str) -> list[Json]:
    """The documents that the hook was given: the journal tells where, and nothing was taken back."""
    call = next(call for call in journal(plugin.instance) if call.startswith(f"{export}("))
    numbers = [int(number) for number in call[len(export) + 1 : -1].split(", ")]
    assert plugin.instance is not None
    memory = plugin.instance.memory
    assert memory is not None
    return [json.loads(memory.read(at, size)) for at, size in zip(numbers[::2], numbers[1::2], strict=True)]


def http_pre(plugin: Plugin) -> HTTPPreResult:
    return plugin.http_pre_hook(CONTEXT, REQUEST)


def http_post(plugin: Plugin) -> HTTPPostResult:
    return plugin.http_post_hook(CONTEXT, REQUEST, RESPONSE)


def stream(plugin: Plugin) -> ChunkResult:
    return plugin.http_stream_chunk_hook(CONTEXT, REQUEST, {"id": "c1"})


def pre(plugin: Plugin) -> PreResult:
    return plugin.pre_hook(CONTEXT, LLM)


def post(plugin: Plugin) -> PostResult:
    return plugin.post_hook(CONTEXT, ANSWERED, None)


def post_error(plugin: Plugin) -> PostResult:
    return plugin.post_hook(CONTEXT, None, ERROR)


Call = Callable[[Plugin], object]
ENVELOPE_PRE = {"context": CONTEXT, "request": LLM}
ENVELOPE_POST = {"context": CONTEXT, "response": ANSWERED, "error": {}, "has_error": False}
SENT = [
    pytest.param("r0", "http_transport_intercept", http_pre, [CONTEXT, REQUEST_JSON], id="r0-http"),
    pytest.param("r0", "pre_hook", pre, [CONTEXT, LLM], id="r0-pre"),
    pytest.param("r0", "post_hook", post, [CONTEXT, ANSWERED, None], id="r0-post"),
    pytest.param("r0", "post_hook", post_error, [CONTEXT, None, ERROR], id="r0-post-error"),
    pytest.param("r1", "http_intercept", http_pre, [{"context": CONTEXT, "request": REQUEST_JSON}], id="r1-http"),
    pytest.param("r1", "pre_hook", pre, [ENVELOPE_PRE], id="r1-pre"),
    pytest.param("r1", "post_hook", post, [ENVELOPE_POST], id="r1-post"),
    pytest.param("r1b", "http_intercept", http_pre, [{"context": CONTEXT, "request": REQUEST_JSON}], id="r1b-http"),
    pytest.param(
        "r1b",
        "http_stream_chunk_hook",
        stream,
        [{"context": CONTEXT, "request": REQUEST_JSON, "chunk": {"id": "c1"}}],
        id="r1b-stream",
    ),
    pytest.param("r2", "http_pre_hook", http_pre, [{"context": CONTEXT, "request": REQUEST_JSON}], id="r2-http_pre"),
    pytest.param(
        "r2",
        "http_post_hook",
        http_post,
        [{"context": CONTEXT, "request": REQUEST_JSON, "response": RESPONSE_JSON}],
        id="r2-http_post",
    ),
    pytest.param(
        "r2",
        "http_stream_chunk_hook",
        stream,
        [{"context": CONTEXT, "request": REQUEST_JSON, "chunk": {"id": "c1"}}],
        id="r2-stream",
    ),
    pytest.param("r2", "pre_hook", pre, [ENVELOPE_PRE], id="r2-pre"),
    pytest.param("r2", "post_hook", post, [ENVELOPE_POST], id="r2-post"),
    pytest.param(
        "r2",
        "post_hook",
        post_error,
        [{"context": CONTEXT, "response": None, "error": ERROR, "has_error": True}],
        id="r2-post-error",
    ),
]


@every_engine
@pytest.mark.parametrize(("revision", "export", "call", "documents"), SENT)
def test_hook_is_given_its_documents(
    load: Loader, revision: str, export: str, call: Call, documents: list[Json]
) -> None:
    plugin = load(guest(revision, export))
    call(plugin)
    assert received(plugin, export) == documents


@every_engine
def test_shape_go_struct_reaches_the_guest(load: Loader) -> None:
    plugin = load(guest("r2", "http_pre_hook"), shape=Shape.GO_STRUCT)
    plugin.http_pre_hook(CONTEXT, HTTPRequest("GET", "/"))
    nils = {"headers": None, "query": None, "body": None, "path_params": None}
    assert received(plugin, "http_pre_hook") == [
        {"context": {"request-id": "r-7", "request_id": "r-7"}, "request": {"method": "GET", "path": "/", **nils}}
    ]


CHUNK = {"id": "c2"}
SHORT_HTTP = {"response": {"status_code": 401, "headers": {"A": "b"}, "body": "bm8="}, "error": ""}
MADE = HTTPResponse(401, {"A": "b"}, b"no")
RESULTS = [
    pytest.param("r0", "http_transport_intercept", SHORT_HTTP, http_pre, HTTPPreResult(response=MADE), id="r0-http"),
    pytest.param("r0", "pre_hook", {"request": LLM}, pre, PreResult(request=LLM), id="r0-pre"),
    pytest.param(
        "r0", "post_hook", {"response": ANSWERED}, post_error, PostResult(PostEffect.RECOVERED, ANSWERED), id="r0-post"
    ),
    pytest.param(
        "r1",
        "http_intercept",
        {**SHORT_HTTP, "has_response": True},
        http_pre,
        HTTPPreResult(response=MADE),
        id="r1-http",
    ),
    pytest.param(
        "r1",
        "pre_hook",
        {"has_short_circuit": True, "short_circuit": {"error": ERROR}},
        pre,
        PreResult(short_circuit=ShortCircuit(error=ERROR)),
        id="r1-pre",
    ),
    pytest.param("r1", "post_hook", {"hook_error": "x"}, post, PostResult(hook_error="x"), id="r1-post"),
    pytest.param(
        "r1b",
        "http_stream_chunk_hook",
        {"chunk": CHUNK, "has_chunk": True},
        stream,
        ChunkResult(ChunkEffect.SEND, CHUNK),
        id="r1b-stream",
    ),
    pytest.param("r2", "http_pre_hook", {"context": {"a": 1}}, http_pre, HTTPPreResult({"a": 1}), id="r2-http_pre"),
    pytest.param("r2", "http_post_hook", {"error": "late"}, http_post, HTTPPostResult(error="late"), id="r2-http_post"),
    pytest.param("r2", "http_stream_chunk_hook", {"skip": True}, stream, ChunkResult(ChunkEffect.DROP), id="r2-stream"),
    pytest.param("r2", "pre_hook", {"error": "odd"}, pre, PreResult(error="odd"), id="r2-pre"),
    pytest.param(
        "r2",
        "post_hook",
        {"has_error": True, "error": ERROR},
        post,
        PostResult(PostEffect.ERROR, error=ERROR),
        id="r2-post",
    ),
]


@every_engine
@pytest.mark.parametrize(("revision", "export", "answer", "call", "result"), RESULTS)
def test_answer_comes_back_typed(
    load: Loader, revision: str, export: str, answer: Json, call: Call, result: object
) -> None:
    assert call(load(guest(revision, export, answer))) == result


def _empty(export: str) -> tuple[Note, ...]:
    return (Note("empty-result", f"{export} answered nothing: no change"),)


EMPTY = [
    pytest.param("r0", "http_transport_intercept", http_pre, HTTPPreResult, id="r0-http"),
    pytest.param("r0", "pre_hook", pre, PreResult, id="r0-pre"),
    pytest.param("r0", "post_hook", post_error, PostResult, id="r0-post"),
    pytest.param("r1", "http_intercept", http_pre, HTTPPreResult, id="r1-http"),
    pytest.param("r2", "http_pre_hook", http_pre, HTTPPreResult, id="r2-http_pre"),
    pytest.param("r2", "http_post_hook", http_post, HTTPPostResult, id="r2-http_post"),
    pytest.param("r2", "pre_hook", pre, PreResult, id="r2-pre"),
    pytest.param("r2", "post_hook", post_error, PostResult, id="r2-post"),
]


@every_engine
@pytest.mark.parametrize("body", [pytest.param(packed(0, 0), id="zero"), pytest.param(packed(4_096, 0), id="pointer")])
@pytest.mark.parametrize(("revision", "export", "call", "result"), EMPTY)
def test_empty_result_changes_nothing_and_is_noted(
    load: Loader, revision: str, export: str, call: Call, result: Callable[..., object], body: str
) -> None:
    assert call(load(guest(revision, export, body=body))) == result(notes=_empty(export))


@every_engine
@pytest.mark.parametrize("revision", ["r1b", "r2"])
def test_empty_result_of_the_stream_hook_keeps_the_chunk(load: Loader, revision: str) -> None:
    result = stream(load(guest(revision, "http_stream_chunk_hook", body=packed(0, 0))))
    assert result == ChunkResult(ChunkEffect.KEEP, notes=_empty("http_stream_chunk_hook"))


# -- notes and failures ---------------------------------------------------------------------------


@every_engine
def test_notes_of_all_steps_come_with_the_result(load: Loader) -> None:
    text = '{"error":"x","error":"y","response":{"status_code":200}}'
    body = f"(memory.copy (i32.const 0) (i32.const 5000) (i32.const {len(text)})) {packed(0, len(text))}"
    quoted = text.replace('"', '\\"')
    plugin = load(
        Guest(bodies={"http_pre_hook": body, "get_name": packed(0, 0)}, extra=f'(data (i32.const 5000) "{quoted}")')
    )
    result = http_pre(plugin)
    assert result.error == "y"
    assert [note.code for note in result.notes] == ["duplicate-key", "pointer-zero", "value-without-flag"]


@every_engine
def test_first_buffer_at_address_zero_is_noted(load: Loader) -> None:
    """The vendor's documented allocator begins there; the lenient profile writes there and warns."""
    from_zero = "(global.get $bumped) (global.set $bumped (i32.add (global.get $bumped) (local.get $p0)))"
    extra = "(global $bumped (mut i32) (i32.const 0))"
    plugin = load(Guest(bodies={"malloc": from_zero}, extra=extra), profile=Profile.LENIENT)
    first = plugin.exchange("pre_hook", [b"{}"])
    assert (first.arguments, first.failure) == ((0, 2), None)
    other = load(Guest(bodies={"malloc": from_zero, "pre_hook": ECHO}, extra=extra), profile=Profile.LENIENT)
    assert [note.code for note in pre(other).notes] == ["pointer-zero", "pointer-zero"]
    assert pre(other).notes == ()


FAILURES = [
    pytest.param(b'{"a":"\xff"}', HookFailure.BAD_UTF8, id="bad-utf8"),
    pytest.param(b'{"a":1,}', HookFailure.BAD_JSON, id="bad-json"),
    pytest.param(b"[]", HookFailure.NOT_OBJECT, id="not-object"),
    pytest.param(b'{"context":[]}', HookFailure.BAD_MEMBER, id="bad-member"),
    pytest.param(b'{"request":{"body":"?"}}', HookFailure.BAD_BASE64, id="bad-base64"),
    pytest.param(b'{"has_response":true}', HookFailure.FLAG_WITHOUT_VALUE, id="flag-without-value"),
    pytest.param(
        b'{"has_response":true,"response":{"status_code":0,"body":""}}', HookFailure.BAD_STATUS, id="bad-status"
    ),
]


@every_engine
@pytest.mark.parametrize(("answer", "code"), FAILURES)
def test_answer_that_breaks_the_contract_fails_the_hook_and_costs_no_instance(
    load: Loader, answer: bytes, code: HookFailure
) -> None:
    plugin = load(Guest(answers={"http_pre_hook": answer}))
    instance = plugin.instance
    with pytest.raises(HookError) as caught:
        http_pre(plugin)
    assert (caught.value.hook, caught.value.code, caught.value.trap) == ("http_pre_hook", code, None)
    assert plugin.instance is instance
    assert journal(instance)[-1] == "free(32768)"


# -- hooks that are not there ---------------------------------------------------------------------

ABSENT = [
    pytest.param("r0", http_post, "the plugin has no http_post_hook (r0)", id="r0-http_post"),
    pytest.param("r0", stream, "the plugin has no http_stream_chunk_hook (r0)", id="r0-stream"),
    pytest.param("r1", http_post, "the plugin has no http_post_hook (r1)", id="r1-http_post"),
    pytest.param("r1", stream, "the plugin has no http_stream_chunk_hook (r1)", id="r1-stream"),
    pytest.param("r1b", http_post, "the plugin has no http_post_hook (r1b)", id="r1b-http_post"),
]


@every_engine
@pytest.mark.parametrize(("revision", "call", "message"), ABSENT)
def test_hook_that_the_revision_lacks(load: Loader, revision: str, call: Call, message: str) -> None:
    plugin = load(guest(revision, "pre_hook"))
    with pytest.raises(UnknownHook) as caught:
        call(plugin)
    assert str(caught.value) == message


@every_engine
def test_hook_that_the_plugin_lacks(load: Loader) -> None:
    plugin = load(Guest(without=frozenset({"http_post_hook"})), profile=Profile.LENIENT)
    with pytest.raises(UnknownHook, match=r"^the plugin has no http_post_hook \(r2\)$"):
        http_post(plugin)


ROLES = [
    pytest.param("r0", {"http_pre_hook", "pre_hook", "post_hook"}, id="r0"),
    pytest.param("r1", {"http_pre_hook", "pre_hook", "post_hook"}, id="r1"),
    pytest.param("r1b", {"http_pre_hook", "http_stream_chunk_hook", "pre_hook", "post_hook"}, id="r1b"),
    pytest.param("r2", {"http_pre_hook", "http_post_hook", "http_stream_chunk_hook", "pre_hook", "post_hook"}, id="r2"),
]


@every_engine
@pytest.mark.parametrize(("revision", "roles"), ROLES)
def test_plugin_says_which_hooks_it_has_by_the_names_of_r2(load: Loader, revision: str, roles: set[str]) -> None:
    plugin: HookPlugin = load(guest(revision, "pre_hook"))
    assert plugin.hooks == roles


# -- what a guest prints --------------------------------------------------------------------------


@every_engine
def test_what_a_guest_prints_can_be_read_also_after_a_trap(load: Loader) -> None:
    bodies = {"pre_hook": f"{printing('hi')} {printing('oh', 2)} unreachable"}
    plugin = load(Guest(imports=PRINTING, bodies=bodies))
    assert plugin.exchange("pre_hook", [b"{}"]).lost
    assert plugin.wasi is not None
    assert (plugin.wasi.stdout, plugin.wasi.stderr) == (b"hi", b"oh")
