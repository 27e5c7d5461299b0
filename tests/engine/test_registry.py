"""Engines are found through their entry points: a new one plugs in from another distribution, a missing one says so."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from reference_host.engine import registry
from reference_host.engine.interface import Engine
from reference_host.engine.registry import engine_names, find_validator, load_engine
from reference_host.errors import EngineMissing, UnknownEngine

PLUGGED_IN = '''
class EchoEngine:
    """An engine of another distribution."""
    name = "echo"
    version = "7.1"
    quick_only = None
    validates = False

    def validate(self, binary):
        pass

    def compile(self, binary):
        return binary
'''


@pytest.fixture
def plugged_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A distribution on the path that registers three engines: one that works and two that do not load."""
    (tmp_path / "echo_engine.py").write_text(PLUGGED_IN)
    (tmp_path / "needs_more.py").write_text("import a_package_that_is_nowhere\n")
    (tmp_path / "no_platform.py").write_text("raise RuntimeError('unsupported platform: abacus')\n")
    info = tmp_path / "echo_engine-7.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: echo-engine\nVersion: 7.1\n")
    (info / "entry_points.txt").write_text(
        "[hookproof.engines]\n"
        "echo = echo_engine:EchoEngine\n"
        "needy = needs_more:Engine\n"
        "abacus = no_platform:Engine\n"
        "typo = echo_engine:EcoEngine\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_the_shipped_engines_are_registered_the_preferred_one_first() -> None:
    assert engine_names()[:3] == ("wasmtime", "purepy", "pywasm")


def test_an_engine_of_another_distribution_plugs_in(plugged_in: Path) -> None:
    assert engine_names()[:3] == ("wasmtime", "purepy", "pywasm")
    assert "echo" in engine_names()
    engine = load_engine("echo")
    assert (engine.name, engine.version) == ("echo", "7.1")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        pytest.param(
            "needy",
            "engine needy needs the package a_package_that_is_nowhere: pip install a_package_that_is_nowhere",
            id="a-package-is-missing",
        ),
        pytest.param("abacus", "engine abacus cannot be loaded here: unsupported platform: abacus", id="platform"),
        pytest.param(
            "typo",
            "engine typo cannot be loaded here: module 'echo_engine' has no attribute 'EcoEngine'",
            id="no-such-class",
        ),
    ],
)
def test_an_engine_that_does_not_load_says_why_in_one_line(plugged_in: Path, name: str, sentence: str) -> None:
    with pytest.raises(EngineMissing) as raised:
        load_engine(name)
    assert str(raised.value) == sentence


def test_an_unknown_engine_names_the_known_ones() -> None:
    with pytest.raises(UnknownEngine) as raised:
        load_engine("wasmtine")
    assert str(raised.value).startswith("unknown engine 'wasmtine', known are: wasmtime, purepy, pywasm")


def test_the_default_is_the_first_that_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_engine().name == "wasmtime"
    assert registry.default_engine()[1] == "preferred"

    def without_wasmtime(name: str | None = None) -> Engine:
        if name == "wasmtime":
            raise EngineMissing("not here")
        return load_engine(name)

    monkeypatch.setattr(registry, "load_engine", without_wasmtime)
    engine, reason = registry.default_engine()
    assert (engine.name, reason) == ("purepy", "not here")


def test_without_any_engine_the_reasons_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str | None = None) -> Engine:
        raise EngineMissing(f"no {name}")

    monkeypatch.setattr(registry, "load_engine", none)
    with pytest.raises(EngineMissing, match="no wasmtime; no purepy; no pywasm"):
        registry.default_engine()


def test_the_validator_is_an_engine_that_validates() -> None:
    validator = find_validator()
    assert validator is not None
    assert validator.validates


@pytest.mark.parametrize("name", ["wasmtime", "pywasm"])
def test_versions_are_those_of_the_distributions(name: str) -> None:
    assert load_engine(name).version == version(name)


def run_python(*arguments: str) -> str:
    """Run a fresh interpreter; what it prints."""
    return subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True, timeout=60).stdout


def test_pywasm_is_refused_where_assertions_are_off() -> None:
    program = """
from reference_host.engine.registry import load_engine
from reference_host.errors import EngineMissing
try:
    load_engine("pywasm")
except EngineMissing as error:
    print(error)
"""
    said = "engine pywasm cannot be used under python -O: its traps are assert statements\n"
    assert run_python("-O", "-c", program) == said


def test_purepy_is_of_this_distribution() -> None:
    assert load_engine("purepy").version == version("hookproof")


def test_without_wasmtime_the_default_is_purepy_which_validates_for_pywasm_too() -> None:
    program = """
import sys
sys.modules["wasmtime"] = None
from reference_host.engine.registry import load_engine
from reference_host.errors import EngineMissing
try:
    load_engine("wasmtime")
except EngineMissing as error:
    print(error)
for engine in (load_engine(), load_engine("pywasm")):
    print(engine.name, engine.compile(bytes.fromhex("0061736d01000000")).validity.value)
"""
    said = "engine wasmtime needs the package wasmtime: pip install wasmtime\npurepy valid\npywasm valid\n"
    assert run_python("-c", program) == said


def test_an_engine_that_is_an_extra_names_the_extra() -> None:
    program = """
import sys
sys.modules["pywasm"] = None
from reference_host.engine.registry import load_engine
from reference_host.errors import EngineMissing
try:
    load_engine("pywasm")
except EngineMissing as error:
    print(error)
"""
    assert run_python("-c", program) == "engine pywasm needs the package pywasm: pip install 'hookproof[pywasm]'\n"
