"""Memory over time, and the bytes next to a buffer.

Source: "Writing WASM Plugins", Troubleshooting ("ensure you're freeing memory after use", "check for memory leaks in
long-running plugins"). What counts as a leak is a stand.
"""

from __future__ import annotations

from itertools import pairwise

from conformance.judging import Judge, requirement
from reference_host.abi.bifrost.events import InputOverwritten
from reference_host.engine.interface import PAGE, GrowthRefused

from .calls import Call, Reached
from .lab import Lab
from .probes import free_takes_back, probe_allocator, probe_ownership
from .rules import Fault, judge_calls

WINDOWS = 4
"""The second half of the soak is cut into so many windows; memory that grows in each of them grows steadily."""
MINIMUM = 200
"""Calls below which nothing can be said about growth."""


def _growth(lab: Lab) -> tuple[list[int], int]:
    """Pages at the borders of the windows of the soak's second half, and the number of calls in that half."""
    sizes = [call.exchange.memory_size for call in lab.session("soak").calls]
    half = [size for size in sizes[len(sizes) // 2 :] if size is not None]
    if len(half) < MINIMUM // 2:
        return [], len(half)
    borders = [half[min(len(half) - 1, position * len(half) // WINDOWS)] // PAGE for position in range(WINDOWS + 1)]
    return borders, len(half)


def _hogged(lab: Lab) -> GrowthRefused | None:
    """The first refusal to a plugin that has taken most of the memory there is, and did not start with it.

    A plugin that asks for too much once, and does without, has not taken it.
    """
    start = max((type_.minimum for type_ in lab.memory_types), default=0)
    for refused in lab.session("soak").refused:
        if refused.size > refused.limit // 2 > start:
            return refused
    return None


def _judge_growth(judge: Judge, lab: Lab, hint: str) -> None:
    if lab.subject.quick:
        judge.not_tested("growth shows over thousands of calls, which scope quick does not make")
        return
    borders, calls = _growth(lab)
    hogged = _hogged(lab)
    if hogged is not None:
        got = f"growth beyond {hogged.size} pages was refused, at a limit of {hogged.limit}"
        judge.violation("soak/limit", export="memory", expected="memory that stops growing", got=got, hint=hint)
    elif not borders:
        judge.not_applicable("too few calls of the soak came back to say anything about growth")
    elif all(later > earlier for earlier, later in pairwise(borders)):
        pages = borders[-1] - borders[0]
        got = f"{pages} pages in {calls} calls, {pages * PAGE // calls} bytes a call"
        case = f"soak/{calls}-calls"
        judge.violation(case, export="memory", expected="memory that stops growing", got=got, hint=hint)
    else:
        judge.passed(f"soak/{calls}-calls", calls)


@requirement("BIFROST-MEM-001")
def test_memory_does_not_leak(lab: Lab, judge: Judge) -> None:
    """Where `free` takes memory back, memory does not grow steadily over thousands of calls."""
    if not free_takes_back(lab):
        judge.not_applicable("free does not take memory back: see BIFROST-MEM-002")
    else:
        _judge_growth(judge, lab, "look for what a call keeps: the host gives every buffer back")


@requirement("BIFROST-MEM-002")
def test_memory_is_taken_back(lab: Lab, judge: Judge) -> None:
    """`free` takes memory back: without it every call costs memory for the life of the instance."""
    if free_takes_back(lab):
        judge.passed("free")
    else:
        _judge_growth(judge, lab, "let free give memory back, or use the allocator of the toolchain")


@requirement("BIFROST-OWN-003")
def test_hook_does_not_free_its_input(hook: str, lab: Lab, judge: Judge) -> None:
    """A hook does not give back the buffers of its input: the host does, once."""
    if probe_allocator(lab).overlap is not None:
        judge.not_applicable("needs an allocator that keeps live buffers apart: see BIFROST-ALLOC-003")
        return
    probe = probe_ownership(lab, hook)
    if probe.fresh is None:
        judge.not_applicable("the allocator or the hook did not come back")
        return
    taken = next((buffer for buffer in probe.inputs if buffer.overlaps(probe.fresh)), None)
    if taken is None:
        judge.passed(probe.case)
        return
    judge.violation(
        probe.case,
        export=hook,
        arguments=tuple(number for buffer in probe.inputs for number in (buffer.pointer, buffer.length)),
        pointer=probe.fresh.pointer,
        length=probe.fresh.size,
        expected="a new buffer apart from the input, which the host has not given back yet",
        got=f"a new buffer at {probe.fresh.pointer:#x}, over the input at {taken.pointer:#x}",
        hint="do not free what the host allocated, and do not take ownership of it (Vec::from_raw_parts, for one)",
    )


@requirement("BIFROST-OWN-004")
def test_hook_writes_inside_its_input(hook: str, lab: Lab, judge: Judge) -> None:
    """A hook leaves the bytes behind its input alone: the length says where the buffer ends."""

    def rule(call: Call) -> Fault | None:
        if call.inputs_overlap:
            # Then it was the host that wrote there, because the allocator let it.
            return None
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
