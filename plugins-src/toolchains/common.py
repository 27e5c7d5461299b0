"""What the builds of all languages share: running tools, the cache folder, and saying what is missing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

SOURCES = Path(__file__).resolve().parent.parent
ROOT = SOURCES.parent
FIXTURES = ROOT / "fixtures"

# What the package clients put beside a source.
FETCHED = ("Cargo.lock", "vendor", "node_modules")


class MissingTool(Exception):
    """A tool that a build needs is not here and cannot be fetched. The message is one clear sentence."""


class BuildFailed(Exception):
    """A compiler refused a source, or built something that is no plugin."""


def cache_folder() -> Path:
    """Where compilers and downloads are kept: `HOOKPROOF_TOOLCHAINS`, else the ignored `.toolchains/`."""
    folder = Path(os.environ.get("HOOKPROOF_TOOLCHAINS") or ROOT / ".toolchains").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def mirror(source: Path, target: Path) -> Path:
    """Copy a source folder, so that no build writes into the tree; keep what an older copy fetched."""
    target.mkdir(parents=True, exist_ok=True)
    for stale in target.iterdir():
        if stale.name not in FETCHED:
            shutil.rmtree(stale) if stale.is_dir() else stale.unlink()
    # Not copy2: cargo compares times, and would take a source that went back to an older one as built.
    shutil.copytree(
        source,
        target,
        ignore=shutil.ignore_patterns(*FETCHED, "target", "build", ".*"),
        copy_function=shutil.copy,
        dirs_exist_ok=True,
    )
    return target


def find(tool: str, reason: str) -> str:
    """Return the path of a program, or raise `MissingTool` with the reason for wanting it."""
    path = shutil.which(tool)
    if path is None:
        raise MissingTool(f"{tool} is not on PATH: {reason}")
    return path


def run(
    command: Sequence[str | Path],
    *,
    folder: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a program and return what it printed; raise `BuildFailed` with its messages when it fails."""
    line = [str(part) for part in command]
    find(line[0], "the build runs it")
    done = subprocess.run(
        line, cwd=folder, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BuildFailed(f"{' '.join(line)}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def fetch(
    what: str,
    command: Sequence[str | Path],
    *,
    folder: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a package client; raise `MissingTool` with its own reason when it does not get what it went for."""
    try:
        return run(command, folder=folder, env=env)
    except BuildFailed as failure:
        lines = [line.strip() for line in str(failure).splitlines()[2:] if line.strip()]
        reason = next((line for line in lines if "error" in line.lower()), lines[-1] if lines else "no reason told")
        raise MissingTool(f"{what} cannot be fetched ({reason})") from failure


def say(text: str) -> None:
    """Tell the person at the terminal one thing."""
    sys.stdout.write(f"{text}\n")
