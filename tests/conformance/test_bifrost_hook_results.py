"""What a hook answers: the truth tables of every revision, and which rule each line breaks, if any.

Source: "Writing WASM Plugins", Hook Input/Output Structures; README of hello-world-wasm-go, Data Exchange. The tables
are stands where these are silent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from answered import ALL, ENVELOPED, STREAMING, Line, Table, table

from reference_host.abi.bifrost.revisions import Role

HTTP, DONE, STREAM, PRE, POST = Role.HTTP_PRE, Role.HTTP_POST, Role.STREAM, Role.PRE, Role.POST
R0, R2 = ("r0",), ("r2",)
RESPONSE = '{"status_code":200,"headers":{},"body":""}'
CHUNK = '{"id":"c1","choices":[]}'
LLM_RESPONSE = '{"chat_response":{"choices":[]}}'
LLM_ERROR = '{"error":{"message":"no"}}'
FALSE = ("", '"FLAG":null,', '"FLAG":false,')
"""The three ways to say that a flag is not set."""
NO_FLAG = ('"FLAG":"true",', '"FLAG":"",', '"FLAG":1,', '"FLAG":0,', '"FLAG":[],', '"FLAG":{},', '"FLAG":"false",')
NONE = ("", '"VALUE":null,')
NO_OBJECT = (
    '"VALUE":"x",',
    '"VALUE":"",',
    '"VALUE":0,',
    '"VALUE":false,',
    '"VALUE":true,',
    '"VALUE":[],',
    '"VALUE":[{}],',
)
EMPTY = ('"VALUE":{},',)


def pairs(
    flag: str, value: str, filled: str, mistyped: str, *, of_empty: tuple[str, str], beside: str = '"note":0'
) -> list[Line]:
    """Every pair of a flag and its value.

    `mistyped` is the rule for a value of a wrong type; `of_empty` are those for `{}` without and with its flag.
    """
    is_filled = (f'"VALUE":{filled},',)
    table = [
        (FALSE, NONE, ""),
        (FALSE, EMPTY, of_empty[0]),
        (FALSE, is_filled, "OUT-005"),
        (FALSE, NO_OBJECT, mistyped),
        (('"FLAG":true,',), NONE, "OUT-004"),
        (('"FLAG":true,',), EMPTY, of_empty[1]),
        (('"FLAG":true,',), is_filled, ""),
        (('"FLAG":true,',), NO_OBJECT, mistyped),
        (NO_FLAG, (*NONE, *EMPTY, *is_filled), "OUT-003"),
    ]
    return [
        ("{" + f"{one}{other}{beside}".replace("FLAG", flag).replace("VALUE", value) + "}", rules)
        for flags, values, rules in table
        for one in flags
        for other in values
    ]


TEXTS = ["null", '""', '"denied"']
NO_TEXT = ["0", "false", "true", "[]", "{}", '{"message":"no"}', "1.5"]
NO_CONTEXT = ['"x"', '""', "0", "false", "[]", '[["a","b"]]', "1.5", "true"]
CONTEXTS = ["null", "{}", '{"a":[1,{"b":null}],"request_id":7}']


def common(error: str, beside: str) -> list[Line]:
    """The members that all hooks have; `error` is the text by which a hook says that it failed."""
    lines = [(f'"{error}":{value}', "") for value in TEXTS] + [(f'"{error}":{value}', "OUT-002") for value in NO_TEXT]
    lines += [(f'"context":{value}', "") for value in CONTEXTS]
    lines += [(f'"context":{value}', "OUT-001") for value in NO_CONTEXT]
    return [("{" + beside + line + "}", rules) for line, rules in lines]


def in_r0(lines: Sequence[Line]) -> list[Line]:
    """The same lines where an answer has no context."""
    return [(answer, "" if rules == "OUT-001" else rules) for answer, rules in lines]


UNKNOWN = '"version":3,"trace":[null],"HAS_RESPONSE":1,"Context":0,"skip_chunk":"x","response_headers":5'
REQUESTS: list[Line] = [
    *[(f'{{"request":{value}}}', "HTTPPRE-001") for value in ('"x"', '""', "[]", "0", "false", "true")],
    *[(f'{{"request":{value}}}', "") for value in ("null", "{}", '{"host":1,"trailers":[]}')],
    *[
        (f'{{"request":{{"{member}":{value}}}}}', "HTTPPRE-001")
        for member in ("method", "path", "body")
        for value in ("1", "true", "[]", "{}", "[123,125]")
    ],
    *[
        (f'{{"request":{{"{member}":{value}}}}}', "HTTPPRE-001")
        for member in ("headers", "query", "path_params")
        for value in (
            '""',
            '"a=b"',
            "[]",
            '[["a","b"]]',
            "false",
            "0",
            '{"a":1}',
            '{"a":null}',
            '{"a":["b"]}',
            '{"a":{}}',
            '{"b":"c","a":true}',
        )
    ],
    *[(f'{{"request":{{"{member}":null}}}}', "") for member in ("method", "path", "headers", "query", "body")],
    ('{"request":{"headers":{"X-A":"","x-a":"é"},"query":{},"path_params":{"id":"7"}}}', ""),
    ('{"request":{"method":"POST","path":"/v1/chat/completions"}}', ""),
    *[(f'{{"request":{{"method":"{value}"}}}}', "HTTPPRE-003") for value in ("GET", "post", "Post", "", "POST ")],
    *[
        (f'{{"request":{{"path":"{value}"}}}}', "HTTPPRE-003")
        for value in ("", "/", "/V1/chat/completions", "/v1/chat/completions/", "/v1/chat/completions?a=b", "v1")
    ],
    ('{"request":{"method":"","path":""},"error":"denied"}', ""),
    (f'{{"request":{{"method":"","path":""}},"has_response":true,"response":{RESPONSE}}}', ""),
    ('{"request":{"method":""},"has_response":false,"response":null}', "HTTPPRE-003"),
]
BASE64 = ['""', '"e30="', '"eyJhIjoxfQ=="', '"+/+/"', '"eyJh\\r\\nIjox\\nfQ==\\n"', '"YR=="', "null"]
NO_BASE64 = [
    '"{}"',
    '"denied!"',
    '"eyJhIjoxfQ"',
    '"eyJhIjoxfQ="',
    '"-_-_"',
    '"eyJh IjoxfQ=="',
    '"e"',
    '"="',
    '"===="',
    '"=eyJ"',
    '"e30=e30="',
    '"e30=x"',
    '"e30=="',
    '"e3=0"',
    '"é"',
    '"e30=\\u0000"',
    '"data:;base64,e30="',
    '"YQ\\t=="',
    '"ab.."',
]
STATUS = ["100", "200", "599", "200.0", "4.29e2", "2E+2"]
NO_STATUS = [
    "0",
    "99",
    "600",
    "-1",
    "-200",
    "200.5",
    "1e400",
    "-1e400",
    "18446744073709551616",
    "1e-400",
    '"200"',
    "true",
    "null",
    "[]",
    "{}",
    '""',
]


def responses() -> Iterator[tuple[str, str]]:
    """Responses that are announced, and the rules that they break."""
    yield from ((f'{{"status_code":{value}}}', "") for value in STATUS)
    yield from ((f'{{"status_code":{value}}}', "HTTPPRE-004") for value in NO_STATUS)
    yield from ((f'{{"status_code":200,"body":{value}}}', "") for value in BASE64)
    yield from ((f'{{"status_code":200,"body":{value}}}', "HTTPPRE-004") for value in (*NO_BASE64, "{}", "[]", "0"))
    for value in ("null", "{}", '{"A":"","a":"b"}'):
        yield f'{{"status_code":200,"headers":{value}}}', ""
    for value in ('""', "[]", '[["a","b"]]', "0", "false", '{"A":1}', '{"A":null}', '{"A":["b"]}', '{"A":{}}'):
        yield f'{{"status_code":200,"headers":{value}}}', "HTTPPRE-004"
    yield '{"headers":{},"body":""}', "HTTPPRE-004"
    yield '{"status":200}', "HTTPPRE-004"
    yield '{"status_code":200,"reason":1,"trailers":[]}', ""


HTTP_TABLES = [
    table(
        "flag",
        HTTP,
        ENVELOPED,
        None,
        *pairs("has_response", "response", RESPONSE, "HTTPPRE-004", of_empty=("", "OUT-004")),
    ),
    table("common", HTTP, ENVELOPED, None, *common("error", "")),
    table("request", HTTP, ENVELOPED, None, *REQUESTS),
    table("base64", HTTP, ENVELOPED, None, *[(f'{{"request":{{"body":{body}}}}}', "") for body in BASE64]),
    table(
        "no-base64",
        HTTP,
        ENVELOPED,
        None,
        *[(f'{{"request":{{"body":{body}}}}}', "HTTPPRE-002") for body in NO_BASE64],
    ),
    table(
        "response",
        HTTP,
        ENVELOPED,
        None,
        *[(f'{{"has_response":true,"response":{r}}}', rules) for r, rules in responses()],
    ),
    table(
        "others",
        HTTP,
        ENVELOPED,
        None,
        (f"{{{UNKNOWN}}}", ""),
        (f'{{"has_response":true,"response":{RESPONSE},"error":"denied"}}', ""),
        ('{"has_response":false,"response":{"status_code":0,"headers":null,"body":""}}', "OUT-005"),
        ('{"has_response":false,"response":{"status_code":"200"}}', "HTTPPRE-004"),
        ('{"has_short_circuit":1,"short_circuit":"x","chunk":[],"skip":0,"has_error":"x","hook_error":{}}', ""),
    ),
    table(
        "get",
        HTTP,
        ENVELOPED,
        "get",
        ('{"request":{"method":"GET"}}', ""),
        ('{"request":{"method":"POST"}}', "HTTPPRE-003"),
    ),
    table("delete", HTTP, ENVELOPED, "delete", ('{"request":{"path":"/v1/files/a b"}}', "HTTPPRE-003")),
    table("common", HTTP, R0, None, *in_r0(common("error", ""))),
    table("response", HTTP, R0, None, *[(f'{{"response":{r}}}', rules) for r, rules in responses()]),
    table(
        "others",
        HTTP,
        R0,
        None,
        *[(f'{{"response":{value}}}', "HTTPPRE-004") for value in ('"x"', '""', "[]", "0", "false", "true", "{}")],
        ('{"response":null}', ""),
        (f"{{{UNKNOWN}}}", ""),
        ('{"request":{"method":7},"has_response":"no","context":[]}', ""),
        (f'{{"response":{RESPONSE},"error":"denied","has_response":false}}', ""),
    ),
    table("common", DONE, R2, None, *common("error", "")),
    table(
        "others",
        DONE,
        R2,
        None,
        ("{}", ""),
        (f"{{{UNKNOWN}}}", ""),
        ('{"response":null}', ""),
        *[(f'{{"response":{value}}}', "HTTPPOST-001") for value in (RESPONSE, "{}", '"x"', "0", "false", "[]")],
        ('{"request":{"method":7},"has_response":"no","chunk":1,"skip":"x","hook_error":0}', ""),
    ),
]


# -- the stream hook: skip, has_chunk, chunk and error --------------------------------------------


def chunks() -> Iterator[Line]:
    """Every line of skip, has_chunk, chunk and error, each in every spelling that matters."""
    for error in ("", '"error":"",', '"error":"blocked",'):
        for skip in ("", '"skip":null,', '"skip":false,', '"skip":true,'):
            for flag in ("", '"has_chunk":null,', '"has_chunk":false,', '"has_chunk":true,'):
                for chunk in ("", '"chunk":null,', '"chunk":{},', f'"chunk":{CHUNK},', '"chunk":"YQ==",'):
                    answer = "{" + f'{error}{skip}{flag}{chunk}"note":0' + "}"
                    yield answer, _of_chunk("true" in skip, "true" in flag, chunk, "blocked" in error)


def _of_chunk(skip: bool, has_chunk: bool, chunk: str, failed: bool) -> str:
    if "YQ==" in chunk:
        return "STREAM-001"
    given = "{" in chunk
    if has_chunk and not given:
        return "OUT-004"
    if failed:
        return ""
    if has_chunk and skip:
        return "STREAM-002"
    return "" if has_chunk or skip else "STREAM-003"


STREAM_TABLES = [
    table("flags", STREAM, STREAMING, None, *chunks()),
    table("common", STREAM, STREAMING, None, *common("error", '"skip":true,')),
    table("error", STREAM, STREAMING, None, *[(f'{{"error":{value}}}', "OUT-002") for value in NO_TEXT]),
    table(
        "others",
        STREAM,
        STREAMING,
        None,
        *[
            (f'{{"has_chunk":true,"chunk":{v}}}', "STREAM-001")
            for v in ('""', "[]", f"[{CHUNK}]", "0", "false", "true")
        ],
        *[(f'{{"skip":true,"chunk":{value}}}', "STREAM-001") for value in ('""', "[]", "0", "false")],
        *[
            ("{" + f'{flag}{beside}"note":0'.replace("FLAG", "skip") + "}", "OUT-003")
            for flag in NO_FLAG
            for beside in ("", f'"has_chunk":true,"chunk":{CHUNK},', '"has_chunk":false,"chunk":null,', '"error":"x",')
        ],
        *[
            ("{" + f'{flag}{beside}"note":0'.replace("FLAG", "has_chunk") + "}", "OUT-003")
            for flag in NO_FLAG
            for beside in (
                "",
                f'"chunk":{CHUNK},',
                '"skip":true,"chunk":null,',
                '"skip":false,"chunk":null,',
                '"error":"x",',
            )
        ],
        (f'{{{UNKNOWN},"skip":true}}', ""),
        ('{"skip":true,"has_response":"x","response":0,"request":[],"hook_error":{}}', ""),
    ),
]


# -- the LLM hooks --------------------------------------------------------------------------------

MOCK = f'{{"response":{LLM_RESPONSE}}}'
REFUSAL = f'{{"error":{LLM_ERROR}}}'
SHORT_CIRCUITS: list[Line] = [
    (MOCK, ""),
    (REFUSAL, ""),
    (f'{{"response":{LLM_RESPONSE},"error":null}}', ""),
    (f'{{"response":{{}},"error":{LLM_ERROR}}}', ""),
    (f'{{"response":{LLM_RESPONSE},"error":{LLM_ERROR}}}', ""),
    (f'{{"response":{LLM_RESPONSE},"stream":"x"}}', ""),
    *[
        (value, "PRE-003")
        for value in ("{}", '{"response":null,"error":null}', '{"response":{}}', '{"error":{}}', '{"x":1}')
    ],
    *[
        (f'{{"{member}":{value}}}', "PRE-002")
        for member in ("response", "error")
        for value in ('"x"', '""', "[]", "0", "false", "true")
    ],
    (f'{{"response":{LLM_RESPONSE},"error":"no"}}', "PRE-002"),
]
LLM_REQUESTS: list[Line] = [
    *[(f'{{"request":{value}}}', "PRE-001") for value in ('"x"', '""', "[]", "[{}]", "0", "false", "true")],
    *[(f'{{"request":{value}}}', "") for value in ("null", "{}", '{"provider":null,"model":null,"input":null,"x":0}')],
]
PRE_TABLES = [
    table(
        "flag",
        PRE,
        ENVELOPED,
        None,
        *pairs("has_short_circuit", "short_circuit", MOCK, "PRE-002", of_empty=("OUT-005", "PRE-003")),
    ),
    table(
        "short-circuit",
        PRE,
        ENVELOPED,
        None,
        *[(f'{{"has_short_circuit":true,"short_circuit":{v}}}', rules) for v, rules in SHORT_CIRCUITS],
    ),
    table("unused", PRE, ENVELOPED, None, ('{"has_short_circuit":false,"short_circuit":{"error":"no"}}', "PRE-002")),
    table("common", PRE, ENVELOPED, None, *common("error", "")),
    table("request", PRE, ALL, None, *LLM_REQUESTS),
    table(
        "unknown",
        PRE,
        ALL,
        None,
        (f"{{{UNKNOWN}}}", ""),
        ('{"response":"x","chunk":0,"skip":"x","hook_error":{},"has_error":1}', ""),
    ),
    table("common", PRE, R0, None, *in_r0(common("error", ""))),
    table(
        "short-circuit", PRE, R0, None, *[(f'{{"short_circuit":{value}}}', rules) for value, rules in SHORT_CIRCUITS]
    ),
    table(
        "no-object",
        PRE,
        R0,
        None,
        *[(f'{{"short_circuit":{value}}}', "PRE-002") for value in ('"x"', '""', "[]", "0", "false")],
    ),
    table("no-flag", PRE, R0, None, ('{"short_circuit":null,"has_short_circuit":"yes"}', "")),
]


def on_error() -> Iterator[Line]:
    """Every line of has_error, error and response where an error came in."""
    for flag in (*FALSE, '"FLAG":true,'):
        for error in ("", '"error":null,', '"error":{},', f'"error":{LLM_ERROR},'):
            for response in ("", '"response":null,', '"response":{},', f'"response":{LLM_RESPONSE},'):
                for failed in ("", '"hook_error":"",', '"hook_error":"the store is away",'):
                    answer = "{" + f'{flag}{error}{response}{failed}"note":0'.replace("FLAG", "has_error") + "}"
                    yield answer, _of_error("true" in flag, "message" in error, "chat" in response, "store" in failed)


def _of_error(has_error: bool, error: bool, response: bool, failed: bool) -> str:
    if has_error:
        return "" if error else "OUT-004"
    if response:
        # A recovery: the error is cleared, and one that stands there is lost.
        return "OUT-005" if error else ""
    return "" if failed else "POST-003"


POST_TABLES = [
    table(
        "flag",
        POST,
        ENVELOPED,
        None,
        *pairs("has_error", "error", LLM_ERROR, "POST-002", of_empty=("", "OUT-004")),
    ),
    table("common", POST, ENVELOPED, None, *common("hook_error", "")),
    table("common-on-error", POST, ENVELOPED, "error", *common("hook_error", f'"has_error":true,"error":{LLM_ERROR},')),
    table("flag-on-error", POST, ENVELOPED, "error", *on_error()),
    table(
        "others-on-error",
        POST,
        ENVELOPED,
        "error",
        *[(f'{{"hook_error":{value}}}', "OUT-002") for value in NO_TEXT],
        *[(f'{{"has_error":false,"error":{v}}}', "POST-002") for v in ('"x"', '""', "[]", "0", "false")],
        *[(f'{{"response":{v}}}', "POST-001") for v in ('"x"', '""', "[]", "0", "false")],
        *[("{" + f'{flag}"error":{LLM_ERROR}'.replace("FLAG", "has_error") + "}", "OUT-003") for flag in NO_FLAG],
    ),
    table(
        "others",
        POST,
        ENVELOPED,
        None,
        *[(f'{{"response":{v}}}', "POST-001") for v in ('"x"', '""', "[]", "[{}]", "0", "false", "true")],
        *[(f'{{"response":{v}}}', "") for v in ("null", "{}", LLM_RESPONSE, '{"other":1}')],
        (f'{{"response":{LLM_RESPONSE},"has_error":true,"error":{LLM_ERROR}}}', ""),
        ('{"has_error":false,"error":null,"bifrost_error":"x","request":0,"skip":"x"}', ""),
        ('{"bifrost_error":{"status_code":"x"}}', ""),
        (f"{{{UNKNOWN}}}", ""),
    ),
    table("common", POST, R0, None, *in_r0(common("error", ""))),
    table("common-on-error", POST, R0, "error", *in_r0(common("error", ""))),
    table(
        "others",
        POST,
        R0,
        "error",
        *[(f'{{"response":{v}}}', "POST-001") for v in ('"x"', '""', "[]", "0", "false", "true")],
        *[(f'{{"response":{v}}}', "") for v in ("null", "{}", LLM_RESPONSE)],
        *[(f'{{"bifrost_error":{v}}}', "POST-002") for v in ('"x"', '""', "[]", "0", "false", "true")],
        *[(f'{{"bifrost_error":{v}}}', "") for v in ("null", "{}", LLM_ERROR)],
        ('{"error":{"status_code":"x","error":"y"}}', "OUT-002"),
        ('{"has_error":"no","hook_error":{},"bifrost_error":null}', ""),
    ),
]


@pytest.mark.parametrize("table", [*HTTP_TABLES, *STREAM_TABLES, *PRE_TABLES, *POST_TABLES])
def test_each_answer_breaks_the_rules_of_its_line(table: Table) -> None:
    assert table.differing() == {}
