"""The two stacks that validating a function body works with: types of operands, and control frames.

Every frame starts with the mark `BOTTOM` on the stack of types, so that an operand of an outer frame is never taken by
mistake.

Source: WebAssembly Core Specification 2.0, section 7.3 (validation algorithm).
"""

from __future__ import annotations

from reference_host.engine.purepy import opcodes as op
from reference_host.errors import InvalidModule

BOTTOM, UNKNOWN = 0, -1
"""The mark under a frame's operands, and the type of an operand of code that cannot be reached."""

Types = tuple[int, ...]


class Frame:
    """One control frame; `parameters` and `results` are those of its block."""

    __slots__ = ("opcode", "parameters", "results", "unreachable")

    def __init__(self, opcode: int, parameters: Types, results: Types) -> None:
        self.opcode = opcode
        self.parameters = parameters
        self.results = results
        self.unreachable = False

    @property
    def label(self) -> Types:
        """What a branch to the frame carries."""
        return self.parameters if self.opcode == op.LOOP else self.results


class Stacks:
    """What is known at one instruction of the function `function`, which is at the offset `at`."""

    def __init__(self) -> None:
        self.stack: list[int] = []
        self.frames: list[Frame] = []
        self.function = 0
        self.at = 0

    def _open(self, function: int, results: Types) -> None:
        """Begin with a function: its body is a block."""
        self.function = function
        self.stack = [BOTTOM, BOTTOM]
        self.frames = [Frame(op.BLOCK, (), results)]

    def _pop(self, expected: int | None, opcode: int) -> int:
        """Take one operand; None expects any. Gives its type, which may be `UNKNOWN`."""
        actual = self.stack[-1]
        if actual == BOTTOM:
            if self.frames[-1].unreachable:
                return UNKNOWN
            wanted = "a value" if expected is None else op.TYPE_NAMES[expected]
            raise self._invalid(f"type mismatch: expected {wanted}, the stack is empty", opcode)
        del self.stack[-1]
        if expected is None or actual in (expected, UNKNOWN):
            return actual
        raise self._mismatch(opcode, expected, actual)

    def _pop_all(self, types: Types, opcode: int) -> None:
        if not types:
            return
        length = len(types)
        if length == 1:
            if self.stack[-1] == types[0]:
                del self.stack[-1]
            else:
                self._pop(types[0], opcode)
        elif self.stack[-length:] == list(types):
            del self.stack[-length:]
        else:
            for type_ in reversed(types):
                self._pop(type_, opcode)

    def _enter(self, opcode: int, parameters: Types, results: Types) -> None:
        self.frames.append(Frame(opcode, parameters, results))
        self.stack.append(BOTTOM)
        self.stack.extend(parameters)

    def _leave(self, frame: Frame) -> None:
        self._pop_all(frame.results, op.END)
        if self.stack[-1] != BOTTOM:
            raise self._invalid("type mismatch: values remain on the stack at the end of a block", op.END)
        del self.stack[-1]
        self.frames.pop()

    def _end(self) -> bool:
        """Close a frame; whether it was the function's."""
        frame = self.frames[-1]
        self._leave(frame)
        if frame.opcode == op.IF and frame.parameters != frame.results:
            raise self._invalid("type mismatch: an if without else gives other values than it takes", op.END)
        if not self.frames:
            return True
        self.stack.extend(frame.results)
        return False

    def _unreachable(self) -> None:
        stack = self.stack
        while stack[-1] != BOTTOM:
            del stack[-1]
        self.frames[-1].unreachable = True

    def _label(self, depth: int, opcode: int) -> Types:
        if depth >= len(self.frames):
            raise self._invalid(f"unknown label {depth}", opcode)
        return self.frames[-1 - depth].label

    def _mismatch(self, opcode: int, expected: int, actual: int) -> InvalidModule:
        return self._invalid(
            f"type mismatch: expected {op.TYPE_NAMES[expected]}, found {op.TYPE_NAMES[actual]}", opcode
        )

    def _invalid(self, reason: str, opcode: int) -> InvalidModule:
        name = op.NAMES.get(opcode, hex(opcode))
        return InvalidModule(f"function {self.function}, {name} at offset {self.at:#x}: {reason}")
