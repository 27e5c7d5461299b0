"""The benchmarks run and say what they measured; how fast anything is, no test claims."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import guests, peers, profile, tables
from benchmarks.__main__ import main
from benchmarks.guests import PeerMissing, Unfit, contenders
from benchmarks.measuring import MINIMUM, Measurement, measure
from benchmarks.processes import first_hook
from benchmarks.workloads import (
    GROUPS,
    WORKLOADS,
    Disagreement,
    Prepared,
    _agree,
    _on_guests,
    _steady,
    sample_path,
    small,
)

BY_HAND = "wasmtime-py"
WASMTIME = [BY_HAND, "wasmtime plain", "wasmtime fast", "wasmtime fast, no limits"]
PUREPY = ["purepy guard", "purepy exact", "purepy portable", "purepy portable, exact"]


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKPROOF_CACHE", "off")  # the command sets it for itself


@pytest.mark.parametrize(
    "workload", ["hook", "int", "string", "new-int", "new-string", "new-hook", "fib", "copy", "float", "instantiate"]
)
def test_all_contenders_answer_the_same(workload: str) -> None:
    assert list(WORKLOADS[workload]().operations)[:9] == [*WASMTIME, *PUREPY, "pywasm"]


def test_contenders_that_answer_differently_are_not_compared() -> None:
    with pytest.raises(Disagreement, match=r"one.*two"):
        _agree({"one": lambda: 1, "two": lambda: 2})


def test_every_sample_plugin_is_measured_through_the_host_on_every_engine() -> None:
    hosts = {name.removeprefix("host-") for name in WORKLOADS if name.startswith("host-")}
    assert hosts >= {"word-guard", "audit-mark"}
    assert list(WORKLOADS["host-word-guard"]().operations) == [
        "wasmtime plain",
        "wasmtime fast",
        "purepy",
        "purepy portable",
        "pywasm",
    ]


def test_no_contender_finds_a_module_compiled() -> None:
    seen = []

    def compile_(binary: bytes) -> guests.Fresh:
        seen.append(binary)
        raise AssertionError("only compiled")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.workloads.contenders", lambda: ([guests.Contender("one", compile_)], []))
        with pytest.raises(AssertionError, match="only compiled"):
            WORKLOADS["compile"]()
    operations = WORKLOADS["compile"]().operations
    assert [*operations] == [*WASMTIME[:3], "purepy guard", "purepy portable", "pywasm"]
    assert operations["purepy guard"]() is not operations["purepy guard"]()


@pytest.mark.parametrize("warm", [False, True], ids=["cold", "warm"])
def test_the_first_hook_is_timed_in_a_process_of_its_own(*, warm: bool) -> None:
    prepared = WORKLOADS[f"first-hook-{'warm' if warm else 'cold'}"]()
    assert prepared.timed
    assert ("pywasm" in prepared.operations) is not warm
    assert 0 < first_hook("purepy guard", warm=warm) < 60


def test_a_peer_that_is_not_installed_costs_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> guests.Compile:
        raise PeerMissing("ppci: not installed (pip install ppci)")

    monkeypatch.setattr(peers, "ppci", missing)
    found, lines = contenders()
    assert [each.name for each in found] == [*WASMTIME, *PUREPY, "pywasm"]
    assert lines == ["ppci: not installed (pip install ppci)"]


def test_what_a_contender_cannot_run_costs_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def unfit(binary: bytes) -> guests.Fresh:
        raise Unfit("it knows no such opcode")

    monkeypatch.setattr("benchmarks.workloads.contenders", lambda: ([guests.Contender("old", unfit)], []))
    prepared = _on_guests(small, _steady, lambda guest: 0)
    assert (prepared.operations, prepared.unfit) == ({}, ["it knows no such opcode"])


def test_contenders_take_turns_until_each_had_its_time() -> None:
    turns: list[str] = []
    first, second = measure("w", {"a": lambda: turns.append("a"), "b": lambda: turns.append("b")}, 0.002)
    assert (first.contender, first.ratio) == ("a", 1)
    assert second.ratio == pytest.approx(first.median / second.median)
    for one in (first, second):
        assert one.batches >= MINIMUM
        assert one.fastest <= one.median
        assert one.operations >= one.batches
    assert re.search("a+b+a+b+a", "".join(turns)), "one after the other, and never again"


def test_an_operation_can_say_what_it_took() -> None:
    (found,) = measure("w", {"a": lambda: 3.0}, 0.0, timed=True)
    assert (found.median, found.fastest, found.spread) == (3, 3, 0)


def test_the_summary_has_medians_spreads_and_ratios() -> None:
    def measured(contender: str, median: float) -> Measurement:
        return Measurement("hook", contender, median, median / 10, median, 5, 5, 1)

    found = [measured("wasmtime plain", 12e-5), measured("wasmtime fast", 1e-5), measured("pywasm", 0.15)]
    head, _, line = tables.summary([*found, measured("purepy guard", 0.0005)]).split("\n")
    cells = dict(zip(head.split(" | "), line.split(" | "), strict=True))
    assert cells["wasmtime fast"] == "10 us ±10%"
    assert (cells["fast : plain"], cells["guard : pywasm"], cells["exact : pywasm"]) == ("12", "300", "")


def test_the_summary_has_a_table_of_its_own_for_wasp() -> None:
    def measured(workload: str, contender: str, median: float) -> Measurement:
        return Measurement(workload, contender, median, median / 10, median, 5, 5, 1)

    found = [measured("hook", "wasmtime fast", 1e-5), measured("wasp-int", "wasp Singlepass", 2e-6)]
    engines, hosts = tables.summary([*found, measured("wasp-int", "wasmtime fast", 1e-6)]).split("\n\n")
    assert "`wasp-int`" not in engines
    head, _, line = hosts.split("\n")
    cells = dict(zip(head.split(" | "), line.split(" | "), strict=True))
    assert (cells["| workload"], cells["wasmtime fast"], cells["fast : Singlepass"]) == (
        "| `wasp-int`",
        "1 us ±10%",
        "2",
    )


def test_workloads_may_be_asked_for_by_group(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def unfit(name: str) -> Prepared:
        asked.append(name)
        return Prepared({}, ["nobody is here"])

    for name in WORKLOADS:
        monkeypatch.setitem(WORKLOADS, name, partial(unfit, name))
    done = CliRunner().invoke(main, ["--only", "wasp"])
    assert done.exit_code == 0, done.output
    assert asked == GROUPS["wasp"]
    assert "left out of wasp-int: nobody is here" in done.output


def test_the_command_prints_tables_and_writes_json(tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    done = CliRunner().invoke(main, ["--only", "int", "--seconds", "0.001", "--json", str(path)])
    assert done.exit_code == 0, done.output
    assert "| int | median | spread | fastest | times as fast | as pywasm |\n" in done.output
    assert "\n| `int` | " in done.output
    found = json.loads(path.read_text())
    assert {one["workload"] for one in found["measurements"]} == {"int"}
    assert next(one["contender"] for one in found["measurements"]) == BY_HAND
    where = {"date", "python", "versions", "machine", "processor", "cores", "load"}
    assert found["circumstances"].keys() == where


def test_the_profile_names_wasm_functions(tmp_path: Path) -> None:
    sent = tmp_path / "sent.json"
    sent.write_text('{"context": {}, "request": {}}')
    plugin = str(sample_path())
    done = CliRunner().invoke(profile.main, [plugin, "pre_hook", str(sent), "--calls", "2", "--top", "5"])
    assert done.exit_code == 0, done.output
    head, _, *lines, empty, last = done.output.splitlines()
    assert (head[:11], empty, len(lines)) == ("| function ", "", 5)
    assert any(re.match(r"\| f\d+ \| \d+\.\d % \| \d+\.\d \|", line) for line in lines)
    assert last.startswith("2 calls of pre_hook, ")
