"""What the tests of the engine room share: WAT compiled in this process, and every registered engine in turn.

The engine `wasmtime` comes in each of its two ways, and `purepy` in each of its ways to memory; none stands in for the
other.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import wasmtime

from reference_host.engine.interface import Engine
from reference_host.engine.purepy import PurepyEngine
from reference_host.engine.registry import engine_names, load_engine
from reference_host.engine.wasmtime import WasmtimeEngine, Way

Wat = Callable[[str], bytes]


@pytest.fixture(scope="session")
def wat() -> Wat:
    """Text to binary; only tests do this, no engine ever sees text."""
    return lambda text: bytes(wasmtime.wat2wasm(text))


def _make(name: str) -> Callable[[], Engine]:
    return lambda: load_engine(name)


ENGINES: dict[str, Callable[[], Engine]] = {
    name: _make(name) for name in engine_names() if name not in ("wasmtime", "purepy")
} | {
    **{f"wasmtime-{way}": partial(WasmtimeEngine, way) for way in Way},
    "purepy-views": PurepyEngine,
    "purepy-portable": partial(PurepyEngine, views=False),
}


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Every engine that is registered; one whose library is missing fails, it is not skipped."""
    return ENGINES[request.param]()
