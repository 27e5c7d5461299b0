"""What an HTTP pre hook may do to the request: set headers and query parameters, replace the body; nothing else."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_host.abi.bifrost.types import HTTPRequest
from reference_host.pipeline.http import apply_request, forbidden_change, set_headers

# A few names in several spellings, so that they meet.
NAMES = st.sampled_from(["X-Team", "x-team", "X-TEAM", "Accept", "accept", "Host", "ETag", "etag"])
TEXTS = st.text(alphabet="ab", max_size=2)
ANSWERS = st.dictionaries(NAMES, TEXTS, max_size=5)


def one_spelling(headers: dict[str, str]) -> dict[str, str]:
    """The headers of a client: no name twice."""
    return {name: headers[name] for name in {name.lower(): name for name in headers}.values()}


CLIENTS = ANSWERS.map(one_spelling)


def look_up(headers: Mapping[str, str], name: str) -> str | None:
    found = [value for key, value in headers.items() if key.lower() == name.lower()]
    assert len(found) <= 1
    return found[0] if found else None


@given(headers=CLIENTS, answer=ANSWERS)
def test_no_header_is_removed_respelled_or_doubled(headers: dict[str, str], answer: dict[str, str]) -> None:
    result = set_headers(headers, answer)
    assert list(headers) == list(result)[: len(headers)]
    assert len({name.lower() for name in result}) == len(result)
    assert {name.lower() for name in result} == {name.lower() for name in (*headers, *answer)}


@given(headers=CLIENTS, answer=ANSWERS)
def test_a_header_has_a_value_that_was_asked_for(headers: dict[str, str], answer: dict[str, str]) -> None:
    result = set_headers(headers, answer)
    for name in result:
        asked: set[str | None] = {
            v for key, v in answer.items() if key.lower() == name.lower() and headers.get(key) != v
        }
        assert look_up(result, name) in (asked or {look_up(headers, name)})


@given(headers=CLIENTS, name=NAMES, value=TEXTS, echo_first=st.booleans())
def test_a_change_beats_the_echo_in_either_order(
    headers: dict[str, str], name: str, value: str, echo_first: bool
) -> None:
    change = {name: value}
    answer = {**headers, **change} if echo_first else {**change, **{k: v for k, v in headers.items() if k != name}}
    assert look_up(set_headers(headers, answer), name) == value


@given(headers=CLIENTS)
def test_an_echo_changes_nothing(headers: dict[str, str]) -> None:
    assert set_headers(headers, headers) == headers
    assert set_headers(headers, {}) == headers


@given(headers=CLIENTS, answer=ANSWERS.map(one_spelling))
def test_to_set_twice_is_to_set_once(headers: dict[str, str], answer: dict[str, str]) -> None:
    once = set_headers(headers, answer)
    assert set_headers(once, answer) == once


REQUEST = HTTPRequest("POST", "/v1/x", {"A": "1"}, {"q": "1"}, b"body", {"id": "7"})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(HTTPRequest(), REQUEST, id="all members missing"),
        pytest.param(REQUEST, REQUEST, id="echo"),
        pytest.param(HTTPRequest(headers={}, query={}), REQUEST, id="empty headers and query: nothing is removed"),
        pytest.param(
            HTTPRequest(headers={"a": "2"}),
            HTTPRequest("POST", "/v1/x", {"A": "2"}, {"q": "1"}, b"body", {"id": "7"}),
            id="header in another spelling",
        ),
        pytest.param(
            HTTPRequest(query={"Q": "2"}),
            HTTPRequest("POST", "/v1/x", {"A": "1"}, {"q": "1", "Q": "2"}, b"body", {"id": "7"}),
            id="query names compare by case",
        ),
        pytest.param(
            HTTPRequest(body=b""),
            HTTPRequest("POST", "/v1/x", {"A": "1"}, {"q": "1"}, b"", {"id": "7"}),
            id="an empty body is a body",
        ),
        pytest.param(HTTPRequest(path_params={"id": "8"}), REQUEST, id="path parameters are the router's"),
    ],
)
def test_an_answer_is_applied(answer: HTTPRequest, expected: HTTPRequest) -> None:
    assert apply_request(REQUEST, answer) == expected


@pytest.mark.parametrize(
    ("answer", "member"),
    [
        pytest.param(HTTPRequest(), None, id="missing"),
        pytest.param(HTTPRequest("POST", "/v1/x"), None, id="echo"),
        pytest.param(HTTPRequest(method="PUT"), "method", id="method"),
        pytest.param(HTTPRequest(method="post"), "method", id="method in lower case"),
        pytest.param(HTTPRequest(path="/v1/y"), "path", id="path"),
        pytest.param(HTTPRequest(path="/v1/x?q=2"), "path", id="path with a query"),
        pytest.param(HTTPRequest(path=""), "path", id="empty path"),
    ],
)
def test_method_and_path_may_not_change(answer: HTTPRequest, member: str | None) -> None:
    assert forbidden_change(REQUEST, answer) == member
