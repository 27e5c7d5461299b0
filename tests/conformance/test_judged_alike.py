"""A plugin is judged alike: a second time, in any order, in several processes, and with or without pytest.

Reports are compared byte for byte, in both their forms, with times left out. That every engine shows the same is in
`test_bifrost_fixtures`.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from judged import catalogue, judge_plugin, suite_items
from shipped import FAULTY, SHIPPED, Shipped

from conformance.judging.terms import Terms
from conformance.report.jsonform import dumps, loads
from conformance.report.junit import junit
from conformance.report.model import Report, Timings


def _spread(plugins: list[Shipped], number: int) -> list[Shipped]:
    """So many of them, from all over the list."""
    return plugins[:: -(-len(plugins) // number)]


SEVERAL = _spread([each for each in SHIPPED if (each.revision, each.config, each.scope) == ("r2", None, "quick")], 8)
"""Plugins of every kind that can be judged in one run of pytest."""
NAMES = [each.name for each in SEVERAL]
RUDE = _spread(
    [each for each in FAULTY if each.breaks in ("BIFROST-TRAP-001", "BIFROST-TRAP-002", "BIFROST-OWN-003")], 8
)
"""Plugins that behave worst towards what comes after: they trap, they do not end, they free what is not theirs."""

SHUFFLE = """
import random

def pytest_collection_modifyitems(items):
    draw = random.Random(7)
    # Plugins stay together: pytest would make a new lab whenever the next test is about another one.
    items.sort(key=lambda item: (-item.callspec.params["subject"], draw.random()))
"""


def timeless(report: Report) -> bytes:
    """Both forms of a report, without times."""
    still = replace(report, timings=Timings("2026-01-01T00:00:00Z", 0.0))
    return dumps(still).encode() + junit(still, catalogue())


def by_pytest(plugins: list[Shipped], folder: Path, *options: str) -> dict[str, Report]:
    """Judge plugins in one run of pytest: the reports by name."""
    reports = folder / "reports"
    reports.mkdir()
    command = [sys.executable, "-m", "pytest", "--pyargs", "conformance.suites", "-p", "no:cacheprovider", "-q"]
    command += ["--quick", "--revision", "r2", "--hookproof-json", str(reports), *options]
    for each in plugins:
        command += ["--plugin", str(each.path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, cwd=folder)
    written = {path.stem.partition("-")[2]: loads(path.read_bytes()) for path in reports.iterdir()}
    assert len(written) == len(plugins), done.stdout[-2_000:] + done.stderr[-2_000:]
    return written


@pytest.fixture(scope="module")
def straight() -> dict[str, Report]:
    """The reports of this process, one test after the other."""
    return {each.name: each.report("quick") for each in SEVERAL}


@pytest.mark.parametrize("name", NAMES)
def test_same_report_twice(name: str, straight: dict[str, Report]) -> None:
    again = next(each for each in SEVERAL if each.name == name).report("quick")
    assert dumps(again) == dumps(straight[name])
    assert junit(again, catalogue()) == junit(straight[name], catalogue())


@pytest.mark.parametrize(
    "options",
    [
        pytest.param((), id="one-process"),
        pytest.param(("-n", "2"), id="two-processes"),
        pytest.param(("-p", "shuffled"), id="any-order"),
    ],
)
def test_same_report_from_pytest(
    options: tuple[str, ...], straight: dict[str, Report], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shuffled.py").write_text(SHUFFLE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    reports = by_pytest(SEVERAL, tmp_path, *options)
    assert {name: timeless(report) for name, report in reports.items()} == {
        name: timeless(report) for name, report in straight.items()
    }


def test_same_report_from_the_command(straight: dict[str, Report], tmp_path: Path) -> None:
    plugin = next(each for each in SEVERAL if each.breaks is not None)
    forms = {form: tmp_path / f"report.{form}" for form in ("json", "junit")}
    written = [word for form, path in forms.items() for word in (f"--{form}", str(path))]
    command = [
        sys.executable,
        "-m",
        "conformance",
        "certify",
        str(plugin.path),
        "--quick",
        "--revision",
        "r2",
        *written,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    report = loads(forms["json"].read_bytes())
    assert timeless(report) == timeless(straight[plugin.name]), done.stderr
    assert forms["junit"].read_bytes() == junit(report, catalogue())


@pytest.mark.parametrize("plugin", [pytest.param(each, id=each.name) for each in [*SEVERAL[::3], *RUDE]])
def test_no_result_depends_on_the_order_of_tests(plugin: Shipped) -> None:
    terms = plugin.terms("quick")
    numbers = list(range(len(suite_items())))
    orders = [numbers, numbers[::-1], random.Random(11).sample(numbers, len(numbers))]
    reports = [judge_plugin(plugin.path, plugin.binary, terms, order=order) for order in orders]
    assert len({timeless(report) for report in reports}) == 1


@pytest.mark.parametrize("plugin", [pytest.param(each, id=each.name) for each in _spread(FAULTY, 6)])
def test_one_rule_alone_is_judged_as_among_all(plugin: Shipped) -> None:
    assert plugin.breaks is not None
    whole = plugin.report(plugin.scope)
    alone = judge_plugin(plugin.path, plugin.binary, replace(plugin.terms(plugin.scope), only=plugin.breaks))
    found = [json.loads(dumps(report)) for report in (whole, alone)]
    results = [next(each for each in report["results"] if each["requirement"] == plugin.breaks) for report in found]
    assert results[0] == results[1]


def test_another_seed_is_another_conversation() -> None:
    plugin = SEVERAL[0]
    reports = [judge_plugin(plugin.path, plugin.binary, Terms(revision="r2", quick=True, seed=seed)) for seed in (1, 2)]
    assert reports[0].provenance.seed != reports[1].provenance.seed
    assert [each.outcome for each in reports[0].results] == [each.outcome for each in reports[1].results]
