"""Which way into wasmtime is taken: the fast one where it is proved, the plain one where anything speaks against it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reference_host.engine import wasmtime as engine_module
from reference_host.engine import wasmtime_fast
from reference_host.engine.registry import load_engine
from reference_host.engine.wasmtime import WasmtimeEngine, Way
from reference_host.engine.wasmtime_proof import guest, session
from reference_host.errors import EngineMissing, UsageError

VARIABLE = "HOOKPROOF_WASMTIME"


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def proved_anew() -> Iterator[None]:
    """The self-test runs again, and what it finds is forgotten afterwards."""
    engine_module._fast.cache_clear()
    yield
    engine_module._fast.cache_clear()


def test_the_fast_way_is_the_default_here() -> None:
    engine = load_engine("wasmtime")
    assert isinstance(engine, WasmtimeEngine)
    assert engine.way is Way.FAST


@pytest.mark.parametrize("way", list(Way))
def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch, way: Way) -> None:
    monkeypatch.setenv(VARIABLE, way.value)
    assert WasmtimeEngine().way is way


@pytest.mark.parametrize("way", list(Way))
def test_the_argument_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch, way: Way) -> None:
    monkeypatch.setenv(VARIABLE, "nonsense")
    assert WasmtimeEngine(way).way is way


def test_a_way_that_there_is_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "faster")
    with pytest.raises(UsageError, match="HOOKPROOF_WASMTIME is 'faster'; it can be fast or plain"):
        WasmtimeEngine()


def test_the_session_says_the_same_in_both_ways() -> None:
    plain, fast = (list(session(WasmtimeEngine(way).compile(guest()))) for way in (Way.PLAIN, Way.FAST))
    assert fast == plain
    assert [event for event in plain if isinstance(event, str)] == [
        "Trap('divide-by-zero')",
        "Trap('out-of-bounds-memory')",
        "Trap('fuel-exhausted')",
        "LookupError('of the host')",
    ]


def shifted(method: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, address, *rest: method(self, address + 1, *rest)


def halved(method: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: method(*arguments)[:1]


def emptied(_: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *_: None


def raising(_: Callable[..., Any]) -> Callable[..., Any]:
    def fails(*_: object) -> None:
        raise OSError("an access violation")

    return fails


@pytest.mark.usefixtures("proved_anew")
@pytest.mark.parametrize(
    ("owner", "name", "spoil"),
    [
        pytest.param(wasmtime_fast.FastMemory, "_copy_out", shifted, id="reads-elsewhere"),
        pytest.param(wasmtime_fast.FastMemory, "_copy_in", shifted, id="writes-elsewhere"),
        pytest.param(wasmtime_fast, "_take", halved, id="loses-a-number"),
        pytest.param(wasmtime_fast, "_put", emptied, id="gives-no-numbers"),
        pytest.param(wasmtime_fast.FastInstance, "_set_fuel", emptied, id="does-not-meter"),
        pytest.param(wasmtime_fast.FastInstance, "_watch_growth", emptied, id="does-not-see-refusals"),
        pytest.param(wasmtime_fast.FastInstance, "_call_from_outside", emptied, id="answers-nothing"),
        pytest.param(wasmtime_fast.FastInstance, "_prepare", raising, id="raises"),
    ],
)
def test_a_fast_way_that_does_wrong_is_not_taken(
    monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, spoil: Callable[[Callable[..., Any]], Callable[..., Any]]
) -> None:
    monkeypatch.setattr(owner, name, spoil(getattr(owner, name)))
    assert WasmtimeEngine().way is Way.PLAIN
    with pytest.raises(EngineMissing, match="wasmtime cannot be used in the fast way"):
        WasmtimeEngine(Way.FAST)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("del bindings._wasmtime_func_call_unchecked", id="a-function-is-gone"),
        pytest.param("bindings._wasmtime_memory_data_size.argtypes = []", id="other-arguments"),
        pytest.param("bindings._wasmtime_context_set_fuel.restype = None", id="another-result"),
        pytest.param("ffi.wasmtime_val_raw_t = ffi.wasmtime_val_t", id="another-layout"),
        pytest.param("del ffi.wasmtime_val_raw_t", id="a-type-is-gone"),
        pytest.param("del ffi.dll", id="another-loader"),
    ],
)
def test_a_binding_that_differs_is_used_in_the_plain_way(change: str) -> None:
    program = f"""
from wasmtime import _bindings as bindings, _ffi as ffi
import reference_host.engine.wasmtime_instance
{change}
from reference_host.engine.registry import load_engine
from reference_host.engine.wasmtime import WasmtimeEngine, Way
from reference_host.engine.wasmtime_proof import guest, session
from reference_host.errors import EngineMissing
engine = load_engine("wasmtime")
print(engine.way.value, len(list(session(engine.compile(guest())))))
try:
    WasmtimeEngine(Way.FAST)
except EngineMissing:
    print("no fast way")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("plain 16\nno fast way\n", "")
