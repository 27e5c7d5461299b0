"""The allocator that the host uses: in the calls of the sessions, and asked for many buffers at once.

Source: "Writing WASM Plugins", Data Exchange (the host allocates with `malloc`, writes, passes pointers). What makes an
allocator usable at all (no 0, inside memory, no overlap) is a stand.
"""

from __future__ import annotations

from conformance.judging import Judge, requirement
from conformance.lab.probes import Allocation
from reference_host.abi.bifrost.events import Allocated, FreeFailed, Stage

from .calls import Call, Reached
from .lab import Lab
from .rules import Fault, judge_call, judge_calls


def _judge_allocation(judge: Judge, allocation: Allocation, fault: Fault | None) -> None:
    if fault is None:
        judge.passed(allocation.case)
        return
    judge.violation(
        allocation.case,
        export=allocation.function,
        arguments=(allocation.size,),
        pointer=allocation.pointer,
        length=allocation.size,
        expected=fault.expected,
        got=fault.got,
        hint=fault.hint,
    )


def _last_allocation(call: Call) -> Allocated | None:
    asked = [event for event in call.exchange.events if isinstance(event, Allocated)]
    return asked[-1] if asked else None


@requirement("BIFROST-ALLOC-001")
def test_allocator_answers_a_pointer(hook: str, lab: Lab, judge: Judge) -> None:
    """For a size above 0 the allocator answers a pointer other than 0, each time."""

    def rule(call: Call) -> Fault | None:
        asked = _last_allocation(call)
        return None if asked is None else _refused(asked.pointer, asked.size)

    judge_calls(judge, lab, hook, rule)


@requirement("BIFROST-ALLOC-001")
def test_allocator_answers_a_pointer_for_every_size(lab: Lab, judge: Judge) -> None:
    """For every size, with all buffers alive at once."""
    for allocation in lab.allocator.allocations:
        if allocation.pointer is not None:
            _judge_allocation(judge, allocation, _refused(allocation.pointer, allocation.size))


def _refused(pointer: int, size: int) -> Fault | None:
    if pointer != 0:
        return None
    return Fault(
        "a pointer other than 0",
        f"0 for a size of {size}",
        "answer 0 only where there is no room; the first buffer must not lie at address 0, which means failure",
    )


@requirement("BIFROST-ALLOC-002")
def test_buffer_lies_inside_memory(hook: str, lab: Lab, judge: Judge) -> None:
    """A buffer lies inside linear memory, which the allocator grows where it has to."""

    def rule(call: Call) -> Fault | None:
        asked = _last_allocation(call)
        return None if asked is None else _outside(asked.pointer, asked.size, asked.memory_size)

    judge_calls(judge, lab, hook, rule)


@requirement("BIFROST-ALLOC-002")
def test_buffer_of_every_size_lies_inside_memory(lab: Lab, judge: Judge) -> None:
    """For every size, with all buffers alive at once."""
    for allocation in lab.allocator.allocations:
        if allocation.pointer:
            fault = _outside(allocation.pointer, allocation.size, allocation.memory_size)
            _judge_allocation(judge, allocation, fault)


def _outside(pointer: int, size: int, memory_size: int) -> Fault | None:
    if pointer == 0 or pointer + size <= memory_size:
        return None
    got = f"pointer {pointer:#x} for a size of {size:#x} in a memory of {memory_size:#x} bytes"
    return Fault("a buffer inside linear memory", got, "grow memory before handing out what lies behind its end")


@requirement("BIFROST-ALLOC-003")
def test_live_buffers_do_not_overlap(lab: Lab, judge: Judge) -> None:
    """No two buffers that are alive at the same time share a byte."""
    usable = lab.allocator.usable
    for position, allocation in enumerate(usable):
        earlier = next((other for other in usable[:position] if allocation.overlaps(other)), None)
        fault = None
        if earlier is not None:
            got = f"{allocation.range} shares bytes with {earlier.range}, which was not given back"
            fault = Fault("a buffer of its own", got, "advance by at least the size that was asked for")
        _judge_allocation(judge, allocation, fault)


@requirement("BIFROST-ALLOC-003")
def test_buffers_stay_apart_over_calls(lab: Lab, judge: Judge) -> None:
    """No buffer that the host holds is handed out again, or taken by the plugin itself, while calls go on."""
    found = lab.ownership
    overlap = found.overlap
    if overlap is not None:
        judge.violation(
            overlap.probe.case,
            export=overlap.probe.function,
            arguments=overlap.arguments,
            pointer=None if overlap.buffer is None else overlap.buffer.pointer,
            length=None if overlap.buffer is None else overlap.buffer.size,
            expected=overlap.fault.expected,
            got=overlap.fault.got,
            hint=overlap.fault.hint,
        )
    elif found.stopped is not None:
        judge.not_applicable(found.stopped)
    else:
        judge.passed("ownership", found.calls.total())


@requirement("BIFROST-ALLOC-003")
def test_documents_of_one_call_do_not_overlap(hook: str, lab: Lab, judge: Judge) -> None:
    """The documents of one call (r0 has several) lie apart from each other."""

    def rule(call: Call) -> Fault | None:
        if not call.inputs_overlap:
            return None
        got = f"documents at {', '.join(f'{buffer.pointer:#x}' for buffer in call.exchange.inputs)}, over each other"
        return Fault("a buffer for each document", got, "a buffer is taken until the host gives it back")

    judge_calls(judge, lab, hook, rule, reached=Reached.PLACED)


@requirement("BIFROST-ALLOC-004")
def test_buffers_keep_off_static_data(lab: Lab, judge: Judge) -> None:
    """No buffer covers what the module's own data segments put into memory."""
    probe = lab.allocator
    for allocation in probe.usable:
        covered = probe.static.first_covered(allocation.pointer or 0, allocation.size)
        fault = None
        if covered is not None:
            got = f"{allocation.range} covers static data at {covered:#x}"
            fault = Fault(
                "a buffer beside the module's own data",
                got,
                "start the heap behind the static data (__heap_base)",
            )
        _judge_allocation(judge, allocation, fault)
    if probe.covered is None:
        # The bodies of the traffic are larger than anything that was asked for alone.
        for call in lab.session("traffic").calls:
            if (found := _covering(lab, call)) is not None:
                judge_call(judge, call, found)


def _covering(lab: Lab, call: Call) -> Fault | None:
    for event in call.exchange.events:
        if isinstance(event, Allocated) and event.pointer and event.pointer + event.size <= event.memory_size:
            covered = lab.allocator.static.first_covered(event.pointer, event.size)
            if covered is not None:
                got = f"{event.pointer:#x} to {event.pointer + event.size:#x} covers static data at {covered:#x}"
                hint = "start the heap behind the static data (__heap_base)"
                return Fault("a buffer beside the module's own data", got, hint)
    return None


@requirement("BIFROST-ALLOC-005")
def test_allocator_does_not_trap(hook: str, lab: Lab, judge: Judge) -> None:
    """The allocator does not trap."""

    def rule(call: Call) -> Fault | None:
        if call.exchange.failed_at is Stage.ALLOCATE and call.failure is not None and call.failure.trap is not None:
            return Fault("a pointer", f"trap: {call.failure.trap}", "answer 0 where there is no room")
        return None

    judge_calls(judge, lab, hook, rule)


@requirement("BIFROST-ALLOC-005")
def test_allocator_does_not_trap_for_any_size(lab: Lab, judge: Judge) -> None:
    """For every size, with all buffers alive at once."""
    for allocation in lab.allocator.allocations:
        fault = None
        if allocation.trap is not None:
            fault = Fault("a pointer", f"trap: {allocation.trap}", "answer 0 where there is no room")
        _judge_allocation(judge, allocation, fault)


@requirement("BIFROST-FREE-001")
def test_buffers_can_be_given_back(hook: str, lab: Lab, judge: Judge) -> None:
    """`free` takes back every buffer once, the result's first, then the inputs', without a trap."""
    judge_calls(judge, lab, hook, _not_taken_back, reached=Reached.RETURNED)


def _not_taken_back(call: Call) -> Fault | None:
    for event in call.exchange.events:
        if isinstance(event, FreeFailed):
            got = f"trap for the {event.owner} buffer at {event.pointer:#x}: {event.failure.trap}"
            hint = "answer with buffers of the exported allocator, of exactly the length that is packed"
            return Fault("free takes the buffer back", got, hint)
    return None


@requirement("BIFROST-FREE-001")
def test_names_can_be_given_back(lab: Lab, judge: Judge) -> None:
    """`free` takes back the buffer of a name."""
    for call in lab.name_calls:
        if call.reached >= Reached.RETURNED:
            judge_call(judge, call, _not_taken_back(call))


@requirement("BIFROST-FREE-001")
def test_unused_buffers_can_be_given_back(lab: Lab, judge: Judge) -> None:
    """`free` takes back buffers of every size that no hook ever saw."""
    probe = lab.allocator
    if probe.free is None:
        judge.not_applicable("needs free, which is not exported with its type")
    for allocation in probe.allocations:
        if not allocation.given_back:
            continue
        fault = None
        if allocation.free_trap is not None:
            got = f"trap for the buffer at {allocation.pointer or 0:#x}: {allocation.free_trap}"
            fault = Fault("free takes the buffer back", got, "free must take what malloc gave")
        _judge_allocation(judge, allocation, fault)
