"""The wheel carries what a user needs: built, installed apart from the checkout, and run outside of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parents[2]
CONFORMING: str = next(
    entry["path"]
    for entry in json.loads((ROOT / "fixtures" / "manifest.json").read_text())
    if entry["kind"] == "conforming"
)


def run(command: Sequence[str | Path], cwd: Path) -> str:
    """Run one command in a clean environment; answers its standard output."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHON"))}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=kept, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(folder: Path) -> Path:
    """Build the wheel; answers its path."""
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], ROOT)
    (path,) = folder.glob("hookproof-*.whl")
    return path


def install(wheel: Path, folder: Path) -> Path:
    """Install the wheel alone into a fresh virtual environment; answers the folder of its programs.

    The dependencies are those of the tests, seen from there.
    """
    own_pip = find_spec("pip") is not None
    venv.create(folder, with_pip=not own_pip)
    python = folder / "bin" / "python"
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", python] if own_pip else [python, "-m", "pip"]
    run([*pip, "install", "--no-deps", "--no-index", "--quiet", "--disable-pip-version-check", wheel], folder)
    site = Path(run([python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"], folder).strip())
    # A folder named in a .pth file is searched last, and its own .pth files are not read: the checkout stays unseen.
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return python.parent


# One test, because building and installing is what takes the time, and workers share nothing.
def test_the_wheel_is_all_that_a_user_needs(tmp_path: Path) -> None:
    wheel = build(tmp_path / "wheel")
    names = ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"conformance", "reference_host"}
    assert {
        "conformance/requirements/bifrost.toml",
        "conformance/report/schemas/report-1.json",
        "conformance/suites/bifrost/test_packed.py",
        f"conformance/fixtures/{CONFORMING}",
        "conformance/py.typed",
        "reference_host/py.typed",
    } <= set(names)
    assert not [name for name in names if "__pycache__" in name]

    programs = install(wheel, tmp_path / "venv")
    outside = tmp_path / "outside"
    outside.mkdir()
    where = "from conformance.resources import Resource, find\nfor each in Resource: print(find(each))"
    folders = [Path(line) for line in run([programs / "python", "-c", where], outside).split()]
    assert len(folders) == 4
    assert all(folder.is_relative_to(tmp_path / "venv") for folder in folders)

    plugin = next(folder for folder in folders if folder.name == "fixtures") / CONFORMING
    assert run([programs / "hookproof", "certify", plugin, "--quick"], outside).startswith("conforms: ")
    by_hand: list[str | Path] = [
        programs / "python",
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--pyargs",
        "conformance.suites",
    ]
    options: list[str | Path] = ["--plugin", plugin, "--engine", "wasmtime", "-n", "2", "--quick"]
    assert "\nconforms: " in run([*by_hand, *options], outside)
    assert len(json.loads(run([programs / "hookproof", "requirements", "--format", "json"], outside))) > 50
    assert not list(outside.iterdir())
