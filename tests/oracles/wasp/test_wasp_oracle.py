"""Our host plays every scenario as the real wasp host did, or as the scenario's stands say.

What the real host did is recorded; `tox -e oracles` asks it afresh. README.md tells how a scenario is written.
"""

from __future__ import annotations

import re
from copy import deepcopy
from pathlib import Path

import pytest
from wasp_expected import RULES, Unknown, expected, word
from wasp_fixtures import fixtures, known
from wasp_oracle import compare, main
from wasp_ours import play
from wasp_scenarios import HERE, Scenario, authors, load, load_all, records, stands

from conformance.catalogue import load_catalogue
from conformance.resources import Resource, find
from reference_host.abi.wasp import Profile

ALL = load_all()
RECORDS = records()
STANDS = stands()
OURS = [scenario for scenario in ALL if scenario.authors is None and scenario.real_only is None]
EVERY = [pytest.param(scenario, id=scenario.name) for scenario in OURS]
DIFFERENCES = [
    pytest.param(scenario, member, index, id=f"{scenario.name}-{member}-{index}")
    for scenario in OURS
    for member in ("stands", "differs")
    for index in range(len(scenario.table.get(member, [])))
]


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("scenario", EVERY)
def test_our_host_plays_it(scenario: Scenario, profile: Profile) -> None:
    assert play(scenario, profile, scenario.wasm()) == expected(scenario, RECORDS[scenario.name], profile)


@pytest.mark.parametrize(("scenario", "member", "index"), DIFFERENCES)
def test_a_difference_is_still_one(scenario: Scenario, member: str, index: int) -> None:
    """Where nothing changes without it, it has gone stale."""
    less = scenario.without(member, index)
    record = RECORDS[scenario.name]
    assert [expected(less, record, one) for one in Profile] != [expected(scenario, record, one) for one in Profile]


@pytest.mark.parametrize("scenario", EVERY)
def test_what_differs_names_a_stand(scenario: Scenario) -> None:
    assert [name for name in scenario.stands if name not in RULES or name not in STANDS] == []
    for difference in scenario.differs:
        stand = STANDS[difference["stand"]]
        assert difference.get("in") == ["default"] or stand.get("also_in_the_profile")


def test_each_stand_is_needed_and_says_where_it_comes_from() -> None:
    named = {difference["stand"] for scenario in ALL for difference in scenario.differs}
    named |= {name for scenario in ALL for name in scenario.stands}
    named |= {name for functions in known().values() for name in functions.values()}
    assert named == set(STANDS)
    in_the_profile = {one["stand"] for each in ALL for one in each.differs if one.get("in") != ["default"]}
    in_the_profile |= {name for functions in known().values() for name in functions.values()}
    assert in_the_profile == {name for name, stand in STANDS.items() if stand.get("also_in_the_profile")}
    ids = {one.id for one in load_catalogue(find(Resource.CATALOGUES) / "wasp.toml").requirements}
    assert [one for stand in STANDS.values() for one in stand["requirements"] if one not in ids] == []


def test_each_scenario_is_recorded_and_nothing_else() -> None:
    names = [scenario.name for scenario in ALL]
    assert sorted(names) == sorted(RECORDS)
    assert len(names) > 170


def test_the_authors_plugins_are_named_and_not_copied() -> None:
    assert {scenario.authors for scenario in ALL if scenario.authors} == set(authors())
    assert list(HERE.rglob("*.wasm")) == []


def test_shipped_plugins_that_differ_are_shipped() -> None:
    shipped = {one.name: {call["function"] for call in one.script["calls"]} for one in fixtures()}
    assert len(shipped) > 200
    for path, functions in known().items():
        assert functions.keys() <= shipped[path]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param('[a]\nwyh = ""', "a: unknown wyh", id="of-a-scenario"),
        pytest.param('[a]\ncalls = [{ function = "f", retruns = "i32" }]', "a: unknown retruns", id="of-a-call"),
        pytest.param('[a]\ndiffers = [{ stnad = "x" }]', "a: unknown stnad", id="of-a-difference"),
    ],
)
def test_a_misspelt_member_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "misspelt.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=message):
        list(load(path))


@pytest.mark.parametrize("line", ['without = ["tail"]', 'parts = { tail = "" }'])
def test_a_part_that_the_guest_does_not_have_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(f"[a]\n{line}", "utf-8")
    (scenario,) = load(path)
    with pytest.raises(ValueError, match="there is no such part"):
        scenario.wasm()


def test_the_comparison_sees_a_difference() -> None:
    fresh = deepcopy(RECORDS)
    assert compare(RECORDS, fresh) == []
    fresh["string"]["calls"][0]["guest"][-1][-1] += 1
    (difference,) = compare(RECORDS, fresh)
    assert "string recorded" in difference


def test_a_failure_that_no_pattern_knows_is_refused() -> None:
    with pytest.raises(Unknown):
        word({"class": "*xerrors.wrapError", "error": "something new"})


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
