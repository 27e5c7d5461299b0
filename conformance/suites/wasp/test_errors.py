"""Errors that a plugin raises.

Source: host of wasp 0.0.8, raise_error.
"""

from __future__ import annotations

from conformance.judging import Judge, requirement
from conformance.lab.bounds import Blocked
from reference_host.abi.wasp.events import Oddity, Owner

from .calls import Call, Reached
from .lab import Lab
from .rules import Fault, judge_calls, quote


def _require_errors(lab: Lab) -> None:
    if not lab.raises_errors:
        raise Blocked("raise_error is not imported")
    lab.require_string_size()


@requirement("WASP-ERROR-001")
def test_texts_lie_inside_memory(lab: Lab, judge: Judge) -> None:
    """The text of an error lies inside memory, with all its bytes."""
    _require_errors(lab)
    lab.require_readable()

    def rule(call: Call) -> Fault | None:
        unread = call.unread
        if unread is None or unread.owner is not Owner.ERROR or call.failure is None:
            return None
        return Fault("a text inside memory", call.failure.detail, "pass the address of a string that is there")

    judge_calls(judge, lab, rule, reached=Reached.PLACED)


@requirement("WASP-ERROR-002")
def test_functions_return_after_an_error(lab: Lab, judge: Judge) -> None:
    """A function that has raised an error returns."""
    _require_errors(lab)

    def rule(call: Call) -> Fault | None:
        if call.trap is None or call.is_endless or not call.exchange.raised:
            # One that does not come to an end breaks the rule for that.
            return None
        hint = "return after raise_error: a trap hides its text behind another error"
        return Fault("a function that returns", f"trap after the error {quote(call.error)}: {call.trap}", hint)

    judge_calls(judge, lab, rule, reached=Reached.PLACED)


@requirement("WASP-ERROR-003")
def test_texts_are_texts(lab: Lab, judge: Judge) -> None:
    """The text of an error is UTF-8, and holds no NUL."""
    _require_errors(lab)
    if lab.can_allocate and not lab.measurement.is_right:
        raise Blocked("needs get_string_size to be right: see WASP-STRING-001")
    faults = {
        Oddity.NOT_UTF8: "UTF-8",
        Oddity.EMBEDDED_NUL: "a text without a NUL",
    }

    def rule(call: Call) -> Fault | None:
        for event in call.odd(Owner.ERROR):
            if event.oddity in faults:
                got = f"the text at {event.pointer:#x} is {quote(event.data)}"
                return Fault(faults[event.oddity], got, "raise errors with text in UTF-8 that holds no NUL")
        return None

    judge_calls(judge, lab, rule, reached=Reached.RETURNED)
