"""What HTTP hooks and the stream hook answer, line by line of their truth tables."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from bifrost_answers import ENVELOPED, codes, read, told

from reference_host.abi.bifrost.revisions import Role
from reference_host.abi.bifrost.types import (
    ChunkEffect,
    ChunkResult,
    HTTPPostResult,
    HTTPPreResult,
    HTTPRequest,
    HTTPResponse,
)
from reference_host.abi.interface import Json

every_enveloped = pytest.mark.parametrize("revision", ENVELOPED)
streaming = pytest.mark.parametrize("revision", ["r1b", "r2"])

OK: dict[str, Json] = {"status_code": 200, "headers": {"Content-Type": "application/json"}, "body": "eyJvayI6dHJ1ZX0="}
MADE = HTTPResponse(200, {"Content-Type": "application/json"}, b'{"ok":true}')
ZERO: dict[str, Json] = {"status_code": 0, "headers": None, "body": ""}
"""What a struct that was never filled in is written as."""

# -- http_pre_hook, http_intercept ----------------------------------------------------------------

HTTP_PRE = [
    pytest.param({}, HTTPPreResult(), [], id="nothing-at-all"),
    pytest.param(
        {"context": {"request_id": "abc-123", "seen": True}, "request": None, "response": None, "has_response": False},
        HTTPPreResult(context={"request_id": "abc-123", "seen": True}),
        [],
        id="pass-through",
    ),
    pytest.param({"context": None, "error": None, "has_response": None}, HTTPPreResult(), [], id="all-null"),
    pytest.param({"has_response": True, "response": OK}, HTTPPreResult(response=MADE), [], id="short-circuit"),
    pytest.param(
        {"has_response": True, "response": {"status_code": 204}},
        HTTPPreResult(response=HTTPResponse(204)),
        [],
        id="short-circuit-with-a-status-only",
    ),
    pytest.param(
        {"has_response": True, "response": {"status_code": 204, "headers": None, "body": None}},
        HTTPPreResult(response=HTTPResponse(204)),
        [],
        id="headers-and-body-may-be-null",
    ),
    pytest.param({"error": "denied"}, HTTPPreResult(error="denied"), [], id="error"),
    pytest.param(
        {"error": "denied", "has_response": True, "response": OK},
        HTTPPreResult(response=MADE, error="denied"),
        [],
        id="error-and-response",
    ),
    pytest.param({"response": OK}, HTTPPreResult(), ["value-without-flag response"], id="response-without-flag"),
    pytest.param(
        {"response": OK, "has_response": False},
        HTTPPreResult(),
        ["value-without-flag response"],
        id="response-not-meant",
    ),
    pytest.param(
        {"response": ZERO, "has_response": False},
        HTTPPreResult(),
        ["value-without-flag response"],
        id="response-that-was-never-filled-in-is-not-looked-at",
    ),
    pytest.param(
        {"response": {"status_code": 200, "body": "***"}, "has_response": False},
        HTTPPreResult(),
        ["value-without-flag response"],
        id="nor-is-the-body-of-one-that-is-not-meant",
    ),
    pytest.param({"response": {}, "has_response": False}, HTTPPreResult(), [], id="empty-response-is-none"),
    pytest.param({"has_response": True}, None, ["flag-without-value response"], id="flag-without-response"),
    pytest.param({"has_response": True, "response": None}, None, ["flag-without-value response"], id="flag-with-null"),
    pytest.param(
        {"has_response": True, "response": {}}, None, ["flag-without-value response"], id="flag-with-empty-response"
    ),
    pytest.param(
        {"request": {"method": "POST", "path": "/x", "headers": {"A": "b"}, "query": {"q": "1"}, "body": "aGk="}},
        HTTPPreResult(request=HTTPRequest("POST", "/x", {"A": "b"}, {"q": "1"}, b"hi")),
        [],
        id="request-replaced",
    ),
    pytest.param({"request": {}}, HTTPPreResult(request=HTTPRequest()), [], id="request-without-members"),
    pytest.param(
        {"request": {"method": None, "path": None, "headers": None, "query": None, "body": None}},
        HTTPPreResult(request=HTTPRequest()),
        [],
        id="request-of-nulls",
    ),
    pytest.param(
        {"request": {"body": ""}}, HTTPPreResult(request=HTTPRequest(body=b"")), [], id="empty-body-is-not-unchanged"
    ),
    pytest.param(
        {"request": {"path_params": {"id": "7"}}},
        HTTPPreResult(request=HTTPRequest(path_params={"id": "7"})),
        [],
        id="path_params",
    ),
    pytest.param(
        {"bonus": 1, "request": {"method": "GET", "host": 5}},
        HTTPPreResult(request=HTTPRequest(method="GET")),
        [],
        id="unknown-members-are-ignored",
    ),
]


@every_enveloped
@pytest.mark.parametrize(("document", "result", "findings"), HTTP_PRE)
def test_http_pre_hook(
    revision: str, document: dict[str, Json], result: HTTPPreResult | None, findings: list[str]
) -> None:
    answer = read(revision, Role.HTTP_PRE, document)
    assert told(answer) == findings
    assert answer.document is document
    if result is None:
        assert answer.result is None
    else:
        assert answer.result == replace(result, notes=answer.notes)
        assert codes(answer) == tuple(finding.split()[0] for finding in findings)


# -- http_transport_intercept ---------------------------------------------------------------------

HTTP_R0 = [
    pytest.param({"response": None, "error": ""}, HTTPPreResult(), [], id="pass-through"),
    pytest.param({}, HTTPPreResult(), [], id="nothing-at-all"),
    pytest.param({"response": OK}, HTTPPreResult(response=MADE), [], id="short-circuit-needs-no-flag"),
    pytest.param({"response": OK, "has_response": False}, HTTPPreResult(response=MADE), [], id="flag-is-unknown"),
    pytest.param({"error": "denied"}, HTTPPreResult(error="denied"), [], id="error"),
    pytest.param({"request": {"method": "GET"}}, HTTPPreResult(), [], id="request-cannot-be-changed"),
    pytest.param({"request": 5, "context": 5, "has_response": 5}, HTTPPreResult(), [], id="others-members-are-unknown"),
    pytest.param({"context": {"a": 1}}, HTTPPreResult(), [], id="context-is-not-returned"),
    pytest.param(
        {"response": {}}, None, ["bad-status response.status_code"], id="empty-response-is-one-without-status"
    ),
    pytest.param({"response": ZERO}, None, ["bad-status response.status_code"], id="response-that-was-never-filled-in"),
    pytest.param({"response": "no"}, None, ["bad-member response"], id="response-is-text"),
]


@pytest.mark.parametrize(("document", "result", "findings"), HTTP_R0)
def test_http_transport_intercept(document: dict[str, Json], result: HTTPPreResult | None, findings: list[str]) -> None:
    answer = read("r0", Role.HTTP_PRE, document)
    assert told(answer) == findings
    assert answer.result == result


# -- http_post_hook -------------------------------------------------------------------------------

HTTP_POST = [
    pytest.param({}, HTTPPostResult(), [], id="nothing-at-all"),
    pytest.param({"context": {"post_seen": True}, "error": ""}, HTTPPostResult({"post_seen": True}), [], id="context"),
    pytest.param({"error": "late"}, HTTPPostResult(error="late"), [], id="error"),
    pytest.param({"response": None}, HTTPPostResult(), [], id="null-response"),
    pytest.param({"response": OK}, HTTPPostResult(), ["response-member-ignored response"], id="response-is-ignored"),
    pytest.param({"response": 5}, HTTPPostResult(), ["response-member-ignored response"], id="whatever-it-is"),
    pytest.param({"request": 5, "has_response": 5}, HTTPPostResult(), [], id="unknown-members-are-ignored"),
]


@pytest.mark.parametrize(("document", "result", "findings"), HTTP_POST)
def test_http_post_hook(document: dict[str, Json], result: HTTPPostResult, findings: list[str]) -> None:
    answer = read("r2", Role.HTTP_POST, document)
    assert told(answer) == findings
    assert answer.result == replace(result, notes=answer.notes)


# -- http_stream_chunk_hook -----------------------------------------------------------------------

CHUNK: dict[str, Json] = {"id": "c1", "choices": [{"index": 0, "delta": {"content": "a"}}]}
SEND, DROP, STOP = ChunkEffect.SEND, ChunkEffect.DROP, ChunkEffect.STOP
TABLE = [
    # skip, has_chunk, error, effect, note
    pytest.param(False, True, "", SEND, [], id="chunk-is-sent"),
    pytest.param(True, False, "", DROP, [], id="skip-drops"),
    pytest.param(True, True, "", DROP, ["skip-with-chunk skip"], id="skip-wins-over-chunk"),
    pytest.param(False, False, "", DROP, ["neither-chunk-nor-skip has_chunk"], id="neither-drops"),
    pytest.param(False, True, "oops", SEND, [], id="error-with-chunk-sends"),
    pytest.param(True, True, "oops", SEND, [], id="error-with-chunk-and-skip-sends"),
    pytest.param(False, False, "oops", STOP, [], id="error-without-chunk-stops"),
    pytest.param(True, False, "oops", STOP, [], id="error-and-skip-stops"),
]


@streaming
@pytest.mark.parametrize(("skip", "has_chunk", "error", "effect", "findings"), TABLE)
def test_stream_table(
    revision: str, skip: bool, has_chunk: bool, error: str, effect: ChunkEffect, findings: list[str]
) -> None:
    answer = read(revision, Role.STREAM, {"chunk": CHUNK, "has_chunk": has_chunk, "skip": skip, "error": error})
    assert told(answer) == findings
    sent = CHUNK if effect is SEND else None
    assert answer.result == ChunkResult(effect, sent, error=error, notes=answer.notes)
    assert codes(answer) == tuple(finding.split()[0] for finding in findings)


STREAM = [
    pytest.param({}, ChunkResult(DROP), ["neither-chunk-nor-skip has_chunk"], id="nothing-at-all-drops"),
    pytest.param({"skip": True, "chunk": None}, ChunkResult(DROP), [], id="documented-drop"),
    pytest.param(
        {"context": {"n": 1}, "chunk": CHUNK, "has_chunk": True}, ChunkResult(SEND, CHUNK, {"n": 1}), [], id="context"
    ),
    pytest.param({"chunk": {}, "has_chunk": True}, ChunkResult(SEND, {}), [], id="empty-chunk-is-one"),
    pytest.param({"chunk": CHUNK, "skip": True}, ChunkResult(DROP), [], id="chunk-beside-skip-is-not-worth-a-word"),
    pytest.param({"error": "x"}, ChunkResult(STOP, error="x"), [], id="error-alone-stops"),
    pytest.param({"has_chunk": True}, None, ["flag-without-value chunk"], id="flag-without-chunk"),
    pytest.param({"has_chunk": True, "chunk": None}, None, ["flag-without-value chunk"], id="flag-with-null"),
    pytest.param(
        {"has_chunk": True, "chunk": None, "error": "x"}, None, ["flag-without-value chunk"], id="also-with-error"
    ),
    pytest.param({"has_chunk": True, "chunk": "YQ=="}, None, ["bad-member chunk"], id="chunk-is-text"),
    pytest.param({"has_chunk": True, "chunk": [CHUNK]}, None, ["bad-member chunk"], id="chunk-is-an-array"),
    pytest.param({"skip": "yes"}, None, ["bad-member skip"], id="skip-is-text"),
    pytest.param({"has_chunk": 1, "chunk": CHUNK}, None, ["bad-member has_chunk"], id="has_chunk-is-a-number"),
]


@streaming
@pytest.mark.parametrize(("document", "result", "findings"), STREAM)
def test_stream(revision: str, document: dict[str, Json], result: ChunkResult | None, findings: list[str]) -> None:
    answer = read(revision, Role.STREAM, document)
    assert told(answer) == findings
    assert answer.result == (None if result is None else replace(result, notes=answer.notes))


@streaming
@pytest.mark.parametrize(("skip", "has_chunk", "error"), [*product([False, None], [False, None], ["", None])])
def test_null_and_absent_flags_are_false(revision: str, skip: object, has_chunk: object, error: object) -> None:
    whole = read(revision, Role.STREAM, {"skip": skip, "has_chunk": has_chunk, "error": error})
    assert whole.result == read(revision, Role.STREAM, {}).result
