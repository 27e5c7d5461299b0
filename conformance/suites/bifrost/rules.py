"""How a rule is put to the calls of a plugin: one loop for all, so that a test holds nothing but its rule."""

from __future__ import annotations

from collections.abc import Callable

from conformance.judging import Judge
from conformance.lab.blocked import report_blocked as report_blocked
from conformance.lab.bounds import Blocked
from conformance.lab.bounds import Fault as Fault
from reference_host.errors import TrapCode

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
    held = 0
    every_case = judge.subject.only_case is None
    for call in asked:
        fault = rule(call)
        if fault is None and call.failure is None:
            # The most of thousands of calls: counted, and told at once.
            held += every_case or judge.wants(call.case)
        else:
            judge_call(judge, call, fault)
    judge.held(held)


def judge_call(judge: Judge, call: Call, fault: Fault | None) -> None:
    """Take down one call. A deadline that fired is nobody's fault but the machine's."""
    failure = call.failure
    if failure is not None and failure.trap is not None and failure.trap.code is TrapCode.DEADLINE:
        judge.error(
            call.case,
            "the deadline fired before the fuel was used up: a faster machine or engine can judge this",
        )
    elif fault is None:
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
