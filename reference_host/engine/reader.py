"""A bounded cursor over the binary format: bytes, LEB128 integers, names and counts, each error with its offset.

Source: WebAssembly Core Specification 2.0, section 5.2 (values).
"""

from __future__ import annotations

from reference_host.errors import MalformedModule


class Reader:
    """Reads from `offset` up to `end` (exclusive), never beyond. All methods raise `MalformedModule`."""

    __slots__ = ("binary", "end", "offset")

    def __init__(self, binary: bytes, offset: int = 0, end: int | None = None) -> None:
        self.binary = binary
        self.offset = offset
        self.end = len(binary) if end is None else end

    def at_end(self) -> bool:
        """Whether everything was read."""
        return self.offset >= self.end

    def peek(self) -> int | None:
        """The next byte without taking it, None at the end."""
        return None if self.at_end() else self.binary[self.offset]

    def byte(self) -> int:
        """One byte."""
        if self.offset >= self.end:
            raise MalformedModule("unexpected end", self.offset)
        self.offset += 1
        return self.binary[self.offset - 1]

    def skip(self, length: int, what: str) -> None:
        """Pass over `length` bytes."""
        if length > self.end - self.offset:
            raise MalformedModule(
                f"{what} of {length} bytes does not fit, {self.end - self.offset} are left", self.offset
            )
        self.offset += length

    def sub(self, length: int, what: str) -> Reader:
        """A reader for the next `length` bytes, which this one passes over."""
        start = self.offset
        self.skip(length, what)
        return Reader(self.binary, start, self.offset)

    def u32(self) -> int:
        """An unsigned LEB128 integer of 32 bits; overlong forms within five bytes are legal."""
        at = self.offset
        if at < self.end and self.binary[at] < 0x80:  # by far the most are of one byte
            self.offset = at + 1
            return self.binary[at]
        result = 0
        for shift in range(0, 35, 7):
            byte = self.byte()
            result |= (byte & 0x7F) << shift
            if byte < 0x80:
                if result >= 2**32:
                    raise MalformedModule("an integer is too large for 32 bits", at)
                return result
        raise MalformedModule("an integer is longer than 5 bytes", at)

    def signed(self, bits: int) -> int:
        """A signed LEB128 integer of `bits` (33, 32 or 64) bits."""
        at = self.offset
        result = 0
        longest = -(-bits // 7)
        for shift in range(0, 7 * longest, 7):
            byte = self.byte()
            result |= (byte & 0x7F) << shift
            if byte < 0x80:
                if byte & 0x40:
                    result -= 1 << (shift + 7)
                if not -(2 ** (bits - 1)) <= result < 2 ** (bits - 1):
                    raise MalformedModule(f"an integer is too large for {bits} bits", at)
                return result
        raise MalformedModule(f"an integer is longer than {longest} bytes", at)

    def count(self, what: str) -> int:
        """The length of a vector; an element takes a byte at least, so more of them than bytes left is a lie."""
        at = self.offset
        count = self.u32()
        if count > self.end - self.offset:
            raise MalformedModule(f"{count} {what} cannot fit into {self.end - self.offset} bytes", at)
        return count

    def name(self) -> str:
        """A name: UTF-8 with its length before it."""
        length = self.u32()
        at = self.offset
        self.skip(length, "a name")
        try:
            return self.binary[at : self.offset].decode("utf-8")
        except UnicodeDecodeError:
            raise MalformedModule("a name is not UTF-8", at) from None
