"""`env.abort`, `env.trace` and `env.seed`, as AssemblyScript's standard library imports them."""

from __future__ import annotations

import pytest
from wasi_guests import Guest, Starter, every_engine

from reference_host.errors import Trap, TrapCode
from reference_host.wasi import WasiConfig

PAGE = 65_536
WAT = """(module
  (import "env" "abort" (func $abort (param i32 i32 i32 i32)))
  (import "env" "trace" (func $trace (param i32 i32 f64 f64 f64 f64 f64)))
  (import "env" "seed" (func $seed (result f64)))
  (memory (export "memory") 1)
  (func (export "abort") (param i32 i32 i32 i32)
    local.get 0 local.get 1 local.get 2 local.get 3 call $abort unreachable)
  (func (export "trace") (param i32 i32 f64 f64 f64 f64 f64)
    local.get 0 local.get 1 local.get 2 local.get 3 local.get 4 local.get 5 local.get 6 call $trace)
  (func (export "seed") (result f64) call $seed))"""

MESSAGE, FILE = 64, 4_096


def string(text: str) -> bytes:
    """Lay a string out: its length in bytes, then UTF-16; lone surrogates pass."""
    data = text.encode("utf-16-le", "surrogatepass")
    return len(data).to_bytes(4, "little") + data


def abort(guest: Guest, message: int, file: int, line: int = 12, column: int = 3) -> str:
    with pytest.raises(Trap) as caught:
        guest.instance.call("abort", message, file, line, column)
    assert caught.value.code is TrapCode.ABORT
    assert caught.value.exit_code is None
    return caught.value.message


@pytest.mark.parametrize(
    ("message", "file", "expected"),
    [
        pytest.param("bad input", "assembly/plugin.ts", "bad input in assembly/plugin.ts:12:3", id="both"),
        pytest.param("", "assembly/plugin.ts", "assembly/plugin.ts:12:3", id="empty-message"),
        pytest.param("bad input", "", "bad input", id="empty-file"),
        pytest.param("Größe 😀", "ä.ts", "Größe 😀 in ä.ts:12:3", id="beyond-ascii"),
        pytest.param("a\ud800b", "f.ts", "a\ufffdb in f.ts:12:3", id="lone-surrogate"),
        pytest.param("a\0b\nc", "f.ts", "a\0b\nc in f.ts:12:3", id="control-characters"),
    ],
)
@every_engine
def test_abort_carries_the_guests_message(start: Starter, message: str, file: str, expected: str) -> None:
    guest = start.wat(WAT)
    guest.memory.write(MESSAGE - 4, string(message))
    guest.memory.write(FILE - 4, string(file))
    assert abort(guest, MESSAGE, FILE) == expected


@every_engine
def test_line_and_column_are_unsigned(start: Starter) -> None:
    guest = start.wat(WAT)
    guest.memory.write(FILE - 4, string("f.ts"))
    assert abort(guest, 0, FILE, 2**32 - 1, 2**31) == "f.ts:4294967295:2147483648"


@every_engine
def test_null_pointers_are_no_message(start: Starter) -> None:
    assert abort(start.wat(WAT), 0, 0) == ""


@pytest.mark.parametrize("pointer", [1, 3, PAGE, PAGE + 4, 2**31, 2**32 - 1])
@every_engine
def test_a_bad_pointer_does_not_hide_the_abort(start: Starter, pointer: int) -> None:
    guest = start.wat(WAT)
    guest.memory.write(PAGE - 4, b"\1\0\0\0")
    guest.memory.write(FILE - 4, string("f.ts"))
    assert abort(guest, pointer, FILE) == f"(unreadable string at {pointer:#x}) in f.ts:12:3"


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        pytest.param(2**32 - 1, f"(unreadable string at {MESSAGE:#x})", id="4-gib"),
        pytest.param(PAGE - MESSAGE + 1, f"(unreadable string at {MESSAGE:#x})", id="one-byte-beyond-memory"),
        pytest.param(PAGE - MESSAGE, "\0" * 4_096 + "...", id="to-the-end-of-memory"),
        pytest.param(8_194, "\0" * 4_096 + "...", id="one-unit-beyond-the-cap"),
        pytest.param(8_192, "\0" * 4_096, id="at-the-cap"),
        pytest.param(5, "\0\0\ufffd", id="an-odd-number-of-bytes"),
    ],
)
@every_engine
def test_the_length_is_the_guests_and_is_not_trusted(start: Starter, length: int, expected: str) -> None:
    guest = start.wat(WAT)
    guest.memory.write(MESSAGE - 4, length.to_bytes(4, "little"))
    assert abort(guest, MESSAGE, 0) == expected


@every_engine
def test_abort_needs_no_memory(start: Starter) -> None:
    guest = start.wat(
        """(module
          (import "env" "abort" (func $abort (param i32 i32 i32 i32)))
          (func (export "abort") (param i32 i32 i32 i32)
            local.get 0 local.get 1 local.get 2 local.get 3 call $abort))"""
    )
    assert abort(guest, 8, 0) == "(unreadable string at 0x8)"


@pytest.mark.parametrize(
    ("text", "count", "expected"),
    [
        pytest.param("plain", 0, "trace: plain\n", id="no-numbers"),
        pytest.param("some", 3, "trace: some 1.5, 42, -0.25\n", id="three-numbers"),
        pytest.param("all", 5, "trace: all 1.5, 42, -0.25, 1e+300, 7\n", id="five-numbers"),
        pytest.param("more", 2**32 - 1, "trace: more 1.5, 42, -0.25, 1e+300, 7\n", id="a-count-beyond-five"),
        pytest.param("", 1, "trace: 1.5\n", id="empty-message"),
    ],
)
@every_engine
def test_trace_writes_a_line_to_standard_error(start: Starter, text: str, count: int, expected: str) -> None:
    guest = start.wat(WAT)
    guest.memory.write(MESSAGE - 4, string(text))
    guest.instance.call("trace", MESSAGE, count, 1.5, 42.0, -0.25, 1e300, 7.0)
    assert (guest.wasi.stderr.decode(), guest.wasi.stdout) == (expected, b"")


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param(float("nan"), "nan", id="nan"),
        pytest.param(float("inf"), "inf", id="infinity"),
        pytest.param(-0.0, "0", id="negative-zero"),
        pytest.param(1e21, "1e+21", id="large"),
        pytest.param(2.0**53, "9007199254740992", id="whole"),
    ],
)
@every_engine
def test_trace_takes_every_number(start: Starter, number: float, expected: str) -> None:
    guest = start.wat(WAT)
    guest.instance.call("trace", 0, 1, number, 0.0, 0.0, 0.0, 0.0)
    assert guest.wasi.stderr.decode() == f"trace: null {expected}\n"


@every_engine
def test_trace_is_held_to_the_limit_of_standard_error(start: Starter) -> None:
    guest = start.wat(WAT, WasiConfig(stderr_limit=10))
    for _ in range(2):
        guest.instance.call("trace", 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)
    assert (guest.wasi.stderr, guest.wasi.stderr_dropped) == (b"trace: nul", 14)


@every_engine
def test_seeds_are_whole_and_follow_the_seed_of_the_configuration(start: Starter) -> None:
    seeds = [start.wat(WAT, WasiConfig(seed=seed)).instance.call("seed")[0] for seed in (0, 0, 1)]
    assert seeds[0] == seeds[1] != seeds[2]
    assert all(float(seed).is_integer() and 1 <= seed <= 2**52 for seed in seeds)
