"""The C functions that lie on every call's way, bound for speed where they are what is assumed here.

wasmtime-py asks for a function's type, allocates arrays and converts values anew at every call; that costs several
times what a plugin's hook does. Here the same functions of the same library are bound without argument types: what is
passed are ctypes objects that were made once. That is safe only while the C interface is the one that was assumed, so
it is held against the declarations that the binding has generated from wasmtime's own headers, before anything is
called: importing this module raises `ImportError` where they differ.

Functions that come back at once keep the interpreter's lock (`PyDLL`): to give it away and take it again costs more
than they do, and beside a busy thread far more. Those that run the guest let it go, or no deadline could ever fire.

Source: the C interface of wasmtime 50, `wasmtime/func.h`, `val.h`, `store.h`, `memory.h`, `instance.h`, `table.h`.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_bool, c_char, c_size_t, c_ssize_t, c_uint8, c_uint64, c_void_p
from typing import Any, NoReturn

import wasmtime
from wasmtime import _bindings as bindings
from wasmtime import _ffi as ffi

CELL = 16
"""Bytes of a number in the array that the unchecked entry takes: the room that a vector needs; little-endian."""

_SIZES = {"wasmtime_val_raw_t": CELL, "wasmtime_func_t": 16, "wasmtime_instance_t": 16, "wasmtime_memory_t": 24}

_CONTEXT = POINTER(ffi.wasmtime_context_t)
_FUNCTION = POINTER(ffi.wasmtime_func_t)
_INSTANCE = POINTER(ffi.wasmtime_instance_t)
_MEMORY = POINTER(ffi.wasmtime_memory_t)
_EXTERN = POINTER(ffi.wasmtime_extern_t)
_RAW = POINTER(ffi.wasmtime_val_raw_t)
_ERROR = POINTER(ffi.wasmtime_error_t)
_TRAP = POINTER(POINTER(ffi.wasm_trap_t))
_CALLBACK = ctypes.CFUNCTYPE(c_size_t, c_void_p, POINTER(ffi.wasmtime_caller_t), _RAW, c_size_t)
_FINALIZER = ctypes.CFUNCTYPE(None, c_void_p)

Callback = ctypes.CFUNCTYPE(c_size_t, c_void_p, c_void_p, c_void_p, c_size_t)
"""A host function: `(environment, caller, array, length) -> trap`; as in the header, with addresses as integers."""

_released = ffi.dll
_held = ctypes.PyDLL(None, handle=ffi.dll._handle)

for _name, _size in _SIZES.items():
    if ctypes.sizeof(getattr(ffi, _name)) != _size:
        raise ImportError(f"wasmtime: {_name} has not {_size} bytes")


def _bind(library: ctypes.CDLL, name: str, result: Any, *arguments: Any) -> Any:
    """Bind a function anew, so that the binding's own stays as it is; pointers come back as integers or None."""
    declared = getattr(bindings, f"_{name}", None)
    if declared is None or declared.restype != result or list(declared.argtypes) != list(arguments):
        raise ImportError(f"wasmtime: {name} is declared in another way")
    function = library[name]
    function.restype = c_void_p if isinstance(result, type) and issubclass(result, ctypes._Pointer) else result
    return function


call = _bind(_released, "wasmtime_func_call_unchecked", _ERROR, _CONTEXT, _FUNCTION, _RAW, c_size_t, _TRAP)
new_instance = _bind(
    _released, "wasmtime_instance_new",
    _ERROR, _CONTEXT, POINTER(ffi.wasmtime_module_t), _EXTERN, c_size_t, _INSTANCE, _TRAP,
)  # fmt: skip
find_export = _bind(
    _held, "wasmtime_instance_export_get", c_bool, _CONTEXT, _INSTANCE, POINTER(c_char), c_size_t, _EXTERN
)
new_function = _bind(
    _held, "wasmtime_func_new_unchecked",
    None, _CONTEXT, POINTER(ffi.wasm_functype_t), _CALLBACK, c_void_p, _FINALIZER, _FUNCTION,
)  # fmt: skip
set_element = _bind(
    _held, "wasmtime_table_set",
    _ERROR, _CONTEXT, POINTER(ffi.wasmtime_table_t), c_uint64, POINTER(ffi.wasmtime_val_t),
)  # fmt: skip
set_fuel = _bind(_held, "wasmtime_context_set_fuel", _ERROR, _CONTEXT, c_uint64)
set_deadline = _bind(_held, "wasmtime_context_set_epoch_deadline", None, _CONTEXT, c_uint64)
memory_base = _bind(_held, "wasmtime_memory_data", POINTER(c_uint8), _CONTEXT, _MEMORY)
memory_size = _bind(_held, "wasmtime_memory_data_size", c_size_t, _CONTEXT, _MEMORY)

view = ctypes.pythonapi["PyMemoryView_FromMemory"]
"""`(address, size, flags)`: a memoryview of bytes. It owns nothing, and knows nothing of growth."""
view.restype, view.argtypes = ctypes.py_object, [c_void_p, c_ssize_t, ctypes.c_int]

WRITABLE = 0x200
"""The flag `PyBUF_WRITE` of `view`."""


def fail(error: int | None, trap: c_void_p) -> NoReturn:
    """Raise what a function of the library came back with, as wasmtime-py does; `trap` is null afterwards."""
    if error is not None:
        raise wasmtime.WasmtimeError._from_ptr(ctypes.cast(error, _ERROR))
    pointer = ctypes.cast(trap, POINTER(ffi.wasm_trap_t))
    trap.value = None
    raise wasmtime.Trap._from_ptr(pointer)
