"""Our pipeline plays every scenario as the vendor's own does, or as the scenario's stand says.

The traces of the vendor's pipeline are recorded; `tox -e oracles` makes them afresh. README.md tells how a
scenario is written.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from bifrost_oracle import compare, main, render
from bifrost_scenarios import HERE, SCENARIOS, TRACES, Scenario, Table, load, load_all
from bifrost_scripted import play

ALL = load_all()
NATIVE = [scenario for scenario in ALL if scenario.native]
EVERY = [pytest.param(scenario, id=scenario.name) for scenario in ALL]
WITH_STAND = [pytest.param(scenario, id=scenario.name) for scenario in NATIVE if scenario.stand]


def recorded(scenario: Scenario) -> list[Table]:
    trace: list[Table] = json.loads(scenario.trace_path.read_text("utf-8"))
    return trace


def expected(scenario: Scenario) -> list[Table]:
    """Our own trace: the vendor's, but for a stand."""
    return recorded(scenario) if scenario.expect is None else scenario.expect


@pytest.mark.parametrize("scenario", EVERY)
def test_our_pipeline_plays_it(scenario: Scenario) -> None:
    assert render(play(scenario).events) == render(expected(scenario))


@pytest.mark.parametrize("scenario", EVERY)
def test_it_is_told_why_a_hook_was_not_called(scenario: Scenario) -> None:
    played = play(scenario)
    assert played.not_called == scenario.not_called
    assert played.notes == scenario.notes
    if scenario.not_exported is not None:
        assert played.not_exported == scenario.not_exported


@pytest.mark.parametrize("scenario", WITH_STAND)
def test_a_stand_is_still_one(scenario: Scenario) -> None:
    """Where the vendor's trace is the expected one, the stand has gone stale."""
    assert render(recorded(scenario)) != render(expected(scenario))


@pytest.mark.parametrize("scenario", EVERY)
def test_what_differs_from_the_vendor_has_a_reason(scenario: Scenario) -> None:
    assert (scenario.stand is None) == (scenario.expect is None)


def test_each_native_scenario_is_recorded_and_nothing_else() -> None:
    assert {path.stem for path in TRACES.glob("*.json")} == {scenario.name for scenario in NATIVE}
    assert len(NATIVE) > 80


def test_a_misspelt_member_is_refused(tmp_path: Path) -> None:
    text = (SCENARIOS / "order-three-plugins.toml").read_text("utf-8").replace("why", "wyh")
    path = tmp_path / "misspelt.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match="unknown wyh"):
        load(path)


def test_the_comparison_sees_a_difference() -> None:
    scenario = NATIVE[0]
    trace = recorded(scenario)
    assert compare([scenario], {scenario.name: trace}) == []
    assert compare([scenario], {scenario.name: trace[1:]}) != []


def test_without_go_it_says_so_and_compares_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert main([]) == 3
    assert "nothing was compared: go is not installed" in capsys.readouterr().err


def test_the_lock_file_names_hashes_and_no_address() -> None:
    lines = (HERE / "go.sum").read_text("utf-8").splitlines()
    assert lines
    assert [line for line in lines if not re.fullmatch(r"\S+ v\S+ h1:\S+=", line)] == []
    assert "://" not in (HERE / "go.mod").read_text("utf-8")
