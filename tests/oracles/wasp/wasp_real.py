"""Build the Go program, play scenarios on the real wasp host, one process each, and make a record of each.

A record: `registered` (each compiler that was tried, and why not), `instances`, `calls` (each with its answer, what the
guest noted and what the host did with memory), and where there is something to tell `stdout`, `files` and `end`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wasp_events import NOTES, in_order
from wasp_scenarios import HERE, Scenario, Table, authors

GO = (1, 26)
MODULE = "github.com/nicholasjackson/wasp"
BUILD_SECONDS = 1_200
DEADLINE = 60
AT_ONCE = 2


class CouldNotRun(Exception):
    """The real host could not be run here; the message says what is missing."""


def go(*arguments: str) -> str:
    """Run the go command in this folder. Raises `CouldNotRun`."""
    command = shutil.which("go")
    if command is None:
        raise CouldNotRun("go is not installed: the real host needs it, and a C compiler")
    environment = os.environ | {"GONOSUMDB": "github.com/nicholasjackson/*"}
    done = subprocess.run(
        [command, *arguments], cwd=HERE, env=environment, capture_output=True, text=True,
        timeout=BUILD_SECONDS, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise CouldNotRun(f"go {arguments[0]} failed:\n{done.stderr}")
    return done.stdout.strip()


@contextmanager
def built(package: str) -> Iterator[Path]:
    """A program of this folder, built. Raises `CouldNotRun`."""
    version = go("env", "GOVERSION")
    found = re.match(r"go(\d+)\.(\d+)", version)
    if found is None or tuple(map(int, found.groups())) < GO:
        raise CouldNotRun(f"{version} is too old: the program needs Go 1.26 or newer")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program"
        go("build", "-mod=readonly", "-o", str(program), package)
        yield program


def authors_plugins() -> dict[str, Path]:
    """The plugins of the real host's authors, where the go command keeps them, by path. Raises `CouldNotRun`."""
    folder = Path(go("list", "-mod=readonly", "-m", "-f", "{{.Dir}}", MODULE))
    found = {path: folder / path for path in authors()}
    for path, digest in authors().items():
        if hashlib.sha256(found[path].read_bytes()).hexdigest() != digest:
            raise CouldNotRun(f"{path} is not the plugin that was recorded")
    return found


def play_all(scenarios: list[Scenario]) -> dict[str, Table]:
    """Play scenarios. Raises `CouldNotRun`."""
    with built(".") as program, ThreadPoolExecutor(AT_ONCE) as pool:
        plugins = authors_plugins()
        played = pool.map(lambda scenario: play(program, plugins, scenario), scenarios)
        return {scenario.name: record for scenario, record in zip(scenarios, played, strict=True)}


def play(program: Path, plugins: dict[str, Path], scenario: Scenario) -> Table:
    """Play one scenario, in a process of its own and with a deadline: the real host may crash or hang."""
    with tempfile.TemporaryDirectory() as folder:
        plugin, out, workspace = Path(folder, "plugin.wasm"), Path(folder, "out"), Path(folder, "workspace")
        plugin.write_bytes(scenario.wasm() if scenario.authors is None else plugins[scenario.authors].read_bytes())
        script = {**scenario.script, "plugin": str(plugin), "workspace": ""}
        if scenario.workspace is not None:
            script["workspace"] = str(workspace)
            workspace.mkdir()
            for name, text in scenario.workspace.items():
                (workspace / name).write_text(text, "utf-8")
        stdout, end = _run([str(program), str(out)], json.dumps(script), scenario.table.get("deadline", DEADLINE))
        lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
        if scenario.table.get("quiet"):
            lines = [line for line in lines if not line.keys() & {"note", "host"}]
        record = _record(lines, scenario)
        if stdout:
            record["stdout"] = stdout
        if scenario.workspace is not None:
            record["files"] = {path.name: path.read_text("utf-8") for path in sorted(workspace.iterdir())}
        if end:
            record["end"] = end
        return record


def _run(command: list[str], text: str, deadline: float) -> tuple[str, str | None]:
    """The guest's output, and how the process ended where it did not end well."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
    )
    try:
        stdout, stderr = process.communicate(text, timeout=deadline)
    except subprocess.TimeoutExpired:
        process.kill()
        stdout, _ = process.communicate()
        return stdout, "hangs"
    if process.returncode == 0:
        return stdout, None
    reason = re.search(
        r"^(?:panic|fatal error|SIG\w+|signal arrived|unexpected fault address).*$", stderr, re.MULTILINE
    )
    told = re.sub(r"0x[0-9a-f]+", "0x...", reason.group()) if reason else stderr.strip()[:200]
    return stdout, f"dies with {process.returncode}" + (f": {told}" if told else "")


def _record(lines: list[Table], scenario: Scenario) -> Table:
    record: Table = {"registered": [], "instances": [], "calls": []}
    events: Table = {}
    for line in lines:
        if "registered" in line:
            record["registered"].append({"compiler": line["registered"], **(line["failure"] or {})})
        elif "instance" in line:
            record["instances"].append({**_events(events), **(line["failure"] or {})})
            events = {}
        elif "call" in line:
            times = {"times": line["times"]} if "times" in line else {}
            called = scenario.script["calls"][line["call"]]["function"]
            record["calls"].append({"function": called, **times, **readable(line["answer"]), **_events(events)})
            events = {}
        elif "note" in line:
            kind, *values = line["note"]
            events.setdefault("guest", []).append([NOTES[kind], *values])
        elif "host" in line:
            events.setdefault("host", []).append(line["host"])
        elif "callback" in line:
            arguments = [readable(one) for one in line["arguments"]]
            events.setdefault("callbacks", []).append([line["callback"], *arguments])
        else:
            events.setdefault("callbacks", []).append(["inner call", readable(line["inner"])])
    if events:
        record["unfinished"] = _events(events)
    return record


def _events(events: Table) -> Table:
    return {name: in_order(events[name]) for name in ("callbacks", "guest", "host") if name in events}


def readable(answer: Any) -> Any:
    """Bytes as text where they are text, else as hexadecimal."""
    if isinstance(answer, dict):
        return {name: readable(value) if name != "string" else _text(value) for name, value in answer.items()}
    return answer


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return bytes.fromhex(value).decode()
    except UnicodeDecodeError:
        return {"hex": value}
