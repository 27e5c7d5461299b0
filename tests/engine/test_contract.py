"""The contract of the engine seam, the same for every engine that is registered.

An engine that plugs in later is held to this file without a change to it.
"""

from __future__ import annotations

import gc
import math
import struct
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from reference_host.engine.interface import (
    MAX_PAGES,
    PAGE,
    Engine,
    Export,
    FuncType,
    GlobalType,
    GrowthRefused,
    HostFunction,
    Import,
    Instance,
    Limits,
    Memory,
    MemoryType,
    Number,
    TableType,
    Validity,
    ValueType,
)
from reference_host.errors import (
    CallError,
    InvalidModule,
    MalformedModule,
    MemoryAccessError,
    MemoryLimitExceeded,
    ModuleError,
    NotAModule,
    StartFailed,
    TableLimitExceeded,
    Trap,
    TrapCode,
    UnresolvedImport,
    UnsupportedModule,
)

I32, I64, F32, F64 = ValueType.I32, ValueType.I64, ValueType.F32, ValueType.F64
NO_VALUES = FuncType()

Make = Callable[..., Instance]


@pytest.fixture
def make(engine: Engine, wat: Callable[[str], bytes]) -> Make:
    """`make(fields, *host_functions, **limits)`: an instance of a module with these fields."""

    def instance(fields: str, *hosts: HostFunction, **limits: Any) -> Instance:
        return engine.compile(wat(f"(module {fields})")).instantiate(hosts, Limits(**limits))

    return instance


def memory_of(instance: Instance) -> Memory:
    assert instance.memory is not None
    return instance.memory


def host(name: str, type_: FuncType, implementation: Callable[..., Any]) -> HostFunction:
    return HostFunction("env", name, type_, implementation)


# A function of type () -> i32 with an empty body.
NO_RESULT_ON_THE_STACK = bytes.fromhex("0061736d 01000000 01050160 00017f03 02010 00a04 01020 00b".replace(" ", ""))

# --- modules ---------------------------------------------------------------------------------------------------------


def test_an_engine_tells_its_name_and_the_version_of_its_library(engine: Engine) -> None:
    assert engine.name
    assert engine.version[0].isdigit()


def test_exports_and_imports_are_known_without_an_instance(engine: Engine, wat: Callable[[str], bytes]) -> None:
    module = engine.compile(
        wat("""(module
          (import "env" "log" (func (param i32 i64)))
          (func (export "f") (param f32) (result f64 i32) f64.const 0 i32.const 0)
          (memory (export "m") 1 2) (table (export "t") 3 4 funcref) (global (export "g") (mut i64) (i64.const 0)))""")
    )
    assert module.imports == (Import("env", "log", FuncType((I32, I64))),)
    assert module.exports == (
        Export("f", FuncType((F32,), (F64, I32))),
        Export("m", MemoryType(1, 2)),
        Export("t", TableType(ValueType.FUNCREF, 3, 4)),
        Export("g", GlobalType(I64, mutable=True)),
    )


def test_a_module_is_validated_wherever_an_engine_that_validates_is_installed(
    engine: Engine, wat: Callable[[str], bytes]
) -> None:
    assert engine.compile(wat("(module)")).validity is Validity.VALID


@pytest.mark.parametrize(
    ("binary", "error"),
    [
        pytest.param(b"", NotAModule, id="empty"),
        pytest.param(b"(module)", NotAModule, id="text"),
        pytest.param(b"\0asm\x0d\0\x01\0", NotAModule, id="component"),
        pytest.param(b"\0asm\x01\0", NotAModule, id="header-cut"),
        pytest.param(b"\0asm\x01\0\0\0\x01\x7f", MalformedModule, id="section-cut"),
        pytest.param(NO_RESULT_ON_THE_STACK, InvalidModule, id="does-not-validate"),
    ],
)
def test_what_is_no_valid_core_module_is_refused(engine: Engine, binary: bytes, error: type[ModuleError]) -> None:
    with pytest.raises(error):
        engine.compile(binary)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param("(func $f return_call $f)", id="tail-call"),
        pytest.param("(memory 1) (memory 1)", id="two-memories"),
        pytest.param("(memory i64 1)", id="memory64"),
        pytest.param("(memory 1 1 shared)", id="shared-memory"),
        pytest.param("(tag) (func throw 0)", id="exceptions"),
        pytest.param("(type (struct (field i32)))", id="garbage-collection"),
    ],
)
def test_what_came_after_webassembly_2_is_refused(engine: Engine, wat: Callable[[str], bytes], fields: str) -> None:
    with pytest.raises((UnsupportedModule, InvalidModule)):
        engine.compile(wat(f"(module {fields})"))


def test_several_instances_of_one_module_share_nothing(engine: Engine, wat: Callable[[str], bytes]) -> None:
    module = engine.compile(
        wat("""(module (memory (export "memory") 1) (data $d "abc")
          (func (export "f") (result i32)
            i32.const 0 i32.const 0 i32.const 3 memory.init $d  data.drop $d  i32.const 0 i32.load8_u))""")
    )
    for _ in range(2):
        instance = module.instantiate()
        assert instance.call("f") == (ord("a"),)
        memory_of(instance).write(0, b"zzz")


# --- values ----------------------------------------------------------------------------------------------------------

IDENTITY = "".join(
    f'(func (export "{kind}") (param {kind}) (result {kind}) local.get 0)' for kind in ("i32", "i64", "f32", "f64")
)


@pytest.mark.parametrize(
    ("name", "given", "got"),
    [
        pytest.param("i32", 0, 0, id="i32-zero"),
        pytest.param("i32", 0x8000_0000, 0x8000_0000, id="i32-above-2^31"),
        pytest.param("i32", 0xFFFF_FFFF, 0xFFFF_FFFF, id="i32-largest"),
        pytest.param("i32", -1, 0xFFFF_FFFF, id="i32-negative"),
        pytest.param("i64", 2**63, 2**63, id="i64-2^63"),
        pytest.param("i64", 2**64 - 1, 2**64 - 1, id="i64-largest"),
        pytest.param("i64", -(2**63), 2**63, id="i64-most-negative"),
        pytest.param("f32", 0.1, struct.unpack("<f", struct.pack("<f", 0.1))[0], id="f32-rounded"),
        pytest.param("f32", 1e300, math.inf, id="f32-too-large"),
        pytest.param("f64", 0.1, 0.1, id="f64"),
        pytest.param("f64", 3, 3.0, id="f64-from-int"),
        pytest.param("f64", math.inf, math.inf, id="f64-infinity"),
        pytest.param("f64", 5e-324, 5e-324, id="f64-subnormal"),
    ],
)
def test_numbers_cross_the_seam_unsigned(make: Make, name: str, given: Number, got: Number) -> None:
    assert make(IDENTITY).call(name, given) == (got,)


@pytest.mark.parametrize("name", ["f32", "f64"])
def test_floats_keep_their_kind(make: Make, name: str) -> None:
    instance = make(IDENTITY)
    (zero,) = instance.call(name, -0.0)
    (nan,) = instance.call(name, math.nan)
    assert math.copysign(1, zero) == -1
    assert math.isnan(nan)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("f64.const 0 f64.const 0 f64.div", id="0/0"),
        pytest.param("f64.const -0 f64.const 0 f64.div", id="-0/0"),
        pytest.param("f64.const inf f64.const inf f64.sub", id="inf-inf"),
        pytest.param("f64.const -nan:0x8000000000001 f64.const 1 f64.add", id="payload"),
        pytest.param("f64.const -1 f64.sqrt", id="sqrt"),
        pytest.param("f32.const -nan:0x200001 f64.promote_f32", id="promote"),
        pytest.param("f64.const -nan:0x8000000000001 f64.const 1 f64.min", id="min"),
    ],
)
def test_a_nan_that_is_computed_has_the_same_bits_everywhere(make: Make, body: str) -> None:
    instance = make(f'(func (export "f") (result i64) {body} i64.reinterpret_f64)')
    assert instance.call("f") == (0x7FF8_0000_0000_0000,)


@pytest.mark.parametrize("kind", ["f32", "f64"])
def test_a_nan_keeps_its_payload_on_its_way(make: Make, kind: str) -> None:
    integer, size, pattern = {"f32": ("i32", 4, 0xFFE1_2345), "f64": ("i64", 8, 0xFFFC_1234_5678_9ABC)}[kind]
    instance = make(f"""(func (export "out") (param {integer}) (result {kind}) local.get 0 {kind}.reinterpret_{integer})
      (func (export "in") (param {kind}) (result {integer}) local.get 0 {integer}.reinterpret_{kind})""")
    (nan,) = instance.call("out", pattern)
    assert struct.pack("<f" if size == 4 else "<d", nan) == pattern.to_bytes(size, "little")
    assert instance.call("in", nan) == (pattern,)


def test_many_numbers_cross_in_order(make: Make) -> None:
    count = 40
    instance = make(f"""(func (export "f") (param {"i64 " * count}) (result {"i64 " * count})
      {" ".join(f"local.get {count - 1 - index}" for index in range(count))})""")
    numbers = [2**63 + index for index in range(count)]
    for _ in range(2):
        assert instance.call("f", *numbers) == tuple(reversed(numbers))


def test_several_results_come_in_order(make: Make) -> None:
    instance = make("""(func (export "f") (param i32) (result i32 i64 f64 i32)
      local.get 0 i64.const -1 f64.const 0.5 i32.const -2)""")
    assert instance.call("f", 7) == (7, 2**64 - 1, 0.5, 2**32 - 2)
    assert instance.call("f", 8) == (8, 2**64 - 1, 0.5, 2**32 - 2)


def test_no_result_is_an_empty_tuple(make: Make) -> None:
    assert make('(func (export "f"))').call("f") == ()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        pytest.param("missing", (), id="no-such-function"),
        pytest.param("hidden", (), id="not-exported"),
        pytest.param("memory", (), id="no-function"),
        pytest.param("i32", (), id="too-few"),
        pytest.param("i32", (1, 2), id="too-many"),
        pytest.param("i32", (1.0,), id="float-for-i32"),
        pytest.param("i32", (2**32,), id="too-large"),
        pytest.param("i32", (-(2**31) - 1,), id="too-small"),
        pytest.param("i64", (2**64,), id="too-large-for-i64"),
        pytest.param("f64", ("1",), id="text-for-f64"),
        pytest.param("reference", (0,), id="references-do-not-cross"),
    ],
)
def test_a_call_that_does_not_fit_is_refused_and_harms_nothing(
    make: Make, name: str, arguments: Sequence[Number]
) -> None:
    instance = make(
        IDENTITY + '(memory (export "memory") 1) (func $hidden) (func (export "reference") (param externref))'
    )
    with pytest.raises(CallError):
        instance.call(name, *arguments)
    assert instance.alive
    assert instance.call("i32", 1) == (1,)


# --- traps -----------------------------------------------------------------------------------------------------------

SURROUNDINGS = """
  (type $none (func)) (memory 1) (data $d "abc")
  (table $t 4 funcref) (elem (table $t) (i32.const 0) func $nothing $other) (elem $e func $nothing)
  (func $nothing) (func $other (param i32))"""


TRAPS: dict[TrapCode, dict[str, str]] = {
    TrapCode.UNREACHABLE: {"unreachable": "unreachable"},
    TrapCode.DIVIDE_BY_ZERO: {
        **{
            f"{kind}.{name}": f"{kind}.const 1 {kind}.const 0 {kind}.{name} drop"
            for kind in ("i32", "i64")
            for name in ("div_s", "div_u", "rem_s", "rem_u")
        },
        "least i32.div_s": "i32.const 0x80000000 i32.const 0 i32.div_s drop",
    },
    TrapCode.INTEGER_OVERFLOW: {
        "i32.div_s": "i32.const 0x80000000 i32.const -1 i32.div_s drop",
        "i64.div_s": "i64.const 0x8000000000000000 i64.const -1 i64.div_s drop",
        **{
            f"{target}.trunc_{source}_{sign} {value}": f"{source}.const {value} {target}.trunc_{source}_{sign} drop"
            for target in ("i32", "i64")
            for source in ("f32", "f64")
            for sign in ("s", "u")
            for value in ("inf", "-inf", "1e20", "-1e20")
        },
        "below zero": "f64.const -1 i32.trunc_f64_u drop",
        "one above": "f64.const 2147483648 i32.trunc_f64_s drop",
    },
    TrapCode.INVALID_CONVERSION: {
        f"{target}.trunc_{source}_{sign}": f"{source}.const nan {target}.trunc_{source}_{sign} drop"
        for target in ("i32", "i64")
        for source in ("f32", "f64")
        for sign in ("s", "u")
    },
    TrapCode.MEMORY_OUT_OF_BOUNDS: {
        "load over the end": "i32.const 65533 i32.load drop",
        "load at the end": "i32.const 65536 i32.load8_u drop",
        "offset never wraps": "i32.const -1 i32.load8_u offset=1 drop",
        "load at a negative address": "i32.const -4 i64.load32_s drop",
        "f64.load": "i32.const 65529 f64.load drop",
        "i64.store": "i32.const 65529 i64.const 0 i64.store",
        "i32.store8": "i32.const 65536 i32.const 0 i32.store8",
        "f32.store": "i32.const 65533 f32.const 0 f32.store",
        "v128.load": "i32.const 65521 v128.load drop",
        "memory.fill": "i32.const 1 i32.const 0 i32.const 65536 memory.fill",
        "memory.fill of nothing, beyond": "i32.const 65537 i32.const 0 i32.const 0 memory.fill",
        "memory.copy": "i32.const 0 i32.const 1 i32.const 65536 memory.copy",
        "memory.init": "i32.const 0 i32.const 1 i32.const 3 memory.init $d",
    },
    TrapCode.TABLE_OUT_OF_BOUNDS: {
        "table.get": "i32.const 4 table.get $t drop",
        "table.get at a negative index": "i32.const -1 table.get $t drop",
        "table.set": "i32.const 4 ref.null func table.set $t",
        "table.fill": "i32.const 3 ref.null func i32.const 2 table.fill $t",
        "table.copy": "i32.const 0 i32.const 1 i32.const 4 table.copy $t $t",
        "table.init": "i32.const 0 i32.const 0 i32.const 2 table.init $t $e",
        "call_indirect": "i32.const 4 call_indirect $t (type $none)",
        "call_indirect at a negative index": "i32.const -1 call_indirect $t (type $none)",
    },
    TrapCode.UNINITIALIZED_ELEMENT: {"call_indirect": "i32.const 3 call_indirect $t (type $none)"},
    TrapCode.INDIRECT_CALL_TYPE_MISMATCH: {"call_indirect": "i32.const 1 call_indirect $t (type $none)"},
}


@pytest.mark.parametrize(
    ("body", "code"),
    [pytest.param(body, code, id=f"{code}-{name}") for code, cases in TRAPS.items() for name, body in cases.items()],
)
def test_each_trap_has_its_code(make: Make, engine: Engine, body: str, code: TrapCode) -> None:
    if "v128" in body and engine.name == "purepy":
        with pytest.raises(UnsupportedModule, match="SIMD"):
            make(f'{SURROUNDINGS} (func (export "f") {body})')
        return
    instance = make(f'{SURROUNDINGS} (func (export "f") {body})')
    with pytest.raises(Trap) as raised:
        instance.call("f")
    assert raised.value.code is code
    assert raised.value.message == ""
    assert raised.value.__cause__ is None
    assert not instance.alive


def test_a_trapped_instance_is_not_called_again_but_its_memory_can_be_read(make: Make) -> None:
    instance = make("""(memory (export "memory") 1) (data (i32.const 0) "last words")
      (func (export "f") unreachable) (func (export "g"))""")
    with pytest.raises(Trap):
        instance.call("f")
    with pytest.raises(CallError, match="aborted before"):
        instance.call("g")
    assert memory_of(instance).read(0, 10) == b"last words"


def test_the_process_outlives_hundreds_of_traps(engine: Engine, wat: Callable[[str], bytes]) -> None:
    module = engine.compile(
        wat("""(module (memory 1) (func (export "unreachable") unreachable) (func (export "bounds") i32.const -1
        i32.load drop) (func (export "zero") i32.const 1 i32.const 0 i32.div_u drop) (func $r (export "recursion") call
        $r))""")
    )
    seen = {TrapCode.UNREACHABLE: 0, TrapCode.MEMORY_OUT_OF_BOUNDS: 0, TrapCode.DIVIDE_BY_ZERO: 0}
    for _ in range(100):
        for name in ("unreachable", "bounds", "zero"):
            with pytest.raises(Trap) as raised:
                module.instantiate().call(name)
            seen[raised.value.code] += 1
    for _ in range(10):
        with pytest.raises(Trap) as raised:
            module.instantiate().call("recursion")
        assert raised.value.code is TrapCode.STACK_EXHAUSTED
    assert set(seen.values()) == {100}


# --- fuel, deadline, stack -------------------------------------------------------------------------------------------

LOOPS = """
  (memory 1)
  (func (export "empty") (loop br 0))
  (func (export "working") (local i32) (loop local.get 0 i32.const 1 i32.add local.set 0 br 0))
  (func (export "table") (loop i32.const 0 br_table 0 0))
  (func $f (param i32)) (func (export "calling") (loop i32.const 0 call $f br 0))
  (func (export "filling") (loop i32.const 0 i32.const 0 i32.const 60000 memory.fill br 0))
  (func (export "counted") (param i32) (loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0))"""


@pytest.mark.parametrize("name", ["empty", "working", "table", "calling", "filling"])
def test_an_endless_loop_ends_when_its_fuel_does(make: Make, name: str) -> None:
    with pytest.raises(Trap) as raised:
        make(LOOPS, fuel=20_000).call(name)
    assert raised.value.code is TrapCode.FUEL_EXHAUSTED


@pytest.mark.parametrize("name", ["empty", "working", "calling", "filling"])
def test_an_endless_loop_ends_at_its_deadline(make: Make, name: str) -> None:
    instance = make(LOOPS, deadline=0.1)
    began = time.monotonic()
    with pytest.raises(Trap) as raised:
        instance.call(name)
    assert raised.value.code is TrapCode.DEADLINE
    assert 0.09 < time.monotonic() - began < 5


def test_fuel_is_for_each_call_and_counts_the_work(make: Make) -> None:
    instance = make(LOOPS, fuel=10_000)
    used = []
    for count in (1, 10, 100, 1_000):
        for _ in range(3):
            instance.call("counted", count)
        used.append(instance.fuel_used())
    assert used == [5 * count + 1 for count in (1, 10, 100, 1_000)]


def test_a_call_can_have_a_budget_of_its_own(make: Make) -> None:
    instance = make(LOOPS, fuel=10)
    instance.call("counted", 1_000, fuel=10_000)
    assert instance.fuel_used() == 5_001
    with pytest.raises(Trap) as raised:
        instance.call("counted", 1_000, fuel=1_000)
    assert raised.value.code is TrapCode.FUEL_EXHAUSTED


def test_without_a_budget_no_fuel_is_reported(make: Make) -> None:
    instance = make(LOOPS)
    instance.call("counted", 1_000)
    assert instance.fuel_used() is None


RECURSION = """
  (func $down (export "down") (param i32) (result i32)
    local.get 0 if (result i32) local.get 0 i32.const 1 i32.sub call $down i32.const 1 i32.add else i32.const 0 end)
  (func $even (export "even") (param i32) (result i32)
    local.get 0 if (result i32) local.get 0 i32.const 1 i32.sub call $odd else i32.const 1 end)
  (func $odd (param i32) (result i32)
    local.get 0 if (result i32) local.get 0 i32.const 1 i32.sub call $even else i32.const 0 end)
  (func $endless (export "endless") (param i32) (result i32) local.get 0 call $endless i32.const 1 i32.add)
  (table funcref (elem $indirect)) (type $t (func (param i32) (result i32)))
  (func $indirect (export "indirect") (param i32) (result i32)
    local.get 0 if (result i32)
      local.get 0 i32.const 1 i32.sub i32.const 0 call_indirect (type $t) i32.const 1 i32.add else i32.const 0 end)"""


def wide(count: int) -> str:
    """A recursive function that keeps `count` locals alive over the call."""
    declared = f"(local {' '.join(['i64'] * count)})"
    filled = " ".join(f"local.get 0 i64.extend_i32_u i64.const {i} i64.mul local.set {i + 1}" for i in range(count))
    added = " ".join(f"local.get {i + 1} i64.add" for i in range(count))
    return f"""(func $wide (export "wide") (param i32) (result i64) {declared} {filled}
      local.get 0 i32.eqz if (result i64) i64.const 0 else local.get 0 i32.const 1 i32.sub call $wide end {added})"""


@pytest.mark.parametrize("name", ["down", "indirect"])
def test_a_thousand_frames_work(make: Make, name: str) -> None:
    assert make(RECURSION).call(name, 999) == (999,)


def test_a_thousand_frames_of_two_functions_work(make: Make) -> None:
    assert make(RECURSION).call("even", 999) == (0,)


def test_a_thousand_frames_with_forty_locals_work(make: Make) -> None:
    expected = sum(n * sum(range(40)) for n in range(1_000))
    assert make(wide(40)).call("wide", 999) == (expected,)


@pytest.mark.parametrize("name", ["endless", "down", "even", "indirect"])
def test_runaway_recursion_ends_as_a_trap(make: Make, name: str) -> None:
    with pytest.raises(Trap) as raised:
        make(RECURSION).call(name, 2**32 - 1)
    assert raised.value.code is TrapCode.STACK_EXHAUSTED


def test_runaway_recursion_ends_as_a_trap_on_another_thread_too(make: Make) -> None:
    codes = []

    def run() -> None:
        instance = make(RECURSION)
        try:
            instance.call("endless", 0)
        except Trap as trap:
            codes.append(trap.code)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert codes == [TrapCode.STACK_EXHAUSTED]


def test_recursion_with_fuel_ends_by_fuel_where_that_is_first(make: Make) -> None:
    with pytest.raises(Trap) as raised:
        make(RECURSION, fuel=500).call("endless", 0)
    assert raised.value.code is TrapCode.FUEL_EXHAUSTED


# --- memory ----------------------------------------------------------------------------------------------------------

ONE_PAGE = """(memory (export "memory") 1) (data (i32.const 0) "0123456789")
  (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
  (func (export "size") (result i32) memory.size)
  (func (export "peek") (param i32) (result i32) local.get 0 i32.load8_u)"""


def test_memory_is_read_and_written(make: Make) -> None:
    instance = make(ONE_PAGE)
    memory = memory_of(instance)
    assert memory.size == PAGE
    assert memory.read(3, 4) == b"3456"
    memory.write(4, b"\xff\x00")
    assert memory.read(0, 10) == b"0123\xff\x006789"
    assert instance.call("peek", 4) == (0xFF,)


@pytest.mark.parametrize(
    ("address", "length"),
    [
        pytest.param(PAGE - 1, 1, id="last-byte"),
        pytest.param(PAGE - 10, 10, id="to-the-end"),
        pytest.param(0, PAGE, id="all"),
        pytest.param(0, 0, id="nothing"),
        pytest.param(PAGE, 0, id="nothing-at-the-end"),
    ],
)
def test_accesses_within_the_bounds(make: Make, address: int, length: int) -> None:
    memory = memory_of(make(ONE_PAGE))
    memory.write(address, bytes(length))
    assert memory.read(address, length) == bytes(length)
    assert memory.size == PAGE


@pytest.mark.parametrize(
    ("address", "length"),
    [
        pytest.param(PAGE, 1, id="behind-the-end"),
        pytest.param(PAGE - 1, 2, id="over-the-end"),
        pytest.param(PAGE + 1, 0, id="nothing-beyond"),
        pytest.param(-1, 1, id="negative"),
        pytest.param(-10, 5, id="negative-range"),
        pytest.param(2**32 - 1, 1, id="largest-address"),
        pytest.param(2**32, 1, id="above-32-bits"),
        pytest.param(0, 2**33, id="largest-length"),
    ],
)
def test_accesses_beyond_the_bounds_are_refused_whole(make: Make, address: int, length: int) -> None:
    memory = memory_of(make(ONE_PAGE))
    with pytest.raises(MemoryAccessError) as raised:
        memory.read(address, length)
    assert (raised.value.address, raised.value.length, raised.value.size) == (address, length, PAGE)
    with pytest.raises(MemoryAccessError):
        memory.write(address, bytes(min(length, 2 * PAGE)))
    assert memory.size == PAGE
    assert memory.read(0, 10) == b"0123456789"
    assert memory.read(PAGE - 10, 10) == bytes(10)


def test_a_negative_length_is_refused(make: Make) -> None:
    with pytest.raises(MemoryAccessError):
        memory_of(make(ONE_PAGE)).read(10, -1)


def test_memory_is_read_anew_after_growth(make: Make) -> None:
    instance = make(ONE_PAGE)
    memory = memory_of(instance)
    assert instance.call("grow", 20) == (1,)
    assert memory.size == 21 * PAGE
    memory.write(21 * PAGE - 3, b"end")
    assert memory.read(21 * PAGE - 3, 3) == b"end"
    assert memory.read(0, 10) == b"0123456789"
    assert memory.read(PAGE, PAGE) == bytes(PAGE)


@pytest.mark.parametrize(
    ("fields", "there"),
    [
        pytest.param('(memory (export "memory") 1)', True, id="exported-as-memory"),
        pytest.param('(memory (export "heap") 1)', True, id="exported-under-another-name"),
        pytest.param('(memory (export "heap") (export "memory") 1)', True, id="exported-twice"),
        pytest.param("(memory 1)", True, id="not-exported"),
        pytest.param('(func (export "hookproof.memory")) (memory 1)', True, id="a-name-of-ours-is-taken"),
        pytest.param("", False, id="none"),
    ],
)
def test_the_memory_is_found_wherever_it_is(make: Make, fields: str, *, there: bool) -> None:
    data = '(data (i32.const 8) "x")' if there else ""
    instance = make(fields + data)
    assert (instance.memory is not None) is there
    if there:
        assert memory_of(instance).read(8, 1) == b"x"
    assert (
        not [export for export in instance.module.exports if export.name == "hookproof.memory"] or "hookproof" in fields
    )


# --- growth ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("memory", "limit", "deltas", "answers"),
    [
        pytest.param("1", 5, (4, 1), (1, -1), id="up-to-the-limit"),
        pytest.param("1", 5, (5,), (-1,), id="one-beyond"),
        pytest.param("1", 5, (1,) * 6, (1, 2, 3, 4, -1, -1), id="page-by-page"),
        pytest.param("0", 2, (0, 1, 1, 1), (0, 0, 1, -1), id="from-nothing"),
        pytest.param("3", 3, (0, 1), (3, -1), id="by-nothing-at-the-limit"),
        pytest.param("1 3", 5, (2, 1, 0), (1, -1, 3), id="own-maximum-first"),
        pytest.param("1 5", 3, (2, 1), (1, -1), id="limit-before-the-own-maximum"),
        pytest.param("0 0", 5, (0, 1), (0, -1), id="own-maximum-of-nothing"),
        pytest.param("1", 5, (-1, 65535, 65536), (-1, -1, -1), id="absurd"),
        pytest.param("1", 1_100, (1_050, 49, 1), (1, 1_051, -1), id="beyond-1024-pages"),
        pytest.param("1", MAX_PAGES, (MAX_PAGES,), (-1,), id="beyond-four-gibibytes"),
    ],
)
def test_memory_grow_answers_at_the_same_page(
    make: Make, memory: str, limit: int, deltas: Sequence[int], answers: Sequence[int]
) -> None:
    instance = make(
        f"""(memory (export "memory") {memory})
        (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)""",
        memory_pages=limit,
    )
    got = [instance.call("grow", delta)[0] for delta in deltas]
    assert got == [answer % 2**32 for answer in answers]
    own = [int(word) for word in memory.split()][1:]
    refused = [delta % 2**32 for delta, answer in zip(deltas, answers, strict=True) if answer == -1]
    assert [event.delta for event in instance.growth_refused] == refused
    assert {event.limit for event in instance.growth_refused} <= {min([limit, *own])}


def test_a_refusal_is_an_event_with_its_figures(make: Make) -> None:
    instance = make(ONE_PAGE, memory_pages=10)
    instance.call("grow", 3)
    assert not instance.growth_refused
    instance.call("grow", 7)
    instance.call("grow", -1)
    assert instance.growth_refused == (GrowthRefused(4, 7, 10), GrowthRefused(4, 2**32 - 1, 10))
    assert instance.call("size") == (4,)


def test_refusals_are_remembered_up_to_a_cap(make: Make) -> None:
    instance = make(
        """(memory 1) (func (export "f") (param i32)
          (loop i32.const 9 memory.grow drop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0))""",
        memory_pages=1,
    )
    instance.call("f", 1_500)
    assert len(instance.growth_refused) == 1_000


def test_growth_in_the_start_function_is_seen(make: Make) -> None:
    instance = make(
        """(memory 1) (global $answer (mut i32) (i32.const 7)) (start $s)
          (func $s i32.const 5 memory.grow global.set $answer)
          (func (export "answer") (result i32) global.get $answer)""",
        memory_pages=3,
    )
    assert instance.call("answer") == (2**32 - 1,)
    assert instance.growth_refused == (GrowthRefused(1, 5, 3),)


def test_the_host_grows_by_the_same_rule(make: Make) -> None:
    instance = make(ONE_PAGE, memory_pages=4)
    memory = memory_of(instance)
    assert memory.grow(0) == 1
    assert memory.grow(3) == 1
    assert memory.size == 4 * PAGE
    assert memory.grow(1) == -1
    assert memory.grow(2**40) == -1
    assert instance.call("size") == (4,)
    with pytest.raises(CallError):
        memory.grow(-1)


def test_growth_in_many_places_keeps_its_meaning(make: Make) -> None:
    instance = make(
        """(memory 1 9) (table 2 funcref) (elem (i32.const 0) $a $b) (type $t (func (param i32) (result i32)))
          (func $a (param i32) (result i32) (local i64 f32 i64)
            block (result i32) i32.const -64 drop f64.const 0x1p-64 drop i64.const 0x4000 drop
              local.get 0 memory.grow br 0 end memory.size i32.mul)
          (func $b (param i32) (result i32)
            local.get 0 if (result i32) i32.const 1 memory.grow memory.grow else i32.const 64 end)
          (func (export "f") (param i32 i32) (result i32) local.get 0 local.get 1 call_indirect (type $t))""",
    )
    assert instance.call("f", 1, 0) == (2,)
    assert instance.call("f", 1, 1) == (3,)
    assert instance.call("f", 0, 1) == (64,)
    assert instance.call("f", 0, 0) == (25,)
    assert instance.growth_refused == ()


def test_a_table_grows_up_to_the_limit(make: Make) -> None:
    fields = """(table 10 funcref) (table 1 20 externref)
      (func (export "grow") (param i32) (result i32) ref.null func local.get 0 table.grow 0)
      (func (export "grow2") (param i32) (result i32) ref.null extern local.get 0 table.grow 1)
      (func (export "size") (result i32) table.size 0)"""
    instance = make(fields, table_elements=2_000)
    assert [instance.call("grow", delta)[0] for delta in (1_500, 490, 1, 0)] == [10, 1_510, 2**32 - 1, 2_000]
    assert [instance.call("grow2", delta)[0] for delta in (19, 1)] == [1, 2**32 - 1]
    assert instance.call("size") == (2_000,)
    with pytest.raises(TableLimitExceeded):
        make(fields, table_elements=9)


def test_a_memory_that_starts_above_the_limit_is_refused(make: Make) -> None:
    with pytest.raises(MemoryLimitExceeded) as raised:
        make("(memory 17)", memory_pages=16)
    assert (raised.value.minimum, raised.value.limit) == (17, 16)
    assert make("(memory 16)", memory_pages=16).alive


# --- instantiation ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        pytest.param("(memory 1) (data (i32.const 65536) \"x\")", TrapCode.MEMORY_OUT_OF_BOUNDS, id="data"),
        pytest.param("(memory 1) (data (i32.const -1) \"x\")", TrapCode.MEMORY_OUT_OF_BOUNDS, id="data-at-the-top"),
        pytest.param("(memory 0) (data (i32.const 1))", TrapCode.MEMORY_OUT_OF_BOUNDS, id="empty-data-beyond"),
        pytest.param("(table 1 funcref) (func $f) (elem (i32.const 1) $f)", TrapCode.TABLE_OUT_OF_BOUNDS, id="table"),
    ],
)  # fmt: skip
def test_an_active_segment_that_does_not_fit_fails_the_start(make: Make, fields: str, code: TrapCode) -> None:
    with pytest.raises(StartFailed) as raised:
        make(fields)
    assert raised.value.trap.code is code
    assert raised.value.function == "an active segment"


@pytest.mark.parametrize(
    ("body", "limits", "code"),
    [
        pytest.param("unreachable", {}, TrapCode.UNREACHABLE, id="unreachable"),
        pytest.param("(loop br 0)", {"fuel": 1_000}, TrapCode.FUEL_EXHAUSTED, id="endless-with-fuel"),
        pytest.param("(loop br 0)", {"deadline": 0.05}, TrapCode.DEADLINE, id="endless-with-deadline"),
        pytest.param("call $s", {}, TrapCode.STACK_EXHAUSTED, id="recursion"),
    ],
)
def test_a_start_function_that_traps_fails_the_start(
    make: Make, body: str, limits: dict[str, Any], code: TrapCode
) -> None:
    with pytest.raises(StartFailed) as raised:
        make(f"(start $s) (func $s {body})", **limits)
    assert raised.value.trap.code is code
    assert raised.value.function == "the start function"


def test_segments_need_no_fuel(make: Make) -> None:
    fields = f"""(memory (export "memory") 1) (func $f) (table 300 funcref)
      (elem (offset i32.const 1 i32.const 2 i32.add) {"$f " * 200})
      (data (offset i32.const 1 i32.const 2 i32.mul) "abc")"""
    assert memory_of(make(fields, fuel=0)).read(2, 3) == b"abc"


def test_the_start_function_runs_after_the_segments_and_once(make: Make) -> None:
    instance = make("""(memory (export "memory") 1) (data (i32.const 0) "\\05") (start $s)
      (func $s i32.const 0 i32.const 0 i32.load8_u i32.const 1 i32.add i32.store8)""")
    assert memory_of(instance).read(0, 1) == b"\x06"


def test_the_start_function_can_be_an_import(make: Make) -> None:
    calls: list[Instance] = []
    instance = make('(import "env" "s" (func $s)) (start $s)', host("s", NO_VALUES, calls.append))
    assert calls == [instance]


# --- host functions --------------------------------------------------------------------------------------------------

NUMBERS = FuncType((I32, I64, F32, F64), (I64, I32, F64, F32))
CALLS_NUMBERS = """(import "env" "numbers" (func $numbers (param i32 i64 f32 f64) (result i64 i32 f64 f32)))
  (func (export "f") (param i32 i64 f32 f64) (result i64 i32 f64 f32)
    local.get 0 local.get 1 local.get 2 local.get 3 call $numbers)"""


def test_a_host_function_gets_the_instance_and_unsigned_numbers(make: Make) -> None:
    got: list[Any] = []

    def implementation(*arguments: Any) -> tuple[Number, ...]:
        got.extend(arguments)
        return 2**64 - 1, -1, -0.5, 0.25

    instance = make(CALLS_NUMBERS, host("numbers", NUMBERS, implementation))
    assert instance.call("f", -1, -1, 0.5, math.inf) == (2**64 - 1, 2**32 - 1, -0.5, 0.25)
    assert got == [instance, 2**32 - 1, 2**64 - 1, 0.5, math.inf]


CALLS_WITHOUT_END = """(import "env" "s" (func $s)) (func (export "f") (loop $again (call $s) (br $again)))"""


def test_a_guest_that_only_calls_the_host_ends_by_fuel(make: Make) -> None:
    calls: list[Instance] = []
    instance = make(CALLS_WITHOUT_END, host("s", NO_VALUES, calls.append), fuel=1_000_000)
    with pytest.raises(Trap) as raised:
        instance.call("f")
    assert raised.value.code is TrapCode.FUEL_EXHAUSTED
    assert len(calls) == 100 + 1_000_000 // 1_000


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(None, id="nothing"),
        pytest.param(1, id="one"),
        pytest.param((1, 2, 3.0), id="too-few"),
        pytest.param((1, 2, 3.0, 4.0, 5), id="too-many"),
        pytest.param((1.5, 2, 3.0, 4.0), id="float-for-i64"),
        pytest.param((2**64, 2, 3.0, 4.0), id="too-large"),
    ],
)
def test_a_host_function_that_answers_wrongly_is_to_blame(make: Make, answer: Any) -> None:
    instance = make(CALLS_NUMBERS, host("numbers", NUMBERS, lambda *_: answer))
    with pytest.raises(CallError):
        instance.call("f", 0, 0, 0, 0)


@pytest.mark.parametrize("code", list(TrapCode))
def test_a_trap_of_a_host_function_comes_out_as_it_is(make: Make, code: TrapCode) -> None:
    trap = Trap(code, "words", 3)

    def implementation(_: Instance) -> None:
        raise trap

    instance = make('(import "env" "h" (func $h)) (func (export "f") call $h)', host("h", NO_VALUES, implementation))
    with pytest.raises(Trap) as raised:
        instance.call("f")
    assert raised.value is trap
    assert instance.alive is (code is TrapCode.EXIT)


def test_an_instance_that_has_exited_can_be_called_again(make: Make) -> None:
    def leave(_: Instance, code: int) -> None:
        raise Trap(TrapCode.EXIT, exit_code=code)

    instance = make(
        """(import "env" "exit" (func $exit (param i32))) (memory (export "memory") 1)
        (func $deep (param i32)
          local.get 0 if local.get 0 i32.const 1 i32.sub call $deep else i32.const 3 call $exit end)
        (func (export "start") i32.const 0 i32.const 7 i32.store i32.const 100 call $deep unreachable)
        (func (export "peek") (result i32) i32.const 0 i32.load)""",
        host("exit", FuncType((I32,)), leave),
    )
    for _ in range(3):
        with pytest.raises(Trap) as raised:
            instance.call("start")
        assert (raised.value.code, raised.value.exit_code) == (TrapCode.EXIT, 3)
        assert instance.call("peek") == (7,)


@pytest.mark.parametrize("kind", [KeyError, AssertionError, IndexError, RecursionError, KeyboardInterrupt, MemoryError])
def test_any_exception_of_a_host_function_comes_out_as_it_is(make: Make, kind: type[BaseException]) -> None:
    cause = ValueError("the reason")
    error = kind("words")

    def implementation(_: Instance) -> None:
        raise error from cause

    instance = make('(import "env" "h" (func $h)) (func (export "f") call $h)', host("h", NO_VALUES, implementation))
    with pytest.raises(kind) as raised:
        instance.call("f")
    assert raised.value is error
    assert error.__cause__ is cause
    assert not instance.alive


def test_a_host_function_may_call_back_and_touch_the_memory(make: Make) -> None:
    def implementation(instance: Instance, pointer: int) -> int:
        memory_of(instance).write(pointer, b"hello")
        (answer,) = instance.call("sum", pointer, 5)
        return int(answer)

    instance = make(
        """(import "env" "h" (func $h (param i32) (result i32))) (memory (export "memory") 1)
        (func (export "f") (param i32) (result i32) local.get 0 call $h i32.const 1000 i32.add)
        (func (export "sum") (param i32 i32) (result i32) (local i32)
          (loop local.get 2 local.get 0 i32.load8_u i32.add local.set 2
            local.get 0 i32.const 1 i32.add local.set 0
            local.get 1 i32.const 1 i32.sub local.tee 1 br_if 0) local.get 2)""",
        host("h", FuncType((I32,), (I32,)), implementation),
    )
    assert instance.call("f", 64) == (sum(b"hello") + 1_000,)
    assert instance.call("f", 128) == (sum(b"hello") + 1_000,)


REENTRANT = """(import "env" "again" (func $again (param i32) (result i32)))
  (func (export "f") (param i32) (result i32)
    local.get 0 if (result i32) local.get 0 i32.const 1 i32.sub call $again i32.const 1 i32.add else i32.const 0 end)
  (func (export "trap") unreachable)
  (func (export "spin") (loop br 0))"""
AGAIN = FuncType((I32,), (I32,))


def test_calls_nest(make: Make) -> None:
    instance = make(REENTRANT, host("again", AGAIN, lambda instance, n: instance.call("f", n)[0]))
    assert instance.call("f", 20) == (20,)


def test_a_call_back_leaves_the_numbers_of_the_outer_call_alone(make: Make) -> None:
    instance = make(
        """(import "env" "inner" (func $inner (param i64 i32) (result i64)))
        (func (export "f") (param i64 i32) (result i64 i32)
          local.get 1 if (result i64) local.get 0 local.get 1 i32.const 1 i32.sub call $inner else i64.const 1 end
          local.get 0 i64.add local.get 1)""",
        host("inner", FuncType((I64, I32), (I64,)), lambda instance, a, n: instance.call("f", a - 2**60, n)[0]),
    )
    start = 2**63 + 5
    assert instance.call("f", start, 3) == (sum(start - n * 2**60 for n in range(4)) % 2**64 + 1, 3)
    assert instance.call("f", 1, 0) == (2, 0)


def test_a_call_back_with_fewer_numbers_leaves_the_outer_ones_alone(make: Make) -> None:
    answers: list[Any] = []
    instance = make(
        """(import "env" "h" (func $h (param i32 i64 i32)))
        (func (export "f") (param i32 i64 i32) (result i32 i64 i32)
          local.get 0 local.get 1 local.get 2 call $h local.get 2 local.get 1 local.get 0)
        (func (export "g") (result i64) i64.const 9) (func (export "halt") unreachable)""",
        host("h", FuncType((I32, I64, I32)), lambda instance, *_: answers.append(instance.call("g"))),
    )
    for _ in range(3):
        assert instance.call("f", 1, 2**64 - 1, 3) == (3, 2**64 - 1, 1)
    assert answers == [(9,)] * 3


def test_memory_that_grows_under_a_host_function_is_seen_whole(make: Make) -> None:
    sizes: list[int] = []

    def look(instance: Instance) -> None:
        memory = memory_of(instance)
        sizes.append(memory.size)
        memory.write(memory.size - 4, b"host")
        instance.call("grow", 3)
        sizes.append(memory.size)
        assert memory.read(sizes[-2] - 4, 8) == b"host" + bytes(4)
        memory.write(memory.size - 4, b"last")

    instance = make(
        """(import "env" "look" (func $look)) (memory (export "memory") 1)
        (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
        (func (export "f") (result i32) call $look (drop (memory.grow (i32.const 2))) call $look memory.size)""",
        host("look", NO_VALUES, look),
    )
    memory = memory_of(instance)
    assert memory.read(0, 4) == bytes(4)
    assert instance.call("f") == (9,)
    assert sizes == [pages * PAGE for pages in (1, 4, 6, 9)]
    assert memory.read(9 * PAGE - 4, 4) == b"last"
    assert memory.grow(1) == 9
    assert memory.read(9 * PAGE - 4, 8) == b"last" + bytes(4)


def test_endless_nesting_ends_as_a_trap(make: Make) -> None:
    instance = make(REENTRANT, host("again", AGAIN, lambda instance, n: instance.call("f", 5)[0]))
    with pytest.raises(Trap) as raised:
        instance.call("f", 5)
    assert raised.value.code is TrapCode.STACK_EXHAUSTED


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        pytest.param({"fuel": 20_000}, TrapCode.FUEL_EXHAUSTED, id="fuel"),
        pytest.param({"deadline": 0.1}, TrapCode.DEADLINE, id="deadline"),
    ],
)
def test_nested_calls_share_the_limits(make: Make, limits: dict[str, Any], code: TrapCode) -> None:
    def spin(instance: Instance, _: int) -> int:
        instance.call("spin", fuel=10**15)
        return 0

    with pytest.raises(Trap) as raised:
        make(REENTRANT, host("again", AGAIN, spin), **limits).call("f", 1)
    assert raised.value.code is code


def test_nested_calls_count_towards_the_outermost(make: Make) -> None:
    instance = make(REENTRANT, host("again", AGAIN, lambda instance, n: instance.call("f", n)[0]), fuel=1_000)
    instance.call("f", 0)
    base = instance.fuel_used()
    instance.call("f", 10)
    deep = instance.fuel_used()
    assert base == 4
    assert deep == 4 + 10 * 9


def test_a_host_function_cannot_save_a_guest_that_has_trapped(make: Make) -> None:
    def swallow(instance: Instance, _: int) -> int:
        with pytest.raises(Trap):
            instance.call("trap")
        return 1

    instance = make(REENTRANT, host("again", AGAIN, swallow))
    with pytest.raises(Trap) as raised:
        instance.call("f", 1)
    assert raised.value.code is TrapCode.UNREACHABLE
    assert not instance.alive


def test_an_import_can_be_exported_again_and_called_through_a_table(make: Make) -> None:
    instance = make(
        """(import "env" "double" (func $double (param i32) (result i32))) (export "double" (func $double))
        (type $t (func (param i32) (result i32))) (table funcref (elem $double))
        (func (export "f") (param i32) (result i32) local.get 0 i32.const 0 call_indirect (type $t))""",
        host("double", AGAIN, lambda _, n: 2 * n),
    )
    assert instance.call("double", 21) == (42,)
    assert instance.call("f", 0x7FFF_FFFF) == (0xFFFF_FFFE,)


def test_of_two_host_functions_of_one_name_the_type_decides(make: Make) -> None:
    fields = """(import "env" "free" (func $free (param i32 i32) (result i32)))
      (func (export "f") (result i32) i32.const 3 i32.const 4 call $free)"""
    one = host("free", AGAIN, lambda _, a: a)
    two = host("free", FuncType((I32, I32), (I32,)), lambda _, a, b: a * b)
    assert make(fields, one, two).call("f") == (12,)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        pytest.param(
            '(import "env" "gone" (func (param i32) (result i64)))',
            "import env.gone (i32) -> i64: nobody provides it",
            id="missing",
        ),
        pytest.param(
            '(import "env" "there" (func (param i64)))',
            "import env.there (i64) -> (): it is provided as (i32) -> i32",
            id="mistyped",
        ),
        pytest.param(
            '(import "env" "memory" (memory 2))', "import env.memory memory of 2 pages: nobody provides it", id="memory"
        ),
        pytest.param(
            '(import "env" "there" (global i32))',
            "import env.there global i32: it is provided as (i32) -> i32",
            id="a-function-where-a-global-is-wanted",
        ),
        pytest.param(
            '(import "env" "there" (func (param i32) (result i32))) (import "a" "b" (func)) (import "a" "c" (func))',
            "import a.b () -> (): nobody provides it",
            id="the-first-in-order",
        ),
    ],
)
def test_an_import_that_nobody_provides_is_named(make: Make, fields: str, sentence: str) -> None:
    with pytest.raises(UnresolvedImport) as raised:
        make(fields, host("there", AGAIN, lambda _, n: n))
    assert str(raised.value) == sentence


def test_two_threads_that_run_guests_at_once_get_their_own_ends(engine: Engine, wat: Callable[[str], bytes]) -> None:
    module = engine.compile(
        wat(
            """(module (import "env" "h" (func $h))
          (func (export "host") call $h) (func (export "trap") unreachable))"""
        )
    )
    ends: dict[str, set[str]] = {"host": set(), "trap": set()}

    def fail(_: Instance) -> None:
        raise KeyError("of the host")

    def run(name: str) -> None:
        for _ in range(300):
            try:
                module.instantiate([host("h", NO_VALUES, fail)]).call(name)
            except Exception as error:  # noqa: BLE001 - whatever comes is what is looked at
                ends[name].add(repr(error))

    threads = [threading.Thread(target=run, args=[name]) for name in ("host", "trap", "host", "trap")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends == {"host": {"KeyError('of the host')"}, "trap": {"Trap('unreachable')"}}


def test_threads_with_instances_of_their_own_do_not_mix_their_numbers(
    engine: Engine, wat: Callable[[str], bytes]
) -> None:
    module = engine.compile(
        wat("""(module (memory (export "memory") 1)
          (func (export "f") (param i32 i64) (result i64 i32)
            i32.const 8 local.get 1 i64.store local.get 1 local.get 0))""")
    )
    wrong: list[object] = []

    def run(own: int) -> None:
        instance = module.instantiate()
        for n in range(300):
            number = own << 56 | n
            got = instance.call("f", own, number), memory_of(instance).read(8, 8)
            if got != ((number, own), number.to_bytes(8, "little")):
                wrong.append(got)

    threads = [threading.Thread(target=run, args=[own]) for own in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# --- many instances --------------------------------------------------------------------------------------------------


def test_instances_go_when_nobody_holds_them(engine: Engine, wat: Callable[[str], bytes]) -> None:
    module = engine.compile(
        wat("""(module (import "env" "h" (func $h)) (memory (export "memory") 1)
          (func (export "f") (param i32) (result i32) call $h local.get 0 memory.grow))""")
    )

    class Owner:
        """As a plugin's host is: its bound method is the host function, and it holds the instance."""

        alive = 0

        def __init__(self) -> None:
            Owner.alive += 1
            self.instance = module.instantiate([host("h", NO_VALUES, self.called)], Limits(deadline=60))

        def called(self, _: Instance) -> None:
            pass

        def __del__(self) -> None:
            Owner.alive -= 1

    threads = threading.active_count()
    for _ in range(500):
        Owner().instance.call("f", 1)
    gc.collect()
    assert Owner.alive == 0
    assert threading.active_count() <= threads + 1
