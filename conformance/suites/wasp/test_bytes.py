"""Bytes: where they lie, with their number in front.

Source: host of wasp 0.0.8, byte slices; guest code of wasp 0.0.8, Go ABI.
"""

from __future__ import annotations

from conformance.judging import Judge, requirement
from conformance.lab.bounds import Blocked
from reference_host.abi.wasp import Type
from reference_host.abi.wasp.events import Owner

from .calls import Call, Reached
from .lab import Lab
from .rules import Fault, judge_calls


@requirement("WASP-BYTES-001")
def test_results_lie_inside_memory(lab: Lab, judge: Judge) -> None:
    """Bytes that are answered lie inside memory, and so does their number."""
    lab.require_memory()
    if not any(function.signature.result is Type.BYTES for function in lab.functions):
        raise Blocked("no declared function answers bytes")
    hint = "answer the address of a little-endian u32 with the number of bytes, and the bytes right behind it"

    def rule(call: Call) -> Fault | None:
        unread = call.unread
        is_bytes = call.function.signature.result is Type.BYTES
        if unread is None or unread.owner is not Owner.RESULT or not is_bytes or call.failure is None:
            return None
        return Fault("bytes inside memory", call.failure.detail, hint)

    judge_calls(judge, lab, rule, reached=Reached.RETURNED)
