"""The open JSON shapes of the LLM level, as far as the documents fix the types of their members.

Each function lists what is wrong with a value, as (path, expected, got). Absent and null members are never wrong,
unknown ones neither. Of an envelope the wrapped and the Go spelling are looked into, of a request the flat one too.

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
    return _is_number(value) and (isinstance(value, int) or value.is_integer())


text = _of("a string", lambda value: isinstance(value, str))
boolean = _of("a boolean", lambda value: isinstance(value, bool))
integer = _of("an integer", _is_integer)
number = _of("a number", _is_number)
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


def _text_or(other: Check) -> Check:
    """A string, or what the other check takes."""

    def check(path: str, value: Json) -> Iterator[Wrong]:
        if isinstance(value, str):
            return
        for where, expected, got in other(path, value):
            yield where, f"a string or {expected}" if where == path else expected, got

    return check


def _under(inner: Check, *envelopes: str, flat: bool = False) -> Check:
    """What stands under one of the names; with `flat`, the value itself where there is none of them."""

    def check(path: str, value: Json) -> Iterator[Wrong]:
        named = [name for name in envelopes if isinstance(value, dict) and value.get(name) is not None]
        for name in named:
            yield from inner(f"{path}.{name}", value[name])
        if flat and not named:
            yield from inner(path, value)

    return check


anything = members()
_tool_call = members(id=text, type=text, function=members(name=text, arguments=text))
_content = _text_or(array(members(type=text, text=text)))
_delta = members(role=text, content=_content, tool_calls=array(_tool_call))
_message = members(role=text, content=_content, name=text, tool_call_id=text, tool_calls=array(_tool_call))
_usage = members(prompt_tokens=integer, completion_tokens=integer, total_tokens=integer)
_params = members(
    temperature=number,
    top_p=number,
    frequency_penalty=number,
    presence_penalty=number,
    max_completion_tokens=integer,
    tools=array(anything),
)
llm_request = _under(
    members(
        provider=text,
        model=text,
        input=array(_message),
        params=_params,
        fallbacks=array(members(provider=text, model=text)),
    ),
    "chat_request",
    "ChatRequest",
    flat=True,
)
_choice = members(index=integer, message=_message, delta=_delta, finish_reason=text)
_chat_response = members(
    id=text,
    object=text,
    created=integer,
    model=text,
    choices=array(_choice),
    usage=_usage,
    extra_fields=anything,
)
llm_response = _under(_chat_response, "chat_response", "ChatResponse")
llm_error = members(
    event_id=text,
    type=text,
    is_bifrost_error=boolean,
    status_code=integer,
    allow_fallbacks=boolean,
    error=members(type=text, code=text_or_number, message=text, event_id=text),
    extra_fields=anything,
)
stream_chunk = members(
    id=text,
    object=text,
    created=integer,
    model=text,
    type=text,
    usage=_usage,
    choices=array(members(index=integer, delta=_delta, text=text, finish_reason=text)),
    error=members(type=text, code=text_or_number, message=text),
    is_bifrost_error=boolean,
    status_code=integer,
    extra_fields=anything,
)
