"""Resources: a plugin leaves the host enough of what both share. Time and stack are the business of each function.

Source: "Writing WASM Plugins", Troubleshooting, Memory allocation errors ("plugin memory is limited"). What is too much
is a stand.
"""

from __future__ import annotations

from collections.abc import Callable

from conformance.judging import Judge, requirement

from .calls import Call
from .experiments import ALLOCATOR, life
from .lab import Lab
from .metering import Use, most_log
from .rules import Fault, judge_calls

Rule = Callable[[Use, int], Fault | None]
"""What is wrong with what a call took; the number is that of its input's bytes."""


def _hogs(use: Use, _given: int) -> Fault | None:
    if use.hogged is None:
        return None
    got = f"growth beyond {use.hogged.size} pages was refused, at a limit of {use.hogged.limit}"
    hint = "take what is needed, and stop there: the host lends its memory to many plugins"
    return Fault("memory that stops growing before it is refused", got, hint)


def _floods(use: Use, given: int) -> Fault | None:
    if not use.floods(given):
        return None
    hint = "log a line where something happens, not all that goes by"
    return Fault(f"at most {most_log(given)} bytes of log", f"{use.logged} bytes in one call", hint)


def _judge_life(judge: Judge, lab: Lab, rule: Rule) -> None:
    for moment in life(lab):
        fault = rule(moment.use, moment.given)
        if fault is None:
            judge.passed(moment.case)
        else:
            judge.violation(moment.case, export=moment.export, expected=fault.expected, got=fault.got, hint=fault.hint)
    _judge_calls(judge, lab, "get_name", rule)


def _judge_hook(judge: Judge, lab: Lab, hook: str, rule: Rule) -> None:
    for moment in life(lab):
        if moment.case in ALLOCATOR and rule(moment.use, moment.given) is not None:
            judge.not_applicable(f"it is {moment.export} that takes so much")
            return
    _judge_calls(judge, lab, hook, rule)


def _judge_calls(judge: Judge, lab: Lab, function: str, rule: Rule) -> None:
    def fault(call: Call) -> Fault | None:
        given = sum(buffer.length for buffer in call.exchange.inputs)
        # One that was aborted is judged for that alone.
        return None if call.exchange.lost else rule(call.use, given)

    judge_calls(judge, lab, function, fault)


@requirement("BIFROST-MEM-003")
def test_life_does_not_take_all_memory(lab: Lab, judge: Judge) -> None:
    """Start-up, allocator, `init`, `get_name` and `cleanup` do not grow until they are refused more."""
    _judge_life(judge, lab, _hogs)


@requirement("BIFROST-MEM-003")
def test_hook_does_not_take_all_memory(hook: str, lab: Lab, judge: Judge) -> None:
    """Nor does a hook. One that asks once for too much and does without has not taken it."""
    _judge_hook(judge, lab, hook, _hogs)


@requirement("BIFROST-LOG-001")
def test_life_does_not_flood_the_log(lab: Lab, judge: Judge) -> None:
    """Start-up, allocator, `init`, `get_name` and `cleanup` write some lines at most."""
    _judge_life(judge, lab, _floods)


@requirement("BIFROST-LOG-001")
def test_hook_does_not_flood_the_log(hook: str, lab: Lab, judge: Judge) -> None:
    """A hook writes some lines, and its input twice, at most."""
    _judge_hook(judge, lab, hook, _floods)
