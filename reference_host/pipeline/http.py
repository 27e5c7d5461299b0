"""The HTTP level: `http_pre_hook` in order, and after a whole response `http_post_hook` in reverse order.

What a pre hook may do to the request: set headers and query parameters, and replace the body. Names that it
leaves out stay, members that are missing or null stay. A changed method or path is refused with 409 on the
spot. The first response or error ends everything: no later pre hook, no LLM level, no HTTP post hook of any
plugin.

Source: "Writing WASM Plugins", `http_pre_hook` and `http_post_hook`; what may be changed, and that a post
hook's error skips the rest, are the gateway's native transport. Native code looks at method and path after
the last pre hook, and then goes on to the handler all the same; to stop at the plugin that did it is a stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reference_host.abi.bifrost.types import HTTPRequest, HTTPResponse
from reference_host.pipeline.run import HTTP_POST, HTTP_PRE, STREAM_CHUNK, Run, Seat
from reference_host.pipeline.trace import Effect, HookFailed, Reason


@dataclass(frozen=True, slots=True)
class Ended:
    """A pre hook ended the request: what the client gets, and what that means for the hooks that are not called."""

    response: HTTPResponse
    reason: Reason


_AFTER = {
    Reason.ANSWERED_BEFORE: Reason.ANSWERED_AT_HTTP,
    Reason.FAILED_BEFORE: Reason.FAILED_AT_HTTP,
    Reason.REFUSED_BEFORE: Reason.REFUSED_AT_HTTP,
}


def pre_hooks(run: Run, request: HTTPRequest) -> HTTPRequest | Ended:
    """Run the HTTP pre hooks: the request as they left it, or the end of it."""
    for index, seat in enumerate(run.seats):
        if not seat.exports(HTTP_PRE):
            run.not_called([seat], HTTP_PRE, Reason.NOT_EXPORTED)
            continue
        after = _call_pre(run, seat, request)
        if isinstance(after, HTTPRequest):
            request = after
            continue
        run.not_called(run.seats[index + 1 :], HTTP_PRE, after.reason)
        return Ended(after.response, _AFTER[after.reason])
    return request


def _call_pre(run: Run, seat: Seat, request: HTTPRequest) -> HTTPRequest | Ended:
    result = run.call(seat, HTTP_PRE, {"request": request}, lambda context: seat.plugin.http_pre_hook(context, request))
    if isinstance(result, HookFailed):
        return Ended(_text(500, result.message), Reason.FAILED_BEFORE)
    if result.error:
        run.failed(seat, HTTP_PRE, result.error)
        return Ended(_text(500, result.error), Reason.FAILED_BEFORE)
    if result.response is not None:
        run.answered(seat, HTTP_PRE, Effect.ANSWERED)
        return Ended(result.response, Reason.ANSWERED_BEFORE)
    if result.request is None:
        run.answered(seat, HTTP_PRE, Effect.UNCHANGED)
        return request
    changed = forbidden_change(request, result.request)
    if changed is not None:
        run.answered(seat, HTTP_PRE, Effect.FORBIDDEN_CHANGE)
        text = f"plugin {seat.name} changed the {changed} of the request, which is not allowed"
        return Ended(_text(409, text), Reason.REFUSED_BEFORE)
    applied = apply_request(request, result.request)
    run.answered(seat, HTTP_PRE, Effect.UNCHANGED if applied == request else Effect.REQUEST_CHANGED)
    return applied


def post_hooks(run: Run, request: HTTPRequest, response: HTTPResponse) -> None:
    """Run the HTTP post hooks, the last plugin first. They cannot change the response; an error skips the rest."""
    seats = run.seats[::-1]
    for index, seat in enumerate(seats):
        if not seat.exports(HTTP_POST):
            run.not_called([seat], HTTP_POST, Reason.NOT_EXPORTED)
            continue
        if not _call_post(run, seat, request, response):
            run.not_called(seats[index + 1 :], HTTP_POST, Reason.FAILED_BEFORE)
            return


def _call_post(run: Run, seat: Seat, request: HTTPRequest, response: HTTPResponse) -> bool:
    given = {"request": request, "response": response}
    result = run.call(seat, HTTP_POST, given, lambda context: seat.plugin.http_post_hook(context, request, response))
    if isinstance(result, HookFailed):
        return False
    if result.error:
        run.failed(seat, HTTP_POST, result.error)
        return False
    run.answered(seat, HTTP_POST, Effect.UNCHANGED)
    return True


def no_post_hooks(run: Run, reason: Reason) -> None:
    """Write down that no HTTP post hook is called."""
    run.not_called(run.seats[::-1], HTTP_POST, reason)


def no_chunk_hooks(run: Run, reason: Reason) -> None:
    """Write down that no chunk hook is called."""
    run.not_called(run.seats[::-1], STREAM_CHUNK, reason)


def forbidden_change(request: HTTPRequest, answer: HTTPRequest) -> str | None:
    """The member that a pre hook changed and must not, `method` or `path`; None where it kept both."""
    if answer.method is not None and answer.method != request.method:
        return "method"
    if answer.path is not None and answer.path != request.path:
        return "path"
    return None


def apply_request(request: HTTPRequest, answer: HTTPRequest) -> HTTPRequest:
    """Apply a pre hook's answer to the request; method, path and path parameters are kept."""
    return replace(
        request,
        headers=set_headers(request.headers or {}, answer.headers or {}),
        query={**(request.query or {}), **(answer.query or {})},
        body=request.body if answer.body is None else answer.body,
    )


def set_headers(headers: Mapping[str, str], answer: Mapping[str, str]) -> dict[str, str]:
    """Set the headers of an answer; nothing is removed.

    Names compare without case. A header that exists keeps the spelling that it has, as the client sent it; a
    new one is spelled as in the answer. An entry that only echoes what the request has says nothing: so a
    plugin that copies all headers and adds `x-team` wins over its own echo of `X-Team`, in whatever order its
    language writes the object. Among several real changes of one name the last wins.
    """
    spelling = {name.lower(): name for name in headers}
    result = dict(headers)
    for name, value in answer.items():
        if headers.get(name) == value:
            continue
        result[spelling.setdefault(name.lower(), name)] = value
    return result


def _text(status: int, text: str) -> HTTPResponse:
    return HTTPResponse(status, {"Content-Type": "text/plain; charset=utf-8"}, text.encode("utf-8", "replace"))
