"""Every input that a conforming host may send is taken.

A hook that cannot read its input says so in its error text. A policy that refuses a request is no such fault: as a rule
only texts count that speak of decoding. But of two inputs that mean the same to every plugin (null and an empty object,
with and without a member that nobody knows) a hook may not take one and refuse the other, whatever its words. Where it
traps instead, that is the business of BIFROST-TRAP-001. (Stands.)

Source: "Writing WASM Plugins", Hook Input/Output Structures and Troubleshooting, JSON parsing errors ("handle
optional/nullable fields properly").
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from conformance.judging import Judge, requirement
from reference_host.abi.interface import Json

from .calls import Call, Reached
from .complaints import refusal, speaks_of_policy
from .lab import Lab
from .messages import Spelling, Topic
from .reception import reception_by
from .rules import Fault, judge_call, quote

_HINT = "decode only what the plugin needs, leave the rest open, and treat null, absent and empty alike"


_RULES = {Topic.DOCUMENTED: "BIFROST-INPUT-001", Topic.NO_ERROR: "BIFROST-INPUT-005"}
"""The rules that others wait for: what varies a documented message cannot be judged where that one is refused."""


def _judge_topic(judge: Judge, lab: Lab, hook: str, topic: Topic) -> None:
    reception = reception_by(hook, lab)
    refused = set(reception.unread.values())
    first = next((each for each in _RULES if each in refused and each is not topic), None)
    if first is not None and topic is not Topic.DOCUMENTED:
        judge.not_applicable(f"{hook} refuses documented input already: see {_RULES[first]}")
        return
    asked = reception.about(topic)
    if not asked:
        judge.not_applicable(f"no such input is sent to {hook} in this revision and shape, or none was answered")
    for each in asked:
        twin = reception.same_but_taken(each)
        to_blame = each.message.name in reception.unread
        for call, said in zip(each.calls, each.refusals, strict=True):
            fault = None
            if said is not None and (to_blame or twin is not None or each.is_unread(call)):
                same = f", but takes {twin.name!r}, which means the same" if twin is not None else ""
                fault = Fault(f"the input {each.message.name!r} is taken", f"the hook answers with {said}{same}", _HINT)
            judge_call(judge, call, fault)


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
    """Members that the documents do not name are ignored, at every level."""
    _judge_topic(judge, lab, hook, Topic.UNKNOWN)


@requirement("BIFROST-INPUT-005")
def test_no_error_in_every_spelling(hook: str, lab: Lab, judge: Judge) -> None:
    """An error or a response that is not there comes as `{}`, as null, or not at all."""
    _judge_topic(judge, lab, hook, Topic.NO_ERROR)


@requirement("BIFROST-INPUT-006")
def test_large_bodies_are_taken(hook: str, lab: Lab, judge: Judge) -> None:
    """Bodies of 1 MiB and 8 MiB (4 KiB and 32 KiB in scope `quick`), where the memory can hold eight times as much."""
    _judge_topic(judge, lab, hook, Topic.LARGE)


@requirement("BIFROST-INPUT-007")
def test_non_ascii_text_is_taken(hook: str, lab: Lab, judge: Judge) -> None:
    """Text beyond ASCII, and escaped control characters, everywhere that text can stand."""
    _judge_topic(judge, lab, hook, Topic.NON_ASCII)


@requirement("BIFROST-INPUT-008")
def test_empty_members_are_taken(hook: str, lab: Lab, judge: Judge) -> None:
    """Empty bodies, empty objects, empty lists, empty text."""
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
    answers = [_spelled_alike(call.exchange.output or b"null") for call in calls]
    # There and back again: who answers the same question in two ways counts calls, or requests.
    if not calls or answers != answers[::-1]:
        judge.not_applicable(f"{hook} gets no headers, or did not answer the same requests alike")
        return
    for call, answer in zip(calls, answers, strict=True):
        fault = None
        if answer != answers[0]:
            got = f"{quote(call.exchange.output or b'')}, but {quote(calls[0].exchange.output or b'')} in lower case"
            hint = "compare header and query names without regard to case: clients spell them as they like"
            fault = Fault("the same answer in every spelling", got, hint)
        judge_call(judge, call, fault)


def _spelled_alike(output: bytes) -> Json:
    """The answer with all keys in lower case, so that names that are echoed do not count; numbers as they stand."""

    def lower(pairs: list[tuple[str, Json]]) -> Json:
        return {key.lower(): inner for key, inner in pairs}

    answer: Json = json.loads(output, object_pairs_hook=lower, parse_int=str, parse_float=str)
    return answer


@requirement("BIFROST-INPUT-011")
def test_json_is_read_in_every_spelling(hook: str, lab: Lab, judge: Judge) -> None:
    """White space, escapes, the order of members and exponents are the writer's choice: what was taken is taken."""
    lab.require(hook)
    calls = lab.session("spelling").of(hook)
    asked = 0
    for call, again in _there_and_back(calls):
        plain = [c for c in calls if c.message == call.message and c.case.endswith(f"-{Spelling.PLAIN}")]
        if call not in plain and all(c.reached is Reached.OBJECT and refusal(c) is None for c in plain):
            asked += 1
            # Who counts calls refuses one of the two.
            fault = _misread(call)
            judge_call(judge, call, fault if fault is not None and _misread(again) is not None else None)
    if not asked:
        judge.not_applicable(f"{hook} does not take the same in the documents' own spelling")


def _there_and_back(calls: Sequence[Call]) -> Iterator[tuple[Call, Call]]:
    """Give the two calls of each message in each spelling."""
    first: dict[tuple[str, str], Call] = {}
    for call in calls:
        assert call.message is not None
        key = call.message.name, call.case.rpartition("-")[2]
        if key in first:
            yield first[key], call
        first.setdefault(key, call)


def _misread(call: Call) -> Fault | None:
    got = None
    if call.trap is not None:
        got = f"trap: {call.trap}"
    elif Reached.RETURNED <= call.reached < Reached.OBJECT:
        got = "no answer that can be read"
    elif call.error_text and not speaks_of_policy(call.error_text):
        got = f"an error: {call.error_text}"
    if got is None:
        return None
    hint = "read JSON with a decoder: white space, escapes and the order of members are the writer's choice"
    return Fault("the message is taken, as it is in the documents' own spelling", got, hint)
