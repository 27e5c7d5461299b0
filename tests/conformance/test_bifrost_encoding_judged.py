"""The text of an answer: what is told of each fault, in every hook of every revision, and what is legal.

Source: "Writing WASM Plugins", Data Exchange; README of hello-world-wasm-go, Data Exchange. Details are stands.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from answered import broken

from reference_host.abi.bifrost.revisions import REVISIONS, Role

HOOKS = [(revision.name, hook.role) for revision in REVISIONS.values() for hook in revision.hooks]
PLAIN = {
    Role.HTTP_PRE: b'{"error":"","note":"caf\xc3\xa9"}',
    Role.HTTP_POST: b'{"error":"","note":"caf\xc3\xa9"}',
    Role.STREAM: b'{"skip":true,"error":"","note":"caf\xc3\xa9"}',
    Role.PRE: b'{"error":"","note":"caf\xc3\xa9"}',
    Role.POST: b'{"error":null,"note":"caf\xc3\xa9"}',
}
"""A legal answer of each hook that is not all ASCII."""


def put(member: bytes) -> Callable[[bytes], bytes]:
    """Put a member in front of the others."""
    return lambda text: b"{" + member + b"," + text[1:]


def coded(encoding: str) -> Callable[[bytes], bytes]:
    """Write the text in another encoding."""
    return lambda text: text.decode().encode(encoding)


def nested(levels: int, opening: bytes = b"[", closing: bytes = b"]") -> Callable[[bytes], bytes]:
    """Put so many levels in, the object's own included."""
    return put(b'"n":' + opening * (levels - 1) + closing * (levels - 1))


FAULTS = [
    pytest.param("ENC-001", coded("utf-16"), id="utf-16-with-mark"),
    pytest.param("ENC-001", coded("utf-16-le"), id="utf-16-little-endian"),
    pytest.param("ENC-001", coded("utf-16-be"), id="utf-16-big-endian"),
    pytest.param("ENC-001", lambda text: text.decode().encode("utf-16-le")[: len(text)], id="utf-16-by-characters"),
    pytest.param("ENC-001", lambda text: b"\xfe\xff" + text.decode().encode("utf-16-be"), id="utf-16-be-with-mark"),
    pytest.param("ENC-001", coded("utf-32"), id="utf-32-with-mark"),
    pytest.param("ENC-001", coded("utf-32-le"), id="utf-32-little-endian"),
    pytest.param("ENC-001", coded("utf-32-be"), id="utf-32-big-endian"),
    pytest.param("ENC-001", coded("latin-1"), id="latin-1"),
    pytest.param("ENC-001", coded("cp037"), id="ebcdic"),
    pytest.param("ENC-001", put(b'"a":"\xc0\xaf"'), id="overlong-slash"),
    pytest.param("ENC-001", put(b'"a":"\xc0\x80"'), id="overlong-nul"),
    pytest.param("ENC-001", put(b'"a":"\xed\xa0\xbd\xed\xb9\x82"'), id="pair-in-six-bytes"),
    pytest.param("ENC-001", put(b'"a":"\xed\xa0\xbd"'), id="half-a-pair-in-three-bytes"),
    pytest.param("ENC-001", put(b'"a":"\xf4\x90\x80\x80"'), id="beyond-unicode"),
    pytest.param("ENC-001", put(b'"a":"\xe4\xb8"'), id="cut-character"),
    pytest.param("ENC-001", put(b'"a":"\x80"'), id="stray-continuation"),
    pytest.param("ENC-001", put(b'"\xe9":1'), id="in-a-key"),
    pytest.param("ENC-001", lambda _text: b"\xff\xfe\xfd", id="no-text-at-all"),
    pytest.param("ENC-002", lambda text: b"\xef\xbb\xbf" + text, id="byte-order-mark"),
    pytest.param("ENC-002", lambda text: text + b"\xef\xbb\xbf", id="byte-order-mark-behind"),
    pytest.param("ENC-002", lambda text: text + b"\0", id="terminator"),
    pytest.param("ENC-002", lambda text: text + b"\0\0\0\0", id="four-of-them"),
    pytest.param("ENC-002", lambda text: text + b"\xff", id="a-byte-too-long"),
    pytest.param("ENC-002", lambda text: text + b"\xc3", id="a-byte-too-long-that-begins-a-character"),
    pytest.param("ENC-002", lambda text: text + b"\x90\xfa", id="two-bytes-too-long"),
    pytest.param("ENC-002", lambda text: text + b"x", id="a-letter-too-long"),
    pytest.param("ENC-002", lambda text: b"\0" + text[:-1], id="begins-a-byte-too-early"),
    pytest.param("ENC-002", lambda text: text[1:], id="begins-a-byte-too-late"),
    pytest.param("ENC-002", lambda text: text[1:] + b"\xff", id="a-byte-too-late-at-both-ends"),
    pytest.param("ENC-002", lambda text: text[:-1], id="a-byte-too-short"),
    pytest.param("ENC-002", lambda text: text[:-3], id="cut-in-a-character"),
    pytest.param("ENC-002", lambda text: text[: len(text.decode())], id="length-in-characters"),
    pytest.param("ENC-002", lambda text: b"\0" * len(text), id="buffer-that-was-never-written"),
    pytest.param("ENC-002", lambda text: text + b"\n" + text, id="two-objects"),
    pytest.param("ENC-002", lambda text: text + b"," + text, id="two-objects-and-a-comma"),
    pytest.param("ENC-002", lambda text: text + b",", id="comma-behind"),
    pytest.param("ENC-002", lambda text: text[:-1] + b",}", id="trailing-comma"),
    pytest.param("ENC-002", put(b'"a":[1,]'), id="trailing-comma-in-an-array"),
    pytest.param("ENC-002", put(b""), id="comma-before"),
    pytest.param("ENC-002", lambda text: text.replace(b'":', b'" ', 1), id="no-colon"),
    pytest.param("ENC-002", lambda text: text + b"}", id="a-brace-too-many"),
    pytest.param("ENC-002", lambda text: text + b"// done", id="line-comment"),
    pytest.param("ENC-002", lambda text: b"/* pass */" + text, id="comment"),
    pytest.param("ENC-002", lambda text: text.replace(b'"', b"'"), id="single-quotation-marks"),
    pytest.param("ENC-002", put(b"a:1"), id="bare-key"),
    pytest.param("ENC-002", put(b"1:1"), id="number-for-a-key"),
    pytest.param("ENC-002", put(b'"a":"\n"'), id="raw-line-break"),
    pytest.param("ENC-002", put(b'"a":"\t"'), id="raw-tab"),
    pytest.param("ENC-002", put(b'"a":"\0"'), id="raw-nul"),
    pytest.param("ENC-002", put(b'"a\x1f":1'), id="raw-control-in-a-key"),
    pytest.param("ENC-002", put(rb'"a":"\x41"'), id="hexadecimal-escape"),
    pytest.param("ENC-002", put(rb'"a":"\'"'), id="escaped-apostrophe"),
    pytest.param("ENC-002", put(rb'"a":"\u00e"'), id="short-escape"),
    pytest.param("ENC-002", put(rb'"a":"\u{e9}"'), id="escape-in-braces"),
    pytest.param("ENC-002", put(rb'"a":"\U0001F600"'), id="long-escape"),
    pytest.param("ENC-002", put(rb'"a":"\ud83d"'), id="high-half"),
    pytest.param("ENC-002", put(rb'"a":"\ude00"'), id="low-half"),
    pytest.param("ENC-002", put(rb'"a":"\ude00\ud83d"'), id="halves-the-other-way-round"),
    pytest.param("ENC-002", put(rb'"\ud83d":1'), id="half-in-a-key"),
    pytest.param("ENC-002", put(b'"a":NaN'), id="nan"),
    pytest.param("ENC-002", put(b'"a":Infinity'), id="infinity"),
    pytest.param("ENC-002", put(b'"a":-Infinity'), id="minus-infinity"),
    pytest.param("ENC-002", put(b'"a":nan'), id="nan-in-lower-case"),
    pytest.param("ENC-002", put(b'"a":1.#INF'), id="infinity-of-c"),
    pytest.param("ENC-002", put(b'"a":007'), id="leading-zeros"),
    pytest.param("ENC-002", put(b'"a":-01'), id="leading-zero-behind-a-minus"),
    pytest.param("ENC-002", put(b'"a":0x10'), id="hexadecimal"),
    pytest.param("ENC-002", put(b'"a":+1'), id="plus"),
    pytest.param("ENC-002", put(b'"a":.5'), id="no-digit-before-the-point"),
    pytest.param("ENC-002", put(b'"a":1.'), id="no-digit-behind-the-point"),
    pytest.param("ENC-002", put(b'"a":1e'), id="no-digit-in-the-exponent"),
    pytest.param("ENC-002", put(b'"a":1,5'), id="comma-for-a-point"),
    pytest.param("ENC-002", put(b'"a":1_000'), id="underscore-in-a-number"),
    pytest.param("ENC-002", put('"a":\uff11'.encode()), id="digit-beyond-ascii"),
    pytest.param("ENC-002", put(b'"a":undefined'), id="undefined"),
    pytest.param("ENC-002", put(b'"a":True'), id="true-of-python"),
    pytest.param("ENC-002", put(b'"a":nil'), id="nil"),
    pytest.param("ENC-002", put(b'"a":'), id="no-value"),
    pytest.param("ENC-002", nested(513), id="513-levels"),
    pytest.param("ENC-002", nested(600, b'{"a":', b"}"), id="600-levels-of-nothing"),
    pytest.param("ENC-002", lambda _text: b" \r\n\t", id="white-space-only"),
    pytest.param("ENC-002", lambda _text: b"undefined", id="undefined-only"),
    pytest.param("ENC-002", lambda _text: b"NaN", id="nan-only"),
    pytest.param("ENC-002", lambda _text: b"ok", id="a-word"),
    pytest.param("ENC-002", lambda text: b"data: " + text + b"\n\n", id="event"),
    pytest.param("ENC-002", lambda text: b"\x0b" + text, id="white-space-that-json-does-not-have"),
    pytest.param("ENC-002", lambda text: b"\xc2\xa0" + text, id="no-break-space"),
    pytest.param("ENC-003", lambda text: b"[" + text + b"]", id="array"),
    pytest.param("ENC-003", lambda _text: b"[]", id="empty-array"),
    pytest.param("ENC-003", lambda _text: b"null", id="null"),
    pytest.param("ENC-003", lambda _text: b'""', id="empty-string"),
    pytest.param("ENC-003", lambda _text: rb'"{\"error\":\"\"}"', id="json-in-a-string"),
    pytest.param("ENC-003", lambda _text: b"0", id="number"),
    pytest.param("ENC-003", lambda _text: b" false\n", id="false"),
    pytest.param("ENC-004", put(b'"error":""'), id="key-twice"),
    pytest.param("ENC-004", put(b'"error":0'), id="key-twice-where-the-last-one-is-right"),
    pytest.param("ENC-004", put(rb'"\u0065rror":""'), id="key-twice-once-escaped"),
    pytest.param("ENC-004", put(b'"x":{"a":1,"a":1}'), id="key-twice-in-an-object"),
    pytest.param("ENC-004", put(b'"x":[{"y":[{"":1,"":2}]}]'), id="key-twice-deep-down"),
    pytest.param("ENC-004", put(b'"x":1,"y":2,"y":3,"x":4'), id="two-keys-twice"),
]
LEGAL = [
    pytest.param(lambda text: text, id="plain"),
    pytest.param(lambda text: b"\r\n\t " + text.replace(b":", b" :\n").replace(b",", b"\t, ") + b" \n\n", id="spaces"),
    pytest.param(lambda text: b"{" + b",".join(reversed(text[1:-1].split(b","))) + b"}", id="other-order"),
    pytest.param(
        lambda text: text.decode().encode("ascii", "backslashreplace").replace(rb"\xe9", rb"\u00E9"), id="ascii"
    ),
    pytest.param(put(rb'"a":"\ud83d\uDE42 \/ \b\f\n\r\t \\ \" \u0000 \uffff"'), id="escapes"),
    pytest.param(put(rb'"a":"\\ud83d"'), id="backslash-and-letters"),
    pytest.param(put('"世界 \ufeff":"\x7f\x85\u2028 🙂 \ufffe"'.encode()), id="raw-text-of-all-kinds"),
    pytest.param(put(b'"a":[-0,0.0,-0.0e-0,1E+2,1e400,1e-400,10.50,18446744073709551616]'), id="numbers"),
    pytest.param(put(b'"a":' + b"9" * 5_000), id="integer-of-5000-digits"),
    pytest.param(nested(512), id="512-levels"),
    pytest.param(put(b'"a":[' + b"[]," * 600 + b'{},"[{"]'), id="wide"),
    pytest.param(put(b'"a":{"k":{"k":1},"K":2},"b":{"k":1}'), id="keys-that-only-look-alike"),
    pytest.param(put(b'"":{"":null}'), id="empty-keys"),
]


@pytest.mark.parametrize(("rule", "spoil"), FAULTS)
def test_fault_of_the_text_is_told_by_one_rule_in_every_hook(rule: str, spoil: Callable[[bytes], bytes]) -> None:
    assert {hook: broken(*hook, spoil(PLAIN[hook[1]])) for hook in HOOKS} == {hook: [rule] for hook in HOOKS}


@pytest.mark.parametrize("write", LEGAL)
def test_legal_text_is_taken_in_every_hook(write: Callable[[bytes], bytes]) -> None:
    assert {hook: broken(*hook, write(PLAIN[hook[1]])) for hook in HOOKS} == {hook: [] for hook in HOOKS}
