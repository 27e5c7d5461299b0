"""JSON read strictly: UTF-8, one object, nothing around it; and written so that every guest can read it."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference_host.abi.bifrost.jsontext import MAX_NESTING, decode_object, decode_text, encode, type_name
from reference_host.abi.bifrost.types import HookFailure
from reference_host.abi.interface import Json
from reference_host.errors import HookError, UsageError

repeatable = settings(derandomize=True, deadline=None, max_examples=60, database=None)


def refusal(output: bytes) -> HookError:
    with pytest.raises(HookError) as caught:
        decode_object("pre_hook", output)
    return caught.value


# -- what is read ---------------------------------------------------------------------------------

READ = [
    pytest.param(b"{}", {}, id="empty-object"),
    pytest.param(b'\t\n\r {"a" : [ 1 , 2 ] }\r\n', {"a": [1, 2]}, id="white-space"),
    pytest.param('{"ключ":"значение 😀"}'.encode(), {"ключ": "значение 😀"}, id="non-ascii"),
    pytest.param(rb'{"a":"\ud83d\ude00"}', {"a": "😀"}, id="escaped-pair"),
    pytest.param(rb'{"\uD83D\uDE00":1}', {"😀": 1}, id="escaped-pair-in-a-key"),
    pytest.param(rb'{"a":"\\ud83d"}', {"a": "\\ud83d"}, id="no-escape-but-a-backslash-and-letters"),
    pytest.param(rb'{"a":"\u0000\n\/"}', {"a": "\0\n/"}, id="escaped-control-characters"),
    pytest.param(b'{"a":"\x7f\xc2\x85\xe2\x80\xa8"}', {"a": "\x7f\x85\u2028"}, id="controls-that-json-allows"),
    pytest.param(b'{"a":-0.0,"b":1E+2,"c":-7}', {"a": -0.0, "b": 100.0, "c": -7}, id="numbers"),
    pytest.param(b'{"a":1e400,"b":-1e400}', {"a": sys.float_info.max, "b": -sys.float_info.max}, id="beyond-a-double"),
    pytest.param(b'{"a":1e-400}', {"a": 0.0}, id="below-a-double"),
    pytest.param(b'{"a":' + b"9" * 999 + b"}", {"a": 10**999 - 1}, id="integer-of-999-digits"),
    pytest.param(b'{"a":-' + b"9" * 10_000 + b"}", {"a": -sys.float_info.max}, id="integer-of-10000-digits"),
    pytest.param(b'{"a":1' + b"0" * 300 + b"." + b"0" * 5_000 + b"}", {"a": 1e300}, id="fraction-of-5000-digits"),
    pytest.param(b'{"":{"":[]}}', {"": {"": []}}, id="empty-keys"),
    pytest.param(b'{"a":"[[[{{{"}', {"a": "[[[{{{"}, id="brackets-in-text"),
]


@pytest.mark.parametrize(("output", "value"), READ)
def test_json_is_read(output: bytes, value: Json) -> None:
    assert decode_object("pre_hook", output) == (value, ())


def test_number_beyond_a_double_can_be_sent_again() -> None:
    value, _ = decode_object("pre_hook", b'{"a":1e999,"b":-' + b"1" * 6_000 + b"}")
    assert decode_object("pre_hook", encode(value)) == (value, ())


# -- what is refused ------------------------------------------------------------------------------

BAD_UTF8 = [
    pytest.param(b'{"a":"\xff"}', "byte 6 of 9: invalid start byte", id="no-utf8"),
    pytest.param(b'{"a":"\xe9"}', "byte 6 of 9: invalid continuation byte", id="latin-1"),
    pytest.param('{"a":1}'.encode("utf-16"), "byte 0 of 16: invalid start byte", id="utf-16-with-mark"),
    pytest.param(b'{"a":"\xed\xa0\x80"}', "byte 6 of 11: invalid continuation byte", id="surrogate"),
    pytest.param(b'{"a":"\xc0\xaf"}', "byte 6 of 10: invalid start byte", id="overlong"),
    pytest.param(b'{"a":"\xf4\x90\x80\x80"}', "byte 6 of 12: invalid continuation byte", id="beyond-unicode"),
    pytest.param(b'{"a":"caf\xc3"}', "byte 9 of 12: invalid continuation byte", id="half-a-character"),
    pytest.param(b"\xff", "byte 0 of 1: invalid start byte", id="one-byte"),
    pytest.param(b"caf\xc3", "byte 3 of 4: unexpected end of data", id="cut-and-no-json-before-it"),
]


@pytest.mark.parametrize(("output", "detail"), BAD_UTF8)
def test_what_is_no_utf8_is_refused(output: bytes, detail: str) -> None:
    failure = refusal(output)
    assert (failure.hook, failure.code, failure.detail) == ("pre_hook", HookFailure.BAD_UTF8, detail)
    with pytest.raises(HookError, match=r"^get_name: bad-utf8: "):
        decode_text("get_name", output)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", ["{}", '{"a":1}', ' {"é":"世界 🙂"}', '{"a":"b'])
def test_two_or_four_bytes_for_each_character_are_no_utf8(encoding: str, text: str) -> None:
    failure = refusal(text.encode(encoding))
    assert (failure.code, failure.detail[-16:]) == (HookFailure.BAD_UTF8, "UTF-16 or UTF-32")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_their_byte_order_mark_is_no_utf8(encoding: str) -> None:
    assert refusal('{"a":1}'.encode(encoding)).code == HookFailure.BAD_UTF8


BAD_JSON = [
    pytest.param(b"\xef\xbb\xbf{}", "begins with a byte order mark", id="byte-order-mark"),
    pytest.param(b"{}\0", "ends with a NUL", id="terminator"),
    pytest.param(b"\0" * 8, "ends with a NUL", id="buffer-that-was-never-written"),
    pytest.param(b'\0{"a":1', "Expecting value at character 0", id="begins-a-byte-too-early"),
    pytest.param(b'\0\0\0{"a"', "Expecting value at character 0", id="begins-three-bytes-too-early"),
    pytest.param(b'{"a":"b"}\xff', "byte 9 of 10 stands behind the JSON text", id="a-byte-too-long"),
    pytest.param(b'{"a":"b"}\xc3', "byte 9 of 10 stands behind the JSON text", id="too-long-by-half-a-character"),
    pytest.param(b'{"a":1}\r\n \x80\x90', "byte 10 of 12 stands behind the JSON text", id="bytes-behind-white-space"),
    pytest.param(b'"a":1}\xff', "byte 6 of 7 stands behind the JSON text", id="begins-and-ends-a-byte-too-late"),
    pytest.param('{"a":"é'.encode()[:-1], "byte 6 of 7: the text ends inside a character", id="cut-in-a-character"),
    pytest.param(' {"a":"🙂'.encode()[:-2], "byte 7 of 9: the text ends inside", id="cut-in-a-character-of-four"),
    pytest.param(b"{}{}", "Extra data at character 2 of 4", id="two-objects"),
    pytest.param(b"{} x", "Extra data at character 3 of 4", id="rubbish-behind"),
    pytest.param(b"x{}", "Expecting value at character 0 of 3", id="rubbish-before"),
    pytest.param(b'{"a":1,}', " of 8", id="trailing-comma"),
    pytest.param(b'{"a":[1,]}', " of 10", id="trailing-comma-in-an-array"),
    pytest.param(b'{"a":1', "at character 6 of 6", id="cut-off"),
    pytest.param(b"   ", "Expecting value", id="white-space-only"),
    pytest.param(b"{'a':1}", "at character 1 of 7", id="single-quotes"),
    pytest.param(b"{a:1}", "at character 1 of 5", id="bare-key"),
    pytest.param(b'{"a":NaN}', "NaN is no JSON number", id="nan"),
    pytest.param(b'{"a":Infinity}', "Infinity is no JSON number", id="infinity"),
    pytest.param(b'{"a":[-Infinity]}', "-Infinity is no JSON number", id="minus-infinity"),
    pytest.param(b'{"a":01}', "at character 6 of 8", id="leading-zero"),
    pytest.param(b'{"a":+1}', "at character 5 of 8", id="plus"),
    pytest.param(b'{"a":.5}', "at character 5 of 8", id="no-digit-before-the-point"),
    pytest.param(b'{"a":5.}', "at character 6 of 8", id="no-digit-behind-the-point"),
    pytest.param(b'{"a":0x10}', "at character 6 of 10", id="hexadecimal"),
    pytest.param(b'{"a":True}', "at character 5 of 10", id="python-true"),
    pytest.param(b'{"a":"\n"}', "Invalid control character", id="raw-newline-in-text"),
    pytest.param(b'{"a":"\0"}', "Invalid control character", id="raw-nul-in-text"),
    pytest.param(b'{"a\x1f":1}', "Invalid control character", id="raw-control-in-a-key"),
    pytest.param(rb'{"a":"\x41"}', "Invalid \\escape", id="unknown-escape"),
    pytest.param(rb'{"a":"\u12"}', "Invalid \\uXXXX escape", id="short-escape"),
    pytest.param(b"{\xc2\xa0}", "at character 1 of 3", id="no-break-space"),
    pytest.param(b"{}// done", "Extra data", id="comment"),
]


@pytest.mark.parametrize(("output", "detail"), BAD_JSON)
def test_what_is_no_json_is_refused(output: bytes, detail: str) -> None:
    failure = refusal(output)
    assert failure.code == HookFailure.BAD_JSON
    assert detail in failure.detail


HALVES = [
    pytest.param(rb'{"a":"\ud83d"}', id="high"),
    pytest.param(rb'{"a":"\ude00"}', id="low"),
    pytest.param(rb'{"a":"\ude00\ud83d"}', id="reversed"),
    pytest.param(rb'{"a":"\ud83d\ud83d\ude00"}', id="high-before-a-pair"),
    pytest.param(rb'{"a":"\ud83d\ude00\ude00"}', id="low-behind-a-pair"),
    pytest.param(rb'{"a":"\ud83dx\ude00"}', id="apart"),
    pytest.param(rb'{"a":"\ud83d","b":"\ude00"}', id="in-two-texts"),
    pytest.param(rb'{"\ud83d":1}', id="in-a-key"),
    pytest.param(rb'{"a":[{"b":["\uDFFF"]}]}', id="deep-down-and-upper-case"),
    pytest.param(rb'{"a":"\\\ud83d"}', id="behind-an-escaped-backslash"),
    pytest.param(rb'{"a":"\ud83d","a":1}', id="under-a-key-that-is-overwritten"),
]


@pytest.mark.parametrize("output", HALVES)
def test_half_of_a_surrogate_pair_is_refused(output: bytes) -> None:
    assert str(refusal(output)) == "pre_hook: bad-json: an escape gives half of a surrogate pair"


NOT_OBJECTS = [
    pytest.param(b"[]", "an array", id="array"),
    pytest.param(b'"{}"', "a string", id="json-in-a-string"),
    pytest.param(b"0", "a number", id="number"),
    pytest.param(b"1.5", "a number", id="fraction"),
    pytest.param(b"true", "a boolean", id="boolean"),
    pytest.param(b"null", "null", id="null"),
]


@pytest.mark.parametrize(("output", "kind"), NOT_OBJECTS)
def test_what_is_no_object_is_refused(output: bytes, kind: str) -> None:
    assert str(refusal(output)) == f"pre_hook: not-object: the text is {kind}, expected an object"
    assert type_name(json.loads(output)) == kind


def test_object_is_told_as_such() -> None:
    assert type_name({}) == "an object"


# -- keys that stand twice ------------------------------------------------------------------------

TWICE = [
    pytest.param(b'{"a":1,"a":2}', {"a": 2}, ("a",), id="last-one-wins"),
    pytest.param(b'{"a":1,"a":1}', {"a": 1}, ("a",), id="even-where-equal"),
    pytest.param(b'{"a":1,"a":2,"a":3}', {"a": 3}, ("a",), id="three-times-is-told-once"),
    pytest.param(rb'{"a":1,"\u0061":2}', {"a": 2}, ("a",), id="written-in-two-ways"),
    pytest.param(b'{"x":{"y":[{"b":1,"b":2}]}}', {"x": {"y": [{"b": 2}]}}, ("b",), id="deep-down"),
    pytest.param(b'{"a":{"c":1,"c":2},"a":3}', {"a": 3}, ("c", "a"), id="in-what-is-overwritten"),
    pytest.param(b'{"b":1,"a":1,"b":2,"a":2}', {"b": 2, "a": 2}, ("b", "a"), id="several"),
    pytest.param(b'{"a":{"k":1},"b":{"k":1}}', {"a": {"k": 1}, "b": {"k": 1}}, (), id="in-two-objects-is-fine"),
    pytest.param(b'{"a":1,"A":2}', {"a": 1, "A": 2}, (), id="case-matters"),
]


@pytest.mark.parametrize(("output", "value", "duplicates"), TWICE)
def test_keys_that_stand_twice_are_noted(output: bytes, value: Json, duplicates: tuple[str, ...]) -> None:
    assert decode_object("pre_hook", output) == (value, duplicates)


# -- nesting --------------------------------------------------------------------------------------


def nested(levels: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    """An object, and in it so many levels less one."""
    return b'{"a":' + opening * (levels - 1) + closing * (levels - 1) + b"}"


def test_512_levels_are_read() -> None:
    value, _ = decode_object("pre_hook", nested(MAX_NESTING))
    depth = 0
    inner: Json = value
    while inner:
        inner, depth = next(iter(inner.values() if isinstance(inner, dict) else inner)), depth + 1
    assert depth == MAX_NESTING - 1
    assert encode(value) == nested(MAX_NESTING)


TOO_DEEP = [
    pytest.param(nested(513), id="513-levels"),
    pytest.param(nested(100_000), id="100000-levels"),
    pytest.param(b'{"a":' * 600 + b"1" + b"}" * 600, id="objects"),
    pytest.param(b"[" * 100_000, id="never-closed"),
    pytest.param(b'{"a":' * 100_000, id="objects-never-closed"),
    pytest.param(b'{"a":' + nested(600) + b',"a":1}', id="under-a-key-that-is-overwritten"),
    pytest.param(b'{"s":"]]]}}}\\"]]",' + nested(513)[1:], id="brackets-in-text-do-not-count"),
]


@pytest.mark.parametrize("output", TOO_DEEP)
def test_deeper_nesting_is_refused(output: bytes) -> None:
    assert str(refusal(output)) == "pre_hook: bad-json: nested deeper than 512 levels"


WIDE = [
    pytest.param(b'{"a":[' + b"[]," * 5_000 + b"[]]}", id="many-arrays"),
    pytest.param(b'{"a":"' + b"[" * 5_000 + b'"}', id="brackets-in-text"),
    pytest.param(b'{"a":"' + b'\\"[' * 5_000 + b'"}', id="brackets-behind-escaped-quotes"),
    pytest.param(b'{"a":"' + b"\\\\" * 5_000 + b'","b":' + nested(511) + b"}", id="behind-escaped-backslashes"),
]


@pytest.mark.parametrize("output", WIDE)
def test_wide_is_not_deep(output: bytes) -> None:
    assert decode_object("pre_hook", output)[0] == json.loads(output)


def test_hostile_text_is_refused_in_linear_time() -> None:
    """Each of a million escaped quotes could begin a string: a reader that tried them all would not come back."""
    assert refusal(b"[" * 500 + b'{"' + b'\\"[' * 333_000).code == HookFailure.BAD_JSON


# -- what is written ------------------------------------------------------------------------------


def test_text_is_written_compactly_and_non_ascii_stays_as_it_is() -> None:
    assert encode({"a": [1, "é😀", None, True], "b": {}}) == '{"a":[1,"é😀",null,true],"b":{}}'.encode()


UNSENDABLE = [
    pytest.param({"a": float("nan")}, id="nan"),
    pytest.param({"a": float("inf")}, id="infinity"),
    pytest.param({"a": "\ud83d"}, id="half-of-a-pair"),
    pytest.param({"\ude00": 1}, id="half-of-a-pair-in-a-key"),
]


@pytest.mark.parametrize("value", UNSENDABLE)
def test_what_no_guest_could_read_is_not_sent(value: Json) -> None:
    with pytest.raises(UsageError, match=r"^a value cannot be sent as JSON: "):
        encode(value)


def test_endless_nesting_is_not_sent() -> None:
    value: list[Json] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(UsageError, match=r"^a value cannot be sent as JSON: "):
        encode({"a": value})


# -- properties -----------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4))
objects = st.dictionaries(texts, values, max_size=5)


@repeatable
@given(objects)
def test_what_is_written_is_read_again(value: dict[str, Json]) -> None:
    assert decode_object("pre_hook", encode(value)) == (value, ())


@repeatable
@given(objects)
def test_all_escaped_is_read_alike(value: dict[str, Json]) -> None:
    assert decode_object("pre_hook", json.dumps(value).encode()) == (value, ())


@repeatable
@given(st.binary(max_size=40) | st.text('{}[]":,\\ud83e0019.-tnNI\0 \n', max_size=40).map(str.encode))
def test_no_bytes_raise_anything_but_a_hook_failure(output: bytes) -> None:
    try:
        value, _ = decode_object("pre_hook", output)
    except HookError as caught:
        failure = caught
    else:
        assert json.loads(output) == value
        assert decode_object("pre_hook", encode(value)) == (value, ())
        return
    assert failure.code in {HookFailure.BAD_UTF8, HookFailure.BAD_JSON, HookFailure.NOT_OBJECT}


@repeatable
@given(
    st.lists(st.sampled_from([r"\ud83d", r"\ude00", r"\\", r"\"", r"\n", "u", "d83d", "é"]), max_size=8).map("".join)
)
def test_a_text_is_read_if_it_can_be_sent(text: str) -> None:
    output = f'{{"a":"{text}"}}'.encode()
    try:
        json.loads(output)["a"].encode()
    except UnicodeEncodeError:
        assert refusal(output).code == HookFailure.BAD_JSON
    else:
        assert decode_object("pre_hook", output)[0] == json.loads(output)


@repeatable
@given(st.integers(490, 530), st.binary(min_size=8, max_size=8))
def test_depth_decides_whatever_it_is_made_of(levels: int, pattern: bytes) -> None:
    objects = [pattern[level % 8] & 1 << level % 7 for level in range(levels - 1)]
    opening = b"".join(b'{"k":' if is_object else b"[" for is_object in objects)
    closing = b"".join(b"}" if is_object else b"]" for is_object in reversed(objects))
    output = b'{"a":' + opening + b"1" + closing + b"}"
    if levels <= MAX_NESTING:
        assert decode_object("pre_hook", output)[1] == ()
    else:
        assert refusal(output).code == HookFailure.BAD_JSON


@repeatable
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 9)), max_size=8))
def test_duplicates_are_the_keys_that_stand_twice(members: list[tuple[str, int]]) -> None:
    output = ("{" + ",".join(f'"{key}":{value}' for key, value in members) + "}").encode()
    value, duplicates = decode_object("pre_hook", output)
    keys = [key for key, _ in members]
    assert value == dict(members)
    assert set(duplicates) == {key for key in keys if keys.count(key) > 1}
    assert len(set(duplicates)) == len(duplicates)
