"""Regular files and directories that a guest has open.

A file or directory below one that the guest may only read is of a read-only kind: rights to change it do not
apply to that kind, and are left out where a guest asks for them (see `opening`).

Source: WASI, `legacy/preview1/witx/typenames.witx` (`rights`, `fdflags`); POSIX.1-2017 for the errors.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from reference_host.wasi.descriptors import PATH_RIGHTS, Descriptor, Kind
from reference_host.wasi.disk import Handle, host_errors
from reference_host.wasi.guest import Guest, Vector, total
from reference_host.wasi.layout import Filestat
from reference_host.wasi.tree import Node, Tree
from reference_host.wasi.types import OFFSET_MAX, Errno, FdFlags, FileType, Rights, WasiError

MAX_TRANSFER = 16 * 1024 * 1024
"""Bytes that one call reads or writes; the guest's next call goes on. No engine can interrupt a host function."""

_COMMON = (
    Rights.FD_DATASYNC
    | Rights.FD_SYNC
    | Rights.FD_FDSTAT_SET_FLAGS
    | Rights.FD_FILESTAT_GET
    | Rights.FD_FILESTAT_SET_TIMES
)

_FILE = (
    _COMMON
    | Rights.FD_READ
    | Rights.FD_WRITE
    | Rights.FD_SEEK
    | Rights.FD_TELL
    | Rights.FD_ADVISE
    | Rights.FD_ALLOCATE
    | Rights.FD_FILESTAT_SET_SIZE
    | Rights.POLL_FD_READWRITE
)

_DIRECTORY = _COMMON | Rights.FD_READDIR | PATH_RIGHTS

CHANGES = (
    Rights.FD_WRITE
    | Rights.FD_ALLOCATE
    | Rights.FD_FILESTAT_SET_SIZE
    | Rights.FD_FILESTAT_SET_TIMES
    | Rights.PATH_CREATE_DIRECTORY
    | Rights.PATH_CREATE_FILE
    | Rights.PATH_LINK_SOURCE
    | Rights.PATH_LINK_TARGET
    | Rights.PATH_RENAME_SOURCE
    | Rights.PATH_RENAME_TARGET
    | Rights.PATH_FILESTAT_SET_SIZE
    | Rights.PATH_FILESTAT_SET_TIMES
    | Rights.PATH_SYMLINK
    | Rights.PATH_REMOVE_DIRECTORY
    | Rights.PATH_UNLINK_FILE
)
"""The rights that change something on the disk. To link a file is one: its new name could be writable."""

_NEVER_ON_A_FILE = {Rights.FD_READDIR: Errno.NOTDIR, **dict.fromkeys(PATH_RIGHTS, Errno.NOTDIR)}

_NEVER_ON_A_DIRECTORY = {
    **dict.fromkeys(_FILE & ~_DIRECTORY, Errno.BADF),
    Rights.FD_READ: Errno.ISDIR,
    Rights.FD_FILESTAT_SET_SIZE: Errno.INVAL,
}

_READ_ONLY = dict.fromkeys(CHANGES, Errno.ROFS)

FILE = Kind(FileType.REGULAR_FILE, _FILE, _NEVER_ON_A_FILE)

READ_ONLY_FILE = Kind(FileType.REGULAR_FILE, _FILE & ~CHANGES, {**_READ_ONLY, **_NEVER_ON_A_FILE})

DIRECTORY = Kind(FileType.DIRECTORY, _DIRECTORY, _NEVER_ON_A_DIRECTORY, _DIRECTORY | _FILE)

READ_ONLY_DIRECTORY = Kind(
    FileType.DIRECTORY,
    _DIRECTORY & ~CHANGES,
    {**_READ_ONLY, **_NEVER_ON_A_DIRECTORY},
    (_DIRECTORY | _FILE) & ~CHANGES,
)


class OnDisk(Descriptor):
    """What files and directories have in common. `node` outlives the last name of a file."""

    def __init__(
        self, kind: Kind, rights: Rights, inheriting: Rights, flags: FdFlags, handle: Handle, node: Node, tree: Tree
    ) -> None:
        super().__init__(kind, rights, inheriting, flags)
        self.handle = handle
        self.node = node
        self._tree = tree

    def status(self) -> os.stat_result:
        """Look at it."""
        with host_errors():
            return os.fstat(self.handle.fd)

    def filestat(self) -> Filestat:
        """Tell the attributes."""
        return self._tree.filestat(self.status(), self.node)

    def synchronize(self, *, metadata: bool) -> None:
        """Bring what was written to the disk."""
        data_alone = getattr(os, "fdatasync", os.fsync)
        with host_errors():
            (os.fsync if metadata else data_alone)(self.handle.fd)

    def close(self) -> None:
        """Close it on the host."""
        self.handle.close()


class OpenFile(OnDisk):
    """A regular file. Its offset, in bytes, is kept here, and so is what its flags say."""

    offset = 0

    def read(self, guest: Guest, vectors: Sequence[Vector]) -> int:
        """Read at the offset, and move it."""
        count = self.read_at(guest, vectors, self.offset)
        self.offset += count
        return count

    def write(self, guest: Guest, vectors: Sequence[Vector]) -> int:
        """Write at the offset, or at the end if the flags say so, and move it."""
        start = self.status().st_size if FdFlags.APPEND in self.flags else self.offset
        count = self.write_at(guest, vectors, start)
        self.offset = start + count
        return count

    def read_at(self, guest: Guest, vectors: Sequence[Vector], offset: int) -> int:
        """Read up to `MAX_TRANSFER` bytes."""
        wanted = min(total(vectors), MAX_TRANSFER, self._after(offset))
        if wanted <= 0:
            return 0
        with host_errors():
            data = os.pread(self.handle.fd, wanted, offset)
        guest.scatter(vectors, data)
        return len(data)

    def write_at(self, guest: Guest, vectors: Sequence[Vector], offset: int) -> int:
        """Write up to `MAX_TRANSFER` bytes, and what may still be written.

        Raises `WasiError`: `NOSPC` if nothing may; `FBIG` where no file has bytes.
        """
        wanted = min(total(vectors), MAX_TRANSFER)
        if not wanted:
            return 0
        if offset >= OFFSET_MAX:
            raise WasiError(Errno.FBIG)
        hole = max(-self._after(offset), 0)
        allowed = min(wanted, self._tree.left - hole, OFFSET_MAX - offset)
        if allowed <= 0:
            raise WasiError(Errno.NOSPC)
        with host_errors():
            count = os.pwrite(self.handle.fd, guest.gather(vectors, allowed), offset)
        self._tree.spend(hole + count)
        self._tree.modified(self.node)
        if self.flags & (FdFlags.DSYNC | FdFlags.SYNC):
            self.synchronize(metadata=FdFlags.SYNC in self.flags)
        return count

    def readable(self) -> tuple[int, int]:
        """Tell what is left from the offset on."""
        return max(self._after(self.offset), 0), 0

    def resize(self, size: int) -> None:
        """Cut the file, or make it longer with zeros."""
        self._tree.spend(max(-self._after(size), 0))
        with host_errors():
            os.ftruncate(self.handle.fd, size)
        self._tree.modified(self.node)

    def allocate(self, offset: int, length: int) -> None:
        """Have space on the disk for these bytes, all of which count as written."""
        if not hasattr(os, "posix_fallocate"):
            raise WasiError(Errno.NOTSUP)
        self._tree.spend(length)
        with host_errors():
            os.posix_fallocate(self.handle.fd, offset, length)
        self._tree.modified(self.node)

    def _after(self, offset: int) -> int:
        """Tell how many bytes the file has from there on; negative where that is behind its end."""
        return self.status().st_size - offset


class OpenDirectory(OnDisk):
    """A directory. `name`: what the guest was told that a preopened one is called; None for all others."""

    name: bytes | None = None

    @property
    def writable(self) -> bool:
        """Whether what lies in it can be changed through it."""
        return self.kind is DIRECTORY

    def kind_of(self, *, directory: bool) -> Kind:
        """Give the kind that something in it has."""
        if directory:
            return self.kind
        return FILE if self.writable else READ_ONLY_FILE
