"""Where the code takes fuel: once for each run of instructions that nothing leaves in the middle, and less often.

What a block's first run costs can as well be taken by the blocks before it, if the other blocks that these lead to give
it back: one of the two ways on from a condition needs no statement of its own then. All is taken, and given back,
before the next call, entry or head of a loop, so whoever looks at the fuel sees the same.
"""

from __future__ import annotations

from reference_host.engine.purepy.graph import Block, Branch, Charge, Goto, Leave, Switch, Terminator

_WAYS = 4
"""Ways on from a block whose last run takes the fuel of others: looking at them takes constant time."""


def merge(blocks: list[Block]) -> None:
    """Let as few runs as is simple take fuel; blocks that end the function come last, for loops matter more."""
    settled: set[int] = set()
    for leaving in (False, True):
        for block in reversed(blocks):  # so that what a block has taken over goes further up with what is its own
            first = block.charges[0]
            if first.cost and first.own is None and leaving == isinstance(block.end, Leave):
                _move(block, first, settled)


def write(blocks: list[Block]) -> None:
    """Write the statements that take fuel, and that look at it, into the lines that are kept for them."""
    for block in blocks:
        for charge in block.charges:
            if charge.cost:
                block.lines[charge.line] = f"fuel {'+' if charge.cost > 0 else '-'}= {abs(charge.cost)}"
            if charge.own is not None:
                # The check comes before the cost of what follows it.
                block.lines[charge.line + 1] = f"if fuel >= {charge.own}: refuel({charge.own})"


def _move(block: Block, first: Charge, settled: set[int]) -> None:
    """Have a block's first run paid by the blocks before it, where that saves a statement."""
    sources = {source.number: source for source in block.predecessors}.values()
    others: dict[int, Charge] = {}
    for source in sources:
        if not source.charges[-1].cost:
            return
        ways = _ways(source.end)
        if ways is None:
            return
        for other in ways:
            if other is block:
                continue
            if other.number in settled or not other.charges or len(set(map(id, other.predecessors))) != 1:
                return
            charge = other.charges[0]
            if charge.own is not None or not (charge.cost or isinstance(other.end, Leave)):
                return
            others[other.number] = charge
    settled.add(block.number)
    for source in sources:
        source.charges[-1].add(first.cost)
    for charge in others.values():
        charge.add(-first.cost)
    first.cost = 0


def _ways(end: Terminator | None) -> tuple[Block, ...] | None:
    """Give the blocks that control goes on in; None for many."""
    if isinstance(end, Goto):
        return (end.target,)
    if isinstance(end, Branch):
        return end.then, end.otherwise
    if isinstance(end, Switch) and len(end.ranges) <= _WAYS:
        return tuple(end.edges())
    return None
