"""`hookproof certify` as a user starts it: a cold process, full scope, nothing kept from an earlier run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def certify(plugin: Path, way: str) -> None:
    """Judge a plugin in a process of its own, with wasmtime reached in that way. Raises `RuntimeError` if it fails."""
    environment = os.environ | {"HOOKPROOF_WASMTIME": way, "HOOKPROOF_CACHE": "off"}
    done = subprocess.run(
        [sys.executable, "-m", "conformance", "certify", str(plugin)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"certify ended with {done.returncode}: {done.stdout}")
