"""State: what one request leaves behind for the next, and what the hooks of one request have in common.

Source: none of the documents; a stand, because requests of different clients share an instance, and the hooks of one
request may run in several.
"""

from __future__ import annotations

from conformance.judging import Judge, requirement

from .calls import Call, Reached
from .experiments import Relay, relays
from .lab import Lab
from .reuse import foreign
from .rules import Fault, judge_call, judge_calls, quote
from .worlds import alike


@requirement("BIFROST-STATE-001")
def test_same_request_is_answered_alike(hook: str, lab: Lab, judge: Judge) -> None:
    """A request is answered after thousands of others as it was before them; times and random numbers may differ."""
    lab.require(hook)
    calls = lab.session("soak").of(hook)
    first = {call.case.partition("/first-")[2]: call for call in calls if "/soak/first-" in call.case}
    leaks = any(_foreign(call) for call in calls)
    for last in calls:
        former = first.get(last.case.partition("/soak/last-")[2])
        if former is None or former.document is None or last.document is None or not lab.trusts(last):
            continue
        if leaks or _is_at_fault(former) != _is_at_fault(last):
            # What is wrong in one of the two has a rule of its own.
            continue
        fault = None
        if not alike(lab, former, last):
            got = f"{quote(last.exchange.output or b'')}, first {quote(former.exchange.output or b'')}"
            hint = "answers that change with traffic are hard to trust"
            fault = Fault("the same answer as to the first request", got, hint)
        judge_call(judge, last, fault)
    judge.not_applicable("no call before and after the others gave an answer that could be compared")


def _is_at_fault(call: Call) -> bool:
    return bool(call.findings or call.duplicates)


def _foreign(call: Call) -> Fault | None:
    others = foreign(call)
    if not others:
        return None
    hint = "keep what belongs to a request in its context, not in globals"
    return Fault(f"no other word than {call.mark}", f"{min(others)}, which came with another call", hint)


@requirement("BIFROST-STATE-002")
def test_nothing_of_another_request_shows(hook: str, lab: Lab, judge: Judge) -> None:
    """An answer holds no words of another request. Every call carries a word of its own."""
    judge_calls(judge, lab, hook, _foreign, reached=Reached.COPIED)


@requirement("BIFROST-STATE-002")
def test_nothing_of_a_request_under_way_shows(hook: str, lab: Lab, judge: Judge) -> None:
    """Nor of one whose other hooks ran in the same instance, while this one was under way."""
    for relay in relays(lab, hook):
        judge_call(judge, relay.elsewhere, _foreign(relay.elsewhere))
    judge.not_applicable("no two hooks of one request answer")


@requirement("BIFROST-STATE-003")
def test_hooks_of_a_request_may_run_in_two_instances(hook: str, lab: Lab, judge: Judge) -> None:
    """A hook answers alike whether the request's earlier hooks ran in its instance or in another one."""
    found = relays(lab, hook)
    if any(_foreign(relay.elsewhere) for relay in found):
        judge.not_applicable("words of another request show: see BIFROST-STATE-002")
        return
    for relay in found:
        judge_call(judge, relay.elsewhere, _split(relay))
    judge.not_applicable("no two hooks of one request answer")


def _split(relay: Relay) -> Fault | None:
    if not relay.differs:
        return None
    there = relay.elsewhere
    got = f"trap: {there.trap}" if there.trap is not None else quote(there.exchange.output or b"")
    whole = quote(relay.whole.exchange.output or b"")
    hint = "what the hooks of a request have to tell each other goes through the context: globals are no place for it"
    return Fault(f"the answer of the instance that saw the whole request, {whole}", f"{got}, {relay.where}", hint)
