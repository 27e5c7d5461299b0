"""The gateway as a whole: HTTP to LLM and back, streams that nobody finishes, threads, and the order of plugins."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from pipeline_parts import Echo, Parts, passes

from reference_host.abi.bifrost.types import (
    ChunkEffect,
    ChunkResult,
    HTTPPostResult,
    HTTPPreResult,
    HTTPRequest,
    HTTPResponse,
    JsonObject,
    PostEffect,
    PostResult,
    PreResult,
    ShortCircuit,
)
from reference_host.errors import HookError
from reference_host.pipeline import (
    Answered,
    ChatCompletions,
    Failed,
    Gateway,
    LLMCall,
    Outcome,
    Placement,
    Registration,
    Sent,
    Stopped,
    Streamed,
    arrange,
)
from reference_host.pipeline.stream import as_chunk

CHAT = "/v1/chat/completions"


def chat(text: str = "one two three", **members: Any) -> HTTPRequest:
    body = {"model": "p/m", "messages": [{"role": "user", "content": text}], **members}
    return HTTPRequest("POST", CHAT, {}, {}, json.dumps(body).encode())


def words(outcome: Outcome) -> list[str]:
    assert outcome.stream is not None
    return [d.chunk["text"] if isinstance(d, Sent) else f"stopped: {d.message}" for d in outcome.stream]


# -- between HTTP and LLM


@pytest.mark.parametrize(
    ("request_", "status", "message"),
    [
        pytest.param(HTTPRequest("POST", "/v1/other", {}, {}, b"{}"), 404, "no such path", id="path"),
        pytest.param(HTTPRequest("GET", CHAT, {}, {}, b"{}"), 405, "takes POST only", id="method"),
        pytest.param(HTTPRequest("POST", CHAT, {}, {}, b""), 400, "is not JSON", id="empty body"),
        pytest.param(HTTPRequest("POST", CHAT, {}, {}, b"\xff\xfe"), 400, "is not JSON", id="not text"),
        pytest.param(HTTPRequest("POST", CHAT, {}, {}, b"[" * 100_000), 400, "is not JSON", id="too deep"),
        pytest.param(HTTPRequest("POST", CHAT, {}, {}, b"[]"), 400, "not a JSON object", id="no object"),
        pytest.param(HTTPRequest("POST", CHAT), 400, "is not JSON", id="members missing"),
        pytest.param(chat(model="m"), 400, "provider/model", id="no provider"),
        pytest.param(chat(model="/m"), 400, "provider/model", id="empty provider"),
        pytest.param(chat(model=7), 400, "provider/model", id="model is a number"),
        pytest.param(chat(messages="hello"), 400, "messages must be a list", id="messages is text"),
        pytest.param(chat(model="nobody/m"), 400, "no provider nobody", id="unknown provider"),
    ],
)
def test_a_request_that_is_no_llm_request_has_an_answer(request_: HTTPRequest, status: int, message: str) -> None:
    outcome = Gateway([], Echo()).handle(request_)
    assert outcome.stream is None
    assert outcome.response.status_code == status
    assert message in json.loads(outcome.response.body)["error"]["message"]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param({}, {"params": {}}, id="plain"),
        pytest.param({"temperature": 0.2, "stop": ["x"]}, {"params": {"temperature": 0.2, "stop": ["x"]}}, id="params"),
        pytest.param({"model": "p/a/b"}, {"model": "a/b", "params": {}}, id="slash in the model"),
        pytest.param(
            {"fallbacks": ["q/m2", {"provider": "r", "model": "m3"}, "bad", 7]},
            {"fallbacks": [{"provider": "q", "model": "m2"}, {"provider": "r", "model": "m3"}], "params": {}},
            id="fallbacks",
        ),
        pytest.param({"fallbacks": "q/m2"}, {"params": {}}, id="fallbacks is text"),
    ],
)
def test_a_chat_body_becomes_a_flat_request(members: JsonObject, expected: JsonObject) -> None:
    call = ChatCompletions().decode(chat("hi", **members))
    base = {"provider": "p", "model": "m", "input": [{"role": "user", "content": "hi"}]}
    assert call == LLMCall({**base, **expected})


@pytest.mark.parametrize(
    ("stream", "wanted"), [(True, True), (False, False), (None, False), (1, False), ("true", False)]
)
def test_only_true_asks_for_a_stream(stream: object, wanted: bool) -> None:
    call = ChatCompletions().decode(chat(stream=stream))
    assert isinstance(call, LLMCall)
    assert call.stream is wanted


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param({"status_code": 429, "error": {"message": "x"}}, 429, id="its own"),
        pytest.param({"error": {"message": "x"}}, 400, id="none"),
        pytest.param({"is_bifrost_error": True, "error": {"message": "x"}}, 500, id="the gateway's"),
        pytest.param({"status_code": 0, "error": {"message": "x"}}, 400, id="zero"),
        pytest.param({"status_code": True, "error": {"message": "x"}}, 400, id="boolean"),
        pytest.param({"status_code": 999, "error": {"message": "x"}}, 400, id="out of range"),
    ],
)
def test_an_error_has_a_status(error: JsonObject, status: int) -> None:
    assert ChatCompletions().encode(Failed(error)).status_code == status


@pytest.mark.parametrize(
    ("answer", "chunk"),
    [
        pytest.param(Answered({"chat_response": {"id": "1"}}), {"id": "1"}, id="wrapped"),
        pytest.param(Answered({"ChatResponse": {"id": "1"}, "TextResponse": None}), {"id": "1"}, id="go struct"),
        pytest.param(Answered({"id": "1", "choices": []}), {"id": "1", "choices": []}, id="no wrapper"),
        pytest.param(Answered({}), {}, id="empty"),
        pytest.param(
            Failed({"error": {"message": "x"}, "allow_fallbacks": False}), {"error": {"message": "x"}}, id="error"
        ),
    ],
)
def test_a_chunk_is_the_active_member_alone(answer: Answered | Failed, chunk: JsonObject) -> None:
    assert as_chunk(answer) == chunk


def test_a_lone_surrogate_in_an_error_text_does_not_break_the_response() -> None:
    plugin = Parts("a", http_pre_hook=lambda *_: HTTPPreResult(error="bad \ud800"))
    assert Gateway([plugin], Echo()).handle(chat()).response == HTTPResponse(
        500, {"Content-Type": "text/plain; charset=utf-8"}, b"bad ?"
    )


def test_hooks_are_given_objects_where_the_request_has_none() -> None:
    seen: list[HTTPRequest] = []

    def look(_context: JsonObject, request: HTTPRequest) -> HTTPPreResult:
        seen.append(request)
        return HTTPPreResult()

    Gateway([Parts("a", http_pre_hook=look)], Echo()).handle(HTTPRequest("GET", "/"))
    assert seen == [HTTPRequest("GET", "/", {}, {}, b"")]


# -- streams


def test_chunks_are_pulled_one_by_one() -> None:
    provider = Echo()
    outcome = Gateway([Parts("a", http_stream_chunk_hook=passes)], provider).handle(chat(stream=True))
    assert outcome.response.headers["Content-Type"] == "text/event-stream"
    assert outcome.stream is not None
    assert provider.pulled == 1
    assert next(outcome.stream) == Sent({"text": "one"})
    assert provider.pulled == 1
    assert next(outcome.stream) == Sent({"text": "two"})
    assert provider.pulled == 2


def test_a_stream_without_chunks_is_an_empty_stream() -> None:
    provider = Echo()
    assert words(Gateway([], provider).handle(chat("", stream=True))) == []
    assert provider.closed == 1


def stop_at_two(_context: JsonObject, _request: HTTPRequest, chunk: JsonObject) -> ChunkResult:
    if chunk["text"] == "two":
        return ChunkResult(ChunkEffect.STOP, error="enough")
    return ChunkResult(ChunkEffect.KEEP)


def leave_unread(outcome: Outcome) -> None:
    assert outcome.stream is not None
    outcome.stream.close()
    outcome.stream.close()


def leave_after_one(outcome: Outcome) -> None:
    assert outcome.stream is not None
    next(outcome.stream)
    outcome.stream.close()
    assert list(outcome.stream) == []


def read_all(outcome: Outcome) -> None:
    words(outcome)


@pytest.mark.parametrize("leave", [leave_unread, leave_after_one, read_all])
@pytest.mark.parametrize("hook", [passes, stop_at_two])
def test_however_a_stream_ends_the_provider_is_closed_and_the_post_hooks_run_once(leave: Any, hook: Any) -> None:
    posts: list[HTTPResponse] = []

    def post(_context: JsonObject, _request: HTTPRequest, response: HTTPResponse) -> HTTPPostResult:
        posts.append(response)
        return HTTPPostResult()

    provider = Echo()
    plugin = Parts("a", http_stream_chunk_hook=hook, http_post_hook=post)
    outcome = Gateway([plugin], provider, post_after_stream=True).handle(chat(stream=True))
    assert posts == []
    leave(outcome)
    assert provider.closed == 1
    assert posts == [outcome.response]


def test_nothing_is_read_behind_a_stop() -> None:
    provider = Echo()
    outcome = Gateway([Parts("a", http_stream_chunk_hook=stop_at_two)], provider).handle(chat(stream=True))
    assert words(outcome) == ["one", "stopped: enough"]
    assert provider.pulled == 2
    assert Stopped("enough").event == {"error": "enough"}


def test_a_provider_that_breaks_in_a_stream_is_closed() -> None:
    class Breaking(Echo):
        def _words(self, words: list[str]) -> Any:
            yield from super()._words(words[:1])
            raise OSError("connection lost")

    posts: list[str] = []

    def post(*_: object) -> HTTPPostResult:
        posts.append("post")
        return HTTPPostResult()

    plugin = Parts("a", http_post_hook=post)
    outcome = Gateway([plugin], Breaking(), post_after_stream=True).handle(chat(stream=True))
    assert outcome.stream is not None
    assert next(outcome.stream) == Sent({"text": "one"})
    with pytest.raises(OSError, match="connection lost"):
        next(outcome.stream)
    assert posts == ["post"]


def test_a_stream_that_ends_before_it_began_is_closed() -> None:
    provider = Echo()
    refuse = Parts("a", post_hook=lambda *_: PostResult(PostEffect.ERROR, error={"error": {"message": "no"}}))
    outcome = Gateway([refuse], provider).handle(chat(stream=True))
    assert (outcome.response.status_code, outcome.stream) == (400, None)
    assert (provider.pulled, provider.closed) == (1, 1)


def test_an_llm_stream_can_be_left_too() -> None:
    provider = Echo()
    outcome = Gateway([], provider).run_llm(
        {"provider": "p", "model": "m", "input": [{"content": "one two"}]}, stream=True
    )
    assert isinstance(outcome.answer, Streamed)
    outcome.answer.chunks.close()
    assert provider.closed == 1


# -- hostile documents at the LLM level


@pytest.mark.parametrize(
    "fallbacks",
    [
        pytest.param(None, id="null"),
        pytest.param("q/m", id="text"),
        pytest.param({"provider": "q"}, id="object"),
        pytest.param([1, None, {}, {"provider": "q"}, {"provider": 1, "model": "m"}], id="entries"),
    ],
)
def test_fallbacks_of_another_shape_are_no_fallbacks(fallbacks: object) -> None:
    outcome = Gateway([], Echo()).run_llm({"provider": "nobody", "fallbacks": fallbacks})
    assert isinstance(outcome.answer, Failed)
    assert outcome.trace.not_called() == ("provider:nobody: no such provider",)


@pytest.mark.parametrize(
    "error",
    [
        {},
        {"error": "text"},
        {"error": None},
        {"error": {"type": 5}},
        {"allow_fallbacks": "no"},
        {"allow_fallbacks": 0},
        {"allow_fallbacks": None},
    ],
)
def test_an_error_of_another_shape_allows_fallbacks(error: JsonObject) -> None:
    plugin = Parts("a", pre_hook=lambda context, _request: PreResult(short_circuit=_refuse_first(context, error)))
    request = {
        "provider": "p",
        "model": "m",
        "input": [{"content": "x"}],
        "fallbacks": [{"provider": "p", "model": "n"}],
    }
    outcome = Gateway([plugin], Echo()).run_llm(request)
    assert outcome.answer == Answered({"chat_response": {"text": "x"}})


def _refuse_first(context: JsonObject, error: JsonObject) -> ShortCircuit | None:
    return ShortCircuit(error=error) if context["bifrost-fallback-index"] == 0 else None


# -- threads and order


def test_a_plugin_runs_one_hook_at_a_time() -> None:
    inside, most = 0, 0
    everybody = threading.Barrier(4)

    def slow(_context: JsonObject, _request: JsonObject) -> PreResult:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        # Hand the processor to the other threads: without the lock they would come in here.
        threading.Event().wait(0.01)
        inside -= 1
        return PreResult()

    plugin = Parts("a", pre_hook=slow)
    gateway = Gateway([plugin, plugin], Echo())

    def ask() -> None:
        everybody.wait()
        gateway.run_llm({"provider": "p", "model": "m", "input": [{"content": "x"}]})

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_a_failed_hook_lets_the_next_one_in() -> None:
    def fails(*_: object) -> PreResult:
        raise HookError("pre_hook", "trap", "unreachable")

    gateway = Gateway([Parts("a", pre_hook=fails)], Echo())
    request = {"provider": "p", "model": "m", "input": [{"content": "x"}]}
    assert [type(gateway.run_llm(request).answer) for _ in range(2)] == [Answered, Answered]


def test_placement_comes_before_order_and_order_before_the_list() -> None:
    plugins = {name: Parts(name) for name in "abcdef"}
    registrations = [
        Registration(plugins["a"]),
        Registration(plugins["b"], Placement.PRE_BUILTIN, 5),
        Registration(plugins["c"], Placement.POST_BUILTIN, -1),
        Registration(plugins["d"], Placement.PRE_BUILTIN),
        Registration(plugins["e"]),
    ]
    names = [plugin.name for plugin in arrange(registrations, builtin=[plugins["f"]])]
    assert names == ["d", "b", "f", "c", "a", "e"]


def test_a_trace_tells_what_was_called() -> None:
    plugin = Parts("a", pre_hook=lambda *_: PreResult())
    outcome = Gateway([plugin], Echo()).handle(chat())
    assert outcome.trace.called() == ("a.pre_hook", "provider:p")
    assert len(outcome.trace) == len(list(outcome.trace))
