"""Bifrost: JSON as the contract has it, read strictly and written compactly.

A result is UTF-8 without a byte order mark or a terminator, and one JSON object (RFC 8259). Where that text leaves
room, the stand is: the last of two equal keys wins and is noted, lone surrogates and nesting above 512 are no JSON,
`200.0` is an integer, and a number beyond the range of a double is read as the largest double (section 6 lets a reader
choose), so that every value that was read can be written again.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import Any

from reference_host.abi.bifrost.types import HookFailure
from reference_host.abi.interface import Json
from reference_host.errors import HookError, UsageError

MAX_NESTING = 512
"""Levels of arrays and objects that a result may have."""


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encode(value: Json) -> bytes:
    """UTF-8 JSON without white space; non-ASCII text stays as it is.

    Raises `UsageError` for what has no such form: NaN, infinities, half of a surrogate pair, endless nesting.
    """
    try:
        return _ENCODER.encode(value).encode()
    except (ValueError, RecursionError) as error:
        raise UsageError(f"a value cannot be sent as JSON: {error}") from None


def decode_text(hook: str, output: bytes) -> str:
    """Decode UTF-8. Raises `HookError` with `bad-utf8`."""
    try:
        return output.decode("utf-8")
    except UnicodeDecodeError as error:
        detail = f"byte {error.start} of {len(output)}: {error.reason}"
        raise HookError(hook, HookFailure.BAD_UTF8, detail) from None


def decode_object(hook: str, output: bytes) -> tuple[dict[str, Json], tuple[str, ...]]:
    """Decode a result: the object, and the keys that stood in it twice.

    Raises `HookError` with `bad-utf8`, `bad-json` or `not-object`. A wrong length is `bad-json`, whatever it cuts off
    or brings in: bytes behind a whole text, or an end inside a character.
    """
    try:
        text = output.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _broken(hook, output, error) from None
    if _nests_too_deeply(text):
        raise HookError(hook, HookFailure.BAD_JSON, f"nested deeper than {MAX_NESTING} levels")
    try:
        value, duplicates = _parse(text)
    except ValueError as error:
        if _WIDE.match(output):
            raise HookError(hook, HookFailure.BAD_UTF8, _WIDE_TEXT) from None
        raise HookError(hook, HookFailure.BAD_JSON, _reason(text, error)) from None
    if not isinstance(value, dict):
        raise HookError(hook, HookFailure.NOT_OBJECT, f"the text is {type_name(value)}, expected an object")
    if _has_lone_surrogate(text):
        raise HookError(hook, HookFailure.BAD_JSON, "an escape gives half of a surrogate pair")
    return value, duplicates


def type_name(value: Json) -> str:
    """The JSON type of a value, with its article, for messages."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, int | float):
        return "a number"
    return "an object" if isinstance(value, Mapping) else "an array"


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON number")


def _integer(digits: str) -> int | float:
    # Python refuses to convert integers of more than 4,300 digits; JSON does not limit them.
    return int(digits) if len(digits) < 1_000 else _number(digits)


def _number(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else math.copysign(sys.float_info.max, number)


_WIDE = re.compile(rb"[^\0]\0[^\0]\0|\0[^\0]\0[^\0]|[^\0]\0\0\0[^\0]\0\0\0|\0\0\0[^\0]\0\0\0[^\0]", re.DOTALL)
"""Two characters of UTF-16 or UTF-32 without a mark: the first two of a JSON object are ASCII."""
_WIDE_TEXT = "the text has two or four bytes for each character: UTF-16 or UTF-32"


class _Twice(Exception):
    """A key stands twice in an object."""


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    if len(value) < len(members):
        raise _Twice
    return value


def _decoder(pairs: Callable[[list[tuple[str, Any]]], dict[str, Any]] | None = None) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=pairs, parse_constant=_no_constant, parse_int=_integer, parse_float=_number
    )


_STRICT = _decoder(_once)
_WHOLE = _decoder()


def _parse(text: str) -> tuple[Any, tuple[str, ...]]:
    """The value of a JSON text, and the keys that stood twice in an object. Raises `ValueError`."""
    try:
        return _STRICT.decode(text), ()
    except _Twice:
        pass  # seldom: read once more, to tell which
    duplicates: list[str] = []

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        seen: set[str] = set()
        duplicates.extend(key for key, _ in members if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return dict(members)

    return _decoder(pairs).decode(text), tuple(dict.fromkeys(duplicates))


def _broken(hook: str, output: bytes, error: UnicodeDecodeError) -> HookError:
    """What is wrong with bytes that are no UTF-8: a byte too many or too few is told as that."""
    if _WIDE.match(output):
        return HookError(hook, HookFailure.BAD_UTF8, _WIDE_TEXT)
    sound = output[: error.start].decode("utf-8").lstrip(" \t\r\n")
    place = f"byte {error.start} of {len(output)}"
    if _holds_a_whole_text(sound):
        return HookError(hook, HookFailure.BAD_JSON, f"{place} stands behind the JSON text")
    if error.reason == "unexpected end of data" and sound.startswith("{"):
        return HookError(hook, HookFailure.BAD_JSON, f"{place}: the text ends inside a character")
    return HookError(hook, HookFailure.BAD_UTF8, f"{place}: {error.reason}")


def _holds_a_whole_text(text: str) -> bool:
    if _nests_too_deeply(text):
        return False
    try:
        _WHOLE.raw_decode(text)
    except ValueError:
        return False
    return True


def _reason(text: str, error: ValueError) -> str:
    if text.startswith("\ufeff"):
        return "the text begins with a byte order mark"
    if text.endswith("\0"):
        return "the text ends with a NUL"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos} of {len(text)}"
    return str(error)


_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""A string of the text, up to its end where nothing closes it: no text takes more than one look at each character."""


def _nests_too_deeply(text: str) -> bool:
    if text.count("[") + text.count("{") <= MAX_NESTING:
        return False
    # The text is asked before the decoder: that one's own limit is the depth of the host's stack.
    steps = (1 if bracket in "[{" else -1 for bracket in re.findall(r"[\[\]{}]", _STRING.sub("", text)))
    return any(depth > MAX_NESTING for depth in accumulate(steps))


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u([dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)
"""An escape of a valid JSON text: a whole pair, or half of one (its digits are group 1), or any other."""


def _has_lone_surrogate(text: str) -> bool:
    # The text is asked, not the value: in that, a half may be gone with a key that stood twice, or have met another.
    return _SURROGATE.search(text) is not None and any(found[1] for found in _ESCAPE.finditer(text))
