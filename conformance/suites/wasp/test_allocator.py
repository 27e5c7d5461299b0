"""The allocator that the host uses: alone, over many rounds, and in calls.

Source: host of wasp 0.0.8, strings, byte slices and freeing. What makes an allocator usable at all is a stand.
"""

from __future__ import annotations

from collections.abc import Callable

from conformance.judging import Judge, requirement
from conformance.lab.bounds import Blocked
from conformance.lab.probes import Allocation
from reference_host.abi.wasp.events import Allocated
from reference_host.errors import AllocationFailed

from .calls import Call
from .holding import MADE_HERE
from .lab import Lab
from .rules import Fault, judge_call, judge_calls

_ROOM = "answer 0 only where there is no room; the first buffer must not lie at address 0, which means failure"
_GROW = "grow memory before handing out what lies behind its end"
_STEP = "advance by at least the size that was asked for, and hand out again only what was given back"
_BASE = "start the heap behind the static data (__heap_base)"
_TAKE = "deallocate must take what allocate gave, with the size that it was asked for, in any order"

AllocationRule = Callable[[Allocation], Fault | None]


def _judge_allocation(judge: Judge, allocation: Allocation, fault: Fault | None) -> None:
    if fault is None:
        judge.passed(allocation.case)
        return
    judge.violation(
        allocation.case,
        export=allocation.function if allocation.free_trap is None else "deallocate",
        arguments=(allocation.size,) if allocation.free_trap is None else (allocation.pointer or 0, allocation.size),
        pointer=allocation.pointer,
        length=allocation.size,
        expected=fault.expected,
        got=fault.got,
        hint=fault.hint,
    )


def _judge_probe(judge: Judge, lab: Lab, rule: AllocationRule) -> None:
    """Ask a rule of each buffer that was asked for alone, and of the one that ended the rounds."""
    for allocation in lab.allocator.allocations:
        if not allocation.hogged:
            _judge_allocation(judge, allocation, rule(allocation))
    if lab.overlaps:
        # Whatever such an allocator does in the end may come of that.
        return
    if lab.rounds.wrong is None:
        judge.passed("rounds", lab.rounds.calls)
    elif (fault := rule(lab.rounds.wrong)) is not None and not lab.rounds.wrong.hogged:
        _judge_allocation(judge, lab.rounds.wrong, fault)


def _judge_failures(judge: Judge, lab: Lab, rule: Callable[[Call, Allocated | None], Fault | None]) -> None:
    """Ask a rule of each call whose values could not be placed."""

    def fault(call: Call) -> Fault | None:
        failed = isinstance(call.failure, AllocationFailed) and call.hogged is None
        return rule(call, call.last_allocation) if failed and not lab.fails_only_inside(call) else None

    lab.require_allocator()
    judge_calls(judge, lab, fault)


@requirement("WASP-ALLOC-001")
def test_allocate_answers_a_pointer_for_every_size(lab: Lab, judge: Judge) -> None:
    """For a size above 0 `allocate` answers a pointer other than 0, each time."""

    def rule(allocation: Allocation) -> Fault | None:
        if allocation.pointer != 0:
            return None
        return Fault("a pointer other than 0", f"0 for a size of {allocation.size}", _ROOM)

    _judge_probe(judge, lab, rule)


@requirement("WASP-ALLOC-001")
def test_allocate_answers_a_pointer_in_calls(lab: Lab, judge: Judge) -> None:
    """For the values of calls, too."""

    def rule(call: Call, asked: Allocated | None) -> Fault | None:
        if asked is None or asked.pointer != 0 or (call.failure is not None and call.failure.trap is not None):
            return None
        return Fault("a pointer other than 0", f"0 for a size of {asked.size}", _ROOM)

    _judge_failures(judge, lab, rule)


def _outside(pointer: int, size: int, memory_size: int) -> Fault:
    got = f"pointer {pointer:#x} for a size of {size:#x} in a memory of {memory_size:#x} bytes"
    return Fault("a buffer inside linear memory", got, _GROW)


@requirement("WASP-ALLOC-002")
def test_buffer_of_every_size_lies_inside_memory(lab: Lab, judge: Judge) -> None:
    """A buffer lies inside linear memory, which `allocate` grows where it has to."""

    def rule(allocation: Allocation) -> Fault | None:
        if not allocation.pointer or allocation.is_usable:
            return None
        return _outside(allocation.pointer, allocation.size, allocation.memory_size)

    _judge_probe(judge, lab, rule)


@requirement("WASP-ALLOC-002")
def test_buffer_lies_inside_memory_in_calls(lab: Lab, judge: Judge) -> None:
    """For the values of calls, too."""

    def rule(call: Call, asked: Allocated | None) -> Fault | None:
        if asked is None or asked.pointer == 0 or (call.failure is not None and call.failure.trap is not None):
            return None
        return _outside(asked.pointer, asked.size, asked.memory_size)

    _judge_failures(judge, lab, rule)


@requirement("WASP-ALLOC-003")
def test_live_buffers_do_not_overlap(lab: Lab, judge: Judge) -> None:
    """No two buffers that are alive at the same time share a byte."""
    usable = lab.allocator.usable
    for position, allocation in enumerate(usable):
        earlier = next((other for other in usable[:position] if allocation.overlaps(other)), None)
        _judge_allocation(judge, allocation, None if earlier is None else _shared(allocation, earlier))


def _shared(allocation: Allocation, earlier: Allocation) -> Fault:
    got = f"{allocation.range} shares bytes with {earlier.range}, which was not given back"
    return Fault("a buffer of its own", got, _STEP)


@requirement("WASP-ALLOC-003")
def test_buffers_stay_apart_over_rounds(lab: Lab, judge: Judge) -> None:
    """Nor over thousands of rounds of taking and giving back; nor does the allocator write to one."""
    rounds = lab.rounds
    if rounds.wrong is not None and rounds.damage is not None:
        _judge_allocation(judge, rounds.wrong, Fault("a buffer of its own", rounds.damage, _STEP))
    else:
        judge.passed("rounds", rounds.calls)


@requirement("WASP-ALLOC-003")
def test_buffers_stay_apart_over_calls(lab: Lab, judge: Judge) -> None:
    """No buffer that the host holds is handed out again, or taken by the plugin itself, while calls go on."""
    lab.require_allocator()
    found = lab.ownership
    overlap = found.overlap
    if overlap is not None:
        judge.violation(
            overlap.probe.case,
            export="allocate",
            arguments=[size for size in overlap.arguments if isinstance(size, int)],
            pointer=None if overlap.buffer is None else overlap.buffer.pointer,
            length=None if overlap.buffer is None else overlap.buffer.size,
            expected=overlap.fault.expected,
            got=overlap.fault.got,
            hint=overlap.fault.hint,
        )
    elif found.trapped is not None and found.trapped.is_full:
        judge.not_tested(str(found.stopped))
    elif found.stopped is not None:
        judge.not_applicable(found.stopped)
    else:
        judge.passed("ownership", found.calls.total())


@requirement("WASP-ALLOC-004")
def test_buffers_keep_off_static_data(lab: Lab, judge: Judge) -> None:
    """No buffer covers what the module's own data segments put into memory."""
    for allocation in lab.allocator.allocations:
        if not allocation.pointer:
            continue
        covered = lab.static.first_covered(allocation.pointer, allocation.size)
        fault = None
        if covered is not None:
            fault = Fault(
                "a buffer beside the module's own data", f"{allocation.range} covers static data at {covered:#x}", _BASE
            )
        _judge_allocation(judge, allocation, fault)


def _require_inside(lab: Lab) -> None:
    """Raise `Blocked` where buffers lie behind memory: an allocator that keeps its lists there traps for that."""
    asked = (*lab.allocator.allocations, *filter(None, [lab.rounds.wrong]))
    if any(a.pointer and not a.is_usable for a in asked):
        raise Blocked("needs an allocator whose buffers lie inside memory: see WASP-ALLOC-002")


@requirement("WASP-ALLOC-005")
def test_allocate_does_not_trap_for_any_size(lab: Lab, judge: Judge) -> None:
    """`allocate` does not trap, and comes to an end."""
    _require_inside(lab)

    def rule(allocation: Allocation) -> Fault | None:
        if allocation.trap is None:
            return None
        return Fault("a pointer", f"trap: {allocation.trap}", "answer 0 where there is no room")

    _judge_probe(judge, lab, rule)


@requirement("WASP-ALLOC-005")
def test_allocate_does_not_trap_in_calls(lab: Lab, judge: Judge) -> None:
    """For the values of calls, too."""
    _require_inside(lab)

    def rule(call: Call, asked: Allocated | None) -> Fault | None:
        trap = None if call.failure is None else call.failure.trap
        return None if trap is None else Fault("a pointer", f"trap: {trap}", "answer 0 where there is no room")

    _judge_failures(judge, lab, rule)


@requirement("WASP-ALLOC-005")
def test_allocate_does_not_trap_beside_held_buffers(lab: Lab, judge: Judge) -> None:
    """Nor while the host holds buffers, as long as no more than a plugin has room for."""
    lab.require_allocator()
    _require_inside(lab)
    found = lab.ownership
    trapped = found.trapped
    if trapped is None and found.stopped is not None:
        judge.not_applicable(found.stopped)
    elif trapped is None:
        judge.passed("ownership", found.calls.total())
    elif trapped.is_full:
        judge.not_tested(str(found.stopped))
    else:
        judge.violation(
            "ownership",
            export="allocate",
            arguments=(trapped.size,),
            length=trapped.size,
            expected="a pointer",
            got=f"trap: {trapped.trap}",
            hint="answer 0 where there is no room",
        )


@requirement("WASP-FREE-001")
def test_unused_buffers_can_be_given_back(lab: Lab, judge: Judge) -> None:
    """`deallocate` takes back buffers of every size, in the order of `allocate` and in another."""
    probes = (lab.in_order, lab.allocator)
    if lab.bench().pair.free is None:
        judge.not_applicable("needs deallocate, which is not exported with its type")
        return
    for probe in probes:
        for allocation in probe.allocations:
            if allocation.given_back:
                _judge_allocation(judge, allocation, _not_taken(allocation))
    wrong = lab.rounds.wrong
    if wrong is not None and wrong.given_back:
        _judge_allocation(judge, wrong, _not_taken(wrong))


def _not_taken(allocation: Allocation) -> Fault | None:
    if allocation.free_trap is None:
        return None
    got = f"trap for the buffer at {allocation.pointer or 0:#x}: {allocation.free_trap}"
    return Fault("deallocate takes the buffer back", got, _TAKE)


@requirement("WASP-FREE-001")
def test_inputs_can_be_given_back(lab: Lab, judge: Judge) -> None:
    """`deallocate` takes back what the host wrote for a call, after it."""

    def rule(call: Call) -> Fault | None:
        failed = next((event for event in call.not_taken_back() if event.owner in MADE_HERE), None)
        if failed is None:
            return None
        got = f"trap for the {failed.owner} at {failed.pointer:#x}: {failed.failure.trap}"
        return Fault("deallocate takes the buffer back", got, _TAKE)

    lab.require_allocator()
    judge_calls(judge, lab, rule)


@requirement("WASP-FREE-002")
def test_what_is_handed_out_can_be_given_back(lab: Lab, judge: Judge) -> None:
    """`deallocate` takes back what the plugin handed out; a string by one of its two sizes."""
    lab.require_giving_back()
    hint = "hand out buffers of the exported allocator, and take them back by the size of what is in them"
    for each in lab.returns.found:
        if not each.refused:
            judge.passed(each.case)
            continue
        size, trap = next(iter(each.traps.items()))
        judge.violation(
            each.case,
            export="deallocate",
            arguments=(each.pointer, size),
            pointer=each.pointer,
            length=size,
            expected="deallocate takes the buffer back",
            got=f"trap for the {each.owner} at {each.pointer:#x}: {trap}",
            hint=hint,
        )
    if any(each.refused or each.is_strict for each in lab.returns.found):
        return

    def rule(call: Call) -> Fault | None:
        failed = next((event for event in call.not_taken_back() if event.owner not in MADE_HERE), None)
        if failed is None:
            return None
        got = f"trap for the {failed.owner} at {failed.pointer:#x}: {failed.failure.trap}"
        return Fault("deallocate takes the buffer back", got, hint)

    for call in lab.calls:
        judge_call(judge, call, rule(call))


@requirement("WASP-FREE-003")
def test_both_sizes_of_a_string_are_taken(lab: Lab, judge: Judge) -> None:
    """`deallocate` takes a string back by its length, and by its length and the terminator."""
    lab.require_giving_back()
    for each in lab.returns.found:
        if len(each.traps) < 2 or each.refused:
            continue
        if not each.is_strict:
            judge.passed(each.case)
            continue
        size = next(size for size, trap in each.traps.items() if trap is not None)
        judge.violation(
            each.case,
            export="deallocate",
            arguments=(each.pointer, size),
            pointer=each.pointer,
            length=size,
            expected="a deallocate that takes either size",
            got=f"trap for {size} bytes: {each.traps[size]}",
            hint="take both: hosts differ in whether the terminator counts",
        )
    judge.not_applicable("no function hands out a string that is given back")
