"""Seeded randomness: one stream of bytes for a seed, the same on every engine, machine and Python.

Python's `random` promises the same sequence across versions for `random()` alone, so the stream is SHAKE128
in counter mode instead.

Source: WASI, `legacy/preview1/witx/wasi_snapshot_preview1.witx` (`random_get`); FIPS 202, section 6.2
(SHAKE128).
"""

from __future__ import annotations

from hashlib import shake_128

_BLOCK = 1_344
"""Bytes a block: eight times what SHAKE128 gives for one permutation."""


class SeededRandom:
    """The stream of one guest. How it is cut into requests does not change it."""

    def __init__(self, seed: int) -> None:
        self._key = f"hookproof random_get, seed {seed}, block ".encode()
        self._blocks = 0
        self._left = b""

    def take(self, length: int) -> bytes:
        """Take the next bytes of the stream."""
        blocks = [self._left]
        missing = length - len(self._left)
        while missing > 0:
            blocks.append(shake_128(self._key + str(self._blocks).encode()).digest(_BLOCK))
            self._blocks += 1
            missing -= _BLOCK
        stream = b"".join(blocks)
        self._left = stream[length:]
        return stream[:length]
