"""The messages of the Bifrost suite vary one thing each, and the words of a decoder are told from those of a policy."""

from __future__ import annotations

import json
import re

import pytest

from conformance.lab.bounds import COPIES
from conformance.suites.bifrost.complaints import speaks_of_decoding, speaks_of_policy
from conformance.suites.bifrost.messages import Message, Spelling, Topic, json_spellings, malformed, messages
from conformance.suites.bifrost.messages.message import MARK
from reference_host.abi.bifrost.revisions import R0, R2, REVISIONS, Revision, Role

MESSAGES = messages(largest=100, go_struct=True, docs=True)
NAMED = {(message.role, message.name): message for message in MESSAGES}


def text_of(message: Message) -> str:
    """Write a message as r2 gets it, without the places where the documents themselves have something empty or null."""
    text = b"".join(message.documents(R2)).decode()
    return text.replace('"error":{},"has_error":false', "").replace('"finish_reason":null', "")


@pytest.mark.parametrize(
    ("pattern", "topics"),
    [
        pytest.param(r"[^\x00-\x7f]|\\u00", {Topic.NON_ASCII}, id="beyond-ascii"),
        pytest.param(r'"(headers|query|body)":null', {Topic.NULLS}, id="null"),
        pytest.param(
            r'"(headers|query|params|usage|delta|message)":\{\}|"(body|content)":""', {Topic.EMPTY}, id="empty"
        ),
        pytest.param(r'"(choices|input|stop|fallbacks|tool_calls|content)":\[\]', {Topic.EMPTY}, id="empty-list"),
        pytest.param(r'"context":\{\}', {Topic.EMPTY}, id="empty-context"),
        pytest.param(r'"error":null|"response":\{\}', {Topic.NO_ERROR}, id="none"),
        pytest.param(r'"(ChatRequest|ChatResponse)":|"code":\d', {Topic.GO_STRUCT}, id="go"),
        pytest.param(r'"(path_params|meta|extra_fields|citations|x)":', {Topic.UNKNOWN, Topic.GO_STRUCT}, id="unknown"),
    ],
)
def test_what_a_topic_is_about_stands_in_no_other(pattern: str, topics: set[Topic]) -> None:
    found = [message for message in MESSAGES if re.search(pattern, text_of(message))]
    assert {message.topic for message in found} == topics


def test_names_are_the_messages_own_and_plain_comes_first() -> None:
    assert len(NAMED) == len(MESSAGES)
    assert [next(m for m in MESSAGES if m.role is role).name for role in Role] == ["plain"] * len(Role)


@pytest.mark.parametrize("topic", list(Topic))
def test_twins_are_there_and_differ(topic: Topic) -> None:
    means_the_same = topic in (Topic.NULLS, Topic.UNKNOWN, Topic.NO_ERROR)
    for message in MESSAGES:
        if message.topic is not topic or (message.role, message.name) == (Role.POST, "neither"):
            continue
        assert (message.twin is not None) == means_the_same, message.name
        if message.twin is not None:
            twin = NAMED[message.role, message.twin]
            assert twin.documents(R2) != message.documents(R2)
            assert twin.topic is not topic


def members(value: object, empty: object) -> object:
    """Take null for empty, and sort members; what is unknown stays."""
    if isinstance(value, dict):
        return {key: members(inner, empty) for key, inner in sorted(value.items()) if inner not in (None, {}, "")}
    return value


def test_a_null_differs_from_its_twin_in_nothing_else() -> None:
    for message in MESSAGES:
        if message.topic in (Topic.NULLS, Topic.NO_ERROR) and message.twin is not None:
            both = [json.loads(each.documents(R2)[0]) for each in (message, NAMED[message.role, message.twin])]
            assert members(both[0], None) == members(both[1], None), message.name


def contains(whole: object, part: object) -> bool:
    """Whether everything of `part` stands in `whole`, which may have more."""
    if isinstance(whole, dict) and isinstance(part, dict):
        return all(key in whole and contains(whole[key], inner) for key, inner in part.items())
    if isinstance(whole, list) and isinstance(part, list):
        return len(whole) == len(part) and all(map(contains, whole, part))
    return whole == part


def test_what_is_unknown_comes_on_top() -> None:
    for message in MESSAGES:
        if message.topic is Topic.UNKNOWN and message.twin is not None:
            more, plain = (json.loads(each.documents(R2)[0]) for each in (message, NAMED[message.role, message.twin]))
            assert contains(more, plain), f"{message.role}/{message.name}"


@pytest.mark.parametrize(
    ("room", "names"),
    [
        pytest.param(COPIES * 100 - 1, set(), id="none"),
        pytest.param(COPIES * 100, {"large", "large-chunk", "large-response", "request-large"}, id="everyday"),
        pytest.param(COPIES * 800, {"large", "huge", "large-chunk", "large-response", "request-large"}, id="huge"),
    ],
)
def test_a_body_needs_room(room: int, names: set[str]) -> None:
    sent = messages(largest=100, go_struct=True, docs=True, room=room)
    assert {message.name for message in sent if message.topic is Topic.LARGE} == names


def test_one_http_and_one_llm_hook_get_the_largest_body() -> None:
    huge = [message for message in MESSAGES if message.name == "huge"]
    assert [message.role for message in huge] == [Role.HTTP_PRE, Role.PRE]
    assert all(800 <= len(message.documents(R2)[0]) < 1_600 for message in huge)


# -- malformed input, and other spellings -----------------------------------------------------------


@pytest.mark.parametrize("revision", list(REVISIONS.values()), ids=list(REVISIONS))
def test_each_document_of_each_hook_is_spoiled_alone(revision: Revision) -> None:
    spoiled: dict[tuple[str, int], int] = {}
    for _name, message, documents in malformed(revision):
        hook = revision.hook(message.role)
        assert hook is not None
        sound = message.documents(revision)
        (position,) = [n for n in range(len(sound)) if documents[n] != sound[n]]
        assert documents[position]
        spoiled[hook.name, position] = spoiled.get((hook.name, position), 0) + 1
    assert set(spoiled) == {(hook.name, n) for hook in revision.hooks for n in range(len(hook.documents))}
    assert min(spoiled.values()) > 30


def test_known_members_are_mistyped_one_by_one() -> None:
    names = {name for name, message, _ in malformed(R0) if message.role is Role.POST}
    assert {
        "context-type-request_id",
        "response-type-chat_response.choices.0.message.content",
        "error-type-error.message",
        "error-type-status_code",
    } <= names


def test_spellings_mean_the_same() -> None:
    for message, spelling in json_spellings():
        for plain in message.documents(R2):
            written = spelling.write(plain)
            assert json.loads(written) == json.loads(plain)
            assert (written[:1], written[-1:]) == (b"{", b"}")
            assert (written == plain) == (spelling is Spelling.PLAIN)
            assert MARK.encode() in written


def test_escapes_are_those_of_other_writers() -> None:
    written = Spelling.ESCAPED.write('{"a":"/ö<🙂"}'.encode())
    assert written == rb'{"a":"\/\u00f6\u003c\ud83d\ude42"}'
    assert Spelling.EXPONENTS.write(b'{"a":0.5,"b":[12,-1.5]}') == b'{"a":5.0E-01,"b":[12,-1.5E+00]}'


# -- words ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "failed to parse input JSON",
        "json: cannot unmarshal null into Go struct field .headers of type map[string]string",
        "invalid character 'x' looking for beginning of value",
        "unexpected end of JSON input",
        "Parse error: invalid type: null, expected a map at line 1 column 40",
        "missing field `provider`",
        "EOF while parsing a string",
        "Key not found",
        "SyntaxError: Unexpected token < in JSON at position 0",
        "could not read the request",
        "bad input",
        "invalid request",
        "malformed payload",
        "decode: headers",
        "unsupported chunk type",
        "illegal character",
        "invalid utf-8",
        "index out of range [3] with length 3",
        "out of memory",
        "headers is null",
        "null pointer",
        "cannot parse a prompt that is too long",
    ],
)
def test_a_decoders_words_are_known(text: str) -> None:
    assert speaks_of_decoding(text)


@pytest.mark.parametrize(
    "text",
    [
        "request blocked",
        "body too large",
        "missing x-team header",
        "forbidden word",
        "invalid request: model not allowed",
        "malformed request: only JSON is accepted",
        "bad request: no x-team header",
        "failed to decode bearer token",
        "api key not found",
        "virtual key not found",
        "cannot parse the authorization header",
        "config could not be read",
        "unknown model",
        "rate limit reached",
        "quota exceeded",
        "upstream is down",
        "no team, no answer",
        "E42",
        "",
    ],
)
def test_a_policys_words_are_no_decoders(text: str) -> None:
    assert not speaks_of_decoding(text)


@pytest.mark.parametrize("text", ["request blocked", "missing x-team header", "not permitted", "too many words"])
def test_a_reason_of_policy_is_known(text: str) -> None:
    assert speaks_of_policy(text)
    assert not speaks_of_policy("E42")
