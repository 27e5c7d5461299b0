"""What `pre_hook` and `post_hook` answer, line by line of their truth tables."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bifrost_answers import ENVELOPED, codes, read, told

from reference_host.abi.bifrost.answers import Outcome
from reference_host.abi.bifrost.revisions import Role
from reference_host.abi.bifrost.types import PostEffect, PostResult, PreResult, ShortCircuit
from reference_host.abi.interface import Json

every_enveloped = pytest.mark.parametrize("revision", ENVELOPED)

REQUEST: dict[str, Json] = {"provider": "openai", "model": "m", "input": [{"role": "user", "content": "hi"}]}
RESPONSE: dict[str, Json] = {"chat_response": {"id": "r-1", "model": "m", "choices": []}}
ERROR: dict[str, Json] = {"is_bifrost_error": False, "status_code": 403, "error": {"type": "policy", "message": "no"}}
BOTH = ShortCircuit(RESPONSE, ERROR)

# -- pre_hook -------------------------------------------------------------------------------------

PRE = [
    pytest.param({}, PreResult(), [], id="nothing-at-all"),
    pytest.param(
        {"context": {}, "request": None, "short_circuit": None, "has_short_circuit": False, "error": ""},
        PreResult(),
        [],
        id="pass-through",
    ),
    pytest.param({"request": REQUEST}, PreResult(request=REQUEST), [], id="request-flat"),
    pytest.param(
        {"request": {"chat_request": REQUEST}}, PreResult(request={"chat_request": REQUEST}), [], id="request-wrapped"
    ),
    pytest.param(
        {"request": {"ChatRequest": REQUEST, "TextCompletionRequest": None}},
        PreResult(request={"ChatRequest": REQUEST, "TextCompletionRequest": None}),
        [],
        id="request-go-struct",
    ),
    pytest.param({"request": {}}, PreResult(request={}), [], id="empty-request-is-one"),
    pytest.param({"context": {"a": 1}}, PreResult(context={"a": 1}), [], id="context"),
    pytest.param(
        {"error": "odd", "request": REQUEST}, PreResult(request=REQUEST, error="odd"), [], id="error-stops-nothing"
    ),
    pytest.param(
        {"short_circuit": {"response": RESPONSE}, "has_short_circuit": True},
        PreResult(short_circuit=ShortCircuit(response=RESPONSE)),
        [],
        id="short-circuit-with-a-response",
    ),
    pytest.param(
        {"short_circuit": {"error": ERROR}, "has_short_circuit": True},
        PreResult(short_circuit=ShortCircuit(error=ERROR)),
        [],
        id="short-circuit-with-an-error",
    ),
    pytest.param(
        {"short_circuit": {"response": RESPONSE, "error": ERROR}, "has_short_circuit": True},
        PreResult(short_circuit=BOTH),
        [],
        id="short-circuit-with-both",
    ),
    pytest.param(
        {"short_circuit": {"response": None, "error": {}}, "has_short_circuit": True},
        PreResult(short_circuit=ShortCircuit()),
        ["empty-short-circuit short_circuit"],
        id="short-circuit-of-empty-members",
    ),
    pytest.param(
        {"short_circuit": {}, "has_short_circuit": True},
        PreResult(short_circuit=ShortCircuit()),
        ["empty-short-circuit short_circuit"],
        id="empty-short-circuit",
    ),
    pytest.param(
        {"short_circuit": {"response": RESPONSE}, "has_short_circuit": False},
        PreResult(),
        ["value-without-flag short_circuit"],
        id="short-circuit-not-meant",
    ),
    pytest.param(
        {"short_circuit": {"error": ERROR}}, PreResult(), ["value-without-flag short_circuit"], id="flag-forgotten"
    ),
    pytest.param({"has_short_circuit": True}, None, ["flag-without-value short_circuit"], id="flag-alone"),
    pytest.param(
        {"has_short_circuit": True, "short_circuit": None},
        None,
        ["flag-without-value short_circuit"],
        id="flag-with-null",
    ),
    pytest.param({"bonus": [1]}, PreResult(), [], id="unknown-members-are-ignored"),
]


@every_enveloped
@pytest.mark.parametrize(("document", "result", "findings"), PRE)
def test_pre_hook(revision: str, document: dict[str, Json], result: PreResult | None, findings: list[str]) -> None:
    answer = read(revision, Role.PRE, document)
    assert told(answer) == findings
    assert answer.result == (None if result is None else replace(result, notes=answer.notes))
    if result is not None:
        assert codes(answer) == tuple(finding.split()[0] for finding in findings)


PRE_R0 = [
    pytest.param({"request": None, "short_circuit": None, "error": ""}, PreResult(), [], id="pass-through"),
    pytest.param({"request": REQUEST}, PreResult(request=REQUEST), [], id="request"),
    pytest.param({"error": "odd"}, PreResult(error="odd"), [], id="error"),
    pytest.param(
        {"short_circuit": {"response": RESPONSE}},
        PreResult(short_circuit=ShortCircuit(RESPONSE)),
        [],
        id="short-circuit-needs-no-flag",
    ),
    pytest.param(
        {"short_circuit": {"error": ERROR}, "has_short_circuit": False},
        PreResult(short_circuit=ShortCircuit(error=ERROR)),
        [],
        id="flag-is-unknown",
    ),
    pytest.param(
        {"short_circuit": {}},
        PreResult(short_circuit=ShortCircuit()),
        ["empty-short-circuit short_circuit"],
        id="empty-short-circuit",
    ),
    pytest.param({"context": {"a": 1}}, PreResult(), [], id="context-is-not-returned"),
    pytest.param({"context": 5, "has_short_circuit": "no"}, PreResult(), [], id="others-members-are-unknown"),
]


@pytest.mark.parametrize(("document", "result", "findings"), PRE_R0)
def test_pre_hook_of_r0(document: dict[str, Json], result: PreResult, findings: list[str]) -> None:
    answer = read("r0", Role.PRE, document)
    assert told(answer) == findings
    assert answer.result == replace(result, notes=answer.notes)


# -- post_hook ------------------------------------------------------------------------------------

UNCHANGED, REPLACED, FAILED, RECOVERED = (
    PostResult(),
    PostResult(PostEffect.RESPONSE, RESPONSE),
    PostResult(PostEffect.ERROR, error=ERROR),
    PostResult(PostEffect.RECOVERED, RESPONSE),
)
HAD_RESPONSE, HAD_ERROR, HAD_BOTH, HAD_NEITHER = (
    Outcome(response=True, error=False),
    Outcome(response=False, error=True),
    Outcome(response=True, error=True),
    Outcome(response=False, error=False),
)
SAMPLE: dict[str, Json] = {"context": {}, "response": None, "error": None, "has_error": False, "hook_error": ""}
"""What the vendor's TypeScript sample answers to everything."""
DROPPED = ["error-flag-dropped has_error"]
UNFLAGGED = ["value-without-flag error"]

POST = [
    # Nothing changed.
    pytest.param(HAD_RESPONSE, {}, UNCHANGED, [], id="nothing-at-all"),
    pytest.param(HAD_RESPONSE, SAMPLE, UNCHANGED, [], id="pass-through"),
    pytest.param(HAD_RESPONSE, {"error": {}}, UNCHANGED, [], id="empty-error-is-none"),
    pytest.param(HAD_RESPONSE, {"response": {}}, UNCHANGED, [], id="empty-response-is-none"),
    pytest.param(HAD_NEITHER, SAMPLE, UNCHANGED, [], id="pass-through-of-nothing"),
    # The response is replaced.
    pytest.param(HAD_RESPONSE, {"response": RESPONSE}, REPLACED, [], id="response"),
    pytest.param(HAD_RESPONSE, {"response": RESPONSE, "error": {}}, REPLACED, [], id="response-and-empty-error"),
    pytest.param(HAD_NEITHER, {"response": RESPONSE}, REPLACED, [], id="response-out-of-nothing"),
    # There is an error now; it wins over a response.
    pytest.param(HAD_RESPONSE, {"error": ERROR, "has_error": True}, FAILED, [], id="error"),
    pytest.param(HAD_ERROR, {"error": ERROR, "has_error": True}, FAILED, [], id="error-replaced-or-echoed"),
    pytest.param(
        HAD_RESPONSE,
        {"error": ERROR, "has_error": True, "response": RESPONSE},
        FAILED,
        [],
        id="error-wins-over-response",
    ),
    pytest.param(
        HAD_ERROR, {"error": ERROR, "has_error": True, "response": RESPONSE}, FAILED, [], id="error-kept-is-no-recovery"
    ),
    # An error was given, and its flag was dropped: no recovery without a response.
    pytest.param(HAD_ERROR, SAMPLE, UNCHANGED, DROPPED, id="flag-dropped-by-the-sample"),
    pytest.param(HAD_ERROR, {}, UNCHANGED, DROPPED, id="flag-left-out"),
    pytest.param(HAD_ERROR, {"error": ERROR, "has_error": False}, UNCHANGED, DROPPED, id="flag-dropped-error-echoed"),
    pytest.param(HAD_ERROR, {"response": {}}, UNCHANGED, DROPPED, id="no-recovery-by-an-empty-response"),
    pytest.param(HAD_BOTH, {"response": RESPONSE}, REPLACED, DROPPED, id="no-recovery-where-a-response-was-given"),
    # Recovery.
    pytest.param(HAD_ERROR, {"response": RESPONSE}, RECOVERED, [], id="recovery"),
    pytest.param(
        HAD_ERROR, {"response": RESPONSE, "error": None, "has_error": False}, RECOVERED, [], id="recovery-in-full"
    ),
    pytest.param(HAD_ERROR, {"response": RESPONSE, "error": {}}, RECOVERED, [], id="recovery-with-an-empty-error"),
    pytest.param(HAD_ERROR, {"response": RESPONSE, "error": ERROR}, RECOVERED, UNFLAGGED, id="recovery-error-echoed"),
    # The hook itself failed: everything else is as before it.
    pytest.param(HAD_RESPONSE, {"hook_error": "x"}, PostResult(hook_error="x"), [], id="hook-error"),
    pytest.param(
        HAD_RESPONSE, {"hook_error": "x", "response": RESPONSE}, PostResult(hook_error="x"), [], id="hook-error-keeps"
    ),
    pytest.param(
        HAD_RESPONSE,
        {"hook_error": "x", "error": ERROR, "has_error": True},
        PostResult(hook_error="x"),
        [],
        id="hook-error-keeps-although-there-is-an-error",
    ),
    pytest.param(HAD_ERROR, {"hook_error": "x"}, PostResult(hook_error="x"), [], id="hook-error-drops-no-flag"),
    pytest.param(
        HAD_ERROR,
        {"hook_error": "x", "response": RESPONSE},
        PostResult(hook_error="x"),
        [],
        id="hook-error-is-no-recovery",
    ),
    # Flag and value disagree.
    pytest.param(HAD_RESPONSE, {"error": ERROR}, UNCHANGED, UNFLAGGED, id="error-without-flag"),
    pytest.param(
        HAD_RESPONSE, {"error": ERROR, "response": RESPONSE}, REPLACED, UNFLAGGED, id="error-without-flag-and-response"
    ),
    pytest.param(HAD_RESPONSE, {"has_error": True}, None, ["flag-without-value error"], id="flag-alone"),
    pytest.param(
        HAD_ERROR, {"has_error": True, "error": None}, None, ["flag-without-value error"], id="flag-with-null"
    ),
    pytest.param(HAD_ERROR, {"has_error": True, "error": {}}, None, ["flag-without-value error"], id="flag-with-empty"),
    # All together.
    pytest.param(
        HAD_RESPONSE,
        {"context": {"a": 1}, "bonus": 1},
        PostResult(context={"a": 1}),
        [],
        id="context-and-unknown-members",
    ),
]


@every_enveloped
@pytest.mark.parametrize(("given", "document", "result", "findings"), POST)
def test_post_hook(
    revision: str, given: Outcome, document: dict[str, Json], result: PostResult | None, findings: list[str]
) -> None:
    answer = read(revision, Role.POST, document, given)
    assert told(answer) == findings
    assert answer.result == (None if result is None else replace(result, notes=answer.notes))
    if result is not None:
        assert codes(answer) == tuple(finding.split()[0] for finding in findings)


def test_without_word_of_its_input_a_post_hook_had_neither() -> None:
    answer = read("r2", Role.POST, {"response": RESPONSE})
    assert answer.result == REPLACED


POST_R0 = [
    pytest.param(HAD_RESPONSE, {}, UNCHANGED, [], id="nothing-at-all"),
    pytest.param(
        HAD_RESPONSE, {"response": None, "bifrost_error": None, "error": ""}, UNCHANGED, [], id="pass-through"
    ),
    pytest.param(
        HAD_ERROR, {"response": None, "bifrost_error": None}, UNCHANGED, [], id="null-and-null-keeps-the-error"
    ),
    pytest.param(HAD_ERROR, {"response": {}, "bifrost_error": {}}, UNCHANGED, [], id="empty-and-empty-keeps-the-error"),
    pytest.param(HAD_RESPONSE, {"response": RESPONSE}, REPLACED, [], id="response"),
    pytest.param(HAD_ERROR, {"response": RESPONSE, "bifrost_error": None}, RECOVERED, [], id="recovery"),
    pytest.param(HAD_BOTH, {"response": RESPONSE}, RECOVERED, [], id="recovery-where-a-response-was-given"),
    pytest.param(HAD_RESPONSE, {"bifrost_error": ERROR}, FAILED, [], id="error"),
    pytest.param(HAD_ERROR, {"bifrost_error": ERROR}, FAILED, [], id="error-echoed"),
    pytest.param(HAD_ERROR, {"bifrost_error": ERROR, "response": RESPONSE}, FAILED, [], id="error-wins-over-response"),
    pytest.param(HAD_ERROR, {"error": "x", "response": RESPONSE}, PostResult(hook_error="x"), [], id="hook-error"),
    pytest.param(
        HAD_ERROR, {"hook_error": 5, "has_error": 5, "context": 5}, UNCHANGED, [], id="others-members-unknown"
    ),
    pytest.param(HAD_ERROR, {"bifrost_error": "x"}, None, ["bad-member bifrost_error"], id="error-is-text"),
    pytest.param(HAD_ERROR, {"error": {}}, None, ["bad-member error"], id="hook-error-is-an-object"),
]


@pytest.mark.parametrize(("given", "document", "result", "findings"), POST_R0)
def test_post_hook_of_r0(
    given: Outcome, document: dict[str, Json], result: PostResult | None, findings: list[str]
) -> None:
    answer = read("r0", Role.POST, document, given)
    assert told(answer) == findings
    assert answer.result == result
