"""Translations of a module's functions, as they are needed."""

from __future__ import annotations

from types import CodeType

from reference_host.engine.purepy.blocks import Style
from reference_host.engine.purepy.module import WasmModule
from reference_host.engine.purepy.translate import translate


class Translations:
    """The translations of one module in one style."""

    def __init__(self, module: WasmModule, style: Style) -> None:
        self.module = module
        self.style = style
        self.valid = False
        self._codes: dict[int, CodeType] = {}

    def code(self, index: int) -> CodeType:
        """Give the translation of a function."""
        found = self._codes.get(index)
        if found is None:
            found = self._codes[index] = translate(self.module, index, self.style)
        return found

    def offer(self) -> None:
        """Keep what is new."""
