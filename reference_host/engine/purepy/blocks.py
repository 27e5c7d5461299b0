"""A function body, instruction by instruction.

A call, and all else that can move or grow the memory, is a statement of its own: no expression ever holds on to a view
of the memory while the memory changes.

Source: WebAssembly Core Specification 2.0, section 4.4 (instructions).
"""

from __future__ import annotations

from reference_host.engine.instrument import STATIC_LENGTH
from reference_host.engine.purepy import charges, numerics
from reference_host.engine.purepy import opcodes as op
from reference_host.engine.purepy.control import Control
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
from reference_host.engine.purepy.graph import Block, Frame, Graph, Leave
from reference_host.engine.purepy.operands import KINDS, TOPS, slot, variable

MAX_OFFSET = 256
"""Offsets below which accesses go through views of their own; all of them are made anew when the memory grows."""

# What costs no fuel: nop, drop, unreachable, return, and the brackets of structured control, as wasmtime counts.
_FREE = frozenset((op.UNREACHABLE, op.NOP, op.BLOCK, op.LOOP, op.ELSE, op.END, op.RETURN, op.DROP))


class BodyTranslator(Control):
    """Translates one body; the module is valid."""

    def translate(self) -> Graph:
        """Translate the body."""
        self.frames = [Frame(op.BLOCK, 0, (), self.results)]
        self.entry_cost = 1
        self._begin(Block(), entry=True)
        self.cost = 1
        self._walk()
        if self.style.exact:
            charges.merge(self.blocks)
            charges.write(self.blocks)
        return Graph(self.blocks, frozenset(self.names), frozenset(self.assigned), frozenset(self.unset))

    # --- instructions ------------------------------------------------------------------------------------------------

    def _walk(self) -> None:
        binary = self.binary
        while self.frames:
            opcode = binary[self.pc]
            self.pc += 1
            if opcode not in _FREE:
                self.cost += 1
            if opcode == op.LOCAL_GET:
                self._push(self._local(self._u32()))
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
                self._push(self._local(index))
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

    def _other(self, opcode: int) -> None:
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
            global_ = self.module.info.globals[index]
            kind = op.TYPE_BYTES[global_.value]
            effects = GLOBALS if global_.mutable else 0
            self._push(Value(self._use(f"g{index}"), KINDS[kind], TOPS.get(kind, 0), effects, 0, 1))
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
        self._write(slot(position))
        self._emit(f"s{position} = {text}")
        self._push(variable(f"s{position}", kind, top, slot(position)))

    def _set_local(self, index: int, value: Value) -> None:
        effects = value.effects & (LOADS | TRAPS)
        if effects:
            self._flush(TRAPS if effects == LOADS else LOADS | TRAPS)
        self._write(1 << index % 48)
        self._learn(index, value.top)
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

    def _address(self, value: Value, offset: int) -> tuple[str, str]:
        """Give what is written behind the name of a view, and the index into that view.

        A view that begins at the offset saves the addition, which is a third of what an access costs.
        """
        if value.number is not None:
            return "", str(value.number + offset)
        if 0 < offset < MAX_OFFSET:
            return f"_{offset}", integer(value)
        return "", f"{integer(value)} + {offset}" if offset else integer(value)

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
        self._accessed(value, offset + width)
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

    def _accessed(self, address: Value, end: int) -> None:
        """Learn from an access: where it does not trap, the bytes before `address + end` are in the memory.

        The access may still be waiting. Nothing that can be seen from outside overtakes it, so what is computed from
        its bounds in the meantime is never looked at should it trap.
        """
        if address.local is not None:
            self._bound(address.local, max(self.memory_top - end, 0))

    def _read(self, code: str, address: tuple[str, str]) -> str:
        start, index = address
        if self.style.views or code == "B":
            return f"{self._use(f'M{code}{start}')}[{index}]"
        return f"R{code}({self._use(f'MB{start}')}, {index})[0]"

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
        self._accessed(address, offset + width)
        text = plain(value)
        if type_ == op.F64:
            self._emit(self._written("d", where, text))
            return
        if value.top >= 1 << 8 * width:
            if value.number is not None:
                text = str(value.number % (1 << 8 * width))
            elif width < 3:
                text = f"{f'({value.raw})' if value.raw else text} & {(1 << 8 * width) - 1}"
            else:
                text = f"{text} % {1 << 8 * width}"
        self._emit(self._written({1: "B", 2: "H", 4: "I", 8: "Q"}[width], where, text))

    def _written(self, code: str, address: tuple[str, str], text: str) -> str:
        start, index = address
        if self.style.views or code == "B":
            return f"{self._use(f'M{code}{start}')}[{index}] = {text}"
        return f"W{code}({self._use(f'MB{start}')}, {index}, {text})"

    # --- calls -------------------------------------------------------------------------------------------------------

    def _call(self, function: str, type_: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
        takes, gives = type_
        self.block.calls += 1
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
            self._write(slot(position + at))
        if gives:
            targets = ", ".join(f"s{position + at}" for at in range(len(gives)))
            text = f"{targets} = {text}"
        self._emit(text)
        for at, kind in enumerate(gives, position):
            self._push(variable(f"s{at}", KINDS[kind], TOPS.get(kind, 0), slot(at)))
        self._start_run()


def _float(value: float) -> Value:
    if value != value:
        bits = numerics.f64_bits(value)
        return Value("NAN" if bits == 0x7FF8_0000_0000_0000 else f"f64_of_bits({bits})", FLOAT, 0, 0, 0, 1)
    if value in (numerics.INF, -numerics.INF):
        return Value("INF" if value > 0 else "(-INF)", FLOAT, 0, 0, 0, 1)
    return Value(f"({value!r})", FLOAT, 0, 0, 0, 1)
