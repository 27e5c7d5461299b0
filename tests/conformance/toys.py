"""Plugins of the toy system, from WAT; what each of its tests does is steered by the plugin's exports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import wasmtime

TOY = Path(__file__).parent / "toy"


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


def toy_wasm(*exports: str, adds: str = "i32.add", subtracts: bool = False, more: str = "") -> bytes:
    """A toy plugin: `adds` are the instructions that make the sum, `exports` further functions that do nothing."""
    sub = '(func (export "toy_sub") (param i32 i32) (result i32) local.get 0 local.get 1 i32.sub)'
    functions = "".join(f'(func (export "{name}"))' for name in exports)
    return bytes(
        wasmtime.wat2wasm(
            '(module (func (export "toy_add") (param i32 i32) (result i32) local.get 0 local.get 1 '
            f"{adds}) {sub if subtracts else ''} {functions} {more})"
        )
    )


class Plugins:
    """A folder to put plugins in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def good(self, name: str = "good.wasm") -> Path:
        return self.add(name, toy_wasm("toy_version", subtracts=True))

    def bad(self, name: str = "bad.wasm") -> Path:
        return self.add(name, toy_wasm("toy_version", adds="i32.sub"))

    def warned(self, name: str = "warned.wasm") -> Path:
        """Adds rightly but for two zeros."""
        adds = "local.get 0 local.get 1 i32.or i32.eqz i32.add i32.add"
        return self.add(name, toy_wasm("toy_version", adds=f"{adds}"))

    def troubled(self, how: str) -> Path:
        return self.add(f"{how}.wasm", toy_wasm("toy_version", f"trouble_{how}"))
