"""Which functions a module is given, and with which types."""

from __future__ import annotations

import pytest
import wasmtime
from wasi_guests import Starter, every_engine

from reference_host.engine.interface import FuncType, Import, Limits, ValueType
from reference_host.errors import UnresolvedImport
from reference_host.wasi import Wasi
from reference_host.wasi.signatures import PREVIEW1, UNSTABLE, WASI

I32 = ValueType.I32
EVERY_FUNCTION = [
    pytest.param(module, name, type_, id=f"{module}.{name}")
    for module, functions in WASI.items()
    for name, type_ in functions.items()
]


def test_preview_1_has_46_functions_and_the_revision_before_it_lacks_sock_accept() -> None:
    assert len(PREVIEW1) == 46
    assert set(PREVIEW1) - set(UNSTABLE) == {"sock_accept"}
    assert set(UNSTABLE) <= set(PREVIEW1)


@pytest.mark.parametrize("name", PREVIEW1)
def test_the_types_are_those_of_an_independent_host(name: str) -> None:
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    store.set_wasi(wasmtime.WasiConfig())
    linker = wasmtime.Linker(engine)
    linker.define_wasi()
    type_ = PREVIEW1[name]
    parameters, results = " ".join(type_.parameters), " ".join(type_.results)
    wat = f'(module (import "wasi_snapshot_preview1" "{name}" (func (param {parameters}) (result {results}))))'
    # Instantiating raises for an import of another type.
    linker.instantiate(store, wasmtime.Module(engine, wat))


@pytest.mark.parametrize(("module", "name", "type_"), EVERY_FUNCTION)
def test_every_function_is_given_once_however_often_it_is_imported(module: str, name: str, type_: FuncType) -> None:
    wanted = Import(module, name, type_)
    (given,) = Wasi().host_functions([wanted, wanted])
    assert (given.module, given.name, given.type) == (module, name, type_)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        pytest.param("wasi_snapshot_preview1", "fd_dup", id="no-such-function"),
        pytest.param("wasi_snapshot_preview2", "fd_write", id="no-such-module"),
        pytest.param("wasi_unstable", "sock_accept", id="not-in-that-revision"),
        pytest.param("env", "emscripten_notify_memory_growth", id="env-of-another-toolchain"),
        pytest.param("env", "fd_write", id="wasi-name-in-env"),
        pytest.param("wasi_snapshot_preview1", "abort", id="env-name-in-wasi"),
        pytest.param("", "", id="empty"),
    ],
)
def test_what_is_not_known_is_left_to_the_engine(module: str, name: str) -> None:
    assert Wasi().host_functions([Import(module, name, FuncType())]) == []


@every_engine
def test_an_import_of_another_type_is_reported_with_both(start: Starter) -> None:
    module = start.compile('(module (import "env" "abort" (func)))')
    with pytest.raises(UnresolvedImport) as caught:
        module.instantiate(Wasi().host_functions(module.imports), Limits())
    assert (caught.value.module, caught.value.name, caught.value.type) == ("env", "abort", "() -> ()")
    assert caught.value.provided == "(i32, i32, i32, i32) -> ()"


@every_engine
def test_both_revisions_in_one_module_share_one_guest(start: Starter) -> None:
    guest = start.wat(
        """(module
          (import "wasi_unstable" "fd_close" (func $close (param i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_sync" (func $sync (param i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "fd_close") (param i32) (result i32) local.get 0 call $close)
          (func (export "fd_sync") (param i32) (result i32) local.get 0 call $sync))"""
    )
    assert guest("fd_sync", 1).name == "SUCCESS"
    assert guest("fd_close", 1).name == "SUCCESS"
    assert guest("fd_sync", 1).name == "BADF"
