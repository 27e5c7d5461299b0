"""Structured control while a body is translated: blocks of the source are opened and closed, branches become edges.

Source: WebAssembly Core Specification 2.0, section 4.4.8 (control instructions).
"""

from __future__ import annotations

from collections.abc import Sequence

from reference_host.engine.code import instructions
from reference_host.engine.purepy import opcodes as op
from reference_host.engine.purepy.expressions import LOADS, TRAPS, Value, is_name, plain
from reference_host.engine.purepy.graph import Block, Branch, Frame, Leave, Loop, Switch
from reference_host.engine.purepy.known import Known
from reference_host.engine.purepy.operands import Operands


class Control(Operands):
    """Translates the instructions that say where control goes."""

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
            changed = self.loops.assigned(self.pc)
            tops = {} if changed is None else {at: top for at, top in self.tops.items() if at not in changed}
            head.known = Known(self.set, tops)
            self.entry_cost = 0
            self._begin(head, entry=True)
            return
        assert condition is not None
        then, frame.waiting = Block(), Block()
        self._fork(condition, then, frame.waiting)
        self._begin(then)

    def _fork(self, condition: Value, then: Block, otherwise: Block) -> None:
        holds, fails = condition.bounds
        self._edge(then, holds)
        self._edge(otherwise, fails)
        pure = not condition.effects & (LOADS | TRAPS)
        self._terminate(Branch(condition.text, then, otherwise, pure))

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
