"""Plugins of random but legal choices come out clean; with one fault they break the one rule that it breaks.

The examples are the same in every run. The plain run judges a few of them, `tox -e fixtures` many.
"""

from __future__ import annotations

import pytest
from generated import Choices, Fault, assemble, choices, compiled, faults, faulty, text_of
from hypothesis import HealthCheck, given, note, settings
from judged import catalogue, failed, judge_plugin

from conformance.judging.terms import Terms
from conformance.report.model import Verdict
from reference_host.abi.interface import Given

EXAMPLES = [
    pytest.param(True, 40, id="a-few"),
    pytest.param(True, 1_000, id="many", marks=pytest.mark.exhaustive),
    pytest.param(False, 3, id="a-few-at-full-scope"),
    pytest.param(False, 60, id="many-at-full-scope", marks=pytest.mark.exhaustive),
]


def examples(number: int) -> settings:
    """So many examples, the same in every run."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=slow,
        print_blob=False,
    )


def judged(chosen: Choices, quick: bool, *added: Fault) -> tuple[list[str], Verdict]:
    """Judge a generated plugin: what it breaks, and the verdict."""
    text = text_of(assemble(chosen, *(fault.pieces(chosen) for fault in added)))
    note(text)
    config = next((fault.config for fault in added), None)
    report = judge_plugin(
        "random.wasm", compiled(text), Terms(revision=chosen.revision, quick=quick, given=Given(config=config))
    )
    for result in report.results:
        note(f"{result.requirement} {result.outcome} {result.reason or ''} {result.violations[:1] or ''}")
    return failed(report), report.verdict


@pytest.mark.parametrize(("quick", "number"), EXAMPLES)
def test_legal_choices_come_out_clean(quick: bool, number: int) -> None:
    @examples(number)
    @given(choices())
    def clean(chosen: Choices) -> None:
        broken, verdict = judged(chosen, quick)
        # Nothing is taken back: that is a warning, which shows over thousands of calls.
        assert broken == (["BIFROST-MEM-002"] if chosen.allocator == "never" and not quick else [])
        assert verdict is Verdict.CONFORMS

    clean()


@pytest.mark.parametrize(("quick", "number"), EXAMPLES)
def test_one_fault_breaks_one_rule(quick: bool, number: int) -> None:
    @examples(number)
    @given(faulty())
    def blamed(drawn: tuple[Choices, Fault]) -> None:
        chosen, fault = drawn
        broken, _ = judged(chosen, quick, fault)
        implied = (*catalogue().get(fault.breaks).implied, "BIFROST-MEM-002")
        assert [each for each in broken if each not in implied] == [fault.breaks]

    blamed()


def test_faults_are_of_many_rules_and_of_every_revision() -> None:
    ids = {fault.breaks for fault in faults()}
    assert len(ids) >= 40
    assert ids <= {entry.id for entry in catalogue().requirements}
    assert {revision for fault in faults() for revision in fault.revisions} == {"r0", "r1", "r1b", "r2"}
