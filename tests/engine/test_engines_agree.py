"""Engines compute the same: every numeric instruction over values at the edges, and the fuel of runs that return.

Bits go in and come out as integers, so that the sign of zero and the payload of a NaN count too.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pytest

from reference_host.engine.interface import Engine, Instance, Number
from reference_host.engine.registry import engine_names, load_engine
from reference_host.errors import Trap

REFERENCE = "wasmtime"

INTEGERS = {
    "i32": (0, 1, 2, 7, 31, 32, 33, 0x7FFF_FFFF, 0x8000_0000, 0x8000_0001, 0xFFFF_FFFE, 0xFFFF_FFFF, 0x80, 0xFF7F),
    "i64": (0, 1, 3, 63, 64, 0x7FFF_FFFF, 0xFFFF_FFFF, 2**53 + 1, 2**63 - 1, 2**63, 2**63 + 1, 2**64 - 2, 2**64 - 1,
            0x8000_0080_0000_0001, 0x4000_0040_0000_0001),
    "f32": (0, 0x8000_0000, 0x3F80_0000, 0xBF80_0000, 0x3F00_0000, 0xBF00_0000, 0x3FC0_0000, 0x4020_0000, 1,
            0x807F_FFFF,
            0x4F00_0000, 0xCF00_0000, 0x4F7F_FFFF, 0x5F00_0000, 0x7F7F_FFFF, 0x7F80_0000, 0xFF80_0000, 0x7FC0_0000,
            0xFFC0_0001, 0x7F80_0001),
    "f64": (0, 2**63, 0x3FF0_0000_0000_0000, 0xBFF0_0000_0000_0000, 0x3FE0_0000_0000_0000, 0xBFE0_0000_0000_0000,
            0x3FF8_0000_0000_0000, 0x4004_0000_0000_0000, 1, 0x800F_FFFF_FFFF_FFFF, 0x41DF_FFFF_FFC0_0000,
            0xC1E0_0000_0000_0000, 0x41EF_FFFF_FFE0_0000, 0x43E0_0000_0000_0000, 0xC3E0_0000_0000_0000,
            0x43EF_FFFF_FFFF_FFFF, 0x47EF_FFFF_F000_0000, 0x36A0_0000_0000_0000, 0x7FEF_FFFF_FFFF_FFFF,
            0x7FF0_0000_0000_0000, 0xFFF0_0000_0000_0000, 0x7FF8_0000_0000_0000, 0xFFF8_0000_0000_0001,
            0x7FF0_0000_0000_0001),
}  # fmt: skip


@dataclass(frozen=True)
class Operation:
    """One instruction: `name` takes values of the types `takes` and gives one of type `gives`."""

    name: str
    takes: tuple[str, ...]
    gives: str

    def function(self) -> str:
        """A function whose parameters and result are the bits of the values."""
        operands = [
            f"local.get {index}" + (f" {kind}.reinterpret_{bits(kind)}" if kind[0] == "f" else "")
            for index, kind in enumerate(self.takes)
        ]
        back = f" {bits(self.gives)}.reinterpret_{self.gives}" if self.gives[0] == "f" else ""
        parameters = " ".join(bits(kind) for kind in self.takes)
        return (
            f'(func (export "{self.name}") (param {parameters}) (result {bits(self.gives)})'
            f" {' '.join(operands)} {self.name}{back})"
        )


def bits(kind: str) -> str:
    return "i" + kind[1:]


def _operations() -> list[Operation]:
    found = []
    for kind in ("i32", "i64"):
        found += [
            Operation(f"{kind}.{name}", (kind,), kind) for name in ("clz", "ctz", "popcnt", "extend8_s", "extend16_s")
        ]
        found += [Operation(f"{kind}.eqz", (kind,), "i32")]
        for name in (
            "add",
            "sub",
            "mul",
            "div_s",
            "div_u",
            "rem_s",
            "rem_u",
            "and",
            "or",
            "xor",
            "shl",
            "shr_s",
            "shr_u",
            "rotl",
            "rotr",
        ):
            found.append(Operation(f"{kind}.{name}", (kind, kind), kind))
        for name in ("eq", "ne", "lt_s", "lt_u", "gt_s", "gt_u", "le_s", "le_u", "ge_s", "ge_u"):
            found.append(Operation(f"{kind}.{name}", (kind, kind), "i32"))
    for kind in ("f32", "f64"):
        found += [
            Operation(f"{kind}.{name}", (kind,), kind)
            for name in ("abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt")
        ]
        found += [
            Operation(f"{kind}.{name}", (kind, kind), kind)
            for name in ("add", "sub", "mul", "div", "min", "max", "copysign")
        ]
        found += [Operation(f"{kind}.{name}", (kind, kind), "i32") for name in ("eq", "ne", "lt", "gt", "le", "ge")]
    for integer, real, sign in itertools.product(("i32", "i64"), ("f32", "f64"), ("s", "u")):
        found.append(Operation(f"{integer}.trunc_{real}_{sign}", (real,), integer))
        found.append(Operation(f"{integer}.trunc_sat_{real}_{sign}", (real,), integer))
        found.append(Operation(f"{real}.convert_{integer}_{sign}", (integer,), real))
    found.append(Operation("i64.extend32_s", ("i64",), "i64"))
    found.append(Operation("i32.wrap_i64", ("i64",), "i32"))
    found += [Operation(f"i64.extend_i32_{sign}", ("i32",), "i64") for sign in ("s", "u")]
    found += [Operation("f32.demote_f64", ("f64",), "f32"), Operation("f64.promote_f32", ("f32",), "f64")]
    return found


OPERATIONS = _operations()


@pytest.fixture(scope="module")
def module(wat: Callable[[str], bytes]) -> bytes:
    return wat("(module " + "\n".join(operation.function() for operation in OPERATIONS) + ")")


@pytest.fixture(scope="module", params=[name for name in engine_names() if name != REFERENCE])
def pair(request: pytest.FixtureRequest, module: bytes) -> list[Callable[[], Instance]]:
    """Makers of instances: the reference first, then the engine that is compared."""
    return [load_engine(name).compile(module).instantiate for name in (REFERENCE, request.param)]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_numeric_instructions_agree_to_the_bit(pair: list[Callable[[], Instance]], operation: Operation) -> None:
    results = []
    for make in pair:
        instance = make()
        seen: list[str] = []
        for operands in itertools.product(*(INTEGERS[kind] for kind in operation.takes)):
            try:
                answer: tuple[Number, ...] | str = instance.call(operation.name, *operands)
            except Trap as trap:
                answer, instance = trap.code.value, make()
            seen.append(f"{[hex(operand) for operand in operands]}: {answer}")
        results.append(seen)
    assert results[1] == results[0]


FUEL = {
    "nothing": "",
    "constants": "i32.const 1 i64.const 2 drop drop nop",
    "blocks": "block block br 1 end end (loop) i32.const 1 if nop else nop end",
    "branches": "block i32.const 0 br_if 0 i32.const 1 br_if 0 end block block i32.const 1 br_table 0 1 0 end end",
    "calls": "call $f call $f i32.const 0 call_indirect (type $t)",
    "return": "i32.const 1 drop return",
    "loop": "i32.const 9 local.set 0 (loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0)",
    "memory.grow": "i32.const 3 memory.grow drop i32.const 0 memory.grow drop",
    "memory.grow refused": "i32.const 3 memory.grow drop i32.const 1000 memory.grow drop i32.const -1 memory.grow drop",
    "memory.fill": "i32.const 5 i32.const 1 i32.const 1000 memory.fill",
    "memory.copy": "i32.const 5 i32.const 1 i32.const 1000 memory.copy",
    "memory.init": "i32.const 5 i32.const 0 i32.const 2 memory.init $d data.drop $d",
    "table.grow": "ref.null func i32.const 7 table.grow $u drop ref.null func i32.const 1000 table.grow $u drop",
    "table.grow refused": "ref.null func i32.const 99 table.grow $u drop ref.null func i32.const 99 table.grow $u drop",
    "table.fill": "i32.const 0 ref.null func i32.const 3 table.fill $u",
    "table.copy": "i32.const 0 i32.const 1 i32.const 2 table.copy $u $u",
    "table.init": "i32.const 0 i32.const 0 i32.const 1 table.init $u $e elem.drop $e",
    "loads and stores": "i32.const 8 i32.const 9 i32.store i32.const 8 i64.load drop",
}


@pytest.mark.parametrize("body", FUEL.values(), ids=FUEL.keys())
def test_fuel_of_runs_that_return_is_the_same(engine: Engine, wat: Callable[[str], bytes], body: str) -> None:
    binary = wat(f"""(module (type $t (func)) (memory 1 20) (data $d "abc")
      (table $t 2 funcref) (table $u 4 20 funcref) (elem (table $t) (i32.const 0) func $f) (elem $e func $f)
      (func $f (local i64) nop) (func (export "run") (local i32) {body}))""")
    used = []
    for each in (load_engine(REFERENCE), engine):
        for _ in range(2):
            instance = each.compile(binary).instantiate()
            instance.call("run", fuel=100_000)
            used.append(instance.fuel_used())
    assert len(set(used)) == 1


@pytest.mark.parametrize("length", [0, 1, 128, 200])
@pytest.mark.parametrize(
    "instruction",
    [
        "memory.fill",
        "memory.copy",
        "memory.init",
        "memory.grow",
        "table.grow",
        "table.fill",
        "table.copy",
        "table.init",
    ],
)
def test_a_budget_ends_the_same_long_instructions(
    engine: Engine, wat: Callable[[str], bytes], instruction: str, length: int
) -> None:
    operands = {
        "memory.init": "i32.const 0 i32.const 0 local.get 0 memory.init $d",
        "memory.grow": "local.get 0 memory.grow drop",
        "table.grow": "ref.null func local.get 0 table.grow $t drop",
        "table.fill": "i32.const 0 ref.null func local.get 0 table.fill $t",
        "table.init": "i32.const 0 i32.const 0 local.get 0 table.init $t $e",
    }
    body = operands.get(instruction, f"i32.const 0 i32.const 1 local.get 0 {instruction}")
    binary = wat(f"""(module (memory 1 500) (table $t 300 900 funcref) (data $d "{"x" * 200}") (func $f)
      (elem $e func {"$f " * 200}) (func (export "run") (param i32) {body} i32.const 0 drop i32.const 0 drop))""")
    budgets = (3, *range(length, length + 18))
    assert outcomes(engine, binary, budgets, length) == outcomes(load_engine(REFERENCE), binary, budgets, length)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            "call $f i32.const 2 local.set 0 (loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0)"
            " i32.const 0 drop i32.const 0 drop i32.const 0 drop",
            id="loop",
        ),
        pytest.param(
            "i32.const 0 drop i32.const 0 drop (loop) i32.const 0 drop i32.const 0 drop", id="loop-entered-once"
        ),
        pytest.param("i32.const 0 drop call $f i32.const 0 drop i32.const 0 drop call $f i32.const 0 drop", id="calls"),
        pytest.param("i32.const 0 drop i32.const 3 memory.grow drop (loop)", id="growth"),
        pytest.param("i32.const 0 drop i32.const 100 memory.grow drop (loop)", id="growth-refused"),
    ],
)
def test_a_budget_ends_the_same_runs(engine: Engine, wat: Callable[[str], bytes], body: str) -> None:
    binary = wat(f'(module (memory 1 9) (func $f) (func (export "run") (local i32) {body}))')
    reference, compared = (outcomes(each, binary, range(1, 24)) for each in (load_engine(REFERENCE), engine))
    assert compared == reference
    assert {outcome.partition(": ")[2].isdigit() for outcome in reference} == {True, False}


def outcomes(engine: Engine, binary: bytes, budgets: Iterable[int], *arguments: int) -> list[str]:
    """What `run` comes to with each budget: the fuel that it used, or its trap."""
    module, seen = engine.compile(binary), []
    for budget in budgets:
        instance = module.instantiate()
        try:
            instance.call("run", *arguments, fuel=budget)
            seen.append(f"{budget}: {instance.fuel_used()}")
        except Trap as trap:
            seen.append(f"{budget}: {trap}")
    return seen
