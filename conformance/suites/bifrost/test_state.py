"""State: what one request leaves behind for the next.

Source: none of the documents; a stand, because requests of different clients share an instance.
"""

from __future__ import annotations

import re

from conformance.judging import Judge, requirement

from .calls import Call, Reached
from .lab import Lab
from .messages import MARK
from .rules import Fault, judge_call, judge_calls, quote


@requirement("BIFROST-STATE-001")
def test_same_request_is_answered_alike(hook: str, lab: Lab, judge: Judge) -> None:
    """A request is answered after thousands of others as it was before them."""
    lab.require(hook)
    calls = lab.session("soak").of(hook)
    twins = {
        when: next((call for call in calls if call.case.startswith(f"{hook}/soak/{when}-")), None)
        for when in ("first", "last")
    }
    first, last = twins["first"], twins["last"]
    if first is None or last is None or first.document is None or last.document is None:
        judge.not_applicable("one of the two calls gave no answer that could be compared")
        return
    fault = None
    if first.document != last.document:
        got = f"{quote(last.exchange.output or b'')}, first {quote(first.exchange.output or b'')}"
        fault = Fault(
            "the same answer as to the first request", got, "answers that change with traffic are hard to trust"
        )
    judge_call(judge, last, fault)


_MARKS = re.compile(rb"MARK-\d{10}")


@requirement("BIFROST-STATE-002")
def test_nothing_of_another_request_shows(hook: str, lab: Lab, judge: Judge) -> None:
    """An answer holds no words of another request. Every call carries a word of its own."""

    def rule(call: Call) -> Fault | None:
        own = {MARK.encode(), call.mark.encode()}
        foreign = next((found for found in _MARKS.findall(call.exchange.output or b"") if found not in own), None)
        if foreign is None:
            return None
        hint = "keep what belongs to a request in its context, not in globals"
        return Fault(f"no other word than {call.mark}", f"{foreign.decode()}, which came with another call", hint)

    judge_calls(judge, lab, hook, rule, reached=Reached.COPIED)
