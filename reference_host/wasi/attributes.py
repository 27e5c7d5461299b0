"""The functions for the attributes of files: what `tree` says of them, their sizes and times.

Source: WASI, `legacy/preview1/witx/wasi_snapshot_preview1.witx` (`fd_filestat_*`, `path_filestat_*`) and
`typenames.witx` (`filestat`, `fstflags`).
"""

from __future__ import annotations

import os

from reference_host.wasi.descriptors import Descriptors
from reference_host.wasi.disk import host_errors
from reference_host.wasi.guest import Guest
from reference_host.wasi.opened import OnDisk, OpenDirectory, OpenFile
from reference_host.wasi.paths import resolve
from reference_host.wasi.tree import Node, Tree
from reference_host.wasi.types import ALL_TIME_FLAGS, OFFSET_MAX, SYMLINK_FOLLOW, Errno, Rights, TimeFlags, WasiError

_BOTH = (TimeFlags.ATIM | TimeFlags.ATIM_NOW, TimeFlags.MTIM | TimeFlags.MTIM_NOW)


class Attributes:
    """The functions of one guest."""

    def __init__(self, descriptors: Descriptors, tree: Tree) -> None:
        self._descriptors = descriptors
        self._tree = tree

    def fd_filestat_get(self, guest: Guest, fd: int, result: int) -> None:
        """Tell the attributes of what is open."""
        descriptor = self._descriptors.get(fd, Rights.FD_FILESTAT_GET)
        guest.write(result, guest.layout.filestat.pack(*descriptor.filestat()))

    def fd_filestat_set_size(self, _guest: Guest, fd: int, size: int) -> None:
        """Cut an open file, or make it longer with zeros."""
        file = self._descriptors.find(OpenFile, fd, Rights.FD_FILESTAT_SET_SIZE)
        if size > OFFSET_MAX:
            raise WasiError(Errno.FBIG)
        file.resize(size)

    def fd_filestat_set_times(self, _guest: Guest, fd: int, accessed: int, modified: int, flags: int) -> None:
        """Set the times of an open file or directory."""
        opened = self._descriptors.find(OnDisk, fd, Rights.FD_FILESTAT_SET_TIMES)
        times = _TimesToSet(accessed, modified, flags)
        with host_errors():
            os.utime(opened.handle.fd, ns=times.on_disk(opened.status(), self._tree))
        times.keep(opened.node, self._tree)

    def path_filestat_get(self, guest: Guest, fd: int, lookup: int, path: int, length: int, result: int) -> None:
        """Tell the attributes of what a path leads to."""
        directory = self._descriptors.find(OpenDirectory, fd, Rights.PATH_FILESTAT_GET)
        follow = follows(lookup)
        name = guest.path(path, length)
        guest.check(result, guest.layout.filestat.size)
        with resolve(directory.handle.fd, name, follow=follow) as place:
            status = place.status()
        guest.write(result, guest.layout.filestat.pack(*self._tree.filestat(status)))

    def path_filestat_set_times(
        self, guest: Guest, fd: int, lookup: int, path: int, length: int, accessed: int, modified: int, flags: int
    ) -> None:
        """Set the times of what a path leads to."""
        directory = self._descriptors.find(OpenDirectory, fd, Rights.PATH_FILESTAT_SET_TIMES)
        follow, times = follows(lookup), _TimesToSet(accessed, modified, flags)
        with resolve(directory.handle.fd, guest.path(path, length), follow=follow) as place, host_errors():
            status = place.status()
            on_disk = times.on_disk(status, self._tree)
            os.utime(place.name, ns=on_disk, dir_fd=place.directory, follow_symlinks=False)
        times.keep(self._tree.node(status), self._tree)


def follows(lookup: int) -> bool:
    """Read flags of type `lookupflags`. Raises `WasiError`: `INVAL` for bits that the text does not have."""
    if lookup & ~SYMLINK_FOLLOW:
        raise WasiError(Errno.INVAL)
    return bool(lookup)


class _TimesToSet:
    """Which times a call sets, and to what: nanoseconds since 1970."""

    def __init__(self, accessed: int, modified: int, flags: int) -> None:
        if flags & ~ALL_TIME_FLAGS.value or any(both in TimeFlags(flags) for both in _BOTH):
            raise WasiError(Errno.INVAL)
        self._accessed, self._modified = accessed, modified
        self._flags = TimeFlags(flags)

    def on_disk(self, status: os.stat_result, tree: Tree) -> tuple[int, int]:
        """Give both times for the disk: one that is not set stays what the disk has."""
        return self._new(status.st_atime_ns, status.st_mtime_ns, tree)

    def keep(self, node: Node, tree: Tree) -> None:
        """Have the guest be told them from now on."""
        node.accessed, node.modified = self._new(node.accessed, node.modified, tree)
        node.changed = tree.now()

    def _new(self, accessed: int, modified: int, tree: Tree) -> tuple[int, int]:
        if TimeFlags.ATIM in self._flags:
            accessed = self._accessed
        if TimeFlags.ATIM_NOW in self._flags:
            accessed = tree.now()
        if TimeFlags.MTIM in self._flags:
            modified = self._modified
        if TimeFlags.MTIM_NOW in self._flags:
            modified = tree.now()
        return accessed, modified
