"""The self-test of the fast way: the same short session in both ways has to end in the same.

It goes through everything that the fast way does with its own hands: numbers of each kind with their exact bits, memory
before and after growth, fuel, traps, host functions, a call back into the guest while the outer one is under way, and
what a host function raises. A few milliseconds, once in a process.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import wasmtime

from reference_host.engine.interface import FuncType, HostFunction, Instance, Limits, Module, Number, ValueType
from reference_host.errors import Trap

_NUMBERS = (ValueType.I32, ValueType.I64, ValueType.F32, ValueType.F64)

_GUEST = """(module
  (import "host" "turn" (func $turn (param i32 i64 f32 f64) (result f64 f32 i64 i32)))
  (import "host" "fail" (func $fail))
  (memory (export "memory") 1 3)
  (func (export "turn") (param i32 i64 f32 f64) (result f64 f32 i64 i32)
    local.get 0 local.get 1 local.get 2 local.get 3 call $turn)
  (func (export "pack") (param $high i32) (param $low i32) (result i64)
    local.get $high i64.extend_i32_u i64.const 32 i64.shl local.get $low i64.extend_i32_u i64.or)
  (func (export "store") (param i32 i64) local.get 0 local.get 1 i64.store)
  (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
  (func (export "divide") (param i32) (result i32) i32.const 1 local.get 0 i32.div_u)
  (func (export "spin") (loop br 0))
  (func (export "fail") call $fail))"""


def guest() -> bytes:
    """The module that the session is held with."""
    return bytes(wasmtime.wat2wasm(_GUEST))


def session(module: Module) -> Iterator[object]:
    """Hold the session; what comes, comes in the order of events."""
    heard: list[object] = []

    def turn(instance: Instance, *numbers: Number) -> tuple[Number, ...]:
        heard.append([_bits(number) for number in numbers])
        heard.append(instance.call("pack", 2**32 - 1, 5))
        return tuple(reversed(numbers))

    def fail(_: Instance) -> None:
        raise LookupError("of the host")

    hosts = [
        HostFunction("host", "turn", FuncType(_NUMBERS, tuple(reversed(_NUMBERS))), turn),
        HostFunction("host", "fail", FuncType(), fail),
    ]
    instance = module.instantiate(hosts, Limits(fuel=100_000))
    memory = instance.memory
    assert memory is not None
    for numbers in (
        (1, 2, 0.5, -0.0),
        (2**32 - 1, 2**64 - 1, float("inf"), struct.unpack("<d", b"\1" * 7 + b"\x7f")[0]),
    ):
        yield [_bits(number) for number in instance.call("turn", *numbers)]
        yield instance.fuel_used()
    for low in (0, 1, 2**31, 2**32 - 1):
        yield instance.call("pack", low, 7), instance.call("pack", -1, low)
    yield memory.size, instance.call("grow", 1), memory.size, instance.call("grow", 2), memory.size
    memory.write(131_060, b"hook")
    yield memory.read(131_050, 22), instance.call("store", 131_060, 2**63), memory.read(131_060, 12)
    yield len(instance.growth_refused)
    for name, arguments in (("divide", (0,)), ("store", (2**32 - 1, 0)), ("spin", ()), ("fail", ())):
        try:
            yield module.instantiate(hosts, Limits(fuel=100_000)).call(name, *arguments)
        except (Trap, LookupError) as error:
            yield repr(error)
    yield heard


def _bits(number: Number) -> object:
    return struct.pack("<d", number) if isinstance(number, float) else number
