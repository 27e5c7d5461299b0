"""`python -m benchmarks.profile [PLUGIN] [HOOK] [INPUT]`: where a hook's time goes, per wasm function.

Runs on `purepy`, where a wasm function is a Python function, so that Python's own profiler sees it. The profiler takes
its share of each call: functions that are called often look slower than they are, and ratios are what counts.
"""

from __future__ import annotations

import cProfile
import json
import pstats
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.workloads import REQUEST, sample_path
from reference_host.abi.bifrost.plugin import Plugin
from reference_host.engine.purepy import PurepyEngine
from reference_host.engine.purepy.translate import FILE


@dataclass(frozen=True, slots=True)
class Line:
    """One function over all calls of the hook: seconds in it alone, and with what it calls."""

    name: str
    calls: int
    own: float
    total: float


def lines(plugin: Path, hook: str, sent: bytes, calls: int) -> list[Line]:
    """Give the wasm functions, those that take longest first; what is not wasm is one line."""
    guest = Plugin.load(PurepyEngine().compile(plugin.read_bytes()))
    guest.exchange(hook, [sent])  # what is done once only is done now
    profiler = cProfile.Profile()
    for _ in range(calls):
        profiler.enable()
        guest.exchange(hook, [sent])
        profiler.disable()
    found, outside = [], [0, 0.0]
    for (file, _, name), (_, count, own, total, _) in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]
        if file == FILE:
            found.append(Line(name, count, own, total))
        else:
            outside = [outside[0] + count, outside[1] + own]
    found.append(Line("(the host, and what instructions call)", int(outside[0]), outside[1], outside[1]))
    return sorted(found, key=lambda line: -line.own)


@click.command()
@click.argument("plugin", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=sample_path())
@click.argument("hook", default="pre_hook")
@click.argument("document", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.option("--calls", default=200, show_default=True, help="How often the hook is called.")
@click.option("--top", default=25, show_default=True, help="How many functions are shown.")
def main(plugin: Path, hook: str, document: Path | None, calls: int, top: int) -> None:
    """Show where a hook's time goes; DOCUMENT is the JSON that it is sent."""
    sent = REQUEST if document is None else json.dumps(json.loads(document.read_bytes())).encode()
    found = lines(plugin, hook, sent, calls)
    whole = sum(line.own for line in found)
    click.echo(
        "| function | of the time | calls a hook | us alone | us with what it calls |\n|---|---:|---:|---:|---:|"
    )
    for line in found[:top]:
        click.echo(
            f"| {line.name} | {100 * line.own / whole:.1f} % | {line.calls / calls:.1f} "
            f"| {1e6 * line.own / calls:.1f} | {1e6 * line.total / calls:.1f} |"
        )
    click.echo(
        f"\n{calls} calls of {hook}, {1e6 * whole / calls:.0f} us each while it is profiled, {len(found)} functions."
    )


if __name__ == "__main__":
    main()
