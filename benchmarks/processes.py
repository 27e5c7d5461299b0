"""What is measured as a process of its own: `hookproof certify` as a user starts it, and the first hook of a plugin."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path


def certify(plugin: Path, engine: str, way: str) -> None:
    """Judge a plugin: a cold process, full scope, nothing kept from an earlier run. Raises `RuntimeError` if it fails.

    `way`: how wasmtime is reached.
    """
    _run(
        ["conformance", "certify", str(plugin), "--engine", engine],
        {"HOOKPROOF_CACHE": "off"} | ({"HOOKPROOF_WASMTIME": way} if way else {}),
    )


def first_hook(contender: str, *, warm: bool) -> float:
    """Give the seconds from the call of `compile` to the answer of the first hook, in a process that has done nothing.

    `warm`: with what an earlier process has kept. Raises `RuntimeError` if it fails.
    """
    kept = _filled(contender) if warm else "off"
    return float(_run(["benchmarks.first_hook", contender], {"HOOKPROOF_CACHE": kept}))


_folders = cache(tempfile.TemporaryDirectory)


@cache
def _filled(contender: str) -> str:
    """Give the cache's folder with the translations of one hook in it."""
    folder: str = _folders(prefix="hookproof-benchmarks-").name
    _run(["benchmarks.first_hook", contender], {"HOOKPROOF_CACHE": folder})
    return folder


def _run(arguments: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"{arguments[0]} ended with {done.returncode}: {done.stdout}")
    return done.stdout
