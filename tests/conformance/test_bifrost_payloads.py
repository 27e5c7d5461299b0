"""LLM payloads of an answer: which types their members have, wherever a payload may stand, and what is left open.

Source: "Writing WASM Plugins", Hook Input/Output Structures. Members that it does not show have the types of the
gateway's structures (stand).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from answered import ALL, ENVELOPED, STREAMING, Line, Table, table

from reference_host.abi.bifrost.revisions import Role

PRE, POST, STREAM, R0 = Role.PRE, Role.POST, Role.STREAM, ("r0",)

TEXTS = ["0", "true", "[]", "{}", "1.5"]
NUMBERS = ['"0.7"', "true", "[]", "{}"]
INTEGERS = ['"7"', "true", "[]", "{}", "1.5"]
BOOLEANS = ['"true"', "0", "1", "[]", "{}"]
ARRAYS = ['"x"', "0", "true", "{}"]
OBJECTS = ['"x"', "0", "true", "[]"]

CALLS = "choices[].message.tool_calls"


def within(path: str, value: str) -> str:
    """Write the JSON in which a value stands under a path: `choices[].index` is that of the only choice."""
    for name in reversed(path.split(".")):
        for _ in range(name.count("[]")):
            value = f"[{value}]"
        value = f'{{"{name.replace("[]", "")}":{value}}}'
    return value


def wrong(types: Sequence[tuple[Sequence[str], Sequence[str]]]) -> Iterator[str]:
    """Every member with every value of another type."""
    for paths, values in types:
        for path in paths:
            yield from (within(path, value) for value in values)


def legal(types: Sequence[tuple[Sequence[str], Sequence[str]]], *more: str) -> list[str]:
    """Every member null, and some more payloads."""
    return sorted({within(path, "null") for paths, _ in types for path in paths if not path.endswith("[]")}) + list(
        more
    )


MESSAGE = [
    (["role", "name", "tool_call_id", "tool_calls[].id", "tool_calls[].type", "tool_calls[].function.name"], TEXTS),
    (["tool_calls[].function.arguments", "content[].type", "content[].text"], TEXTS),
    (["tool_calls[]", "tool_calls[].function", "content[]"], OBJECTS),
    (["tool_calls"], ARRAYS),
    (["content"], ["0", "true", "{}"]),
]


def below(path: str, types: Sequence[tuple[list[str], list[str]]]) -> list[tuple[list[str], list[str]]]:
    """The same members under a path."""
    return [([f"{path}.{name}" for name in names], values) for names, values in types]


REQUEST = [
    (["provider", "model", "fallbacks[].provider", "fallbacks[].model"], TEXTS),
    (["input", "params.tools", "fallbacks"], ARRAYS),
    (["input[]", "params", "params.tools[]", "fallbacks[]"], OBJECTS),
    (["params.temperature", "params.top_p", "params.frequency_penalty", "params.presence_penalty"], NUMBERS),
    (["params.max_completion_tokens"], INTEGERS),
    *below("input[]", MESSAGE),
]
RESPONSE = [
    (["id", "model", "object", "choices[].finish_reason"], TEXTS),
    (["created", "choices[].index"], INTEGERS),
    (["usage.prompt_tokens", "usage.completion_tokens", "usage.total_tokens"], INTEGERS),
    (["choices"], ARRAYS),
    (["choices[]", "choices[].message", "choices[].delta", "usage", "extra_fields"], OBJECTS),
    *below("choices[].message", MESSAGE),
]
ERROR = [
    (["event_id", "type", "error.type", "error.message", "error.event_id"], TEXTS),
    (["error.code"], ["true", "[]", "{}"]),
    (["is_bifrost_error", "allow_fallbacks"], BOOLEANS),
    (["status_code"], INTEGERS),
    (["error", "extra_fields"], OBJECTS),
]
CHUNK = [
    (["id", "object", "model", "type", "choices[].finish_reason", "choices[].text", "choices[].delta.role"], TEXTS),
    (["choices[].delta.tool_calls[].id", "choices[].delta.tool_calls[].function.arguments"], TEXTS),
    (["error.type", "error.message"], TEXTS),
    (["created", "choices[].index", "usage.total_tokens", "status_code"], INTEGERS),
    (["choices", "choices[].delta.tool_calls"], ARRAYS),
    (["choices[]", "choices[].delta", "usage", "error", "extra_fields"], OBJECTS),
    (["choices[].delta.content"], ["0", "true", "{}"]),
]

LEGAL_REQUESTS = legal(
    REQUEST,
    '{"provider":"p","model":"m","input":[{"role":"user","content":[{"type":"text","text":"hi"},{"image_url":{}}]}]}',
    '{"params":{"temperature":1,"top_p":0.5e0,"max_completion_tokens":10.0,"stop":"x","tools":[],"user":7}}',
    '{"input":[{"role":"assistant","content":null,"tool_calls":[{"function":{"name":"f","arguments":"{}"}}],"x":0}]}',
    '{"params":{"max_completion_tokens":123456789012345678901234567890,"temperature":1e400}}',
    '{"chat_request":null,"ChatRequest":null,"ResponsesRequest":5,"host":1}',
)
LEGAL_RESPONSES = legal(
    RESPONSE,
    '{"choices":[{"index":0,"message":{"content":[{"type":"refusal","refusal":"no"}]},"logprobs":[1]}],"citations":7}',
    '{"created":1.0,"usage":{"total_tokens":15.0,"prompt_tokens_details":"x"},"service_tier":"a","videos":{}}',
    '{"created":1e400,"choices":[]}',
    f'{{"created":1{"0" * 400}}}',
)
LEGAL_ERRORS = legal(
    ERROR,
    '{"status_code":0,"error":{"code":7,"message":"","param":["x"]},"retry_after":"soon"}',
    '{"status_code":600.0,"error":{"code":"7"}}',
    '{"is_bifrost_error":true,"status_code":-1}',
)
LEGAL_CHUNKS = legal(
    CHUNK,
    '{"type":"response.created","response":"x","sequence_number":"1","item":[]}',
    '{"type":"speech.audio.delta","audio":7,"usage":{"input_tokens":"x"}}',
    '{"error":{"code":451,"param":[]},"is_bifrost_error":false}',
    '{"choices":[{"index":0,"delta":{"content":"","refusal":7},"logprobs":"x"}],"data":"data: {}"}',
)


def told(rule: str, form: str, wrong_ones: Iterator[str], legal_ones: Sequence[str]) -> list[Line]:
    """The lines of a payload that stands in an answer in place of `@`."""
    lines = {form.replace("@", payload): rule for payload in wrong_ones if payload != "{}"}
    return [*lines.items(), *((form.replace("@", payload), "") for payload in legal_ones)]


SPELLINGS = ['{"chat_response":@}', '{"ChatResponse":@,"TextCompletionResponse":null}']
TABLES = [
    table("flat", PRE, ALL, None, *told("SHAPE-001", '{"request":@}', wrong(REQUEST), LEGAL_REQUESTS)),
    *(
        table(name, PRE, ALL, None, *told("SHAPE-001", f'{{"request":{{"{name}":@}}}}', wrong(REQUEST), LEGAL_REQUESTS))
        for name in ("chat_request", "ChatRequest")
    ),
    *(
        table(spelling[2:8], POST, ALL, None, *told("SHAPE-002", f'{{"response":{spelling}}}', wrong(RESPONSE),
                                                          LEGAL_RESPONSES))
        for spelling in SPELLINGS
    ),
    table(
        "wrapped", POST, ALL, None,
        *[(f'{{"response":{{"{name}":{value}}}}}', "SHAPE-002") for name in ("chat_response", "ChatResponse")
          for value in OBJECTS],
        ('{"response":{"id":7,"choices":"of another kind","responses_response":{"model":1}}}', ""),
    ),
    table(
        "mock", PRE, ENVELOPED, None,
        *told("SHAPE-002", '{"has_short_circuit":true,"short_circuit":{"response":{"chat_response":@}}}',
              wrong(RESPONSE), LEGAL_RESPONSES),
        *told("SHAPE-003", '{"has_short_circuit":true,"short_circuit":{"error":@}}', wrong(ERROR), LEGAL_ERRORS),
    ),
    table(
        "mock", PRE, R0, None,
        *told("SHAPE-002", '{"short_circuit":{"response":{"ChatResponse":@}}}', wrong(RESPONSE), LEGAL_RESPONSES),
        *told("SHAPE-003", '{"short_circuit":{"error":@}}', wrong(ERROR), LEGAL_ERRORS),
    ),
    table("error", POST, ENVELOPED, "error",
          *told("SHAPE-003", '{"has_error":true,"error":@}', wrong(ERROR), LEGAL_ERRORS)),
    table("error", POST, R0, "error", *told("SHAPE-003", '{"bifrost_error":@}', wrong(ERROR), LEGAL_ERRORS)),
    table("chunk", STREAM, STREAMING, None,
          *told("SHAPE-004", '{"has_chunk":true,"chunk":@}', wrong(CHUNK), LEGAL_CHUNKS)),
]  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_payload_keeps_its_types(table: Table) -> None:
    assert table.differing() == {}
