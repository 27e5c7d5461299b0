"""The text of a result: UTF-8, one JSON object, nothing around it.

Source: "Writing WASM Plugins", Data Exchange (complex data is exchanged as JSON strings). Strictness in detail is a
stand.
"""

from __future__ import annotations

from conformance.judging import Judge, requirement
from reference_host.abi.bifrost.types import HookFailure

from .calls import Call, Reached
from .lab import Lab
from .rules import Fault, Rule, judge_calls, quote


def _fails_with(code: HookFailure, expected: str, hint: str) -> Rule:
    def rule(call: Call) -> Fault | None:
        if call.failure is not None and call.failure.code == code:
            return Fault(expected, f"{call.failure.detail}: {quote(call.exchange.output or b'')}", hint)
        return None

    return rule


@requirement("BIFROST-ENC-001")
def test_result_is_utf8(hook: str, lab: Lab, judge: Judge) -> None:
    """A result is UTF-8; its length counts bytes."""
    hint = "encode as UTF-8 (not UTF-16, not Latin-1) and pack the number of bytes, not of characters"
    judge_calls(judge, lab, hook, _fails_with(HookFailure.BAD_UTF8, "UTF-8", hint), reached=Reached.COPIED)


@requirement("BIFROST-ENC-002")
def test_result_is_one_json_text(hook: str, lab: Lab, judge: Judge) -> None:
    """A result is one JSON text: no byte order mark, no terminator, nothing behind it, no halves of surrogate pairs."""
    hint = "answer what a JSON encoder made, with exactly its length"
    judge_calls(judge, lab, hook, _fails_with(HookFailure.BAD_JSON, "one JSON text", hint), reached=Reached.TEXT)


@requirement("BIFROST-ENC-003")
def test_result_is_an_object(hook: str, lab: Lab, judge: Judge) -> None:
    """The JSON text is an object."""
    hint = "answer one object with the members of the hook's output"
    judge_calls(judge, lab, hook, _fails_with(HookFailure.NOT_OBJECT, "a JSON object", hint), reached=Reached.PARSED)


@requirement("BIFROST-ENC-004")
def test_keys_are_unique(hook: str, lab: Lab, judge: Judge) -> None:
    """No object of a result has a key twice: decoders differ in which one they take."""

    def rule(call: Call) -> Fault | None:
        if call.duplicates:
            names = ", ".join(repr(key) for key in call.duplicates)
            return Fault("each key once", f"more than once: {names}", "write each member once; here the last one wins")
        return None

    judge_calls(judge, lab, hook, rule, reached=Reached.OBJECT)
