"""Every input that a conforming host may send is taken.

A hook that cannot decode its input says so in its error text. A policy that refuses a request is no such fault, so that
only texts which speak of decoding count (stand).

Source: "Writing WASM Plugins", Hook Input/Output Structures and Troubleshooting, JSON parsing errors ("handle
optional/nullable fields properly").
"""

from __future__ import annotations

import json
import re

from conformance.judging import Judge, requirement
from reference_host.abi.interface import Json

from .bounds import Blocked
from .calls import Call, Reached
from .lab import Lab
from .messages import Topic
from .rules import Fault, judge_call, quote, report_blocked

DECODE_ERROR = re.compile(
    r"pars(e|ing) (error|json|input|request|failed)|(failed|unable|cannot|can't|could not|couldn't) (to )?"
    r"(parse|decode|deserialize|unmarshal)|unmarshal|deserializ|decod(e|ing) (error|failed)|(in|mal)(valid|formed) json"
    r"|not (a |valid )?json|bad json|json: |syntaxerror|unexpected token|unexpected end of (json|input)"
    r"|invalid type: |missing field `|unknown field `|expected value at line|eof while parsing|trailing characters at"
    r"|invalid character '|not an object|key not found|expected (a |an )?(string|object|array|number|bool)|got null",
    re.IGNORECASE,
)
"""How the JSON decoders of Go, serde, json-as and hand-written ones complain."""


def _judge_topic(judge: Judge, lab: Lab, hook: str, topic: Topic) -> None:
    try:
        calls = lab.calls(hook)
    except Blocked as blocked:
        report_blocked(judge, blocked)
        return
    sent = [call for call in calls if _is_about(call, topic)]
    if not sent:
        judge.not_applicable(f"no such input is sent to {hook} in this revision and shape")
    if topic is not Topic.DOCUMENTED and any(_refused(call) for call in calls if _is_about(call, Topic.DOCUMENTED)):
        judge.not_applicable(f"{hook} refuses documented input already: see BIFROST-INPUT-001")
        return
    asked = [call for call in sent if call.reached >= Reached.OBJECT]
    if sent and not asked:
        judge.not_applicable(f"no call of {hook} got as far as this rule")
    for call in asked:
        judge_call(judge, call, _refused(call))


def _is_about(call: Call, topic: Topic) -> bool:
    return call.message is not None and call.message.topic is topic


def _refused(call: Call) -> Fault | None:
    if call.reached < Reached.OBJECT or call.message is None or not DECODE_ERROR.search(call.error_text):
        return None
    if not call.message.bodies_are_json and "body" in call.error_text.lower():
        # What a plugin makes of a *body* is its own policy.
        return None
    hint = "decode only what the plugin needs, leave the rest open, and treat null, absent and empty alike"
    return Fault(
        f"the input {call.message.name!r} is taken",
        f"the hook answers with an error: {call.error_text}",
        hint,
    )


@requirement("BIFROST-INPUT-001")
def test_documented_input_is_taken(hook: str, lab: Lab, judge: Judge) -> None:
    """The input that the documents show, with everything that real traffic varies."""
    _judge_topic(judge, lab, hook, Topic.DOCUMENTED)


@requirement("BIFROST-INPUT-002")
def test_go_struct_input_is_taken(hook: str, lab: Lab, judge: Judge) -> None:
    """LLM payloads as the gateway's own Go structs are encoded: other member names, null for everything unset."""
    _judge_topic(judge, lab, hook, Topic.GO_STRUCT)


@requirement("BIFROST-INPUT-003")
def test_null_members_are_taken(hook: str, lab: Lab, judge: Judge) -> None:
    """`headers`, `query` and `body` may be null: so Go encodes nil maps and bytes."""
    _judge_topic(judge, lab, hook, Topic.NULLS)


@requirement("BIFROST-INPUT-004")
def test_unknown_members_are_ignored(hook: str, lab: Lab, judge: Judge) -> None:
    """Members that the documents do not name are ignored."""
    _judge_topic(judge, lab, hook, Topic.UNKNOWN)


@requirement("BIFROST-INPUT-005")
def test_no_error_in_every_spelling(hook: str, lab: Lab, judge: Judge) -> None:
    """An error or a response that is not there comes as `{}`, as null, or not at all."""
    _judge_topic(judge, lab, hook, Topic.NO_ERROR)


@requirement("BIFROST-INPUT-006")
def test_large_bodies_are_taken(hook: str, lab: Lab, judge: Judge) -> None:
    """Bodies of 1 MiB (4 KiB in scope `quick`)."""
    _judge_topic(judge, lab, hook, Topic.LARGE)


@requirement("BIFROST-INPUT-007")
def test_non_ascii_text_is_taken(hook: str, lab: Lab, judge: Judge) -> None:
    """Text beyond ASCII, everywhere that text can stand."""
    _judge_topic(judge, lab, hook, Topic.NON_ASCII)


@requirement("BIFROST-INPUT-008")
def test_empty_members_are_taken(hook: str, lab: Lab, judge: Judge) -> None:
    """Empty bodies, empty objects, empty lists."""
    _judge_topic(judge, lab, hook, Topic.EMPTY)


@requirement("BIFROST-INPUT-009")
def test_malformed_input_is_refused(hook: str, lab: Lab, judge: Judge) -> None:
    """Input that is no JSON, or not of the documented form, is answered with an error and not with a trap."""
    lab.require(hook)
    if any(call.trap is not None for call in lab.calls(hook)):
        judge.not_applicable(f"{hook} traps on well-formed input already: see BIFROST-TRAP-001")
        return
    for call in lab.session("malformed").of(hook):
        fault = None
        if call.trap is not None:
            hint = "answer an error where the input cannot be decoded"
            fault = Fault("an answer", f"trap: {call.trap}", hint)
        judge_call(judge, call, fault)


@requirement("BIFROST-INPUT-010")
def test_header_names_are_compared_without_case(hook: str, lab: Lab, judge: Judge) -> None:
    """Three spellings of the same header and query names get the same answer."""
    lab.require(hook)
    calls = [call for call in lab.session("headers").of(hook) if call.document is not None]
    if not calls:
        judge.not_applicable(f"{hook} gets no headers, or answered none of the requests")
    for call in calls:
        fault = None
        if _spelled_alike(call.exchange.output) != _spelled_alike(calls[0].exchange.output):
            got = f"{quote(call.exchange.output or b'')}, but {quote(calls[0].exchange.output or b'')} in lower case"
            hint = "compare header and query names without regard to case: clients spell them as they like"
            fault = Fault("the same answer in every spelling", got, hint)
        judge_call(judge, call, fault)


def _spelled_alike(output: bytes | None) -> Json:
    """The answer with all keys in lower case, so that names that are echoed do not count, and numbers as they stand."""

    def pairs(members: list[tuple[str, Json]]) -> dict[str, Json]:
        return {key.lower(): value for key, value in members}

    value: Json = json.loads(output or b"{}", object_pairs_hook=pairs, parse_int=str, parse_float=str)
    return value
