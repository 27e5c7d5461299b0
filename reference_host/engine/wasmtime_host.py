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
"""Takes integers as the library has them, signed; gives them unsigned or signed."""

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
class _Registered:
    type: FuncType
    implementation: Implementation
    failed: Callable[[BaseException], None]


# What the library is given is a number; the functions are found by it. Numbers are never used twice, and adding and
# removing are single operations, so that a finalizer may run on any thread at any time.
_FUNCTIONS: dict[int, _Registered] = {}
_NUMBERS = itertools.count(1)


def host_function(
    store: wasmtime.Store,
    type_: FuncType,
    implementation: Implementation,
    failed: Callable[[BaseException], None],
) -> wasmtime.Func:
    """Make a function of the store; both callables are held until the store goes.

    Whatever `implementation` raises is given to `failed`, and ends the guest's execution.
    """
    number = next(_NUMBERS)
    _FUNCTIONS[number] = _Registered(type_, implementation, failed)
    func_type = wasmtime.FuncType(
        [_VALUE_TYPES[value]() for value in type_.parameters], [_VALUE_TYPES[value]() for value in type_.results]
    )
    function = ffi.wasmtime_func_t()
    ffi.wasmtime_func_new(store._context(), func_type.ptr(), _callback, number, _finalize, ctypes.byref(function))
    return wasmtime.Func._from_raw(function)


@ffi.wasmtime_func_callback_t
def _callback(number, _caller, parameters, _count, results, _result_count):  # type: ignore[no-untyped-def]
    function = _FUNCTIONS[number]
    try:
        arguments = [getattr(parameters[at].of, kind) for at, kind in enumerate(function.type.parameters)]
        answers = function.implementation(arguments)
        for at, (kind, answer) in enumerate(zip(function.type.results, answers, strict=True)):
            results[at].kind = _KINDS[kind]
            setattr(results[at].of, kind, answer)
    except BaseException as error:  # noqa: BLE001 - no exception can pass through the guest
        function.failed(error)
        return ctypes.cast(ffi.wasmtime_trap_new(b"host", 4), ctypes.c_void_p).value
    return 0


@ctypes.CFUNCTYPE(None, ctypes.c_void_p)
def _finalize(number):  # type: ignore[no-untyped-def]
    _FUNCTIONS.pop(number, None)
