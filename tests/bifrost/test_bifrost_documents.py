"""What a host sends, for each revision and shape: one envelope, or a document each."""

from __future__ import annotations

import json

import pytest

from reference_host.abi.bifrost import documents
from reference_host.abi.bifrost.documents import Shape
from reference_host.abi.bifrost.revisions import R0, R1, R1B, R2, Revision
from reference_host.abi.bifrost.types import HTTPRequest, HTTPResponse, JsonObject
from reference_host.abi.interface import Json

DOCS, GO = Shape.DOCS, Shape.GO_STRUCT
enveloped = pytest.mark.parametrize("revision", [pytest.param(r, id=r.name) for r in (R1, R1B, R2)])

CONTEXT: JsonObject = {"request_id": "r-7"}
FULL = HTTPRequest(
    "POST",
    "/v1/chat/completions",
    {"Content-Type": "application/json", "X-Team": "a"},
    {"debug": "1"},
    b'{"model":"m"}',
)
FULL_JSON = {
    "method": "POST",
    "path": "/v1/chat/completions",
    "headers": {"Content-Type": "application/json", "X-Team": "a"},
    "query": {"debug": "1"},
    "body": "eyJtb2RlbCI6Im0ifQ==",
}

# -- building blocks ------------------------------------------------------------------------------

REQUESTS = [
    pytest.param(DOCS, FULL, FULL_JSON, id="docs"),
    pytest.param(GO, FULL, {**FULL_JSON, "path_params": None}, id="go-struct"),
    pytest.param(
        DOCS,
        HTTPRequest(),
        {"method": "", "path": "", "headers": {}, "query": {}, "body": ""},
        id="docs-writes-empty-members",
    ),
    pytest.param(
        GO,
        HTTPRequest(),
        {"method": "", "path": "", "headers": None, "query": None, "body": None, "path_params": None},
        id="go-struct-writes-null-for-nil",
    ),
    pytest.param(
        GO,
        HTTPRequest("GET", "/", {}, {}, b"", {}),
        {"method": "GET", "path": "/", "headers": {}, "query": {}, "body": "", "path_params": {}},
        id="go-struct-tells-empty-from-nil",
    ),
    pytest.param(
        DOCS,
        HTTPRequest("GET", "/", path_params={"id": "7"}),
        {"method": "GET", "path": "/", "headers": {}, "query": {}, "body": ""},
        id="docs-has-no-path_params",
    ),
    pytest.param(
        GO,
        HTTPRequest("GET", "/", {}, {}, b"", {"id": "7"}),
        {"method": "GET", "path": "/", "headers": {}, "query": {}, "body": "", "path_params": {"id": "7"}},
        id="go-struct-has-path_params",
    ),
]


@pytest.mark.parametrize(("shape", "request_", "expected"), REQUESTS)
def test_request(shape: Shape, request_: HTTPRequest, expected: Json) -> None:
    assert documents.request_json(request_, shape) == expected


@pytest.mark.parametrize("shape", Shape)
@pytest.mark.parametrize(
    ("response", "expected"),
    [
        pytest.param(
            HTTPResponse(200, {"A": "b"}, b"\xfb\xff"),
            {"status_code": 200, "headers": {"A": "b"}, "body": "+/8="},
            id="full",
        ),
        pytest.param(HTTPResponse(204), {"status_code": 204, "headers": {}, "body": ""}, id="empty"),
    ],
)
def test_response(shape: Shape, response: HTTPResponse, expected: Json) -> None:
    assert documents.response_json(response, shape) == expected


CONTEXTS = [
    pytest.param(DOCS, {"request_id": "r"}, {"request_id": "r"}, id="docs"),
    pytest.param(
        GO, {"request_id": "r", "a": 1}, {"request-id": "r", "request_id": "r", "a": 1}, id="go-struct-offers-both"
    ),
    pytest.param(
        GO, {"request_id": "r", "request-id": "s"}, {"request-id": "s", "request_id": "r"}, id="go-struct-keeps"
    ),
    pytest.param(GO, {}, {}, id="go-struct-invents-nothing"),
]


@pytest.mark.parametrize(("shape", "context", "expected"), CONTEXTS)
def test_context(shape: Shape, context: JsonObject, expected: JsonObject) -> None:
    assert documents.context_json(context, shape) == expected


# -- envelopes ------------------------------------------------------------------------------------


def envelope(sent: tuple[bytes, ...]) -> Json:
    (document,) = sent
    return json.loads(document)


@enveloped
def test_http_pre_envelope(revision: Revision) -> None:
    sent = documents.http_pre(revision, CONTEXT, FULL_JSON)
    assert envelope(sent) == {"context": CONTEXT, "request": FULL_JSON}


def test_http_post_envelope() -> None:
    response = {"status_code": 200, "headers": {}, "body": "e30="}
    sent = documents.http_post(R2, CONTEXT, FULL_JSON, response)
    assert envelope(sent) == {"context": CONTEXT, "request": FULL_JSON, "response": response}


@pytest.mark.parametrize("revision", [pytest.param(R1B, id="r1b"), pytest.param(R2, id="r2")])
def test_stream_envelope(revision: Revision) -> None:
    sent = documents.stream_chunk(revision, CONTEXT, FULL_JSON, {"id": "c1"})
    assert envelope(sent) == {"context": CONTEXT, "request": FULL_JSON, "chunk": {"id": "c1"}}


@enveloped
def test_pre_envelope(revision: Revision) -> None:
    assert envelope(documents.pre(revision, CONTEXT, {"model": "m"})) == {"context": CONTEXT, "request": {"model": "m"}}


OUTCOMES = [
    pytest.param({"r": 1}, None, {"response": {"r": 1}, "error": {}, "has_error": False}, id="response"),
    pytest.param(None, {"e": 1}, {"response": None, "error": {"e": 1}, "has_error": True}, id="error"),
    pytest.param({"r": 1}, {"e": 1}, {"response": {"r": 1}, "error": {"e": 1}, "has_error": True}, id="both"),
    pytest.param(None, None, {"response": None, "error": {}, "has_error": False}, id="neither"),
    pytest.param({}, {}, {"response": None, "error": {}, "has_error": False}, id="empty-objects-are-none"),
]


@enveloped
@pytest.mark.parametrize(("response", "error", "expected"), OUTCOMES)
def test_post_envelope(
    revision: Revision, response: JsonObject | None, error: JsonObject | None, expected: JsonObject
) -> None:
    assert envelope(documents.post(revision, CONTEXT, response, error)) == {"context": CONTEXT, **expected}


# -- a document each ------------------------------------------------------------------------------


def test_http_pre_documents_of_r0() -> None:
    sent = documents.http_pre(R0, CONTEXT, {"method": "GET"})
    assert sent == (b'{"request_id":"r-7"}', b'{"method":"GET"}')


def test_pre_documents_of_r0() -> None:
    assert documents.pre(R0, CONTEXT, {"model": "m"}) == (b'{"request_id":"r-7"}', b'{"model":"m"}')


R0_OUTCOMES = [
    pytest.param({"r": 1}, None, (b'{"r":1}', b"null"), id="no-error-is-null"),
    pytest.param(None, {"e": 1}, (b"null", b'{"e":1}'), id="no-response-is-null"),
    pytest.param(None, None, (b"null", b"null"), id="neither"),
    pytest.param({}, {}, (b"null", b"null"), id="empty-objects-are-none"),
]


@pytest.mark.parametrize(("response", "error", "expected"), R0_OUTCOMES)
def test_post_documents_of_r0(
    response: JsonObject | None, error: JsonObject | None, expected: tuple[bytes, bytes]
) -> None:
    assert documents.post(R0, CONTEXT, response, error) == (b'{"request_id":"r-7"}', *expected)


def test_documents_are_utf8_and_without_white_space() -> None:
    (sent,) = documents.pre(R2, {"имя": "é"}, {"a": [1, 2]})
    assert sent == '{"context":{"имя":"é"},"request":{"a":[1,2]}}'.encode()
