"""Translations: made once in a process, and kept on disk for the next one.

What is kept is code that will be executed. `reference_host.engine.cache` reads it only where nobody but the user can
have written it; here the name of a file, which says of what module, translator and interpreter it is, stands in its
contents too, so that a renamed file counts for nothing. Whatever goes wrong, a function is translated again, and nobody
hears of it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import marshal
import sys
import time
import weakref
from functools import cache
from pathlib import Path
from types import CodeType

from reference_host.engine.cache import Cache, cache_folder, digest
from reference_host.engine.purepy.graph import Style
from reference_host.engine.purepy.module import WasmModule
from reference_host.engine.purepy.translate import VERSION, translate

INTERVAL = 1.0
"""Seconds between two times that one module's translations are written; the rest is written when it goes."""


class Translations:
    """The translations of one module in one style; `valid` says whether the module is known to validate."""

    def __init__(self, module: WasmModule, style: Style) -> None:
        self.module = module
        self.style = style
        self._codes: dict[int, CodeType] = {}
        self._file: _File | None = None
        self.valid = False
        folder = cache_folder()
        if folder is not None:
            self._file = _File(Cache(folder / "purepy"), digest(module.binary, style.name.encode(), _edition()))
            self.valid = self._file.load()
            weakref.finalize(self, self._file.save)

    def code(self, index: int) -> CodeType:
        """Give the translation of a function."""
        found = self._codes.get(index)
        if found is None:
            found = self._file.kept(index) if self._file is not None else None
            if found is None:
                found = translate(self.module, index, self.style)
                if self._file is not None:
                    self._file.add(index, found)
            self._codes[index] = found
        return found

    def offer(self) -> None:
        """Write what is new, if it was not done just now; only for a valid module."""
        if self._file is not None:
            self._file.save_now_and_then()


class _File:
    """The translations of one module on disk."""

    def __init__(self, kept: Cache, key: str) -> None:
        self._cache = kept
        self._key = key
        self._codes: dict[int, bytes] = {}
        self._new = False
        self._saved = time.monotonic()

    def load(self) -> bool:
        """Read what is there; whether it was there."""
        codes = self._read()
        self._codes = codes or {}
        return codes is not None

    def _read(self) -> dict[int, bytes] | None:
        contents = self._cache.read(self._key)
        if contents is not None:
            with contextlib.suppress(ValueError, EOFError, TypeError):
                key, codes = marshal.loads(contents)
                if key == self._key:
                    found: dict[int, bytes] = codes
                    return found
        return None

    def kept(self, index: int) -> CodeType | None:
        """Give the translation of a function if it is there."""
        found = self._codes.get(index)
        if found is None:
            return None
        code: CodeType = marshal.loads(found)
        return code

    def add(self, index: int, code: CodeType) -> None:
        """Take in a new translation."""
        self._codes[index] = marshal.dumps(code)
        self._new = True

    def save_now_and_then(self) -> None:
        """Write what is new, but not all the time."""
        if self._new and time.monotonic() - self._saved >= INTERVAL:
            self.save()

    def save(self) -> None:
        """Write everything, with what other processes have written meanwhile."""
        if not self._new:
            return
        self._new, self._saved = False, time.monotonic()
        self._codes = {**(self._read() or {}), **self._codes}
        self._cache.write(self._key, marshal.dumps((self._key, self._codes)))


@cache
def _edition() -> bytes:
    """What a translation depends on besides the module: the translator, and the interpreter whose code it is."""
    parts = [f"{VERSION} {sys.implementation.cache_tag} {sys.hexversion}".encode(), importlib.util.MAGIC_NUMBER]
    with contextlib.suppress(OSError):
        # A changed translator counts as another one, also where its author forgot to say so.
        for path in sorted(Path(__file__).parent.glob("*.py")):
            found = path.stat()
            parts.append(f"{path.name} {found.st_size} {found.st_mtime_ns}".encode())
    return digest(*parts).encode()
