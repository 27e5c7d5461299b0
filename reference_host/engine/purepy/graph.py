"""Basic blocks of a function body: Python statements, and where control goes behind them.

Source: WebAssembly Core Specification 2.0, section 2.4.8 (control instructions).
"""

from __future__ import annotations

from dataclasses import dataclass

from reference_host.engine.purepy import opcodes as op
from reference_host.engine.purepy.known import Known


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


@dataclass(slots=True)
class Charge:
    """The fuel that a run of instructions takes, in the line that is kept for it.

    Where it begins at a function entry or at the head of a loop, the next line looks whether fuel is left: `own` of
    what has been taken by then is for what follows.
    """

    line: int
    cost: int = 0
    own: int | None = None

    def add(self, cost: int) -> None:
        """Take more, for what follows this run."""
        self.cost += cost
        if self.own is not None:
            self.own += cost


class Block:
    """A basic block; `number` grows along every edge that does not go back to a loop's head."""

    __slots__ = ("calls", "charges", "end", "known", "lines", "loop", "number", "predecessors", "repeats")

    def __init__(self) -> None:
        self.number = -1
        self.loop: Loop | None = None
        self.lines: list[str] = []
        self.end: Terminator | None = None
        self.predecessors: list[Block] = []
        """The sources of the edges that come from before; one edge, one entry."""
        self.calls = 0
        """How many functions it calls."""
        self.charges: list[Charge] = []
        """Those of its runs, metered exactly."""
        self.known: Known | None = None
        """What holds at its beginning, as far as edges to it have been seen."""
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
    """The locals that it may read before it assigns them, but for parameters."""

    @property
    def branches(self) -> bool:
        """Whether it can call two functions and go through no head of a loop before, or between them.

        Where no function does, calls between two heads of loops are one chain, and end with the stack.
        """
        most = [0] * len(self.blocks)
        for block in self.blocks:
            before = 0 if block.repeats else max([most[source.number] for source in block.predecessors], default=0)
            most[block.number] = before + block.calls
            if most[block.number] > 1:
                return True
        return False
