"""Which rules a hook's answer breaks, without a plugin: one call, made up, put to the suite's own rules."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from judged import PACKAGE, Item, catalogue, items_of, play

from conformance.judging import Subject
from conformance.judging.records import Outcome
from reference_host.abi.bifrost.events import Exchange
from reference_host.abi.bifrost.revisions import Revision, Role, revision_named
from reference_host.abi.interface import Detection

ENVELOPED = ("r1", "r1b", "r2")
STREAMING = ("r1b", "r2")
ALL = ("r0", *ENVELOPED)

Line = tuple[str, str]
"""An answer, and the rules that it breaks: ids without `BIFROST-`."""

PLACE = 65_536
"""Where the answer lies."""


@dataclass(frozen=True, slots=True)
class OneCall:
    """In place of a lab: nothing happened but this one call."""

    subject: Subject
    revision: Revision
    call: Any

    def calls(self, function: str) -> Sequence[Any]:
        """Give the call where it is one of that function."""
        return [self.call] if self.call.export == function else []

    def calls_that_reached(self, function: str, reached: Any) -> Sequence[Any]:
        """Give the call where it got as far as that."""
        return [call for call in self.calls(function) if call.reached >= reached]


@cache
def _rules(revision: str, role: Role) -> tuple[Item, ...]:
    names = ("test_encoding", "test_members", "test_shapes")
    items = items_of([importlib.import_module(f"{PACKAGE}.{name}") for name in names])
    applying = [item for item in items if catalogue().get(item.requirement).applies_to(revision)]
    return tuple(item for item in applying if item.role in (None, role))


@cache
def message(role: Role, name: str | None = None) -> Any:
    """Give the message of that name, else the first one of the role."""
    sent = importlib.import_module(f"{PACKAGE}.messages").messages(largest=4_096, go_struct=True, docs=True)
    return next(each for each in sent if each.role is role and name in (None, each.name))


def broken(revision: str, role: Role, output: bytes, sent: str | None = None) -> list[str]:
    """The ids, without `BIFROST-`, of the rules that the answer to a message breaks."""
    found = revision_named(revision)
    hook = found.hook(role)
    assert hook is not None
    detection = Detection("bifrost", revision, "as told")
    subject = Subject("answer.wasm", b"", "0" * 64, "bifrost", revision, detection)
    exchange = Exchange(hook.name, (), PLACE << 32 | len(output), output, None, None, (), 2 * PLACE)
    read_call = importlib.import_module(f"{PACKAGE}.calls").read_call
    call = read_call(f"{hook.name}/one", exchange, hook, found, message(role, sent))
    lab = OneCall(subject, found, call)
    failed = {item.requirement for item in _rules(revision, role) if play(item, lab).outcome is Outcome.FAILED}
    return sorted(identifier.removeprefix("BIFROST-") for identifier in failed)


@dataclass(frozen=True, slots=True)
class Table:
    """Answers of one hook of some revisions to one message (None: the first one), with the rules that they break."""

    role: Role
    revisions: Sequence[str]
    sent: str | None
    lines: Mapping[str, str]

    def differing(self) -> dict[str, object]:
        """Give the lines of which the suite tells something else."""
        told = {
            f"{revision} {answer}": (broken(revision, self.role, answer.encode(), self.sent), rules)
            for revision in self.revisions
            for answer, rules in self.lines.items()
        }
        return {line: got for line, (got, rules) in told.items() if got != rules.split()}


def table(title: str, role: Role, revisions: Sequence[str], sent: str | None, *lines: Line) -> object:
    """Make a parameter of a table's lines."""
    made = dict(lines)
    assert len(made) == len(lines), "an answer stands twice"
    for answer in made:
        json.loads(answer)
    return pytest.param(Table(role, revisions, sent, made), id=f"{revisions[0]}-{role.value}-{title}")
