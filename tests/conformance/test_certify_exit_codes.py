"""How `hookproof certify` ends: each exit code, each bad input, and one clear sentence instead of a traceback."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from toys import Done, Plugins, toy_wasm

Command = Callable[..., Done]

COMPONENT = b"\0asm\x0d\0\1\0"
CORE_DUMP = b"\x7fELF\2\1\1" + bytes(9) + b"\4\0" + bytes(100)


def sentence(done: Done) -> str:
    """What a failed command says: one line on standard error, no traceback, nothing on standard output."""
    assert done.out == ""
    assert "Traceback" not in done.err
    assert done.err.startswith("hookproof: ")
    assert done.err.count("\n") == 1
    return done.err


def test_conforms(hookproof: Command, plugins: Plugins) -> None:
    plugins.good()
    done = hookproof("certify", "good.wasm")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("conforms: good.wasm\n")


def test_does_not_conform(hookproof: Command, plugins: Plugins) -> None:
    plugins.bad()
    done = hookproof("certify", "bad.wasm")
    assert (done.code, done.err) == (1, "")
    assert done.out.startswith("does not conform: bad.wasm\n")


def test_a_broken_should_is_a_warning(hookproof: Command, plugins: Plugins) -> None:
    plugins.warned()
    done = hookproof("certify", "warned.wasm", "--json", "r.json")
    report = json.loads((plugins.folder / "r.json").read_text())
    assert done.code == 0
    assert [each["code"] for each in report["warnings"]] == ["odd-zero"]
    assert report["warnings"][0]["requirement"] == "TOY-ADD-002"
    assert report["warnings"][0]["count"] == 1
    assert "TOY-ADD-002 SHOULD odd-zero" in done.out


def test_an_error_of_the_harness_is_no_verdict(hookproof: Command, plugins: Plugins) -> None:
    plugins.troubled("deadline")
    done = hookproof("certify", "deadline.wasm")
    assert done.code == 3
    assert done.out.startswith("could not judge: deadline.wasm\n")
    assert "the deadline of 60 s fired" in done.out


def test_a_violation_beside_an_error_is_still_a_verdict(hookproof: Command, plugins: Plugins) -> None:
    plugins.add("p.wasm", toy_wasm("trouble_raise", adds="i32.sub"))
    assert hookproof("certify", "p.wasm").code == 1


def test_nothing_executed_is_no_verdict(hookproof: Command, plugins: Plugins) -> None:
    plugins.good()
    done = hookproof("certify", "good.wasm", "--only", "TOY-ADD-001[no/such/case]", "--json", "r.json")
    assert done.code == 3
    report = json.loads((plugins.folder / "r.json").read_text())
    assert report["verdict"] == "could-not-judge"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(["missing.wasm"], "missing.wasm.*No such file", id="missing file"),
        pytest.param(["."], "Is a directory", id="a folder"),
        pytest.param([], "PLUGIN", id="no plugin"),
        pytest.param(["good.wasm", "--engine", "nope"], "unknown engine 'nope'.*wasmtime", id="unknown engine"),
        pytest.param(["good.wasm", "--abi", "nope"], "unknown plugin system 'nope'.*toy", id="unknown system"),
        pytest.param(["good.wasm", "--revision", "v9"], "no revision 'v9'.*v1, v2", id="unknown revision"),
        pytest.param(["good.wasm", "--config", "no.json"], "no.json.*No such file", id="missing config"),
        pytest.param(["good.wasm", "--config", "good.wasm"], "no JSON text", id="config is no JSON"),
        pytest.param(["good.wasm", "--max-memory", "much"], "'much' is no size; expected", id="no size"),
        pytest.param(["good.wasm", "--max-memory", "5GiB"], "4GiB", id="too much memory"),
        pytest.param(["good.wasm", "--max-input", "much"], "'much' is no size; expected", id="no size of an input"),
        pytest.param(["good.wasm", "--max-input", "1000"], "less than 1KiB", id="too small an input"),
        pytest.param(["good.wasm", "--profile", "kind"], "strict.*lenient", id="unknown profile"),
        pytest.param(["good.wasm", "--shape", "round"], "terse.*wordy.*all", id="unknown shape"),
        pytest.param(["good.wasm", "--functions", "good.wasm"], "takes no --functions", id="functions are fixed"),
        pytest.param(["good.wasm", "--functions", "none.toml"], "'none.toml' cannot be read", id="no functions file"),
        pytest.param(
            ["good.wasm", "--only", "NOPE-001"], "'NOPE-001'.*hookproof requirements", id="unknown requirement"
        ),
        pytest.param(["good.wasm", "--only", "!"], "selects nothing", id="no selector"),
        pytest.param(["good.wasm", "--only", "TOY-HOST-001"], "binds the host", id="a host's requirement"),
        pytest.param(["good.wasm", "-n", "many"], "'many'", id="no number of processes"),
        pytest.param(["good.wasm", "--seed", "x"], "'x'", id="no seed"),
        pytest.param(["good.wasm", "--nope"], "--nope", id="unknown option"),
        pytest.param(["good.wasm", "--json", "no/r.json"], "no/r.json.*No such file", id="report in no folder"),
        pytest.param(["good.wasm/x"], "Not a directory", id="a file is no folder"),
        pytest.param(["good.wasm", "--junit", "."], "Is a directory", id="report is a folder"),
        pytest.param(["good.wasm", "--json", "good.wasm/x"], "Not a directory", id="report in a file"),
        pytest.param(["good.wasm", "--json", "good.wasm"], "the plugin itself", id="report over the plugin"),
        pytest.param(["good.wasm", "--json", "r", "--junit", "./r"], "same file", id="two reports, one file"),
        pytest.param(["good.wasm", "--engine", "pywasm"], "--quick", id="pywasm without --quick"),
    ],
)
def test_usage(hookproof: Command, plugins: Plugins, options: list[str], words: str) -> None:
    content = plugins.good().read_bytes()
    done = hookproof("certify", *options)
    assert done.code == 2
    assert re.search(words, sentence(done)), done.err
    assert (plugins.folder / "good.wasm").read_bytes() == content
    assert sorted(os.listdir(plugins.folder)) == ["good.wasm"]  # noqa: PTH208


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"hello\n", "text file", id="text"),
        pytest.param(b"(module)", "text", id="WebAssembly text"),
        pytest.param(b"\0asm\1\0", "ends within the header", id="truncated header"),
        pytest.param(toy_wasm()[:-3], "malformed", id="truncated module"),
        pytest.param(COMPONENT + b"\0" * 20, "component", id="component"),
        pytest.param(bytes(range(256)) * 4, "not a WebAssembly module", id="random bytes"),
        pytest.param(CORE_DUMP, "core dump", id="core dump renamed"),
        pytest.param(b"\0asm\1\0\0\0", "no hook of any known plugin system", id="no hooks"),
        pytest.param(toy_wasm(more='(memory (export "memory") 65536)'), "4GiB.*1GiB", id="memory above the limit"),
        # The function's body leaves nothing for its result: only validation tells.
        pytest.param(toy_wasm(adds="drop i32.const 0").replace(b"\x1a\x41\x00", b"\x1a\x1a\x01"), "", id="invalid"),
    ],
)
def test_could_not_judge(hookproof: Command, plugins: Plugins, content: bytes, words: str) -> None:
    plugins.add("p.wasm", content)
    done = hookproof("certify", "p.wasm", "--json", "r.json", "--junit", "r.xml", "--max-memory", "1GiB")
    assert done.code == 3
    assert re.search(words, sentence(done)), done.err
    assert "could not judge 'p.wasm'" in done.err
    report: dict[str, Any] = json.loads((plugins.folder / "r.json").read_text())
    assert report["verdict"] == "could-not-judge"
    assert report["subject"]["problem"] in done.err
    assert not any(result["outcome"] == "passed" for result in report["results"])
    assert "<error " in (plugins.folder / "r.xml").read_text()


def test_an_engine_that_is_missing(hookproof: Command, plugins: Plugins, engines: Callable[[str], None]) -> None:
    engines("raise EngineMissing('engine fake needs the package fakery: pip install fakery')")
    plugins.good()
    done = hookproof("certify", "good.wasm", "--engine", "fake", "--json", "r.json")
    assert done.code == 3
    assert "engine fake needs the package fakery: pip install fakery" in sentence(done)
    report = json.loads((plugins.folder / "r.json").read_text())
    assert report["engine"]["problem"] == "engine fake needs the package fakery: pip install fakery"
    assert report["subject"]["problem"] is None
    assert {each["outcome"] for each in report["results"]} == {"not-tested"}


def test_a_registered_engine_that_cannot_be_imported(
    hookproof: Command, plugins: Plugins, engines: Callable[[str], None]
) -> None:
    engines("import fakery_that_nobody_has")
    plugins.good()
    done = hookproof("certify", "good.wasm", "--engine", "fake")
    assert done.code == 3
    assert "fakery_that_nobody_has" in sentence(done)


@pytest.fixture
def broken_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Register a plugin system and its suite, both of which cannot be imported."""
    info = tmp_path / "broken" / "broken-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    points = (
        "[hookproof.systems]\nbroken = nowhere_at_all:SYSTEM\n\n[hookproof.suites]\nbroken = nowhere_at_all:SUITE\n"
    )
    (info / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(str(info.parent))


@pytest.mark.usefixtures("broken_system")
def test_a_system_that_cannot_be_imported_is_in_nobodys_way(hookproof: Command, plugins: Plugins) -> None:
    plugins.good()
    assert hookproof("certify", "good.wasm").code == 0


@pytest.mark.usefixtures("broken_system")
@pytest.mark.parametrize("options", [[], ["--abi", "broken"]])
def test_a_system_that_cannot_be_imported_is_one_sentence(
    hookproof: Command, plugins: Plugins, options: list[str]
) -> None:
    plugins.add("p.wasm", b"\0asm\1\0\0\0")
    done = hookproof("certify", "p.wasm", *options)
    assert done.code == 3
    assert "'broken', registered in hookproof.systems as nowhere_at_all:SYSTEM, cannot be imported" in sentence(done)


def test_the_report_may_be_a_device(hookproof: Command, plugins: Plugins) -> None:
    plugins.good()
    assert hookproof("certify", "good.wasm", "--json", os.devnull).code == 0


def test_a_plugin_from_a_pipe(shell: Command, plugins: Plugins) -> None:
    """What can be read only once is read only once."""
    pipe = plugins.folder / "pipe"
    os.mkfifo(pipe)
    plugins.good()
    writer = os.fork()
    if writer == 0:
        pipe.write_bytes((plugins.folder / "good.wasm").read_bytes())
        os._exit(0)
    done = shell("certify", "pipe")
    os.waitpid(writer, 0)
    assert (done.code, done.err) == (0, "")
