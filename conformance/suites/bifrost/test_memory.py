"""Memory over time, and the bytes next to a buffer.

Source: "Writing WASM Plugins", Troubleshooting ("ensure you're freeing memory after use", "check for memory leaks in
long-running plugins"). What counts as a leak is a stand.
"""

from __future__ import annotations

from itertools import pairwise

from conformance.judging import Judge, requirement
from conformance.lab.growth import MINIMUM, grown
from reference_host.abi.bifrost.events import Event, InputOverwritten, NotFreed
from reference_host.engine.interface import PAGE, GrowthRefused

from .calls import Call, Reached
from .lab import Lab
from .rules import Fault, judge_calls


def _hogged(lab: Lab) -> GrowthRefused | None:
    """The first refusal to a plugin that has taken most of the memory there is, and did not start with it.

    A plugin that asks for too much once, and does without, has not taken it. One call that takes so much is no leak:
    see BIFROST-MEM-003, unless it is the plugin's own maximum that it comes to.
    """
    start = lab.minimum
    soak = lab.session("soak")
    sizes = [start * PAGE, *(call.exchange.memory_size or 0 for call in soak.calls)]
    step = max((later - earlier for earlier, later in pairwise(sizes)), default=0) // PAGE
    for refused in soak.refused:
        if refused.size > refused.limit // 2 > max(start, step):
            return refused
    return None


def _judge_growth(judge: Judge, lab: Lab, hint: str) -> None:
    if lab.subject.quick:
        judge.not_tested("growth shows over thousands of calls, which scope quick does not make")
        return
    sizes = [size for call in lab.session("soak").calls if (size := call.exchange.memory_size) is not None]
    pages, calls = grown(sizes), len(sizes) - len(sizes) // 2
    hogged = _hogged(lab)
    if hogged is not None:
        got = f"growth beyond {hogged.size} pages was refused, at a limit of {hogged.limit}"
        judge.violation("soak/limit", export="memory", expected="memory that stops growing", got=got, hint=hint)
    elif len(sizes) < MINIMUM:
        judge.not_applicable("too few calls of the soak came back to say anything about growth")
    elif any(call.is_misplaced or any(map(_is_withheld, call.exchange.events)) for call in lab.session("soak").calls):
        judge.not_applicable("the host keeps what is no object, so that memory grows: see BIFROST-ENC-* and PACK-001")
    elif pages is not None:
        got = f"{pages} pages in {calls} calls, {pages * PAGE // calls} bytes a call"
        case = f"soak/{calls}-calls"
        judge.violation(case, export="memory", expected="memory that stops growing", got=got, hint=hint)
    else:
        judge.passed(f"soak/{calls}-calls", calls)


def _is_withheld(event: Event) -> bool:
    return isinstance(event, NotFreed) and event.reason == "doubtful"


@requirement("BIFROST-MEM-001")
def test_memory_does_not_leak(lab: Lab, judge: Judge) -> None:
    """Where `free` takes memory back, memory does not grow steadily over thousands of calls."""
    if not lab.takes_back:
        judge.not_applicable("free does not take memory back: see BIFROST-MEM-002")
    else:
        _judge_growth(judge, lab, "look for what a call keeps: the host gives every buffer back")


@requirement("BIFROST-MEM-002")
def test_memory_is_taken_back(lab: Lab, judge: Judge) -> None:
    """`free` takes memory back: without it every call costs memory for the life of the instance."""
    if lab.lacks_free:
        judge.not_applicable("needs free, exported with its type: see BIFROST-EXPORT-003 and -TYPE-002")
    elif lab.takes_back:
        judge.passed("free")
    else:
        _judge_growth(judge, lab, "let free give memory back, or use the allocator of the toolchain")


def _documents_overlap(lab: Lab) -> bool:
    return any(call.inputs_overlap for name in ("traffic", "soak") for call in lab.session(name).calls)


def _judge_ownership(judge: Judge, lab: Lab, function: str, identifier: str) -> None:
    lab.require_exported(function)
    found = lab.ownership
    breach = lab.breaches.get(function)
    case = f"{function}/ownership"
    if breach is None and (found.stopped is not None or found.overlap is not None):
        judge.not_applicable(found.stopped or "needs an allocator that keeps live buffers apart: see BIFROST-ALLOC-003")
    elif breach is None:
        judge.passed(case, found.calls[function])
    elif breach.requirement == "BIFROST-OWN-004" == identifier and _documents_overlap(lab):
        judge.not_applicable("needs an allocator that keeps live buffers apart: see BIFROST-ALLOC-003")
    elif breach.requirement != identifier:
        judge.not_applicable(f"{function} uses memory that it does not own: see {breach.requirement}")
    else:
        buffer = breach.buffer
        judge.violation(
            breach.probe.case,
            export=function,
            arguments=breach.arguments,
            pointer=None if buffer is None else buffer.pointer,
            length=None if buffer is None else buffer.size,
            expected=breach.fault.expected,
            got=breach.fault.got,
            hint=breach.fault.hint,
        )


@requirement("BIFROST-OWN-001")
def test_hook_keeps_no_input(hook: str, lab: Lab, judge: Judge) -> None:
    """A hook uses its input during its call only."""
    _judge_ownership(judge, lab, hook, "BIFROST-OWN-001")


@requirement("BIFROST-OWN-001")
def test_get_name_uses_no_input(lab: Lab, judge: Judge) -> None:
    """`get_name` uses no input of an earlier call."""
    _judge_ownership(judge, lab, "get_name", "BIFROST-OWN-001")


@requirement("BIFROST-OWN-002")
def test_hook_does_not_use_the_configs_buffer(hook: str, lab: Lab, judge: Judge) -> None:
    """A hook works with a copy of the config."""
    _judge_ownership(judge, lab, hook, "BIFROST-OWN-002")


@requirement("BIFROST-OWN-002")
def test_get_name_does_not_use_the_configs_buffer(lab: Lab, judge: Judge) -> None:
    """`get_name` works with a copy of the config."""
    _judge_ownership(judge, lab, "get_name", "BIFROST-OWN-002")


@requirement("BIFROST-OWN-003")
def test_hook_does_not_free_its_input(hook: str, lab: Lab, judge: Judge) -> None:
    """A hook does not give back the buffers of its input: the host does, once."""
    _judge_ownership(judge, lab, hook, "BIFROST-OWN-003")


@requirement("BIFROST-OWN-003")
def test_get_name_frees_no_input(lab: Lab, judge: Judge) -> None:
    """`get_name` does not give back the buffers of earlier inputs."""
    _judge_ownership(judge, lab, "get_name", "BIFROST-OWN-003")


@requirement("BIFROST-OWN-005")
def test_hook_leaves_its_result_to_the_host(hook: str, lab: Lab, judge: Judge) -> None:
    """A hook does not free its result, and does not answer again with one that the host gave back."""
    _judge_ownership(judge, lab, hook, "BIFROST-OWN-005")


@requirement("BIFROST-OWN-005")
def test_get_name_leaves_its_result_to_the_host(lab: Lab, judge: Judge) -> None:
    """`get_name` does not free the name, and does not answer again with one that the host gave back."""
    _judge_ownership(judge, lab, "get_name", "BIFROST-OWN-005")


@requirement("BIFROST-OWN-004")
def test_hook_keeps_off_the_hosts_buffers(hook: str, lab: Lab, judge: Judge) -> None:
    """A hook writes to no buffer of the host but the one that it was given."""
    _judge_ownership(judge, lab, hook, "BIFROST-OWN-004")


@requirement("BIFROST-OWN-004")
def test_get_name_keeps_off_the_hosts_buffers(lab: Lab, judge: Judge) -> None:
    """`get_name` writes to no buffer of the host."""
    _judge_ownership(judge, lab, "get_name", "BIFROST-OWN-004")


@requirement("BIFROST-PACK-004")
def test_hook_answers_with_no_buffer_of_the_host(hook: str, lab: Lab, judge: Judge) -> None:
    """A hook answers with no buffer that the host holds, other than its own inputs."""
    _judge_ownership(judge, lab, hook, "BIFROST-PACK-004")


@requirement("BIFROST-PACK-004")
def test_get_name_answers_with_no_buffer_of_the_host(lab: Lab, judge: Judge) -> None:
    """`get_name` answers with no buffer that the host holds."""
    _judge_ownership(judge, lab, "get_name", "BIFROST-PACK-004")


@requirement("BIFROST-OWN-004")
def test_hook_writes_inside_its_input(hook: str, lab: Lab, judge: Judge) -> None:
    """A hook leaves the bytes behind its input alone: the length says where the buffer ends."""
    if lab.overlaps or _documents_overlap(lab):
        # Then it may have been the host that wrote there, because the allocator let it.
        judge.not_applicable("needs an allocator that keeps live buffers apart: see BIFROST-ALLOC-003")
        return

    def rule(call: Call) -> Fault | None:
        for event in call.exchange.events:
            if isinstance(event, InputOverwritten):
                got = f"byte {event.first_changed} of an input of {event.length} bytes was changed"
                return Fault(
                    "bytes behind the input as they were",
                    got,
                    "an input ends after its length; there is no room behind it",
                )
        return None

    judge_calls(judge, lab, hook, rule, reached=Reached.RETURNED)
