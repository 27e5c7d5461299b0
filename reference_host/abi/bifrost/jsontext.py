"""Bifrost: JSON as the contract has it, read strictly and written compactly.

A result is UTF-8 without a byte order mark or a terminator, and one JSON object (RFC 8259). Where that text leaves
room, the stand is: the last of two equal keys wins and is noted, lone surrogates and nesting above 512 are no JSON,
`200.0` is an integer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reference_host.abi.bifrost.types import HookFailure
from reference_host.abi.interface import Json
from reference_host.errors import HookError

MAX_NESTING = 512
"""Levels of arrays and objects that a result may have."""


def encode(value: Json) -> bytes:
    """UTF-8 JSON without white space; non-ASCII text stays as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def decode_text(hook: str, output: bytes) -> str:
    """Decode UTF-8. Raises `HookError` with `bad-utf8`."""
    try:
        return output.decode("utf-8")
    except UnicodeDecodeError as error:
        detail = f"byte {error.start} of {len(output)}: {error.reason}"
        raise HookError(hook, HookFailure.BAD_UTF8, detail) from None


def decode_object(hook: str, output: bytes) -> tuple[dict[str, Json], tuple[str, ...]]:
    """Decode a result: the object, and the keys that stood in it twice.

    Raises `HookError` with `bad-utf8`, `bad-json` or `not-object`.
    """
    text = decode_text(hook, output)
    duplicates: list[str] = []

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(members)
        if len(value) < len(members):
            seen: set[str] = set()
            duplicates.extend(key for key, _ in members if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return value

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=_no_constant, parse_int=_integer)
    except RecursionError:
        raise HookError(hook, HookFailure.BAD_JSON, f"nested deeper than {MAX_NESTING} levels") from None
    except ValueError as error:
        raise HookError(hook, HookFailure.BAD_JSON, _reason(text, error)) from None
    if not isinstance(value, dict):
        raise HookError(hook, HookFailure.NOT_OBJECT, f"the text is {type_name(value)}, expected an object")
    if _might_nest(text) and _depth_exceeds(value, MAX_NESTING):
        raise HookError(hook, HookFailure.BAD_JSON, f"nested deeper than {MAX_NESTING} levels")
    if "\\u" in text and _has_lone_surrogate(value):
        raise HookError(hook, HookFailure.BAD_JSON, "an escape gives half of a surrogate pair")
    return value, tuple(dict.fromkeys(duplicates))


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
    return int(digits) if len(digits) < 1_000 else float(digits)


def _reason(text: str, error: ValueError) -> str:
    if text.startswith("\ufeff"):
        return "the text begins with a byte order mark"
    if text.endswith("\0"):
        return "the text ends with a NUL"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos} of {len(text)}"
    return str(error)


def _might_nest(text: str) -> bool:
    return text.count("[") + text.count("{") > MAX_NESTING


def _depth_exceeds(value: Json, limit: int) -> bool:
    level: list[Json] = [value]
    for _ in range(limit):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _has_lone_surrogate(value: Json) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False
