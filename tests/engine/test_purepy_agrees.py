"""Engines compute what wasmtime computes, on random modules: results, traps, memory, globals, and exact fuel.

The short run is part of every test run; `HOOKPROOF_FUZZ=10000` makes it as long as one likes. A mismatch is told with
its seed and with a module that was reduced to what makes the difference. `pywasm` takes part with fewer modules, since
it is slow; where it deviates from the specification the engine mends it, and `reference_host/engine/pywasm_mend.py`
lists each instruction with the section that it breaks: nothing is left out here.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import pytest
import wasmgen
import wasmreduce
import wasmtime
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from reference_host.engine.interface import Engine, Limits
from reference_host.engine.purepy import PurepyEngine, structure
from reference_host.engine.purepy.expressions import BINARY
from reference_host.engine.registry import load_engine
from reference_host.errors import HookproofError, Trap

ARGUMENTS = ((3, 5), (0, 0), (2**32 - 1, 2**63))
FUEL = 1_000_000
FUEL_OF_SLOW_ENGINES = 20_000
OR, XOR = 0x72, 0x73  # of i32

EXAMPLES = int(os.environ.get("HOOKPROOF_FUZZ", "60"))

Outcome = list[object]
Run = Callable[[bytes], Outcome]


@pytest.fixture(scope="module", autouse=True)
def _no_kept_translations() -> Iterator[None]:
    """Modules that are used once need not be kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOKPROOF_CACHE", "off")
        yield


def bounded(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
        phases=[Phase.generate],  # a smaller seed makes no smaller module: that is what `wasmreduce` is for
    )


def outcome(engine: Engine, fuel: int | None, binary: bytes) -> Outcome:
    """What a module does: each call's results (and fuel) or trap, the globals behind it, and the memory."""
    instance = engine.compile(binary).instantiate([], Limits(memory_pages=3, deadline=60))
    seen: Outcome = []
    for arguments in ARGUMENTS:
        try:
            seen.append(instance.call("run", *arguments, fuel=fuel))
            if fuel is not None:
                seen.append(instance.fuel_used())
            seen.append(instance.call("globals"))
        except Trap as trap:
            seen.append(str(trap))
        memory = instance.memory
        assert memory is not None
        seen.append(memory.read(0, memory.size))
        if not instance.alive:
            break
    return seen


def assert_alike(seed: int, expected: Run, actual: Run) -> None:
    text = wasmgen.module(seed)
    binary = bytes(wasmtime.wat2wasm(text))
    if actual(binary) == expected(binary):
        return

    def differs(text: str) -> bool:
        try:
            binary = bytes(wasmtime.wat2wasm(text))
            return actual(binary) != expected(binary)
        except (wasmtime.WasmtimeError, HookproofError, AssertionError):
            return False  # no module, or none that can be asked

    smaller = wasmreduce.reduced(text, differs)
    binary = bytes(wasmtime.wat2wasm(smaller))
    pytest.fail(f"seed {seed}, reduced to:\n{smaller}\nexpected {expected(binary)!r:.400}\ngot {actual(binary)!r:.400}")


def assert_all_alike(seeds: Iterable[int], expected: Run, actual: Run) -> None:
    for seed in seeds:
        assert_alike(seed, expected, actual)


@pytest.mark.parametrize("views", [True, False], ids=["views", "portable"])
@bounded(EXAMPLES)
@given(seed=st.integers(0, 2**40))
def test_a_random_module_runs_alike(seed: int, *, views: bool) -> None:
    for fuel in (FUEL, None):
        assert_alike(
            seed, partial(outcome, load_engine("wasmtime"), fuel), partial(outcome, PurepyEngine(views=views), fuel)
        )


@bounded(-(-EXAMPLES // 4))
@given(seed=st.integers(0, 2**40))
def test_a_random_module_runs_alike_on_pywasm(seed: int) -> None:
    expected, actual = (partial(outcome, load_engine(name), FUEL_OF_SLOW_ENGINES) for name in ("wasmtime", "pywasm"))
    assert_alike(seed, expected, actual)


def _flat(fuel: int | None, binary: bytes) -> Outcome:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structure, "MAX_DEPTH", 0)
        return outcome(PurepyEngine(), fuel, binary)


@bounded(EXAMPLES)
@given(seed=st.integers(0, 2**40))
def test_the_form_for_what_is_nested_too_deep_is_no_other(seed: int) -> None:
    for fuel in (FUEL, None):
        assert_alike(seed, partial(outcome, PurepyEngine(), fuel), partial(_flat, fuel))


def test_a_mismatch_is_told_with_its_seed_and_a_module_that_one_can_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BINARY, XOR, BINARY[OR])
    expected, actual = (partial(outcome, engine, None) for engine in (load_engine("wasmtime"), PurepyEngine()))
    with pytest.raises(pytest.fail.Exception) as failure:
        assert_all_alike(range(100), expected, actual)
    told = re.fullmatch(r"seed (\d+), reduced to:\n(.*)\nexpected .*\ngot .*", str(failure.value), re.DOTALL)
    assert told is not None
    smaller = told.group(2)
    assert "i32.xor" in smaller
    assert len(smaller) < min(1_500, len(wasmgen.module(int(told.group(1)))) / 2)


CONFORMING = Path(__file__).parents[2] / "fixtures" / "bifrost" / "conforming"


@pytest.mark.parametrize("name", ["get_name", "get_version", "malloc"])
@pytest.mark.parametrize("plugin", sorted(CONFORMING.glob("*.wasm")), ids=lambda path: path.stem)
def test_the_sample_plugins_run_alike(plugin: Path, name: str) -> None:
    seen = []
    for engine in (load_engine("wasmtime"), PurepyEngine(), PurepyEngine(views=False)):
        module = engine.compile(plugin.read_bytes())
        if module.imports or name not in {export.name for export in module.exports}:
            continue
        instance = module.instantiate()
        arguments = (100,) if name == "malloc" else ()
        results = [instance.call(name, *arguments, fuel=FUEL) for _ in range(3)]
        assert instance.memory is not None
        seen.append((results, instance.fuel_used(), instance.memory.read(0, instance.memory.size)))
    assert all(each == seen[0] for each in seen)
