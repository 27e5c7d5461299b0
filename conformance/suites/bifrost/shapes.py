"""The open JSON shapes of the LLM level, as far as the documents fix the types of their members.

Each function lists what is wrong with a value, as (path, expected, got). Absent and null members are never wrong,
unknown ones neither; the flat, the wrapped and the Go spelling of an envelope are all looked into.

Source: "Writing WASM Plugins", Hook Input/Output Structures (pre_hook, post_hook, http_stream_chunk_hook).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reference_host.abi.bifrost.jsontext import type_name
from reference_host.abi.interface import Json

Wrong = tuple[str, str, str]
Check = Callable[[str, Json], Iterator[Wrong]]


def _of(expected: str, test: Callable[[Json], bool]) -> Check:
    def check(path: str, value: Json) -> Iterator[Wrong]:
        if not test(value):
            got = str(value) if isinstance(value, float) else type_name(value)
            yield path, expected, got

    return check


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(value: Json) -> bool:
    return _is_number(value) and float(value).is_integer()


text = _of("a string", lambda value: isinstance(value, str))
boolean = _of("a boolean", lambda value: isinstance(value, bool))
integer = _of("an integer", _is_integer)
number = _of("a number", _is_number)
text_or_blocks = _of("a string or an array", lambda value: isinstance(value, str | list))
text_or_number = _of("a string or a number", lambda value: isinstance(value, str) or _is_number(value))


def members(**known: Check) -> Check:
    """An object with these members."""

    def check(path: str, value: Json) -> Iterator[Wrong]:
        if not isinstance(value, dict):
            yield path, "an object", type_name(value)
            return
        for name, inner in known.items():
            if value.get(name) is not None:
                yield from inner(f"{path}.{name}", value[name])

    return check


def array(inner: Check) -> Check:
    """An array of such values."""

    def check(path: str, value: Json) -> Iterator[Wrong]:
        if not isinstance(value, list):
            yield path, "an array", type_name(value)
            return
        for index, item in enumerate(value):
            yield from inner(f"{path}[{index}]", item)

    return check


def _spelled(inner: Check, *envelopes: str) -> Check:
    """The value itself, or what stands under one of the names."""

    def check(path: str, value: Json) -> Iterator[Wrong]:
        named = [name for name in envelopes if isinstance(value, dict) and value.get(name) is not None]
        for name in named:
            yield from inner(f"{path}.{name}", value[name])
        if not named:
            yield from inner(path, value)

    return check


anything = members()
_message = members(role=text, content=text_or_blocks, name=text, tool_call_id=text, tool_calls=array(anything))
_usage = members(prompt_tokens=integer, completion_tokens=integer, total_tokens=integer)

llm_request = _spelled(
    members(
        provider=text,
        model=text,
        input=array(_message),
        params=members(temperature=number, top_p=number, max_completion_tokens=integer, tools=array(anything)),
        fallbacks=array(members(provider=text, model=text)),
    ),
    "chat_request",
    "ChatRequest",
)
_delta = members(role=text, content=text_or_blocks)
_choice = members(index=integer, message=_message, delta=_delta, finish_reason=text)
_chat_response = members(id=text, model=text, choices=array(_choice), usage=_usage, created=integer, object=text)
llm_response = _spelled(_chat_response, "chat_response", "ChatResponse")
llm_error = members(
    event_id=text,
    type=text,
    is_bifrost_error=boolean,
    status_code=integer,
    allow_fallbacks=boolean,
    error=members(type=text, code=text_or_number, message=text, event_id=text),
)
stream_chunk = members(
    id=text, object=text, created=integer, model=text, type=text, usage=_usage,
    choices=array(members(index=integer, delta=_delta, text=text, finish_reason=text)),
    error=members(type=text, message=text),
)  # fmt: skip
