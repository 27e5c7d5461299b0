"""Basic blocks become Python's `if` and `while`.

WebAssembly's control flow is reducible, so the text can follow the tree of dominators: a block that control reaches
from one place only is written in that place; one that is reached from several is a *label*, and is written behind the
block that dominates it, in the order of the source. A loop is a `while True` whose end goes back to its head; what
control reaches from inside of it is written behind it.

Python knows neither labels nor branches out of several loops. Most branches need none of that: control falls off the
end of one `if` and is where it has to be, or `break` and `continue` do. The others set a variable: `q3 = 2` lets what
is written next in sequence 3 wait until label 2 comes, `e4 = 1` makes loop 4 end too.

What would be nested deeper than Python can (20 loops, 100 indentations) is written as one loop around a search tree of
all blocks instead. All of this takes time and gives text in proportion to the body; where looking for dominators would
not, that form is used too.

Source: N. Ramsey, "Beyond Relooper: recursive translation of unstructured control flow to structured control flow",
ICFP 2022, for the idea to follow the dominator tree.
"""

from __future__ import annotations

from collections.abc import Sequence

from reference_host.engine.purepy.graph import Block, Branch, Goto, Graph, Leave, Style, Switch

MAX_LOOPS = 17
"""Loops within loops: CPython allows 20 blocks."""

MAX_DEPTH = 85
"""Indentations: CPython allows 100."""

MAX_RUNS = 2_000
"""Arms of one switch that are written as `if`."""

MAX_NESTED = 120
"""Blocks within blocks, as this module goes through them."""

STEPS = 40
"""Steps in the tree of dominators for each block, on the average."""


class _TooDeep(Exception):
    """The body is nested deeper than Python takes."""


def structure(graph: Graph, style: Style, *, flat: bool = False) -> list[str]:
    """Give the lines of the body, indented by one blank a level, the outermost at two; `flat` as a search tree."""
    head = "while True:" if style.exact else "for _ in ticks:"
    try:
        if not flat:
            return _Structure(graph, head).lines
    except _TooDeep:
        pass
    return _dispatch(graph, head)


class _Sequence:
    """A block and the labels behind it, while they are written."""

    __slots__ = ("far", "labels", "number", "position")

    def __init__(self, labels: list[Block], number: int) -> None:
        self.labels = labels
        self.number = number
        self.position = 0  # so many labels have begun
        self.far = 0  # the furthest label that a branch waits for


class _Cycle:
    """A Python loop while its body is written."""

    __slots__ = ("broken", "head", "leaves", "number")

    def __init__(self, head: Block, number: int) -> None:
        self.head = head
        self.number = number
        self.broken = False  # whether control gets behind it
        self.leaves = False  # whether a branch from an inner loop leaves it


class _Structure:
    """Writes the blocks of one function."""

    def __init__(self, graph: Graph, loop_head: str) -> None:
        self.blocks = graph.blocks
        self.loop_head = loop_head
        self.lines: list[str] = []
        self.inside: list[list[Block]] = [[] for _ in self.blocks]
        self.behind: list[list[Block]] = [[] for _ in self.blocks]
        self.label = [False] * len(self.blocks)
        self.where: dict[int, tuple[_Sequence, int]] = {}
        self.context: list[_Sequence | _Cycle] = []
        self.sequences = self.cycles = self.nested = 0
        self._dominators()
        self._write(self.blocks[0], 2)

    def _dominators(self) -> None:
        """Find what dominates each block, and with it the place of each label."""
        parent, depth = [0] * len(self.blocks), [0] * len(self.blocks)
        budget = STEPS * len(self.blocks) + 1_000
        for block in self.blocks[1:]:
            sources = block.predecessors
            found = sources[0].number
            for source in sources[1:]:
                other = source.number
                while found != other:
                    budget -= 1
                    if depth[found] < depth[other]:
                        other = parent[other]
                    elif depth[found] > depth[other]:
                        found = parent[found]
                    else:
                        found, other = parent[found], parent[other]
                if budget < 0:
                    raise _TooDeep
            parent[block.number], depth[block.number] = found, depth[found] + 1
            left = _left_loop(self.blocks[found], block)
            if left is None and len(sources) == 1:
                continue
            self.label[block.number] = True
            if not _is_small(block):
                (self.inside[found] if left is None else self.behind[left.number]).append(block)

    # --- text --------------------------------------------------------------------------------------------------------

    def _line(self, indent: int, text: str) -> None:
        self.lines.append(" " * indent + text)

    def _write(self, block: Block | None, indent: int) -> bool:
        """Write the tree under a block; whether control can fall off the end of it."""
        self.nested += 1
        if indent > MAX_DEPTH or self.nested > MAX_NESTED:
            raise _TooDeep
        falls = False
        while block is not None:
            labels = (self.behind if block.repeats else self.inside)[block.number]
            falls, block = self._sequence(block, labels, indent, loop=block.repeats)
        self.nested -= 1
        return falls

    def _sequence(self, block: Block, labels: list[Block], indent: int, *, loop: bool) -> tuple[bool, Block | None]:
        """Write a block and the labels behind it, but for the last one where it can follow as it is."""
        first = self._loop if loop else self._code
        if not labels:
            return first(block, indent)
        self.sequences += 1
        sequence = _Sequence(labels, self.sequences)
        for position, label in enumerate(labels, 1):
            self.where[label.number] = (sequence, position)
        self.context.append(sequence)
        start = len(self.lines)
        self.lines.append("")
        _, last = first(block, indent)
        if last is not None:
            self._write(last, indent)
        last = None
        falls = True
        for position, label in enumerate(labels, 1):
            sequence.position = position
            waits = sequence.far > position
            if waits:
                self._line(indent, f"if q{sequence.number} <= {position}:")
            if position == len(labels):
                self.context.pop()
                if not waits:
                    last = label
                    break
            self._filled(label, indent + waits, needed=waits)
        if sequence.far:
            self.lines[start] = f"{' ' * indent}q{sequence.number} = 0"
        return falls, last

    def _filled(self, block: Block, indent: int, *, needed: bool = True) -> bool:
        """Write a block where Python needs a statement."""
        start = len(self.lines)
        falls = self._write(block, indent)
        if needed and not any(self.lines[start:]):
            self._line(indent, "pass")
        return falls

    def _loop(self, block: Block, indent: int) -> tuple[bool, None]:
        self.cycles += 1
        cycle = _Cycle(block, self.cycles)
        self.context.append(cycle)
        if sum(isinstance(entry, _Cycle) for entry in self.context) > MAX_LOOPS:
            raise _TooDeep
        start = len(self.lines)
        self.lines.append("")
        self._line(indent, self.loop_head)
        _, tail = self._sequence(block, self.inside[block.number], indent + 1, loop=False)
        if tail is not None:
            self._write(tail, indent + 1)
        if cycle.leaves:
            self.lines[start] = f"{' ' * indent}e{cycle.number} = 0"
            self._line(indent + 1, f"if e{cycle.number}: break")
        elif not any(self.lines[start + 2 :]):
            self._line(indent + 1, "pass")
        self.context.pop()
        return cycle.broken, None

    def _code(self, block: Block, indent: int) -> tuple[bool, Block | None]:
        """Write the statements of a block, and what follows in the same place as far as that is simple.

        Gives whether control can fall off the end, and the block that is to be written there.
        """
        while True:
            if block.lines:
                blanks = " " * indent
                self.lines += [blanks + line for line in block.lines if line]
            end = block.end
            if isinstance(end, Leave):
                self._line(indent, end.statement)
                return False, None
            if isinstance(end, Goto):
                tail = self._go(block, end.target, indent)
            elif isinstance(end, Branch):
                tail = self._branch(block, end, indent)
            else:
                assert isinstance(end, Switch)
                return self._switch(block, end, indent), None
            if isinstance(tail, bool):
                return tail, None
            if tail.repeats or self.inside[tail.number]:
                return True, tail
            block = tail

    def _is_inline(self, source: Block, target: Block) -> bool:
        return target.number > source.number and not self.label[target.number]

    def _go(self, source: Block, target: Block, indent: int) -> bool | Block:
        """Go on to a block: whether control falls off here, or the block that follows in the same place."""
        if self._is_inline(source, target):
            return target
        statements, away = self._jump(target)
        for statement in statements:
            self._line(indent, statement)
        return not away

    def _branch(self, source: Block, end: Branch, indent: int) -> bool | Block:
        condition, then, otherwise, negation = end.condition, end.then, end.otherwise, "not "
        if self._is_inline(source, then):
            condition, then, otherwise, negation = f"not {condition}", otherwise, then, ""
            if self._is_inline(source, then):
                self._line(indent, f"if {condition}:")
                falls = self._filled(then, indent + 1)
                if not falls:
                    return otherwise
                self._line(indent, "else:")
                self._filled(otherwise, indent + 1)
                return True
        # From here on `then` is a jump.
        statements, away = self._jump(then)
        text = "; ".join(statements) or "pass"
        if not self._is_inline(source, otherwise):
            others, also_away = self._jump(otherwise)
            if others == statements:
                if not end.pure:
                    self._line(indent, end.condition)
                for statement in statements:
                    self._line(indent, statement)
                return not away
            self._line(indent, f"if {condition}: {text}")
            if others:
                if away:
                    for statement in others:
                        self._line(indent, statement)
                else:
                    self._line(indent, f"else: {'; '.join(others)}")
            return not (away and also_away)
        if away:
            self._line(indent, f"if {condition}: {text}")
            return otherwise
        if statements:
            self._line(indent, f"if {condition}: {text}")
            self._line(indent, "else:")
        else:
            self._line(indent, f"if {end.condition if not negation else 'not ' + condition}:")
        self._filled(otherwise, indent + 1)
        return True

    def _switch(self, source: Block, end: Switch, indent: int) -> bool:
        if len(end.ranges) > MAX_RUNS:
            raise _TooDeep
        index = end.index
        if end.table is not None:
            self._line(indent, f"x = {_looked_up(index, end.table)}")
            index = "x"
        return self._arms(source, end, index, 0, len(end.ranges), indent)

    def _arms(self, source: Block, end: Switch, index: str, low: int, high: int, indent: int) -> bool:
        if high - low == 1:
            target = end.ranges[low][1]
            if self._is_inline(source, target):
                return self._filled(target, indent)
            statements, away = self._jump(target)
            self._line(indent, "; ".join(statements) or "pass")
            return not away
        middle = (low + high) // 2
        self._line(indent, f"if {index} < {end.ranges[middle][0]}:")
        falls = self._arms(source, end, index, low, middle, indent + 1)
        self._line(indent, "else:")
        return self._arms(source, end, index, middle, high, indent + 1) or falls

    def _jump(self, target: Block) -> tuple[list[str], bool]:
        """Give the statements that bring control to a label from here, and whether the last one jumps."""
        number = target.number
        if _is_small(target):
            assert isinstance(target.end, Leave)
            return [*filter(None, target.lines), target.end.statement], True
        home, place = self.where.get(number, (None, 0))
        waits: list[tuple[_Sequence, int]] = []
        leaves: list[_Cycle] = []
        inner: _Cycle | None = None
        for entry in reversed(self.context):
            if isinstance(entry, _Cycle):
                if entry.head is target:
                    if inner is None:
                        return (["continue"], True) if waits else ([], False)
                    break
                if inner is None:
                    inner = entry
                    waits.clear()
                else:
                    leaves.append(entry)
            elif entry is home:
                if place > entry.position + 1:
                    waits.append((entry, place))
                break
            elif entry.position < len(entry.labels):
                waits.append((entry, len(entry.labels) + 1))
        statements = []
        for sequence, position in waits:
            sequence.far = max(sequence.far, position)
            statements.append(f"q{sequence.number} = {position}")
        for cycle in leaves:
            cycle.leaves = cycle.broken = True
            statements.append(f"e{cycle.number} = 1")
        if inner is not None:
            inner.broken = True
            statements.append("break")
        return statements, inner is not None


def _left_loop(source: Block, target: Block) -> Block | None:
    """Give the head of the outermost loop that control leaves on the way, None where it leaves none."""
    kept = set()
    loop = target.loop
    while loop is not None:
        kept.add(loop)
        loop = loop.outer
    left = None
    loop = source.loop
    while loop is not None and loop not in kept:
        if loop.repeats:
            left = loop.head
        loop = loop.outer
    return left


def _is_small(block: Block) -> bool:
    """Whether a label is so short, and an end of the function, that it is written wherever control goes there."""
    if not isinstance(block.end, Leave) or len(block.lines) > 4 or len(block.end.statement) > 80:
        return False
    lines = [line for line in block.lines if line]
    return len(lines) <= 2 and not any(line.startswith(("if ", "else")) for line in lines)


def _looked_up(index: str, table: Sequence[int]) -> str:
    *entries, last = table
    if not entries:
        return str(last)
    return f"({', '.join(map(str, entries))},)[{index}] if {index} < {len(entries)} else {last}"


def _dispatch(graph: Graph, loop_head: str) -> list[str]:
    """Write the blocks as the leaves of a search tree in one loop; `b` is the number of the one that is next."""
    lines = ["  b = 0", f"  {loop_head}"]
    _leaves(graph.blocks, 0, len(graph.blocks), 3, lines)
    return lines


def _leaves(blocks: list[Block], low: int, high: int, indent: int, lines: list[str]) -> None:
    blanks = " " * indent
    if high - low > 1:
        middle = (low + high) // 2
        lines.append(f"{blanks}if b < {middle}:")
        _leaves(blocks, low, middle, indent + 1, lines)
        lines.append(f"{blanks}else:")
        _leaves(blocks, middle, high, indent + 1, lines)
        return
    block = blocks[low]
    lines += [blanks + line for line in block.lines if line]
    end = block.end
    if isinstance(end, Leave):
        text = end.statement
    elif isinstance(end, Goto):
        text = f"b = {end.target.number}"
    elif isinstance(end, Branch):
        text = f"b = {end.then.number} if {end.condition} else {end.otherwise.number}"
    else:
        assert isinstance(end, Switch)
        text = f"b = {_looked_up(end.index, [target.number for target in end.targets])}"
    lines.append(blanks + text)
