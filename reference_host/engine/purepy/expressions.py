"""Python expressions for wasm instructions that take values and give one: the text, and what is known of its value.

Integers are unsigned. What is known of a value saves work: a sum whose upper bound is below 2^32 needs no `%`, a
signed comparison of values below 2^31 is a plain one. `%` is used, and not `&`, since CPython gives a number that is in
range back as it is.

Source: WebAssembly Core Specification 2.0, section 4.3 (numerics).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reference_host.engine.purepy import numerics
from reference_host.engine.purepy import opcodes as op

INT, BOOL, FLOAT, RAW, REF = range(5)
"""Kinds of expressions: an integer; a condition, which is no integer yet; a float; a float that may be a NaN with any
bits, since arithmetic made it; a reference."""

LOADS, TRAPS, GLOBALS = 1, 2, 4
"""What can go wrong when an expression is evaluated at another time: it reads memory (or traps out of its bounds), may
trap otherwise, or reads a mutable global."""


Bounds = tuple[tuple[int, int], ...]
"""Locals and their upper bounds."""


class Value(NamedTuple):
    """An operand that is not computed yet."""

    text: str
    kind: int
    top: int
    """The greatest value of an integer."""
    effects: int
    depends: int
    """Which variables it reads, as bits."""
    size: int
    """How many operands it is made of."""
    number: int | None = None
    """Its value, where that is an integer constant."""
    raw: str = ""
    """Of a sum that is reduced: its text without that, for what reduces it again."""
    bounds: tuple[Bounds, Bounds] = ((), ())
    """What a condition says of locals where it holds, and where it does not."""

    @property
    def local(self) -> int | None:
        """The local that it is."""
        text = self.text
        return int(text[1:]) if text[0] == "l" and self.kind == INT and text[1:].isdigit() else None


def constant(value: int) -> Value:
    """Make an integer constant."""
    return Value(str(value), INT, value, 0, 0, 1, value)


def integer(value: Value) -> str:
    """Give the text of an integer operand."""
    return f"(1 if {value.text} else 0)" if value.kind == BOOL else value.text


def plain(value: Value) -> str:
    """Give the text of an operand of any kind, fit to be kept: conditions as integers, NaN canonical."""
    if value.kind == BOOL:
        return f"(1 if {value.text} else 0)"
    if value.kind == RAW:
        return f"(c if (c := {value.text}) == c else NAN)"
    return value.text


def bounded(one: Value, sign: str, two: Value) -> tuple[Bounds, Bounds]:
    """Say what an unsigned comparison tells where it holds, and where it does not."""
    if sign in (">", ">="):
        one, two, sign = two, one, "<" if sign == ">" else "<="
    if sign == "!=":
        fails, holds = bounded(one, "==", two)
        return holds, fails
    holds = _at_most(one, two.top - (sign == "<"))
    if sign == "==":
        return holds + _at_most(two, one.top), ()
    return holds, _at_most(two, one.top - (sign == "<="))


def _at_most(value: Value, top: int) -> Bounds:
    return ((value.local, top),) if 0 <= top < value.top and value.local is not None else ()


def _compared(one: Value, sign: str, two: Value) -> Value:
    """Compare two integers without their signs."""
    made = _two(f"({integer(one)} {sign} {integer(two)})", 1, one, two, BOOL)
    return made._replace(bounds=bounded(one, sign, two))


def _bracketed(text: str) -> str:
    return f"({text})" if text else ""


def is_name(value: Value) -> bool:
    """Whether it can be written twice: a variable or a constant."""
    return value.text.isalnum() and value.kind != BOOL


Unary = Callable[[Value], Value]
Binary = Callable[[Value, Value], Value]


def _one(text: str, top: int, one: Value, kind: int = INT, effects: int = 0) -> Value:
    return Value(text, kind, top, one.effects | effects, one.depends, one.size + 1)


def _two(text: str, top: int, one: Value, two: Value, kind: int = INT, effects: int = 0) -> Value:
    return Value(
        text, kind, top, one.effects | two.effects | effects, one.depends | two.depends, one.size + two.size + 1
    )


class _Integers:
    """The instructions of one integer type of `bits` bits."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.modulus = 1 << bits
        self.sign = 1 << bits - 1
        self.prefix = f"i{bits}"

    def sum(self, one: Value, sign: str, two: Value) -> Value:
        """Add or subtract, and reduce the result; what the operands are reduced to does not matter for that."""
        text = f"{one.raw or integer(one)} {sign} {_bracketed(two.raw) or integer(two)}"
        return _two(f"(({text}) % {self.modulus})", self.modulus - 1, one, two)._replace(raw=text)

    def wrap(self, text: str, top: int, one: Value, two: Value, *, often: bool = False) -> Value:
        """Reduce a sum or a product to the range where it can be beyond.

        Where it seldom is, `%` is faster, because it returns a number that is small enough as it is; where it is
        `often`, a mask, because it does not divide.
        """
        if top < self.modulus:
            return _two(f"({text})", top, one, two)
        reduced = f"& {self.modulus - 1}" if often else f"% {self.modulus}"
        return _two(f"(({text}) {reduced})", self.modulus - 1, one, two)

    def signed(self, value: Value) -> str:
        """Give the text of the signed value."""
        text = integer(value)
        return text if value.top < self.sign else f"(({text} ^ {self.sign}) - {self.sign})"

    # --- arithmetic ---

    def add(self, one: Value, two: Value) -> Value:
        if one.number is not None:
            one, two = two, one
        if two.number is not None:
            if one.number is not None:
                return constant((one.number + two.number) % self.modulus)
            if two.number == 0:
                return one
            if two.number >= self.sign and one.top >= self.modulus - two.number:
                return self.sum(one, "-", constant(self.modulus - two.number))
        if one.top + two.top < self.modulus:
            return _two(f"({integer(one)} + {integer(two)})", one.top + two.top, one, two)
        return self.sum(one, "+", two)

    def sub(self, one: Value, two: Value) -> Value:
        if two.number is not None:
            if one.number is not None:
                return constant((one.number - two.number) % self.modulus)
            return self.add(one, constant(-two.number % self.modulus))
        if one.number is not None and two.top <= one.number:
            return _two(f"({one.text} - {integer(two)})", one.number, one, two)
        if one.number == 0:  # a negative number nearly always: see `wrap`
            return _two(f"(-{integer(two)} & {self.modulus - 1})", self.modulus - 1, one, two)
        return self.sum(one, "-", two)

    def mul(self, one: Value, two: Value) -> Value:
        if one.number is not None and two.number is not None:
            return constant(one.number * two.number % self.modulus)
        return self.wrap(f"{integer(one)} * {integer(two)}", one.top * two.top, one, two, often=True)

    def div_u(self, one: Value, two: Value) -> Value:
        if two.number:
            return _two(f"({integer(one)} // {two.number})", one.top // two.number, one, two)
        return _two(f"({integer(one)} // {integer(two)})", one.top, one, two, effects=TRAPS)

    def rem_u(self, one: Value, two: Value) -> Value:
        if two.number:
            return _two(f"({integer(one)} % {two.number})", min(one.top, two.number - 1), one, two)
        return _two(f"({integer(one)} % {integer(two)})", min(one.top, two.top), one, two, effects=TRAPS)

    def _signed_division(self, name: str, one: Value, two: Value) -> Value:
        text = f"{self.prefix}_{name}({integer(one)}, {integer(two)})"
        return _two(text, self.modulus - 1, one, two, effects=TRAPS)

    def div_s(self, one: Value, two: Value) -> Value:
        if two.number and two.number < self.sign and one.top < self.sign:
            return self.div_u(one, two)
        return self._signed_division("div_s", one, two)

    def rem_s(self, one: Value, two: Value) -> Value:
        if two.number and two.number < self.sign and one.top < self.sign:
            return self.rem_u(one, two)
        return self._signed_division("rem_s", one, two)

    # --- bits ---

    def and_(self, one: Value, two: Value) -> Value:
        if one.number is not None and two.number is not None:
            return constant(one.number & two.number)
        if two.number is not None and two.number & two.number + 1 == 0 and one.top <= two.number:
            return one  # the mask takes nothing away
        if two.number is not None and one.raw:  # the mask takes away what reducing would, and more
            return _two(f"(({one.raw}) & {two.number})", two.number, one, two)
        return _two(f"({integer(one)} & {integer(two)})", min(one.top, two.top), one, two)

    def or_(self, one: Value, two: Value) -> Value:
        top = (1 << max(one.top.bit_length(), two.top.bit_length())) - 1
        return _two(f"({integer(one)} | {integer(two)})", top, one, two)

    def xor(self, one: Value, two: Value) -> Value:
        if two.number == 1 and one.kind == BOOL:
            return self.eqz(one)
        top = (1 << max(one.top.bit_length(), two.top.bit_length())) - 1
        return _two(f"({integer(one)} ^ {integer(two)})", top, one, two)

    def _by(self, value: Value) -> Value:
        """The distance of a shift, modulo the number of bits."""
        return self.and_(value, constant(self.bits - 1))

    def shl(self, one: Value, two: Value) -> Value:
        by = self._by(two)
        top = one.top << by.top
        # Short ways scale an index, long ones move bits into the upper half, and some out of it.
        often = by.number is None or by.number >= 8
        return self.wrap(f"{integer(one)} << {integer(by)}", top, one, two, often=often)

    def shr_u(self, one: Value, two: Value) -> Value:
        by = self._by(two)
        top = one.top >> by.number if by.number is not None else one.top
        return _two(f"({integer(one)} >> {integer(by)})", top, one, two)

    def shr_s(self, one: Value, two: Value) -> Value:
        if one.top < self.sign:
            return self.shr_u(one, two)
        text = f"(({self.signed(one)} >> {integer(self._by(two))}) % {self.modulus})"
        return _two(text, self.modulus - 1, one, two)

    def rotl(self, one: Value, two: Value) -> Value:
        by = self._by(two)
        if by.number is not None and is_name(one):
            text = f"(({one.text} << {by.number}) & {self.modulus - 1} | {one.text} >> {self.bits - by.number})"
        else:
            text = f"{self.prefix}_rotl({integer(one)}, {integer(by)})"
        return _two(text, self.modulus - 1, one, two)

    def rotr(self, one: Value, two: Value) -> Value:
        by = self._by(two)
        back = constant(-by.number % self.bits) if by.number is not None else self.sub(constant(self.bits), by)
        return self.rotl(one, back)

    def clz(self, one: Value) -> Value:
        if one.number is not None:
            return constant(self.bits - one.number.bit_length())
        return _one(f"({self.bits} - {integer(one)}.bit_length())", self.bits, one)

    def ctz(self, one: Value) -> Value:
        if one.number is not None:
            return constant((one.number & -one.number).bit_length() - 1 if one.number else self.bits)
        name = integer(one) if is_name(one) else "c"
        first = name if is_name(one) else f"(c := {integer(one)})"
        return _one(f"(({name} & -{name}).bit_length() - 1 if {first} else {self.bits})", self.bits, one)

    def popcnt(self, one: Value) -> Value:
        if one.number is not None:
            return constant(one.number.bit_count())
        return _one(f"{integer(one)}.bit_count()", self.bits, one)

    def extend(self, bits: int) -> Unary:
        """Give `extend8_s` and its like."""
        sign = 1 << bits - 1

        def extend(one: Value) -> Value:
            if one.top < sign:
                return one
            low = integer(one) if one.top < 1 << bits else f"({integer(one)} & {(1 << bits) - 1})"
            return _one(f"((({low} ^ {sign}) - {sign}) % {self.modulus})", self.modulus - 1, one)

        return extend

    # --- comparisons ---

    def eqz(self, one: Value) -> Value:
        holds, fails = one.bounds if one.kind == BOOL else ((), _at_most(one, 0))
        return _one(f"(not {one.text})", 1, one, BOOL)._replace(bounds=(fails, holds))

    def eq(self, one: Value, two: Value) -> Value:
        if two.number == 0:
            return self.eqz(one)
        return _compared(one, "==", two)

    def ne(self, one: Value, two: Value) -> Value:
        if two.number == 0 and one.kind == BOOL:
            return one
        return _compared(one, "!=", two)

    def unsigned(self, sign: str) -> Binary:
        """Give `lt_u` and its like."""
        return lambda one, two: _compared(one, sign, two)

    def _below(self, one: Value, number: int, *, less: bool) -> Value:
        """`one < number` where `less`, else `one >= number`, signed; `number` is a constant, unsigned."""
        text, sign = integer(one), self.sign
        below: Bounds = ()
        above: Bounds = ()
        negation = "" if less else "not "
        if number >= sign:
            condition = f"({negation}{sign} <= {text} < {number})"
            below = _at_most(one, number - 1)
        elif number == 0:
            condition = f"({text} {'>=' if less else '<'} {sign})"
            above = _at_most(one, sign - 1)
        else:
            condition = f"({'not ' if less else ''}{number} <= {text} < {sign})"
            above = _at_most(one, sign - 1)
        made = _two(condition, 1, one, constant(number), BOOL)
        return made._replace(bounds=(below, above) if less else (above, below))

    def signed_comparison(self, sign: str) -> Binary:
        """Give `lt_s` and its like."""
        mirrored = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}

        def compare(one: Value, two: Value, sign: str = sign) -> Value:
            if one.top < self.sign and two.top < self.sign:
                return _compared(one, sign, two)
            if one.number is not None and two.number is None:
                one, two, sign = two, one, mirrored[sign]
            if two.number is not None:
                number = two.number
                if sign in ("<=", ">") and number != self.sign - 1:
                    number, sign = (number + 1) % self.modulus, "<" if sign == "<=" else ">="
                if sign in ("<", ">="):
                    return self._below(one, number, less=sign == "<")
            text = f"(({integer(one)} ^ {self.sign}) {sign} ({integer(two)} ^ {self.sign}))"
            return _two(text, 1, one, two, BOOL)

        return compare


def _call(name: str, kind: int = FLOAT, top: int = 0, effects: int = 0) -> Unary:
    return lambda one: _one(f"{name}({one.text if one.kind == RAW else plain(one)})", top, one, kind, effects)


def _call_plain(name: str, kind: int = FLOAT, top: int = 0) -> Unary:
    return lambda one: _one(f"{name}({plain(one)})", top, one, kind)


def _call_two(name: str) -> Binary:
    return lambda one, two: _two(f"{name}({one.text}, {two.text})", 0, one, two, FLOAT)


def _copysign(one: Value, two: Value) -> Value:
    return _two(f"copysign({plain(one)}, {plain(two)})", 0, one, two, FLOAT)


def _operator(sign: str) -> Binary:
    return lambda one, two: _two(f"({one.text} {sign} {two.text})", 0, one, two, RAW)


def _rounded(sign: str) -> Binary:
    return lambda one, two: _two(f"f32({one.text} {sign} {two.text})", 0, one, two, FLOAT)


def _comparison(sign: str) -> Binary:
    return lambda one, two: _two(f"({one.text} {sign} {two.text})", 1, one, two, BOOL)


def _neg(one: Value) -> Value:
    return _one(f"(-{plain(one)})", 0, one, FLOAT)


def _wrap(one: Value) -> Value:
    if one.number is not None:
        return constant(one.number % 2**32)
    return one if one.top < 2**32 else _one(f"({_bracketed(one.raw) or one.text} & 4294967295)", 2**32 - 1, one)


def _extend_u(one: Value) -> Value:
    return one._replace(raw="") if one.raw else one  # what is not reduced yet would be, to the wrong type


def _extend_s(one: Value) -> Value:
    if one.number is not None:
        return constant(((one.number ^ numerics.S32) - numerics.S32) % numerics.M64)
    if one.top < numerics.S32:
        return one
    text = f"((({one.text} ^ {numerics.S32}) - {numerics.S32}) % {numerics.M64})"
    return _one(text, numerics.M64 - 1, one)


I32, I64 = _Integers(32), _Integers(64)


def _convert(integers: _Integers, *, signed: bool) -> Unary:
    def convert(one: Value) -> Value:
        text = integers.signed(one) if signed else integer(one)
        return _one(f"float({text})", 0, one, FLOAT)

    return convert


UNARY: dict[int, Unary] = {}
BINARY: dict[int, Binary] = {}


_SAME_NAMES = (
    "add", "sub", "mul", "div_u", "div_s", "rem_u", "rem_s", "xor", "shl", "shr_u", "shr_s", "rotl", "rotr", "clz",
    "ctz", "popcnt", "eqz", "eq", "ne",
)  # fmt: skip


def _fill() -> None:
    by_name: dict[str, Unary | Binary] = {}
    for integers in (I32, I64):
        kind = integers.prefix
        for name in _SAME_NAMES:
            by_name[f"{kind}.{name}"] = getattr(integers, name)
        by_name[f"{kind}.and"], by_name[f"{kind}.or"] = integers.and_, integers.or_
        for name, sign in (("lt", "<"), ("gt", ">"), ("le", "<="), ("ge", ">=")):
            by_name[f"{kind}.{name}_u"] = integers.unsigned(sign)
            by_name[f"{kind}.{name}_s"] = integers.signed_comparison(sign)
        for bits in (8, 16, 32):
            by_name[f"{kind}.extend{bits}_s"] = integers.extend(bits)
        for source in ("f32", "f64"):
            for sign in ("s", "u"):
                top = integers.modulus - 1
                by_name[f"{kind}.trunc_{source}_{sign}"] = _call(f"{kind}_trunc_{sign}", INT, top, TRAPS)
                by_name[f"{kind}.trunc_sat_{source}_{sign}"] = _call(f"{kind}_sat_{sign}", INT, top)
        for sign in ("s", "u"):
            by_name[f"f64.convert_{kind}_{sign}"] = _convert(integers, signed=sign == "s")
            by_name[f"f32.convert_{kind}_{sign}"] = _call_plain(f"f32_convert_{kind}_{sign}")
    for kind, operate in (("f32", _rounded), ("f64", _operator)):
        for name, sign in (("add", "+"), ("sub", "-"), ("mul", "*")):
            by_name[f"{kind}.{name}"] = operate(sign)
        by_name[f"{kind}.div"] = _call_two(f"{kind}_div")
        by_name[f"{kind}.sqrt"] = _call(f"{kind}_sqrt")
        by_name[f"{kind}.min"], by_name[f"{kind}.max"] = _call_two("fmin"), _call_two("fmax")
        by_name[f"{kind}.abs"], by_name[f"{kind}.neg"] = _call_plain("abs"), _neg
        by_name[f"{kind}.copysign"] = _copysign
        for name in ("ceil", "floor", "trunc", "nearest"):
            by_name[f"{kind}.{name}"] = _call(f"f{name}")
        for name, sign in (("eq", "=="), ("ne", "!="), ("lt", "<"), ("gt", ">"), ("le", "<="), ("ge", ">=")):
            by_name[f"{kind}.{name}"] = _comparison(sign)
    by_name["i32.wrap_i64"] = _wrap
    by_name["i64.extend_i32_u"], by_name["i64.extend_i32_s"] = _extend_u, _extend_s
    by_name["f32.demote_f64"], by_name["f64.promote_f32"] = _call("f32"), _call("f64_promote")
    by_name["i32.reinterpret_f32"] = _call_plain("f32_bits", INT, 2**32 - 1)
    by_name["i64.reinterpret_f64"] = _call_plain("f64_bits", INT, 2**64 - 1)
    by_name["f32.reinterpret_i32"] = _call_plain("f32_of_bits")
    by_name["f64.reinterpret_i64"] = _call_plain("f64_of_bits")
    for opcode, (takes, _) in op.NUMERIC.items():
        (UNARY if len(takes) == 1 else BINARY)[opcode] = by_name[op.NAMES[opcode]]  # type: ignore[assignment]


_fill()
