"""Linear memory as the seam shows it: every access is held against the bounds here, once, above every library.

Neither library does it right: one truncates a read silently and takes negative addresses from the end, the other grows
its buffer when a write runs over it.

Source: WebAssembly Core Specification 2.0, section 4.2.8 (memory instances).
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from reference_host.engine.interface import MAX_PAGES
from reference_host.errors import CallError, MemoryAccessError


class BoundedMemory(ABC):
    """Implements `interface.Memory` over what an engine does; it is only asked for what is within the bounds."""

    __slots__ = ()

    @property
    @abstractmethod
    def size(self) -> int:
        """See `Memory.size`."""

    @abstractmethod
    def _copy_out(self, address: int, length: int) -> bytes:
        """Copy out `length` bytes, at least one."""

    @abstractmethod
    def _copy_in(self, address: int, data: bytes) -> None:
        """Copy in `data`, at least one byte."""

    @abstractmethod
    def _grow(self, delta: int) -> int:
        """Grow by `delta` pages, from 0 to 65,536: the former size in pages, or -1."""

    def read(self, address: int, length: int) -> bytes:
        """See `Memory.read`."""
        size = self.size
        if address < 0 or length < 0 or address + length > size:
            raise MemoryAccessError(address, length, size)
        return self._copy_out(address, length) if length else b""

    def write(self, address: int, data: bytes) -> None:
        """See `Memory.write`."""
        size = self.size
        if address < 0 or address + len(data) > size:
            raise MemoryAccessError(address, len(data), size)
        if data:
            self._copy_in(address, data)

    def grow(self, delta: int) -> int:
        """See `Memory.grow`."""
        if delta < 0:
            raise CallError(f"memory cannot grow by {delta} pages")
        return -1 if delta > MAX_PAGES else self._grow(delta)
