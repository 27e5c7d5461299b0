"""Nothing of where, by whom and with what the command is run changes a verdict: one test for each hole.

Each test makes a hole that would be seen: in plain pytest, or without the line in `conformance/isolation.py` that
closes it, the run would end differently.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from toys import TOY, Done, Plugins

from conformance.cli import working_folder_last
from conformance.isolation import clean_environment

Command = Callable[..., Done]

RUIN = "raise SystemExit('this file must never be imported')\n"


def certify(shell: Command, plugins: Plugins, *options: str, cwd: Path | None = None, **environment: str) -> None:
    """A plugin that breaks one rule in every case is found to, whatever is around it.

    A run that tests nothing, or in which a file of others has its way, ends otherwise.
    """
    bad = plugins.bad()
    before = {path: path.read_bytes() for path in plugins.folder.rglob("*") if path.is_file()}
    done = shell("certify", str(bad), *options, cwd=cwd, **environment)
    assert (done.code, done.err) == (1, ""), done
    assert "64 of 64 cases break it" in done.out
    assert "1 broken, 4 held, 2 not applicable, 2 not tested" in done.out
    # Nothing was written beside the plugins: no __pycache__, no .pytest_cache.
    assert {path: path.read_bytes() for path in plugins.folder.rglob("*") if path.is_file()} == before
    assert not any(path.name in {"__pycache__", ".pytest_cache"} for path in plugins.folder.rglob("*"))


FILES = [
    pytest.param("pytest.ini", "[pytest]\naddopts = --collect-only\n", id="pytest.ini"),
    pytest.param("tox.ini", "[pytest]\naddopts = --collect-only\n", id="tox.ini"),
    pytest.param("setup.cfg", "[tool:pytest]\naddopts = --collect-only\n", id="setup.cfg"),
    pytest.param("pyproject.toml", '[tool.pytest.ini_options]\naddopts = "--collect-only"\n', id="pyproject.toml"),
    pytest.param(
        "conftest.py", "def pytest_collection_modifyitems(items):\n    items.clear()\n" + RUIN, id="conftest.py"
    ),
    pytest.param("json.py", RUIN, id="json.py"),
    pytest.param("typing.py", RUIN, id="typing.py"),
    pytest.param("pytest.py", RUIN, id="pytest.py"),
    pytest.param("conformance.py", RUIN, id="conformance.py"),
    pytest.param("toy_suite.py", RUIN, id="the suite's name"),
    pytest.param("sitecustomize.py", RUIN, id="sitecustomize.py"),
    pytest.param("usercustomize.py", RUIN, id="usercustomize.py"),
]


@pytest.mark.parametrize(("name", "content"), FILES)
def test_files_in_the_working_folder(shell: Command, plugins: Plugins, name: str, content: str) -> None:
    (plugins.folder / name).write_text(content)
    certify(shell, plugins)


def test_files_in_the_working_folder_of_workers(shell: Command, plugins: Plugins) -> None:
    for name, content in (each.values for each in FILES):
        (plugins.folder / str(name)).write_text(str(content))
    certify(shell, plugins, "-n", "2")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("PYTEST_ADDOPTS", "--collect-only", id="a run that tests nothing"),
        pytest.param("PYTEST_ADDOPTS", "-k nothing_at_all", id="a run that selects nothing"),
        pytest.param("PYTEST_ADDOPTS", "--nope", id="options that no pytest knows"),
        pytest.param("PYTEST_PLUGINS", "nowhere_at_all", id="plugins"),
        pytest.param("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "", id="plugins of others, loaded"),
        pytest.param("PYTEST_XDIST_WORKER", "gw0", id="inside a worker of pytest-xdist"),
        pytest.param("PYTEST_XDIST_AUTO_NUM_WORKERS", "0", id="no workers"),
        pytest.param("PYTHONOPTIMIZE", "2", id="no asserts"),
        pytest.param("PYTHONWARNINGS", "error", id="warnings as errors"),
        pytest.param("PYTHONDEVMODE", "1", id="development mode"),
        pytest.param("PYTHONSTARTUP", "ruin.py", id="start-up file"),
        pytest.param("PYTHONINSPECT", "", id="no prompt at the end"),
        pytest.param("PYTHONHASHSEED", "7", id="hash seed"),
        pytest.param("PYTHONIOENCODING", "ascii", id="encoding"),
        pytest.param("PYTHONSAFEPATH", "", id="working folder on the path"),
        pytest.param("HYPOTHESIS_PROFILE", "ci", id="another tool's variable"),
        pytest.param("RUST_BACKTRACE", "full", id="an engine's variable"),
        pytest.param("LC_ALL", "C", id="locale"),
        pytest.param("COLUMNS", "10", id="narrow terminal"),
    ],
)
def test_environment(shell: Command, plugins: Plugins, name: str, value: str) -> None:
    (plugins.folder / "ruin.py").write_text(RUIN)
    certify(shell, plugins, cwd=None, **{name: value})


def test_a_path_that_hides_modules(shell: Command, plugins: Plugins, tmp_path: Path) -> None:
    """What is put before the standard library is searched after it."""
    folder = tmp_path / "path"
    folder.mkdir()
    for name in ("json", "click", "rich", "pytest", "xdist", "tomllib", "wasmtime", "reference_host"):
        (folder / f"{name}.py").write_text(RUIN)
    certify(shell, plugins, "-n", "2", PYTHONPATH=f"{folder}{os.pathsep}{plugins.folder}")


def test_a_path_with_an_empty_entry_is_the_working_folder(shell: Command, plugins: Plugins) -> None:
    (plugins.folder / "json.py").write_text(RUIN)
    certify(shell, plugins, PYTHONPATH=f"{os.pathsep}nowhere")


def test_other_peoples_plugins(shell: Command, plugins: Plugins, tmp_path: Path) -> None:
    """An installed pytest plugin that drops every test is not loaded."""
    folder = tmp_path / "path"
    info = folder / "ruin-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ruin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[pytest11]\nruin = ruin_plugin\n\n[hookproof.engines]\nnone = ruin:none\n")
    (folder / "ruin_plugin.py").write_text("def pytest_collection_modifyitems(items):\n    items.clear()\n")
    certify(shell, plugins, "-n", "2", PYTHONPATH=str(folder))


def test_a_conftest_above_the_suite(plugins: Plugins, tmp_path: Path) -> None:
    """A virtual environment lies in a project folder, which may have a conftest of its own."""
    project = tmp_path / "project"
    shutil.copytree(TOY, project / ".venv" / "site")
    for folder in (project, project / ".venv", project / ".venv" / "site"):
        (folder / "conftest.py").write_text(RUIN)
    program = (
        f"import sys; sys.path.append({str(project / '.venv' / 'site')!r}); from conformance.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, "certify", str(plugins.good())],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_working_folder_that_cannot_be_written(shell: Command, plugins: Plugins) -> None:
    certify(shell, plugins, cwd=Path("/proc"))


def test_the_module_form_in_a_folder_with_a_json_module(plugins: Plugins) -> None:
    """`python -m conformance` puts the working folder first on its path; the command puts it last."""
    (plugins.folder / "json.py").write_text(RUIN)
    plugins.good()
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    done = subprocess.run(
        [sys.executable, "-m", "conformance", "certify", "good.wasm"],
        cwd=plugins.folder,
        env={**environment, "PYTHONPATH": str(TOY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_report_is_the_same_anywhere(shell: Command, plugins: Plugins, tmp_path: Path) -> None:
    bad = plugins.bad()
    reports = []
    for number, (cwd, environment) in enumerate(
        ((plugins.folder, {}), (tmp_path, {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Kolkata", "CI": "1"}))
    ):
        path = tmp_path / f"{number}.json"
        assert shell("certify", str(bad), "--json", str(path), cwd=cwd, **environment).code == 1
        report = json.loads(path.read_text())
        assert report.pop("timings")
        reports.append(json.dumps(report))
    assert reports[0] == reports[1]


def test_the_environment_of_the_judging_process() -> None:
    given = {"PATH": "/bin", "HOME": "/h", "PYTEST_ADDOPTS": "-x", "PYTHONPATH": "/p", "LD_PRELOAD": "/l", "CI": "1"}
    clean = clean_environment(given)
    assert clean.items() >= {"PATH": "/bin", "HOME": "/h", "PYTHONSAFEPATH": "1"}.items()
    assert not clean.keys() & {"PYTEST_ADDOPTS", "PYTHONPATH", "LD_PRELOAD", "CI"}


@pytest.mark.parametrize(
    ("search", "path", "ordered"),
    [
        pytest.param(["", "/lib", "/site"], "", ["/lib", "/site", ""], id="the working folder as ''"),
        pytest.param(["/bin", "/lib"], "", ["/bin", "/lib"], id="nothing to do"),
        pytest.param(["/a", "/b", "/lib"], "/a:/b", ["/lib", "/a", "/b"], id="PYTHONPATH"),
        pytest.param(["/lib", "/a"], "/a/", ["/lib", "/a"], id="already last"),
    ],
)
def test_the_search_path_of_the_command(search: list[str], path: str, ordered: list[str]) -> None:
    assert working_folder_last(search, {"PYTHONPATH": path}) == ordered
