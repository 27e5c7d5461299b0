"""The functions `fd_*` that a stream can answer; `ungranted` has the others.

Each method is the function of its name: its parameters are those of the text, then the address of each
result. The descriptor is looked at first, then the addresses, and only then anything happens.

Source: WASI, `legacy/preview1/witx/wasi_snapshot_preview1.witx`, and
`legacy/preview0/witx/wasi_unstable.witx`.
"""

from __future__ import annotations

from reference_host.wasi.descriptors import Descriptors
from reference_host.wasi.guest import Guest, total
from reference_host.wasi.layout import FDSTAT
from reference_host.wasi.types import ALL_FD_FLAGS, Errno, FdFlags, Rights, WasiError

_SIZE = 4
"""Bytes of a `size`."""


class Files:
    """The functions of one guest."""

    def __init__(self, descriptors: Descriptors) -> None:
        self._descriptors = descriptors

    def fd_close(self, guest: Guest, fd: int) -> None:
        """Close a descriptor; a guest may close its standard streams."""
        self._descriptors.close(fd)

    def fd_datasync(self, guest: Guest, fd: int) -> None:
        """Synchronize data; captured output always is."""
        self._descriptors.get(fd, Rights.FD_DATASYNC)

    def fd_fdstat_get(self, guest: Guest, fd: int, result: int) -> None:
        """Tell type, flags and rights."""
        descriptor = self._descriptors.get(fd)
        guest.write(result, FDSTAT.pack(descriptor.kind.filetype, descriptor.flags, descriptor.rights, 0))

    def fd_fdstat_set_flags(self, guest: Guest, fd: int, flags: int) -> None:
        """Set the flags; on a stream that never blocks they change nothing else."""
        descriptor = self._descriptors.get(fd, Rights.FD_FDSTAT_SET_FLAGS)
        if flags & ~ALL_FD_FLAGS.value:
            raise WasiError(Errno.INVAL)
        descriptor.flags = FdFlags(flags)

    def fd_fdstat_set_rights(self, guest: Guest, fd: int, rights: int, inheriting: int) -> None:
        """Give rights up; nothing here has rights for others to inherit."""
        descriptor = self._descriptors.get(fd)
        # The complement of an `IntFlag` has known bits alone; that of its value has all.
        if rights & ~descriptor.rights.value or inheriting:
            raise WasiError(Errno.NOTCAPABLE)
        descriptor.rights = Rights(rights)

    def fd_filestat_get(self, guest: Guest, fd: int, result: int) -> None:
        """Tell the attributes: of a stream, type and inode; its size and times are 0."""
        descriptor = self._descriptors.get(fd, Rights.FD_FILESTAT_GET)
        guest.write(result, guest.layout.filestat.pack(0, descriptor.inode, descriptor.kind.filetype, 1, 0, 0, 0, 0))

    def fd_read(self, guest: Guest, fd: int, vectors: int, count: int, result: int) -> None:
        """Read: standard input is at its end."""
        self._descriptors.get(fd, Rights.FD_READ)
        guest.vectors(vectors, count)
        guest.write_u32(result, 0)

    def fd_renumber(self, guest: Guest, fd: int, to: int) -> None:
        """Move a descriptor over another."""
        self._descriptors.renumber(fd, to)

    def fd_sync(self, guest: Guest, fd: int) -> None:
        """Synchronize data and metadata; captured output always is."""
        self._descriptors.get(fd, Rights.FD_SYNC)

    def fd_write(self, guest: Guest, fd: int, vectors: int, count: int, result: int) -> None:
        """Write to a captured output. What is over its limit counts as written: the guest cannot tell."""
        descriptor = self._descriptors.get(fd, Rights.FD_WRITE)
        buffers = guest.vectors(vectors, count)
        guest.check(result, _SIZE)
        capture = descriptor.capture
        if capture is None:
            raise WasiError(Errno.BADF)
        for address, length in buffers:
            copied = min(length, capture.room)
            capture.append(guest.read(address, copied) if copied else b"", dropped=length - copied)
        guest.write_u32(result, total(buffers))
