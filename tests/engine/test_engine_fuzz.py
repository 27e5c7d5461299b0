"""Modules with bytes changed: whatever they have become, an engine answers with a result or with an error of ours.

Two engines that take the same changed module run it alike.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from reference_host.engine.binary import read_module
from reference_host.engine.interface import Engine, FuncType, HostFunction, Limits, Number, ValueType
from reference_host.engine.pywasm import PywasmEngine
from reference_host.engine.registry import load_engine
from reference_host.errors import HookproofError, InvalidModule, MalformedModule, StartFailed, Trap, TrapCode

SUBJECT = """(module
  (import "env" "log" (func $log (param i32) (result i32)))
  (memory (export "memory") 1 6) (global $g (mut i32) (i32.const 5))
  (table $t 4 funcref) (elem (table $t) (i32.const 0) func $a $b)
  (data (i32.const 8) "0123456789") (data $d "abc") (type $two (func (param i32) (result i32)))
  (start $s) (func $s i32.const 1 global.set $g)
  (func $a (export "a") (param i32) (result i32) (local i32 i64)
    (loop local.get 1 local.get 0 i32.add local.set 1 local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0)
    local.get 1 i32.const 8 i32.load offset=2 i32.xor i32.const 1 memory.grow i32.add)
  (func $b (export "b") (param i32) (result i32)
    local.get 0 call $log
    block (result i32) i32.const 7 local.get 0 br_if 0 drop i32.const 9 end
    i32.add i32.const 0 call_indirect $t (type $two)
    i32.const 20 i32.const 0 i32.const 3 memory.init $d
    local.get 0 if (result i32) global.get $g else i32.const 3 end i32.mul)
  (func (export "c") (param f64 i64) (result i64 f32)
    local.get 0 i64.trunc_sat_f64_s local.get 1 i64.div_u local.get 0 f32.demote_f64 f32.const 1.5 f32.max))"""

LIMITS = Limits(fuel=3_000, memory_pages=8, table_elements=100)
ARGUMENTS: dict[ValueType, Number] = {ValueType.I32: 3, ValueType.I64: 7, ValueType.F32: 2.5, ValueType.F64: -2.5}
LOG = HostFunction("env", "log", FuncType((ValueType.I32,), (ValueType.I32,)), lambda _, value: value)

Change = tuple[float, int]
changes = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4)
bounded = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def subject(wat: Callable[[str], bytes]) -> bytes:
    return wat(SUBJECT)


def changed(binary: bytes, changes: list[Change]) -> bytes:
    """Change some bytes behind the header; where is told as a fraction, so that it fits any module."""
    out = bytearray(binary)
    for where, value in changes:
        out[8 + int(where * (len(binary) - 8))] = value
    return bytes(out)


def outcome(engine: Engine, binary: bytes) -> list[str]:
    """What the module does, in words: each exported function called once, its memory at the end."""
    try:
        instance = engine.compile(binary).instantiate([LOG], LIMITS)
    except StartFailed as error:
        return [str(error)]
    except (MalformedModule, InvalidModule):
        return ["refused"]  # engines differ in what they look at first
    except HookproofError as error:
        return [type(error).__name__]
    seen = []
    for export in instance.module.exports:
        if not isinstance(export.type, FuncType) or not instance.alive:
            continue
        try:
            arguments = [ARGUMENTS.get(kind, 0) for kind in export.type.parameters]
            seen.append(repr(instance.call(export.name, *arguments)))
        except Trap as trap:
            seen.append(str(trap))
            if trap.code in (TrapCode.FUEL_EXHAUSTED, TrapCode.STACK_EXHAUSTED):
                return seen  # the depth is the engine's, and so is the point at which a bulk instruction stops
        except HookproofError as error:
            seen.append(type(error).__name__)
    memory = instance.memory
    if memory is not None:
        seen.append(f"{memory.size} {memory.read(0, min(memory.size, 64)).hex()}")
    return [*seen, str(instance.growth_refused)]


@bounded
@given(changes=changes)
def test_a_changed_module_runs_alike_or_is_refused_by_every_engine(
    subject: bytes, engine: Engine, changes: list[Change]
) -> None:
    binary = changed(subject, changes)
    seen = outcome(engine, binary)
    assume(not (engine.name == "purepy" and seen == ["UnsupportedModule"]))  # it has no vectors, and says so
    assert seen == outcome(load_engine("wasmtime"), binary)


@bounded
@given(changes=changes)
def test_a_changed_module_that_nobody_validated_ends_in_nothing_but_our_errors(
    subject: bytes, changes: list[Change]
) -> None:
    engine = PywasmEngine()
    engine._validator = None
    outcome(engine, changed(subject, changes))


def test_the_subject_itself_runs(engine: Engine, subject: bytes) -> None:
    assert read_module(subject).has_start
    assert len(outcome(engine, subject)) == 5
