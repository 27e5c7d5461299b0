"""The engine seam: the protocols that an engine implements, and the frozen values that cross it.

Above this seam integers are unsigned, every access to linear memory is bounds-checked, and a guest that is aborted
raises `reference_host.errors.Trap` with the same code on every engine. Numbers cross as Python values: `i32` and `i64`
as unsigned integers, `f32` and `f64` as floats; references do not cross.

Source: WebAssembly Core Specification 2.0, sections 2.3 (types), 4.2 (runtime structure), 7.1 (embedding).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from reference_host.engine.binary import ModuleInfo

PAGE = 65_536
"""Bytes in a page of linear memory."""

MAX_PAGES = 65_536
"""Pages that a 32-bit linear memory can have: 4 GiB."""

Number = int | float
"""A value that crosses the seam."""


class ValueType(StrEnum):
    """The value types of WebAssembly 2.0."""

    I32 = "i32"
    I64 = "i64"
    F32 = "f32"
    F64 = "f64"
    V128 = "v128"
    FUNCREF = "funcref"
    EXTERNREF = "externref"


@dataclass(frozen=True, slots=True)
class FuncType:
    """The type of a function: `str(FuncType((I32,), (I64,)))` is `(i32) -> i64`."""

    parameters: tuple[ValueType, ...] = ()
    results: tuple[ValueType, ...] = ()

    def __str__(self) -> str:
        results = self.results[0] if len(self.results) == 1 else f"({', '.join(self.results)})"
        return f"({', '.join(self.parameters)}) -> {results}"


@dataclass(frozen=True, slots=True)
class MemoryType:
    """The type of a linear memory: minimum and maximum in pages of 64 KiB."""

    minimum: int
    maximum: int | None = None

    def __str__(self) -> str:
        upper = "" if self.maximum is None else f" to {self.maximum}"
        return f"memory of {self.minimum}{upper} pages"


@dataclass(frozen=True, slots=True)
class TableType:
    """The type of a table: element type, minimum and maximum in elements."""

    element: ValueType
    minimum: int
    maximum: int | None = None

    def __str__(self) -> str:
        upper = "" if self.maximum is None else f" to {self.maximum}"
        return f"table of {self.minimum}{upper} {self.element}"


@dataclass(frozen=True, slots=True)
class GlobalType:
    """The type of a global."""

    value: ValueType
    mutable: bool = False

    def __str__(self) -> str:
        return f"{'mutable ' if self.mutable else ''}global {self.value}"


ExternType = FuncType | MemoryType | TableType | GlobalType


@dataclass(frozen=True, slots=True)
class Import:
    """One import of a module, in the order of its import section."""

    module: str
    name: str
    type: ExternType


@dataclass(frozen=True, slots=True)
class Export:
    """One export of a module, in the order of its export section."""

    name: str
    type: ExternType


@dataclass(frozen=True, slots=True)
class Limits:
    """What a guest may use.

    Fuel and deadline are for each call from outside (instantiation is one); re-entrant calls share them.

    `fuel`: executed instructions, roughly; it also bounds how often host functions are called, once for each 4,000
    units and 100 times more. None is unlimited. `deadline`: seconds of wall-clock time; None is unlimited.
    `memory_pages`: the size in pages above which `memory.grow` answers -1, and above which no memory may start.
    `table_elements`: the same for tables. The stack is always bounded, at a depth that is the engine's; 1,000 frames
    fit.
    """

    fuel: int | None = None
    deadline: float | None = None
    memory_pages: int = MAX_PAGES
    table_elements: int = 1_000_000


@dataclass(frozen=True, slots=True)
class GrowthRefused:
    """Event: the guest's `memory.grow` answered -1. Counts are in pages; `delta` is what it asked for, unsigned.

    `limit` is the smaller one of `Limits.memory_pages` and the memory's own maximum. A refusal by either is an event,
    since the guest gets the same answer; a refusal of the host's own `Memory.grow` is none.
    """

    size: int
    delta: int
    limit: int


class Memory(Protocol):
    """A linear memory. Addresses and lengths are unsigned bytes; nothing is ever truncated or wrapped."""

    @property
    def size(self) -> int:
        """Current size in bytes; may have grown after any guest call."""

    def read(self, address: int, length: int) -> bytes:
        """Copy bytes out. Raises `MemoryAccessError`."""

    def write(self, address: int, data: bytes) -> None:
        """Copy bytes in. Raises `MemoryAccessError`; then nothing was written."""

    def grow(self, delta: int) -> int:
        """Grow by `delta` pages, as `memory.grow` does: the former size in pages, or -1 where a limit forbids it."""


class Instance(Protocol):
    """An instance of a module: one linear memory, and the exported functions."""

    @property
    def module(self) -> Module:
        """The module that it is an instance of."""

    @property
    def memory(self) -> Memory | None:
        """The memory exported as `memory`, else the module's first one; None if it has none."""

    @property
    def growth_refused(self) -> Sequence[GrowthRefused]:
        """Refusals of `memory.grow` so far, the oldest first; capped, so that a guest cannot flood the host."""

    @property
    def alive(self) -> bool:
        """False once it was aborted, by a trap or by an exception of a host function.

        Its state is undefined then, and `call` raises `CallError`; its memory can still be read. An `exit` is no fault
        of the guest's: the instance stays alive after it (a command's `_start` ends with `proc_exit(0)`).
        """

    def call(self, name: str, *arguments: Number, fuel: int | None = None) -> tuple[Number, ...]:
        """Call an exported function; integers go in and come out unsigned (negative arguments are taken modulo 2^n).

        `fuel` replaces `Limits.fuel` for this call; a re-entrant call ignores it and shares the budget of the
        outermost. Raises `Trap`, and `CallError` for an unknown name, wrong arguments, a type with vectors or
        references, and an instance that is dead. Whatever else a host function raises comes out as it is.
        """

    def fuel_used(self) -> int | None:
        """Fuel that the last call from outside used, None where it had no budget; after a trap not defined."""


HostImplementation = Callable[..., Number | Sequence[Number] | None]
"""Called as `implementation(instance, *arguments)`, integers unsigned; answers nothing, one value, or several.

It may read and write `instance.memory` and call back into the guest, nested to a bounded depth. Whatever it raises ends
the guest's execution and comes out of `Instance.call` as it is; after a nested call was aborted it cannot go on either.
"""


@dataclass(frozen=True, slots=True)
class HostFunction:
    """A function that the host provides for an import."""

    module: str
    name: str
    type: FuncType
    implementation: HostImplementation


class Validity(StrEnum):
    """Whether somebody proved the module valid before it ran."""

    VALID = "valid"
    NOT_TESTED = "not-tested"


class Module(Protocol):
    """A compiled module. Exports and imports are known without instantiating it."""

    @property
    def imports(self) -> tuple[Import, ...]:
        """The imports, in order."""

    @property
    def exports(self) -> tuple[Export, ...]:
        """The exports, in order."""

    @property
    def info(self) -> ModuleInfo:
        """What its sections say, as it was given."""

    @property
    def validity(self) -> Validity:
        """Whether the module was validated when it was compiled."""

    def instantiate(self, imports: Sequence[HostFunction] = (), limits: Limits = Limits()) -> Instance:
        """Make an instance; runs the start function, if there is one.

        Of host functions with one module and name, the one that has the import's type is taken. Raises
        `UnresolvedImport` for the first import that nobody provides, `MemoryLimitExceeded`, `TableLimitExceeded`, and
        `StartFailed` where the start function or an active segment traps.
        """


class Engine(Protocol):
    """A way to run WebAssembly 2.0, found through the entry-point group `hookproof.engines`.

    What it has to keep is written as tests: `tests/engine/test_contract.py` runs over every registered engine.
    """

    @property
    def name(self) -> str:
        """As in `--engine`."""

    @property
    def version(self) -> str:
        """The version of the library behind it, as its distribution says."""

    @property
    def quick_only(self) -> str | None:
        """Why the engine is offered for the scope `quick` only; None where it is not so."""

    @property
    def validates(self) -> bool:
        """Whether it can prove a module valid by itself; `compile` does so then."""

    def validate(self, binary: bytes) -> None:
        """Prove a module valid without compiling it, as far as the engine can. Raises a `ModuleError`."""

    def compile(self, binary: bytes) -> Module:
        """Decode (and validate, where the engine can). Raises a `ModuleError`; never takes text."""
