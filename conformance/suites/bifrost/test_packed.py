"""The packed result of a hook: upper 32 bits pointer, lower 32 bits length, both unsigned.

Source: "Writing WASM Plugins" and README of hello-world-wasm-go, Return Value Format.
"""

from __future__ import annotations

from conformance.judging import Judge, requirement
from reference_host.abi.bifrost.events import Buffer
from reference_host.abi.bifrost.types import HookFailure

from .calls import Call, Reached
from .lab import Lab
from .rules import Fault, judge_calls


@requirement("BIFROST-PACK-001")
def test_result_lies_inside_memory(hook: str, lab: Lab, judge: Judge) -> None:
    """Pointer and length of a result lie inside linear memory."""

    def rule(call: Call) -> Fault | None:
        if call.failure is not None and call.failure.code == HookFailure.RESULT_OUT_OF_BOUNDS:
            hint = "pack as (pointer << 32) | length: pointer in the upper half, length in bytes in the lower"
            return Fault("a result inside linear memory", call.failure.detail, hint)
        return None

    judge_calls(judge, lab, hook, rule, reached=Reached.RETURNED)


@requirement("BIFROST-PACK-002")
def test_result_is_not_empty(hook: str, lab: Lab, judge: Judge) -> None:
    """A hook answers something: an empty result passes for "no change", and may as well be a failed allocation."""

    def rule(call: Call) -> Fault | None:
        if call.exchange.length == 0 and not lab.runs_dry:
            got = f"pointer {call.exchange.pointer:#x}, length 0"
            return Fault("a JSON object", got, 'answer at least {"context":{}} where nothing is to be changed')
        return None

    judge_calls(judge, lab, hook, rule, reached=Reached.RETURNED)


@requirement("BIFROST-PACK-003")
def test_result_does_not_lie_at_zero(hook: str, lab: Lab, judge: Judge) -> None:
    """A result does not lie at address 0, which elsewhere means "none"."""

    def rule(call: Call) -> Fault | None:
        if call.exchange.pointer == 0:
            return Fault("a pointer other than 0", "0", "start the heap behind address 0")
        return None

    judge_calls(judge, lab, hook, rule, reached=Reached.COPIED)


@requirement("BIFROST-PACK-004")
def test_result_keeps_off_the_hosts_buffers(hook: str, lab: Lab, judge: Judge) -> None:
    """A result lies apart from the host's buffers, or wholly inside one of the hook's own inputs."""
    if lab.overlaps:
        judge.not_applicable("needs an allocator that keeps live buffers apart: see BIFROST-ALLOC-003")
        return

    def rule(call: Call) -> Fault | None:
        pointer, length = call.exchange.pointer or 0, call.exchange.length or 0
        result = Buffer(pointer, length, length)
        for buffer in call.exchange.inputs:
            inside = buffer.pointer <= pointer and pointer + length <= buffer.pointer + buffer.size
            if result.overlaps(buffer) and not inside:
                got = f"{pointer:#x} to {pointer + length:#x}, across the end of the input at {buffer.pointer:#x}"
                return Fault(
                    "a buffer of its own",
                    got,
                    "an input buffer is as long as the length that the hook was given",
                )
        return None

    judge_calls(judge, lab, hook, rule, reached=Reached.COPIED)
