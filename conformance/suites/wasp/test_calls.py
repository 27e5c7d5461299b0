"""Calls: a function comes back, and answers what its author says, each time.

Source: host of wasp 0.0.8, CallFunction; README of wasp, Basic Usage. That a call comes to an end is a stand.
"""

from __future__ import annotations

from conformance.judging import Judge, requirement
from conformance.lab.bounds import Blocked
from reference_host.abi.wasp import Type
from reference_host.errors import GuestError, TrapCode

from .calls import Call, Reached
from .lab import Lab, Session
from .rules import Fault, judge_call, judge_calls, quote


@requirement("WASP-CALL-001")
def test_functions_do_not_trap(lab: Lab, judge: Judge) -> None:
    """A function does not trap; `proc_exit` and `env.abort` are traps."""

    def rule(call: Call) -> Fault | None:
        if call.trap is None or call.trap.code is TrapCode.FUEL_EXHAUSTED or call.exchange.raised:
            return None
        hint = "report failures with raise_error; check lengths before using them"
        return Fault("an answer, or an error", f"trap for {call.sending.name}: {call.trap}", hint)

    judge_calls(judge, lab, rule, reached=Reached.PLACED)


@requirement("WASP-CALL-002")
def test_functions_come_to_an_end(lab: Lab, judge: Judge) -> None:
    """A function comes to an end, within a budget of instructions that grows with its input."""

    def rule(call: Call) -> Fault | None:
        if call.trap is None or call.trap.code is not TrapCode.FUEL_EXHAUSTED:
            return None
        hint = "look for a loop that does not end for this input, or for work that grows faster than its input"
        return Fault("an answer", f"the budget of instructions was used up for {call.sending.name}", hint)

    judge_calls(judge, lab, rule, reached=Reached.PLACED)


# -- examples -------------------------------------------------------------------------------------


def _judge_returns(judge: Judge, lab: Lab, session: Session) -> None:
    lab.require_readable()
    for call in session.calls:
        example = call.sending.example
        if example is None or example.raises is not None or call.reached < Reached.READ or not call.is_legible:
            # What is wrong with its form has rules of its own.
            continue
        fault = None
        if call.function.signature.result is not Type.NONE and not _equal(call, example.returns):
            hint = "check how values cross: their addresses, sizes and terminators; or correct the example"
            fault = Fault(quote(example.returns), quote(call.value), hint)
        judge_call(judge, call, fault)
    judge.not_applicable("no example of an answer is given, or no call of one gave an answer")


def _equal(call: Call, expected: object) -> bool:
    value = call.value
    if isinstance(value, float) and isinstance(expected, float) and call.function.signature.result is Type.F32:
        return abs(value - expected) <= 1e-6 * max(1.0, abs(expected))
    return value == expected


@requirement("WASP-EXAMPLE-001")
def test_examples_hold(lab: Lab, judge: Judge) -> None:
    """A function answers what the examples say."""
    _judge_returns(judge, lab, lab.session("traffic"))


@requirement("WASP-EXAMPLE-001")
def test_examples_hold_after_thousands_of_calls(lab: Lab, judge: Judge) -> None:
    """And goes on to do so."""
    _judge_returns(judge, lab, lab.session("soak"))


def _judge_raises(judge: Judge, lab: Lab, session: Session) -> None:
    lab.require_readable()
    for call in session.calls:
        example = call.sending.example
        came_back = call.failure is None or isinstance(call.failure, GuestError)
        if example is None or not came_back or call.hogged is not None or not call.is_legible:
            continue
        fault = None
        if example.raises != call.error:
            expected = "no error" if example.raises is None else f"the error {quote(example.raises)}"
            got = "no error" if call.error is None else f"the error {quote(call.error)}"
            hint = "raise_error takes the text of the error, once; or correct the example"
            fault = Fault(expected, got, hint)
        judge_call(judge, call, fault)
    judge.not_applicable("no example is given, or no call of one came back")


@requirement("WASP-EXAMPLE-002")
def test_examples_raise(lab: Lab, judge: Judge) -> None:
    """A function raises the error that the examples say, or none."""
    _judge_raises(judge, lab, lab.session("traffic"))


@requirement("WASP-EXAMPLE-002")
def test_examples_raise_after_thousands_of_calls(lab: Lab, judge: Judge) -> None:
    """And goes on to do so."""
    _judge_raises(judge, lab, lab.session("soak"))


# -- state ----------------------------------------------------------------------------------------


@requirement("WASP-STATE-001")
def test_functions_go_on_to_answer_alike(lab: Lab, judge: Judge) -> None:
    """What was answered alike at first is so after thousands of calls."""
    soak = lab.session("soak")
    if soak.instances > 1:
        raise Blocked("an instance was lost on the way: see WASP-CALL-*")
    wrong = {call.export for call in soak.calls if call.sending.example is not None and not _holds(call)}
    first: dict[tuple[str, str], list[Call]] = {}
    for call in soak.calls:
        turn, _, name = call.sending.name.partition("-")
        if turn == "first":
            first.setdefault((call.export, name.partition("-")[2]), []).append(call)
        elif turn == "last" and call.export not in wrong:
            before = first.get((call.export, name.partition("-")[2]), [])
            if not before or any(each.outcome != before[0].outcome for each in before):
                continue
            fault = None
            if call.outcome != before[0].outcome:
                got = f"{quote(call.value)}, first {quote(before[0].value)}"
                fault = Fault("the same answer as at first", got, "answers that change with time are hard to trust")
            judge_call(judge, call, fault)
    judge.not_applicable("no call gave an answer that could be compared")


def _holds(call: Call) -> bool:
    example = call.sending.example
    if example is None or (call.failure is not None and not isinstance(call.failure, GuestError)):
        return True
    if example.raises is not None or call.error is not None:
        return example.raises == call.error
    return call.function.signature.result is Type.NONE or _equal(call, example.returns)
