"""Several plugins, one request: both levels together.

    client -> http_pre_hook, in order -> pre_hook, in order -> provider
    client <- http_post_hook, in reverse order          <- post_hook, in reverse order <-   (one response)
    client <- http_stream_chunk_hook, in reverse order  <- post_hook, in reverse order <-   (each chunk of a stream)

Source: "Writing WASM Plugins", Hook Input/Output Structures.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from reference_host.abi.bifrost.types import HookPlugin, HTTPRequest, HTTPResponse, JsonObject
from reference_host.pipeline import http
from reference_host.pipeline.chat import ChatCompletions, Endpoint
from reference_host.pipeline.context import RequestContext, with_request_id
from reference_host.pipeline.llm import LLMPipeline, Streamed
from reference_host.pipeline.provider import Answered, Failed, Provider
from reference_host.pipeline.pull import Pull
from reference_host.pipeline.run import POST, PRE, Run, Seat
from reference_host.pipeline.stream import Delivery, deliver
from reference_host.pipeline.trace import Reason, Trace


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an HTTP request.

    `response`: the whole response; of a stream only status and headers. `stream`: what is sent, chunk by
    chunk, None where nothing streams; it can be read once, and hooks run while it is read. `trace` and
    `context` grow until the stream has been read to its end, or closed.
    """

    response: HTTPResponse
    stream: Pull[Delivery] | None
    trace: Trace
    context: RequestContext


@dataclass(frozen=True, slots=True)
class LLMOutcome:
    """What became of an LLM request; `trace` and `context` as in `Outcome`."""

    answer: Answered | Failed | Streamed
    trace: Trace
    context: RequestContext


class Gateway:
    """A pipeline of plugins in front of a provider. Several threads may use it: a plugin runs one hook at a time."""

    def __init__(
        self,
        plugins: Sequence[HookPlugin],
        provider: Provider,
        *,
        endpoint: Endpoint | None = None,
        post_after_stream: bool = False,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        """`plugins` in registration order (`order.arrange` makes one from configurations).

        `post_after_stream`: call the HTTP post hooks once after a stream has ended, as newer native pipelines
        do; the documents say never. `new_id`: makes request ids. Raises `HookError` where a plugin cannot tell
        its name.
        """
        locks = {id(plugin): threading.Lock() for plugin in plugins}
        self._seats = tuple(Seat(plugin, plugin.name, locks[id(plugin)]) for plugin in plugins)
        self._provider = provider
        self._endpoint = endpoint if endpoint is not None else ChatCompletions()
        self._post_after_stream = post_after_stream
        self._new_id = new_id

    def handle(self, request: HTTPRequest, context: JsonObject | None = None) -> Outcome:
        """Take an HTTP request through both levels. `context`: first values; without a `request_id` one is made."""
        run = self._run(context)
        request = replace(request, headers=request.headers or {}, query=request.query or {}, body=request.body or b"")
        after = http.pre_hooks(run, request)
        if isinstance(after, http.Ended):
            self._no_llm_level(run, after.reason)
            http.no_chunk_hooks(run, after.reason)
            http.no_post_hooks(run, after.reason)
            return Outcome(after.response, None, run.trace, run.context)
        response, chunks = self._answer(run, after)
        if chunks is None:
            http.no_chunk_hooks(run, Reason.NOT_STREAMING)
            http.post_hooks(run, after, response)
            return Outcome(response, None, run.trace, run.context)

        def at_end() -> None:
            if self._post_after_stream:
                http.post_hooks(run, after, response)

        if not self._post_after_stream:
            http.no_post_hooks(run, Reason.STREAMING)
        return Outcome(response, deliver(run, after, chunks.chunks, at_end), run.trace, run.context)

    def run_llm(self, request: JsonObject, context: JsonObject | None = None, *, stream: bool = False) -> LLMOutcome:
        """Take an LLM request through the LLM level alone, as a program without HTTP would."""
        run = self._run(context)
        answer = LLMPipeline(run, self._provider, self._new_id).handle(request, stream=stream)
        return LLMOutcome(answer, run.trace, run.context)

    def _run(self, context: JsonObject | None) -> Run:
        return Run(self._seats, RequestContext(with_request_id(context, self._new_id())))

    def _answer(self, run: Run, request: HTTPRequest) -> tuple[HTTPResponse, Streamed | None]:
        call = self._endpoint.decode(request)
        if isinstance(call, HTTPResponse):
            self._no_llm_level(run, Reason.NOT_AN_LLM_REQUEST)
            return call, None
        answer = LLMPipeline(run, self._provider, self._new_id).handle(call.request, stream=call.stream)
        if isinstance(answer, Streamed):
            return self._endpoint.stream_head(), answer
        return self._endpoint.encode(answer), None

    def _no_llm_level(self, run: Run, reason: Reason) -> None:
        run.not_called(run.seats, PRE, reason)
        run.not_called(run.seats[::-1], POST, reason)
