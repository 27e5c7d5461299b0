"""A function body as basic blocks: Python statements, and where control goes behind them.

The operand stack exists while translating only. An operand stays an expression until something would make it come out
differently: a statement that changes what it reads, one that must not overtake its trap, or a boundary of blocks, where
every operand lies in a variable of its own (`s0` is the lowest). Locals are `l0`, `l1`, and so on.

A call, and all else that can move or grow the memory, is a statement of its own: no expression ever holds on to a view
of the memory while the memory changes.

Source: WebAssembly Core Specification 2.0, section 4.4 (instructions).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reference_host.engine.code import instructions
from reference_host.engine.purepy import numerics
from reference_host.engine.purepy import opcodes as op
from reference_host.engine.purepy.expressions import (
    BINARY,
    BOOL,
    FLOAT,
    GLOBALS,
    INT,
    LOADS,
    RAW,
    REF,
    TRAPS,
    UNARY,
    Value,
    constant,
    integer,
    is_name,
    plain,
)
from reference_host.engine.purepy.module import Body, WasmModule

LARGEST = 40
"""Operands in one expression: a larger one is kept in a variable."""

PENDING = 64
"""Operands that are waiting: more are kept in variables, so that looking them through stays short."""

STATIC_LENGTH = 128
"""The longest bulk instruction of constant length whose fuel wasmtime takes beforehand and without a look at the budget."""

_KINDS = {op.I32: INT, op.I64: INT, op.F32: FLOAT, op.F64: FLOAT, op.FUNCREF: REF, op.EXTERNREF: REF}
_TOPS = {op.I32: 2**32 - 1, op.I64: 2**64 - 1}
ZEROS = {op.I32: "0", op.I64: "0", op.F32: "0.0", op.F64: "0.0", op.FUNCREF: "None", op.EXTERNREF: "None"}

# What costs no fuel: nop, drop, unreachable, return, and the brackets of structured control, as wasmtime counts.
_FREE = frozenset((op.UNREACHABLE, op.NOP, op.BLOCK, op.LOOP, op.ELSE, op.END, op.RETURN, op.DROP))


@dataclass(frozen=True, slots=True)
class Style:
    """How the code is to be: metering exact or as a guard, memory through typed views or through `struct`."""

    exact: bool
    views: bool

    @property
    def name(self) -> str:
        """A word for file names and keys."""
        return f"{'exact' if self.exact else 'guard'}-{'views' if self.views else 'portable'}"


@dataclass(frozen=True, slots=True)
class Goto:
    """Control goes on in one block."""

    target: Block


@dataclass(frozen=True, slots=True)
class Branch:
    """Control goes on in one of two blocks; `condition` is a Python expression."""

    condition: str
    then: Block
    otherwise: Block
    pure: bool


@dataclass(frozen=True, slots=True)
class Switch:
    """Control goes on in one of many blocks; `index` is a variable or a constant."""

    index: str
    ranges: tuple[tuple[int, Block], ...]
    """The first index of each run of one target, ascending; the last run has no end."""
    targets: tuple[Block, ...]
    """The target of each index; the last one is for all further indices."""
    table: tuple[int, ...] | None = None
    """Where it would be many runs: the indices are of this table, whose entries are indices into `ranges`; the last
    entry is for all further indices."""

    @staticmethod
    def of(index: str, targets: tuple[Block, ...]) -> Switch:
        """Make a switch: `targets[index]`, or the last one."""
        runs: list[tuple[int, Block]] = []
        for at, target in enumerate(targets):
            if not runs or runs[-1][1] is not target:
                runs.append((at, target))
        distinct = list(dict.fromkeys(targets))
        if len(runs) <= len(distinct) + 4:
            return Switch(index, tuple(runs), targets)
        numbers = {target: at for at, target in enumerate(distinct)}
        return Switch(index, tuple(enumerate(distinct)), targets, tuple([numbers[target] for target in targets]))

    def edges(self) -> list[Block]:
        """Name the target of each run."""
        return [target for _, target in self.ranges]


@dataclass(frozen=True, slots=True)
class Leave:
    """The function returns, or traps: the statement does not come back."""

    statement: str


Terminator = Goto | Branch | Switch | Leave


class Loop:
    """A loop of the source; one that nothing branches back to is none."""

    __slots__ = ("head", "outer", "repeats")

    def __init__(self, outer: Loop | None, head: Block) -> None:
        self.outer = outer
        self.head = head
        self.repeats = False


class Block:
    """A basic block; `number` grows along every edge that does not go back to a loop's head."""

    __slots__ = ("end", "lines", "loop", "number", "predecessors", "repeats")

    def __init__(self) -> None:
        self.number = -1
        self.loop: Loop | None = None
        self.lines: list[str] = []
        self.end: Terminator | None = None
        self.predecessors: list[Block] = []
        """The sources of the edges that come from before; one edge, one entry."""
        self.repeats = False
        """Whether it is the head of a loop that is gone through again."""


@dataclass(slots=True)
class Frame:
    """A block of the source that is open."""

    opcode: int
    height: int
    parameters: tuple[int, ...]
    results: tuple[int, ...]
    join: Block | None = None
    """What follows its end, where something branches there."""
    head: Block | None = None
    loop: Loop | None = None
    waiting: Block | None = None
    """Of an `if`: where control goes without the condition, until `else` or `end` says what is there."""

    @property
    def label(self) -> tuple[int, ...]:
        """What a branch to it carries."""
        return self.parameters if self.opcode == op.LOOP else self.results


@dataclass(frozen=True, slots=True)
class Graph:
    """A translated body: its blocks in order, the first is the entry; `names` are the free variables that it uses."""

    blocks: list[Block]
    names: frozenset[str]
    assigned: frozenset[str]
    """Those of them that it assigns."""
    locals: frozenset[int]
    """The locals that it uses."""
    calls: bool
    """Whether it calls functions, so that it can be part of a recursion."""


class BodyTranslator:
    """Translates one body; the module is valid."""

    def __init__(self, module: WasmModule, index: int, style: Style) -> None:
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
        self.used: set[int] = set()
        self.calls = False
        self.frames: list[Frame] = []
        self.loop: Loop | None = None
        self.block: Block = None  # type: ignore[assignment]
        self.reachable = True
        self.cost = 0
        self.entry_cost = 0
        self.checked = False
        self.charged = 0  # the line that takes the fuel of the run of instructions that is being translated
        self.pc = body.start

    # --- blocks ------------------------------------------------------------------------------------------------------

    def _begin(self, block: Block, *, entry: bool = False) -> None:
        block.number = len(self.blocks)
        block.loop = self.loop
        self.blocks.append(block)
        self.block = block
        self.reachable = True
        if entry and self.style.exact:
            self._use("refuel")
        self._start_run(check=entry)

    def _start_run(self, *, check: bool = False) -> None:
        """Begin to count the fuel of a run of instructions; with a check, it is a function entry or a loop's head."""
        self.cost = 0
        self.checked = check
        if self.style.exact:
            self.charged = len(self.block.lines)
            self.block.lines.append("")
            if check:
                self.block.lines.append("")

    def _end_run(self) -> None:
        if not self.style.exact:
            return
        lines, at = self.block.lines, self.charged
        if self.cost:
            self._assign("fuel")
            lines[at] = f"fuel += {self.cost}"
        if self.checked:
            # The check comes before the cost of what follows it.
            own = self.cost - self.entry_cost
            self._use("fuel")
            lines[at + 1] = f"if fuel >= {own}: refuel({own})"
        self.checked = False

    def _terminate(self, end: Terminator) -> None:
        self._end_run()
        self.block.end = end
        self.reachable = False

    def translate(self) -> Graph:
        """Translate the body."""
        self.frames = [Frame(op.BLOCK, 0, (), self.results)]
        self.entry_cost = 1
        self._begin(Block(), entry=True)
        self.cost = 1
        self._walk()
        return Graph(self.blocks, frozenset(self.names), frozenset(self.assigned), frozenset(self.used), self.calls)

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
        if value.size > LARGEST:
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
        self._write(_slot(position), position)
        self._emit(f"{name} = {plain(value)}")
        self.stack[position] = _variable(name, value.kind, value.top, _slot(position))

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
            _variable(f"s{position}", _KINDS[type_], _TOPS.get(type_, 0), _slot(position))
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
        if byte == 0x40 or byte in _KINDS:
            self.pc += 1
            return (), () if byte == 0x40 else (byte,)
        return self.types[self._signed()]

    # --- instructions ------------------------------------------------------------------------------------------------

    def _walk(self) -> None:
        binary, locals_ = self.binary, self.locals
        while self.frames:
            opcode = binary[self.pc]
            self.pc += 1
            if opcode not in _FREE:
                self.cost += 1
            if opcode == op.LOCAL_GET:
                index = self._u32()
                self.used.add(index)
                type_ = locals_[index]
                self._push(Value(f"l{index}", _KINDS[type_], _TOPS.get(type_, 0), 0, 1 << index % 48, 1))
            elif opcode in BINARY:
                two = self._pop()
                one = self._pop()
                self._push(BINARY[opcode](one, two))
            elif opcode == op.I32_CONST:
                self._push(constant(self._signed() % numerics.M32))
            elif opcode == op.LOCAL_SET:
                self._set_local(self._u32(), self._pop())
            elif opcode == op.LOCAL_TEE:
                index = self._u32()
                self._set_local(index, self._pop())
                type_ = locals_[index]
                self._push(Value(f"l{index}", _KINDS[type_], _TOPS.get(type_, 0), 0, 1 << index % 48, 1))
            elif opcode in op.LOADS:
                self._u32()
                self._load(opcode, self._u32())
            elif opcode in op.STORES:
                self._u32()
                self._store(opcode, self._u32())
            elif opcode in UNARY:
                self._push(UNARY[opcode](self._pop()))
            elif opcode == op.I64_CONST:
                self._push(constant(self._signed() % numerics.M64))
            elif opcode == op.PREFIX:
                self._prefixed(self._u32())
            else:
                self._other(opcode)
            if not self.reachable:
                self._skip()

    def _other(self, opcode: int) -> None:  # noqa: C901 - one branch an instruction
        if opcode in (op.BLOCK, op.LOOP, op.IF):
            self._enter(opcode)
        elif opcode == op.ELSE:
            self._else()
        elif opcode == op.END:
            self._end()
        elif opcode == op.BR:
            self._branch(self._u32())
        elif opcode == op.BR_IF:
            self._branch_if(self._u32())
        elif opcode == op.BR_TABLE:
            self._branch_table()
        elif opcode == op.RETURN:
            self._return()
        elif opcode == op.UNREACHABLE:
            self._flush(TRAPS | LOADS)
            self._terminate(Leave("unreachable()"))
        elif opcode == op.CALL:
            index = self._u32()
            self._call(self._use(f"f{index}"), self.types[self.function_types[index]])
        elif opcode == op.CALL_INDIRECT:
            type_, table = self._u32(), self._u32()
            dispatch = self._use(f"D{table}_{self.module.canonical_types[type_]}")
            element = self._pop()
            self._flush(LOADS | TRAPS)  # Python looks the function up before it computes the arguments
            self._call(f"{dispatch}[{integer(element)}]", self.types[type_])
        elif opcode == op.DROP:
            value = self._pop()
            if value.effects & (LOADS | TRAPS):
                self._flush(LOADS | TRAPS)
                self._emit(value.text)
        elif opcode in (op.SELECT, op.SELECT_T):
            if opcode == op.SELECT_T:
                types = self._u32()
                self.pc += types
            self._select()
        elif opcode == op.GLOBAL_GET:
            index = self._u32()
            type_ = self.module.info.globals[index]
            kind = op.TYPE_BYTES[type_.value]
            effects = GLOBALS if type_.mutable else 0
            self._push(Value(self._use(f"g{index}"), _KINDS[kind], _TOPS.get(kind, 0), effects, 0, 1))
        elif opcode == op.GLOBAL_SET:
            name = self._assign(f"g{self._u32()}")
            value = self._pop()
            self._effect(f"{name} = {plain(value)}")
        elif opcode == op.TABLE_GET:
            get = self._use(f"table_get{self._u32()}")
            self._result(f"{get}({integer(self._pop())})", REF, 0)
        elif opcode == op.TABLE_SET:
            put = self._use(f"table_set{self._u32()}")
            value, index_value = self._pop(), self._pop()
            self._effect(f"{put}({integer(index_value)}, {plain(value)})")
        elif opcode == op.MEMORY_SIZE:
            self.pc += 1
            self._result(f"{self._use('memory_size')}()", INT, 65536)
        elif opcode == op.MEMORY_GROW:
            self.pc += 1
            delta = integer(self._pop())
            self._split()
            self._result(f"{self._use('memory_grow')}({delta})", INT, 2**32 - 1)
            self._start_run()
        elif opcode == op.F32_CONST:
            bits = int.from_bytes(self.binary[self.pc : self.pc + 4], "little")
            self.pc += 4
            self._push(_float(numerics.f32_of_bits(bits)))
        elif opcode == op.F64_CONST:
            bits = int.from_bytes(self.binary[self.pc : self.pc + 8], "little")
            self.pc += 8
            self._push(_float(numerics.f64_of_bits(bits)))
        elif opcode == op.REF_NULL:
            self.pc += 1
            self._push(Value("None", REF, 0, 0, 0, 1))
        elif opcode == op.REF_IS_NULL:
            value = self._pop()
            self._push(Value(f"({value.text} is None)", BOOL, 1, value.effects, value.depends, value.size + 1))
        elif opcode == op.REF_FUNC:
            self._push(Value(f"{self._use('ref_func')}({self._u32()})", REF, 0, 0, 0, 1))
        else:
            assert opcode == op.NOP

    def _prefixed(self, number: int) -> None:
        opcode = 0xFC00 + number
        if number < 8:
            self._push(UNARY[opcode](self._pop()))
            return
        immediates = {
            op.MEMORY_INIT: 2, op.DATA_DROP: 1, op.MEMORY_COPY: 2, op.MEMORY_FILL: 1, op.TABLE_INIT: 2,
            op.ELEM_DROP: 1, op.TABLE_COPY: 2, op.TABLE_GROW: 1, op.TABLE_SIZE: 1, op.TABLE_FILL: 1,
        }[number]  # fmt: skip
        indices = [self._u32() for _ in range(immediates)]
        name = op.NAMES[opcode].replace(".", "_")
        if number in (op.DATA_DROP, op.ELEM_DROP):
            self._effect(f"{self._use(name)}({indices[0]})")
        elif number == op.TABLE_SIZE:
            self._result(f"{self._use(f'table_size{indices[0]}')}()", INT, 2**32 - 1)
        elif number == op.TABLE_GROW:
            delta, value = self._pop(), self._pop()
            name = self._bulk(f"{name}{indices[0]}", delta)
            self._result(f"{name}({plain(value)}, {integer(delta)})", INT, 2**32 - 1)
            self._start_run()
        else:
            three, two, one = self._pop(), self._pop(), self._pop()
            arguments = [integer(one), plain(two), integer(three)]
            if number in (op.MEMORY_INIT, op.TABLE_INIT):
                arguments.insert(0, str(indices[0]))
            if number in (op.TABLE_FILL, op.TABLE_INIT):
                name += str(indices[-1])
            if number == op.TABLE_COPY:
                name += f"_{indices[0]}_{indices[1]}"
            self._effect(f"{self._bulk(name, three)}({', '.join(arguments)})")
            self._start_run()

    def _bulk(self, name: str, length: Value) -> str:
        """Give the name of what runs a bulk instruction, and take its fuel.

        A length that is a small constant is part of the run, whatever becomes of the instruction, as wasmtime counts.
        """
        if length.number is not None and length.number <= STATIC_LENGTH:
            self.cost += length.number
            name = f"flat_{name}"
        self._split()
        return self._use(name)

    def _split(self) -> None:
        """End a run before something that looks at the fuel: what is taken until here has to be exact."""
        self._flush(LOADS | TRAPS | GLOBALS)
        self._end_run()

    def _result(self, text: str, kind: int, top: int) -> None:
        """Emit a statement that computes one value which cannot wait."""
        self._flush(LOADS | TRAPS | GLOBALS)
        position = len(self.stack)
        self._write(_slot(position))
        self._emit(f"s{position} = {text}")
        self._push(_variable(f"s{position}", kind, top, _slot(position)))

    def _set_local(self, index: int, value: Value) -> None:
        effects = value.effects & (LOADS | TRAPS)
        if effects:
            self._flush(TRAPS if effects == LOADS else LOADS | TRAPS)
        self.used.add(index)
        self._write(1 << index % 48)
        lines = self.block.lines
        text = plain(value)
        if lines and text[0] == "s" and lines[-1].startswith(f"{text} = ") and is_name(value):
            lines[-1] = f"l{index}{lines[-1][len(text) :]}"  # the variable of the place is not read again
        elif text != f"l{index}":
            lines.append(f"l{index} = {text}")

    def _select(self) -> None:
        condition, two, one = self._pop(), self._pop(), self._pop()
        position = len(self.stack)
        if one.effects & (LOADS | TRAPS) or two.effects & (LOADS | TRAPS):
            # Both operands are computed, whichever is taken.
            self.stack += [one, two, condition]
            self._keep(position)
            self._keep(position + 1)
            condition, two, one = self._pop(), self._pop(), self._pop()
        text = f"({plain(one)} if {condition.text} else {plain(two)})"
        effects = one.effects | two.effects | condition.effects
        depends = one.depends | two.depends | condition.depends
        kind = one.kind if one.kind in (REF, FLOAT) else FLOAT if one.kind == RAW else INT
        self._push(Value(text, kind, max(one.top, two.top), effects, depends, one.size + two.size + condition.size + 1))

    # --- memory ------------------------------------------------------------------------------------------------------

    def _address(self, value: Value, offset: int) -> str:
        if value.number is not None:
            return str(value.number + offset)
        return f"{integer(value)} + {offset}" if offset else integer(value)

    def _load(self, opcode: int, offset: int) -> None:
        type_, width = op.LOADS[opcode]
        value = self._pop()
        effects, depends, size = value.effects | LOADS, value.depends, value.size + 1
        if type_ == op.F32:
            if not is_name(value):
                value = self._named(value)
                effects, depends, size = value.effects | LOADS, value.depends, 2
            address = self._address(value, offset)
            text = f"(c if (c := {self._read('f', address)}) == c else f32_of_bits({self._read('I', address)}))"
            self._push(Value(text, FLOAT, 0, effects, depends, size + 4))
            return
        address = self._address(value, offset)
        if type_ == op.F64:
            self._push(Value(self._read("d", address), FLOAT, 0, effects, depends, size))
            return
        bits = 32 if type_ == op.I32 else 64
        signed = op.NAMES[opcode].endswith("_s")
        code = {1: "B", 2: "H", 4: "I", 8: "Q"}[width]
        if signed:
            text = f"({self._read(code.lower(), address)} % {1 << bits})"
            top = (1 << bits) - 1
        else:
            text, top = self._read(code, address), (1 << 8 * width) - 1
        self._push(Value(text, INT, top, effects, depends, size))

    def _read(self, code: str, address: str) -> str:
        if self.style.views or code == "B":
            return f"{self._use('M' + code)}[{address}]"
        return f"R{code}({self._use('MB')}, {address})[0]"

    def _store(self, opcode: int, offset: int) -> None:
        type_, width = op.STORES[opcode]
        value, address = self._pop(), self._pop()
        both = value.effects & (LOADS | TRAPS), address.effects & (LOADS | TRAPS)
        if all(both) and TRAPS & (both[0] | both[1]):
            # Python computes the value before the address.
            self.stack += [address, value]
            self._keep(len(self.stack) - 2)
            value, address = self._pop(), self._pop()
        self._flush(LOADS | TRAPS)
        if type_ == op.F32:
            position = len(self.stack)
            if not is_name(address) or not is_name(value):
                self.stack += [address, value]
                self._keep(position)
                self._keep(position + 1)
                value, address = self._pop(), self._pop()
            where = self._address(address, offset)
            self._emit(f"if {value.text} == {value.text}: {self._written('f', where, value.text)}")
            self._emit(f"else: {self._written('I', where, f'f32_bits({value.text})')}")
            return
        where = self._address(address, offset)
        text = plain(value)
        if type_ == op.F64:
            self._emit(self._written("d", where, text))
            return
        if value.top >= 1 << 8 * width:
            if value.number is not None:
                text = str(value.number % (1 << 8 * width))
            elif width < 3:
                text = f"{text} & {(1 << 8 * width) - 1}"
            else:
                text = f"{text} % {1 << 8 * width}"
        self._emit(self._written({1: "B", 2: "H", 4: "I", 8: "Q"}[width], where, text))

    def _written(self, code: str, address: str, text: str) -> str:
        if self.style.views or code == "B":
            return f"{self._use('M' + code)}[{address}] = {text}"
        return f"W{code}({self._use('MB')}, {address}, {text})"

    # --- calls -------------------------------------------------------------------------------------------------------

    def _call(self, function: str, type_: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
        takes, gives = type_
        self.calls = True
        arguments: list[str] = []
        if takes:
            first = len(self.stack) - len(takes)
            if self.clean < first:
                self._flush(LOADS | TRAPS | GLOBALS, first)
            arguments = [plain(value) for value in self.stack[first:]]
            del self.stack[first:]
            self.clean = min(self.clean, first)
        self._flush(LOADS | TRAPS | GLOBALS)
        self._end_run()
        text = f"{function}({', '.join(arguments)})"
        position = len(self.stack)
        for at in range(len(gives)):
            self._write(_slot(position + at))
        if gives:
            targets = ", ".join(f"s{position + at}" for at in range(len(gives)))
            text = f"{targets} = {text}"
        self._emit(text)
        for at, kind in enumerate(gives, position):
            self._push(_variable(f"s{at}", _KINDS[kind], _TOPS.get(kind, 0), _slot(at)))
        self._start_run()

    # --- control -----------------------------------------------------------------------------------------------------

    def _enter(self, opcode: int) -> None:
        parameters, results = self._block_type()
        condition = self._pop() if opcode == op.IF else None
        self._settle()
        frame = Frame(opcode, len(self.stack) - len(parameters), parameters, results)
        self.frames.append(frame)
        if opcode == op.BLOCK:
            return
        self._carry(frame.height, parameters)
        self._slots(frame.height, parameters)
        if opcode == op.LOOP:
            head = Block()
            self._goto(head)
            self.loop = frame.loop = Loop(self.loop, head)
            frame.head = head
            self.entry_cost = 0
            self._begin(head, entry=True)
            return
        assert condition is not None
        then, frame.waiting = Block(), Block()
        self._fork(condition, then, frame.waiting)
        self._begin(then)

    def _fork(self, condition: Value, then: Block, otherwise: Block) -> None:
        for target in (then, otherwise):
            self._edge(target)
        pure = not condition.effects & (LOADS | TRAPS)
        self._terminate(Branch(condition.text, then, otherwise, pure))

    def _edge(self, target: Block) -> None:
        if target.number < 0:  # a loop's head has begun already, and an edge to it goes back
            target.predecessors.append(self.block)

    def _goto(self, target: Block) -> None:
        self._edge(target)
        self._terminate(Goto(target))

    def _carry(self, height: int, types: Sequence[int]) -> None:
        """Put the uppermost operands into the variables from place `height` on; they stay on the stack as they are."""
        count = len(types)
        if not count:
            return
        first = len(self.stack) - count
        moves = [
            (f"s{height + at}", plain(value))
            for at, value in enumerate(self.stack[first:])
            if value.text != f"s{height + at}"
        ]
        if moves:
            self._emit(f"{', '.join([target for target, _ in moves])} = {', '.join([text for _, text in moves])}")

    def _label(self, depth: int) -> tuple[Frame, Block]:
        """Give the frame and the block that a branch goes to; the block of a function's end is never begun."""
        frame = self.frames[-1 - depth]
        if frame.opcode == op.LOOP:
            assert frame.loop is not None
            assert frame.head is not None
            frame.loop.repeats = frame.head.repeats = True
            return frame, frame.head
        if frame.join is None:
            frame.join = Block()
        return frame, frame.join

    def _leaves(self, depth: int) -> bool:
        return depth == len(self.frames) - 1

    def _branch(self, depth: int) -> None:
        if self._leaves(depth):
            self._return()
            return
        frame, target = self._label(depth)
        self._flush(LOADS | TRAPS, len(self.stack) - len(frame.label))
        self._carry(frame.height, frame.label)
        self._goto(target)

    def _branch_if(self, depth: int) -> None:
        condition = self._pop()
        self._flush(LOADS | TRAPS)
        after = Block()
        leaves = self._leaves(depth)
        types = self.results if leaves else self._label(depth)[0].label
        if not leaves and not types:
            self._fork(condition, self._label(depth)[1], after)
        else:
            edge = Block()
            self._fork(condition, edge, after)
            self._on_edge(edge, depth)
        self._begin(after)

    def _on_edge(self, edge: Block, depth: int) -> None:
        """Translate what happens between a conditional branch and its target; the operands stay for the other way."""
        stack, clean = self.stack, self.clean
        self.stack = list(stack)
        self._begin(edge)
        self._branch(depth)
        self.stack, self.clean = stack, clean

    def _branch_table(self) -> None:
        depths = [self._u32() for _ in range(self._u32() + 1)]
        index = self._pop()
        self._flush(LOADS | TRAPS)
        if not is_name(index):
            index = self._named(index)
        arms: dict[int, Block] = {}
        edges: list[tuple[Block, int]] = []
        for depth in dict.fromkeys(depths):
            leaves = self._leaves(depth)
            types = self.results if leaves else self._label(depth)[0].label
            if leaves or types:
                arms[depth] = Block()
                edges.append((arms[depth], depth))
            else:
                arms[depth] = self._label(depth)[1]
        targets = tuple([arms[depth] for depth in depths])
        switch = Switch.of(index.text, targets)
        for target in switch.edges():
            self._edge(target)
        self._terminate(switch)
        for edge, depth in edges:
            self._on_edge(edge, depth)
        self.reachable = False

    def _return(self) -> None:
        count = len(self.results)
        first = len(self.stack) - count
        self._flush(LOADS | TRAPS, first)
        values = [plain(value) for value in self.stack[first:]] if count else []
        text = f"return ({', '.join(values)})" if count > 1 else f"return {values[0]}" if values else "return"
        self._terminate(Leave(text))

    def _else(self) -> None:
        frame = self.frames[-1]
        self._to_join(frame)
        assert frame.waiting is not None
        waiting, frame.waiting = frame.waiting, None
        self._slots(frame.height, frame.parameters)
        self._begin(waiting)

    def _to_join(self, frame: Frame) -> None:
        if self.reachable:
            if frame.join is None:
                frame.join = Block()
            self._flush(LOADS | TRAPS, len(self.stack) - len(frame.results))
            self._carry(frame.height, frame.results)
            self._goto(frame.join)

    def _end(self) -> None:
        frame = self.frames[-1]
        if len(self.frames) == 1:
            if self.reachable:
                self._return()
            self.frames.pop()
            return
        if frame.opcode == op.LOOP:
            assert frame.loop is not None
            if self.reachable and frame.loop.repeats:
                self._carry(frame.height, frame.results)
                self._slots(frame.height, frame.results)
                behind = Block()
                self._goto(behind)
                self.loop = frame.loop.outer
                self._begin(behind)
            self.loop = frame.loop.outer
        elif frame.waiting is not None:
            self._else()
            self._to_join(frame)
        elif frame.join is not None:
            self._to_join(frame)
        self.frames.pop()
        if frame.join is not None:
            self._slots(frame.height, frame.results)
            self._begin(frame.join)

    def _skip(self) -> None:
        """Pass over code that cannot be reached, up to where control can come in again."""
        while not self.reachable and self.frames:
            depth = 0
            for at, opcode in instructions(self.binary, self.pc, self.body.end):
                if opcode in (op.BLOCK, op.LOOP, op.IF):
                    depth += 1
                elif opcode == op.END and depth:
                    depth -= 1
                elif opcode in (op.ELSE, op.END) and not depth:
                    self.pc = at + 1
                    self._else() if opcode == op.ELSE else self._end()
                    break


def _expanded(body: Body) -> list[int]:
    return [type_ for count, type_ in body.locals for _ in range(count)]


def _slot(position: int) -> int:
    """Give the bit of a place's variable; bits are shared, which costs a needless copy now and then."""
    return 1 << 48 + position % 16


def _variable(name: str, kind: int, top: int, bit: int) -> Value:
    return Value(name, INT if kind == BOOL else FLOAT if kind == RAW else kind, top, 0, bit, 1)


def _float(value: float) -> Value:
    if value != value:
        bits = numerics.f64_bits(value)
        return Value("NAN" if bits == 0x7FF8_0000_0000_0000 else f"f64_of_bits({bits})", FLOAT, 0, 0, 0, 1)
    if value in (numerics.INF, -numerics.INF):
        return Value("INF" if value > 0 else "(-INF)", FLOAT, 0, 0, 0, 1)
    return Value(f"({value!r})", FLOAT, 0, 0, 0, 1)
