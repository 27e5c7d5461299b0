"""What is added to a module is at the end of its index spaces, and changes nothing that the module computes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import wasmtime

from reference_host.engine.binary import read_module
from reference_host.engine.code import instructions, skip_locals
from reference_host.engine.instrument import Instrumented, instrument
from reference_host.engine.interface import FuncType, ValueType

Wat = Callable[[str], bytes]


def additions(binary: bytes) -> Instrumented:
    """Instrument, and hold the result against wasmtime's validator."""
    instrumented = instrument(binary, read_module(binary))
    wasmtime.Module.validate(wasmtime.Engine(), instrumented.binary)
    return instrumented


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("(module)", id="nothing"),
        pytest.param('(module (memory (export "memory") 1))', id="an-exported-memory"),
        pytest.param('(module (memory (export "m") 1) (func block i32.const -64 drop end))', id="bytes-like-growth"),
    ],
)
def test_a_module_that_needs_nothing_stays_as_it_is(wat: Wat, text: str) -> None:
    binary = wat(text)
    assert additions(binary).binary is binary


def test_a_module_keeps_all_its_own_indices(wat: Wat) -> None:
    binary = wat("""(module
      (type (func (param i64))) (import "env" "f" (func (param f32)))
      (table 2 funcref) (memory 1) (global (mut i32) (i32.const 3)) (start $s)
      (export "table" (table 0)) (elem (i32.const 0) func $s $g)
      (func $s) (func $g (export "grow") (result i32) i32.const 1 memory.grow) (data (i32.const 0) "abc"))""")
    before = read_module(binary)
    instrumented = additions(binary)
    after = read_module(instrumented.binary)
    assert after.types[: len(before.types)] == before.types
    assert after.functions[: len(before.functions)] == before.functions
    assert after.tables[: len(before.tables)] == before.tables
    assert after.exports[: len(before.exports)] == before.exports
    assert (after.memories, after.globals, after.imports) == (before.memories, before.globals, before.imports)
    assert after.data_segments == before.data_segments
    assert (before.start, after.start) == (1, None)
    added = {export.name: export.type for export in after.exports[len(before.exports) :]}
    assert added.keys() == {instrumented.start, instrumented.memory, instrumented.refusals}
    assert added["hookproof.start"] == FuncType()


def test_sections_that_were_not_there_are_put_in_order(wat: Wat) -> None:
    binary = wat("(module (memory 1) (start 0) (func i32.const 0 memory.grow drop) (data (i32.const 0)))")
    assert [section.id for section in read_module(binary).sections] == [1, 3, 5, 8, 10, 11]
    assert [section.id for section in read_module(additions(binary).binary).sections] == [1, 3, 4, 5, 7, 10, 11]


def test_custom_sections_stay_where_they_are(wat: Wat) -> None:
    binary = wat("(module $named (memory 1) (func $f i32.const 0 memory.grow drop))")
    instrumented = additions(binary)
    assert read_module(instrumented.binary).custom_sections == ("name",)
    assert binary[read_module(binary).sections[-1].start :] in instrumented.binary


def test_names_that_are_taken_are_left_alone(wat: Wat) -> None:
    binary = wat("""(module (memory 1) (func (export "hookproof.memory")) (func (export "hookproof.memory'"))
      (func (export "hookproof.refusals") i32.const 0 memory.grow drop))""")
    instrumented = additions(binary)
    assert instrumented.memory == "hookproof.memory''"
    assert instrumented.refusals == "hookproof.refusals'"


@pytest.mark.parametrize(
    "instruction",
    [
        pytest.param("block end", id="block"),
        pytest.param("loop (result i32) i32.const 1 end drop", id="loop-with-a-result"),
        pytest.param("i32.const 1 block (type $two) end drop", id="block-of-a-type"),
        pytest.param("block block i32.const 0 br_table 0 1 0 1 end end", id="br_table"),
        pytest.param("i32.const 1 if else end", id="if"),
        pytest.param("i32.const 64 i32.const -64 i64.const -0x4000000000 drop drop drop", id="integers"),
        pytest.param("f32.const 0x1.0040p3 f64.const 0x1.0040004000400p3 drop drop", id="floats"),
        pytest.param("i32.const 1 i32.load offset=64 i32.load8_u offset=8192 drop", id="loads"),
        pytest.param("i32.const 1 i64.const 1 i64.store offset=4096", id="store"),
        pytest.param("i32.const 1 i32.const 2 i32.const 0 select (result i32) drop", id="select-with-a-type"),
        pytest.param("i32.const 1 i32.const 0 call_indirect $t (type $two) drop", id="call_indirect"),
        pytest.param("ref.null func i32.const 1 table.grow $t drop ref.func $g drop", id="references"),
        pytest.param("i32.const 0 i32.const 0 i32.const 0 memory.init $d data.drop $d", id="memory.init"),
        pytest.param("i32.const 0 i32.const 0 i32.const 0 memory.copy memory.size drop", id="memory.copy"),
        pytest.param("i32.const 0 i32.const 0 i32.const 0 table.init $t $e elem.drop $e", id="table.init"),
        pytest.param("i32.const 0 i32.const 0 i32.const 0 table.copy $t $t table.size $t drop", id="table.copy"),
        pytest.param("f64.const 1 i64.trunc_sat_f64_u i64.extend8_s drop", id="conversions"),
        pytest.param("v128.const i8x16 64 0 64 0 64 0 64 0 64 0 64 0 64 0 64 0 drop", id="v128.const"),
        pytest.param(
            "v128.const i64x2 0 0 v128.const i64x2 0 0"
            " i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 i8x16.extract_lane_u 3 drop",
            id="shuffle",
        ),
        pytest.param("i32.const 0 v128.load32_zero offset=64 v128.not drop", id="vector-load"),
        pytest.param("i32.const 0 v128.const i64x2 0 0 v128.load8_lane offset=64 7 drop", id="load-lane"),
        pytest.param("v128.const i64x2 0 0 v128.const i64x2 0 0 f64x2.pmax drop", id="vectors"),
    ],
)  # fmt: skip
def test_every_kind_of_instruction_is_walked(wat: Wat, instruction: str) -> None:
    growth = "i32.const 1 memory.grow drop"
    binary = wat(f"""(module (type $two (func (param i32) (result i32))) (memory 1) (table $t 1 funcref)
      (elem $e func $g) (data $d "x") (func $g)
      (func (local i32 i64) {growth} {instruction} {growth} {instruction}))""")
    info = read_module(binary)
    code = next(section for section in info.sections if section.id == 10)
    # The two bodies: the first is `0b` with no locals, 2 bytes; the second follows with its size.
    start = code.start + 1 + 1 + 2
    start += 1 if binary[start] < 0x80 else 2
    opcodes = [opcode for _, opcode in instructions(binary, skip_locals(binary, start), code.end)]
    assert opcodes.count(0x40) == 2
    assert opcodes[-1] == 0x0B
    after = read_module(additions(binary).binary)
    assert after.types[-2:] == (FuncType((ValueType.I32,), (ValueType.I32,)), FuncType((ValueType.I32, ValueType.I32)))
