"""The members of answers: which types they have, what base64 and status codes are, and that a fault is told once."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import pytest
from bifrost_answers import ENVELOPED, read, told
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_host.abi.bifrost.answers import Finding, Outcome, read_answer
from reference_host.abi.bifrost.jsontext import decode_object
from reference_host.abi.bifrost.revisions import R2, REVISIONS, Role
from reference_host.abi.bifrost.types import HookFailure, HTTPPreResult, Note
from reference_host.abi.interface import Json
from reference_host.errors import HookError

OK: dict[str, Json] = {"status_code": 200}
HAD_ERROR = Outcome(response=False, error=True)

OTHERS: dict[str, list[Json]] = {
    "an object": ["x", 1, 1.5, True, False, [], [{}]],
    "a string": [1, 0, 1.5, True, False, [], {}],
    "a boolean": ["true", "", 0, 1, [], {}],
}
"""Values of every other type."""

MEMBERS = [
    # role, path, type, what has to stand beside it
    pytest.param(Role.HTTP_PRE, "context", "an object", {}, id="http_pre-context"),
    pytest.param(Role.HTTP_PRE, "error", "a string", {}, id="http_pre-error"),
    pytest.param(Role.HTTP_PRE, "has_response", "a boolean", {"response": OK}, id="http_pre-has_response"),
    pytest.param(Role.HTTP_PRE, "response", "an object", {"has_response": True}, id="http_pre-response"),
    pytest.param(Role.HTTP_PRE, "response", "an object", {}, id="http_pre-response-without-flag"),
    pytest.param(
        Role.HTTP_PRE, "response.headers", "an object", {"has_response": True}, id="http_pre-response-headers"
    ),
    pytest.param(Role.HTTP_PRE, "response.body", "a string", {"has_response": True}, id="http_pre-response-body"),
    pytest.param(Role.HTTP_PRE, "request", "an object", {}, id="http_pre-request"),
    pytest.param(Role.HTTP_PRE, "request.method", "a string", {}, id="http_pre-method"),
    pytest.param(Role.HTTP_PRE, "request.path", "a string", {}, id="http_pre-path"),
    pytest.param(Role.HTTP_PRE, "request.headers", "an object", {}, id="http_pre-headers"),
    pytest.param(Role.HTTP_PRE, "request.query", "an object", {}, id="http_pre-query"),
    pytest.param(Role.HTTP_PRE, "request.body", "a string", {}, id="http_pre-body"),
    pytest.param(Role.HTTP_PRE, "request.path_params", "an object", {}, id="http_pre-path_params"),
    pytest.param(Role.PRE, "context", "an object", {}, id="pre-context"),
    pytest.param(Role.PRE, "error", "a string", {}, id="pre-error"),
    pytest.param(Role.PRE, "request", "an object", {}, id="pre-request"),
    pytest.param(Role.PRE, "has_short_circuit", "a boolean", {"short_circuit": {}}, id="pre-has_short_circuit"),
    pytest.param(Role.PRE, "short_circuit", "an object", {"has_short_circuit": True}, id="pre-short_circuit"),
    pytest.param(Role.PRE, "short_circuit.response", "an object", {"has_short_circuit": True}, id="pre-sc-response"),
    pytest.param(Role.PRE, "short_circuit.error", "an object", {"has_short_circuit": True}, id="pre-sc-error"),
    pytest.param(Role.POST, "context", "an object", {"has_error": True, "error": OK}, id="post-context"),
    pytest.param(Role.POST, "hook_error", "a string", {"has_error": True, "error": OK}, id="post-hook_error"),
    pytest.param(Role.POST, "has_error", "a boolean", {"error": OK}, id="post-has_error"),
    pytest.param(Role.POST, "error", "an object", {"has_error": True}, id="post-error"),
    pytest.param(Role.POST, "response", "an object", {}, id="post-response"),
]


def _nested(path: str, value: Json) -> dict[str, Json]:
    outer, _, inner = path.partition(".")
    if not inner:
        return {outer: value}
    return {outer: {**(OK if outer == "response" else {}), inner: value}}


@pytest.mark.parametrize("revision", ENVELOPED)
@pytest.mark.parametrize(("role", "path", "kind", "beside"), MEMBERS)
def test_wrong_type_is_told_once_and_nothing_else_is(
    revision: str, role: Role, path: str, kind: str, beside: Mapping[str, Json]
) -> None:
    for value in OTHERS[kind]:
        answer = read(revision, role, {**beside, **_nested(path, value)}, HAD_ERROR)
        assert told(answer) == [f"bad-member {path}"], value
        assert answer.findings[0].expected == f"{kind} or null"
        assert answer.result is None


STREAM = [
    pytest.param("context", "an object", {"skip": True}, id="context"),
    pytest.param("error", "a string", {"skip": True}, id="error"),
    pytest.param("skip", "a boolean", {}, id="skip"),
    pytest.param("has_chunk", "a boolean", {"chunk": OK}, id="has_chunk"),
    pytest.param("chunk", "an object", {"has_chunk": True}, id="chunk"),
]


@pytest.mark.parametrize("revision", ["r1b", "r2"])
@pytest.mark.parametrize(("path", "kind", "beside"), STREAM)
def test_wrong_type_in_the_stream_hook(revision: str, path: str, kind: str, beside: Mapping[str, Json]) -> None:
    for value in OTHERS[kind]:
        assert told(read(revision, Role.STREAM, {**beside, path: value})) == [f"bad-member {path}"], value


@pytest.mark.parametrize(
    ("path", "kind"),
    [pytest.param("context", "an object", id="context"), pytest.param("error", "a string", id="error")],
)
def test_wrong_type_in_http_post_hook(path: str, kind: str) -> None:
    for value in OTHERS[kind]:
        assert told(read("r2", Role.HTTP_POST, {path: value})) == [f"bad-member {path}"], value


MAPS = [
    pytest.param("request.headers", id="request-headers"),
    pytest.param("request.query", id="request-query"),
    pytest.param("request.path_params", id="request-path_params"),
    pytest.param("response.headers", id="response-headers"),
]


@pytest.mark.parametrize("path", MAPS)
@pytest.mark.parametrize(
    ("value", "got"),
    [
        pytest.param(1, "a number", id="number"),
        pytest.param(["a", "b"], "an array", id="several-values"),
        pytest.param(None, "null", id="null"),
        pytest.param({}, "an object", id="object"),
        pytest.param(True, "a boolean", id="boolean"),
    ],
)
def test_values_of_headers_and_query_are_strings(path: str, value: Json, got: str) -> None:
    document = {"has_response": path.startswith("response"), **_nested(path, {"ok": "x", "X-Team": value})}
    answer = read("r2", Role.HTTP_PRE, document)
    assert answer.findings == (Finding("bad-member", f"{path}.X-Team", "a string", got),)


def test_every_fault_of_an_answer_is_told() -> None:
    document: dict[str, Json] = {
        "context": [],
        "error": 1,
        "request": {"method": 1, "headers": {"a": 1, "b": 2}, "body": "?"},
        "has_response": True,
        "response": {"status_code": 7, "body": "?"},
    }
    assert told(read("r2", Role.HTTP_PRE, document)) == [
        "bad-member context",
        "bad-member error",
        "bad-member request.method",
        "bad-member request.headers.a",
        "bad-member request.headers.b",
        "bad-base64 request.body",
        "bad-status response.status_code",
        "bad-base64 response.body",
    ]


# -- status codes ---------------------------------------------------------------------------------

STATUS = [
    pytest.param("100", 100, id="100"),
    pytest.param("200", 200, id="200"),
    pytest.param("200.0", 200, id="200.0-is-an-integer"),
    pytest.param("2e2", 200, id="2e2-is-an-integer"),
    pytest.param("599", 599, id="599"),
    pytest.param("0", "bad-status", id="0"),
    pytest.param("-0.0", "bad-status", id="minus-0"),
    pytest.param("99", "bad-status", id="99"),
    pytest.param("600", "bad-status", id="600"),
    pytest.param("-1", "bad-status", id="minus-1"),
    pytest.param("1e400", "bad-status", id="1e400"),
    pytest.param("9" * 5_000, "bad-status", id="5000-digits"),
    pytest.param("null", "bad-status", id="null-is-0"),
    pytest.param("200.5", "bad-member", id="200.5"),
    pytest.param('"200"', "bad-member", id="text"),
    pytest.param('""', "bad-member", id="empty-text"),
    pytest.param("true", "bad-member", id="true"),
    pytest.param("false", "bad-member", id="false"),
    pytest.param("[200]", "bad-member", id="array"),
    pytest.param("{}", "bad-member", id="object"),
]


@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.parametrize(("text", "expected"), STATUS)
def test_status_code(revision: str, text: str, expected: int | str) -> None:
    document, _ = decode_object("hook", f'{{"has_response":true,"response":{{"status_code":{text}}}}}'.encode())
    answer = read(revision, Role.HTTP_PRE, document)
    if isinstance(expected, int):
        assert isinstance(answer.result, HTTPPreResult)
        assert answer.result.response is not None
        assert answer.result.response.status_code == expected
        assert type(answer.result.response.status_code) is int
    else:
        assert told(answer) == [f"{expected} response.status_code"]
        assert len(answer.findings[0].got) <= 20


def test_missing_status_code_is_0() -> None:
    answer = read("r2", Role.HTTP_PRE, {"has_response": True, "response": {"body": ""}})
    assert answer.findings == (Finding("bad-status", "response.status_code", "100 to 599", "0"),)


# -- base64 ---------------------------------------------------------------------------------------

BASE64 = [
    pytest.param("", b"", id="empty"),
    pytest.param("Zg==", b"f", id="two-pads"),
    pytest.param("Zm8=", b"fo", id="one-pad"),
    pytest.param("Zm9v", b"foo", id="no-pad-needed"),
    pytest.param("+/+/", b"\xfb\xff\xbf", id="plus-and-slash"),
    pytest.param("Zm9v\nZm9v\r\n", b"foofoo", id="line-breaks-are-skipped"),
    pytest.param("Zg=\n=", b"f", id="also-in-the-padding"),
    pytest.param("Zg", None, id="padding-left-out"),
    pytest.param("Zg=", None, id="padding-too-short"),
    pytest.param("Zg===", None, id="padding-too-long"),
    pytest.param("=Zg=", None, id="padding-first"),
    pytest.param("Zg==Zg==", None, id="text-behind-the-padding"),
    pytest.param("Z", None, id="one-character"),
    pytest.param("-_-_", None, id="url-alphabet"),
    pytest.param("Zm 9v", None, id="blank"),
    pytest.param("\tZm9v", None, id="tab"),
    pytest.param("Zm9v\0", None, id="nul"),
    pytest.param("{}", None, id="plain-text"),
    pytest.param("Žm9v", None, id="non-ascii"),
    pytest.param("data:;base64,Zm9v", None, id="data-address"),
]


@pytest.mark.parametrize("member", ["request", "response"])
@pytest.mark.parametrize(("text", "body"), BASE64)
def test_body_is_standard_base64_with_padding(member: str, text: str, body: bytes | None) -> None:
    answer = read("r2", Role.HTTP_PRE, {"has_response": member == "response", member: {**OK, "body": text}})
    if body is None:
        assert told(answer) == [f"bad-base64 {member}.body"]
        assert answer.findings[0].expected == "standard base64 with padding"
    else:
        assert isinstance(answer.result, HTTPPreResult)
        assert getattr(answer.result, member).body == body


@settings(derandomize=True, deadline=None, max_examples=60, database=None)
@given(st.binary(max_size=60))
def test_every_body_is_read_as_it_was_written(body: bytes) -> None:
    answer = read("r2", Role.HTTP_PRE, {"request": {"body": base64.b64encode(body).decode()}})
    assert isinstance(answer.result, HTTPPreResult)
    assert answer.result.request is not None
    assert answer.result.request.body == body


# -- what an answer offers ------------------------------------------------------------------------


def test_notes_of_the_decoder_come_before_those_of_the_table() -> None:

    hook = R2.hook(Role.HTTP_PRE)
    assert hook is not None
    before = Note("duplicate-key", "'a' stands more than once, the last one wins")
    answer = read_answer(hook, R2, {"response": OK}, notes=(before,))
    assert answer.notes == (before, Note("value-without-flag", "response: an object"))


def test_answer_that_cannot_be_used_says_why() -> None:
    answer = read("r2", Role.HTTP_PRE, {"has_response": True, "response": {"status_code": 600}, "error": 5})
    with pytest.raises(HookError) as caught:
        answer.usable("http_pre_hook")
    assert str(caught.value) == "http_pre_hook: bad-member: error: expected a string or null, got a number"
    assert caught.value.trap is None


def test_answer_with_notes_only_can_be_used() -> None:
    answer = read("r2", Role.HTTP_PRE, {"response": OK})
    assert answer.usable("http_pre_hook") is answer.result


@pytest.mark.parametrize(
    ("code", "failure"),
    [
        *(pytest.param(code.value, True, id=code.value) for code in HookFailure),
        *(
            pytest.param(code, False, id=code)
            for code in ("value-without-flag", "skip-with-chunk", "error-flag-dropped", "empty-short-circuit")
        ),
    ],
)
def test_failures_are_told_from_notes(code: str, failure: bool) -> None:
    assert Finding(code, "m", "e", "g").is_failure is failure
