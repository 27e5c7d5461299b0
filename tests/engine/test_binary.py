"""Our own reader of the binary format: what it finds, what it refuses and how it says so; and nothing upsets it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reference_host.engine.binary import DataSegment, ModuleInfo, read_module
from reference_host.engine.interface import (
    Export,
    FuncType,
    GlobalType,
    Import,
    MemoryType,
    TableType,
    ValueType,
)
from reference_host.errors import InvalidModule, MalformedModule, ModuleError, NotAModule, UnsupportedModule

I32, I64, F32, F64 = ValueType.I32, ValueType.I64, ValueType.F32, ValueType.F64
HEADER = b"\0asm\x01\0\0\0"

EVERY_SECTION = """(module
  (type (func (param i32 i64 f32 f64) (result i32 i64)))
  (import "env" "f" (func (param i32) (result i64)))
  (import "env" "m" (memory 1 2))
  (import "env" "t" (table 1 externref))
  (import "env" "g" (global i64))
  (table 3 5 funcref)
  (global $g (export "counter") (mut i32) (i32.const 7))
  (global f64 (f64.const 1.5)) (global externref (ref.null extern)) (global funcref (ref.func $start))
  (global v128 (v128.const i64x2 1 2))
  (global i32 (i32.add (i32.const 1) (i32.const 2)))
  (export "again" (func 0)) (export "memory" (memory 0)) (export "table" (table 1))
  (export "name \\e2\\82\\ac" (func $run))
  (start $start) (func $start)
  (func $run (param i64) (result i32) (local f32 f32)
    i32.const 0 i32.const 0 i32.const 1 memory.init $passive i32.const 1)
  (elem (table 1) (i32.const 0) func $run) (elem $e func $start) (elem declare func $run)
  (elem (table 1) (offset i32.const 1) funcref (ref.func $run) (ref.null func)) (elem externref (ref.null extern))
  (data (i32.const 16) "static") (data $passive "passive") (data (i32.const -16) "above 2^31")
  (data (i32.add (i32.const 1) (i32.const 2)) "computed"))"""


def section(id_: int, contents: bytes) -> bytes:
    """A section with its size; contents below 128 bytes."""
    assert len(contents) < 128
    return bytes([id_, len(contents)]) + contents


def name(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


@pytest.fixture(scope="module")
def every_section(wat: Callable[[str], bytes]) -> bytes:
    return wat(EVERY_SECTION)


# --- what it finds ---------------------------------------------------------------------------------------------------


def test_all_that_the_sections_say_is_found(every_section: bytes) -> None:
    info = read_module(every_section)
    assert info.imports == (
        Import("env", "f", FuncType((I32,), (I64,))),
        Import("env", "m", MemoryType(1, 2)),
        Import("env", "t", TableType(ValueType.EXTERNREF, 1)),
        Import("env", "g", GlobalType(I64)),
    )
    assert info.exports == (
        Export("counter", GlobalType(I32, mutable=True)),
        Export("again", FuncType((I32,), (I64,))),
        Export("memory", MemoryType(1, 2)),
        Export("table", TableType(ValueType.FUNCREF, 3, 5)),
        Export("name €", FuncType((I64,), (I32,))),
    )
    assert info.memories == (MemoryType(1, 2),)
    assert info.tables == (TableType(ValueType.EXTERNREF, 1), TableType(ValueType.FUNCREF, 3, 5))
    assert [str(one.value) for one in info.globals] == ["i64", "i32", "f64", "externref", "funcref", "v128", "i32"]
    assert (info.start, info.has_start) == (1, True)
    assert info.data_segments == (DataSegment(16, b"static"), DataSegment(2**32 - 16, b"above 2^31"))


def test_the_smallest_module_has_nothing() -> None:
    info = read_module(HEADER)
    assert info == ModuleInfo((), (), (), (), (), (), (), None, (), info.producers, (), ())
    assert not info.producers
    assert not info.has_start


def test_producers_and_custom_sections_are_told() -> None:
    fields = (
        bytes([2])
        + name("language")
        + bytes([1])
        + name("Rust")
        + name("")
        + name("processed-by")
        + bytes([2])
        + name("rustc")
        + name("1.80.0")
        + name("wasm-opt")
        + name("118")
    )
    info = read_module(HEADER + section(0, name("name") + b"junk") + section(0, name("producers") + fields))
    assert info.custom_sections == ("name", "producers")
    assert info.producers == {"language": ("Rust",), "processed-by": ("rustc 1.80.0", "wasm-opt 118")}


@pytest.mark.parametrize(
    "contents",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\xff\xff\xff\x0f", id="absurd-count"),
        pytest.param(b"\x01\x08language", id="cut"),
        pytest.param(b"\x01\x01\xff\x00", id="not-utf8"),
    ],
)
def test_a_broken_producers_section_harms_nothing(contents: bytes) -> None:
    info = read_module(HEADER + section(0, name("producers") + contents))
    assert info.custom_sections == ("producers",)
    assert not info.producers


def test_overlong_integers_are_legal() -> None:
    binary = HEADER + section(1, b"\x81\x80\x80\x80\x00\x60\x80\x00\x00") + section(5, b"\x01\x00\x82\x80\x80\x00")
    assert read_module(binary).types == (FuncType(),)
    assert read_module(binary).memories == (MemoryType(2),)


def test_custom_sections_may_be_anywhere() -> None:
    custom = section(0, name("x"))
    binary = HEADER + custom + section(1, b"\x00") + custom + section(5, b"\x01\x00\x00") + custom
    assert read_module(binary).custom_sections == ("x", "x", "x")


# --- what it refuses -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("binary", "sentence"),
    [
        pytest.param(b"", "the file is empty", id="empty"),
        pytest.param(b"\0as", "the file ends within the header of a WebAssembly module", id="magic-cut"),
        pytest.param(b"\0asm\x01\0", "the file ends within the header of a WebAssembly module", id="version-cut"),
        pytest.param(b"\0asm\x0d\0\x01\0rest", "this is a WebAssembly component, not a core module", id="component"),
        pytest.param(
            b"\0asm\x02\0\0\0",
            "this is WebAssembly of the unknown version 0x2, only version 1 is a core module",
            id="version-2",
        ),
        pytest.param(
            b"(module)",
            "this is WebAssembly text, not a binary module: compile it first, for example with wat2wasm",
            id="wat",
        ),
        pytest.param(
            b"\xef\xbb\xbf ;; a comment\n(module)",
            "this is WebAssembly text, not a binary module: compile it first, for example with wat2wasm",
            id="wat-behind-a-comment",
        ),
        pytest.param(b"hello\n", "this is a text file, not a WebAssembly module", id="text"),
        pytest.param(
            ("é" * 2_000).encode() + b"!", "this is a text file, not a WebAssembly module", id="long-text-of-two-bytes"
        ),
        pytest.param(
            b"x" + ("é" * 2_000).encode(), "this is a text file, not a WebAssembly module", id="text-cut-in-a-character"
        ),
        pytest.param(b"\x7fELF\x02\x01", "this is an ELF file, not a WebAssembly module", id="elf"),
        pytest.param(
            b"\x7fELF" + bytes(12) + b"\x04\0", "this is an ELF core dump, not a WebAssembly module", id="core-dump"
        ),
        pytest.param(
            b"\x1f\x8b\x08", "this is a gzip file, not a WebAssembly module: unpack it first", id="gzip"
        ),
        pytest.param(b"PK\x03\x04", "this is a ZIP archive, not a WebAssembly module", id="zip"),
        pytest.param(
            b"\x93\x00\xff",
            "this is not a WebAssembly module: it does not begin with the bytes 00 61 73 6d",
            id="other-bytes",
        ),
        pytest.param(
            b"msa\0\x01\0\0\0",
            "this is not a WebAssembly module: it does not begin with the bytes 00 61 73 6d",
            id="magic-reversed",
        ),
    ],
)  # fmt: skip
def test_what_is_no_core_module_is_named_in_one_sentence(binary: bytes, sentence: str) -> None:
    with pytest.raises(NotAModule) as raised:
        read_module(binary)
    assert str(raised.value) == sentence


ONE_TYPE = section(1, b"\x01\x60\x00\x00")
HUGE = b"\xff\xff\xff\xff\x0f"


@pytest.mark.parametrize(
    ("sections", "offset"),
    [
        pytest.param(b"\x01", 9, id="no-size"),
        pytest.param(b"\x01\x05\x00", 10, id="section-over-the-end"),
        pytest.param(b"\x01\x80\x80\x80\x80\x80\x00", 9, id="integer-of-six-bytes"),
        pytest.param(b"\x01\xff\xff\xff\xff\x1f", 9, id="integer-above-32-bits"),
        pytest.param(section(14, b""), 8, id="unknown-section"),
        pytest.param(section(5, b"\x00") + section(1, b"\x00"), 11, id="out-of-order"),
        pytest.param(section(1, b"\x00") * 2, 11, id="twice"),
        pytest.param(section(1, b"\x00\x00"), 11, id="section-longer-than-its-contents"),
        pytest.param(section(1, HUGE), 10, id="huge-count-of-types"),
        pytest.param(section(1, b"\x01\x60" + HUGE), 12, id="huge-count-of-parameters"),
        pytest.param(section(1, b"\x01\x40"), 11, id="no-function-type"),
        pytest.param(section(1, b"\x01\x60\x01\x12\x00"), 13, id="no-value-type"),
        pytest.param(section(2, b"\x01" + HUGE), 16, id="huge-name"),
        pytest.param(section(2, b"\x01\x02\xc3\x28\x00\x00\x00"), 12, id="name-not-utf8"),
        pytest.param(section(2, b"\x01\x00\x00\x07\x00"), 13, id="no-kind-of-import"),
        pytest.param(section(4, b"\x01\x7f\x00\x00"), 11, id="table-of-numbers"),
        pytest.param(section(5, b"\x01\x20\x00"), 11, id="no-limits"),
        pytest.param(section(6, b"\x01\x7f\x02\x41\x00\x0b"), 12, id="no-mutability"),
        pytest.param(section(6, b"\x01\x7f\x00\x41\x00"), 15, id="constant-without-end"),
        pytest.param(section(6, b"\x01\x7f\x00\x41\x80\x80\x80\x80\x10\x0b"), 14, id="constant-above-32-bits"),
        pytest.param(section(7, b"\x01\x00\x05\x00"), 12, id="no-kind-of-export"),
        pytest.param(ONE_TYPE + section(3, b"\x01\x00"), 18, id="function-without-a-body"),
        pytest.param(section(10, b"\x01\x02\x00\x0b"), 14, id="body-without-a-function"),
        pytest.param(section(9, b"\x01\x08"), 11, id="no-kind-of-element-segment"),
        pytest.param(section(9, b"\x01\x01\x07\x00"), 12, id="no-kind-of-elements"),
        pytest.param(section(9, b"\x01\x01\x00" + HUGE), 13, id="huge-count-of-elements"),
        pytest.param(section(9, b"\x01\x00\xf3\x00\x0b\x00"), 12, id="no-opcode"),
        pytest.param(section(2, b"\x01\x00\x00\x04\x00"), 15, id="imported-tag-that-is-cut"),
        pytest.param(section(4, b"\x01\x70\x02\x00"), 12, id="shared-table"),
        pytest.param(section(5, b"\x01\x02\x00"), 11, id="shared-memory-without-maximum"),
        pytest.param(section(11, b"\x01\x03\x00"), 11, id="no-kind-of-data-segment"),
        pytest.param(section(11, b"\x01\x01\x7f"), 13, id="data-over-the-end"),
        pytest.param(section(0, b"\x7f"), 11, id="custom-section-without-its-name"),
    ],
)  # fmt: skip
def test_a_broken_format_is_told_with_its_offset(sections: bytes, offset: int) -> None:
    with pytest.raises(MalformedModule) as raised:
        read_module(HEADER + sections)
    assert raised.value.offset == offset
    assert f"at offset {offset:#x}: " in str(raised.value)


@pytest.mark.parametrize(
    "sections",
    [
        pytest.param(section(3, b"\x01\x00") + section(10, b"\x01\x02\x00\x0b"), id="unknown-type"),
        pytest.param(section(2, b"\x01\x00\x00\x00\x03"), id="import-of-an-unknown-type"),
        pytest.param(section(7, b"\x01\x00\x00\x00"), id="export-of-an-unknown-function"),
        pytest.param(section(5, b"\x01\x00\x01") + section(7, b"\x02\x01x\x02\x00\x01x\x02\x00"), id="a-name-twice"),
        pytest.param(section(8, b"\x00"), id="unknown-start-function"),
        pytest.param(section(5, b"\x01\x01\x02\x01"), id="minimum-above-the-maximum"),
        pytest.param(section(5, b"\x01\x00\x81\x80\x04"), id="memory-above-four-gibibytes"),
        pytest.param(section(6, b"\x01\x7f\x00\x01\x0b"), id="initial-value-not-constant"),
        pytest.param(section(5, b"\x02\x00\x01\x00\x01"), id="two-memories"),
    ],
)  # fmt: skip
def test_an_index_or_a_limit_that_cannot_be_is_invalid(sections: bytes) -> None:
    with pytest.raises(InvalidModule):
        read_module(HEADER + sections)


@pytest.mark.parametrize(
    ("sections", "word"),
    [
        pytest.param(section(1, b"\x01\x5f\x00"), "struct types", id="struct"),
        pytest.param(section(1, b"\x01\x4e\x00"), "recursive type groups", id="rec"),
        pytest.param(section(1, b"\x01\x60\x01\x64\x00\x00"), "typed references", id="typed-reference"),
        pytest.param(section(1, b"\x01\x60\x01\x69\x00"), "exception references", id="exnref"),
        pytest.param(section(2, b"\x01\x00\x00\x04\x00\x00"), "a tag", id="imported-tag"),
        pytest.param(section(4, b"\x01\x40\x00\x70\x00\x00\x41\x00\x0b"), "initial value", id="initialised-table"),
        pytest.param(section(5, b"\x01\x03\x01\x01"), "threads", id="shared-memory"),
        pytest.param(section(5, b"\x01\x04\x01"), "memory64", id="memory64"),
        pytest.param(section(5, b"\x01\x08\x01\x00"), "custom page sizes", id="page-size"),
        pytest.param(section(13, b"\x00"), "tags", id="tags"),
    ],
)  # fmt: skip
def test_what_came_later_is_named(sections: bytes, word: str) -> None:
    with pytest.raises(UnsupportedModule, match=word):
        read_module(HEADER + sections)


# --- nothing upsets it -----------------------------------------------------------------------------------------------


def read(binary: bytes) -> ModuleInfo | None:
    """Read, and let nothing but a `ModuleError` pass."""
    try:
        return read_module(binary)
    except ModuleError:
        return None


def test_a_module_cut_anywhere_is_read_or_refused(every_section: bytes) -> None:
    outcomes = [read(every_section[:length]) for length in range(len(every_section))]
    assert outcomes.count(None) > len(every_section) * 0.9


def test_a_module_with_any_byte_changed_is_read_or_refused(every_section: bytes) -> None:
    for offset in range(len(every_section)):
        for value in (0x00, 0x7F, 0x80, 0xFF, every_section[offset] ^ 1):
            read(every_section[:offset] + bytes([value]) + every_section[offset + 1 :])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rest=st.binary(max_size=200))
def test_any_bytes_behind_a_header_are_read_or_refused(rest: bytes) -> None:
    read(HEADER + rest)


@settings(max_examples=200, deadline=None)
@given(id_=st.integers(0, 13), contents=st.binary(max_size=100))
def test_any_contents_of_a_section_are_read_or_refused(id_: int, contents: bytes) -> None:
    read(HEADER + section(id_, contents))


@settings(max_examples=200, deadline=None)
@given(binary=st.binary(max_size=64))
def test_any_bytes_at_all_are_read_or_refused(binary: bytes) -> None:
    read(binary)


@pytest.mark.parametrize(
    "sections",
    [
        pytest.param(b"\x01\x80\x80\x80\x01" + b"\x80\x80\x80\x01" + b"\x60" * 0x20_0000, id="two-million-types"),
        pytest.param(b"\x00\x80\x80\x80\x01" + b"\x00" * 0x20_0000, id="a-large-custom-section"),
        pytest.param(b"\x00\x01\x00" * 100_000, id="many-custom-sections"),
        pytest.param(b"\x80" * 1_000_000, id="only-continuation-bytes"),
        pytest.param(b"\x06\xff\xff\x0f" + b"\x01\x7f\x00" + b"\x41\x00" * 200_000, id="an-endless-constant"),
    ],
)
def test_hostile_sizes_cost_no_more_than_their_bytes(sections: bytes) -> None:
    began = time.monotonic()
    read(HEADER + sections)
    assert time.monotonic() - began < 20
