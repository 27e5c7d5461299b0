"""Host functions for wasmtime, without the callback that comes with wasmtime-py.

That one keeps the last exception of *any* thread in a variable of the process, and every call that ends badly takes
what it finds there: of two threads that run guests at once, one gets the exception of the other. So the C interface is
used here directly, and what a host function raises stays with its own instance.

Source: the C interface of wasmtime 50, `wasmtime/func.h` and `wasmtime/val.h`.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import wasmtime
from wasmtime import _ffi as ffi

from reference_host.engine.interface import FuncType, Number, ValueType

Implementation = Callable[[Sequence[Number]], Sequence[Number]]
"""Takes integers signed or unsigned, and gives them so."""

Failed = Callable[[BaseException], None]
"""Is told what an implementation raised."""

_VALUE_TYPES: dict[ValueType, Callable[[], wasmtime.ValType]] = {
    ValueType.I32: wasmtime.ValType.i32,
    ValueType.I64: wasmtime.ValType.i64,
    ValueType.F32: wasmtime.ValType.f32,
    ValueType.F64: wasmtime.ValType.f64,
}

_KINDS = {
    ValueType.I32: ffi.WASMTIME_I32.value,
    ValueType.I64: ffi.WASMTIME_I64.value,
    ValueType.F32: ffi.WASMTIME_F32.value,
    ValueType.F64: ffi.WASMTIME_F64.value,
}


@dataclass(frozen=True, slots=True)
class Registered:
    """A host function as the library's callbacks find it."""

    type: FuncType
    implementation: Implementation
    failed: Failed


# What the library is given is a number; the functions are found by it. Numbers are never used twice, and adding and
# removing are single operations, so that a finalizer may run on any thread at any time.
_FUNCTIONS: dict[int, Registered] = {}
_NUMBERS = itertools.count(1)


def register(type_: FuncType, implementation: Implementation, failed: Failed) -> int:
    """Keep a function until `FINALIZE` is called with the number that is given back."""
    number = next(_NUMBERS)
    _FUNCTIONS[number] = Registered(type_, implementation, failed)
    return number


def registered(number: int) -> Registered:
    """Find a function by its number."""
    return _FUNCTIONS[number]


@ctypes.CFUNCTYPE(None, ctypes.c_void_p)
def FINALIZE(number):  # type: ignore[no-untyped-def] # noqa: N802 - a value of the C interface
    """Forget a function; the library calls it when the store goes."""
    _FUNCTIONS.pop(number, None)


def func_type(type_: FuncType) -> wasmtime.FuncType:
    """A type as the library has it. With its first use it comes to belong to an engine: another one then aborts."""
    return wasmtime.FuncType(
        [_VALUE_TYPES[value]() for value in type_.parameters], [_VALUE_TYPES[value]() for value in type_.results]
    )


def host_trap() -> int:
    """Make the trap that ends the guest after a host function failed: its address."""
    return ctypes.cast(ffi.wasmtime_trap_new(b"host", 4), ctypes.c_void_p).value or 0


def host_function(
    store: wasmtime.Store, type_: FuncType, implementation: Implementation, failed: Failed
) -> wasmtime.Func:
    """Make a function of the store; both callables are held until the store goes.

    Whatever `implementation` raises is given to `failed`, and ends the guest's execution.
    """
    number = register(type_, implementation, failed)
    native_type = func_type(type_)  # has to live until the library has looked at it
    function = ffi.wasmtime_func_t()
    ffi.wasmtime_func_new(store._context(), native_type.ptr(), _callback, number, FINALIZE, ctypes.byref(function))
    return wasmtime.Func._from_raw(function)


@ffi.wasmtime_func_callback_t
def _callback(number, _caller, parameters, _count, results, _result_count):  # type: ignore[no-untyped-def]
    function = registered(number)
    try:
        arguments = [getattr(parameters[at].of, kind) for at, kind in enumerate(function.type.parameters)]
        answers = function.implementation(arguments)
        for at, (kind, answer) in enumerate(zip(function.type.results, answers, strict=True)):
            results[at].kind = _KINDS[kind]
            setattr(results[at].of, kind, answer)
    except BaseException as error:  # noqa: BLE001 - no exception can pass through the guest
        function.failed(error)
        return host_trap()
    return 0
