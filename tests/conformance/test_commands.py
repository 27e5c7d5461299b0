"""`inspect`, `call`, `requirements`, `--version`, `--help` and completion; none knows a plugin system by name."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from toys import TOY, Done, Plugins, toy_wasm

Command = Callable[..., Done]


def section(name: bytes, content: bytes) -> bytes:
    """A custom section."""
    body = bytes([len(name)]) + name + content
    return b"\0" + bytes([len(body)]) + body


PRODUCERS = section(b"producers", b"\1\x08language\1\4Rust\0041.95")


# -- inspect


def test_inspect(hookproof: Command, plugins: Plugins) -> None:
    more = '(memory (export "memory") 2 16) (func $s) (start $s)'
    path = plugins.add("p.wasm", toy_wasm(subtracts=True, more=more) + PRODUCERS)
    done = hookproof("inspect", "p.wasm")
    assert (done.code, done.err) == (0, "")
    digest = re.search(r"sha256 +([0-9a-f]{64})\n", done.out)
    assert digest is not None
    assert (
        done.out
        == f"""\
file            p.wasm, {path.stat().st_size} bytes
sha256          {digest[1]}
plugin          toy v2 (exports toy_add and toy_sub)
arithmetic      modulo 2^32
memory          2 pages (128KiB), at most 16 (1MiB)
start function  yes
language        Rust 1.95
custom sections name, producers
exports (3)
  toy_add  (i32, i32) -> i32
  toy_sub  (i32, i32) -> i32
  memory   memory of 2 to 16 pages
imports (0)
"""
    )


def test_inspect_as_json(hookproof: Command, plugins: Plugins) -> None:
    plugins.add("p.wasm", toy_wasm(subtracts=True) + PRODUCERS)
    facts = json.loads(hookproof("inspect", "p.wasm", "--json", "--revision", "v1").out)
    assert (facts["abi"], facts["revision"], facts["facts"]) == ("toy", "v1", {"arithmetic": "modulo 2^32"})
    assert facts["exports"][0] == {"name": "toy_add", "type": "(i32, i32) -> i32"}
    assert facts["producers"] == {"language": ["Rust 1.95"]}


def test_inspect_of_a_module_that_is_no_plugin(hookproof: Command, plugins: Plugins) -> None:
    plugins.add("p.wasm", b"\0asm\1\0\0\0")
    done = hookproof("inspect", "p.wasm")
    assert done.code == 0
    assert "plugin          none: the module exports no hook of any known plugin system" in done.out


def test_inspect_prints_nothing_hostile(hookproof: Command, plugins: Plugins) -> None:
    plugins.add("p.wasm", toy_wasm("\\1b[31m\\e2\\80\\ae") + section(b"\x1b[2J", b""))
    out = hookproof("inspect", "p.wasm").out
    assert "\x1b" not in out
    assert "\\x1b[31m\\u202e" in out


@pytest.mark.parametrize(
    ("content", "options", "code", "words"),
    [
        pytest.param(None, [], 2, "cannot be read", id="no file"),
        pytest.param(b"hello", [], 3, "text file", id="text"),
        pytest.param(toy_wasm(), ["--abi", "nope"], 2, "unknown plugin system 'nope'", id="unknown system"),
        pytest.param(toy_wasm(), ["--revision", "v9"], 2, "it has: v1, v2", id="unknown revision"),
    ],
)
def test_inspect_of_bad_input(
    hookproof: Command, plugins: Plugins, content: bytes | None, options: list[str], code: int, words: str
) -> None:
    if content is not None:
        plugins.add("p.wasm", content)
    done = hookproof("inspect", "p.wasm", *options)
    assert (done.code, done.out, done.err.count("\n")) == (code, "", 1)
    assert words in done.err


# -- call


def call(hookproof: Command, plugins: Plugins, *options: str, hook: str = "toy_add", text: str = "[2, 3]") -> Done:
    plugins.good()
    (plugins.folder / "input.json").write_text(text)
    return hookproof("call", "good.wasm", hook, "input.json", *options)


@pytest.mark.parametrize("engine", ["wasmtime", "pywasm"])
def test_call(hookproof: Command, plugins: Plugins, engine: str) -> None:
    done = call(hookproof, plugins, "--engine", engine)
    assert done.code == 0
    assert json.loads(done.out)["sum"] == 5
    # People's letters stay; what could steer a terminal does not.
    assert '"text": "caf\u00e9\\u202e\\u001b[31m"' in done.out
    assert done.err == "plugin's stdout: hi\\x07\n"


def test_call_raw(hookproof: Command, plugins: Plugins) -> None:
    assert call(hookproof, plugins, "--raw").out == "0x0000000000000005\n"


def test_call_with_standard_input(hookproof: Command, plugins: Plugins, monkeypatch: pytest.MonkeyPatch) -> None:
    plugins.good()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"[40, 2]")))
    assert json.loads(hookproof("call", "good.wasm", "toy_add", "-").out)["sum"] == 42


@pytest.mark.parametrize(
    ("options", "hook", "text", "code", "words"),
    [
        pytest.param([], "nope", "[]", 2, "toy v2 has no hook 'nope'; expected one of toy_add, toy_sub", id="hook"),
        pytest.param(
            ["--revision", "v1"], "toy_sub", "[]", 2, "expected one of toy_add", id="hook of another revision"
        ),
        pytest.param([], "toy_add", "[1, ", 2, "no JSON text", id="input is no JSON"),
        pytest.param(["--engine", "nope"], "toy_add", "[]", 2, "unknown engine", id="engine"),
        pytest.param(["--config", "no.json"], "toy_add", "[]", 2, "no.json", id="config"),
        pytest.param(["--nope"], "toy_add", "[]", 2, "--nope", id="option"),
    ],
)
def test_call_with_bad_input(
    hookproof: Command, plugins: Plugins, options: list[str], hook: str, text: str, code: int, words: str
) -> None:
    done = call(hookproof, plugins, *options, hook=hook, text=text)
    assert (done.code, done.out, done.err.count("\n")) == (code, "", 1), done
    assert words in done.err


def test_a_trap_is_the_plugins_fault(hookproof: Command, plugins: Plugins) -> None:
    plugins.add("good.wasm", toy_wasm(adds="unreachable"))
    (plugins.folder / "input.json").write_text("[1, 2]")
    done = hookproof("call", "good.wasm", "toy_add", "input.json")
    assert (done.code, done.out, done.err) == (1, "", "hookproof: unreachable\n")


# -- requirements


def test_requirements_as_json(hookproof: Command) -> None:
    listed = json.loads(hookproof("requirements", "--system", "toy", "--format", "json").out)
    assert len(listed) == 10
    assert listed[0] == {
        "system": "toy",
        "id": "TOY-ADD-001",
        "level": "MUST",
        "side": "plugin",
        "revisions": ["v1", "v2"],
        "sentence": "toy_add answers the sum of its arguments, modulo 2^32.",
        "source": "the toy's document, section 1",
        "stand": None,
        "reason": None,
        "warning": None,
        "tests": ["test_toy.py::test_adds", "test_toy.py::test_adds_again"],
        "untested": None,
        "implied": [],
    }


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        pytest.param(["--level", "SHOULD"], ["TOY-ADD-002"], id="level"),
        pytest.param(["--side", "host"], ["TOY-HOST-001"], id="side"),
        pytest.param(["--untested"], ["TOY-UNSEEN-001", "TOY-HOST-001"], id="untested"),
        pytest.param(["--revision", "v2", "--level", "MAY"], ["TOY-ADD-003"], id="several"),
        pytest.param(["--untested", "--level", "MAY"], [], id="none"),
    ],
)
def test_requirements_are_chosen(hookproof: Command, options: list[str], ids: list[str]) -> None:
    done = hookproof("requirements", "--system", "toy", "--format", "json", *options)
    assert [each["id"] for each in json.loads(done.out)] == ids


def test_requirements_of_a_revision(hookproof: Command) -> None:
    done = hookproof("requirements", "--system", "toy", "--revision", "v1", "--format", "json")
    assert "TOY-SUB-001" not in [each["id"] for each in json.loads(done.out)]


def test_requirements_of_every_system(hookproof: Command) -> None:
    listed = json.loads(hookproof("requirements", "--format", "json").out)
    assert {each["system"] for each in listed} >= {"bifrost", "toy"}


def test_requirements_as_a_table(hookproof: Command) -> None:
    out = hookproof("requirements", "--system", "toy").out
    assert out.startswith(
        "TOY-ADD-001  MUST  plugin  v1, v2\n"
        "  toy_add answers the sum of its arguments, modulo 2^32.\n"
        "  source: the toy's document, section 1\n"
        "  tests: test_toy.py::test_adds, test_toy.py::test_adds_again\n"
    )
    assert out.endswith(
        "toy: 10 requirements, 8 tested; not tested: 1 host-side, 1 not observable\n"
        "  TOY-UNSEEN-001 is not observable: no export tells\n"
    )


def test_requirements_as_markdown(hookproof: Command) -> None:
    lines = hookproof("requirements", "--system", "toy", "--format", "markdown").out.splitlines()
    assert lines[:5] == [
        "# Requirements: toy",
        "",
        "10 requirements, 8 tested; not tested: 1 host-side, 1 not observable.",
        "",
        "- TOY-UNSEEN-001 is not observable: no export tells.",
    ]
    rows = [line for line in lines if line.startswith("| TOY-")]
    assert len(rows) == 10
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 8 for row in rows)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(["--system", "nope"], "'nope'.*bifrost.*toy", id="system"),
        pytest.param(["--revision", "v9"], "'v9'.*v1, v2", id="revision"),
        pytest.param(["--level", "must-not"], "MUST", id="level"),
        pytest.param(["--format", "xml"], "markdown", id="format"),
    ],
)
def test_requirements_with_bad_input(hookproof: Command, options: list[str], words: str) -> None:
    done = hookproof("requirements", *options)
    assert (done.code, done.out) == (2, "")
    assert re.search(words, done.err)


# -- the command itself


def test_version(hookproof: Command) -> None:
    assert hookproof("--version").out == f"hookproof {version('hookproof')}\n"


@pytest.mark.parametrize("command", ["certify", "inspect", "call", "requirements"])
def test_help_has_examples(hookproof: Command, command: str) -> None:
    done = hookproof(command, "--help")
    assert done.code == 0
    assert f"\n    hookproof {command}" in done.out[done.out.index("Examples:") :]


def test_the_command_without_words_shows_its_help(hookproof: Command) -> None:
    done = hookproof()
    assert done.code == 2
    assert all(name in done.out + done.err for name in ("certify", "inspect", "call", "requirements", "Exit codes"))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param("hookproof cer", "certify", id="a command"),
        pytest.param("hookproof certify --eng", "--engine", id="an option"),
        pytest.param("hookproof certify --engine wa", "wasmtime", id="an engine"),
        pytest.param("hookproof certify --abi t", "toy", id="a plugin system"),
        pytest.param("hookproof certify --revision v", "v2", id="a revision"),
        pytest.param("hookproof certify --profile l", "lenient", id="a profile"),
    ],
)
def test_completion_in_the_shell(
    hookproof: Command, monkeypatch: pytest.MonkeyPatch, words: str, expected: str
) -> None:
    monkeypatch.setenv("_HOOKPROOF_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    done = hookproof()
    assert done.code == 0
    assert f",{expected}\n" in done.out


def test_completion_script(hookproof: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_HOOKPROOF_COMPLETE", "zsh_source")
    assert "#compdef hookproof" in hookproof().out


def test_a_defect_of_ours_is_one_sentence(
    hookproof: Command, plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*arguments: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("conformance.commands.inspect.read_module", defect)
    plugins.good()
    done = hookproof("inspect", "good.wasm")
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("hookproof: a defect in hookproof itself, ZeroDivisionError: ours")
    monkeypatch.setenv("HOOKPROOF_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        hookproof("inspect", "good.wasm")


def test_no_command_knows_a_plugin_system_by_name() -> None:
    """What a system is called stands in its own rooms, and nowhere else."""
    package = Path(sys.modules["conformance"].__file__ or "").parent
    rooms = {package / "suites", package / "requirements", package / "fixtures"}
    files = [path for path in package.rglob("*.py") if not rooms & set(path.parents)]
    assert len(files) > 20
    assert not [
        (path.name, line)
        for path in files
        for line in path.read_text().splitlines()
        if re.search(r"\b(system|abi)(\.name)? *(==|!=|in) *[('\"\[{]", line)
    ]
    assert TOY.is_dir()
