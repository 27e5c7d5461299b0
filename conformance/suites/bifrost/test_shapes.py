"""The LLM payloads of an answer keep the types that the documents give their members.

Source: "Writing WASM Plugins", Hook Input/Output Structures.
"""

from __future__ import annotations

import pytest

from conformance.judging import Judge, requirement
from reference_host.abi.bifrost.revisions import Role

from . import shapes
from .calls import Call, Reached
from .lab import Lab
from .rules import Fault, judge_calls


def _judge_payload(judge: Judge, lab: Lab, role: Role, path: str, shape: shapes.Check) -> None:
    hook = lab.revision.hook(role)
    if hook is None:
        judge.not_applicable(f"{lab.revision.name} has no {role.value}")
        return

    def rule(call: Call) -> Fault | None:
        payload = call.document
        for name in path.split("."):
            payload = payload.get(name) if isinstance(payload, dict) else None
        if not isinstance(payload, dict):
            return None
        for where, expected, got in shape(path, payload):
            return Fault(f"{where}: {expected}", got, "keep the types of the documents; leave out what is not known")
        return None

    judge_calls(judge, lab, hook.name, rule, reached=Reached.OBJECT)


@requirement("BIFROST-SHAPE-001")
def test_llm_request_keeps_its_types(lab: Lab, judge: Judge) -> None:
    """An LLM request that `pre_hook` answers."""
    _judge_payload(judge, lab, Role.PRE, "request", shapes.llm_request)


@requirement("BIFROST-SHAPE-002")
@pytest.mark.parametrize(
    ("role", "path"),
    [
        pytest.param(Role.PRE, "short_circuit.response", id="short-circuit"),
        pytest.param(Role.POST, "response", id="post"),
    ],
)
def test_llm_response_keeps_its_types(role: Role, path: str, lab: Lab, judge: Judge) -> None:
    """An LLM response that `post_hook` answers, or that stands in a short circuit."""
    _judge_payload(judge, lab, role, path, shapes.llm_response)


@requirement("BIFROST-SHAPE-003")
@pytest.mark.parametrize("role", [pytest.param(Role.PRE, id="short-circuit"), pytest.param(Role.POST, id="post")])
def test_llm_error_keeps_its_types(role: Role, lab: Lab, judge: Judge) -> None:
    """An LLM error that `post_hook` answers, or that stands in a short circuit."""
    answered = "error" if lab.revision.enveloped else "bifrost_error"
    _judge_payload(judge, lab, role, answered if role is Role.POST else "short_circuit.error", shapes.llm_error)


@requirement("BIFROST-SHAPE-004")
def test_chunk_keeps_its_types(lab: Lab, judge: Judge) -> None:
    """A stream chunk that `http_stream_chunk_hook` answers."""
    _judge_payload(judge, lab, Role.STREAM, "chunk", shapes.stream_chunk)
