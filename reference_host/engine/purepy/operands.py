"""The operand stack while a body is translated, and the statements of the block that is being written.

The operand stack exists while translating only. An operand stays an expression until something would make it come out
differently: a statement that changes what it reads, one that must not overtake its trap, or a boundary of blocks, where
every operand lies in a variable of its own (`s0` is the lowest). Locals are `l0`, `l1`, and so on.

Fuel is taken at the start of each run of instructions that nothing leaves in the middle, before anything looks at it.

Source: WebAssembly Core Specification 2.0, section 4.4 (instructions); wasmtime's way of counting fuel.
"""

from __future__ import annotations

from collections.abc import Sequence

from reference_host.engine.purepy import opcodes as op
from reference_host.engine.purepy.expressions import (
    BOOL,
    FLOAT,
    GLOBALS,
    INT,
    LOADS,
    RAW,
    REF,
    TRAPS,
    Bounds,
    Value,
    plain,
)
from reference_host.engine.purepy.graph import Block, Charge, Frame, Goto, Loop, Style, Terminator
from reference_host.engine.purepy.known import LOCALS, Known, Loops, memory_top
from reference_host.engine.purepy.module import Body, WasmModule

LARGEST = 40
"""Operands in one expression: a larger one is kept in a variable."""

PENDING = 64
"""Operands that are waiting: more are kept in variables, so that looking them through stays short."""

KINDS = {op.I32: INT, op.I64: INT, op.F32: FLOAT, op.F64: FLOAT, op.FUNCREF: REF, op.EXTERNREF: REF}
TOPS = {op.I32: 2**32 - 1, op.I64: 2**64 - 1}
ZEROS = {op.I32: "0", op.I64: "0", op.F32: "0.0", op.F64: "0.0", op.FUNCREF: "None", op.EXTERNREF: "None"}


class Operands:
    """What is known while a body is translated."""

    def __init__(self, module: WasmModule, index: int, style: Style, largest: int = LARGEST) -> None:
        self.largest = largest
        self.module = module
        self.style = style
        self.binary = module.binary
        self.types = module.signatures
        self.function_types = module.info.functions
        parameters, self.results = self.types[module.info.functions[index]]
        body = module.bodies[index - module.imported_functions]
        self.locals = [*parameters, *_expanded(body)]
        self.body = body
        self.blocks: list[Block] = []
        self.stack: list[Value] = []
        self.clean = 0  # so many of the lowest operands are variables or constants
        self.names: set[str] = set()
        self.assigned: set[str] = set()
        self.parameters = len(parameters)
        self.unset: set[int] = set()  # locals that may be read before they are assigned
        self.set = 0  # bits: locals that have been assigned on every way to here
        self.tops: dict[int, int] = {}  # upper bounds of locals
        self.loops = Loops(module.binary, body.start, body.end)
        self.memory_top = memory_top(module)
        self.frames: list[Frame] = []
        self.loop: Loop | None = None
        self.block: Block = None  # type: ignore[assignment]
        self.reachable = True
        self.cost = 0
        self.entry_cost = 0
        self.checked = False
        self.pc = body.start

    # --- blocks ------------------------------------------------------------------------------------------------------

    def _begin(self, block: Block, *, entry: bool = False) -> None:
        block.number = len(self.blocks)
        block.loop = self.loop
        self.blocks.append(block)
        self.block = block
        if block.known is not None:
            self.set, self.tops = block.known.assigned, dict(block.known.tops)
        self.reachable = True
        if entry and self.style.exact:
            self._use("refuel")
        self._start_run(check=entry)

    def _start_run(self, *, check: bool = False) -> None:
        """Begin to count the fuel of a run of instructions; with a check, it is a function entry or a loop's head."""
        self.cost = 0
        self.checked = check
        if self.style.exact:
            self.block.charges.append(Charge(len(self.block.lines)))
            self.block.lines.append("")
            if check:
                self.block.lines.append("")

    def _end_run(self) -> None:
        if not self.style.exact:
            return
        charge = self.block.charges[-1]
        charge.cost = self.cost
        if self.cost:
            self._assign("fuel")
        if self.checked:
            charge.own = self.cost - self.entry_cost
            self._use("fuel")
        self.checked = False

    def _terminate(self, end: Terminator) -> None:
        self._end_run()
        self.block.end = end
        self.reachable = False

    def _edge(self, target: Block, bounds: Bounds = ()) -> None:
        """Add an edge; `bounds` hold where control takes it."""
        if target.number >= 0:  # a loop's head has begun already, and an edge to it goes back
            return
        target.predecessors.append(self.block)
        known = Known(self.set, self.tops)
        for index, top in bounds:
            if index < LOCALS and top < self._top(index):
                known = Known(self.set, known.tops | {index: top})
        target.known = known if target.known is None else target.known.met(known)

    def _goto(self, target: Block) -> None:
        self._edge(target)
        self._terminate(Goto(target))

    # --- locals ------------------------------------------------------------------------------------------------------

    def _top(self, index: int) -> int:
        return self.tops.get(index, TOPS.get(self.locals[index], 0))

    def _local(self, index: int) -> Value:
        """Give the operand that is a local's value."""
        if index >= self.parameters and not (index < LOCALS and self.set >> index & 1):
            self.unset.add(index)
        return Value(f"l{index}", KINDS[self.locals[index]], self._top(index), 0, 1 << index % 48, 1)

    def _learn(self, index: int, top: int) -> None:
        """A local has been assigned a value of at most `top`."""
        if index < LOCALS:
            self.set |= 1 << index
            self.tops.pop(index, None)
            self._bound(index, top)

    def _bound(self, index: int, top: int) -> None:
        """A local turns out to be at most `top`."""
        if index < LOCALS and top < self._top(index):
            self.tops[index] = top

    # --- the stack ---------------------------------------------------------------------------------------------------

    def _use(self, name: str) -> str:
        self.names.add(name)
        return name

    def _assign(self, name: str) -> str:
        self.names.add(name)
        self.assigned.add(name)
        return name

    def _emit(self, line: str) -> None:
        self.block.lines.append(line)

    def _push(self, value: Value) -> None:
        stack = self.stack
        if value.size > self.largest:
            stack.append(value)
            self._keep(len(stack) - 1)
            return
        stack.append(value)
        if len(stack) - self.clean > PENDING:
            for position in range(self.clean, self.clean + PENDING // 2):
                self._keep(position)
            self.clean += PENDING // 2

    def _pop(self) -> Value:
        value = self.stack.pop()
        if len(self.stack) < self.clean:
            self.clean = len(self.stack)
        return value

    def _keep(self, position: int) -> None:
        """Compute an operand now, into the variable of its place."""
        value = self.stack[position]
        name = f"s{position}"
        if value.number is not None or value.text == name:
            return
        if value.effects & (LOADS | TRAPS):
            self._flush(TRAPS if value.effects == LOADS else LOADS | TRAPS, position)
        self._write(slot(position), position)
        self._emit(f"{name} = {plain(value)}")
        self.stack[position] = variable(name, value.kind, value.top, slot(position))

    def _flush(self, effects: int, below: int | None = None) -> None:
        """Compute the waiting operands that have one of the effects, the lowest first."""
        for position in range(self.clean, len(self.stack) if below is None else below):
            if self.stack[position].effects & effects:
                self._keep(position)

    def _write(self, bit: int, below: int | None = None) -> None:
        """Compute the waiting operands that read a variable which is about to change."""
        for position in range(self.clean, len(self.stack) if below is None else below):
            value = self.stack[position]
            if value.depends & bit and value.text != f"s{position}":
                self._keep(position)

    def _settle(self) -> None:
        """Compute all waiting operands: a boundary of blocks."""
        for position in range(self.clean, len(self.stack)):
            self._keep(position)
        self.clean = len(self.stack)

    def _slots(self, height: int, types: Sequence[int]) -> None:
        """Put variables on the stack for what a block takes or gives."""
        del self.stack[height:]
        self.stack.extend(
            variable(f"s{position}", KINDS[type_], TOPS.get(type_, 0), slot(position))
            for position, type_ in enumerate(types, height)
        )
        self.clean = len(self.stack)

    def _effect(self, text: str) -> None:
        """Emit a statement that changes memory, tables, globals, or that may trap; nothing that waits is overtaken."""
        self._flush(LOADS | TRAPS | GLOBALS)
        self._emit(text)

    def _named(self, value: Value) -> Value:
        """Compute a popped operand now, so that it can be written twice."""
        self.stack.append(value)
        self._keep(len(self.stack) - 1)
        return self._pop()

    # --- immediates --------------------------------------------------------------------------------------------------

    def _u32(self) -> int:
        binary, pc = self.binary, self.pc
        byte = binary[pc]
        pc += 1
        if byte < 128:
            self.pc = pc
            return byte
        result, shift = byte & 0x7F, 7
        while True:
            byte = binary[pc]
            pc += 1
            result |= (byte & 0x7F) << shift
            if byte < 128:
                self.pc = pc
                return result
            shift += 7

    def _signed(self) -> int:
        binary, pc = self.binary, self.pc
        result = shift = 0
        while True:
            byte = binary[pc]
            pc += 1
            result |= (byte & 0x7F) << shift
            shift += 7
            if byte < 128:
                self.pc = pc
                return result - (1 << shift) if byte & 0x40 else result

    def _block_type(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        byte = self.binary[self.pc]
        if byte == 0x40 or byte in KINDS:
            self.pc += 1
            return (), () if byte == 0x40 else (byte,)
        return self.types[self._signed()]


def _expanded(body: Body) -> list[int]:
    return [type_ for count, type_ in body.locals for _ in range(count)]


def slot(position: int) -> int:
    """Give the bit of a place's variable; bits are shared, which costs a needless copy now and then."""
    return 1 << 48 + position % 16


def variable(name: str, kind: int, top: int, bit: int) -> Value:
    """Make the operand that is a variable's value."""
    return Value(name, INT if kind == BOOL else FLOAT if kind == RAW else kind, top, 0, bit, 1)
