"""A plugin system in ten lines, added from outside: what it leaves open has a default."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import wasmtime
from test_suite_registry import register
from toys import Done, Plugins

SYSTEM = """\
from reference_host.abi.interface import Detection, System


class Tiny(System):
    name, revisions = "tiny", ("1",)
    def detect(self, module, *, named=False):
        if named or any(export.name == "tiny_answer" for export in module.exports):
            return Detection("tiny", "1", "exports tiny_answer")

SYSTEM = Tiny()
"""
SUITE = """\
from pathlib import Path
from conformance.suite import Suite

SUITE = Suite("tiny", Path(__file__).with_name("tiny.toml"), Path(__file__).parent)
"""
CATALOGUE = """\
system = "tiny"

[[requirement]]
id = "TINY-001"
level = "MUST"
side = "plugin"
revisions = ["1"]
sentence = "The answer is 42."
source = "the guide"
tests = ["test_tiny.py::test_answer"]
"""
TEST = """\
from conformance.judging import requirement

@requirement("TINY-001")
def test_answer(module, judge):
    (got,) = module.instantiate().call("tiny_answer")
    if got == 42:
        judge.passed("answer")
    else:
        judge.violation("answer", export="tiny_answer", expected="42", got=str(got), hint="ask again")
"""
ENTRY_POINTS = "[hookproof.systems]\ntiny = tiny_system:SYSTEM\n[hookproof.suites]\ntiny = tiny_suite:SUITE\n"


@pytest.fixture
def _tiny_registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "tiny"
    suite = folder / "tiny_suite"
    suite.mkdir(parents=True)
    (folder / "tiny_system.py").write_text(SYSTEM)
    (suite / "__init__.py").write_text(SUITE)
    (suite / "tiny.toml").write_text(CATALOGUE)
    (suite / "test_tiny.py").write_text(TEST)
    monkeypatch.syspath_prepend(register(folder, "tiny", ENTRY_POINTS))
    for name in ("tiny_system", "tiny_suite"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def tiny(answer: int) -> bytes:
    return bytes(wasmtime.wat2wasm(f'(module (func (export "tiny_answer") (result i32) i32.const {answer}))'))


@pytest.mark.usefixtures("_tiny_registered")
@pytest.mark.parametrize(("answer", "code"), [(42, 0), (41, 1)])
def test_a_system_of_ten_lines(hookproof: Callable[..., Done], plugins: Plugins, answer: int, code: int) -> None:
    assert len(SYSTEM.split("\n\n\n")[1].strip().splitlines()) <= 10
    plugins.add("p.wasm", tiny(answer))
    done = hookproof("certify", "p.wasm")
    assert done.code == code, done
    assert ("TINY-001" in done.out) == bool(code)
    assert "plugin          tiny 1 (exports tiny_answer)" in hookproof("inspect", "p.wasm").out
    assert "TINY-001" in hookproof("requirements", "--system", "tiny").out
    (plugins.folder / "in.json").write_text("[]")
    called = hookproof("call", "p.wasm", "tiny_answer", "in.json")
    assert (called.code, called.err) == (
        2, "hookproof: tiny has no host to call tiny_answer with: its plugins are judged and inspected only\n"
    )  # fmt: skip
