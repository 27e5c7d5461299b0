"""Scripted plugins and a scripted provider: they play a scenario through our own pipeline, and write the trace down.

The trace has the form of the oracle's: one event a call, provider call, warning and answer, with requests,
responses and errors in their short forms.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bifrost_scenarios import Scenario, Table

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
from reference_host.pipeline import Answered, Failed, Gateway, LLMOutcome, Outcome, Reason, Streamed
from reference_host.pipeline.stream import Delivery, Sent
from reference_host.pipeline.trace import HookCalled, HookFailed, HookNoted, ProviderCalled, Trace

HOOKS = ("http_pre_hook", "http_post_hook", "http_stream_chunk_hook", "pre_hook", "post_hook")


@dataclass
class ScriptedPlugin:
    """A `HookPlugin` that answers by script. A hook whose script is None is not exported."""

    script: Table
    calls: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.script["name"])

    @property
    def hooks(self) -> frozenset[str]:
        return frozenset(hook for hook in HOOKS if self.script[hook] is not None)

    def _step(self, hook: str) -> Table:
        """The step of this call. Raises `HookError` where the script says so."""
        number = self.calls.get(hook, 0)
        self.calls[hook] = number + 1
        steps, repeat = self.script[hook]["steps"], self.script[hook]["repeat"]
        if number < len(steps):
            step: Table = steps[number]
        else:
            step = steps[-1] if repeat and steps else {}
        if "raises" in step:
            raise HookError(hook, step["raises"], "scripted")
        return step

    def http_pre_hook(self, context: JsonObject, request: HTTPRequest) -> HTTPPreResult:
        step = self._step("http_pre_hook")
        changes: Table = {key: step[key] for key in ("method", "path", "headers", "query") if key in step}
        if "body" in step:
            changes["body"] = step["body"].encode()
        respond = step.get("respond")
        response = None if respond is None else http_response(respond)
        return HTTPPreResult(
            context=step.get("context", {}),
            request=HTTPRequest(**changes) if changes else None,
            response=response,
            error=step.get("error", ""),
        )

    def http_post_hook(self, context: JsonObject, request: HTTPRequest, response: HTTPResponse) -> HTTPPostResult:
        step = self._step("http_post_hook")
        return HTTPPostResult(context=step.get("context", {}), error=step.get("error", ""))

    def http_stream_chunk_hook(self, context: JsonObject, request: HTTPRequest, chunk: JsonObject) -> ChunkResult:
        step = self._step("http_stream_chunk_hook")
        written = step.get("context", {})
        if "stop" in step:
            return ChunkResult(ChunkEffect.STOP, context=written, error=step["stop"])
        if step.get("drop"):
            return ChunkResult(ChunkEffect.DROP, context=written)
        if step.get("keep"):
            return ChunkResult(ChunkEffect.KEEP, context=written)
        sent = with_text(chunk, step["send"]) if "send" in step else chunk
        return ChunkResult(ChunkEffect.SEND, sent, written, step.get("error", ""))

    def pre_hook(self, context: JsonObject, request: JsonObject) -> PreResult:
        step = self._step("pre_hook")
        short = step.get("short_circuit")
        return PreResult(
            context=step.get("context", {}),
            request={**request, **llm_request(step["request"])} if "request" in step else None,
            short_circuit=None if short is None else short_circuit(short),
            error=step.get("error", ""),
        )

    def post_hook(self, context: JsonObject, response: JsonObject | None, error: JsonObject | None) -> PostResult:
        step = self._step("post_hook")
        text, failure = step.get("response"), step.get("failure")
        chunk = (response or {}).get("chat_response")
        return PostResult(
            effect=PostEffect(step.get("effect", "unchanged")),
            response=None
            if text is None
            else {"chat_response": with_text(chunk or message("")["chat_response"], text)},
            error=None if failure is None else llm_error(failure),
            context=step.get("context", {}),
            hook_error=step.get("hook_error", ""),
        )


@dataclass
class ScriptedProvider:
    """Providers that answer by script, call by call; the last reply is repeated."""

    replies: dict[str, list[Table]]
    calls: dict[str, int] = field(default_factory=dict)
    closed: int = 0

    def serves(self, provider: str) -> bool:
        return provider in self.replies

    def _reply(self, provider: str) -> Table:
        number = self.calls.get(provider, 0)
        self.calls[provider] = number + 1
        return self.replies[provider][min(number, len(self.replies[provider]) - 1)]

    def complete(self, provider: str, request: JsonObject, context: JsonObject) -> Answered | Failed:
        reply = self._reply(provider)
        if "error" in reply:
            return Failed(llm_error(reply["error"]))
        return Answered(message(reply["response"]))

    def stream(self, provider: str, request: JsonObject, context: JsonObject) -> Iterator[Answered | Failed] | Failed:
        reply = self._reply(provider)
        if "error" in reply:
            return Failed(llm_error(reply["error"]))
        return self._chunks(reply["stream"])

    def _chunks(self, chunks: list[Table]) -> Iterator[Answered | Failed]:
        try:
            for chunk in chunks:
                yield Failed(chunk_error(chunk["error"])) if "error" in chunk else Answered(llm_chunk(chunk))
        finally:
            self.closed += 1


# -- short forms to documents --------------------------------------------------


def llm_request(short: Table) -> JsonObject:
    """`provider`, `model`, `content` and `fallbacks` as a flat request."""
    request: Table = {key: short[key] for key in ("provider", "model") if key in short}
    if "content" in short:
        request["input"] = [{"role": "user", "content": short["content"]}]
    if "fallbacks" in short:
        pairs = (fallback.split("/", 1) for fallback in short["fallbacks"])
        request["fallbacks"] = [{"provider": provider, "model": model} for provider, model in pairs]
    return request


def message(text: str) -> JsonObject:
    """A chat response with one choice."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}}
    return {"chat_response": {"id": "r", "model": "m", "object": "chat.completion", "choices": [choice]}}


def llm_chunk(short: Table) -> JsonObject:
    """A chunk of a stream, as a response."""
    delta = {"content": short["text"]} if "text" in short else {}
    choice = {"index": 0, "delta": delta, "finish_reason": short.get("finish_reason")}
    return {"chat_response": {"id": "r", "model": "m", "object": "chat.completion.chunk", "choices": [choice]}}


def with_text(chat: JsonObject, text: str) -> JsonObject:
    """The same response or chunk with another text."""
    choice = dict(chat["choices"][0])
    part = "delta" if "delta" in choice else "message"
    choice[part] = {**choice[part], "content": text}
    return {**chat, "choices": [choice]}


def llm_error(short: Table) -> JsonObject:
    """An LLM error."""
    error = chunk_error(short)
    top: Table = {key: short[key] for key in ("status_code", "allow_fallbacks") if key in short}
    return {"is_bifrost_error": False, **top, **error}


def chunk_error(short: Table) -> JsonObject:
    """An error in a stream: it has no status."""
    return {"error": {key: short[key] for key in ("message", "type", "code") if key in short}}


def short_circuit(short: Table) -> ShortCircuit:
    """A short circuit with a response, an error, both or neither."""
    text, failure = short.get("response"), short.get("error")
    return ShortCircuit(
        None if text is None else message(text),
        None if failure is None else llm_error(failure),
    )


def http_response(short: Table) -> HTTPResponse:
    """An HTTP response; `status` is 200 where it is not said."""
    return HTTPResponse(short.get("status", 200), short.get("headers", {}), short.get("body", "").encode())


def http_request(scenario: Scenario) -> HTTPRequest:
    """The client's request: a chat request, but for what the scenario says."""
    http, request = scenario.http, scenario.script["request"]
    body: Table = {
        "model": f"{request['provider']}/{request['model']}",
        "messages": [{"role": "user", "content": request["content"]}],
    }
    if scenario.script["stream"]:
        body["stream"] = True
    if "fallbacks" in request:
        body["fallbacks"] = request["fallbacks"]
    return HTTPRequest(
        method=http.get("method", "POST"),
        path=http.get("path", "/v1/chat/completions"),
        headers=http.get("headers", {}),
        query=http.get("query", {}),
        body=(http["body"] if "body" in http else json.dumps(body)).encode(),
    )


# -- documents to short forms --------------------------------------------------


def short_chat(chat: JsonObject | None) -> Any:
    """The text of a response or chunk; of the last chunk also why the stream ended."""
    if not chat:
        return None
    if "error" in chat:
        return {"error": short_error(chat)}
    choice = chat["choices"][0]
    text = choice.get("delta", choice.get("message", {})).get("content")
    if choice.get("finish_reason") is not None:
        end = {"finish_reason": choice["finish_reason"]}
        return end if text is None else {**end, "text": text}
    return text


def short_error(error: JsonObject) -> Table:
    """Message, type, code and status of an LLM error, and whether it allows fallbacks."""
    top: Table = {key: error[key] for key in ("status_code", "allow_fallbacks") if key in error}
    return {**error["error"], **top}


def short_body(body: bytes) -> Any:
    """A body's text; of a chat request the last message, of a chat response its text."""
    try:
        document = json.loads(body)
    except ValueError:
        return body.decode()
    if isinstance(document, dict) and "messages" in document:
        return document["messages"][-1]["content"]
    if isinstance(document, dict) and ("choices" in document or "error" in document):
        return short_chat(document)
    return body.decode()


# -- the trace --------------------------------------------------


class Recorder:
    """Turns our trace into the oracle's form."""

    def __init__(self, watch: list[str]) -> None:
        self._watch = watch
        self._fresh: dict[str, str] = {}

    def events(self, trace: Trace) -> list[Table]:
        """Calls, provider calls and failures, in order."""
        events: list[Table] = []
        for event in trace:
            if isinstance(event, HookCalled):
                call = {"call": f"{event.plugin}.{event.hook}", "context": self._context(event.context)}
                events.append({**call, **_given(event.given)})
            elif isinstance(event, ProviderCalled):
                asked = {"provider": event.provider, **_short_request(event.request)}
                asked["provider"] = event.provider
                events.append({**asked, "stream": True} if event.stream else asked)
            elif isinstance(event, HookFailed):
                events.append({"warning": f"{event.plugin}.{event.hook}", "text": event.message})
        return events

    def _context(self, context: JsonObject) -> Table:
        return {key: self._name(context[key]) for key in self._watch if key in context}

    def _name(self, value: Any) -> Any:
        if not (isinstance(value, str) and value.startswith("fresh:")):
            return value
        return self._fresh.setdefault(value, f"<fresh {len(self._fresh) + 1}>")


def _short_request(request: JsonObject) -> Table:
    messages = request["input"]
    return {
        "provider": request["provider"],
        "model": request["model"],
        "content": messages[-1]["content"],
    }


def _given(given: Any) -> Table:
    short: Table = {}
    for key, value in given.items():
        if isinstance(value, HTTPRequest):
            members = {"headers": dict(value.headers or {}), "query": dict(value.query or {})}
            shown = {name: member for name, member in members.items() if member}
            short["request"] = {**shown, "body": short_body(value.body or b"")}
        elif isinstance(value, HTTPResponse):
            short["response"] = {"status": value.status_code, "body": short_body(value.body)}
        elif key == "request":
            short["request"] = _short_request(value)
        elif key == "response" and value is not None:
            short["response"] = short_chat(value["chat_response"])
        elif key == "error" and value is not None:
            short["error"] = short_error(value)
        elif key == "chunk":
            short["chunk"] = short_chat(value)
    return short


def _short_answer(answer: Answered | Failed) -> Any:
    if isinstance(answer, Failed):
        return {"error": short_error(answer.error)}
    return short_chat(answer.response["chat_response"])


def _llm_answer(outcome: LLMOutcome) -> Table:
    answer = outcome.answer
    if isinstance(answer, Streamed):
        return {"stream": [_short_answer(chunk) for chunk in answer.chunks]}
    if isinstance(answer, Failed):
        return {"error": short_error(answer.error)}
    return {"response": short_chat(answer.response["chat_response"])}


def _delivered(delivery: Delivery) -> Any:
    return short_chat(delivery.chunk) if isinstance(delivery, Sent) else {"stopped": delivery.message}


def _http_answer(outcome: Outcome) -> Table:
    answer: Table = {"status": outcome.response.status_code}
    if outcome.stream is not None:
        return {**answer, "stream": [_delivered(delivery) for delivery in outcome.stream]}
    return {**answer, "body": short_body(outcome.response.body)}


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a scenario in our pipeline: the trace in the oracle's form, what was not called, and the notes.

    `not_exported` has the calls that were left out because the plugin has no such hook, `not_called` all others.
    """

    events: list[Table]
    not_called: list[str]
    not_exported: list[str]
    notes: list[str]


def gateway_of(scenario: Scenario) -> tuple[Gateway, ScriptedProvider]:
    """The pipeline of a scenario, with request ids that count."""
    provider = ScriptedProvider(scenario.script["providers"])
    numbers = iter(range(1_000_000))
    gateway = Gateway(
        [ScriptedPlugin(plugin) for plugin in scenario.script["plugins"]],
        provider,
        post_after_stream=scenario.post_after_stream,
        new_id=lambda: f"fresh:{next(numbers)}",
    )
    return gateway, provider


def play(scenario: Scenario) -> Played:
    """Play a scenario through our own pipeline."""
    gateway, _ = gateway_of(scenario)
    script = scenario.script
    if scenario.level == "llm":
        outcome: LLMOutcome | Outcome = gateway.run_llm(
            llm_request(script["request"]), script["context"], stream=script["stream"]
        )
    else:
        outcome = gateway.handle(http_request(scenario), script["context"])
    answer = _llm_answer(outcome) if isinstance(outcome, LLMOutcome) else _http_answer(outcome)
    events = Recorder(script["watch"]).events(outcome.trace)
    notes = [f"{e.plugin}.{e.hook}: {e.code}" for e in outcome.trace if isinstance(e, HookNoted)]
    suffix = f": {Reason.NOT_EXPORTED}"
    left_out = outcome.trace.not_called()
    return Played(
        [*events, {"answer": answer}],
        [line for line in left_out if not line.endswith(suffix)],
        [line.removesuffix(suffix) for line in left_out if line.endswith(suffix)],
        notes,
    )
