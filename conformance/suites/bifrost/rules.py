"""How a rule is put to the calls of a plugin: one loop for all, so that a test holds nothing but its rule."""

from __future__ import annotations

from collections.abc import Callable

from conformance.judging import Judge
from conformance.lab.asking import ask, ran_out_of_time
from conformance.lab.blocked import report_blocked as report_blocked
from conformance.lab.bounds import Blocked
from conformance.lab.bounds import Fault as Fault

from .calls import Call, Reached
from .lab import Lab

WHOLE = 300
"""Characters of an answer that are quoted."""


Rule = Callable[[Call], Fault | None]


def judge_calls(judge: Judge, lab: Lab, function: str, rule: Rule, *, reached: Reached = Reached.NOTHING) -> None:
    """Ask `rule` of every call of `function` that got as far as `reached`, in all sessions."""
    try:
        asked = lab.calls_that_reached(function, reached)
    except Blocked as blocked:
        report_blocked(judge, blocked)
        return
    if not asked and lab.calls(function):
        judge.not_applicable(f"no call of {function} got as far as this rule")
    ask(judge, asked, rule, judge_call)


def judge_call(judge: Judge, call: Call, fault: Fault | None) -> None:
    """Take down one call."""
    if ran_out_of_time(judge, call):
        return
    if fault is None:
        judge.passed(call.case)
    else:
        judge.violation(
            call.case,
            export=call.export,
            arguments=call.exchange.arguments,
            pointer=call.exchange.pointer,
            length=call.exchange.length,
            expected=fault.expected,
            got=fault.got,
            hint=fault.hint,
        )


def quote(data: bytes) -> str:
    """The beginning of an answer, as text that can be printed."""
    text = data[:WHOLE].decode("utf-8", "backslashreplace")
    return text if len(data) <= WHOLE else f"{text}… ({len(data)} bytes)"
