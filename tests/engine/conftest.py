"""What the tests of the engine room share: WAT compiled in this process, and every registered engine in turn."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import wasmtime

from reference_host.engine.interface import Engine
from reference_host.engine.registry import engine_names, load_engine

Wat = Callable[[str], bytes]


@pytest.fixture(scope="session")
def wat() -> Wat:
    """Text to binary; only tests do this, no engine ever sees text."""
    return lambda text: bytes(wasmtime.wat2wasm(text))


@pytest.fixture(scope="session", params=engine_names())
def engine(request: pytest.FixtureRequest) -> Engine:
    """Every engine that is registered; one whose library is missing fails, it is not skipped."""
    return load_engine(request.param)
