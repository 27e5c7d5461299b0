"""Instances of purepy import from each other: the same cell, the same memory, the same table, matched by type."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reference_host.engine.interface import FuncType, ValueType
from reference_host.engine.purepy import PurepyEngine
from reference_host.engine.purepy.link import LinkedInstance, Linker, host_function
from reference_host.errors import Trap, TrapCode, UnresolvedImport

Make = Callable[[str], LinkedInstance]

EXPORTER = """(module
  (global (export "count") (mut i32) (i32.const 5)) (global (export "fixed") i64 (i64.const 7))
  (memory (export "memory") 1 3) (table (export "table") 2 4 funcref) (elem (i32.const 0) $one)
  (func $one (export "one") (result i32) i32.const 1)
  (func (export "peek") (param i32) (result i32) local.get 0 i32.load8_u)
  (func (export "grow") (result i32) i32.const 1 memory.grow)
  (func (export "at") (param i32) (result i32) local.get 0 call_indirect (result i32)))"""


@pytest.fixture
def linker() -> Linker:
    return Linker()


@pytest.fixture
def make(linker: Linker, wat: Callable[[str], bytes]) -> Make:
    exporter = linker.instantiate(PurepyEngine().compile(wat(EXPORTER)))
    linker.register("lib", exporter)
    linker.define("host", "double", host_function(FuncType((ValueType.I32,), (ValueType.I32,)), lambda n: 2 * n))

    def instantiate(fields: str) -> LinkedInstance:
        return linker.instantiate(PurepyEngine().compile(wat(f"(module {fields})")))

    return instantiate


def test_a_mutable_global_is_one_for_both(make: Make) -> None:
    text = """(import "lib" "count" (global $g (mut i32))) (export "same" (global $g))
      (func (export "add") (param i32) (global.set $g (i32.add (global.get $g) (local.get 0))))"""
    one, two = make(text), make(text)
    one.invoke("add", 3)
    two.invoke("add", 4)
    assert one.value("same") == two.value("same") == 12


def test_a_memory_is_one_for_both_also_after_it_has_grown(make: Make) -> None:
    first = make(
        '(import "lib" "memory" (memory 1 3)) (func (export "get") (result i32) (i32.load (i32.const 131060)))'
    )
    second = make(
        """(import "lib" "memory" (memory 1)) (import "lib" "grow" (func $grow (result i32)))
      (func (export "put") (result i32) call $grow (i32.store (i32.const 131060) (i32.const 77)))"""
    )
    assert second.invoke("put") == (1,)
    assert first.invoke("get") == (77,)


def test_functions_in_a_shared_table_belong_to_who_put_them_there(make: Make) -> None:
    user = make("""(import "lib" "table" (table 2 funcref)) (import "lib" "at" (func $at (param i32) (result i32)))
      (elem (i32.const 1) $two) (func $two (result i32) i32.const 2)
      (func (export "sum") (result i32) (i32.add (call $at (i32.const 0)) (call $at (i32.const 1))))""")
    assert user.invoke("sum") == (3,)
    assert user.invoke("sum", fuel=100) == (3,)


def test_a_host_function_can_be_imported_and_exported_again(make: Make) -> None:
    assert make('(import "host" "double" (func $d (param i32) (result i32))) (export "d" (func $d))').invoke(
        "d", 21
    ) == (42,)


def test_a_global_can_start_with_an_imported_one(make: Make) -> None:
    made = make("""(import "lib" "fixed" (global $f i64))
      (global (export "more") i64 (i64.mul (global.get $f) (i64.const 6)))""")
    assert made.value("more") == 42


@pytest.mark.parametrize(
    ("wanted", "provided"),
    [
        pytest.param('"lib" "none" (func)', "nobody provides it", id="missing"),
        pytest.param('"lib" "one" (func (result i64))', "it is provided as () -> i32", id="another-signature"),
        pytest.param('"lib" "one" (global i32)', "it is provided as () -> i32", id="another-kind"),
        pytest.param('"lib" "count" (global i32)', "it is provided as mutable global i32", id="mutability"),
        pytest.param('"lib" "memory" (memory 2)', "it is provided as memory of 1 to 3 pages", id="memory-too-small"),
        pytest.param('"lib" "memory" (memory 1 2)', "it is provided as memory of 1 to 3 pages", id="memory-too-large"),
        pytest.param('"lib" "table" (table 1 3 funcref)', "table of 2 to 4 funcref", id="table-too-large"),
        pytest.param('"lib" "table" (table 1 externref)', "table of 2 to 4 funcref", id="element-type"),
    ],
)
def test_an_import_has_to_match(make: Make, wanted: str, provided: str) -> None:
    with pytest.raises(UnresolvedImport) as raised:
        make(f"(import {wanted})")
    assert str(raised.value).endswith(provided)


def test_what_was_written_before_a_trap_stays_written(make: Make) -> None:
    with pytest.raises(Trap) as raised:
        make('(import "lib" "memory" (memory 1)) (data (i32.const 9) "x") (data (i32.const 65536) "y")')
    assert raised.value.code is TrapCode.MEMORY_OUT_OF_BOUNDS
    reader = make('(import "lib" "peek" (func $peek (param i32) (result i32))) (export "peek" (func $peek))')
    assert reader.invoke("peek", 9) == (ord("x"),)


def test_all_instances_share_one_budget(make: Make) -> None:
    user = make("""(import "lib" "one" (func $one (result i32))) (func (export "spin") (loop call $one drop br 0))""")
    with pytest.raises(Trap) as raised:
        user.invoke("spin", fuel=10_000)
    assert raised.value.code is TrapCode.FUEL_EXHAUSTED
