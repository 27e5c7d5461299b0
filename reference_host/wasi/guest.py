"""The guest's memory as a WASI function sees it: whatever a hostile guest points at, the answer is an errno, and soon.

Source: WASI, `legacy/preview1/witx/typenames.witx` (`iovec`, `ciovec`, `size`) and
`legacy/tools/witx-docs.md` (pointers). The text says nothing of pointers outside memory; `errno::fault`, "bad
address", is what it has for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reference_host.engine.interface import Memory
from reference_host.errors import MemoryAccessError
from reference_host.wasi.layout import VECTOR, Layout
from reference_host.wasi.types import U32_MAX, Errno, WasiError

MAX_VECTORS = 1_024
"""Vectors of one call that are looked at; what the others point at is left for the guest's next call.

A read or write that transfers less than it was asked for is always legal, and 2^29 vectors in 4 GiB must not
keep the host busy.
"""

MAX_PATH = 4_096
"""Bytes of a path."""

Vector = tuple[int, int]
"""Address and length of a buffer, in bytes."""


class Guest:
    """The linear memory of the instance that calls, and the layout of the revision that it calls through.

    Every method raises `WasiError` with `FAULT` where bytes lie outside memory, or where there is no memory.
    """

    __slots__ = ("_memory", "layout")

    def __init__(self, memory: Memory | None, layout: Layout) -> None:
        self._memory = memory
        self.layout = layout

    def check(self, address: int, length: int) -> None:
        """Make sure that the bytes lie in memory, without touching them.

        Functions check all that they will write before they do anything, so that an errno means that nothing
        happened.
        """
        size = 0 if self._memory is None else self._memory.size
        if address + length > size:
            raise WasiError(Errno.FAULT)

    def read(self, address: int, length: int) -> bytes:
        """Copy bytes out."""
        if self._memory is None:
            raise WasiError(Errno.FAULT)
        try:
            return self._memory.read(address, length)
        except MemoryAccessError:
            raise WasiError(Errno.FAULT) from None

    def write(self, address: int, data: bytes) -> None:
        """Copy bytes in."""
        if self._memory is None:
            raise WasiError(Errno.FAULT)
        try:
            self._memory.write(address, data)
        except MemoryAccessError:
            raise WasiError(Errno.FAULT) from None

    def write_u32(self, address: int, value: int) -> None:
        """Write 4 bytes, little-endian."""
        self.write(address, value.to_bytes(4, "little"))

    def write_u64(self, address: int, value: int) -> None:
        """Write 8 bytes, little-endian."""
        self.write(address, value.to_bytes(8, "little"))

    def path(self, address: int, length: int) -> bytes:
        """Read a path.

        Raises `WasiError`: `NAMETOOLONG`, before it is read; `ILSEQ` if it is no UTF-8; `INVAL` if it has a NUL.
        """
        self.check(address, length)
        if length > MAX_PATH:
            raise WasiError(Errno.NAMETOOLONG)
        path = self.read(address, length)
        try:
            path.decode()
        except UnicodeDecodeError:
            raise WasiError(Errno.ILSEQ) from None
        if b"\0" in path:
            raise WasiError(Errno.INVAL)
        return path

    def gather(self, vectors: Sequence[Vector], limit: int) -> bytes:
        """Copy what buffers hold out, up to a limit in bytes."""
        parts = []
        for address, length in vectors:
            part = min(length, limit)
            parts.append(self.read(address, part))
            limit -= part
        return b"".join(parts)

    def scatter(self, vectors: Sequence[Vector], data: bytes) -> None:
        """Copy data into buffers that it does not overfill, the first ones first."""
        at = 0
        for address, length in vectors:
            self.write(address, data[at : at + length])
            at += length

    def vectors(self, address: int, count: int) -> list[Vector]:
        """Read an array of `iovec` or `ciovec`, `MAX_VECTORS` of them at most, leaving out the empty ones.

        Raises `WasiError` with `INVAL` where the lengths add up to more than a `size` can say.
        """
        self.check(address, count * VECTOR.size)
        array = self.read(address, min(count, MAX_VECTORS) * VECTOR.size)
        vectors = [(buffer, length) for buffer, length in VECTOR.iter_unpack(array) if length]
        for buffer, length in vectors:
            self.check(buffer, length)
        if total(vectors) > U32_MAX:
            raise WasiError(Errno.INVAL)
        return vectors


def total(vectors: Iterable[Vector]) -> int:
    """Add the lengths up, in bytes."""
    return sum(length for _, length in vectors)
