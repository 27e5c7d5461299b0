"""The same calls on an independent host of preview 1, wasmtime's: the same answers and the same files, or a stand."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
import wasmtime
from wasi_disk import NEW, WORKSPACE, WRITE, Disk, Refused, workspace
from wasi_disk_cases import CHANGES, OPENS, SEEKS, look, plant, plant_for_opening
from wasi_guests import Guest, Starter, passing_on

from reference_host.engine.interface import Instance
from reference_host.wasi import Wasi
from reference_host.wasi.types import FdFlags

PUREPY = Starter("purepy")
MODULE = "wasi_snapshot_preview1"

STANDS = {
    "symlink-up": "a guest makes no link that leads up, since others follow it",
    "symlink-down-and-up": "the same",
    "link-a-pipe": "a special file gets no second name",
    "link-through-a-link": "the other host cannot follow a link to link to what it leads to",
    "rmdir-with-a-slash": "as in POSIX, the slash wants a directory, which it is",
    "unknown-flag": "the other host aborts the guest for bits that the text does not have",
    "unknown-flag-far-up": "the same",
    "too-far": "no file has bytes there, and a guest's libc would take the number for a negative one",
}
"""Where the two differ, and why."""

ESCAPE = {"PERM": "NOTCAPABLE"}
"""What the other host answers for a path that leads out; the text has a word of its own for it."""

PIPES = {case.id for case in OPENS if "pipe" in str(case.id)}
"""Left out: the other host opens a pipe, and waits."""


class Other:
    """An instance on the other host, as far as `Guest` calls it."""

    def __init__(self, folder: Path) -> None:
        engine, module = compiled()
        self._store = wasmtime.Store(engine)
        config = wasmtime.WasiConfig()
        config.preopen_dir(str(folder), "workspace")
        self._store.set_wasi(config)
        linker = wasmtime.Linker(engine)
        linker.define_wasi()
        self._exports = linker.instantiate(self._store, module).exports(self._store)
        self._memory = cast(wasmtime.Memory, self._exports["memory"])

    @property
    def memory(self) -> Other:
        return self

    def read(self, address: int, length: int) -> bytes:
        return bytes(self._memory.read(self._store, address, address + length))

    def write(self, address: int, data: bytes) -> None:
        self._memory.write(self._store, data, address)

    def call(self, name: str, *arguments: int) -> tuple[int, ...]:
        function = cast(wasmtime.Func, self._exports[name])
        bits = (32 if str(type_) == "i32" else 64 for type_ in function.type(self._store).params)
        signed = (number - (number >> size - 1 << size) for number, size in zip(arguments, bits, strict=True))
        return (int(cast(int, function(self._store, *signed))),)


@cache
def compiled() -> tuple[wasmtime.Engine, wasmtime.Module]:
    engine = wasmtime.Engine()
    return engine, wasmtime.Module(engine, passing_on(MODULE, 1))


def other(folder: Path) -> Disk:
    return Disk(Guest(cast(Instance, Other(folder)), Wasi()), MODULE)


def ours(folder: Path) -> Disk:
    return workspace(PUREPY, folder)


def both(
    folder: Path, plant: Callable[[Path], None], action: Callable[[Disk], object]
) -> list[tuple[object, dict[str, object]]]:
    """Do the same on both hosts, in equal folders: the errno or what was told, and the folder afterwards."""
    results = []
    for make in (ours, other):
        place = folder / make.__name__
        place.mkdir()
        plant(place)
        try:
            told = action(make(place))
        except Refused as refused:
            told = ESCAPE.get(refused.errno.name, refused.errno.name)
        except wasmtime.WasmtimeError:
            told = "aborted"
        results.append((told, {name: what for name, what in look(place).items() if what is not None}))
    return results


@pytest.mark.parametrize("case", [pytest.param(case, id=str(case.id)) for case in CHANGES])
def test_changes(tmp_path: Path, case: Any) -> None:
    action: Callable[[Disk], object] = case.values[0]
    first, second = both(tmp_path, plant, lambda disk: plain(action(disk)))
    assert (first == second) == (case.id not in STANDS)


@pytest.mark.parametrize("case", [pytest.param(case, id=str(case.id)) for case in OPENS if case.id not in PIPES])
def test_opening(tmp_path: Path, case: Any) -> None:
    path, rights, flags, _ = case.values

    def action(disk: Disk) -> object:
        filetype, *_ = disk.fd_fdstat_get(disk.path_open(path, rights, flags))
        return filetype

    first, second = both(tmp_path, plant_for_opening, action)
    assert (first == second) == (case.id not in STANDS)


def plain(told: object) -> object:
    """Leave out what each machine has of its own: inodes and times, and the numbers of descriptors."""
    return told if isinstance(told, bytes | str) else None


@pytest.mark.parametrize("case", [pytest.param(case, id=str(case.id)) for case in SEEKS])
def test_seeking(tmp_path: Path, case: Any) -> None:
    offset, whence, _ = case.values

    def action(disk: Disk) -> object:
        file = disk.path_open("file", WRITE)
        disk.fd_read(file, 2)
        return disk.fd_seek(file, offset, ("set", "cur", "end").index(whence)), disk.fd_tell(file)

    first, second = both(tmp_path, plant, action)
    assert (first == second) == (case.id not in STANDS)


def test_a_life_of_a_file(tmp_path: Path) -> None:
    def action(disk: Disk) -> object:
        told: list[object] = []
        file = disk.path_open("life", WRITE, NEW)
        told += [disk.fd_write(file, b"one two "), disk.fd_tell(file), disk.fd_pread(file, 3, 4)]
        told += [disk.fd_pwrite(file, b"TWO", 4), disk.fd_tell(file), disk.fd_read(file)]
        log = disk.path_open("life", WRITE, fd_flags=FdFlags.APPEND)
        told += [disk.fd_write(log, b"three"), disk.fd_tell(log), disk.fd_fdstat_get(log)[:2]]
        disk.call("fd_filestat_set_size", file, 20)
        told += [disk.fd_filestat_get(file)[2:5], disk.path_filestat_get("life")[2:5]]
        disk.path_link("life", "double")
        disk.path_symlink("life", "link")
        told += [disk.path_filestat_get("double")[2:5], disk.path_filestat_get("link", follow=False)[2:5]]
        disk.path_create_directory("d")
        disk.path_rename("life", "d/moved")
        told += [disk.prestat(WORKSPACE), sorted(disk.names()), disk.names("d"), disk.contents("d/moved")]
        disk.call("fd_close", file)
        disk.path_unlink_file("double")
        told += [disk.fd_filestat_get(log)[2:5]]
        return told

    first, second = both(tmp_path, plant, action)
    assert first == second
