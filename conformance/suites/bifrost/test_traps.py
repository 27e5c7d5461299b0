"""A hook comes back: it neither traps nor runs for ever.

Source: "Writing WASM Plugins", Data Exchange (a hook answers); that a trap fails the hook and costs the instance is a
stand.
"""

from __future__ import annotations

from conformance.judging import Judge, requirement
from reference_host.errors import TrapCode

from .calls import Call, Reached
from .lab import Lab
from .rules import Fault, judge_calls


@requirement("BIFROST-TRAP-001")
def test_hook_does_not_trap(hook: str, lab: Lab, judge: Judge) -> None:
    """A hook does not trap on input that a conforming host sends; `proc_exit` and `env.abort` are traps."""

    def rule(call: Call) -> Fault | None:
        if call.trap is None or call.trap.code is TrapCode.FUEL_EXHAUSTED:
            return None
        sent = "" if call.message is None else f" for the input {call.message.name!r}"
        hint = "report failures in the error member; check lengths, nulls and bounds before using them"
        return Fault("a packed result", f"trap{sent}: {call.trap}", hint)

    judge_calls(judge, lab, hook, rule, reached=Reached.PLACED)


@requirement("BIFROST-TRAP-002")
def test_hook_comes_to_an_end(hook: str, lab: Lab, judge: Judge) -> None:
    """A hook comes to an end, within a budget of instructions that grows with its input."""

    def rule(call: Call) -> Fault | None:
        if call.trap is not None and call.trap.code is TrapCode.FUEL_EXHAUSTED:
            hint = "look for a loop that does not end for this input, or for work that grows faster than its input"
            return Fault("an answer", "the budget of instructions was used up", hint)
        return None

    judge_calls(judge, lab, hook, rule, reached=Reached.PLACED)
