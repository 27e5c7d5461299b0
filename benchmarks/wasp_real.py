"""The real wasp host, as a process that does what it is told and says how long it took."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.guests import PeerMissing

if TYPE_CHECKING:
    from benchmarks.wasp import Job
    from reference_host.abi.wasp import Value

COMPILERS = ("Singlepass", "Cranelift")
"""The first is what the real host takes by itself."""

SOURCE = Path(__file__).resolve().parent.parent / "tests" / "oracles" / "wasp"
MODULE = "github.com/nicholasjackson/wasp"
BUILD_SECONDS = 1_200


class RealHost:
    """One process, with one compiler and one plugin."""

    def __init__(self, compiler: str, plugin: bytes) -> None:
        """Raises `PeerMissing`."""
        folder = _folder()
        path = folder / f"{hash(plugin):x}.wasm"
        path.write_bytes(plugin)
        self._process = subprocess.Popen(
            [_program(), compiler, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        atexit.register(self._process.kill)

    @staticmethod
    @cache
    def with_plugin(compiler: str, plugin: bytes) -> RealHost:
        """The process for this plugin; started once. Raises `PeerMissing`."""
        return RealHost(compiler, plugin)

    def carry_out(self, job: Job, times: int) -> tuple[float, Value | None]:
        """Do a job so many times: the seconds that it took, and what the last call answered."""
        order: dict[str, Any] = {"do": job.do, "times": times, "function": job.function, "returns": "int"}
        if job.arguments and isinstance(job.arguments[0], str | bytes):
            given = job.arguments[0]
            order |= {"text": given.hex(), "returns": "bytes"} if isinstance(given, bytes) else {
                "text": given.encode().hex(), "returns": "string",
            }  # fmt: skip
        else:
            order["integers"] = list(job.arguments)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        value = bytes.fromhex(answer["value"])
        return answer["nanoseconds"] / 1e9, _typed(value, job.returns)


def _typed(value: bytes, returns: type | None) -> Value | None:
    if returns is None:
        return None
    if returns is bytes:
        return value
    return value.decode() if returns is str else int(value)


@cache
def _folder() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="wasp-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


@cache
def _program() -> str:
    program = str(_folder() / "bench")
    _go("build", "-mod=readonly", "-o", program, "./bench")
    return program


def authors_plugin(path: str) -> bytes:
    """A plugin that the real host's authors committed, by its path in the module. Raises `PeerMissing`."""
    return Path(_go("list", "-mod=readonly", "-m", "-f", "{{.Dir}}", MODULE), path).read_bytes()


def _go(*arguments: str) -> str:
    command = shutil.which("go")
    if command is None:
        raise PeerMissing("wasp: go is not installed (the real host needs Go 1.26 and a C compiler)")
    done = subprocess.run(
        [command, *arguments], cwd=SOURCE, env=os.environ | {"GONOSUMDB": "github.com/nicholasjackson/*"},
        capture_output=True, text=True, timeout=BUILD_SECONDS, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise PeerMissing(f"wasp: {done.stderr.strip()}")
    return done.stdout.strip()
