"""`python -m benchmarks [--only WORKLOAD]... [--seconds S] [--json FILE]`: prints Markdown tables, writes JSON."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from benchmarks import tables
from benchmarks.guests import contenders
from benchmarks.measuring import Measurement, measure
from benchmarks.workloads import GROUPS, WORKLOADS


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Where and when; the load is the average of runnable processes over the last minute, before and after."""

    date: str
    python: str
    versions: dict[str, str]
    machine: str
    processor: str
    cores: int
    load: tuple[float | None, float | None]

    def __str__(self) -> str:
        packages = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        return (
            f"{self.date}, Python {self.python}, {packages}, {self.machine}, {self.processor}, {self.cores} cores, "
            f"load {self.load[0]} before and {self.load[1]} after."
        )


def _load() -> float | None:
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _processor() -> str:
    """Say what kind of processor it is; Linux says more than the standard library."""
    described = Path("/proc/cpuinfo")
    if described.exists():
        found = re.search(r"^model name\s*:\s*(.*)$", described.read_text(), re.MULTILINE)
        if found:
            return found.group(1)
    return platform.processor() or "unknown processor"


@click.command()
@click.option(
    "--only", multiple=True, type=click.Choice([*WORKLOADS, *GROUPS]), help="Measure this; may be given again."
)
@click.option("--seconds", default=1.0, show_default=True, help="How long each contender is measured.")
@click.option(
    "--json", "json_path", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Write here too."
)
def main(only: Sequence[str], seconds: float, json_path: Path | None) -> None:
    """Measure every contender that can take part here, by turns."""
    # What an earlier run has kept would be measured as work; the processes that start warm have a folder of their own.
    os.environ["HOOKPROOF_CACHE"] = "off"
    before = _load()
    for line in contenders()[1]:
        click.echo(f"left out: {line}")
    found: list[Measurement] = []
    for workload in [name for asked in only or WORKLOADS for name in GROUPS.get(asked, [asked])]:
        prepared = WORKLOADS[workload]()
        for line in prepared.unfit:
            click.echo(f"left out of {workload}: {line}")
        if not prepared.operations:
            continue
        measured = measure(workload, prepared.operations, seconds, timed=prepared.timed)
        click.echo(f"\n{tables.one(measured)}\n")
        found += measured
    where = Circumstances(
        datetime.now(UTC).date().isoformat(), platform.python_version(),
        {name: _version(name) for name in ("wasmtime", "pywasm", "ppci")},
        f"{platform.system()} {platform.machine()}", _processor(), os.cpu_count() or 1, (before, _load()),
    )  # fmt: skip
    click.echo(f"{tables.summary(found)}\n\n{where}")
    if json_path is not None:
        document = {"circumstances": asdict(where), "measurements": [asdict(one) for one in found]}
        json_path.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
