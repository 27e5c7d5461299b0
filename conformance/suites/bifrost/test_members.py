"""The members of a hook's answer: types, flags and their values, and what each hook may not do.

Source: "Writing WASM Plugins", Hook Input/Output Structures; README of hello-world-wasm-go, Data Exchange. Which
mismatch is an error and which a warning is a stand.
"""

from __future__ import annotations

import pytest

from conformance.judging import Judge, requirement
from reference_host.abi.bifrost.revisions import Role
from reference_host.abi.bifrost.types import HookFailure

from .calls import Call, Reached
from .lab import Lab
from .rules import Fault, Rule, judge_calls

FLAGS = ("has_response", "has_chunk", "skip", "has_short_circuit", "has_error")


def _judge_role(judge: Judge, lab: Lab, role: Role, rule: Rule) -> None:
    hook = lab.revision.hook(role)
    if hook is None:
        judge.not_applicable(f"{lab.revision.name} has no {role.value}")
    else:
        judge_calls(judge, lab, hook.name, rule, reached=Reached.OBJECT)


def _finding(code: str, *members: str, hint: str) -> Rule:
    """A rule that is broken by a finding of that code at or below one of the members (anywhere where none is named)."""

    def rule(call: Call) -> Fault | None:
        found = call.finding(code, *members)
        return None if found is None else Fault(f"{found.member}: {found.expected}", found.got, hint)

    return rule


def _first(*rules: Rule) -> Rule:
    def rule(call: Call) -> Fault | None:
        return next((fault for each in rules if (fault := each(call)) is not None), None)

    return rule


_BAD = HookFailure.BAD_MEMBER.value
_NULL_HINT = "give the member its type, or leave it out, or answer null"
_BASE64_HINT = "encode the raw bytes with the standard alphabet (+ and /) and padding"


# -- all hooks ------------------------------------------------------------------------------------


@requirement("BIFROST-OUT-001")
def test_context_is_an_object(hook: str, lab: Lab, judge: Judge) -> None:
    """`context` is an object whose keys are merged into the request's context; null and absence change nothing."""
    judge_calls(judge, lab, hook, _finding(_BAD, "context", hint=_NULL_HINT), reached=Reached.OBJECT)


@requirement("BIFROST-OUT-002")
def test_error_text_is_a_string(hook: str, lab: Lab, judge: Judge) -> None:
    """What a hook says went wrong (`error`, or `hook_error` of an enveloped post hook) is a string."""
    is_post = lab.revision.enveloped and hook == "post_hook"
    rule = _finding(_BAD, "hook_error" if is_post else "error", hint='answer "" where nothing went wrong')
    judge_calls(judge, lab, hook, rule, reached=Reached.OBJECT)


@requirement("BIFROST-OUT-003")
def test_flags_are_boolean(hook: str, lab: Lab, judge: Judge) -> None:
    """Flags are true or false; null and absence mean false."""
    judge_calls(
        judge,
        lab,
        hook,
        _finding(_BAD, *FLAGS, hint="answer true or false, not 0, 1 or a string"),
        reached=Reached.OBJECT,
    )


@requirement("BIFROST-OUT-004")
def test_flag_comes_with_its_value(hook: str, lab: Lab, judge: Judge) -> None:
    """Where a flag announces a value, the value is there."""
    hint = "set the flag only together with its value"
    judge_calls(judge, lab, hook, _finding(HookFailure.FLAG_WITHOUT_VALUE, hint=hint), reached=Reached.OBJECT)


@requirement("BIFROST-OUT-005")
def test_value_comes_with_its_flag(hook: str, lab: Lab, judge: Judge) -> None:
    """A value without its flag is ignored by the host."""
    hint = "set the flag, or answer null: as it stands the value is lost"
    judge_calls(judge, lab, hook, _finding("value-without-flag", hint=hint), reached=Reached.OBJECT)


# -- http_pre_hook, http_intercept, http_transport_intercept --------------------------------------


@requirement("BIFROST-HTTPPRE-001")
def test_changed_request_has_its_types(lab: Lab, judge: Judge) -> None:
    """`request` is an HTTPRequest: texts, and objects of texts; null and absence change nothing."""
    _judge_role(judge, lab, Role.HTTP_PRE, _finding(_BAD, "request", hint=_NULL_HINT))


@requirement("BIFROST-HTTPPRE-002")
def test_changed_body_is_base64(lab: Lab, judge: Judge) -> None:
    """The body of a changed request is standard base64 with padding."""
    _judge_role(judge, lab, Role.HTTP_PRE, _finding(HookFailure.BAD_BASE64, "request", hint=_BASE64_HINT))


@requirement("BIFROST-HTTPPRE-003")
@pytest.mark.parametrize("member", ["method", "path"])
def test_method_and_path_stay(member: str, lab: Lab, judge: Judge) -> None:
    """A hook does not change method or path: the gateway answers such a request with 409."""

    def rule(call: Call) -> Fault | None:
        answered = (call.document or {}).get("request")
        if call.message is None or not isinstance(answered, dict) or call.error_text or _answers(call):
            return None
        value, sent = answered.get(member), call.message.members["request"][member]
        if isinstance(value, str) and value != sent:
            return Fault(
                f"request.{member}: {sent!r}, as it was sent",
                repr(value),
                f"leave {member} as it is, or leave it out",
            )
        return None

    _judge_role(judge, lab, Role.HTTP_PRE, rule)


def _answers(call: Call) -> bool:
    """Whether the hook answers the request itself: what it makes of the request then is of no account."""
    document = call.document or {}
    return document.get("has_response") is True and isinstance(document.get("response"), dict)


@requirement("BIFROST-HTTPPRE-004")
def test_answer_is_a_response(lab: Lab, judge: Judge) -> None:
    """`response` is an HTTPResponse: a status code of 100 to 599, headers as an object of texts, a body in base64."""
    status_hint = "status_code is an integer of 100 to 599"
    rule = _first(
        _finding(_BAD, "response", hint=f"{_NULL_HINT}; {status_hint}"),
        _finding(HookFailure.BAD_STATUS, "response", hint=status_hint),
        _finding(HookFailure.BAD_BASE64, "response", hint=_BASE64_HINT),
    )
    _judge_role(judge, lab, Role.HTTP_PRE, rule)


# -- http_post_hook -------------------------------------------------------------------------------


@requirement("BIFROST-HTTPPOST-001")
def test_post_hook_answers_no_response(lab: Lab, judge: Judge) -> None:
    """`http_post_hook` has no way to change the response: a `response` in its answer is ignored."""
    hint = "leave the member out; change responses in http_stream_chunk_hook or post_hook"
    _judge_role(judge, lab, Role.HTTP_POST, _finding("response-member-ignored", hint=hint))


# -- http_stream_chunk_hook -----------------------------------------------------------------------


@requirement("BIFROST-STREAM-001")
def test_chunk_is_an_object(lab: Lab, judge: Judge) -> None:
    """`chunk` is an object, as the chunk that was sent; never text, never base64."""
    _judge_role(judge, lab, Role.STREAM, _finding(_BAD, "chunk", hint="answer the chunk as a JSON object"))


@requirement("BIFROST-STREAM-002")
def test_dropped_chunk_is_not_sent(lab: Lab, judge: Judge) -> None:
    """A chunk is dropped or answered, not both."""
    hint = "answer skip:true with chunk:null and has_chunk:false, or the chunk with skip:false"
    _judge_role(judge, lab, Role.STREAM, _finding("skip-with-chunk", hint=hint))


@requirement("BIFROST-STREAM-003")
def test_chunk_is_answered_or_dropped(lab: Lab, judge: Judge) -> None:
    """A hook says what becomes of a chunk: with neither flag it is dropped."""
    hint = "to pass a chunk on, answer it with has_chunk:true; to drop it, answer skip:true"
    _judge_role(judge, lab, Role.STREAM, _finding("neither-chunk-nor-skip", hint=hint))


# -- pre_hook -------------------------------------------------------------------------------------


@requirement("BIFROST-PRE-001")
def test_changed_llm_request_is_an_object(lab: Lab, judge: Judge) -> None:
    """`request` is an object; null and absence change nothing."""
    _judge_role(judge, lab, Role.PRE, _finding(_BAD, "request", hint=_NULL_HINT))


@requirement("BIFROST-PRE-002")
def test_short_circuit_is_an_object(lab: Lab, judge: Judge) -> None:
    """`short_circuit` is an object of `response` or `error`, each an object."""
    _judge_role(judge, lab, Role.PRE, _finding(_BAD, "short_circuit", hint=_NULL_HINT))


@requirement("BIFROST-PRE-003")
def test_short_circuit_is_not_empty(lab: Lab, judge: Judge) -> None:
    """A short circuit has a response or an error: with neither the provider is called all the same."""
    hint = "give the short circuit a response or an error"
    _judge_role(judge, lab, Role.PRE, _finding("empty-short-circuit", hint=hint))


# -- post_hook ------------------------------------------------------------------------------------


@requirement("BIFROST-POST-001")
def test_changed_llm_response_is_an_object(lab: Lab, judge: Judge) -> None:
    """`response` is an object; null, absence and an empty object change nothing."""
    _judge_role(judge, lab, Role.POST, _finding(_BAD, "response", hint=_NULL_HINT))


@requirement("BIFROST-POST-002")
def test_llm_error_is_an_object(lab: Lab, judge: Judge) -> None:
    """The LLM error (`error`; in r0 `bifrost_error`) is an object; null, absence and an empty object are none."""
    member = "error" if lab.revision.enveloped else "bifrost_error"
    _judge_role(judge, lab, Role.POST, _finding(_BAD, member, hint=_NULL_HINT))


@requirement("BIFROST-POST-003")
def test_error_flag_is_kept(lab: Lab, judge: Judge) -> None:
    """A hook that was given an error, and does not recover from it with a response, keeps `has_error`."""
    hint = "answer has_error as it came in, or a response where the error is to be cleared"
    _judge_role(judge, lab, Role.POST, _finding("error-flag-dropped", hint=hint))
