"""`python -m benchmarks [--json FILE]`: one hook's round trip, and a fresh instance, on every engine that loads here.

A round trip is what a gateway pays: allocate, write the JSON, call, read the packed result, free both. Figures are
medians of repeated runs; the ratio is to the fastest engine of the run.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from conformance.resources import Resource, find
from reference_host.abi.bifrost.plugin import Plugin
from reference_host.abi.bifrost.types import HTTPRequest
from reference_host.engine.registry import engine_names, load_engine
from reference_host.errors import EngineMissing

REQUEST = HTTPRequest("POST", "/v1/chat/completions", {"Content-Type": "application/json"}, {}, b'{"model":"m"}')


@dataclass(frozen=True, slots=True)
class Measurement:
    """Seconds for one operation: median and spread (half the distance between the quartiles) of `runs` runs."""

    plugin: str
    operation: str
    engine: str
    median: float
    spread: float
    runs: int


def measure(operation: Callable[[], object], budget: float) -> tuple[float, float, int]:
    """Run an operation for about `budget` seconds, five times at least: median, spread, number of runs."""
    operation()
    times: list[float] = []
    end = time.perf_counter() + budget
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        operation()
        times.append(time.perf_counter() - start)
    lower, median, upper = statistics.quantiles(times, n=4)
    return median, (upper - lower) / 2, len(times)


def measurements(path: Path, budget: float) -> list[Measurement]:
    """Measure one plugin on every engine."""
    found: list[Measurement] = []
    for name in engine_names():
        try:
            module = load_engine(name).compile(path.read_bytes())
        except EngineMissing as missing:
            click.echo(f"left out: {missing}", err=True)
            continue
        plugin = Plugin.load(module)
        operations: dict[str, Callable[[], object]] = {
            "hook": lambda plugin=plugin: plugin.http_pre_hook({"request_id": "r"}, REQUEST),  # type: ignore[misc]
            "fresh instance": lambda module=module: Plugin.load(module),  # type: ignore[misc]
        }
        for operation, call in operations.items():
            median, spread, runs = measure(call, budget)
            found.append(Measurement(path.stem, operation, name, median, spread, runs))
    return found


def table(found: list[Measurement]) -> str:
    """A Markdown table, with ratios to the fastest of each operation."""
    fastest: dict[tuple[str, str], float] = {}
    for one in found:
        key = (one.plugin, one.operation)
        fastest[key] = min(one.median, fastest.get(key, one.median))
    lines = ["| plugin | operation | engine | median | spread | ratio |", "|---|---|---|---:|---:|---:|"]
    lines += [
        f"| {m.plugin} | {m.operation} | {m.engine} | {m.median * 1e6:,.0f} us | {m.spread * 1e6:,.0f} us "
        f"| {m.median / fastest[m.plugin, m.operation]:,.1f} |"
        for m in found
    ]
    return "\n".join(lines)


@click.command()
@click.option("--seconds", default=1.0, show_default=True, help="How long to repeat each operation.")
@click.option(
    "--json", "json_path", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Write here too."
)
def main(seconds: float, json_path: Path | None) -> None:
    """Measure the conforming sample plugins on every engine, side by side."""
    found: list[Measurement] = []
    for path in sorted((find(Resource.FIXTURES) / "bifrost" / "conforming").glob("*.wasm")):
        found += measurements(path, seconds)
    click.echo(table(found))
    if json_path is not None:
        json_path.write_text(json.dumps([asdict(one) for one in found], indent=2) + "\n")


if __name__ == "__main__":
    main()
