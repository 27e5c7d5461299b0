"""The wheel carries what a user needs: built, installed apart from the checkout, and run outside of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
CONFORMING: str = next(
    entry["path"]
    for entry in json.loads((ROOT / "fixtures" / "manifest.json").read_text())
    if entry["kind"] == "conforming"
)


def run(command: list[str | Path], cwd: Path) -> str:
    """Run one command in a clean environment; answers its standard output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHON"))}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=kept, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], ROOT)
    (path,) = folder.glob("hookproof-*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh virtual environment with the wheel; the dependencies are those of the tests, seen from there."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    run([python, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", wheel], folder)
    site = Path(run([python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"], folder).strip())
    # A folder named in a .pth file is searched last, and its own .pth files are not read: the checkout stays unseen.
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder


def test_the_wheel_holds_two_packages_and_the_fixtures(wheel: Path) -> None:
    names = ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"conformance", "reference_host"}
    assert "conformance/requirements/bifrost.toml" in names
    assert "conformance/report/schemas/report-1.json" in names
    assert "conformance/suites/bifrost/test_packed.py" in names
    assert f"conformance/fixtures/{CONFORMING}" in names
    assert {"conformance/py.typed", "reference_host/py.typed"} <= set(names)
    assert not [name for name in names if "__pycache__" in name]


def test_it_finds_its_files_inside_the_package(installed: Path) -> None:
    program = "from conformance.resources import Resource, find\nfor each in Resource: print(find(each))"
    found = run([installed / "venv" / "bin" / "python", "-c", program], installed).split()
    assert len(found) == 4
    assert all(
        Path(path).is_relative_to(installed / "venv") and Path(path).parts.count("conformance") for path in found
    )


def fixture(installed: Path) -> Path:
    program = "from conformance.resources import Resource, find\nprint(find(Resource.FIXTURES))"
    return Path(run([installed / "venv" / "bin" / "python", "-c", program], installed).strip()) / CONFORMING


def test_certify(installed: Path) -> None:
    out = run([installed / "venv" / "bin" / "hookproof", "certify", fixture(installed), "--quick"], installed)
    assert out.startswith("conforms: ")


def test_the_form_of_pytest(installed: Path) -> None:
    python = installed / "venv" / "bin" / "python"
    pytest_command: list[str | Path] = [
        python,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--pyargs",
        "conformance.suites",
    ]
    options: list[str | Path] = ["--plugin", fixture(installed), "--engine", "wasmtime", "-n", "2", "--quick"]
    assert "\nconforms: " in run(pytest_command + options, installed)


def test_the_catalogue(installed: Path) -> None:
    out = run([installed / "venv" / "bin" / "hookproof", "requirements", "--format", "json"], installed)
    assert len(json.loads(out)) > 50
