"""Callbacks: what a plugin passes to the host, and that the host can call it meanwhile.

Source: README of wasp, Callbacks; host of wasp 0.0.8, AddCallback.
"""

from __future__ import annotations

from conformance.judging import Judge, requirement
from conformance.lab.bounds import Blocked
from reference_host.abi.wasp import Type
from reference_host.abi.wasp.events import Owner
from reference_host.errors import AllocationFailed

from .calls import Call, Reached
from .lab import Lab
from .rules import Fault, judge_calls


def _require_callbacks(lab: Lab) -> None:
    if not lab.callbacks:
        raise Blocked("no declared callback is imported")


@requirement("WASP-CALLBACK-001")
def test_arguments_lie_inside_memory(lab: Lab, judge: Judge) -> None:
    """A string or bytes that is passed to a callback lies inside memory."""
    _require_callbacks(lab)
    lab.require_memory()
    lab.require_readable()

    def rule(call: Call) -> Fault | None:
        unread = call.unread
        if unread is None or unread.owner is not Owner.CALLBACK_ARGUMENT or call.failure is None:
            return None
        return Fault("a value inside memory", call.failure.detail, "pass the address of a value that is there")

    judge_calls(judge, lab, rule, reached=Reached.PLACED)


@requirement("WASP-CALLBACK-002")
def test_the_plugin_can_be_called_in_a_callback(lab: Lab, judge: Judge) -> None:
    """`allocate` and `get_string_size` work while a function waits for the host."""
    lab.require_memory()
    lab.require_harmless()

    def rule(call: Call) -> Fault | None:
        failure = call.failed_inside
        if failure is None or _fails_anyway(lab, call, failure):
            return None
        hint = "expect to be called while a callback is under way: keep no lock, and no half-made state"
        return Fault("an answer while the function waits", failure.detail, hint)

    judge_calls(judge, lab, rule, reached=Reached.PLACED)


def _fails_anyway(lab: Lab, call: Call, failure: Exception) -> bool:
    """Whether it is not the callback that makes it fail."""
    if isinstance(failure, AllocationFailed):
        return not lab.can_allocate or lab.allocates_badly or not lab.fails_only_inside(call)
    try:
        return any(each.trap is not None for each in lab.measurement.strings)
    except Blocked:
        return True


@requirement("WASP-CALLBACK-003")
def test_callbacks_are_those_of_the_real_host(lab: Lab, judge: Judge) -> None:
    """Callbacks exchange strings and 32-bit integers only."""
    _require_callbacks(lab)
    for callback in lab.callbacks:
        name = f"{callback.namespace}.{callback.name}"
        if Type.BYTES in (*callback.signature.parameters, callback.signature.result):
            judge.violation(
                name,
                export="(imports)",
                expected="strings and i32",
                got=str(callback.signature),
                hint="the host of 0.0.8 fails at the first call; pass a string where it has to run there",
            )
        else:
            judge.passed(name)
