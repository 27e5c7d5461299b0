"""Play the scenarios through the vendor's own pipeline, and compare with the recorded traces.

    tox -e oracles                 build, run, compare; exit 1 where a trace differs
    tox -e oracles -- --record     build, run, and write the traces anew
    tox -e oracles -- --show X     print the native trace of scenario X

Exit 3 where Go is missing, or too old, or where the program cannot be built: then nothing was compared.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bifrost_scenarios import HERE, TRACES, Scenario, load_all

GO = (1, 26)
BUILD_SECONDS = 1_200
RUN_SECONDS = 300

Trace = list[dict[str, Any]]


class CouldNotRun(Exception):
    """The vendor's pipeline could not be run here; the message says what is missing."""


def render(trace: Trace) -> str:
    """One event a line, members in order."""
    lines = [json.dumps(event, ensure_ascii=False, sort_keys=True) for event in trace]
    return "[\n  " + ",\n  ".join(lines) + "\n]\n" if lines else "[]\n"


def run_native(scenarios: list[Scenario]) -> dict[str, Trace]:
    """Build the Go program and play the scenarios. Raises `CouldNotRun`."""
    go = shutil.which("go")
    if go is None:
        raise CouldNotRun("go is not installed: the vendor's module needs Go 1.26 or newer")
    version = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout.strip()
    found = re.match(r"go(\d+)\.(\d+)", version)
    if found is None or tuple(map(int, found.groups())) < GO:
        raise CouldNotRun(f"{version} is too old: the vendor's module needs Go 1.26 or newer")
    with tempfile.TemporaryDirectory() as folder:
        program = str(Path(folder) / "oracle")
        command = [go, "build", "-mod=readonly", "-o", program, "."]
        built = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
        if built.returncode != 0:
            raise CouldNotRun(f"go build failed:\n{built.stderr}")
        played = subprocess.run(
            [program],
            input=json.dumps([scenario.script for scenario in scenarios]),
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )
    if played.returncode != 0:
        raise CouldNotRun(f"the program failed:\n{played.stderr}")
    traces: dict[str, Trace] = json.loads(played.stdout)
    return traces


def record(traces: dict[str, Trace]) -> None:
    """Write the traces, and remove those whose scenario is gone."""
    TRACES.mkdir(exist_ok=True)
    for name, trace in traces.items():
        (TRACES / f"{name}.json").write_text(render(trace), "utf-8")
    for path in TRACES.glob("*.json"):
        if path.stem not in traces:
            path.unlink()


def compare(scenarios: list[Scenario], traces: dict[str, Trace]) -> list[str]:
    """A unified diff for every scenario whose fresh trace is not the recorded one."""
    differences = []
    for scenario in scenarios:
        fresh = render(traces[scenario.name])
        recorded = scenario.trace_path.read_text("utf-8") if scenario.trace_path.exists() else ""
        if fresh != recorded:
            lines = difflib.unified_diff(
                recorded.splitlines(), fresh.splitlines(), f"{scenario.name} recorded", "fresh", lineterm=""
            )
            differences.append("\n".join(lines))
    return differences


def main(arguments: list[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="oracle", description="Bifrost's native pipeline as an oracle")
    parser.add_argument("--record", action="store_true", help="write the traces anew")
    parser.add_argument("--show", metavar="SCENARIO", help="print the native trace of one scenario")
    options = parser.parse_args(arguments)
    scenarios = [scenario for scenario in load_all() if scenario.native]
    if options.show:
        scenarios = [scenario for scenario in scenarios if scenario.name == options.show]
    try:
        traces = run_native(scenarios)
    except CouldNotRun as missing:
        sys.stderr.write(f"bifrost: nothing was compared: {missing}\n")
        return 3
    if options.show:
        sys.stdout.write("".join(render(trace) for trace in traces.values()))
        return 0
    if options.record:
        record(traces)
        sys.stdout.write(f"bifrost: {len(traces)} traces recorded\n")
        return 0
    differences = compare(scenarios, traces)
    for difference in differences:
        sys.stdout.write(f"{difference}\n")
    sys.stdout.write(
        f"bifrost: {len(traces) - len(differences)} of {len(traces)} fresh traces equal the recorded ones\n"
    )
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
