"""The functions `fd_*` on streams and regular files; `attributes` has those for attributes, `directories` the others.

Each method is the function of its name: its parameters are those of the text, then the address of each
result. The descriptor is looked at first, then the addresses, and only then anything happens.

Source: WASI, `legacy/preview1/witx/wasi_snapshot_preview1.witx`, and
`legacy/preview0/witx/wasi_unstable.witx`.
"""

from __future__ import annotations

from reference_host.wasi.descriptors import Descriptors
from reference_host.wasi.guest import Guest
from reference_host.wasi.layout import FDSTAT
from reference_host.wasi.opened import OpenFile
from reference_host.wasi.types import (
    ALL_FD_FLAGS,
    LAST_ADVICE,
    OFFSET_MAX,
    Errno,
    FdFlags,
    Rights,
    WasiError,
    Whence,
)

_SIZE = 4
"""Bytes of a `size`."""

_FILESIZE = 8
"""Bytes of a `filesize`."""


class Files:
    """The functions of one guest."""

    def __init__(self, descriptors: Descriptors) -> None:
        self._descriptors = descriptors

    def fd_advise(self, _guest: Guest, fd: int, offset: int, length: int, advice: int) -> None:
        """Take advice on how a file will be used, which changes nothing."""
        self._descriptors.find(OpenFile, fd, Rights.FD_ADVISE)
        if advice > LAST_ADVICE or offset + length > OFFSET_MAX:
            raise WasiError(Errno.INVAL)

    def fd_allocate(self, _guest: Guest, fd: int, offset: int, length: int) -> None:
        """Have space for bytes of a file, making it longer if needed."""
        file = self._descriptors.find(OpenFile, fd, Rights.FD_ALLOCATE)
        if not length:
            raise WasiError(Errno.INVAL)
        if offset + length > OFFSET_MAX:
            raise WasiError(Errno.FBIG)
        file.allocate(offset, length)

    def fd_close(self, _guest: Guest, fd: int) -> None:
        """Close a descriptor; a guest may close its standard streams and its preopened directories."""
        self._descriptors.close(fd)

    def fd_datasync(self, _guest: Guest, fd: int) -> None:
        """Synchronize data."""
        self._descriptors.get(fd, Rights.FD_DATASYNC).synchronize(metadata=False)

    def fd_fdstat_get(self, guest: Guest, fd: int, result: int) -> None:
        """Tell type, flags and rights."""
        descriptor = self._descriptors.get(fd)
        record = FDSTAT.pack(descriptor.kind.filetype, descriptor.flags, descriptor.rights, descriptor.inheriting)
        guest.write(result, record)

    def fd_fdstat_set_flags(self, _guest: Guest, fd: int, flags: int) -> None:
        """Set the flags; `NONBLOCK` and `RSYNC` change nothing else, since nothing blocks or lies in a cache here."""
        descriptor = self._descriptors.get(fd, Rights.FD_FDSTAT_SET_FLAGS)
        if flags & ~ALL_FD_FLAGS.value:
            raise WasiError(Errno.INVAL)
        descriptor.flags = FdFlags(flags)

    def fd_fdstat_set_rights(self, _guest: Guest, fd: int, rights: int, inheriting: int) -> None:
        """Give rights up."""
        descriptor = self._descriptors.get(fd)
        # The complement of an `IntFlag` has known bits alone; that of its value has all.
        if rights & ~descriptor.rights.value or inheriting & ~descriptor.inheriting.value:
            raise WasiError(Errno.NOTCAPABLE)
        descriptor.rights = Rights(rights)
        descriptor.inheriting = Rights(inheriting)

    def fd_pread(self, guest: Guest, fd: int, vectors: int, count: int, offset: int, result: int) -> None:
        """Read from an offset, leaving the descriptor's where it is."""
        file = self._descriptors.find(OpenFile, fd, Rights.FD_READ, Rights.FD_SEEK)
        buffers = guest.vectors(vectors, count)
        guest.check(result, _SIZE)
        guest.write_u32(result, file.read_at(guest, buffers, _offset(offset)))

    def fd_pwrite(self, guest: Guest, fd: int, vectors: int, count: int, offset: int, result: int) -> None:
        """Write at an offset, leaving the descriptor's where it is; as in POSIX, whatever `APPEND` says."""
        file = self._descriptors.find(OpenFile, fd, Rights.FD_WRITE, Rights.FD_SEEK)
        buffers = guest.vectors(vectors, count)
        guest.check(result, _SIZE)
        guest.write_u32(result, file.write_at(guest, buffers, _offset(offset)))

    def fd_read(self, guest: Guest, fd: int, vectors: int, count: int, result: int) -> None:
        """Read."""
        descriptor = self._descriptors.get(fd, Rights.FD_READ)
        buffers = guest.vectors(vectors, count)
        guest.check(result, _SIZE)
        guest.write_u32(result, descriptor.read(guest, buffers))

    def fd_renumber(self, _guest: Guest, fd: int, to: int) -> None:
        """Move a descriptor over another."""
        self._descriptors.renumber(fd, to)

    def fd_seek(self, guest: Guest, fd: int, offset: int, whence: int, result: int) -> None:
        """Move the offset; to leave it where it is takes the right to tell it only."""
        base = dict(enumerate(guest.layout.whence)).get(whence)
        stays = base is Whence.CUR and not offset
        file = self._telling(fd) if stays else self._descriptors.find(OpenFile, fd, Rights.FD_SEEK)
        if base is None:
            raise WasiError(Errno.INVAL)
        guest.check(result, _FILESIZE)
        start = {Whence.SET: 0, Whence.CUR: file.offset, Whence.END: file.status().st_size}[base]
        target = start + (offset if offset <= OFFSET_MAX else offset - 2**64)
        if target < 0:
            raise WasiError(Errno.INVAL)
        if target > OFFSET_MAX:
            raise WasiError(Errno.OVERFLOW)
        file.offset = target
        guest.write_u64(result, target)

    def fd_sync(self, _guest: Guest, fd: int) -> None:
        """Synchronize data and metadata."""
        self._descriptors.get(fd, Rights.FD_SYNC).synchronize(metadata=True)

    def fd_tell(self, guest: Guest, fd: int, result: int) -> None:
        """Tell the offset."""
        file = self._telling(fd)
        guest.write_u64(result, file.offset)

    def fd_write(self, guest: Guest, fd: int, vectors: int, count: int, result: int) -> None:
        """Write."""
        descriptor = self._descriptors.get(fd, Rights.FD_WRITE)
        buffers = guest.vectors(vectors, count)
        guest.check(result, _SIZE)
        guest.write_u32(result, descriptor.write(guest, buffers))

    def _telling(self, fd: int) -> OpenFile:
        """Find a file whose offset may be told; the right to seek implies that."""
        seeks = Rights.FD_SEEK in self._descriptors.get(fd).rights
        return self._descriptors.find(OpenFile, fd, Rights.FD_SEEK if seeks else Rights.FD_TELL)


def _offset(offset: int) -> int:
    if offset > OFFSET_MAX:
        raise WasiError(Errno.INVAL)
    return offset
