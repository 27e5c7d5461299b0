"""Memory over time, and what one call may take of it.

Source: host of wasp 0.0.8, freeing; its tests count calls of an instance in ten thousands. What is a leak, and what is
too much, are stands.
"""

from __future__ import annotations

from collections.abc import Sequence

from conformance.judging import Judge, requirement
from conformance.lab.bounds import Blocked
from conformance.lab.growth import MINIMUM, grown
from reference_host.engine.interface import PAGE, GrowthRefused

from .calls import Call
from .lab import Lab
from .rules import Fault, judge_call


def _judge_growth(judge: Judge, lab: Lab, hint: str) -> None:
    if lab.subject.quick:
        raise Blocked("growth shows over thousands of calls, which scope quick does not make", not_tested=True)
    sizes = lab.growth
    if len(sizes) < MINIMUM:
        judge.not_applicable("too few calls of the soak came back to say anything about growth")
        return
    if _judge_run(judge, f"soak/{len(sizes)}-calls", "memory", sizes, hint):
        for name, alone in lab.growth_alone.items():
            _judge_run(judge, f"{name}/growth/{len(alone)}-calls", name, alone, hint)


def _judge_run(judge: Judge, case: str, export: str, sizes: Sequence[int], hint: str) -> bool:
    """Judge memory after each of many calls; tells whether it stopped growing."""
    pages = grown(sizes)
    if pages is None:
        judge.passed(case, len(sizes))
        return True
    rate = pages * PAGE // (len(sizes) // 2)
    got = f"{pages} pages in {len(sizes) // 2} calls, {rate} bytes a call"
    judge.violation(case, export=export, expected="memory that stops growing", got=got, hint=hint)
    return False


def _require_deallocate(lab: Lab) -> None:
    if lab.bench().pair.free is None:
        raise Blocked("needs deallocate: what is lost for want of it is not counted")
    if lab.allocates_badly or lab.deallocates_badly:
        raise Blocked("needs an allocator that keeps its own rules: see WASP-ALLOC-* and WASP-FREE-*")


@requirement("WASP-MEM-001")
def test_memory_does_not_leak(lab: Lab, judge: Judge) -> None:
    """Where `deallocate` takes memory back, memory does not grow steadily over thousands of calls."""
    if lab.can_allocate:
        _require_deallocate(lab)
        if not lab.takes_back:
            raise Blocked("deallocate does not take memory back: see WASP-MEM-002")
    else:
        lab.require_memory()
    _judge_growth(judge, lab, "look for what a call keeps: the host gives every buffer back")


@requirement("WASP-MEM-002")
def test_memory_is_taken_back(lab: Lab, judge: Judge) -> None:
    """`deallocate` takes memory back: without it every call costs memory for the life of the instance."""
    _require_deallocate(lab)
    if lab.takes_back:
        judge.passed("deallocate")
    else:
        judge.violation(
            "deallocate",
            export="deallocate",
            expected="memory that is used again after it was given back",
            got="new memory for each buffer",
            hint="let deallocate give memory back, or use the allocator of the toolchain",
        )


def _fault(refused: GrowthRefused) -> Fault:
    got = f"growth beyond {refused.size} pages was refused, at a limit of {refused.limit}"
    hint = "take what is needed, and stop there: the host lends its memory to many plugins"
    return Fault("memory that stops growing before it is refused", got, hint)


@requirement("WASP-MEM-003")
def test_life_does_not_take_all_memory(lab: Lab, judge: Judge) -> None:
    """Start-up, `allocate`, `deallocate` and `get_string_size` do not grow until they are refused more."""
    lab.require_loaded()
    for export, refused in lab.life:
        if refused is None:
            judge.passed(export)
            continue
        fault = _fault(refused)
        judge.violation(export, export=export, expected=fault.expected, got=fault.got, hint=fault.hint)
        break


@requirement("WASP-MEM-003")
def test_functions_do_not_take_all_memory(lab: Lab, judge: Judge) -> None:
    """Nor does a function. One that asks once for too much and does without has not taken it."""
    if any(refused is not None for _, refused in lab.life):
        raise Blocked("it is no function of the author's that takes so much")
    for call in lab.calls:
        judge_call(judge, call, _taken(call))


def _taken(call: Call) -> Fault | None:
    return None if call.hogged is None else _fault(call.hogged)
