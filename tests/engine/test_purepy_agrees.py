"""purepy computes what wasmtime computes, on random modules: results, traps, memory, globals, and exact fuel.

The short run is part of every test run; `HOOKPROOF_FUZZ=10000` makes it as long as one likes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import wasmgen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reference_host.engine.interface import Engine, Limits
from reference_host.engine.purepy import PurepyEngine, structure
from reference_host.engine.registry import load_engine
from reference_host.errors import Trap

ARGUMENTS = ((3, 5), (0, 0), (2**32 - 1, 2**63))
FUEL = 1_000_000

Outcome = list[object]


@pytest.fixture(scope="module", autouse=True)
def _no_kept_translations() -> Iterator[None]:
    """Modules that are used once need not be kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOKPROOF_CACHE", "off")
        yield


bounded = settings(
    max_examples=int(os.environ.get("HOOKPROOF_FUZZ", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def outcome(engine: Engine, binary: bytes, *, metered: bool) -> Outcome:
    """What a module does: each call's results (and fuel) or trap, the globals behind it, and the memory."""
    instance = engine.compile(binary).instantiate([], Limits(memory_pages=3, deadline=60))
    seen: Outcome = []
    for arguments in ARGUMENTS:
        try:
            seen.append(instance.call("run", *arguments, fuel=FUEL if metered else None))
            if metered:
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


@pytest.mark.parametrize("views", [True, False], ids=["views", "portable"])
@bounded
@given(seed=st.integers(0, 2**40))
def test_a_random_module_runs_alike(wat: Callable[[str], bytes], seed: int, *, views: bool) -> None:
    binary = wat(wasmgen.module(seed))
    engine = PurepyEngine(views=views)
    for metered in (True, False):
        assert outcome(engine, binary, metered=metered) == outcome(load_engine("wasmtime"), binary, metered=metered)


@bounded
@given(seed=st.integers(0, 2**40))
def test_the_form_for_what_is_nested_too_deep_is_no_other(wat: Callable[[str], bytes], seed: int) -> None:
    binary = wat(wasmgen.module(seed))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structure, "MAX_DEPTH", 0)
        seen = [outcome(PurepyEngine(), binary, metered=metered) for metered in (True, False)]
    assert seen == [outcome(PurepyEngine(), binary, metered=metered) for metered in (True, False)]


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
