"""The wasp suite on the shipped plugins: a faulty one breaks exactly its rule, a conforming one none.

The plain run judges every plugin in the smallest scope that shows its fault, some of every rule at full scope too and
on another engine; `tox -e fixtures` takes all of them everywhere.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from asked import WASP_NAMES, WASP_PLUGINS, WASP_TABLE, asked, report_on, written
from judged import engine_named, failed, judge_plugin, module_of, new_lab, play, suite_items
from shipped import LISTED, Shipped, cases, check, smallest_of_each

from conformance.judging.records import Outcome
from conformance.judging.terms import make_subject
from reference_host.engine.registry import engine_names

WASP = [each for each in LISTED if each.system == "wasp"]
FAULTY = [each for each in WASP if each.breaks is not None]
CONFORMING = [each for each in WASP if each.breaks is None]
QUICK = [each for each in WASP if each.scope == "quick"]
"""Those that show at scope `quick` what there is to see."""
FEW = [each for each in smallest_of_each("breaks", among=FAULTY) if each.scope == "quick"]
"""One of each rule."""
OTHERS = sorted(set(engine_names()) - {"wasmtime"})
WASP_NAMED = {each.name: each for each in WASP}
PATIENT = ("endless", "recursion", "nothing", "ask", "mem-003", "call-002", "page", "long", "unpinned", "string-007")
"""Words of those that use up their fuel or much memory, which takes minutes on an interpreter."""


@pytest.mark.parametrize("plugin", cases(WASP, WASP))
def test_plugin_is_judged_right(plugin: Shipped) -> None:
    check(plugin, plugin.report(plugin.scope))


@pytest.mark.parametrize("plugin", cases(QUICK, [*FEW[::6], *CONFORMING[::12]]))
def test_plugin_is_judged_right_at_full_scope(plugin: Shipped) -> None:
    check(plugin, plugin.report("full"))


@pytest.mark.parametrize(
    ("engine", "plugin"),
    [
        case
        for turn, engine in enumerate(OTHERS)
        for case in cases(
            [each for each in QUICK if each.language == "wat" and not any(word in each.name for word in PATIENT)],
            [*FEW, *CONFORMING[::9]][turn * 4 :: 4 * len(OTHERS)],
            engine,
        )
    ],
)
def test_every_engine_shows_the_same(engine: str, plugin: Shipped) -> None:
    report, other = plugin.report("quick"), plugin.report("quick", engine)
    check(plugin, other)
    assert (other.results, other.warnings, other.verdict) == (report.results, report.warnings, report.verdict)


@pytest.mark.parametrize("plugin", cases(FAULTY, FEW[::4]))
def test_one_rule_alone_is_judged_as_among_all(plugin: Shipped) -> None:
    whole = plugin.report(plugin.scope)
    alone = judge_plugin(plugin.path, plugin.binary, replace(plugin.terms(plugin.scope), only=plugin.breaks))
    mine, theirs = (
        next(each for each in report.results if each.requirement == plugin.breaks) for report in (whole, alone)
    )
    assert (mine.outcome, mine.reason, mine.total, mine.failed) == (
        theirs.outcome,
        theirs.reason,
        theirs.total,
        theirs.failed,
    )


PLAIN = next(each for each in CONFORMING if each.name == "plain")


def test_without_signatures_only_what_holds_for_any_plugin_is_judged() -> None:
    report = replace(PLAIN, functions=None).report("quick")
    assert failed(report) == []
    reasons = {each.requirement: each.reason for each in report.results if each.outcome is Outcome.NOT_TESTED}
    missing = "needs the functions' signatures (--functions)"
    unknown = {identifier for identifier, reason in reasons.items() if reason == missing}
    assert {"WASP-CALL-001", "WASP-EXAMPLE-001", "WASP-OWN-003", "WASP-BYTES-001", "WASP-CALLBACK-001"} <= unknown
    passed = {each.requirement for each in report.results if each.outcome is Outcome.PASSED}
    assert {"WASP-EXPORT-001", "WASP-ALLOC-001", "WASP-FREE-001", "WASP-STRING-001", "WASP-MEM-002"} <= passed


def test_every_rule_is_asked_of_the_plain_plugin() -> None:
    report = PLAIN.report("full")
    silent = {each.requirement: each.reason for each in report.results if each.outcome is not Outcome.PASSED}
    assert silent == {
        "WASP-TYPE-004": "no _initialize is exported",
    } | {identifier: reason for identifier, reason in silent.items() if (reason or "").startswith(("host", "not obs"))}


@pytest.mark.parametrize("name", WASP_NAMES)
def test_each_rule_is_asked_as_the_table_says(name: str) -> None:
    assert asked(report_on(WASP_PLUGINS[name])) == written(WASP_TABLE)[name], "meant? python tests/conformance/asked.py"


def test_a_limit_of_the_hosts_blames_nobody() -> None:
    subject = make_subject(str(PLAIN.path), PLAIN.binary, PLAIN.terms("quick"), "wasmtime")
    lab = new_lab(replace(subject, memory_pages=1), engine_named("wasmtime").compile(PLAIN.binary))
    told = {item.requirement: play(item, lab).outcome for item in suite_items("wasp") if item.requirement in TRIED}
    assert set(told.values()) == {Outcome.NOT_TESTED}


TRIED = ("WASP-START-001", "WASP-ALLOC-001", "WASP-STRING-001", "WASP-OWN-003", "WASP-CALL-001", "WASP-MEM-003")
"""Rules for which something has to run."""


@pytest.mark.parametrize("name", ["call-002-endless", "start-001-endless", "string-007-empty", "alloc-005-endless"])
def test_a_deadline_blames_nobody(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = next(each for each in FAULTY if each.name == name)
    assert plugin.breaks is not None
    monkeypatch.setattr(module_of("wasp", "loading"), "DEADLINE", 0.2)
    monkeypatch.setattr(module_of("wasp", "loading"), "START_FUEL", 10**15)
    for room in ("lab", "talk", "holding", "edges", "sizes", "ownership"):
        monkeypatch.setattr(module_of("wasp", room), "call_fuel", lambda size, memory: 10**15)
    report = judge_plugin(plugin.path, plugin.binary, plugin.terms("quick").selecting(plugin.breaks))
    assert failed(report) == []
    result = next(each for each in report.results if each.requirement == plugin.breaks)
    assert result.outcome in (Outcome.ERROR, Outcome.NOT_TESTED)
    assert "deadline" in (result.reason or "")


@pytest.mark.parametrize("name", ["plain", "unknown", "own-003-late-hello", "call-002-endless", "alloc-003-ring"])
def test_no_result_depends_on_the_order_of_tests(name: str) -> None:
    plugin = WASP_NAMED[name]
    numbers = list(range(len(suite_items("wasp"))))
    orders = [numbers, numbers[::-1], Random(11).sample(numbers, len(numbers))]
    reports = [judge_plugin(plugin.path, plugin.binary, plugin.terms("quick"), order=order) for order in orders]
    assert reports[1].results == reports[0].results
    assert reports[2].results == reports[0].results
