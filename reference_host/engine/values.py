"""Numbers on their way across the seam: checked against their type, integers unsigned.

Source: WebAssembly Core Specification 2.0, sections 2.3.1 (number types) and 4.3.2 (integers are stored modulo 2^n).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reference_host.engine.interface import FuncType, Number, ValueType
from reference_host.errors import CallError

_BITS = {ValueType.I32: 32, ValueType.I64: 64}
_FLOATS = (ValueType.F32, ValueType.F64)


def crosses(type_: FuncType) -> bool:
    """Whether all values of the type can cross the seam: vectors and references do not."""
    return all(value in _BITS or value in _FLOATS for value in (*type_.parameters, *type_.results))


def number(type_: ValueType, value: object) -> Number:
    """Check one value that goes into the guest: integers from -2^(n-1) to 2^n - 1 become unsigned, floats stay.

    Raises `CallError` where the value does not fit the type.
    """
    bits = _BITS.get(type_)
    if bits is not None:
        if isinstance(value, int) and -(1 << bits - 1) <= value < 1 << bits:
            return value % (1 << bits)
    elif type_ in _FLOATS and isinstance(value, (int, float)):
        return float(value)
    raise CallError(f"{value!r} is not a value of type {type_}")


def arguments(name: str, type_: FuncType, values: Sequence[object]) -> list[Number]:
    """Check the arguments of a call. Raises `CallError` for a wrong number or a wrong kind."""
    if len(values) != len(type_.parameters):
        raise CallError(f"{name} has type {type_}, called with {len(values)} arguments")
    return [number(parameter, value) for parameter, value in zip(type_.parameters, values, strict=True)]


def host_results(name: str, type_: FuncType, answer: Any) -> list[Number]:
    """Check what a host function answered. Raises `CallError`: the host function, not the guest, is to blame."""
    values: Sequence[object]
    if answer is None:
        values = ()
    elif isinstance(answer, (int, float)):
        values = (answer,)
    else:
        values = tuple(answer)
    if len(values) != len(type_.results):
        raise CallError(f"host function {name} has type {type_}, answered {len(values)} values")
    return [number(result, value) for result, value in zip(type_.results, values, strict=True)]


def unsigned(type_: ValueType, value: Number) -> Number:
    """Take a value as an engine's library gives it: integers become unsigned."""
    bits = _BITS.get(type_)
    return value if bits is None else int(value) % (1 << bits)


def signed(type_: ValueType, value: Number) -> Number:
    """Give an unsigned value as an engine's library takes it: integers become signed."""
    bits = _BITS.get(type_)
    if bits is None:
        return value
    return int(value) - (1 << bits if value >= 1 << bits - 1 else 0)
