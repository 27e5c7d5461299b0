"""Strings: what `get_string_size` tells, and what functions answer and pass to callbacks.

Source: host of wasp 0.0.8, strings; guest code of wasp 0.0.8, Go ABI.
"""

from __future__ import annotations

from collections.abc import Callable

from conformance.judging import Judge, requirement
from conformance.lab.bounds import Blocked
from reference_host.abi.wasp import Type
from reference_host.abi.wasp.events import Oddity, Owner, Stage
from reference_host.errors import StringSizeFailed

from .calls import Call, Reached
from .lab import Lab
from .rules import Fault, judge_calls, quote
from .sizes import Measured

_COUNT = "count the bytes up to the terminator, whoever wrote the string and however long it is"
_EXCLUDE = "answer the size without the terminator"


def _judge_measured(judge: Judge, lab: Lab, rule: Callable[[Measured], Fault | None]) -> None:
    for each in lab.measurement.strings:
        fault = rule(each)
        if fault is None:
            judge.passed(each.case)
            continue
        judge.violation(
            each.case,
            export="get_string_size",
            arguments=(each.pointer,),
            pointer=each.pointer,
            length=each.right[-1],
            expected=fault.expected,
            got=fault.got,
            hint=fault.hint,
        )
    judge.not_applicable("needs allocate: no string can be written")


@requirement("WASP-STRING-001")
def test_size_of_the_hosts_strings_is_right(lab: Lab, judge: Judge) -> None:
    """`get_string_size` tells the bytes before the terminator, of any string."""
    counted = lab.measurement.counts_terminator

    def rule(each: Measured) -> Fault | None:
        if each.told is None or each.told in each.right or counted:
            return None
        return Fault(" or ".join(map(str, each.right)), str(each.told), _COUNT)

    _judge_measured(judge, lab, rule)


@requirement("WASP-STRING-002")
def test_size_excludes_the_terminator(lab: Lab, judge: Judge) -> None:
    """The terminator is not counted."""
    counted = lab.measurement.counts_terminator

    def rule(each: Measured) -> Fault | None:
        if not counted or each.told is None:
            return None
        return Fault(" or ".join(map(str, each.right)), f"{each.told}, which counts the terminator", _EXCLUDE)

    _judge_measured(judge, lab, rule)


@requirement("WASP-STRING-007")
def test_size_does_not_trap(lab: Lab, judge: Judge) -> None:
    """`get_string_size` does not trap, and comes to an end."""

    def rule(each: Measured) -> Fault | None:
        return None if each.trap is None else Fault("a number of bytes", f"trap: {each.trap}", _COUNT)

    _judge_measured(judge, lab, rule)


@requirement("WASP-STRING-007")
def test_size_of_results_does_not_trap(lab: Lab, judge: Judge) -> None:
    """Nor for what functions answer."""
    _require_string_results(lab)
    if any(each.trap is not None for each in lab.measurement.strings):
        judge.not_applicable("get_string_size traps for the host's own strings")
        return

    def rule(call: Call) -> Fault | None:
        failed = isinstance(call.failure, StringSizeFailed) and call.exchange.failed_at is Stage.RESULT
        if not failed or call.failure is None or call.unread is not None:
            return None
        return Fault("a number of bytes", f"trap for the result: {call.failure.trap}", _COUNT)

    _judge_strings(judge, lab, rule, Reached.RETURNED)


# -- what functions answer ------------------------------------------------------------------------


def _require_string_results(lab: Lab) -> None:
    lab.require_string_size()
    if not any(function.signature.result is Type.STRING for function in lab.functions):
        raise Blocked("no declared function answers a string")


def _require_string_arguments(lab: Lab) -> None:
    lab.require_string_size()
    if not any(Type.STRING in callback.signature.parameters for callback in lab.callbacks):
        raise Blocked("no declared callback takes a string")


def _require_sizes(lab: Lab) -> None:
    """What is read by a wrong size tells nothing about the string."""
    if lab.can_allocate and not lab.measurement.is_right:
        raise Blocked("needs get_string_size to be right: see WASP-STRING-001")


def _judge_strings(judge: Judge, lab: Lab, rule: Callable[[Call], Fault | None], reached: Reached) -> None:
    def of_strings(call: Call) -> Fault | None:
        return rule(call) if call.function.signature.result is Type.STRING else None

    judge_calls(judge, lab, of_strings, reached=reached)


def _judge_odd(judge: Judge, lab: Lab, owner: Owner, oddity: Oddity, expected: str, hint: str) -> None:
    _require_sizes(lab)

    def rule(call: Call) -> Fault | None:
        odd = next((event for event in call.odd(owner) if event.oddity is oddity), None)
        if odd is None:
            return None
        return Fault(expected, f"the {owner} at {odd.pointer:#x} is {quote(odd.data)}", hint)

    judge_calls(judge, lab, rule, reached=Reached.RETURNED)


@requirement("WASP-STRING-002")
def test_size_of_results_excludes_the_terminator(lab: Lab, judge: Judge) -> None:
    """Nor is it counted for what functions answer."""
    _require_string_results(lab)
    expected = "a string without its terminator"
    _judge_odd(judge, lab, Owner.RESULT, Oddity.COUNTS_TERMINATOR, expected, _EXCLUDE)


_END = "put a NUL behind the text"


@requirement("WASP-STRING-003")
def test_results_are_terminated(lab: Lab, judge: Judge) -> None:
    """A string that is answered ends with a NUL."""
    _require_string_results(lab)
    _judge_odd(judge, lab, Owner.RESULT, Oddity.NO_TERMINATOR, "a NUL behind the string", _END)


@requirement("WASP-STRING-003")
def test_arguments_of_callbacks_are_terminated(lab: Lab, judge: Judge) -> None:
    """So does one that is passed to a callback."""
    _require_string_arguments(lab)
    _judge_odd(judge, lab, Owner.CALLBACK_ARGUMENT, Oddity.NO_TERMINATOR, "a NUL behind the string", _END)


@requirement("WASP-STRING-003")
def test_texts_of_errors_are_terminated(lab: Lab, judge: Judge) -> None:
    """So does the text of an error."""
    lab.require_string_size()
    if not lab.raises_errors:
        raise Blocked("raise_error is not imported")
    _judge_odd(judge, lab, Owner.ERROR, Oddity.NO_TERMINATOR, "a NUL behind the string", _END)


@requirement("WASP-STRING-004")
def test_results_lie_inside_memory(lab: Lab, judge: Judge) -> None:
    """A string that is answered lies inside memory, with all its bytes."""
    _require_string_results(lab)
    _require_sizes(lab)

    def rule(call: Call) -> Fault | None:
        unread = call.unread
        if unread is None or unread.owner is not Owner.RESULT or call.failure is None:
            return None
        return Fault("a string inside memory", call.failure.detail, "answer the address of a string that is there")

    _judge_strings(judge, lab, rule, Reached.RETURNED)


_UTF8 = "write strings as UTF-8, and cut them between characters only"


@requirement("WASP-STRING-005")
def test_results_are_utf8(lab: Lab, judge: Judge) -> None:
    """A string that is answered is UTF-8."""
    _require_string_results(lab)
    _judge_odd(judge, lab, Owner.RESULT, Oddity.NOT_UTF8, "UTF-8", _UTF8)


@requirement("WASP-STRING-005")
def test_arguments_of_callbacks_are_utf8(lab: Lab, judge: Judge) -> None:
    """So is one that is passed to a callback."""
    _require_string_arguments(lab)
    _judge_odd(judge, lab, Owner.CALLBACK_ARGUMENT, Oddity.NOT_UTF8, "UTF-8", _UTF8)


_NUL = "a NUL ends a string: send bytes where it may be part of the text"


@requirement("WASP-STRING-006")
def test_results_hold_no_nul(lab: Lab, judge: Judge) -> None:
    """A string that is answered holds no NUL, unless one was in what the function was given."""
    _require_string_results(lab)
    _require_sizes(lab)

    def rule(call: Call) -> Fault | None:
        if any(isinstance(value, str) and "\0" in value for value in call.sending.arguments):
            return None
        odd = next((event for event in call.odd(Owner.RESULT) if event.oddity is Oddity.EMBEDDED_NUL), None)
        return None if odd is None else Fault("a string without a NUL", f"the result is {quote(odd.data)}", _NUL)

    judge_calls(judge, lab, rule, reached=Reached.RETURNED)


@requirement("WASP-STRING-006")
def test_arguments_of_callbacks_hold_no_nul(lab: Lab, judge: Judge) -> None:
    """Nor does one that is passed to a callback."""
    _require_string_arguments(lab)
    _judge_odd(judge, lab, Owner.CALLBACK_ARGUMENT, Oddity.EMBEDDED_NUL, "a string without a NUL", _NUL)
