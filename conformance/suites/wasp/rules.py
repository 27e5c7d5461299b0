"""How a rule is put to the calls of a plugin: one loop for all, so that a test holds nothing but its rule."""

from __future__ import annotations

from collections.abc import Callable

from conformance.judging import Judge
from conformance.lab.asking import ask, ran_out_of_time
from conformance.lab.blocked import report_blocked as report_blocked
from conformance.lab.bounds import Fault as Fault

from .calls import Call, Reached
from .lab import Lab

Rule = Callable[[Call], Fault | None]
WHOLE = 200
"""Characters of an answer that are quoted."""


def judge_calls(judge: Judge, lab: Lab, rule: Rule, *, reached: Reached = Reached.NOTHING) -> None:
    """Ask `rule` of every call that got as far as `reached`, in all sessions. Raises `Blocked`."""
    asked = lab.calls_that_reached(reached)
    if not asked:
        judge.not_applicable("no call got as far as this rule")
    ask(judge, asked, rule, judge_call)


def judge_call(judge: Judge, call: Call, fault: Fault | None) -> None:
    """Take down one call."""
    exchange = call.exchange
    if ran_out_of_time(judge, call):
        return
    if fault is None:
        judge.passed(call.case)
    else:
        pointer = exchange.raw if isinstance(exchange.raw, int) else None
        judge.violation(
            call.case,
            export=call.export,
            arguments=[shown(value) for value in exchange.arguments],
            pointer=pointer,
            length=None if exchange.data is None else len(exchange.data),
            expected=fault.expected,
            got=fault.got,
            hint=fault.hint,
        )


def shown(value: float) -> int | str:
    """A number that was passed, as reports have it."""
    return value if isinstance(value, int) else repr(value)


def quote(value: object) -> str:
    """The beginning of a value, as text that can be printed."""
    text = value if isinstance(value, str) else list(value[:64]) if isinstance(value, bytes) else value
    written = repr(text)
    return written if len(written) <= WHOLE else f"{written[:WHOLE]}…"
