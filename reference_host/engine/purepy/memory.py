"""Linear memory: one buffer, and what the translated code reads and writes it through.

The buffer has some room to grow; the size that the guest sees bounds every access. What the code uses
lies in cells, which all functions share: when the memory grows, each cell gets a view of the new size, and none that is
older stays in use, since growing is a statement of its own in the translated code.

Two ways lead to numbers of several bytes. `struct` works everywhere. On CPython of a little-endian machine a memoryview
with items of four bytes at each single byte is faster (24 % on a JSON plugin); it cannot be had from Python itself, so
it is made through the C interface, and only where a test at import shows that it does what it should.

Source: WebAssembly Core Specification 2.0, sections 4.2.8 (memory instances) and 4.4.7 (memory instructions).
"""

from __future__ import annotations

import ctypes
import mmap
import struct
import sys
from collections.abc import Callable
from types import CellType
from typing import Any

from reference_host.engine.interface import PAGE, MemoryType
from reference_host.engine.memory import BoundedMemory
from reference_host.engine.purepy.known import GROWN_PAGES
from reference_host.errors import Trap, TrapCode

SMALL = 4 * PAGE
"""Bytes up to which a buffer is a plain one."""

_FORMATS = {code: code.encode() for code in "bBhHiIqQfd"}


class _Buffer(ctypes.Structure):
    """`Py_buffer`, as it is in CPython since 3.0 and in the stable interface since 3.11."""

    _fields_ = (
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.c_void_p),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.POINTER(ctypes.c_ssize_t)),
        ("strides", ctypes.POINTER(ctypes.c_ssize_t)),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    )


def overlapping_view(address: int, size: int, code: str) -> Any:
    """Make a view whose item `n` is the number at byte `n`; it does not keep the memory alive. CPython only."""
    width = struct.calcsize(code)
    count = max(size - width + 1, 0)
    info = _Buffer(
        buf=address,
        len=count * width,
        itemsize=width,
        ndim=1,
        format=_FORMATS[code],  # held by this module: the view keeps the address only
        shape=(ctypes.c_ssize_t * 1)(count),
        strides=(ctypes.c_ssize_t * 1)(1),
    )
    return _from_buffer(ctypes.byref(info))


def _views_work() -> bool:
    """Whether overlapping views can be had here, and are what they should be."""
    if sys.implementation.name != "cpython" or sys.byteorder != "little" or ctypes.sizeof(ctypes.c_ssize_t) != 8:
        return False
    try:
        buffer = bytearray(range(1, 13))
        lock = (ctypes.c_char * 12).from_buffer(buffer)
        for code in _FORMATS:
            view = overlapping_view(ctypes.addressof(lock), 12, code)
            last = 12 - struct.calcsize(code)
            if len(view) != last + 1 or any(
                view[at] != struct.unpack_from(f"<{code}", buffer, at)[0] for at in range(last + 1)
            ):
                return False
            view[last] = view[last]
            try:
                view[last + 1]
            except IndexError:
                continue
            return False
    except Exception:  # noqa: BLE001 - whatever is different here, the other way works
        return False
    return bytes(buffer) == bytes(range(1, 13))


_from_buffer: Callable[[Any], Any]
try:
    _from_buffer = ctypes.pythonapi.PyMemoryView_FromBuffer
    _from_buffer.restype = ctypes.py_object
    _from_buffer.argtypes = [ctypes.c_void_p]
except AttributeError:
    VIEWS = False
else:
    VIEWS = _views_work()
"""Whether memory can be read through typed views on this interpreter."""


def _zeros(size: int) -> bytearray | mmap.mmap:
    """Get a buffer; a large one takes no more of the machine's memory than is written to. Raises `MemoryError`."""
    if size <= SMALL:
        return bytearray(size)
    try:
        if sys.platform == "win32":
            return mmap.mmap(-1, size)
        return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except (OSError, OverflowError) as error:
        raise MemoryError from error


class LinearMemory:
    """A memory instance; sizes in pages unless they are said to be in bytes."""

    def __init__(self, type_: MemoryType, limit: int, *, views: bool) -> None:
        self.type = type_
        self.pages = type_.minimum
        self.size = self.pages * PAGE  # bytes
        self.maximum = min(GROWN_PAGES if type_.maximum is None else type_.maximum, GROWN_PAGES, limit)
        self.views = views
        self._cells: dict[str, CellType] = {}
        self._allocate(max(self.pages, 1) * PAGE, None)

    def _allocate(self, capacity: int, old: memoryview | None) -> None:
        buffer = _zeros(capacity)
        self._whole = memoryview(buffer)  # keeps the buffer where it is
        self._move = buffer.move if isinstance(buffer, mmap.mmap) else None
        if old is not None:
            self._whole[: len(old)] = old
        self._address = ctypes.addressof(ctypes.c_char.from_buffer(buffer)) if self.views else 0
        self.bytes = self._whole[: self.size]
        self._renew()

    def cell(self, name: str) -> CellType:
        """Give the cell of a view: `MB` for bytes, `MI` for numbers of four bytes without a sign, and so on.

        `MI_12` is the view that begins at address 12: `MI_12[x]` is `MI[x + 12]`, and ends where the memory ends.
        """
        found = self._cells.get(name)
        if found is None:
            found = self._cells[name] = CellType(self._view(name))
        return found

    def _view(self, name: str) -> Any:
        whole, _, start = name.partition("_")
        if start:
            return self.cell(whole).cell_contents[int(start) :]
        return self.bytes if name == "MB" else overlapping_view(self._address, self.size, name[1])

    def _renew(self) -> None:
        """Put new views into the cells, those of the whole memory first."""
        for name in sorted(self._cells, key=len):
            self._cells[name].cell_contents = self._view(name)

    def grow(self, delta: int) -> int:
        """Grow by pages: the former size, or -1."""
        pages = self.pages
        if pages + delta > self.maximum:
            return -1
        if not delta:
            return pages
        old = self.bytes
        self.pages = pages + delta
        self.size = size = self.pages * PAGE
        try:
            if size <= len(self._whole):
                self.bytes = self._whole[:size]
                self._renew()
            else:
                # Twice what is asked for: growing page by page would copy everything each time.
                self._allocate(min(2 * size, self.maximum * PAGE), old)
        except MemoryError:
            self.pages, self.size = pages, pages * PAGE
            return -1
        return pages

    # --- bulk instructions -------------------------------------------------------------------------------------------

    def fill(self, start: int, value: int, length: int) -> None:
        """Run `memory.fill`."""
        view = self.bytes
        if start + length > len(view):
            raise Trap(TrapCode.MEMORY_OUT_OF_BOUNDS)
        view[start : start + length] = bytes((value & 0xFF,)) * length

    def copy(self, into: int, source: int, length: int) -> None:
        """Run `memory.copy`."""
        if into + length > self.size or source + length > self.size:
            raise Trap(TrapCode.MEMORY_OUT_OF_BOUNDS)
        if self._move is not None:
            self._move(into, source, length)
        else:
            self.bytes[into : into + length] = self.bytes[source : source + length]

    def init(self, data: bytes | memoryview, into: int, source: int, length: int) -> None:
        """Run `memory.init`."""
        view = self.bytes
        if source + length > len(data) or into + length > len(view):
            raise Trap(TrapCode.MEMORY_OUT_OF_BOUNDS)
        view[into : into + length] = data[source : source + length]


class PurepyMemory(BoundedMemory):
    """Implements `interface.Memory`."""

    __slots__ = ("_memory",)

    def __init__(self, memory: LinearMemory) -> None:
        self._memory = memory

    @property
    def size(self) -> int:
        """See `Memory.size`."""
        return self._memory.size

    def _copy_out(self, address: int, length: int) -> bytes:
        return bytes(self._memory.bytes[address : address + length])

    def _copy_in(self, address: int, data: bytes) -> None:
        self._memory.bytes[address : address + len(data)] = data

    def _grow(self, delta: int) -> int:
        return self._memory.grow(delta)


def accessors() -> dict[str, Any]:
    """Name the functions of the portable way: `RI(MB, address)` reads, `WI(MB, address, value)` writes."""
    found: dict[str, Any] = {}
    for code in _FORMATS:
        packed = struct.Struct(f"<{code}")
        found[f"R{code}"], found[f"W{code}"] = packed.unpack_from, packed.pack_into
    return found
