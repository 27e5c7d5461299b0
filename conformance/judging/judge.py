"""The judge: what one test says about one requirement, collected case by case.

A suite never decides an outcome; it tells what it saw, and the rules for outcomes stand here, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from conformance.catalogue import Requirement
from conformance.judging.records import Finding, ItemOutcome, Outcome
from conformance.judging.subject import Subject
from conformance.text import printable

if TYPE_CHECKING:
    import pytest

LISTED = 10
"""Violations that are listed for one requirement; all are counted."""

_ARGUMENTS = 16
_CASE = 200


def requirement(identifier: str) -> pytest.MarkDecorator:
    """Name the one requirement that a test function proves."""
    # The command reads this package too, and has no use for pytest in its own process.
    import pytest

    return pytest.mark.requirement(identifier)


class Judge:
    """Takes down what a test sees, for the requirement that it is marked with.

    All texts become printable and are capped, so that a plugin's answer can be handed over as it is. They
    have to be the same on every engine: no addresses of the host, no times, no engine's own words.
    """

    def __init__(self, requirement: Requirement, subject: Subject) -> None:
        self.requirement = requirement
        self.subject = subject
        self._passed = 0
        self._failed = 0
        self._listed: list[Finding] = []
        self._errors: list[str] = []
        self._not_tested: list[str] = []
        self._not_applicable: list[str] = []

    def wants(self, case: str) -> bool:
        """Whether what is seen of that case counts: False where `--only` names another one."""
        return self.subject.only_case is None or _case(case) == self.subject.only_case

    def passed(self, case: str, count: int = 1) -> None:
        """Take down that the rule held in that case (`count` times)."""
        if self.wants(case):
            self._passed += count

    def held(self, count: int) -> None:
        """Take down that the rule held in so many cases that were wanted."""
        self._passed += count

    def violation(
        self,
        case: str,
        *,
        export: str,
        expected: str,
        got: str,
        hint: str,
        arguments: Sequence[int | str] = (),
        pointer: int | None = None,
        length: int | None = None,
    ) -> None:
        """Take down that the rule was broken in that case.

        `pointer` and `length` are unsigned; `hint` tells the author how to mend it.
        """
        if not self.wants(case):
            return
        self._failed += 1
        if len(self._listed) < LISTED:
            self._listed.append(
                Finding(
                    case=_case(case),
                    export=printable(export),
                    arguments=tuple(_argument(value) for value in arguments[:_ARGUMENTS]),
                    pointer=pointer,
                    length=length,
                    expected=printable(expected),
                    got=printable(got),
                    hint=printable(hint),
                )
            )

    def not_applicable(self, reason: str) -> None:
        """Take down that the rule says nothing about this plugin; the reason tells why."""
        self._not_applicable.append(printable(reason))

    def not_tested(self, reason: str) -> None:
        """Take down that the rule could not be tried on this plugin; the reason tells why."""
        self._not_tested.append(printable(reason))

    def error(self, case: str, reason: str) -> None:
        """Take down that it could not be judged, and not through the plugin's fault."""
        self._errors.append(printable(f"{case}: {reason}" if case else reason))

    def outcome(self) -> ItemOutcome:
        """Sum up: failed, else error, else passed, else not tested, else not applicable."""
        total = self._passed + self._failed
        kind, reason = Outcome.NOT_TESTED, "no case reached this rule"
        if self._failed:
            kind, reason = Outcome.FAILED, ""
        elif self._errors:
            kind, reason = Outcome.ERROR, self._errors[0]
        elif self._passed:
            kind, reason = Outcome.PASSED, ""
        elif self._not_tested:
            reason = self._not_tested[0]
        elif self._not_applicable:
            kind, reason = Outcome.NOT_APPLICABLE, self._not_applicable[0]
        return ItemOutcome(kind, reason, total, self._failed, tuple(self._listed))


def _case(case: str) -> str:
    return printable(case, _CASE)


def _argument(value: int | str) -> int | str:
    return value if isinstance(value, int) else printable(value)
