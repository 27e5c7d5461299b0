"""The suite on the shipped plugins: a faulty one breaks exactly the rule it was made to break, a conforming one none.

The plain run takes one plugin of each requirement, and every fourth of the unusual ones; `tox -e fixtures` takes all
of them. Plugins of one scope, revision and config are judged in one run of pytest, as `--plugin` may be repeated; the
commands that reports print are executed one by one, as a reader would do it.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.judging.subject import QUICK_PAGES
from conformance.resources import Resource, find
from reference_host.engine.binary import read_module

Entry = dict[str, Any]

FIXTURES = find(Resource.FIXTURES)
MANIFEST: list[Entry] = json.loads((FIXTURES / "manifest.json").read_text())
FAULTY = [entry for entry in MANIFEST if entry["kind"] == "faulty"]
CONFORMING = [entry for entry in MANIFEST if entry["kind"] == "conforming"]
BATCH = 25


def _plain(entry: Entry) -> bool:
    """Whether the plain run takes a plugin."""
    if entry["kind"] == "faulty":
        return entry is next(other for other in FAULTY if other["breaks"] == entry["breaks"])
    return entry["language"] != "wat" or CONFORMING.index(entry) % 4 == 0


def _options(entry: Entry) -> tuple[str, ...]:
    """What a plugin is judged with, apart from its config."""
    memory = read_module((FIXTURES / entry["path"]).read_bytes()).memories[:1]
    too_large = any(type_.minimum > QUICK_PAGES for type_ in memory)
    # Growth shows at full scope only.
    full = entry.get("scope") == "full" or too_large or "no-op-free" in entry.get("warnings", ())
    quick = () if full else ("--quick",)
    return ("--revision", entry["revision"], *quick)


def _batches(entries: list[Entry]) -> Iterator[Any]:
    groups: dict[tuple[bool, str | None, tuple[str, ...]], list[Entry]] = defaultdict(list)
    for entry in entries:
        groups[_plain(entry), entry.get("config"), _options(entry)].append(entry)
    for (plain, _config, options), group in groups.items():
        for start in range(0, len(group), BATCH):
            marks = () if plain else (pytest.mark.exhaustive,)
            yield pytest.param(group[start : start + BATCH], id=f"{'-'.join(options[1:])}-{start}", marks=marks)


def _judge(entries: list[Entry], folder: Path) -> dict[str, Entry]:
    """Judge plugins that share their options in one run of pytest: the reports by path."""
    reports = folder / "reports"
    reports.mkdir()
    target = reports if len(entries) > 1 else reports / "0-only.json"
    command = [sys.executable, "-m", "pytest", "--pyargs", "conformance.suites", "-p", "no:cacheprovider", "-q"]
    command += ["--hookproof-json", str(target), *_options(entries[0]), *_config(entries[0], folder, "--plugin-config")]
    for entry in entries:
        command += ["--plugin", str(FIXTURES / entry["path"])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=570, check=False, cwd=folder)
    written = sorted(reports.iterdir(), key=lambda path: int(path.name.split("-")[0]))
    assert len(written) == len(entries), done.stdout[-2_000:] + done.stderr[-2_000:]
    return {entry["path"]: json.loads(path.read_text()) for entry, path in zip(entries, written, strict=True)}


def _config(entry: Entry, folder: Path, option: str) -> list[str]:
    if entry.get("config") is None:
        return []
    path = folder / "config.json"
    path.write_text(entry["config"])
    return [option, str(path)]


def _failed(report: Entry, *levels: str) -> list[str]:
    return [r["requirement"] for r in report["results"] if r["outcome"] == "failed" and r["level"] in levels]


@pytest.mark.parametrize("entries", list(_batches(FAULTY)))
def test_faulty_plugin_breaks_its_rule_and_no_other(entries: list[Entry], tmp_path: Path) -> None:
    reports = _judge(entries, tmp_path)
    expected = {entry["path"]: [entry["breaks"]] for entry in entries}
    assert {path: _failed(report, "MUST", "SHOULD") for path, report in reports.items()} == expected
    for report in reports.values():
        assert report["verdict"] == ("does-not-conform" if _failed(report, "MUST") else "conforms")


@pytest.mark.parametrize("entries", list(_batches(CONFORMING)))
def test_conforming_plugin_comes_out_clean(entries: list[Entry], tmp_path: Path) -> None:
    reports = _judge(entries, tmp_path)
    assert {path: report["verdict"] for path, report in reports.items()} == dict.fromkeys(reports, "conforms")
    assert {path: [w["code"] for w in report["warnings"]] for path, report in reports.items()} == {
        entry["path"]: entry.get("warnings", []) for entry in entries
    }


def _one_by_one(entries: list[Entry]) -> Iterator[Any]:
    for entry in entries:
        marks = () if _plain(entry) else (pytest.mark.exhaustive,)
        yield pytest.param(entry, id=Path(entry["path"]).stem, marks=marks)


@pytest.mark.parametrize("entry", list(_one_by_one(FAULTY)))
def test_printed_command_shows_the_same_violation(entry: Entry, tmp_path: Path) -> None:
    plugin = str(FIXTURES / entry["path"])
    given = [plugin, *_options(entry), *_config(entry, tmp_path, "--config")]
    first = _certify(given, tmp_path / "first.json")
    result = next(r for r in first["results"] if r["requirement"] == entry["breaks"])
    violation = result["violations"][-1]
    program, command, *arguments = shlex.split(violation["reproduce"])
    assert (program, command, arguments[0]) == ("hookproof", "certify", plugin)
    again = _certify(arguments, tmp_path / "again.json")
    replayed = next(r for r in again["results"] if r["requirement"] == entry["breaks"])
    assert replayed["violations"] == [violation]


def _certify(arguments: list[str], report: Path) -> Entry:
    command = [sys.executable, "-m", "conformance", "certify", *arguments, "--json", str(report)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=570, check=False)
    assert report.exists(), done.stderr
    loaded: Entry = json.loads(report.read_text())
    return loaded
