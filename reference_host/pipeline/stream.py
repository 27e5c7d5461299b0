"""Stream chunks on their way to the client: each goes through `http_stream_chunk_hook`, in reverse order.

A plugin may send the chunk (its own in the place of the one it got), drop it, or stop the stream with an
error event. After a drop or a stop the remaining plugins are not called for that chunk. A hook that breaks
its contract gave no chunk, only an error: the stream stops.

Source: "Writing WASM Plugins", `http_stream_chunk_hook`; the effects are the four results of the native hook,
and which plugins are still called after a drop is a stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from reference_host.abi.bifrost.types import ChunkEffect, ChunkResult, HTTPRequest, JsonObject
from reference_host.pipeline.provider import Answer, Answered
from reference_host.pipeline.pull import Pull
from reference_host.pipeline.run import STREAM_CHUNK, Run, Seat
from reference_host.pipeline.trace import Effect, HookFailed, Reason


@dataclass(frozen=True, slots=True)
class Sent:
    """A chunk that goes to the client: one JSON object without any framing."""

    chunk: JsonObject


@dataclass(frozen=True, slots=True)
class Stopped:
    """The error event that ends a stream."""

    message: str

    @property
    def event(self) -> JsonObject:
        """What the client gets."""
        return {"error": self.message}


Delivery = Sent | Stopped


def as_chunk(answer: Answer) -> JsonObject:
    """A chunk as the stream hook knows it: the active member alone, without its wrapper; an error as it is.

    `{"chat_response": {"id": ...}}` becomes `{"id": ...}`. A response without a known wrapper is taken as it is.
    """
    if not isinstance(answer, Answered):
        return {key: value for key, value in answer.error.items() if key != "allow_fallbacks"}
    members = [
        value for key, value in answer.response.items() if isinstance(value, dict) and key.lower().endswith("response")
    ]
    return members[0] if len(members) == 1 else answer.response


def deliver(
    run: Run, request: HTTPRequest, chunks: Pull[Answer], at_end: Callable[[], None] = lambda: None
) -> Pull[Delivery]:
    """What the client gets, chunk by chunk. `at_end` runs once, however the stream ends, also if the client leaves."""
    seats = tuple(seat for seat in reversed(run.seats) if seat.exports(STREAM_CHUNK))
    missing = [seat for seat in reversed(run.seats) if not seat.exports(STREAM_CHUNK)]
    run.not_called(missing, STREAM_CHUNK, Reason.NOT_EXPORTED)

    def end() -> None:
        chunks.close()
        at_end()

    return Pull(_deliveries(run, seats, request, chunks), end)


def _deliveries(
    run: Run, seats: tuple[Seat, ...], request: HTTPRequest, chunks: Iterator[Answer]
) -> Iterator[Delivery]:
    for answer in chunks:
        delivery = _through(run, seats, request, as_chunk(answer))
        if delivery is not None:
            yield delivery
        if isinstance(delivery, Stopped):
            return


def _through(run: Run, seats: tuple[Seat, ...], request: HTTPRequest, chunk: JsonObject) -> Delivery | None:
    """One chunk through the plugins; None where it is dropped."""
    for index, seat in enumerate(seats):
        result = _call(run, seat, request, chunk)
        rest = seats[index + 1 :]
        if result.effect is ChunkEffect.STOP:
            run.not_called(rest, STREAM_CHUNK, Reason.STOPPED_BEFORE)
            return Stopped(result.error)
        if result.effect is ChunkEffect.DROP:
            run.not_called(rest, STREAM_CHUNK, Reason.DROPPED_BEFORE)
            return None
        if result.effect is ChunkEffect.SEND and result.chunk is not None:
            chunk = result.chunk
    return Sent(chunk)


_EFFECTS = {
    ChunkEffect.KEEP: Effect.UNCHANGED,
    ChunkEffect.SEND: Effect.CHUNK_SENT,
    ChunkEffect.DROP: Effect.CHUNK_DROPPED,
    ChunkEffect.STOP: Effect.STREAM_STOPPED,
}


def _call(run: Run, seat: Seat, request: HTTPRequest, chunk: JsonObject) -> ChunkResult:
    given = {"request": request, "chunk": chunk}
    result = run.call(
        seat, STREAM_CHUNK, given, lambda context: seat.plugin.http_stream_chunk_hook(context, request, chunk)
    )
    if isinstance(result, HookFailed):
        return ChunkResult(ChunkEffect.STOP, error=result.message)
    if result.error:
        run.failed(seat, STREAM_CHUNK, result.error)
    run.answered(seat, STREAM_CHUNK, _EFFECTS[result.effect])
    return result
