"""`python -m benchmarks [--only WORKLOAD]... [--seconds S] [--json FILE]`: prints Markdown tables, writes JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from benchmarks.measuring import Measurement, measure
from benchmarks.workloads import WORKLOADS


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Where and when; the load is the average of runnable processes over the last minute, before and after."""

    date: str
    python: str
    wasmtime: str
    machine: str
    cores: int
    load: tuple[float | None, float | None]


def _load() -> float | None:
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _time(seconds: float) -> str:
    unit, factor = next((pair for pair in (("s", 1), ("ms", 1e3)) if seconds * pair[1] >= 1), ("us", 1e6))
    return f"{seconds * factor:,.3g} {unit}" if seconds * factor < 100 else f"{seconds * factor:,.0f} {unit}"


def _times(ratio: float) -> str:
    return f"{ratio:,.3g}" if ratio >= 0.1 else f"1/{1 / ratio:,.0f}"


def table(found: Sequence[Measurement]) -> str:
    """A Markdown table of one workload; the last column is how many times as fast as the first line."""
    lines = [f"| {found[0].workload} | median | spread | fastest | times as fast |", "|---|---:|---:|---:|---:|"]
    lines += [
        f"| {m.contender} | {_time(m.median)} | {_time(m.spread)} | {_time(m.fastest)} | {_times(m.ratio)} |"
        for m in found
    ]
    return "\n".join(lines)


@click.command()
@click.option("--only", multiple=True, type=click.Choice(list(WORKLOADS)), help="Measure this; may be given again.")
@click.option("--seconds", default=1.0, show_default=True, help="How long each contender is measured.")
@click.option(
    "--json", "json_path", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Write here too."
)
def main(only: Sequence[str], seconds: float, json_path: Path | None) -> None:
    """Measure every contender that loads here, by turns."""
    before = _load()
    found: list[Measurement] = []
    for workload in only or WORKLOADS:
        measured = measure(workload, WORKLOADS[workload](), seconds)
        click.echo(table(measured) + "\n")
        found += measured
    where = Circumstances(
        datetime.now(UTC).date().isoformat(), platform.python_version(), _version("wasmtime"),
        f"{platform.system()} {platform.machine()}", os.cpu_count() or 1, (before, _load()),
    )  # fmt: skip
    click.echo(
        f"{where.date}, Python {where.python}, wasmtime {where.wasmtime}, {where.machine}, {where.cores} cores, "
        f"load {where.load[0]} before and {where.load[1]} after."
    )
    if json_path is not None:
        document = {"circumstances": asdict(where), "measurements": [asdict(one) for one in found]}
        json_path.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
