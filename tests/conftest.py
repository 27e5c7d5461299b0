"""What the plain test run leaves out, said where nobody overlooks it."""

from __future__ import annotations

import os
import tempfile

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")

LEFT_OUT = {
    "toolchains": ("--rebuild", "rebuilding the fixtures from source (`tox -e toolchains` does it)"),
    "exhaustive": (
        "--exhaustive",
        "most of the shipped plugins at full scope and on slower engines, and most of the generated ones"
        " (`tox -e fixtures` judges all of them)",
    ),
}
"""Markers of tests that the plain run leaves out, the option that runs them and no others, and what they are."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that the environments of tox give."""
    for marker, (option, what) in LEFT_OUT.items():
        parser.addoption(option, action="store_true", dest=marker, help=f"run only what is else left out: {what}")


def pytest_configure(config: pytest.Config) -> None:
    """Make the markers known; keep what engines keep on disk in a folder of the run, workers and commands included."""
    if "HOOKPROOF_CACHE" not in os.environ:
        folder = tempfile.TemporaryDirectory(prefix="hookproof-tests-")
        os.environ["HOOKPROOF_CACHE"] = folder.name
        config.add_cleanup(folder.cleanup)
    for marker, (_option, what) in LEFT_OUT.items():
        config.addinivalue_line("markers", f"{marker}: {what}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep what has the wanted marker, or what has none."""
    wanted = {marker for marker in LEFT_OUT if config.getoption(marker)}
    left_out = [item for item in items if {mark.name for mark in item.iter_markers()} & LEFT_OUT.keys() != wanted]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        dropped = set(left_out)
        items[:] = [item for item in items if item not in dropped]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell what was left out; under xdist the deselected tests are counted nowhere else."""
    if not any(config.getoption(marker) for marker in LEFT_OUT):
        for _option, what in LEFT_OUT.values():
            terminalreporter.write_line(f"left out: {what}")
