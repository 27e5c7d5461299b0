"""purepy proves modules valid by itself: each refusal has its reason and its offset, and what is not covered is named.

That it accepts what wasmtime accepts, and nothing else, is shown on modules with bytes changed.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import wasmgen
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from reference_host.engine.purepy import PurepyEngine
from reference_host.engine.registry import load_engine
from reference_host.errors import InvalidModule, MalformedModule, ModuleError, UnsupportedModule

Wat = Callable[[str], bytes]


def leb(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def section(number: int, contents: bytes) -> bytes:
    return bytes([number]) + leb(len(contents)) + contents


def function(body: str, *, locals_: str = "00", before: bytes = b"", behind: bytes = b"") -> bytes:
    """A module with one function (i32) -> i32 over a memory; `body` is in hexadecimal, without its last `end`."""
    code = bytes.fromhex(locals_) + bytes.fromhex(body) + b"\x0b"
    return (
        b"\0asm\1\0\0\0"
        + section(1, b"\1\x60\1\x7f\1\x7f")
        + section(3, b"\1\0")
        + section(5, b"\1\0\1")
        + before
        + section(10, b"\1" + leb(len(code)) + code)
        + behind
    )


@pytest.mark.parametrize(
    ("binary", "error", "reason"),
    [
        pytest.param(function("6a"), InvalidModule, "i32.add at offset 0x1e: .* the stack is empty", id="underflow"),
        pytest.param(function("2000 2000"), InvalidModule, "end at offset .* remain on the stack", id="overflow"),
        pytest.param(function("2000 42006a"), InvalidModule, "expected i32, found i64", id="wrong-type"),
        pytest.param(function("2001"), InvalidModule, "unknown local 1", id="unknown-local"),
        pytest.param(function("2300"), InvalidModule, "unknown global 0", id="unknown-global"),
        pytest.param(function("2000 0c05"), InvalidModule, "unknown label 5", id="unknown-label"),
        pytest.param(function("2000 1009"), InvalidModule, "unknown function 9", id="unknown-function"),
        pytest.param(function("2000 280300"), InvalidModule, "alignment is larger than natural", id="alignment"),
        pytest.param(function("2000 282000"), MalformedModule, "malformed memory access flags", id="access-flags"),
        pytest.param(function("2000 4001"), MalformedModule, "0x21: zero byte expected", id="reserved-byte"),
        pytest.param(function("41808080808000"), MalformedModule, "longer than 5 bytes", id="integer-too-long"),
        pytest.param(function("41ffffffff1f"), MalformedModule, "too large for 32 bits", id="integer-too-large"),
        pytest.param(function("27"), MalformedModule, "0x1e: illegal opcode 0x27", id="illegal-opcode"),
        pytest.param(function("fc20"), MalformedModule, "illegal opcode 0xfc", id="illegal-prefixed-opcode"),
        pytest.param(function("05"), MalformedModule, "else without if", id="else-without-if"),
        pytest.param(function("0240"), MalformedModule, "end", id="block-without-end"),
        pytest.param(function("2000 0b 2000"), MalformedModule, "ends before the end of its body", id="end-too-early"),
        pytest.param(function("2000 fc0900"), InvalidModule, "unknown data segment 0", id="unknown-data"),
        pytest.param(
            function("2000 fc0900", behind=section(11, b"\1\1\1x")),
            MalformedModule,
            "needs a data count section",
            id="data-count-missing",
        ),
        pytest.param(
            function("2000", before=section(12, b"\2")), MalformedModule, "data count section says 2", id="data-count"
        ),
        pytest.param(function("d2001a 2000"), InvalidModule, "undeclared function reference 0", id="undeclared"),
        pytest.param(function("2000", locals_="01ffffffff0f7f"), UnsupportedModule, "4294967295 locals", id="locals"),
        pytest.param(
            function("2000", locals_="02ffffffff0f7f017e"), MalformedModule, "locals are too many", id="too-many-locals"
        ),
    ],
)
def test_a_refusal_has_its_reason(binary: bytes, error: type[ModuleError], reason: str) -> None:
    with pytest.raises(error, match=reason):
        PurepyEngine().compile(binary)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        pytest.param("(func i32.const 0 i8x16.splat drop)", r"vector instruction \(SIMD\) at offset 0x", id="simd"),
        pytest.param("(func (local v128))", r"v128 \(SIMD\) at offset 0x", id="local-of-vectors"),
        pytest.param("(func (param v128))", "v128", id="parameter-of-vectors"),
        pytest.param("(memory 1) (func i32.const 0 i32.atomic.load drop)", "threads", id="atomic"),
        pytest.param("(memory 1 1 shared)", "threads", id="shared-memory"),
        pytest.param("(func $f return_call $f)", r"return_call \(tail calls\) at offset 0x", id="tail-call"),
        pytest.param("(tag $t) (func throw $t)", "exception", id="exceptions"),
        pytest.param("(memory i64 1)", "memory64", id="memory64"),
        pytest.param("(type (struct))", "GC", id="garbage-collection"),
    ],
)
def test_what_is_not_covered_is_named(wat: Wat, fields: str, word: str) -> None:
    with pytest.raises(UnsupportedModule, match=word):
        PurepyEngine().compile(wat(f"(module {fields})"))


def test_overlong_integers_are_legal() -> None:
    assert PurepyEngine().compile(function("2080808000 41ffffffff7f 6a")).instantiate() is not None


def verdict(engine_name: str, binary: bytes) -> str:
    try:
        load_engine(engine_name).validate(binary)
    except UnsupportedModule:
        return "unsupported"
    except ModuleError:
        return "refused"
    return "valid"


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), changes=st.integers(1, 3))
def test_a_changed_module_gets_the_verdict_of_wasmtime(wat: Wat, seed: int, changes: int) -> None:
    chance = random.Random(seed)
    binary = bytearray(wat(wasmgen.module(seed % 50)))
    for _ in range(changes):
        at = chance.randrange(8, len(binary))
        binary[at] = (binary[at] + chance.choice((-1, 1))) % 256 if chance.random() < 0.5 else chance.randrange(256)
    seen = verdict("purepy", bytes(binary))
    expected = verdict("wasmtime", bytes(binary))
    # What came after WebAssembly 2.0, and vectors: the two need not know the same proposals.
    assume("unsupported" not in (seen, expected))
    assert seen == expected
