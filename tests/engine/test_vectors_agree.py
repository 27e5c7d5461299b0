"""Engines compute the same on vectors: every instruction of 128 bits over values at the edges of all shapes."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from reference_host.engine.interface import Instance
from reference_host.engine.registry import engine_names, load_engine

REFERENCE = "wasmtime"

WITHOUT_VECTORS = ("purepy",)
"""Engines that do not have them, and say so: `test_purepy_validation.py`."""

HALVES = (
    0,
    1,
    0x8000_0000_0000_0000,
    0x7FFF_FFFF_FFFF_FFFF,
    0xFFFF_FFFF_FFFF_FFFF,
    0x3FF0_0000_BF80_0000,
    0x7FF0_0000_0000_0000,
    0xFFF8_0000_FFC0_0001,
    0x00FF_7F80_8001_7FFE,
    0x4F00_0000_5F00_0000,
    0xBFE0_0000_BF00_0000,
    0x7F80_0000_3FC0_0000,
)
VECTORS = [(HALVES[at], HALVES[(5 * at + 3) % len(HALVES)]) for at in range(len(HALVES))]
SHIFTS = (0, 1, 7, 8, 31, 33, 63, 64, 2**32 - 1)

INTEGERS = ("i8x16", "i16x8", "i32x4", "i64x2")
FLOATS = ("f32x4", "f64x2")
WIDER = (("i16x8", "i8x16"), ("i32x4", "i16x8"), ("i64x2", "i32x4"))
SIGNS = ("s", "u")


def _unary() -> list[str]:
    found = [f"{shape}.{name}" for shape in INTEGERS for name in ("abs", "neg")]
    found += [
        f"{shape}.{name}" for shape in FLOATS for name in ("abs", "neg", "sqrt", "ceil", "floor", "trunc", "nearest")
    ]
    found += [
        f"{wide}.extend_{half}_{narrow}_{sign}"
        for (wide, narrow), half, sign in itertools.product(WIDER, ("low", "high"), SIGNS)
    ]
    found += [f"{wide}.extadd_pairwise_{narrow}_{sign}" for (wide, narrow), sign in itertools.product(WIDER[:2], SIGNS)]
    for sign in SIGNS:
        found += [
            f"i32x4.trunc_sat_f32x4_{sign}",
            f"f32x4.convert_i32x4_{sign}",
            f"i32x4.trunc_sat_f64x2_{sign}_zero",
            f"f64x2.convert_low_i32x4_{sign}",
        ]
    return [*found, "i8x16.popcnt", "v128.not", "f32x4.demote_f64x2_zero", "f64x2.promote_low_f32x4"]


def _binary() -> list[str]:
    found = [
        f"{shape}.{name}" for shape in INTEGERS for name in ("add", "sub", "eq", "ne", "lt_s", "gt_s", "le_s", "ge_s")
    ]
    found += [f"{shape}.{name}_u" for shape in INTEGERS[:3] for name in ("lt", "gt", "le", "ge")]
    found += [f"{shape}.{name}_{sign}" for shape, name, sign in itertools.product(INTEGERS[:3], ("min", "max"), SIGNS)]
    found += [
        f"{shape}.{name}_sat_{sign}" for shape, name, sign in itertools.product(INTEGERS[:2], ("add", "sub"), SIGNS)
    ]
    found += [f"{shape}.avgr_u" for shape in INTEGERS[:2]] + [f"{shape}.mul" for shape in INTEGERS[1:]]
    found += [
        f"{wide}.extmul_{half}_{narrow}_{sign}"
        for (wide, narrow), half, sign in itertools.product(WIDER, ("low", "high"), SIGNS)
    ]
    found += [f"{narrow}.narrow_{wide}_{sign}" for (wide, narrow), sign in itertools.product(WIDER[:2], SIGNS)]
    found += [
        f"{shape}.{name}"
        for shape in FLOATS
        for name in ("add", "sub", "mul", "div", "min", "max", "pmin", "pmax", "eq", "ne", "lt", "gt", "le", "ge")
    ]
    return [
        *found,
        "i16x8.q15mulr_sat_s",
        "i32x4.dot_i16x8_s",
        "i8x16.swizzle",
        *(f"v128.{name}" for name in ("and", "or", "xor", "andnot")),
    ]


UNARY, BINARY, TERNARY = _unary(), _binary(), ["v128.bitselect"]
SHIFTING = [f"{shape}.{name}" for shape in INTEGERS for name in ("shl", "shr_s", "shr_u")]
TESTING = [f"{shape}.{name}" for shape in INTEGERS for name in ("all_true", "bitmask")] + ["v128.any_true"]
LOADING = [
    "v128.load",
    *(f"v128.load{shape}_{sign}" for shape in ("8x8", "16x4", "32x2") for sign in SIGNS),
    *(f"v128.load{width}_splat" for width in (8, 16, 32, 64)),
    "v128.load32_zero",
    "v128.load64_zero",
]


def _functions() -> str:
    halves = "local.tee $v i64x2.extract_lane 0 local.get $v i64x2.extract_lane 1"
    written = []
    for names, count in ((UNARY, 1), (BINARY, 2), (TERNARY, 3)):
        takes = " ".join(["i64"] * 2 * count)
        vectors = " ".join(_vector(at) for at in range(count))
        written += [
            f'(func (export "{name}") (param {takes}) (result i64 i64) (local $v v128) {vectors} {name} {halves})'
            for name in names
        ]
    written += [
        f'(func (export "{name}") (param i64 i64 i32) (result i64 i64) (local $v v128)'
        f" {_vector(0)} local.get 2 {name} {halves})"
        for name in SHIFTING
    ]
    written += [f'(func (export "{name}") (param i64 i64) (result i32) {_vector(0)} {name})' for name in TESTING]
    written += [
        f'(func (export "{name}") (result i64 i64) (local $v v128) i32.const 3 {name} offset=2 {halves})'
        for name in LOADING
    ]
    return "\n".join(written)


def _vector(at: int) -> str:
    return f"local.get {2 * at} i64x2.splat local.get {2 * at + 1} i64x2.replace_lane 1"


@pytest.fixture(scope="module", params=[name for name in engine_names() if name not in (REFERENCE, *WITHOUT_VECTORS)])
def pair(request: pytest.FixtureRequest, wat: Callable[[str], bytes]) -> list[Instance]:
    """Instances of one module: on the reference, and on the engine that is compared."""
    data = "".join(f"\\{(37 * at + 129) % 256:02x}" for at in range(64))
    binary = wat(f'(module (memory 1) (data (i32.const 0) "{data}") {_functions()})')
    return [load_engine(name).compile(binary).instantiate() for name in (REFERENCE, request.param)]


def operands(name: str) -> list[tuple[int, ...]]:
    if name in LOADING:
        return [()]
    if name in SHIFTING:
        return [(*vector, shift) for vector in VECTORS for shift in SHIFTS]
    if name in UNARY or name in TESTING:
        return list(VECTORS)
    if name in TERNARY:
        return [(*VECTORS[at], *VECTORS[at - 3], *VECTORS[at - 5]) for at in range(len(VECTORS))]
    return [(*first, *second) for first, second in itertools.product(VECTORS, VECTORS[::2] + VECTORS[5:6])]


@pytest.mark.parametrize("name", [*UNARY, *BINARY, *TERNARY, *SHIFTING, *TESTING, *LOADING])
def test_vector_instructions_agree_to_the_bit(pair: list[Instance], name: str) -> None:
    reference, compared = pair
    for given in operands(name):
        assert (given, compared.call(name, *given)) == (given, reference.call(name, *given))
