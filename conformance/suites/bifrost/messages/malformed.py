"""What no conforming host sends: text that is no JSON, or JSON that is not of the documented form.

Source: none; that a guest answers it with an error is a stand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from reference_host.abi.bifrost.jsontext import encode
from reference_host.abi.bifrost.revisions import Revision, Role
from reference_host.abi.interface import Json

from .http import http_request, http_response
from .llm import chat_response, llm_error, llm_request
from .message import MARK, Message, Topic
from .stream import plain_chunk

DEPTH = 1_000
"""Levels of nesting: more than an answer may have, fewer than would fill a stack that is sound."""

_FIXED = {
    "white-space": b"   ",
    "no-json": b"hello",
    "array": b"[]",
    "null": b"null",
    "true": b"true",
    "string": b'"x"',
    "number": b"1e400",
    "no-members": b"{}",
    "open-brace": b"{",
    "open-array": b"[" * DEPTH,
    "no-utf8": b'{"context":{"request_id":"\xff\xfe"}}',
    "no-quotes": b"{context:{}}",
    "single-quotes": b"{'context':{}}",
    "no-colon": b'{"context"{}}',
    "not-a-number": b'{"context":{"a":NaN}}',
}
"""Texts in the place of a whole document. None is empty: a plugin may count on the first brace (stand)."""


def malformed(revision: Revision) -> Iterator[tuple[str, Message, tuple[bytes, ...]]]:
    """For each hook: each of its documents spoiled in turn, the others as they should be."""
    for message in _messages():
        hook = revision.hook(message.role)
        if hook is None:
            continue
        documents = message.documents(revision)
        for position, (document, text) in enumerate(zip(hook.documents, documents, strict=True)):
            for name, spoiled in _spoil(text):
                case = f"{document}-{name}" if len(documents) > 1 else name
                yield case, message, (*documents[:position], spoiled, *documents[position + 1 :])


def _messages() -> Iterator[Message]:
    http: dict[str, Json] = {"request": http_request()}
    response = {"chat_response": chat_response()}
    # Both a response and an error, so that each of them can be spoiled.
    after: dict[str, Json] = {"response": response, "error": llm_error(), "has_error": True}
    for role, members in {
        Role.HTTP_PRE: http,
        Role.HTTP_POST: http | {"response": http_response()},
        Role.STREAM: http | {"chunk": plain_chunk()},
        Role.PRE: {"request": llm_request()},
        Role.POST: after,
    }.items():
        yield Message(role, "malformed", Topic.DOCUMENTED, members)


def _spoil(text: bytes) -> Iterator[tuple[str, bytes]]:
    yield from _FIXED.items()
    half = len(text) // 2
    yield "half", text[:half]
    yield "no-end", text[:-1]
    yield "no-beginning", text[1:]
    yield "twice", text * 2
    yield "mark-before", b"\xef\xbb\xbf" + text
    yield "nul-behind", text + b"\0"
    yield "comma-behind", text[:-1] + b",}"
    yield "utf-16", text.decode().encode("utf-16-le")
    for name, escape in {
        "short": rb"\u12",
        "unknown": rb"\x41",
        "half-pair": rb"\ud83d",
        "no-digits": rb"\uzzzz",
    }.items():
        yield f"escape-{name}", text.replace(MARK.encode(), escape)
    yield "escape-cut", text[: text.index(MARK.encode())] + b"\\" if MARK.encode() in text else b'{"a":"\\'
    for name, value in {
        "deep": b"[" * DEPTH + b"]" * DEPTH,
        "huge": b"1e999999",
        "digits": b"9" * 400,
        "control": b'"\n"',
    }.items():
        yield name, b'{"%s":%s,%s' % (name.encode(), value, text[1:])
    yield "all-twice", text[:-1] + b"," + text[1:]
    for path, spoiled in _mistyped(json.loads(text)):
        yield f"type-{path}", encode(spoiled)


def _mistyped(value: Json) -> Iterator[tuple[str, Json]]:
    """The value with each of its members in turn as something else, and the path of that member.

    Of a list the first item stands for all; of a map with open names, any name stands for all.
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, value | {key: _other(inner)}
            yield from ((f"{key}.{path}", value | {key: changed}) for path, changed in _mistyped(inner))
    elif isinstance(value, list) and value:
        yield "0", [_other(value[0]), *value[1:]]
        yield from ((f"0.{path}", [changed, *value[1:]]) for path, changed in _mistyped(value[0]))


def _other(value: Json) -> Json:
    """A value of another type."""
    if isinstance(value, str):
        return 17
    return "x" if isinstance(value, dict | bool) else {"x": 1}
