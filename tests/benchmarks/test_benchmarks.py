"""The benchmarks run and say what they measured; how fast anything is, no test claims."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.__main__ import main
from benchmarks.guests import BY_HAND
from benchmarks.measuring import MINIMUM, measure
from benchmarks.workloads import WORKLOADS, Disagreement, _agree


@pytest.mark.parametrize("workload", ["hook", "int", "string", "new-int", "new-string", "fib"])
def test_all_contenders_answer_the_same(workload: str) -> None:
    operations = WORKLOADS[workload]()
    assert list(operations)[:4] == [BY_HAND, "wasmtime plain", "wasmtime fast", "wasmtime fast, no limits"]


def test_contenders_that_answer_differently_are_not_compared() -> None:
    with pytest.raises(Disagreement, match=r"one.*two"):
        _agree({"one": lambda: 1, "two": lambda: 2})


def test_every_sample_plugin_is_measured_through_the_host() -> None:
    assert {name.removeprefix("host-") for name in WORKLOADS if name.startswith("host-")} >= {
        "word-guard",
        "audit-mark",
    }


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


def test_the_command_prints_a_table_and_writes_json(tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    done = CliRunner().invoke(main, ["--only", "int", "--seconds", "0.001", "--json", str(path)])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("| int | median | spread | fastest | times as fast |\n")
    found = json.loads(path.read_text())
    assert {one["workload"] for one in found["measurements"]} == {"int"}
    assert next(one["contender"] for one in found["measurements"]) == BY_HAND
    assert found["circumstances"].keys() == {"date", "python", "wasmtime", "machine", "cores", "load"}
