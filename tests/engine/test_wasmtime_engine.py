"""What only the wasmtime engine promises: memory that costs nothing until it is touched, a clock that goes to sleep."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from reference_host.engine import deadline
from reference_host.engine.deadline import TICK, Ticker
from reference_host.engine.interface import PAGE, Engine, FuncType, HostFunction, Limits
from reference_host.engine.registry import load_engine
from reference_host.engine.wasmtime import WasmtimeEngine
from reference_host.errors import InvalidModule

GIBIBYTE = 1 << 30


@pytest.fixture(scope="module")
def wasmtime_engine() -> WasmtimeEngine:
    engine = load_engine("wasmtime")
    assert isinstance(engine, WasmtimeEngine)
    return engine


def test_it_is_an_engine_of_the_seam(wasmtime_engine: WasmtimeEngine) -> None:
    engine: Engine = wasmtime_engine
    assert engine.validates
    assert engine.quick_only is None


def test_memory_above_two_gibibytes_is_legal_and_costs_nothing(
    wasmtime_engine: WasmtimeEngine, wat: Callable[[str], bytes]
) -> None:
    binary = wat("""(module (memory (export "memory") 32768)
      (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
      (func (export "peek") (param i32) (result i32) local.get 0 i32.load))""")
    instances = [wasmtime_engine.compile(binary).instantiate() for _ in range(4)]
    for instance in instances:
        memory = instance.memory
        assert memory is not None
        assert memory.size == 2 * GIBIBYTE
        assert instance.call("grow", 16_384) == (32_768,)
        memory.write(3 * GIBIBYTE - 4, b"\x01\x02\x03\x04")
        assert instance.call("peek", 3 * GIBIBYTE - 4) == (0x04030201,)
        assert memory.read(3 * GIBIBYTE - 4, 4) == b"\x01\x02\x03\x04"
        assert instance.call("grow", 16_384) == (49_152,)
        assert memory.size == 4 * GIBIBYTE
        assert memory.read(4 * GIBIBYTE - PAGE, PAGE) == bytes(PAGE)
        assert instance.call("grow", 1) == (2**32 - 1,)


def test_what_does_not_validate_says_why_and_where(
    wasmtime_engine: WasmtimeEngine, wat: Callable[[str], bytes]
) -> None:
    binary = wat("(module (func (result i32) i64.const 0))")
    with pytest.raises(InvalidModule) as raised:
        wasmtime_engine.compile(binary)
    assert str(raised.value) == "type mismatch: expected i32, found i64 (at offset 0x1a)"


def test_an_index_that_only_an_addition_would_fill_stays_invalid(wasmtime_engine: WasmtimeEngine) -> None:
    # Two functions: one grows the memory, so that a function is added as number 2; the other calls number 2.
    binary = bytes.fromhex(
        "0061736d01000000 0105016000017f 0303020000 05030100010a 0d 02 06 00 4100 4000 0b 04 00 1002 0b"
    )
    with pytest.raises(InvalidModule, match="unknown function 2"):
        wasmtime_engine.compile(binary)


def test_two_instances_with_deadlines_do_not_disturb_each_other(
    wasmtime_engine: WasmtimeEngine, wat: Callable[[str], bytes]
) -> None:
    module = wasmtime_engine.compile(
        wat("""(module (import "env" "nap" (func $nap)) (func (export "f") (loop call $nap)))""")
    )
    nap = HostFunction("env", "nap", FuncType(), lambda _: time.sleep(10 * TICK))
    assert module.instantiate([nap], Limits(deadline=30)).call("f") == ()


def test_the_ticker_ticks_while_somebody_waits_and_then_ends() -> None:
    ticks: list[str] = []
    ticker = Ticker(lambda: ticks.append(threading.current_thread().name))
    assert [ticker.ticking] == [False]
    ticker.enter()
    ticker.enter()
    assert [ticker.ticking] == [True]
    time.sleep(10 * TICK)
    assert len(ticks) >= 3
    assert set(ticks) == {"hookproof-ticker"}
    ticker.leave()
    ticker.leave()
    ended = time.monotonic() + 10
    while ticker.ticking and time.monotonic() < ended:
        time.sleep(TICK)
    assert [ticker.ticking] == [False]
    ticker.enter()
    assert [ticker.ticking] == [True]
    ticker.leave()


def test_whoever_waits_has_a_ticker_even_as_it_goes_to_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "_IDLE_TICKS", -1)  # ends at every tick, unless somebody waits just then
    monkeypatch.setattr(deadline, "TICK", 0.0001)
    ticks: list[None] = []
    ticker = Ticker(lambda: ticks.append(None))
    for _ in range(300):
        ticker.enter()
        before = len(ticks)
        ended = time.monotonic() + 10
        while len(ticks) == before and time.monotonic() < ended:
            time.sleep(0)
        assert len(ticks) > before
        ticker.leave()


FORKED = """
import os, warnings
warnings.simplefilter("ignore")
from reference_host.engine.interface import Limits
from reference_host.engine.registry import load_engine
from reference_host.errors import Trap
module = load_engine("wasmtime").compile(bytes.fromhex(
    "0061736d01000000 01040160 0000 03020100 070501 01660000 0a090107 00 0340 0c00 0b0b"))
def spin():
    try:
        module.instantiate(limits=Limits(deadline=0.05)).call("f")
    except Trap as trap:
        print(trap, flush=True)
spin()
child = os.fork()
spin()
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forked children on this system")
def test_a_forked_child_has_a_clock_of_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("deadline\n" * 3, "")
