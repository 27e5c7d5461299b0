"""The whole suite on the shipped plugins: a faulty one breaks exactly its rule, a conforming one none.

The plain run judges every plugin in the smallest scope that shows its fault (of the conforming ones that need scope
full only those of r2), one of every third requirement at full scope too, and one of each on another engine; `tox -e
fixtures` takes all of them everywhere. The commands that reports print are executed as a reader would do it.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from asked import NAMES, PLUGINS, asked, report_on, written
from shipped import CONFORMING, FAULTY, SHIPPED, Shipped, cases, check, smallest_of_each

from conformance.report.jsonform import loads
from reference_host.engine.registry import engine_names

QUICK = [each for each in SHIPPED if each.scope == "quick"]
"""Those that show at scope `quick` what there is to see."""

OTHERS = sorted(set(engine_names()) - {"wasmtime"})
"""The engines that are compared with it; the plain run divides the plugins among them."""


def _patient(plugin: Shipped) -> bool:
    """Whether it uses up its fuel, which takes minutes on an interpreter."""
    return plugin.breaks == "BIFROST-TRAP-002" or "endless" in plugin.name


@pytest.mark.parametrize(
    "plugin", cases(SHIPPED, [*QUICK, *FAULTY, *(each for each in SHIPPED if each.revision == "r2")])
)
def test_plugin_is_judged_right(plugin: Shipped) -> None:
    check(plugin, plugin.report(plugin.scope))


@pytest.mark.parametrize("plugin", cases(QUICK, [*smallest_of_each("breaks")[::3], *CONFORMING[::48]]))
def test_plugin_is_judged_right_at_full_scope(plugin: Shipped) -> None:
    check(plugin, plugin.report("full"))


@pytest.mark.parametrize(
    ("engine", "plugin"),
    [
        case
        for turn, engine in enumerate(OTHERS)
        for case in cases(
            (each for each in QUICK if each.language == "wat"),
            (
                each
                for each in [*smallest_of_each("breaks"), *CONFORMING[::12]][turn :: len(OTHERS)]
                if not _patient(each)
            ),
            engine,
        )
    ],
)
def test_every_engine_shows_the_same(engine: str, plugin: Shipped) -> None:
    report, other = plugin.report("quick"), plugin.report("quick", engine)
    check(plugin, other)
    assert (other.results, other.warnings, other.verdict) == (report.results, report.warnings, report.verdict)


@pytest.mark.parametrize("plugin", cases(FAULTY, smallest_of_each("breaks")[::4]))
def test_printed_command_shows_the_same_violation(plugin: Shipped, tmp_path: Path) -> None:
    path = None
    if plugin.config is not None:
        path = tmp_path / "config.json"
        path.write_text(plugin.config)
    first = plugin.report(plugin.scope, config_path=path)
    result = next(each for each in first.results if each.requirement == plugin.breaks)
    violation = result.violations[-1]
    program, *arguments = shlex.split(violation.reproduce)
    assert (program, *arguments[:2]) == ("hookproof", "certify", str(plugin.path))
    target = tmp_path / "again.json"
    command = [sys.executable, "-m", "conformance", *arguments, "--json", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=570, check=False)
    assert target.exists(), done.stderr
    again = loads(target.read_bytes())
    replayed = next(each for each in again.results if each.requirement == plugin.breaks)
    assert replayed.violations == (violation,)


@pytest.mark.parametrize("name", NAMES)
def test_each_rule_is_asked_as_the_table_says(name: str) -> None:
    assert asked(report_on(PLUGINS[name])) == written()[name], "meant? python tests/conformance/asked.py"
