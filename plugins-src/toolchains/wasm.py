"""Reads the names in a module's export section, as WebAssembly core 5.5.10 lays it out."""

from toolchains.common import BuildFailed

HEADER = b"\0asm\x01\0\0\0"
EXPORT_SECTION = 7


def exports(wasm: bytes) -> frozenset[str]:
    """Return the names that a core module exports; raise `BuildFailed` when it is none."""
    if not wasm.startswith(HEADER):
        raise BuildFailed("the compiler wrote no core module")
    position = len(HEADER)
    names = set()
    while position < len(wasm):
        section = wasm[position]
        size, position = _unsigned(wasm, position + 1)
        if section == EXPORT_SECTION:
            count, cursor = _unsigned(wasm, position)
            for _ in range(count):
                length, cursor = _unsigned(wasm, cursor)
                names.add(wasm[cursor : cursor + length].decode())
                _, cursor = _unsigned(wasm, cursor + length + 1)
        position += size
    return frozenset(names)


def _unsigned(wasm: bytes, position: int) -> tuple[int, int]:
    """Decode a LEB128 number; return it and the position after it."""
    value = shift = 0
    while True:
        byte = wasm[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position
