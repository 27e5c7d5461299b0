"""The toy plugin system, registered from outside, and two ways to run the command: in this process, and as users do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from toys import TOY, Done, Plugins

collect_ignore = ["toy"]
"""The toy suite's files are what the tests judge with, not tests of ours."""


def pytest_configure(config: pytest.Config) -> None:
    """Make the suite's marker known: `judged` imports its tests without the pytest plugin that brings the marker."""
    config.addinivalue_line("markers", "requirement(id): the requirement of the catalogue that a test proves")


@pytest.fixture
def plugins(tmp_path: Path) -> Plugins:
    folder = tmp_path / "plugins"
    folder.mkdir()
    return Plugins(folder)


@pytest.fixture
def _toy_registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(TOY))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in {"toy_system", "toy_suite"}]:
        del sys.modules[name]


@pytest.fixture
def hookproof(
    _toy_registered: None, plugins: Plugins, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Done]:
    """Run the command in this process, in the folder of the plugins."""
    from conformance.commands import run

    monkeypatch.chdir(plugins.folder)

    def hookproof(*arguments: str) -> Done:
        capsys.readouterr()
        try:
            code = run(arguments)
        except SystemExit as leaving:  # what click does after completing a word
            code = int(leaving.code or 0)
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return hookproof


@pytest.fixture
def shell(plugins: Plugins) -> Callable[..., Done]:
    """Run the command in a process of its own, as a user does: with a working folder and an environment."""

    def shell(*arguments: str, cwd: Path | None = None, path: str = "", **environment: str) -> Done:
        # Inserted rather than set: PYTHONPATH is one of the things that the tests play with.
        program = f"import sys; sys.path.append({str(TOY)!r}); from conformance.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-P", "-c", program, *arguments],
            cwd=cwd or plugins.folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return shell


@pytest.fixture
def engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Register an engine `fake`, whose factory runs the given statement."""

    def engines(statement: str) -> None:
        folder = tmp_path / "engines"
        info = folder / "fake_engine-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-engine\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[hookproof.engines]\nfake = fake_engine:make\n")
        (folder / "fake_engine.py").write_text(
            f"from reference_host.errors import EngineMissing\n\n\ndef make():\n    {statement}\n"
        )
        monkeypatch.syspath_prepend(str(folder))

    yield engines
    sys.modules.pop("fake_engine", None)
