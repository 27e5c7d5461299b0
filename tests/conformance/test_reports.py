"""The report: one model, a published schema, JUnit as CI systems read it, and nothing hostile in any of its forms."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from jsonschema import Draft202012Validator
from toys import Done, Plugins, toy_wasm

from conformance.catalogue import Level
from conformance.errors import ReportError
from conformance.judging.records import Outcome
from conformance.report.jsonform import dumps, loads, of_json, schema, to_json
from conformance.report.junit import junit
from conformance.report.model import Result, Verdict, judge_results
from conformance.report.terminal import make_console, render

Command = Callable[..., Done]

MEMBERS = [
    "schema_version", "suite", "subject", "scope", "profile", "verdict", "results", "warnings", "engine", "provenance",
    "timings",
]  # fmt: skip
SAME_ON_EVERY_ENGINE = ("subject", "scope", "profile", "verdict", "results", "warnings")


def report(hookproof: Command, plugins: Plugins, path: Path, *options: str) -> dict[str, Any]:
    hookproof("certify", path.name, "--json", "report.json", *options)
    document: dict[str, Any] = json.loads((plugins.folder / "report.json").read_text())
    return document


# -- JSON


def test_the_members_are_those_of_the_contract(hookproof: Command, plugins: Plugins) -> None:
    document = report(hookproof, plugins, plugins.bad())
    assert list(document) == MEMBERS
    result = document["results"][0]
    assert list(result) == ["requirement", "level", "outcome", "reason", "cases", "violations"]
    assert result["cases"] == {"total": 64, "failed": 64}
    assert len(result["violations"]) == 10
    assert result["violations"][0] == {
        "case": "toy_add/few/0",
        "export": "toy_add",
        "arguments": [2, 3],
        "pointer": 2,
        "length": 3,
        "expected": "5",
        "got": "4294967295",
        "hint": "add, and let the sum wrap around",
        "reproduce": "hookproof certify bad.wasm --only 'TOY-ADD-001[toy_add/few/0]'",
    }


def test_one_result_a_requirement_in_the_order_of_the_catalogue(hookproof: Command, plugins: Plugins) -> None:
    results = {each["requirement"]: each for each in report(hookproof, plugins, plugins.bad())["results"]}
    assert {identifier: (each["outcome"], each["reason"]) for identifier, each in results.items()} == {
        "TOY-ADD-001": ("failed", None),
        "TOY-ADD-002": ("passed", None),
        "TOY-ADD-003": ("passed", None),
        "TOY-SUB-001": ("not-applicable", "applies to v2, the plugin is v1"),
        "TOY-MEM-001": ("not-applicable", "needs an exported memory"),
        "TOY-TROUBLE-001": ("passed", None),
        "TOY-TEXT-001": ("passed", None),
        "TOY-SILENT-001": ("not-tested", "no case reached this rule"),
        "TOY-UNSEEN-001": ("not-tested", "not observable: no export tells"),
    }


@pytest.mark.parametrize("make", ["good", "bad", "warned"])
def test_a_report_comes_back_from_its_json(hookproof: Command, plugins: Plugins, make: str) -> None:
    document = report(hookproof, plugins, getattr(plugins, make)())
    text = (plugins.folder / "report.json").read_text()
    assert dumps(loads(text)) == text
    assert to_json(of_json(document)) == document


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(schema())
    assert schema()["required"] == MEMBERS
    assert schema()["additionalProperties"] is False


def _change(document: dict[str, Any], path: str, value: object) -> None:
    *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    place: Any = document
    for part in way:
        place = place[part]
    if value is ...:
        del place[last]
    else:
        place[last] = value


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("verdict", "perhaps", id="another verdict"),
        pytest.param("verdict", ..., id="no verdict"),
        pytest.param("schema_version", 2, id="another version"),
        pytest.param("more", 1, id="an unknown member"),
        pytest.param("subject/sha256", "abc", id="no digest"),
        pytest.param("subject/more", 1, id="an unknown member below"),
        pytest.param("results/0/outcome", "skipped", id="another outcome"),
        pytest.param("results/0/level", "must", id="another level"),
        pytest.param("results/0/cases/failed", 0, id="failed without a failed case"),
        pytest.param("results/0/violations", [], id="failed without a violation"),
        pytest.param("results/0/violations/0/pointer", -1, id="a signed pointer"),
        pytest.param("results/0/violations/0/reproduce", ..., id="no command"),
        pytest.param("results/1/cases/failed", 1, id="passed with a failed case"),
        pytest.param("results/3/reason", None, id="not applicable without a reason"),
        pytest.param("timings/started", "yesterday", id="no time"),
    ],
)
def test_what_breaks_the_schema_is_not_read(hookproof: Command, plugins: Plugins, path: str, value: object) -> None:
    document = report(hookproof, plugins, plugins.bad())
    _change(document, path, value)
    with pytest.raises(ReportError):
        loads(json.dumps(document))


@pytest.mark.parametrize("text", ["", "[]", "{", "{}", "null"])
def test_what_is_no_report_is_not_read(text: str) -> None:
    with pytest.raises(ReportError):
        loads(text)


def test_what_breaks_the_schema_is_not_written(hookproof: Command, plugins: Plugins) -> None:
    made = of_json(report(hookproof, plugins, plugins.good()))
    with pytest.raises(ReportError, match="perhaps"):
        dumps(replace(made, scope="perhaps"))


# -- the verdict


def result(level: Level, outcome: Outcome) -> Result:
    return Result("X-001", level, outcome, "r", 1, 0)


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        pytest.param([], Verdict.COULD_NOT_JUDGE, id="nothing"),
        pytest.param([("MUST", "passed")], Verdict.CONFORMS, id="passed"),
        pytest.param([("MUST", "failed"), ("MUST", "passed")], Verdict.DOES_NOT_CONFORM, id="a broken MUST"),
        pytest.param([("SHOULD", "failed")], Verdict.CONFORMS, id="a broken SHOULD"),
        pytest.param([("MAY", "failed")], Verdict.CONFORMS, id="a MAY"),
        pytest.param([("MUST", "passed"), ("MUST", "error")], Verdict.COULD_NOT_JUDGE, id="an error"),
        pytest.param([("MUST", "passed"), ("SHOULD", "error")], Verdict.COULD_NOT_JUDGE, id="an error of a SHOULD"),
        pytest.param(
            [("MUST", "failed"), ("MUST", "error")], Verdict.DOES_NOT_CONFORM, id="a broken MUST and an error"
        ),
        pytest.param([("SHOULD", "failed"), ("MUST", "error")], Verdict.COULD_NOT_JUDGE, id="a warning and an error"),
        pytest.param([("MUST", "not-tested"), ("MUST", "not-applicable")], Verdict.COULD_NOT_JUDGE, id="nothing ran"),
    ],
)
def test_verdict(results: list[tuple[str, str]], verdict: Verdict) -> None:
    assert judge_results(tuple(result(Level(level), Outcome(outcome)) for level, outcome in results)) is verdict


# -- the same from every engine, every number of processes, every run


@pytest.mark.parametrize("make", ["good", "bad", "warned"])
def test_two_engines_give_the_same_bytes(hookproof: Command, plugins: Plugins, make: str) -> None:
    path = getattr(plugins, make)()
    one, other = (report(hookproof, plugins, path, "--quick", "--engine", name) for name in ("wasmtime", "pywasm"))
    assert [json.dumps(one[name]) for name in SAME_ON_EVERY_ENGINE] == [
        json.dumps(other[name]) for name in SAME_ON_EVERY_ENGINE
    ]
    assert (one["engine"]["name"], other["engine"]["name"]) == ("wasmtime", "pywasm")
    assert one["provenance"] == other["provenance"]


def test_the_report_says_why_an_engine_ran(hookproof: Command, plugins: Plugins) -> None:
    path = plugins.good()
    asked, preferred = (report(hookproof, plugins, path, *more) for more in (("--engine", "wasmtime"), ()))
    assert (asked["engine"]["reason"], preferred["engine"]["reason"]) == ("asked for", "preferred")
    texts = []
    for reason in ("preferred", "engine first needs the package first: pip install first"):
        page = StringIO()
        render(of_json(preferred | {"engine": preferred["engine"] | {"reason": reason}}), None, make_console(page))
        texts.append(page.getvalue())
    assert "because" not in texts[0]
    assert "  because   engine first needs the package first: pip install first\n" in texts[1]


def test_the_number_of_processes_changes_nothing(hookproof: Command, plugins: Plugins) -> None:
    path = plugins.bad()
    texts = []
    for processes in ("0", "1", "2"):
        document = report(hookproof, plugins, path, "-n", processes)
        del document["timings"]
        texts.append(json.dumps(document))
    assert texts[0] == texts[1] == texts[2]


def test_terms_and_provenance(hookproof: Command, plugins: Plugins) -> None:
    (plugins.folder / "c.json").write_text("{}")
    options = (
        "--quick",
        "--seed",
        "7",
        "--shape",
        "terse",
        "--max-memory",
        "32MiB",
        "--max-input",
        "64KiB",
        "--config",
        "c.json",
    )
    document = report(hookproof, plugins, plugins.good(), "--profile", "lenient", "--revision", "v1", *options)
    assert (document["scope"], document["profile"], document["subject"]["revision"]) == ("quick", "lenient", "v1")
    provenance = document["provenance"]
    assert provenance["seed"] == 7
    assert provenance["shapes"] == ["terse"]
    assert (provenance["memory_pages"], provenance["max_input"]) == (512, 65_536)
    assert provenance["config"] == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert shlex.split(provenance["command"]) == [
        "hookproof", "certify", "good.wasm", "--quick", "--profile", "lenient", "--shape", "terse",
        "--revision", "v1", "--config", "c.json", "--max-memory", "32MiB", "--max-input", "64KiB",
        "--seed", "7",
    ]  # fmt: skip


# -- seen again


@pytest.mark.parametrize("make", ["bad", "warned"])
def test_each_printed_command_shows_the_same_violation_again(hookproof: Command, plugins: Plugins, make: str) -> None:
    path = getattr(plugins, make)().rename(plugins.folder / "it's a plugin.wasm")
    for result in report(hookproof, plugins, path, "--seed", "7")["results"]:
        for violation in result["violations"][:3]:
            program, *arguments = shlex.split(violation["reproduce"])
            assert program == "hookproof"
            done = hookproof(*arguments, "--json", "again.json")
            assert done.code == (1 if result["level"] == "MUST" else 0)
            again = json.loads((plugins.folder / "again.json").read_text())
            (seen,) = [each for each in again["results"] if each["requirement"] == result["requirement"]]
            assert seen["violations"] == [violation]
            others = {each["outcome"] for each in again["results"] if each is not seen}
            assert others == {"not-tested", "not-applicable"}
            assert f"in what was asked for: {path.name}" in done.out


# -- JUnit


def test_junit(hookproof: Command, plugins: Plugins) -> None:
    plugins.add("p.wasm", toy_wasm("trouble_raise", adds="i32.sub i32.const 1 i32.add"))
    hookproof("certify", "p.wasm", "--junit", "r.xml")
    root = ElementTree.parse(plugins.folder / "r.xml").getroot()
    assert root.tag == "testsuites"
    (suite,) = root
    cases = {case.get("name"): case for case in suite.findall("testcase")}
    assert len(cases) == 9
    for element in (root, suite):
        numbers = [element.get(name) for name in ("tests", "failures", "errors", "skipped")]
        assert numbers == ["9", "1", "1", "4"]
    failure = cases["TOY-ADD-001"].find("failure")
    assert failure is not None
    assert failure.get("message") == "toy_add answers the sum of its arguments, modulo 2^32."
    assert "again     hookproof certify p.wasm --only 'TOY-ADD-001[toy_add/few/0]'" in (failure.text or "")
    assert cases["TOY-ADD-002"].find("failure") is None
    assert "SHOULD, not a failure" in (cases["TOY-ADD-002"].findtext("system-out") or "")
    assert cases["TOY-TROUBLE-001"].find("error") is not None
    skipped = cases["TOY-SUB-001"].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "not-applicable: applies to v2, the plugin is v1"
    assert all(float(case.get("time", "")) >= 0 for case in cases.values())
    assert suite.find("properties/property[@name='verdict']") is not None


def test_junit_is_never_green_without_a_verdict(hookproof: Command, plugins: Plugins) -> None:
    made = of_json(report(hookproof, plugins, plugins.good()))
    silent = tuple(replace(each, outcome=Outcome.NOT_TESTED, reason="why") for each in made.results)
    nothing = replace(made, results=silent, verdict=Verdict.COULD_NOT_JUDGE)
    root = ElementTree.fromstring(junit(nothing, None))
    assert root.get("errors") == "1"
    assert root.find("testsuite/testcase[@name='verdict']/error") is not None


# -- hostile plugins


HOSTILE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff\ufffe\uffff]")


def test_hostile_text_is_harmless_in_every_form(hookproof: Command, plugins: Plugins) -> None:
    name = "\x1b[31m[bold]\u202e<&\n.wasm"
    plugins.add(name, toy_wasm("hostile"))
    done = hookproof("certify", name, "--json", "r.json", "--junit", "r.xml")
    assert done.code == 1
    assert not HOSTILE.search(done.out)
    assert "[bold]markup[/bold]" in done.out
    assert len(done.out) < 40_000
    raw = (plugins.folder / "r.json").read_text()
    assert raw.isascii()
    document = json.loads(raw)
    texts = json.dumps(document, ensure_ascii=False)
    assert not HOSTILE.search(texts.replace("\\n", ""))
    assert len(texts) < 40_000
    root = ElementTree.parse(plugins.folder / "r.xml").getroot()
    assert not HOSTILE.search("".join(root.itertext()))


@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_name_that_is_no_text(hookproof: Command, plugins: Plugins, processes: str) -> None:
    name = os.fsdecode(b"\xff.wasm")
    plugins.add(name, toy_wasm(adds="i32.sub"))
    document = report(hookproof, plugins, Path(name), "-n", processes)
    assert document["subject"]["name"] == "\\udcff.wasm"
    assert document["results"][0]["violations"][0]["reproduce"].startswith("hookproof certify $'\\xff.wasm' --only ")


def test_a_command_with_a_hostile_name_can_still_be_copied(hookproof: Command, plugins: Plugins) -> None:
    plugins.add("a\nb.wasm", toy_wasm(adds="i32.sub"))
    (first, *_) = report(hookproof, plugins, Path("a\nb.wasm"))["results"][0]["violations"]
    assert first["reproduce"] == "hookproof certify $'a\\x0ab.wasm' --only 'TOY-ADD-001[toy_add/few/0]'"
