"""Words that tell requests apart: put into a document, and found again in whatever form an answer shows them."""

from __future__ import annotations

import base64
import json

import pytest

from conformance.suites.bifrost.messages import MARK, mark, marked, marks_in
from conformance.suites.bifrost.messages.message import b64

WORD = mark(7)
BODY = f'{{"prompt":"Say {MARK} twice."}}'.encode()


def test_a_word_takes_its_place_in_text_and_in_base64() -> None:
    sent = marked(json.dumps({"id": MARK, "body": b64(BODY)}).encode(), WORD)
    document = json.loads(sent)
    assert document["id"] == WORD
    assert base64.b64decode(document["body"]).replace(b" ", b"") == BODY.replace(
        MARK.encode(), b"MARK-0000000007"
    ).replace(b" ", b"")


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(WORD, id="text"),
        pytest.param(f"so {WORD}!", id="inside"),
        pytest.param(WORD.lower(), id="lower-case"),
        pytest.param(WORD.title(), id="title-case"),
        pytest.param(base64.b64encode(f"{WORD} a".encode()).decode(), id="base64"),
        pytest.param(base64.b64encode(f"a{WORD} a".encode()).decode(), id="base64-one-on"),
        pytest.param(base64.b64encode(f"ab{WORD} a".encode()).decode(), id="base64-two-on"),
        pytest.param(base64.b64encode(f"abc{WORD} abc".encode()).decode()[3:], id="base64-cut"),
        pytest.param(WORD.encode().hex(), id="hexadecimal"),
        pytest.param(WORD.encode().hex().upper(), id="hexadecimal-upper-case"),
    ],
)
def test_a_word_is_found_in(shown: str) -> None:
    document = {"error": shown}
    assert marks_in(json.dumps(document).encode(), document) == {WORD}


def test_a_word_is_found_behind_escapes() -> None:
    text = b'{"error":"\\u004dARK\\u002d0000000007","\\u004dARK-0000000008":{}}'
    assert marks_in(text, json.loads(text)) == {WORD, mark(8)}


def test_nothing_is_found_where_nothing_is() -> None:
    text = b'{"error":"no MARK-12 here, nor TUFSSy0xx","body":"eyJtb2RlbCI6ImdwdC00In0="}'
    assert marks_in(text, json.loads(text)) == set()
