"""Short ways to read an answer and to say what was found in it."""

from __future__ import annotations

from collections.abc import Mapping

from reference_host.abi.bifrost.answers import Answer, Outcome, read_answer
from reference_host.abi.bifrost.revisions import Role, revision_named
from reference_host.abi.interface import Json

ENVELOPED = ("r1", "r1b", "r2")
"""The revisions whose answers are one envelope."""


def read(revision: str, role: Role, document: Mapping[str, Json], given: Outcome | None = None) -> Answer:
    """Read an answer of the hook that has this role."""
    found = revision_named(revision)
    hook = found.hook(role)
    assert hook is not None
    return read_answer(hook, found, document, given=given)


def told(answer: Answer) -> list[str]:
    """What was found, as `bad-member response.status_code`."""
    return [f"{finding.code} {finding.member}" for finding in answer.findings]


def codes(answer: Answer) -> tuple[str, ...]:
    """The codes of the result's notes, which are those of the answer."""
    assert answer.result is not None
    assert answer.result.notes == answer.notes
    return tuple(note.code for note in answer.notes)
