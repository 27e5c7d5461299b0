"""What was measured as Markdown: a table for each workload, and one for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.measuring import Measurement

Ratio = tuple[str, str, str]
"""How many times as fast the second is as the third, and what that is called."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a table for many workloads; contenders that are not here are in the tables of one."""

    contenders: Sequence[str]
    ratios: Sequence[Ratio]


ENGINES = Layout(
    ("wasmtime-py", "wasmtime plain", "wasmtime fast", "purepy guard", "purepy exact", "purepy portable", "pywasm",
     "ppci"),
    (("fast : plain", "wasmtime fast", "wasmtime plain"), ("fast : wasmtime-py", "wasmtime fast", "wasmtime-py"),
     ("guard : pywasm", "purepy guard", "pywasm"), ("exact : pywasm", "purepy exact", "pywasm"),
     ("portable : pywasm", "purepy portable", "pywasm")),
)  # fmt: skip
"""Where engines are compared."""

HOSTS = Layout(
    ("wasp Singlepass", "wasp Cranelift", "wasmtime plain", "wasmtime fast", "wasmtime fast, limits", "purepy guard",
     "purepy portable", "pywasm"),
    (("fast : Singlepass", "wasmtime fast", "wasp Singlepass"), ("fast : Cranelift", "wasmtime fast", "wasp Cranelift"),
     ("purepy : Singlepass", "purepy guard", "wasp Singlepass")),
)  # fmt: skip
"""Where our host is compared with the real one of wasp."""

_SHORT = {"purepy": "purepy guard"}
"""Where calls have the limits that the host gives them, `purepy` stands in the column of the guard."""


def one(found: Sequence[Measurement]) -> str:
    """Give the table of one workload: how many times as fast as the first line, and as pywasm."""
    pywasm = next((each.median for each in found if each.contender == "pywasm"), None)
    lines = [
        f"| {found[0].workload} | median | spread | fastest | times as fast | as pywasm |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {each.contender} | {_time(each.median)} | {_time(each.spread)} | {_time(each.fastest)} "
        f"| {_times(each.ratio)} | {'' if pywasm is None else _times(pywasm / each.median)} |"
        for each in found
    ]
    return "\n".join(lines)


def summary(found: Sequence[Measurement]) -> str:
    """Give a table of all workloads, and one of wasp's: medians with their spread, then the ratios."""
    wasp = [each for each in found if each.workload.startswith("wasp-")]
    others = [each for each in found if each not in wasp]
    return "\n\n".join(_summary(group, layout) for group, layout in ((others, ENGINES), (wasp, HOSTS)) if group)


def _summary(found: Sequence[Measurement], layout: Layout) -> str:
    by_workload: dict[str, dict[str, Measurement]] = {}
    for each in found:
        by_workload.setdefault(each.workload, {})[_SHORT.get(each.contender, each.contender)] = each
    heads = [*layout.contenders, *[name for name, _, _ in layout.ratios]]
    lines = [f"| workload | {' | '.join(heads)} |", f"|---|{'---:|' * len(heads)}"]
    for workload, measured in by_workload.items():
        cells = [_cell(measured.get(name)) for name in layout.contenders]
        for _, first, second in layout.ratios:
            both = measured.get(first), measured.get(second)
            cells.append("" if both[0] is None or both[1] is None else _times(both[1].median / both[0].median))
        lines.append(f"| `{workload}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(each: Measurement | None) -> str:
    return "" if each is None else f"{_time(each.median)} ±{100 * each.spread / each.median:.0f}%"


def _time(seconds: float) -> str:
    unit, factor = next((pair for pair in (("s", 1), ("ms", 1e3)) if seconds * pair[1] >= 1), ("us", 1e6))
    return f"{seconds * factor:,.3g} {unit}" if seconds * factor < 100 else f"{seconds * factor:,.0f} {unit}"


def _times(ratio: float) -> str:
    if ratio < 0.1:
        return f"1/{1 / ratio:,.0f}"
    return f"{ratio:,.3g}" if ratio < 1000 else f"{ratio:,.0f}"
