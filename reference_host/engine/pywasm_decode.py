"""Decodes a module into pywasm's own description, and mends what pywasm gets wrong.

pywasm's parser stops after 32 sections, recurses once per nested block, and renders every instruction as text on the
way. So sections are found by our reader and blocks are nested here; types, segments and single instructions are read by
pywasm.

An instruction is *mended* by putting a branch in its place whose target is a Python function instead of a depth: the
machine calls it (see `pywasm_machine`). Only what the list in `pywasm_mend` names is mended; all else runs as pywasm
has it.

Source: WebAssembly Core Specification 2.0, sections 5.4 (instructions) and 5.5 (modules).
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pywasm

from reference_host.engine import binary as sections
from reference_host.engine.binary import ModuleInfo
from reference_host.engine.code import instructions, skip_locals
from reference_host.engine.instrument import STATIC_LENGTH
from reference_host.engine.pywasm_mend import AFTER, BEFORE, MENDED, check_fuel
from reference_host.errors import InvalidModule, MalformedModule, ModuleError, UnsupportedModule

MAX_LOCALS = 50_000
"""Locals of one function: the limit that engines agreed on, held here too where no validator is installed."""

_BLOCK, _LOOP, _IF, _ELSE, _END, _BRANCH = 0x02, 0x03, 0x04, 0x05, 0x0B, 0x0C

# What wasmtime counts as no work: nop, drop, unreachable, return, and the brackets of structured control.
_FREE = frozenset({0x00, 0x01, 0x02, 0x03, 0x05, 0x0B, 0x0F, 0x1A})


def decode(binary: bytes, info: ModuleInfo, *, validated: bool) -> Any:
    """Give pywasm's `ModuleDesc`. Raises a `ModuleError`; a module that nobody validated is walked with care first."""
    try:
        return _decode(binary, info, validated)
    except ModuleError:
        raise
    except RecursionError:
        failure: ModuleError = UnsupportedModule("pywasm cannot decode an expression that is nested so deeply")
    except Exception as error:  # noqa: BLE001 - pywasm's parser fails with whatever the bytes lead it to
        failure = MalformedModule(f"pywasm cannot decode it ({type(error).__name__})")
    raise failure


def _decode(binary: bytes, info: ModuleInfo, validated: bool) -> Any:
    read: dict[int, tuple[str, Callable[[Any], Any]]] = {
        sections.TYPE: ("type", pywasm.FuncType.from_reader),
        sections.IMPORT: ("imps", pywasm.Import.from_reader),
        sections.FUNCTION: ("func", pywasm.FuncDesc.from_reader_type),
        sections.TABLE: ("tabl", pywasm.TableType.from_reader),
        sections.MEMORY: ("mems", pywasm.MemType.from_reader),
        sections.GLOBAL: ("glob", pywasm.GlobalDesc.from_reader),
        sections.EXPORT: ("exps", pywasm.ExportDesc.from_reader),
        sections.ELEMENT: ("elem", pywasm.ElemDesc.from_reader),
        sections.DATA: ("data", pywasm.DataDesc.from_reader),
    }
    # The start function is run by the instance, apart from instantiation: -1 is pywasm's word for none.
    module = pywasm.ModuleDesc([], [], [], [], [], [], [], -1, [], [])
    for section in info.sections:
        contents = io.BytesIO(binary[section.start : section.end])
        if section.id in read:
            name, entry = read[section.id]
            for _ in range(_u32(contents)):
                getattr(module, name).append(entry(contents))
        elif section.id == sections.CODE:
            for index in range(_u32(contents)):
                size = _u32(contents)
                body = contents.read(size)
                if len(body) != size:
                    raise MalformedModule("a function body is longer than the code section")
                _read_body(module.func[index], body, validated)
    return module


def _u32(reader: io.BytesIO) -> int:
    value: int = pywasm.leb128.u.decode_reader(reader)[0]
    return value


def _read_body(function: Any, body: bytes, validated: bool) -> None:
    if not validated:
        for _ in instructions(body, skip_locals(body, 0), len(body)):
            pass
    reader = io.BytesIO(body)
    function.locals = [pywasm.LocalsDesc.from_reader(reader) for _ in range(_u32(reader))]
    function.locals_count = sum(group.n for group in function.locals)
    if function.locals_count > MAX_LOCALS:
        raise InvalidModule(f"a function has more than {MAX_LOCALS} locals")
    function.expr = pywasm.Expr(_nested(reader))


def _nested(reader: io.BytesIO) -> list[Any]:
    """Read instructions up to the `end` of the function, blocks within blocks as pywasm holds them."""
    outermost: list[Any] = []
    current = outermost
    enclosing: list[tuple[list[Any], Any]] = []
    while True:
        (opcode,) = reader.read(1)
        if opcode in (_BLOCK, _LOOP, _IF):
            inner: list[Any] = []
            arguments = [pywasm.Bype.from_reader(reader), inner]
            if opcode == _IF:
                arguments.append([])
            instruction = pywasm.Inst(opcode, arguments)
            instruction.cost = int(opcode == _IF)
            if opcode == _LOOP:
                current.append(_calling(check_fuel, 0))
            current.append(instruction)
            enclosing.append((current, instruction))
            current = inner
        elif opcode == _ELSE:
            current = enclosing[-1][1].args[2]
        elif opcode == _END:
            if not enclosing:
                return outermost
            current, _ = enclosing.pop()
        else:
            reader.seek(-1, io.SEEK_CUR)
            instruction = pywasm.Inst.from_reader(reader)
            if instruction.opcode == pywasm.opcode.table_grow:
                instruction.args.append(_flat_fuel(current))
            current.extend(_single(instruction))


def _flat_fuel(before: list[Any]) -> int:
    """What a bulk instruction costs whatever becomes of it: its length, where that is a small constant."""
    last = before[-1] if before else None
    if last is None or last.opcode != pywasm.opcode.i32_const or not 0 <= last.args[0] <= STATIC_LENGTH:
        return 0
    return int(last.args[0])


def _single(instruction: Any) -> list[Any]:
    instruction.cost = int(instruction.opcode not in _FREE)
    if instruction.opcode in MENDED:
        return [_calling(MENDED[instruction.opcode](instruction), instruction.cost)]
    around = [instruction]
    if instruction.opcode in BEFORE:
        around.insert(0, _calling(BEFORE[instruction.opcode], 0))
    if instruction.opcode in AFTER:
        around.append(_calling(AFTER[instruction.opcode], 0))
    return around


def _calling(function: Callable[[Any], None], cost: int) -> Any:
    instruction = pywasm.Inst(_BRANCH, [function])
    instruction.cost = cost
    return instruction
