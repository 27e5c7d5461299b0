"""Who owns which memory, and for how long.

Source: host of wasp 0.0.8, freeing: the host gives everything back once, when the call is over.
"""

from __future__ import annotations

from conformance.judging import Judge, requirement
from reference_host.abi.wasp.events import NotFreed, SpareReason

from .calls import Call, Reached
from .lab import Lab
from .ownership import READ_BEHIND
from .rules import Fault, judge_calls, shown
from .sizes import HANDED_OUT

SPARED = (SpareReason.STATIC, SpareReason.NO_DEALLOCATE, SpareReason.WITHHELD)


def _judge_ownership(judge: Judge, lab: Lab, identifier: str) -> None:
    found = lab.ownership
    for function in lab.functions:
        name = function.name
        breach = found.breaches.get(name)
        if breach is None and found.trapped is not None and found.trapped.is_full:
            judge.not_tested(str(found.stopped))
        elif breach is None and (found.stopped is not None or found.overlap is not None):
            judge.not_applicable(found.stopped or "needs an allocator that keeps buffers apart: see WASP-ALLOC-003")
        elif breach is None and name in found.nowhere:
            judge.not_applicable(f"what {name} answers lies outside of memory")
        elif breach is None and not found.calls[name]:
            judge.not_applicable(f"{name} does not come to an end")
        elif breach is None:
            judge.passed(f"{name}/ownership", found.calls[name])
        elif breach.requirement != identifier:
            judge.not_applicable(f"{name} uses memory that it does not own: see {breach.requirement}")
        else:
            buffer = breach.buffer
            judge.violation(
                breach.probe.case,
                export=name,
                arguments=[shown(value) for value in breach.arguments],
                pointer=None if buffer is None else buffer.pointer,
                length=None if buffer is None else buffer.size,
                expected=breach.fault.expected,
                got=breach.fault.got,
                hint=breach.fault.hint,
            )
    judge.not_applicable("no declared function can be called")


@requirement("WASP-OWN-001")
def test_nothing_static_is_handed_out(lab: Lab, judge: Judge) -> None:
    """What is handed out is no static memory: no data segment's, and not the same place each time."""
    hint = "hand out a copy in a buffer of the exported allocator: the host gives it back"
    lab.require_memory()
    repeated = lab.ownership.repeated
    for name, buffer in repeated.items():
        judge.violation(
            f"{name}/ownership",
            export=name,
            pointer=buffer.pointer,
            length=buffer.size,
            expected="a new buffer, while the host still holds the last result",
            got=f"the same address as before, {buffer.pointer:#x}",
            hint=hint,
        )

    def rule(call: Call) -> Fault | None:
        for event in call.exchange.events:
            is_handed_out = isinstance(event, NotFreed) and event.owner in HANDED_OUT and event.reason in SPARED
            if isinstance(event, NotFreed) and is_handed_out and lab.is_static(event.pointer):
                got = f"the {event.owner} at {event.pointer:#x}, inside a data segment"
                return Fault("a buffer of the plugin's allocator", got, hint)
        return None

    judge_calls(judge, lab, rule, reached=Reached.RETURNED)


@requirement("WASP-OWN-002")
def test_results_are_buffers_of_their_own(lab: Lab, judge: Judge) -> None:
    """A result is no part of another buffer, and no input but the whole of it."""
    _judge_ownership(judge, lab, "WASP-OWN-002")


@requirement("WASP-OWN-003")
def test_inputs_are_left_to_the_host(lab: Lab, judge: Judge) -> None:
    """A function gives back neither its inputs nor what a callback answered."""
    _judge_ownership(judge, lab, "WASP-OWN-003")


@requirement("WASP-OWN-004")
def test_no_input_is_kept(lab: Lab, judge: Judge) -> None:
    """A function uses its inputs, and what a callback answered, during its call only."""
    _judge_ownership(judge, lab, "WASP-OWN-004")


@requirement("WASP-OWN-005")
def test_what_is_handed_out_is_left_to_the_host(lab: Lab, judge: Judge) -> None:
    """A function leaves alone what it has handed out."""
    _judge_ownership(judge, lab, "WASP-OWN-005")


@requirement("WASP-OWN-006")
def test_nothing_is_written_outside_of_inputs(lab: Lab, judge: Judge) -> None:
    """A function writes to no buffer of the host's but those that it was given, and not behind them."""
    _judge_ownership(judge, lab, "WASP-OWN-006")


@requirement("WASP-INPUT-001")
def test_functions_read_nothing_behind_their_inputs(lab: Lab, judge: Judge) -> None:
    """No answer depends on the bytes behind an input."""
    hint = "read a string up to its terminator, and as many bytes as their number says"
    for function in lab.functions:
        name = function.name
        breach = lab.ownership.breaches.get(name)
        if breach is not None and breach.requirement != READ_BEHIND:
            judge.not_applicable(f"{name} uses memory that it does not own: see {breach.requirement}")
            continue
        found = lab.ownership
        if found.stopped is None and found.overlap is None and not found.calls[name] and name not in found.nowhere:
            judge.not_applicable(f"{name} does not come to an end")
            continue
        edges = lab.edges_of(function)
        if edges.read is None:
            judge.passed(f"{name}/edges", edges.calls)
            continue
        judge.violation(
            f"{name}/edges/{edges.read.name}",
            export=name,
            arguments=[shown(value) for value in edges.read.arguments],
            pointer=edges.read.buffer.pointer,
            length=edges.read.buffer.length,
            expected="an answer from the input alone",
            got=edges.read.got,
            hint=hint,
        )
    judge.not_applicable("no declared function can be called")
