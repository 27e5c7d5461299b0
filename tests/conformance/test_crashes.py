"""Whatever becomes of the judging process, the command ends in good order, and keeps what was judged before."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from toys import TOY, Done, Plugins

from conformance.judging.terms import Terms, make_subject, read_plugin
from conformance.registry import load_suite
from conformance.runner import Judging, Plan

Command = Callable[..., Done]


@pytest.mark.parametrize("processes", ["0", "2"])
@pytest.mark.parametrize(
    ("how", "note"),
    [
        pytest.param("abort", "was ended by signal SIGABRT", id="abort"),
        pytest.param("kill", "was ended by signal SIGKILL", id="killed, as when memory runs out"),
        pytest.param("exit", "ended itself with exit code 0", id="exit without a word"),
    ],
)
def test_a_crash_costs_one_test(hookproof: Command, plugins: Plugins, how: str, note: str, processes: str) -> None:
    plugins.troubled(how)
    done = hookproof("certify", f"{how}.wasm", "-n", processes, "--json", "r.json")
    report = json.loads((plugins.folder / "r.json").read_text())
    outcomes = {each["requirement"]: each["outcome"] for each in report["results"]}
    assert done.code == 3
    assert outcomes.pop("TOY-TROUBLE-001") == "error"
    # Everything before and after it was judged all the same.
    assert outcomes["TOY-ADD-001"] == outcomes["TOY-TEXT-001"] == "passed"
    assert "error" not in outcomes.values()
    trouble = next(each for each in report["results"] if each["requirement"] == "TOY-TROUBLE-001")
    assert trouble["reason"] == "the process that judged it died"
    how_told = note if processes == "0" else "lost a worker"
    assert done.err == (
        f"hookproof: the judging process {how_told} in test_trouble[{how}.wasm], a test of TOY-TROUBLE-001\n"
    )


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        pytest.param("raise", "ValueError: a defect of the suite", id="an exception"),
        pytest.param("memory", "MemoryError", id="memory"),
        pytest.param("sysexit", "SystemExit: 0", id="sys.exit"),
    ],
)
def test_what_escapes_a_test_is_an_error(hookproof: Command, plugins: Plugins, how: str, reason: str) -> None:
    plugins.troubled(how)
    done = hookproof("certify", f"{how}.wasm", "--json", "r.json")
    report = json.loads((plugins.folder / "r.json").read_text())
    trouble = next(each for each in report["results"] if each["requirement"] == "TOY-TROUBLE-001")
    assert (done.code, trouble["outcome"]) == (3, "error")
    assert trouble["reason"].startswith(reason)


def plan(path: Path, processes: str = "0") -> Plan:
    terms = Terms()
    suite = load_suite("toy")
    subject = make_subject(str(path), read_plugin(str(path)), terms, "")
    return Plan(subject, terms, suite, None, processes)


@pytest.mark.usefixtures("_toy_registered")
@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_test_that_hangs_is_given_up(plugins: Plugins, processes: str) -> None:
    with Judging(plan(plugins.troubled("hang"), processes), timeout=1.5) as judging:
        judging.finish(lambda evidence: None)
    items = judging.evidence.items or ()
    outcomes = {items[number].requirement: outcome for number, outcome in judging.evidence.outcomes.items()}
    assert outcomes["TOY-TROUBLE-001"].reason == "it did not end within 1.5 seconds"
    assert outcomes["TOY-TEXT-001"].outcome == outcomes["TOY-ADD-001"].outcome == "passed"
    assert judging.evidence.missing == ()
    assert judging.notes == [
        "the judging process hung for 1.5 seconds in test_trouble[hang.wasm], a test of TOY-TROUBLE-001"
    ]


@pytest.fixture
def judging(plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Judging]]:
    """Judge with a suite of one file, in place of the toy's own."""

    def judging(text: str) -> Judging:
        folder = tmp_path / "toy"
        shutil.copytree(TOY, folder)
        (folder / "toy_suite" / "test_toy.py").write_text(text)
        monkeypatch.syspath_prepend(str(folder))
        with Judging(plan(plugins.good())) as judging:
            judging.finish(lambda evidence: None)
        return judging

    yield judging
    for name in ("toy_system", "toy_suite"):
        sys.modules.pop(name, None)


def test_a_suite_that_ends_the_process_as_it_is_imported(judging: Callable[[str], Judging]) -> None:
    done = judging("import os, sys\nsys.stderr.write('last words\\n')\nsys.stderr.flush()\nos._exit(7)\n")
    assert done.evidence.outcomes == {}
    assert done.evidence.broken == ["the judging process ended itself with exit code 7 outside of any test: last words"]


def test_a_suite_that_cannot_be_imported(judging: Callable[[str], Judging]) -> None:
    (reason,) = judging("import nowhere_at_all\n").evidence.broken
    assert reason == (
        "test_toy.py of the suite cannot be collected: ModuleNotFoundError: No module named 'nowhere_at_all'"
    )


_MARKED = "import os\nimport pytest\nfrom conformance.judging import requirement\n\n\n@requirement({!r})\n{}\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            _MARKED.format("NOPE-001", "def test_x(judge): ..."), "no requirement 'NOPE-001'", id="unknown id"
        ),
        pytest.param("def test_x(judge): ...\n", "exactly one requirement", id="no id"),
        pytest.param(
            _MARKED.format("TOY-ADD-001", "@requirement('TOY-ADD-002')\ndef test_x(judge): ..."),
            "exactly one requirement",
            id="two ids",
        ),
    ],
)
def test_a_test_that_names_no_requirement(judging: Callable[[str], Judging], text: str, reason: str) -> None:
    evidence = judging(text).evidence
    assert evidence.outcomes == {}
    assert reason in evidence.broken[0]


def test_a_process_that_dies_again_and_again_is_left_alone(judging: Callable[[str], Judging]) -> None:
    dying = "@pytest.mark.parametrize('n', range(20))\ndef test_x(judge, n):\n    os._exit(1)"
    done = judging(_MARKED.format("TOY-ADD-001", dying))
    assert len(done.evidence.outcomes) == 9
    assert len(done.evidence.missing) == 11
    assert done.notes[-1] == "the judging process died too often; what is left was not judged"


@contextmanager
def certifying(plugins: Plugins, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command that hangs in its judging process, as a user started it in a terminal."""
    path = plugins.troubled("hang")
    program = f"import sys; sys.path.append({str(TOY)!r}); from conformance.cli import main; main()"
    environment = {**os.environ, "TMPDIR": str(plugins.folder)}
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", program, "certify", path.name, "--json", "r.json", *options],
        cwd=plugins.folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        _wait(
            lambda: any(b'"started","item":6' in log.read_bytes() for log in plugins.folder.glob("*/records/*.jsonl"))
        )
        yield process
    finally:
        process.kill()
        process.communicate()


def _wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def judges(folder: Path) -> list[str]:
    """The judging processes, workers included, that have a plugin of this folder."""
    found = []
    for status in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if status.readlink().is_relative_to(folder) and status.readlink().name.startswith(("empty", "hookproof-")):
                found.append(status.parent.name)
        except OSError:
            continue
    return found


@pytest.mark.parametrize("options", [[], ["-n", "2"]], ids=["one process", "workers"])
@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        pytest.param(signal.SIGINT, 130, b"interrupted", id="Ctrl-C"),
        pytest.param(signal.SIGTERM, 143, b"", id="terminated"),
        pytest.param(signal.SIGKILL, -9, b"", id="killed"),
    ],
)
def test_nothing_outlives_the_command(
    plugins: Plugins, number: signal.Signals, code: int, words: bytes, options: list[str]
) -> None:
    with certifying(plugins, *options) as process:
        assert judges(plugins.folder)
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
        assert (process.returncode, words in err, b"Traceback" in err) == (code, True, False)
        _wait(lambda: not judges(plugins.folder))
    left = {path.name for path in plugins.folder.iterdir()}
    # Nobody can clean up after a kill.
    assert number is signal.SIGKILL or left == {"hang.wasm"}
