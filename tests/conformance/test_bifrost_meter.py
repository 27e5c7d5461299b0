"""The meter tells what was taken since it was read last, and begins anew with each instance."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

import pytest
from judged import PACKAGE

from reference_host.engine.interface import PAGE, GrowthRefused

LIMIT, MINIMUM = 100, 2


def instance(pages: int, *refused: GrowthRefused) -> Any:
    """Stand in for an instance of so many pages, to which growth was refused."""
    return SimpleNamespace(memory=SimpleNamespace(size=pages * PAGE), growth_refused=list(refused))


def wasi(written: int) -> Any:
    """Stand in for the imports of an instance, which has written so many bytes."""
    return SimpleNamespace(written=written)


def meter(plugin: Any) -> Any:
    """Make a meter, as a lab does."""
    return importlib.import_module(f"{PACKAGE}.metering").Meter(plugin, LIMIT, MINIMUM)


def test_what_is_logged_is_told_once() -> None:
    plugin = SimpleNamespace(wasi=wasi(30), instance=instance(2))
    read = meter(plugin)
    assert read.take().logged == 30
    plugin.wasi.written = 70
    assert [read.take().logged, read.take().logged] == [40, 0]


@pytest.mark.parametrize("written", [0, 10, 70])
def test_another_instance_has_a_log_of_its_own(written: int) -> None:
    plugin = SimpleNamespace(wasi=wasi(50), instance=instance(2))
    read = meter(plugin)
    read.take()
    plugin.wasi, plugin.instance = wasi(written), instance(2)
    assert read.take().logged == written


def test_a_plugin_without_imports_logs_nothing() -> None:
    assert meter(SimpleNamespace(wasi=None, instance=None)).take().logged == 0


def test_a_plugin_without_memory_takes_none() -> None:
    plugin = SimpleNamespace(wasi=wasi(0), instance=SimpleNamespace(memory=None, growth_refused=[]))
    assert meter(plugin).take().hogged is None


@pytest.mark.parametrize(
    ("pages", "refused", "hogs"),
    [
        pytest.param(2, GrowthRefused(52, 1, LIMIT), True, id="more than half of what is free"),
        pytest.param(2, GrowthRefused(51, 1, LIMIT), False, id="half of it"),
        pytest.param(60, GrowthRefused(75, 1, LIMIT), False, id="half of what was still free in between"),
        pytest.param(60, GrowthRefused(81, 1, LIMIT), True, id="more than half of what was still free in between"),
        pytest.param(2, GrowthRefused(80, 1, 80), False, id="refused by its own maximum"),
    ],
)
def test_hog_took_most_of_what_was_free(pages: int, refused: GrowthRefused, hogs: bool) -> None:
    plugin = SimpleNamespace(wasi=wasi(0), instance=instance(pages))
    read = meter(plugin)
    assert read.take().hogged is None
    plugin.instance.growth_refused.append(refused)
    assert read.take().hogged == (refused if hogs else None)
    assert read.take().hogged is None


def test_another_instance_starts_with_its_minimum_and_no_refusals() -> None:
    refused = GrowthRefused(60, 1, LIMIT)
    plugin = SimpleNamespace(wasi=wasi(0), instance=instance(2))
    read = meter(plugin)
    plugin.instance = instance(90, refused)
    assert read.take().hogged == refused
    # Its size was read when it had grown to 90 pages: the next one begins with its minimum all the same.
    plugin.instance = instance(90, refused)
    assert read.take().hogged == refused
