"""Random valid modules in text form: all instructions but vectors, control flow of all shapes, calls, memory, traps.

Every module ends: loops count down, and functions call only functions that come later, or through a table whose
functions come later still. What `run` leaves behind is seen through its results, `globals`, and the memory.
"""

from __future__ import annotations

import random

TYPES = ("i32", "i64", "f32", "f64")

CONSTANTS = {
    "i32": ("0", "1", "-1", "2", "7", "31", "255", "65535", "65532", "0x7fffffff", "0x80000000",
            "0x80000001", "-128"),
    "i64": ("0", "1", "-1", "63", "0x7fffffff", "0xffffffff", "0x100000000", "0x7fffffffffffffff",
            "0x8000000000000000", "-2147483648", "65536"),
    "f32": ("0", "-0", "1", "-1.5", "inf", "-inf", "nan", "-nan:0x200001", "nan:0x400001", "0x1p-149",
            "0x1.fffffep+127", "2147483648", "-2147483904", "0.1", "4294967296", "9223372036854775808"),
    "f64": ("0", "-0", "1", "-1.5", "inf", "-inf", "nan", "-nan:0x8000000000001", "nan:0x1", "0x1p-1074", "1e308",
            "0.1", "2147483647.5", "-2147483649", "4294967295.9", "9223372036854775808",
            "-9223372036854775808", "1e10"),
}  # fmt: skip

_INTEGER = str.split("add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr")
_FLOAT = str.split("add sub mul div min max copysign")
_INTEGER_COMPARE = str.split("eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u")
_FLOAT_COMPARE = str.split("eq ne lt gt le ge")
_UNARY = {
    "i32": ["clz", "ctz", "popcnt", "extend8_s", "extend16_s", "eqz"],
    "i64": ["clz", "ctz", "popcnt", "extend8_s", "extend16_s", "extend32_s"],
    "f32": ["abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt"],
    "f64": ["abs", "neg", "ceil", "floor", "trunc", "nearest", "sqrt"],
}
_CONVERSIONS = {
    "i32": [("wrap_i64", "i64"), ("reinterpret_f32", "f32"), ("trunc_sat_f32_s", "f32"), ("trunc_sat_f32_u", "f32"),
            ("trunc_sat_f64_s", "f64"), ("trunc_sat_f64_u", "f64"), ("trunc_f32_s", "f32"), ("trunc_f64_u", "f64"),
            ("trunc_f64_s", "f64"), ("trunc_f32_u", "f32")],
    "i64": [("extend_i32_s", "i32"), ("extend_i32_u", "i32"), ("reinterpret_f64", "f64"), ("trunc_sat_f32_s", "f32"),
            ("trunc_sat_f32_u", "f32"), ("trunc_sat_f64_s", "f64"), ("trunc_sat_f64_u", "f64"), ("trunc_f64_s", "f64"),
            ("trunc_f32_u", "f32")],
    "f32": [("convert_i32_s", "i32"), ("convert_i32_u", "i32"), ("convert_i64_s", "i64"), ("convert_i64_u", "i64"),
            ("demote_f64", "f64"), ("reinterpret_i32", "i32")],
    "f64": [("convert_i32_s", "i32"), ("convert_i32_u", "i32"), ("convert_i64_s", "i64"), ("convert_i64_u", "i64"),
            ("promote_f32", "f32"), ("reinterpret_i64", "i64")],
}  # fmt: skip
_LOADS = {
    "i32": ["load", "load8_s", "load8_u", "load16_s", "load16_u"],
    "i64": ["load", "load8_s", "load8_u", "load16_s", "load16_u", "load32_s", "load32_u"],
    "f32": ["load"],
    "f64": ["load"],
}
_STORES = {
    "i32": ["store", "store8", "store16"],
    "i64": ["store", "store8", "store16", "store32"],
    "f32": ["store"],
    "f64": ["store"],
}

Signature = tuple[tuple[str, ...], tuple[str, ...]]

SIGNATURES: tuple[Signature, ...] = (
    (("i32",), ("i32",)),
    (("i64", "f64"), ("i64",)),
    (("f32",), ("f64", "i32")),
    ((), ()),
    (("i32", "i64"), ("f32",)),
)


class Function:
    """Writes one function; `index` says which ones it may call."""

    def __init__(self, chance: random.Random, index: int, signature: Signature, callable_: list[Signature]) -> None:
        self.chance = chance
        self.index = index
        self.signature = signature
        self.callable = callable_  # of the functions behind this one
        self.locals = [*signature[0], *(chance.choice(TYPES) for _ in range(chance.randrange(6)))]
        self.names = 0
        self.labels: list[tuple[str, tuple[str, ...]]] = []
        self.fuel = 100 + chance.randrange(300)

    def text(self) -> str:
        """Give the whole function."""
        body = " ".join(self.statements(3) for _ in range(4))
        seen = " ".join(
            self.observed(kind, f"(local.get {at})") for at, kind in enumerate(self.locals) if kind != "counter"
        )
        results = " ".join(self.expression(kind, 3) for kind in self.signature[1])
        declared = " ".join("i32" if kind == "counter" else kind for kind in self.locals[len(self.signature[0]) :])
        return (
            f"(func $f{self.index} (param {' '.join(self.signature[0])}) (result {' '.join(self.signature[1])})"
            f" (local {declared}) {body} {seen} {results})"
        )

    def observed(self, kind: str, expression: str) -> str:
        """Mix a value into a global, bit by bit, so that a wrong one is seen whatever becomes of it."""
        bits = {
            "i32": "(i64.extend_i32_u {})",
            "i64": "{}",
            "f32": "(i64.extend_i32_u (i32.reinterpret_f32 {}))",
            "f64": "(i64.reinterpret_f64 {})",
        }[kind].format(expression)
        return f"(global.set $i64 (i64.add (i64.mul (global.get $i64) (i64.const 31)) {bits}))"

    def local(self, kind: str) -> int | None:
        found = [at for at, type_ in enumerate(self.locals) if type_ == kind]
        return self.chance.choice(found) if found else None

    def address(self, depth: int) -> str:
        inner = self.expression("i32", depth - 1)
        if self.chance.random() < 0.01:
            return inner
        return f"(i32.and {inner} (i32.const {self.chance.choice((0xFF, 0xFFF, 0xFFFF))}))"

    def offset(self) -> str:
        return f"offset={self.chance.choice((0, 0, 0, 1, 4, 7, 100))}"

    def expression(self, kind: str, depth: int) -> str:
        chance = self.chance
        self.fuel -= 1
        form = chance.randrange(100)
        at = self.local(kind)
        if depth <= 0 or self.fuel < 0 or form < 15:
            if at is not None and chance.random() < 0.7:
                return f"(local.get {at})"
            return f"({kind}.const {chance.choice(CONSTANTS[kind])})"
        below = depth - 1
        if form < 40:
            names = _INTEGER if kind[0] == "i" else _FLOAT
            name = chance.choice(names)
            two = self.expression(kind, below)
            if name[:3] in ("div", "rem") and kind[0] == "i" and chance.random() < 0.95:
                two = f"({kind}.or {two} ({kind}.const 1))"
            return f"({kind}.{name} {self.expression(kind, below)} {two})"
        if form < 48:
            return f"({kind}.{chance.choice(_UNARY[kind])} {self.expression(kind, below)})"
        if form < 58:
            name, source = chance.choice(_CONVERSIONS[kind])
            operand = self.expression(source, below)
            if name[:6] == "trunc_" and "sat" not in name and chance.random() < 0.9:
                # A few traps are enough: what comes behind one is never run.
                operand = f"({source}.convert_i32_u (i32.and {self.expression('i32', below)} (i32.const 0xffffff)))"
            return f"({kind}.{name} {operand})"
        if form < 66 and kind == "i32":
            source = chance.choice(TYPES)
            names = _INTEGER_COMPARE if source[0] == "i" else _FLOAT_COMPARE
            one, two = self.expression(source, below), self.expression(source, below)
            return (
                f"(i32.eqz ({source}.{chance.choice(names)} {one} {two}))"
                if chance.random() < 0.3
                else (f"({source}.{chance.choice(names)} {one} {two})")
            )
        if form < 76:
            return f"({kind}.{chance.choice(_LOADS[kind])} {self.offset()} {self.address(depth)})"
        if form < 80:
            one, two = self.expression(kind, below), self.expression(kind, below)
            return f"(select {one} {two} {self.expression('i32', below)})"
        if form < 84 and at is not None:
            return f"(local.tee {at} {self.expression(kind, below)})"
        if form < 87:
            return f"(global.get ${kind})"
        if form < 91:
            condition, one = self.expression("i32", below), self.expression(kind, below)
            first, two = self.statements(1), self.expression(kind, below)
            return f"(if (result {kind}) {condition} (then {first} {one}) (else {two}))"
        if form < 95:
            label = self.label((kind,))
            inner, value, condition = self.statements(1), self.expression(kind, below), self.expression("i32", below)
            last = self.expression(kind, below)
            self.labels.pop()
            return f"(block {label} (result {kind}) {inner} (drop (br_if {label} {value} {condition})) {last})"
        if form < 97 and kind == "i32":
            return chance.choice(("(memory.size)", "(memory.grow (i32.const 1))", "(table.size $t)",
                                  "(ref.is_null (table.get $t (i32.const 3)))"))  # fmt: skip
        return self.call(kind, below) or f"({kind}.const 1)"

    def call(self, kind: str, depth: int) -> str | None:
        found = [at for at, signature in enumerate(self.callable, self.index + 1) if signature[1] == (kind,)]
        if not found:
            return None
        index = self.chance.choice(found)
        parameters = self.callable[index - self.index - 1][0]
        arguments = " ".join(self.expression(parameter, depth - 1) for parameter in parameters)
        return f"(call $f{index} {arguments})"

    def statements(self, depth: int) -> str:
        return " ".join(self.statement(depth) for _ in range(self.chance.randrange(1, 4) if self.fuel > 0 else 0))

    def statement(self, depth: int) -> str:
        chance = self.chance
        self.fuel -= 2
        form = chance.randrange(100)
        if form < 25:
            kind = chance.choice(TYPES)
            at = self.local(kind)
            return "" if at is None else f"(local.set {at} {self.expression(kind, 3)})"
        if form < 40:
            kind = chance.choice(TYPES)
            name = chance.choice(_STORES[kind])
            return f"({kind}.{name} {self.offset()} {self.address(3)} {self.expression(kind, 3)})"
        if form < 45:
            kind = chance.choice(TYPES)
            return f"(global.set ${kind} {self.expression(kind, 3)})"
        if form < 50:
            kind = chance.choice(TYPES)
            value = self.expression(kind, 3)
            return f"(drop {value})" if chance.random() < 0.2 else self.observed(kind, value)
        if depth <= 0 or self.fuel < 0:
            return "(nop)"
        if form < 60:
            return self.nested("if", depth)
        if form < 68:
            return self.nested("block", depth)
        if form < 76:
            return self.loop(depth)
        if form < 88 and self.labels:
            return self.branch()
        if form < 91:
            return chance.choice(
                (
                    "(memory.fill (i32.const 9) (local.get $n) (i32.const 70))",
                    "(memory.copy (i32.const 20) (i32.const 10) (i32.const 30))",
                    "(memory.copy (i32.const 10) (i32.const 20) (i32.const 30))",
                    "(memory.init $d (i32.const 40) (i32.const 1) (i32.const 4))",
                    "(data.drop $d)",
                    "(table.copy $t $t (i32.const 1) (i32.const 0) (i32.const 2))",
                    "(table.init $t $e (i32.const 5) (i32.const 0) (i32.const 1))",
                    "(table.fill $t (i32.const 6) (ref.null func) (i32.const 1))",
                    "(table.set $t (i32.const 4) (table.get $t (i32.const 0)))",
                    "(drop (table.grow $t (ref.null func) (i32.const 1)))",
                )
            ).replace("(local.get $n)", self.expression("i32", 1))
        if form < 96:
            return self.indirect()
        if form < 98:
            results = " ".join(self.expression(kind, 2) for kind in self.signature[1])
            return f"(if {self.expression('i32', 2)} (then (return {results})))"
        if form < 99:
            return f"(if {self.expression('i32', 2)} (then unreachable))"
        return "(nop)"

    def indirect(self) -> str:
        if self.index:
            return "(nop)"
        parameters, results = self.chance.choice(SIGNATURES[:4])
        number = SIGNATURES.index((parameters, results))
        arguments = " ".join(self.expression(kind, 2) for kind in parameters)
        element = f"(i32.rem_u {self.expression('i32', 2)} (i32.const 8))"
        if self.chance.random() < 0.95:
            element = f"(i32.const {number})"
        return f"(call_indirect $t (type $t{number}) {arguments} {element}) {'(drop) ' * len(results)}"

    def label(self, results: tuple[str, ...]) -> str:
        self.names += 1
        self.labels.append((f"$b{self.names}", results))
        return f"$b{self.names}"

    def nested(self, word: str, depth: int) -> str:
        condition = self.expression("i32", 2) if word == "if" else ""
        name = self.label(())
        body = self.statements(depth - 1)
        if word == "if":
            other = self.statements(depth - 1) if self.chance.random() < 0.6 else ""
            body = f"(then {body}) (else {other})"
        self.labels.pop()
        return f"({word} {name} {condition} {body})"

    def loop(self, depth: int) -> str:
        """Write a loop; whatever goes back to its head is counted there."""
        counter = len(self.locals)
        self.locals.append("counter")
        leave, head = self.label(()), self.label(())
        body = self.statements(depth - 1)
        again = f"(br {head})" if self.chance.random() < 0.5 else f"(br_if {head} {self.expression('i32', 2)})"
        del self.labels[-2:]
        return (
            f"(local.set {counter} (i32.const {self.chance.randrange(1, 6)}))"
            f" (block {leave} (loop {head} (br_if {leave} (i32.eqz (local.get {counter})))"
            f" (local.set {counter} (i32.sub (local.get {counter}) (i32.const 1))) {body} {again}))"
        )

    def branch(self) -> str:
        chance = self.chance
        name, results = chance.choice(self.labels)
        values = " ".join(self.expression(kind, 2) for kind in results)
        form = chance.random()
        if form < 0.7:
            return f"(br_if {name} {values} {self.expression('i32', 2)}) {'(drop)' * len(results)}"
        if form < 0.8 or results:
            return f"(br {name} {values})"
        plain = [label for label, carried in self.labels if not carried]
        targets = " ".join(chance.choice(plain) for _ in range(chance.randrange(1, 9)))
        return f"(br_table {targets} {self.expression('i32', 2)})"


def module(seed: int) -> str:
    """Give a module: `run` takes an i32 and an i64 and gives an i64; `globals` gives the globals as integers."""
    chance = random.Random(seed)
    count = chance.randrange(2, 6)
    signatures: list[Signature] = [(("i32", "i64"), ("i64",)), *(chance.choice(SIGNATURES) for _ in range(count - 1))]
    functions = [Function(chance, at, signatures[at], signatures[at + 1 :]).text() for at in range(count)]
    types = "".join(
        f"(type $t{number} (func (param {' '.join(takes)}) (result {' '.join(gives)})))"
        for number, (takes, gives) in enumerate(SIGNATURES)
    )
    leaves = "".join(
        f"(func $leaf{number} (type $t{number}) {' '.join(f'({kind}.const {number})' for kind in gives)})"
        for number, (_, gives) in enumerate(SIGNATURES)
    )
    globals_ = "".join(f"(global ${kind} (mut {kind}) ({kind}.const {chance.randrange(9)}))" for kind in TYPES)
    data = "".join(f"\\{chance.randrange(256):02x}" for _ in range(64))
    return f"""(module {types} (memory (export "memory") 1 3) {globals_}
      (table $t 8 12 funcref) (elem (table $t) (i32.const 0) func $leaf0 $leaf1 $leaf2 $leaf3) (elem $e func $leaf0)
      (data (i32.const 16) "{data}") (data $d "abcdefgh")
      {" ".join(functions)} {leaves} (export "run" (func $f0))
      (func (export "globals") (result i32 i64 i32 i64) (global.get $i32) (global.get $i64)
        (i32.reinterpret_f32 (global.get $f32)) (i64.reinterpret_f64 (global.get $f64))))"""
