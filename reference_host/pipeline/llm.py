"""The LLM level: pre hooks in order, the provider, post hooks in reverse order, and fallbacks.

A pre hook's error stops nothing. A short circuit skips the later pre hooks and the provider, and then post
hooks run, in reverse, for exactly the plugins whose pre hook had its turn, the one that answered among them.
A short circuit with neither response nor error skips the later pre hooks only. Each fallback runs everything
again, from the request as it was before any hook changed it.

Source: "Writing WASM Plugins", `pre_hook` and `post_hook`; order, symmetry, recovery and fallbacks are those
of the gateway's native pipeline, `core` v1.5.0, which the recorded traces of `tests/oracles/bifrost` show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from reference_host.abi.bifrost.types import JsonObject, PostEffect, PostResult, PreResult, ShortCircuit
from reference_host.pipeline.context import FALLBACK_INDEX, FALLBACK_REQUEST_ID
from reference_host.pipeline.provider import Answer, Answered, Failed, Provider
from reference_host.pipeline.pull import Pull, close_items
from reference_host.pipeline.run import POST, PRE, Run, Seat
from reference_host.pipeline.trace import (
    Effect,
    FallbackNotTried,
    FallbackTried,
    HookFailed,
    ProviderCalled,
    ProviderNotCalled,
    Reason,
)

REQUEST_CANCELLED = "request_cancelled"
"""The error type that no fallback may follow."""

_EMPTY = "empty-short-circuit"
"""The plugin system's word for it; a wasm plugin's answer carries the note already."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """The answer comes in chunks; each has been through the post hooks. Read once, or close it."""

    chunks: Pull[Answer]


@dataclass(frozen=True, slots=True)
class _PreHooks:
    """What the pre hooks left: the request, the short circuit if there was one, and how many plugins had their turn."""

    request: JsonObject
    short_circuit: ShortCircuit | None
    reached: int


@dataclass(frozen=True, slots=True)
class _Fallback:
    provider: str
    model: str


class LLMPipeline:
    """The LLM level for one request."""

    def __init__(self, run: Run, provider: Provider, new_id: Callable[[], str]) -> None:
        self._run = run
        self._provider = provider
        self._new_id = new_id

    def handle(self, request: JsonObject, *, stream: bool) -> Answered | Failed | Streamed:
        """Answer a request, with its fallbacks. Where all fail, the first error is the answer."""
        context, trace = self._run.context, self._run.trace
        context.set(FALLBACK_INDEX, 0)
        fallbacks = _fallbacks(request)
        first = answer = self._attempt(request, stream)
        for index, fallback in enumerate(fallbacks, start=1):
            if not isinstance(answer, Failed):
                break
            forbidden = _no_fallback_after(answer.error)
            if forbidden is not None:
                for left in range(index, len(fallbacks) + 1):
                    trace.add(FallbackNotTried(left, forbidden))
                return answer
            context.set(FALLBACK_INDEX, index)
            context.set(FALLBACK_REQUEST_ID, self._new_id())
            if not self._provider.serves(fallback.provider):
                trace.add(FallbackNotTried(index, Reason.NO_SUCH_PROVIDER))
                continue
            trace.add(FallbackTried(index, fallback.provider, fallback.model))
            answer = self._attempt({**request, "provider": fallback.provider, "model": fallback.model}, stream)
        if isinstance(answer, Failed) and _no_fallback_after(answer.error) is None:
            return first
        return answer

    def _attempt(self, request: JsonObject, stream: bool) -> Answered | Failed | Streamed:
        """Run everything once.

        The provider is chosen before the pre hooks: one that names another provider changes the document only.
        """
        name = str(request.get("provider", ""))
        run, seats = self._run, self._run.seats
        if not self._provider.serves(name):
            for hook in (PRE, POST):
                run.not_called(seats, hook, Reason.NO_SUCH_PROVIDER)
            run.trace.add(ProviderNotCalled(name, Reason.NO_SUCH_PROVIDER))
            return Failed({"is_bifrost_error": False, "error": {"message": f"no provider {name}"}})
        pre = self._pre_hooks(request)
        short = pre.short_circuit
        answer: Answer | None = None
        if short is not None and short.response is not None:
            answer = Answered(short.response)
        elif short is not None and short.error is not None:
            answer = Failed(short.error)
        if answer is not None:
            run.trace.add(ProviderNotCalled(name, Reason.SHORT_CIRCUIT))
            answer = self._post_hooks(answer, seats[: pre.reached])
            run.not_called(seats[pre.reached :][::-1], POST, Reason.PRE_HOOK_NOT_REACHED)
            return _as_stream(answer) if stream else answer
        run.trace.add(ProviderCalled(name, pre.request, stream))
        if stream:
            return self._stream(name, pre.request)
        return self._post_hooks(self._provider.complete(name, pre.request, run.context.snapshot()), seats)

    def _stream(self, name: str, request: JsonObject) -> Failed | Streamed:
        """Call the provider for a stream; an error before or as the first chunk fails the attempt as a whole."""
        seats = self._run.seats
        upstream = self._provider.stream(name, request, self._run.context.snapshot())
        if isinstance(upstream, Failed):
            return _as_stream(self._post_hooks(upstream, seats))
        first = next(upstream, None)
        if first is None:
            return Streamed(Pull(iter(())))
        processed = self._post_hooks(first, seats)
        if isinstance(processed, Failed):
            close_items(upstream)
            return processed
        return Streamed(Pull(self._chunks(processed, upstream), at_end=lambda: close_items(upstream)))

    def _chunks(self, first: Answer, upstream: Iterator[Answer]) -> Iterator[Answer]:
        """The chunks after their post hooks, pulled one by one: only the first runs before somebody wants it."""
        yield first
        for chunk in upstream:
            yield self._post_hooks(chunk, self._run.seats)

    def _pre_hooks(self, request: JsonObject) -> _PreHooks:
        run = self._run
        for index, seat in enumerate(run.seats):
            if not seat.exports(PRE):
                run.not_called([seat], PRE, Reason.NOT_EXPORTED)
                continue
            result = self._call_pre(seat, request)
            if result.request is not None:
                request = result.request
            if result.short_circuit is not None:
                empty = result.short_circuit.response is None and result.short_circuit.error is None
                reason = Reason.CUT_BEFORE if empty else Reason.ANSWERED_BEFORE
                run.not_called(run.seats[index + 1 :], PRE, reason)
                return _PreHooks(request, result.short_circuit, index + 1)
        return _PreHooks(request, None, len(run.seats))

    def _call_pre(self, seat: Seat, request: JsonObject) -> PreResult:
        """Call one pre hook. A failure is written down; an answer that came with an error is used all the same."""
        run = self._run
        result = run.call(seat, PRE, {"request": request}, lambda context: seat.plugin.pre_hook(context, request))
        if isinstance(result, HookFailed):
            return PreResult()
        short = result.short_circuit
        if short is None:
            effect = Effect.UNCHANGED if result.request is None else Effect.REQUEST_CHANGED
        elif short.response is not None:
            effect = Effect.ANSWERED
        elif short.error is not None:
            effect = Effect.REFUSED
        else:
            effect = Effect.EMPTY_SHORT_CIRCUIT
            if _EMPTY not in {note.code for note in result.notes}:
                run.noted(seat, PRE, _EMPTY, "neither a response nor an error: the provider is called")
        run.answered(seat, PRE, effect)
        if result.error:
            run.failed(seat, PRE, result.error)
        return result

    def _post_hooks(self, answer: Answer, seats: Sequence[Seat]) -> Answer:
        """Run the post hooks of these plugins, the last one first. An error wins over a response."""
        run = self._run
        response = answer.response if isinstance(answer, Answered) else None
        error = answer.error if isinstance(answer, Failed) else None
        for seat in reversed(seats):
            if not seat.exports(POST):
                run.not_called([seat], POST, Reason.NOT_EXPORTED)
                continue
            result = self._call_post(seat, response, error)
            match result.effect:
                case PostEffect.UNCHANGED:
                    pass
                case PostEffect.RESPONSE:
                    response = result.response
                case PostEffect.ERROR:
                    response, error = None, result.error
                case PostEffect.RECOVERED:
                    response, error = result.response, None
        return Answered(response or {}) if error is None else Failed(error)

    def _call_post(self, seat: Seat, response: JsonObject | None, error: JsonObject | None) -> PostResult:
        """Call one post hook. A failure is written down, and leaves everything as it was before this plugin."""
        run = self._run
        given = {"response": response, "error": error}
        result = run.call(seat, POST, given, lambda context: seat.plugin.post_hook(context, response, error))
        if isinstance(result, HookFailed):
            return PostResult()
        if result.hook_error:
            run.failed(seat, POST, result.hook_error)
            return PostResult()
        run.answered(seat, POST, _POST_EFFECTS[result.effect])
        return result


_POST_EFFECTS = {
    PostEffect.UNCHANGED: Effect.UNCHANGED,
    PostEffect.RESPONSE: Effect.RESPONSE_REPLACED,
    PostEffect.ERROR: Effect.ERROR_REPLACED,
    PostEffect.RECOVERED: Effect.RECOVERED,
}


def _as_stream(answer: Answer) -> Failed | Streamed:
    """A single answer in place of a stream: a response is its only chunk, an error is no stream at all."""
    return answer if isinstance(answer, Failed) else Streamed(Pull(iter((answer,))))


def _fallbacks(request: JsonObject) -> list[_Fallback]:
    """The fallbacks of a request, those without a provider and a model left out."""
    entries = request.get("fallbacks")
    if not isinstance(entries, Sequence):
        return []
    pairs = ((e.get("provider"), e.get("model")) for e in entries if isinstance(e, dict))
    return [_Fallback(p, m) for p, m in pairs if isinstance(p, str) and isinstance(m, str)]


def _no_fallback_after(error: JsonObject) -> Reason | None:
    """Why no fallback may follow this error; `allow_fallbacks` that is not set counts as true."""
    nested = error.get("error")
    if isinstance(nested, dict) and nested.get("type") == REQUEST_CANCELLED:
        return Reason.CANCELLED
    return Reason.FORBIDDEN if error.get("allow_fallbacks") is False else None
