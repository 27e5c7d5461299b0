"""What a suite tells the judge, and what becomes of it: outcomes, their order, caps, and `--only`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance.catalogue import Level, Requirement, Side
from conformance.judging import Judge, Subject
from conformance.judging.judge import LISTED
from conformance.judging.records import ItemOutcome, Outcome
from conformance.report.build import merge
from reference_host.abi.interface import Detection

RULE = Requirement("TOY-ADD-001", Level.MUST, Side.PLUGIN, ("v1",), "It adds.", "section 1", tests=("t.py::t",))


def judge(only_case: str | None = None) -> Judge:
    subject = Subject("p.wasm", b"", "0" * 64, "toy", "v1", Detection("toy", "v1", "because"), only_case=only_case)
    return Judge(RULE, subject)


def broken(judge: Judge, case: str = "a") -> Judge:
    judge.violation(case, export="f", expected="1", got="2", hint="mend")
    return judge


@pytest.mark.parametrize(
    ("tell", "outcome", "reason"),
    [
        pytest.param(lambda j: None, Outcome.NOT_TESTED, "no case reached this rule", id="silence is no pass"),
        pytest.param(lambda j: j.passed("a"), Outcome.PASSED, "", id="passed"),
        pytest.param(broken, Outcome.FAILED, "", id="failed"),
        pytest.param(lambda j: j.error("a", "deadline"), Outcome.ERROR, "a: deadline", id="error"),
        pytest.param(lambda j: j.not_tested("why"), Outcome.NOT_TESTED, "why", id="not tested"),
        pytest.param(lambda j: j.not_applicable("why"), Outcome.NOT_APPLICABLE, "why", id="not applicable"),
        pytest.param(
            lambda j: (j.passed("a"), j.error("b", "e"), broken(j, "c"), j.not_tested("n")),
            Outcome.FAILED,
            "",
            id="failed wins over all",
        ),
        pytest.param(
            lambda j: (j.passed("a"), j.error("b", "e")), Outcome.ERROR, "b: e", id="an error wins over passed"
        ),
        pytest.param(
            lambda j: (j.not_applicable("n"), j.not_tested("t")),
            Outcome.NOT_TESTED,
            "t",
            id="not tested wins over not applicable",
        ),
        pytest.param(
            lambda j: (j.not_tested("t"), j.passed("a")), Outcome.PASSED, "", id="passed wins over not tested"
        ),
        pytest.param(
            lambda j: (j.not_tested("first"), j.not_tested("second")), Outcome.NOT_TESTED, "first", id="first reason"
        ),
    ],
)
def test_outcome(tell: Callable[[Judge], object], outcome: Outcome, reason: str) -> None:
    told = judge()
    tell(told)
    assert (told.outcome().outcome, told.outcome().reason) == (outcome, reason)


def test_all_violations_are_counted_and_the_first_are_listed() -> None:
    told = judge()
    told.passed("many", count=5)
    for number in range(LISTED + 3):
        broken(told, f"case-{number}")
    outcome = told.outcome()
    assert (outcome.total, outcome.failed) == (LISTED + 8, LISTED + 3)
    assert [violation.case for violation in outcome.violations] == [f"case-{n}" for n in range(LISTED)]


def test_only_one_case_counts_where_one_was_asked_for() -> None:
    told = judge(only_case="b")
    assert [told.wants(case) for case in "abc"] == [False, True, False]
    told.passed("a")
    broken(told, "c")
    assert told.outcome().outcome is Outcome.NOT_TESTED
    broken(told, "b")
    assert (told.outcome().total, told.outcome().failed) == (1, 1)


def test_an_error_counts_whatever_case_was_asked_for() -> None:
    told = judge(only_case="b")
    told.error("init", "refused")
    assert told.outcome().outcome is Outcome.ERROR


def test_hostile_texts_are_made_printable_and_capped() -> None:
    told = judge()
    told.violation(
        "case \x1b[2J",
        export="f\n",
        expected="\ud800",
        got="x" * 5_000_000,
        hint="\u202e",
        arguments=("\x00", 2**64 - 1),
    )
    (violation,) = told.outcome().violations
    assert violation.case == "case \\x1b[2J"
    assert violation.export == "f\\n"
    assert violation.expected == "\\ud800"
    assert violation.hint == "\\u202e"
    assert violation.arguments == ("\\0", 2**64 - 1)
    assert len(violation.got) < 3_000
    assert violation.got.endswith("characters more)")


def test_a_case_with_unprintable_characters_can_be_asked_for_as_it_is_shown() -> None:
    told = judge(only_case="a\\n")
    broken(told, "a\n")
    assert told.outcome().failed == 1


@pytest.mark.parametrize(
    ("outcomes", "merged"),
    [
        pytest.param([Outcome.PASSED, Outcome.FAILED, Outcome.ERROR], Outcome.FAILED, id="failed"),
        pytest.param([Outcome.PASSED, Outcome.ERROR, Outcome.NOT_TESTED], Outcome.ERROR, id="error"),
        pytest.param([Outcome.NOT_APPLICABLE, Outcome.PASSED, Outcome.NOT_TESTED], Outcome.PASSED, id="passed"),
        pytest.param([Outcome.NOT_APPLICABLE, Outcome.NOT_TESTED], Outcome.NOT_TESTED, id="not tested"),
        pytest.param([Outcome.NOT_APPLICABLE], Outcome.NOT_APPLICABLE, id="not applicable"),
    ],
)
def test_merging_tests_of_one_requirement(outcomes: list[Outcome], merged: Outcome) -> None:
    each = [
        ItemOutcome(outcome, f"{outcome}-{n}", 2, 1 if outcome is Outcome.FAILED else 0)
        for n, outcome in enumerate(outcomes)
    ]
    result = merge(each)
    assert result.outcome is merged
    assert result.reason == f"{merged}-{outcomes.index(merged)}"
    assert result.total == 2 * len(outcomes)
    assert result.failed == outcomes.count(Outcome.FAILED)
