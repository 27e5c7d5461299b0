"""The WebAssembly type of every function: what an import must have to be given it.

Numbers of 8, 16 and 32 bits, addresses and descriptors are `i32`, those of 64 bits `i64`; a string or a list
is two `i32`, its address and its length; each result beside the errno is an address, last. All answer an
errno as `i32`, but for `proc_exit`, which does not return.

Source: WASI, `legacy/preview1/witx/wasi_snapshot_preview1.witx`, lowered as `legacy/tools/witx-docs.md` says.
"""

from __future__ import annotations

from reference_host.engine.interface import FuncType, ValueType
from reference_host.wasi import layout

_PARAMETERS = {
    "args_get": "i32 i32",
    "args_sizes_get": "i32 i32",
    "environ_get": "i32 i32",
    "environ_sizes_get": "i32 i32",
    "clock_res_get": "i32 i32",
    "clock_time_get": "i32 i64 i32",
    "fd_advise": "i32 i64 i64 i32",
    "fd_allocate": "i32 i64 i64",
    "fd_close": "i32",
    "fd_datasync": "i32",
    "fd_fdstat_get": "i32 i32",
    "fd_fdstat_set_flags": "i32 i32",
    "fd_fdstat_set_rights": "i32 i64 i64",
    "fd_filestat_get": "i32 i32",
    "fd_filestat_set_size": "i32 i64",
    "fd_filestat_set_times": "i32 i64 i64 i32",
    "fd_pread": "i32 i32 i32 i64 i32",
    "fd_prestat_get": "i32 i32",
    "fd_prestat_dir_name": "i32 i32 i32",
    "fd_pwrite": "i32 i32 i32 i64 i32",
    "fd_read": "i32 i32 i32 i32",
    "fd_readdir": "i32 i32 i32 i64 i32",
    "fd_renumber": "i32 i32",
    "fd_seek": "i32 i64 i32 i32",
    "fd_sync": "i32",
    "fd_tell": "i32 i32",
    "fd_write": "i32 i32 i32 i32",
    "path_create_directory": "i32 i32 i32",
    "path_filestat_get": "i32 i32 i32 i32 i32",
    "path_filestat_set_times": "i32 i32 i32 i32 i64 i64 i32",
    "path_link": "i32 i32 i32 i32 i32 i32 i32",
    "path_open": "i32 i32 i32 i32 i32 i64 i64 i32 i32",
    "path_readlink": "i32 i32 i32 i32 i32 i32",
    "path_remove_directory": "i32 i32 i32",
    "path_rename": "i32 i32 i32 i32 i32 i32",
    "path_symlink": "i32 i32 i32 i32 i32",
    "path_unlink_file": "i32 i32 i32",
    "poll_oneoff": "i32 i32 i32 i32",
    "proc_exit": "i32",
    "proc_raise": "i32",
    "sched_yield": "",
    "random_get": "i32 i32",
    "sock_accept": "i32 i32 i32",
    "sock_recv": "i32 i32 i32 i32 i32 i32",
    "sock_send": "i32 i32 i32 i32 i32",
    "sock_shutdown": "i32 i32",
}

_NOT_IN_UNSTABLE = {"sock_accept"}


def _wasi_type(name: str) -> FuncType:
    results = () if name == "proc_exit" else (ValueType.I32,)
    return FuncType(tuple(ValueType(value) for value in _PARAMETERS[name].split()), results)


PREVIEW1 = {name: _wasi_type(name) for name in _PARAMETERS}

UNSTABLE = {name: type_ for name, type_ in PREVIEW1.items() if name not in _NOT_IN_UNSTABLE}

WASI = {layout.PREVIEW1.module: PREVIEW1, layout.UNSTABLE.module: UNSTABLE}
"""The functions by the module name that a guest imports, and by their own."""

_I32, _F64 = ValueType.I32, ValueType.F64

ASSEMBLYSCRIPT = {
    "abort": FuncType((_I32,) * 4),
    "trace": FuncType((_I32, _I32, _F64, _F64, _F64, _F64, _F64)),
    "seed": FuncType((), (_F64,)),
}
"""The functions of the module `env`. Source: AssemblyScript, "Concepts", section "Special imports"."""
