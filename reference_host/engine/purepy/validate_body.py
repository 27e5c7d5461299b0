"""Proves a function body valid, in one pass, with a stack of types and a stack of control frames.

The pass is written for speed: instructions whose operands are there are dealt with in place; what is not as it should
be, and code that cannot be reached, goes through `_pop`, which follows the specification to the letter.

Source: WebAssembly Core Specification 2.0, sections 3.3 (instructions) and 5.4 (their binary format).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from reference_host.engine.purepy import opcodes as op
from reference_host.engine.purepy.immediates import signed, u32, value_type, zero
from reference_host.engine.purepy.module import Body
from reference_host.engine.purepy.validate_stacks import UNKNOWN, Stacks, Types
from reference_host.errors import MalformedModule, UnsupportedModule

# What to do with an opcode, in the order of how often code has it.
_UNARY, _BINARY, _LOAD, _STORE = 1, 2, 3, 4

_KIND = [0] * 256
_FIRST = [0] * 256
_RESULT = [0] * 256
_WIDTH = [0] * 256
for _opcode, (_takes, _gives) in op.NUMERIC.items():
    if _opcode < 256:
        _KIND[_opcode], _FIRST[_opcode], _RESULT[_opcode] = len(_takes), _takes[0], _gives
for _opcode, (_type, _width) in op.LOADS.items():
    _KIND[_opcode], _RESULT[_opcode], _WIDTH[_opcode] = _LOAD, _type, _width.bit_length() - 1
for _opcode, (_type, _width) in op.STORES.items():
    _KIND[_opcode], _FIRST[_opcode], _WIDTH[_opcode] = _STORE, _type, _width.bit_length() - 1


@dataclass(frozen=True, slots=True)
class Context:
    """What a body can refer to; types are bytes of the binary format."""

    binary: bytes
    types: Sequence[tuple[Types, Types]]
    functions: Sequence[tuple[Types, Types]]
    tables: Sequence[int]
    memories: int
    globals: Sequence[tuple[int, bool]]
    elements: Sequence[int]
    data: int
    data_count: int | None
    declared: Collection[int]
    """The functions that `ref.func` may name."""


class BodyValidator(Stacks):
    """Checks the bodies of one module."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.context = context
        self.binary = context.binary

    def check(self, index: int, body: Body) -> None:
        """Check the body of function `index`. Raises a `ModuleError`."""
        parameters, results = self.context.functions[index]
        types = list(parameters)
        for count, type_ in body.locals:
            types += [type_] * count
        self._open(index, results)
        try:
            end = self._walk(body.start, body.end, types)
        except IndexError:
            raise MalformedModule("unexpected end of a function body", body.end) from None
        if end != body.end:
            where = "before" if end < body.end else "behind"
            raise MalformedModule(f"function {index} ends {where} the end of its body", min(end, body.end))

    # --- the pass ----------------------------------------------------------------------------------------------------

    def _walk(self, pc: int, end: int, types: list[int]) -> int:
        binary, stack, context = self.binary, self.stack, self.context
        push = stack.append
        memory = context.memories > 0
        count = len(types)
        while True:
            self.at = at = pc
            opcode = binary[pc]
            pc += 1
            if opcode == 0x20:  # local.get
                index = binary[pc]
                pc += 1
                if index > 127:
                    index, pc = u32(binary, pc - 1)
                if index >= count:
                    raise self._invalid(f"unknown local {index}", opcode)
                push(types[index])
                continue
            kind = _KIND[opcode]
            if kind == _BINARY:
                type_ = _FIRST[opcode]
                if stack[-1] == type_ and stack[-2] == type_:
                    del stack[-1]
                    stack[-1] = _RESULT[opcode]
                else:
                    self._pop(type_, opcode)
                    self._pop(type_, opcode)
                    push(_RESULT[opcode])
            elif kind == _LOAD:
                align = binary[pc]
                offset = binary[pc + 1]
                pc += 2
                if align > 127 or offset > 127:
                    align, pc = u32(binary, pc - 2)
                    _, pc = u32(binary, pc)
                if align > _WIDTH[opcode] or not memory:
                    raise self._access(align, opcode)
                if stack[-1] == 0x7F:
                    stack[-1] = _RESULT[opcode]
                else:
                    self._pop(0x7F, opcode)
                    push(_RESULT[opcode])
            elif opcode == 0x41:  # i32.const
                if binary[pc] < 128:
                    pc += 1
                else:
                    _, pc = signed(binary, pc, 32)
                push(0x7F)
            elif opcode == 0x21 or opcode == 0x22:  # local.set, local.tee
                index = binary[pc]
                pc += 1
                if index > 127:
                    index, pc = u32(binary, pc - 1)
                if index >= count:
                    raise self._invalid(f"unknown local {index}", opcode)
                type_ = types[index]
                if stack[-1] == type_:
                    if opcode == 0x21:
                        del stack[-1]
                else:
                    self._pop(type_, opcode)
                    if opcode == 0x22:
                        push(type_)
            elif kind == _STORE:
                align = binary[pc]
                offset = binary[pc + 1]
                pc += 2
                if align > 127 or offset > 127:
                    align, pc = u32(binary, pc - 2)
                    _, pc = u32(binary, pc)
                if align > _WIDTH[opcode] or not memory:
                    raise self._access(align, opcode)
                type_ = _FIRST[opcode]
                if stack[-1] == type_ and stack[-2] == 0x7F:
                    del stack[-2:]
                else:
                    self._pop(type_, opcode)
                    self._pop(0x7F, opcode)
            elif kind == _UNARY:
                if stack[-1] == _FIRST[opcode]:
                    stack[-1] = _RESULT[opcode]
                else:
                    self._pop(_FIRST[opcode], opcode)
                    push(_RESULT[opcode])
            elif opcode == 0x0B:  # end
                if self._end():
                    return pc
            elif opcode == 0x0D:  # br_if
                depth, pc = u32(binary, pc)
                label = self._label(depth, opcode)
                self._pop(0x7F, opcode)
                if label:
                    self._pop_all(label, opcode)
                    stack.extend(label)
            elif opcode == 0x0C:  # br
                depth, pc = u32(binary, pc)
                self._pop_all(self._label(depth, opcode), opcode)
                self._unreachable()
            elif opcode == 0x10:  # call
                index, pc = u32(binary, pc)
                if index >= len(context.functions):
                    raise self._invalid(f"unknown function {index}", opcode)
                takes, gives = context.functions[index]
                self._pop_all(takes, opcode)
                stack.extend(gives)
            elif opcode == 0x42:  # i64.const
                _, pc = signed(binary, pc, 64)
                push(op.I64)
            else:
                pc = self._rare(opcode, pc, at, end)

    def _rare(self, opcode: int, pc: int, at: int, end: int) -> int:
        binary, stack, context = self.binary, self.stack, self.context
        if opcode in (op.BLOCK, op.LOOP, op.IF):
            parameters, results, pc = self._block_type(pc)
            if opcode == op.IF:
                self._pop(op.I32, opcode)
            self._pop_all(parameters, opcode)
            self._enter(opcode, parameters, results)
        elif opcode == op.ELSE:
            frame = self.frames[-1]
            if frame.opcode != op.IF:
                raise MalformedModule("else without if", at)
            self._leave(frame)
            self._enter(op.ELSE, frame.parameters, frame.results)
        elif opcode == op.NOP:
            pass
        elif opcode == op.UNREACHABLE:
            self._unreachable()
        elif opcode == op.RETURN:
            self._pop_all(self.frames[0].results, opcode)
            self._unreachable()
        elif opcode == op.BR_TABLE:
            pc = self._br_table(pc, end)
        elif opcode == op.CALL_INDIRECT:
            type_, pc = u32(binary, pc)
            table, pc = u32(binary, pc)
            self._table(table, opcode)
            if context.tables[table] != op.FUNCREF:
                raise self._invalid(f"type mismatch: table {table} does not hold functions", opcode)
            if type_ >= len(context.types):
                raise self._invalid(f"unknown type {type_}", opcode)
            self._pop(op.I32, opcode)
            takes, gives = context.types[type_]
            self._pop_all(takes, opcode)
            stack.extend(gives)
        elif opcode == op.DROP:
            self._pop(None, opcode)
        elif opcode == op.SELECT:
            self._pop(op.I32, opcode)
            first, second = self._pop(None, opcode), self._pop(None, opcode)
            if first in op.REFERENCES or second in op.REFERENCES:
                raise self._invalid("type mismatch: references need a select with a type", opcode)
            if UNKNOWN not in (first, second) and first != second:
                raise self._mismatch(opcode, second, first)
            stack.append(second if first == UNKNOWN else first)
        elif opcode == op.SELECT_T:
            length, pc = u32(binary, pc)
            if length != 1:
                raise self._invalid("invalid result arity, a select has one type", opcode)
            type_, pc = value_type(binary, pc)
            self._pop(op.I32, opcode)
            self._pop(type_, opcode)
            self._pop(type_, opcode)
            stack.append(type_)
        elif opcode in (op.GLOBAL_GET, op.GLOBAL_SET):
            index, pc = u32(binary, pc)
            if index >= len(context.globals):
                raise self._invalid(f"unknown global {index}", opcode)
            type_, mutable = context.globals[index]
            if opcode == op.GLOBAL_GET:
                stack.append(type_)
            else:
                if not mutable:
                    raise self._invalid(f"global {index} is immutable", opcode)
                self._pop(type_, opcode)
        elif opcode in (op.TABLE_GET, op.TABLE_SET):
            index, pc = u32(binary, pc)
            type_ = self._table(index, opcode)
            if opcode == op.TABLE_GET:
                self._pop(op.I32, opcode)
                stack.append(type_)
            else:
                self._pop(type_, opcode)
                self._pop(op.I32, opcode)
        elif opcode in (op.MEMORY_SIZE, op.MEMORY_GROW):
            pc = zero(binary, pc)
            self._memory(opcode)
            if opcode == op.MEMORY_GROW:
                self._pop(op.I32, opcode)
            stack.append(op.I32)
        elif opcode in (op.F32_CONST, op.F64_CONST):
            pc += 4 if opcode == op.F32_CONST else 8
            binary[pc - 1]
            stack.append(op.F32 if opcode == op.F32_CONST else op.F64)
        elif opcode == op.REF_NULL:
            if binary[pc] in op.LATER_TYPES:
                value_type(binary, pc)
            if binary[pc] not in op.REFERENCES:
                raise MalformedModule(f"{binary[pc]:#04x} is not a reference type", pc)
            stack.append(binary[pc])
            pc += 1
        elif opcode == op.REF_IS_NULL:
            type_ = self._pop(None, opcode)
            if type_ != UNKNOWN and type_ not in op.REFERENCES:
                raise self._invalid(f"type mismatch: expected a reference, found {op.TYPE_NAMES[type_]}", opcode)
            stack.append(op.I32)
        elif opcode == op.REF_FUNC:
            index, pc = u32(binary, pc)
            if index >= len(context.functions):
                raise self._invalid(f"unknown function {index}", opcode)
            if index not in context.declared:
                raise self._invalid(f"undeclared function reference {index}", opcode)
            stack.append(op.FUNCREF)
        elif opcode == op.PREFIX:
            number, pc = u32(binary, pc)
            pc = self._prefixed(number, pc, at)
        elif opcode in op.LATER:
            raise UnsupportedModule(
                f"function {self.function} has {op.LATER[opcode]} at offset {at:#x}, which this engine does not have"
            )
        else:
            raise MalformedModule(f"illegal opcode {opcode:#04x}", at)
        return pc

    def _prefixed(self, number: int, pc: int, at: int) -> int:
        binary, stack, context = self.binary, self.stack, self.context
        opcode = 0xFC00 + number
        if number < 8:
            takes, gives = op.NUMERIC[opcode]
            self._pop(takes[0], opcode)
            stack.append(gives)
        elif number in (op.MEMORY_INIT, op.DATA_DROP):
            index, pc = u32(binary, pc)
            if number == op.MEMORY_INIT:
                pc = zero(binary, pc)
                self._memory(opcode)
            if context.data_count is None and context.data:
                raise MalformedModule(f"{op.NAMES[opcode]} needs a data count section", at)
            if index >= context.data:
                raise self._invalid(f"unknown data segment {index}", opcode)
            if number == op.MEMORY_INIT:
                self._pop_all((op.I32,) * 3, opcode)
        elif number in (op.MEMORY_COPY, op.MEMORY_FILL):
            pc = zero(binary, pc)
            if number == op.MEMORY_COPY:
                pc = zero(binary, pc)
            self._memory(opcode)
            self._pop_all((op.I32,) * 3, opcode)
        elif number in (op.TABLE_INIT, op.ELEM_DROP):
            index, pc = u32(binary, pc)
            if number == op.TABLE_INIT:
                table, pc = u32(binary, pc)
                type_ = self._table(table, opcode)
            if index >= len(context.elements):
                raise self._invalid(f"unknown element segment {index}", opcode)
            if number == op.TABLE_INIT:
                if context.elements[index] != type_:
                    raise self._mismatch(opcode, type_, context.elements[index])
                self._pop_all((op.I32,) * 3, opcode)
        elif number == op.TABLE_COPY:
            into, pc = u32(binary, pc)
            source, pc = u32(binary, pc)
            if self._table(into, opcode) != self._table(source, opcode):
                raise self._mismatch(opcode, context.tables[into], context.tables[source])
            self._pop_all((op.I32,) * 3, opcode)
        elif number in (op.TABLE_GROW, op.TABLE_SIZE, op.TABLE_FILL):
            index, pc = u32(binary, pc)
            type_ = self._table(index, opcode)
            if number == op.TABLE_GROW:
                self._pop_all((type_, op.I32), opcode)
            elif number == op.TABLE_FILL:
                self._pop_all((op.I32, type_, op.I32), opcode)
            if number != op.TABLE_FILL:
                stack.append(op.I32)
        else:
            raise MalformedModule(f"illegal opcode 0xfc {number:#04x}", at)
        return pc

    def _br_table(self, pc: int, end: int) -> int:
        binary = self.binary
        length, pc = u32(binary, pc)
        if length > end - pc:
            raise MalformedModule(f"a br_table of {length} labels does not fit", pc)
        self._pop(op.I32, op.BR_TABLE)
        limit, depths = len(self.frames), set()
        for _ in range(length + 1):
            depth = binary[pc]
            pc += 1
            if depth > 127:
                depth, pc = u32(binary, pc - 1)
            if depth >= limit:
                raise self._invalid(f"unknown label {depth}", op.BR_TABLE)
            depths.add(depth)
        default = self._label(depth, op.BR_TABLE)
        seen: set[Types] = set()
        for depth in depths:
            label = self._label(depth, op.BR_TABLE)
            if label in seen:
                continue
            seen.add(label)
            if len(label) != len(default):
                raise self._invalid("type mismatch: the labels take different numbers of values", op.BR_TABLE)
            popped = [self._pop(type_, op.BR_TABLE) for type_ in reversed(label)]
            self.stack.extend(reversed(popped))
        self._pop_all(default, op.BR_TABLE)
        self._unreachable()
        return pc

    # --- block types and index spaces ---------------------------------------------------------------------------------

    def _block_type(self, pc: int) -> tuple[Types, Types, int]:
        binary = self.binary
        byte = binary[pc]
        if byte == 0x40:
            return (), (), pc + 1
        if byte in op.VALUE_TYPES:
            return (), (byte,), pc + 1
        if byte == op.V128 or byte in op.LATER_TYPES:
            value_type(binary, pc)
        index, after = signed(binary, pc, 33)
        if index < 0:
            raise MalformedModule(f"{byte:#04x} is not a block type", pc)
        if index >= len(self.context.types):
            raise self._invalid(f"unknown type {index}", binary[self.at])
        return *self.context.types[index], after

    def _table(self, index: int, opcode: int) -> int:
        if index >= len(self.context.tables):
            raise self._invalid(f"unknown table {index}", opcode)
        return self.context.tables[index]

    def _memory(self, opcode: int) -> None:
        if not self.context.memories:
            raise self._invalid("unknown memory 0", opcode)

    def _access(self, align: int, opcode: int) -> Exception:
        if align >= 32:
            return MalformedModule(f"malformed memory access flags {align:#x}", self.at)
        if align > _WIDTH[opcode]:
            return self._invalid("the alignment is larger than natural", opcode)
        return self._invalid("unknown memory 0", opcode)
