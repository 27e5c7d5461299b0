"""Proves a decoded module valid: everything outside of function bodies, then each body.

Source: WebAssembly Core Specification 2.0, sections 3.2 (types), 3.3.10 (constant expressions) and 3.4 (modules).
"""

from __future__ import annotations

from reference_host.engine.interface import MAX_PAGES
from reference_host.engine.purepy import opcodes as op
from reference_host.engine.purepy.module import Expression, WasmModule
from reference_host.engine.purepy.validate_body import BodyValidator, Context
from reference_host.errors import InvalidModule


def validate(module: WasmModule) -> None:
    """Check the whole module. Raises `InvalidModule`, `MalformedModule` or `UnsupportedModule`, each with an offset."""
    info = module.info
    tables = [op.TYPE_BYTES[table.element] for table in info.tables]
    globals_ = [(op.TYPE_BYTES[each.value], each.mutable) for each in info.globals]
    constants = _Constants(globals_[: module.imported_globals], len(info.functions))
    for index, initializer in enumerate(module.initializers, module.imported_globals):
        constants.check(initializer, globals_[index][0], f"global {index}")
    for number, segment in enumerate(module.elements):
        what = f"element segment {number} at offset {segment.at:#x}"
        if segment.mode == 0:
            if segment.table >= len(tables):
                raise InvalidModule(f"{what}: unknown table {segment.table}")
            if tables[segment.table] != segment.type:
                raise InvalidModule(f"{what}: type mismatch with table {segment.table}")
            assert segment.offset is not None
            constants.check(segment.offset, op.I32, what)
        limit = len(info.functions)
        for item in segment.items:
            if type(item) is int:
                if item >= limit:
                    raise InvalidModule(f"{what}: unknown function {item}")
                if segment.type != op.FUNCREF:
                    raise InvalidModule(f"{what}: type mismatch, a function in a segment of externref")
                constants.declared.add(item)
            elif item is not None:
                assert isinstance(item, Expression)
                constants.check(item, segment.type, what)
    for number, data in enumerate(module.data):
        if data.offset is not None:
            what = f"data segment {number} at offset {data.at:#x}"
            if data.memory >= len(info.memories):
                raise InvalidModule(f"{what}: unknown memory {data.memory}")
            constants.check(data.offset, op.I32, what)
    for memory in info.memories:
        if max(memory.minimum, memory.maximum or 0) > MAX_PAGES:
            raise InvalidModule("memory size must be at most 65536 pages (4 GiB)")
    signatures = module.signatures
    if info.start is not None and signatures[info.functions[info.start]] != ((), ()):
        raise InvalidModule(f"start function {info.start} has parameters or results")
    constants.declared.update(index for _, kind, index in module.exports if kind == 0)
    context = Context(
        binary=module.binary,
        types=signatures,
        functions=[signatures[index] for index in info.functions],
        tables=tables,
        memories=len(info.memories),
        globals=globals_,
        elements=[segment.type for segment in module.elements],
        data=len(module.data),
        data_count=module.data_count,
        declared=constants.declared,
    )
    validator = BodyValidator(context)
    for index, body in enumerate(module.bodies, module.imported_functions):
        validator.check(index, body)


class _Constants:
    """Checks constant expressions, and collects the functions that they refer to."""

    def __init__(self, globals_: list[tuple[int, bool]], functions: int) -> None:
        self.globals = globals_
        self.functions = functions
        self.declared: set[int] = set()

    def check(self, expression: Expression, type_: int, what: str) -> None:
        stack: list[int] = []
        for (opcode, immediate), at in zip(expression.code, expression.offsets, strict=True):
            if opcode in _CONSTANTS:
                stack.append(_CONSTANTS[opcode])
            elif opcode == op.GLOBAL_GET:
                assert isinstance(immediate, int)
                if immediate >= len(self.globals):
                    raise InvalidModule(f"{what}: unknown global {immediate} at offset {at:#x}")
                value, mutable = self.globals[immediate]
                if mutable:
                    raise InvalidModule(f"{what}: constant expression required, global {immediate} is mutable")
                stack.append(value)
            elif opcode == op.REF_FUNC:
                assert isinstance(immediate, int)
                if immediate >= self.functions:
                    raise InvalidModule(f"{what}: unknown function {immediate} at offset {at:#x}")
                self.declared.add(immediate)
                stack.append(op.FUNCREF)
            elif opcode == op.REF_NULL:
                assert isinstance(immediate, int)
                stack.append(immediate)
            else:
                operand = op.NUMERIC[opcode][1]
                if stack[-2:] != [operand, operand]:
                    raise InvalidModule(f"{what}: type mismatch in {op.NAMES[opcode]} at offset {at:#x}")
                stack.pop()
        if stack != [type_]:
            raise InvalidModule(f"{what}: type mismatch, its expression is not one {op.TYPE_NAMES[type_]}")


_CONSTANTS = {op.I32_CONST: op.I32, op.I64_CONST: op.I64, op.F32_CONST: op.F32, op.F64_CONST: op.F64}
