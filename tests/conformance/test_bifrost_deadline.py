"""A deadline that fires blames nobody: with fuel for hours, a plugin that does not end could not be judged.

Nor does a limit of the host that lies below the memory with which a plugin starts.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import pytest
from asked import PLAIN
from judged import PACKAGE, engine_named, judge_plugin, new_lab, play, suite_items
from shipped import FAULTY, Shipped

from conformance.judging.records import Outcome
from conformance.judging.terms import make_subject
from conformance.report.model import Verdict
from reference_host.abi.bifrost.plugin import Budget

ENDLESS = [each for each in FAULTY if each.name.endswith("-endless") or each.name == "trap-002-always-pre_hook"]
PATIENT: dict[str, Any] = {"BUDGET": Budget(base=10**15, per_byte=1), "START_FUEL": 10**15, "DEADLINE": 0.2}
"""In place of the suite's own: all the fuel there is, and a fifth of a second."""


@pytest.mark.parametrize("plugin", [pytest.param(each, id=each.name) for each in ENDLESS])
def test_deadline_blames_nobody(plugin: Shipped, monkeypatch: pytest.MonkeyPatch) -> None:
    suite_items()
    for name, module in list(sys.modules.items()):
        if name.startswith(PACKAGE):
            for constant, value in PATIENT.items():
                if hasattr(module, constant):
                    monkeypatch.setattr(module, constant, value)
    assert plugin.breaks is not None
    terms = plugin.terms("quick").selecting(plugin.breaks)
    report = judge_plugin(plugin.path, plugin.binary, terms)
    result = next(each for each in report.results if each.requirement == plugin.breaks)
    assert result.outcome in (Outcome.ERROR, Outcome.NOT_TESTED), result.violations
    assert result.failed == 0
    assert report.verdict is Verdict.COULD_NOT_JUDGE
    assert "deadline" in (result.reason or "")


@pytest.mark.parametrize(
    ("requirement", "outcome"),
    [
        pytest.param("BIFROST-LOAD-002", Outcome.ERROR, id="start-up"),
        pytest.param("BIFROST-LOAD-003", Outcome.NOT_APPLICABLE, id="after start-up"),
        pytest.param("BIFROST-INIT-001", Outcome.NOT_TESTED, id="init"),
        pytest.param("BIFROST-TRAP-001", Outcome.NOT_TESTED, id="hooks"),
    ],
)
def test_memory_limit_blames_nobody(requirement: str, outcome: Outcome) -> None:
    plugin = PLAIN["r2"]
    subject = make_subject(str(plugin.path), plugin.binary, plugin.terms("quick"), "wasmtime")
    lab = new_lab(replace(subject, memory_pages=1), engine_named("wasmtime").compile(plugin.binary))
    judged = [play(item, lab) for item in suite_items() if item.requirement == requirement]
    assert {each.outcome for each in judged} == {outcome}, judged
