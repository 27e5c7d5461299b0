"""A module instance in Python: cells for everything that translated functions refer to, filled as they are needed.

Nothing is translated before it is called. A function that was not called yet is a stub in its cell; the first call
translates it, puts it into the cell, and goes on there.

Source: WebAssembly Core Specification 2.0, sections 4.2 (runtime structure) and 4.5.4 (instantiation).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import CellType, CodeType, FunctionType
from typing import Any

from reference_host.engine.instrument import GROWTH_FUEL, REFUSAL_FUEL
from reference_host.engine.interface import GlobalType, Limits
from reference_host.engine.purepy import numerics
from reference_host.engine.purepy import opcodes as op
from reference_host.engine.purepy.memory import LinearMemory, accessors
from reference_host.engine.purepy.meter import Meter
from reference_host.engine.purepy.module import ElementSegment, Expression, WasmModule
from reference_host.engine.purepy.table import FunctionReference, Table
from reference_host.errors import Trap, TrapCode

GLOBALS: dict[str, Any] = {**numerics.GLOBALS, **accessors()}
"""What all translated functions see as their globals."""

Code = Callable[[int, bool], CodeType]
"""Gives the translation of a function: its index, and whether it is metered exactly."""


@dataclass(frozen=True, slots=True)
class Global:
    """A global instance: its value is in the cell."""

    type: GlobalType
    cell: CellType


Extern = FunctionReference | Global | Table | LinearMemory
"""What can be given for an import; the types have been compared already."""


def as_trap(error: BaseException) -> BaseException:
    """Say which trap an exception of the translated code is; another one is given back as it is."""
    if isinstance(error, (IndexError, struct.error)):
        return Trap(TrapCode.MEMORY_OUT_OF_BOUNDS)
    if isinstance(error, ZeroDivisionError):
        return Trap(TrapCode.DIVIDE_BY_ZERO)
    if isinstance(error, RecursionError):
        return Trap(TrapCode.STACK_EXHAUSTED)
    return error


class ModuleInstance:
    """One instance; implements `table.Functions`."""

    def __init__(
        self,
        module: WasmModule,
        code: Code,
        imports: Sequence[Extern],
        limits: Limits,
        refused: Callable[[int, int], None],
        *,
        views: bool,
        meter: Meter | None = None,
    ) -> None:
        self.module = module
        self.meter = meter or Meter()
        self._code = code
        self._refused = refused
        self._types = [module.info.types[index] for index in module.info.functions]
        self._cells: tuple[dict[str, CellType], dict[str, CellType]] = {}, {}
        self._made: tuple[dict[int, FunctionType], dict[int, FunctionType]] = {}, {}
        self._references: dict[int, FunctionReference] = {}
        self._imported = [extern for extern in imports if isinstance(extern, FunctionReference)]
        self.globals = [extern for extern in imports if isinstance(extern, Global)]
        self.tables = [extern for extern in imports if isinstance(extern, Table)]
        self.memories = [extern for extern in imports if isinstance(extern, LinearMemory)]
        for memory in module.info.memories[len(self.memories) :]:
            self.memories.append(LinearMemory(memory, limits.memory_pages, views=views))
        for table in module.info.tables[len(self.tables) :]:
            self.tables.append(Table(table, limits.table_elements))
        own = module.info.globals[len(self.globals) :]
        for type_, initializer in zip(own, module.initializers, strict=True):
            self.globals.append(Global(type_, CellType(self._evaluated(initializer))))
        self._segments: list[Sequence[Any] | None] = [None] * len(module.elements)
        self._data: list[bytes | None] = [None] * len(module.data)
        self._functions: Mapping[str, Callable[..., Any]] = self._operations()

    def initialize(self) -> None:
        """Put the active segments in their places, in order. Raises `Trap`."""
        for index, segment in enumerate(self.module.elements):
            if segment.mode == 0:
                assert segment.offset is not None
                items = self._items(segment)
                self.tables[segment.table].init(items, self._evaluated(segment.offset), 0, len(items))
            elif segment.mode == 1:
                self._segments[index] = self._items(segment)
            if segment.mode != 1:
                self._segments[index] = ()
        binary = self.module.binary
        for index, data in enumerate(self.module.data):
            if data.offset is None:
                self._data[index] = binary[data.start : data.end]
            else:
                contents = binary[data.start : data.end]
                self.memories[data.memory].init(contents, self._evaluated(data.offset), 0, len(contents))
                self._data[index] = b""

    def export(self, name: str) -> Extern:
        """Give what is exported under a name. Raises `KeyError`."""
        kind, index = self.module.exports_by_name[name]
        if kind == 0:
            return self.reference(index)
        spaces: tuple[Sequence[Extern], ...] = (self.tables, self.memories, self.globals)
        return spaces[kind - 1][index]

    # --- functions ---------------------------------------------------------------------------------------------------

    def function(self, index: int, *, exact: bool) -> Callable[..., Any]:
        """Give a function as Python calls it, translated."""
        made = self._made[exact].get(index)
        if made is not None:
            return made
        if index < len(self._imported):
            reference = self._imported[index]
            return reference.owner.function(reference.index, exact=exact)
        return self._make(index, exact, self._cell(f"f{index}", exact))

    def reference(self, index: int) -> FunctionReference:
        """Give the reference to a function: always the same one."""
        found = self._references.get(index)
        if found is None:
            if index < len(self._imported):
                found = self._imported[index]
            else:
                found = FunctionReference(self, index, self._types[index])
            self._references[index] = found
        return found

    def _make(self, index: int, exact: bool, cell: CellType) -> Callable[..., Any]:
        try:
            code = self._code(index, exact)
        except (IndexError, ZeroDivisionError, OverflowError) as error:  # these words mean traps further up
            raise AssertionError(f"function {index} cannot be translated") from error
        closure = tuple([self._cell(name, exact) for name in code.co_freevars])
        function = FunctionType(code, GLOBALS, code.co_name, None, closure)
        cell.cell_contents = self._made[exact][index] = function
        return function

    def _stub(self, index: int, exact: bool, cell: CellType) -> Callable[..., Any]:
        def stub(*arguments: Any) -> Any:
            return self._make(index, exact, cell)(*arguments)

        return stub

    def _cell(self, name: str, exact: bool) -> CellType:
        cells = self._cells[exact]
        found = cells.get(name)
        if found is None:
            found = cells[name] = self._new_cell(name, exact)
        return found

    def _new_cell(self, name: str, exact: bool) -> CellType:
        kind, rest = name[0], name[1:]
        if kind == "f" and rest.isdigit():
            index = int(rest)
            if index < len(self._imported):
                return CellType(self.function(index, exact=exact))
            cell = CellType()
            cell.cell_contents = self._stub(index, exact, cell)
            return cell
        if kind == "g" and rest.isdigit():
            return self.globals[int(rest)].cell
        if kind == "M":
            return self.memories[0].cell(name)
        if kind == "D":
            table, _, type_ = rest.partition("_")
            return CellType(self.tables[int(table)].dispatcher(self.module.info.types[int(type_)], exact=exact))
        if name == "fuel":
            return self.meter.fuel
        if name == "ticks":
            return self.meter.ticks
        return CellType(self._operation(name, exact))

    # --- what instructions call --------------------------------------------------------------------------------------

    def _operations(self) -> dict[str, Callable[..., Any]]:
        found: dict[str, Callable[..., Any]] = {
            "refuel": self.meter.refuel,
            "stacked": self.meter.stacked,
            "ref_func": self.reference,
            "elem_drop": self._drop_elements,
            "data_drop": self._drop_data,
            "memory_init": self._init_memory,
        }
        if self.memories:
            memory = self.memories[0]
            found |= {
                "memory_size": lambda: memory.pages,
                "memory_fill": memory.fill,
                "memory_copy": memory.copy,
            }
        return found

    def _operation(self, name: str, exact: bool) -> Callable[..., Any]:
        """Give what an instruction calls; metered exactly, one that works on many elements costs their number."""
        if name == "memory_grow":
            return self._grow_metered if exact else self._grow
        flat = name.startswith("flat_")  # its fuel is in the run
        name = name.removeprefix("flat_")
        plain = self._functions.get(name) or self._table_operation(name)
        if flat or not exact or not name.startswith(("memory_fill", "memory_copy", "memory_init", "table_")):
            return plain
        charge = self.meter.charge
        if name.startswith(("table_get", "table_set", "table_size")):
            return plain
        if name.startswith("table_grow"):

            def grow(value: Any, delta: int) -> Any:
                size = plain(value, delta)
                if size != 2**32 - 1:
                    charge(delta)
                return size

            return grow

        def metered(*arguments: Any) -> None:
            plain(*arguments)
            charge(arguments[-1])

        return metered

    def _table_operation(self, name: str) -> Callable[..., Any]:
        instruction, _, indices = name.removeprefix("table_").partition("_")
        if instruction == "copy":
            into, _, source = indices.partition("_")
            table, other = self.tables[int(into)], self.tables[int(source)]
            return lambda to, start, length: table.copy(other, to, start, length)
        word = instruction.rstrip("0123456789")
        table = self.tables[int(instruction[len(word) :])]
        if word == "init":
            return lambda segment, to, start, length: table.init(self._segments[segment] or (), to, start, length)
        found: Callable[..., Any] = getattr(table, word)
        return found

    def _grow(self, delta: int) -> int:
        memory = self.memories[0]
        size = memory.grow(delta)
        if size < 0:
            self._refused(memory.pages, delta)
            return 2**32 - 1
        return size

    def _grow_metered(self, delta: int) -> int:
        """Run `memory.grow` at what it costs on wasmtime, with the additions of `instrument`."""
        charge, (before, after) = self.meter.charge, GROWTH_FUEL
        charge(1)
        self.meter.fuel.cell_contents += before
        size = self._grow(delta)
        if size == 2**32 - 1:
            self.meter.fuel.cell_contents += REFUSAL_FUEL
        else:
            charge(delta)
        self.meter.fuel.cell_contents += after
        return size

    def _init_memory(self, segment: int, into: int, start: int, length: int) -> None:
        self.memories[0].init(self._data[segment] or b"", into, start, length)

    def _drop_data(self, segment: int) -> None:
        self._data[segment] = b""

    def _drop_elements(self, segment: int) -> None:
        self._segments[segment] = ()

    # --- constants ---------------------------------------------------------------------------------------------------

    def _items(self, segment: ElementSegment) -> list[Any]:
        reference = self.reference
        return [
            reference(item) if type(item) is int else self._evaluated(item)  # type: ignore[arg-type]
            for item in segment.items
        ]

    def _evaluated(self, expression: Expression) -> Any:
        stack: list[Any] = []
        for opcode, immediate in expression.code:
            if opcode in (op.I32_CONST, op.I64_CONST):
                stack.append(immediate)
            elif opcode == op.F32_CONST:
                stack.append(numerics.f32_of_bits(immediate))  # type: ignore[arg-type]
            elif opcode == op.F64_CONST:
                stack.append(numerics.f64_of_bits(immediate))  # type: ignore[arg-type]
            elif opcode == op.GLOBAL_GET:
                stack.append(self.globals[immediate].cell.cell_contents)  # type: ignore[index]
            elif opcode == op.REF_FUNC:
                stack.append(self.reference(immediate))  # type: ignore[arg-type]
            elif opcode == op.REF_NULL:
                stack.append(None)
            else:
                two, one = stack.pop(), stack.pop()
                modulus = numerics.M32 if opcode < 0x7C else numerics.M64
                kind = opcode - (0x6A if opcode < 0x7C else 0x7C)
                stack.append((one + two, one - two, one * two)[kind] % modulus)
        return stack[0]

    def close(self) -> None:
        """Let go of everything: functions and cells refer to each other."""
        for cells in self._cells:
            for name, cell in cells.items():
                if name[0] != "g" and name[0] != "M":
                    cell.cell_contents = None
            cells.clear()
        for made in self._made:
            made.clear()
        self._functions = {}
        for table in self.tables:
            table.elements.clear()
        self._references.clear()
