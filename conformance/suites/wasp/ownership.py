"""Who owns which bytes: an experiment with every declared function, made before anything else is judged.

The host keeps to the contract, in the way that shows most. It holds buffers of its own: some for the whole time, one on
each side of an input, and some where what a call used lay before it was given back. Nobody else may change these, and
the allocator may not hand them out a second time. All of it is done twice. In one run the host overwrites what it gives
back and what it takes up again, in the other all bytes are put back as they were: a function whose answers differ has
read what it does not own any more.

Nothing is ever written outside of what `allocate` gave, to what the plugin handed out, or to what was given back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from conformance.lab.bounds import Fault, call_fuel
from conformance.lab.probes import Rounds
from reference_host.abi.wasp.events import Buffer, Owner
from reference_host.abi.wasp.functions import Function
from reference_host.errors import HookError, LoadError, TrapCode

from .edges import Edges
from .holding import FORMERLY, MADE_HERE, OUTSIDE, OVERLAP, Breach, Part, Probe, Run, Stop, Trapped, asked_for
from .loading import Plugin
from .sizes import HANDED_OUT, HOLDING
from .values import SMALL, Sending

READ_BEHIND = "WASP-INPUT-001"


@dataclass(frozen=True, slots=True)
class Ownership:
    """What came of it: at most one breach for each function, the overlap that ended it, and the calls that were made.

    `nowhere`: functions whose results lie outside of memory, which were left out. `repeated`: functions that answer
    with one and the same address, although the host still holds it. `stopped`: why the experiment could not be made, if
    it could not; `trapped`: where it was `allocate` that ended it.
    """

    breaches: dict[str, Breach]
    overlap: Breach | None
    calls: Counter[str]
    nowhere: frozenset[str] = frozenset()
    repeated: dict[str, Buffer] = field(default_factory=dict)
    stopped: str | None = None
    trapped: Trapped | None = None


EdgesOf = Callable[[Function], Edges]
Replay = Callable[[Sequence[int]], Rounds]
"""Asks for buffers and gives them back on a fresh instance, and calls no function."""


def examine(
    plugin: Plugin, scripts: Sequence[tuple[Function, Sequence[Sending]]], edges_of: EdgesOf, replay: Replay
) -> Ownership:
    """Make the experiment. A function that is found out is left out, and the rest tried anew."""
    # Each function in turn, as often as the one with the most values; every other call is made twice in a row.
    most = max((len(sendings) for _, sendings in scripts), default=0)
    turns = [turn for turn in range(most) for _ in range(1 + turn % 2)]
    script = [
        Probe(f"{function.name}/ownership/{number}-{sending.name}", function, sending)
        for number, turn in enumerate(turns)
        for function, sendings in scripts
        if sendings
        for sending in [sendings[turn % len(sendings)]]
    ]
    # Where a result lies nowhere, nothing that is read of it tells whose it is.
    # Nor is there anything to learn from one that does not come to an end, but that it takes its time.
    nowhere, endless = _left_out(plugin, script)
    script = [probe for probe in script if probe.function.name not in nowhere | endless]
    lasting = [function for function, _ in scripts if function.name not in endless]
    breaches = {
        function.name: found for function in lasting if (found := _behind(edges_of(function), function, read=False))
    }
    calls = Counter(probe.function.name for probe in script)
    while True:
        rest = [probe for probe in script if probe.function.name not in breaches]
        try:
            breach = _first_breach(plugin, rest, replay)
            if breach is None:
                repeated = _played(plugin, rest, kept=frozenset(HANDED_OUT)).repeated
                return Ownership(breaches, None, calls, nowhere, repeated)
        except (Stop, LoadError, HookError) as stop:
            trapped = stop.trapped if isinstance(stop, Stop) else None
            return Ownership(breaches, None, calls, nowhere, stopped=str(stop), trapped=trapped)
        if breach.probe.function.name in breaches or breach.requirement == OVERLAP:
            # An allocator that hands out what is alive explains whatever was found before.
            return Ownership({}, breach, calls, nowhere)
        by_difference = breach.buffer is None
        behind = _behind(edges_of(breach.probe.function), breach.probe.function, read=True) if by_difference else None
        breaches[breach.probe.function.name] = behind or breach


def _behind(edges: Edges, function: Function, *, read: bool) -> Breach | None:
    """What a function does behind its inputs: what it reads there may be anybody's, what it writes damages anything."""
    edge = edges.read if read else edges.wrote
    if edge is None:
        return None
    probe = Probe(f"{function.name}/edges/{edge.name}", function, Sending(edge.name, ()))
    if read:
        fault = Fault("an answer from the input alone", edge.got, OUTSIDE)
    else:
        fault = Fault("bytes behind the input as they were", edge.got, OUTSIDE)
    return Breach(READ_BEHIND if read else str(Part.HOST), probe, edge.arguments, edge.buffer, fault)


def _left_out(plugin: Plugin, script: Sequence[Probe]) -> tuple[frozenset[str], frozenset[str]]:
    """The functions whose results lie outside of memory, once at least, and those that do not come to an end.

    One that was aborted is not called again.
    """
    found: set[str] = set()
    endless: set[str] = set()
    aborted: set[str] = set()
    instance = plugin.new_instance(HOLDING)
    for probe in script:
        if probe.function.name in found | aborted:
            continue
        if not instance.alive:
            instance = plugin.new_instance(HOLDING)
        exchange = instance.exchange(
            probe.function.name, probe.sending.arguments, asked_for(probe.function), fuel=call_fuel(SMALL, 0)
        )
        if exchange.failure is not None and exchange.failure.code in ("out-of-bounds", "too-long"):
            found.add(probe.function.name)
        elif exchange.lost:
            aborted.add(probe.function.name)
            trap = None if exchange.failure is None else exchange.failure.trap
            if trap is not None and trap.code in (TrapCode.FUEL_EXHAUSTED, TrapCode.DEADLINE):
                endless.add(probe.function.name)
    return frozenset(found), frozenset(endless)


def _first_breach(plugin: Plugin, script: Sequence[Probe], replay: Replay) -> Breach | None:
    overwritten = Run(plugin, frozenset(), frozenset())
    try:
        overwritten.play(script)
    except Stop as stop:
        breach = _alone(replay, overwritten, stop.probe) or _freed_twice(plugin, script, stop.probe, None)
        if breach is None:
            raise
        return breach
    if overwritten.breach is not None:
        twice = (
            _freed_twice(plugin, script, overwritten.breach.probe, overwritten.breach)
            if overwritten.is_suspect
            else None
        )
        return _alone(replay, overwritten, overwritten.breach.probe) or twice or overwritten.breach
    restored = _played(plugin, script, frozenset(FORMERLY))
    if restored.breach is not None:
        return restored.breach
    differs = _first_difference(overwritten, restored)
    if differs is None:
        return _mistaken(plugin, script, restored)
    # Which bytes was it? Each part alone is put back as it was.
    for part, (what, hint) in FORMERLY.items():
        alone = _first_difference(overwritten, _played(plugin, script, frozenset({part})))
        if alone is not None or part is list(FORMERLY)[-1]:
            probe = script[differs if alone is None else alone]
            got = f"the answer changes with what the host writes where {what} was"
            return Breach(str(part), probe, (), None, Fault("an answer from its own bytes", got, hint))
    return None


def _alone(replay: Replay, run: Run, probe: Probe | None) -> Breach | None:
    """Whether the allocator goes wrong where the same buffers are asked for and given back, and nothing is called."""
    rounds = replay(run.traffic)
    if probe is None or rounds.wrong is None or rounds.damage is None:
        return None
    wrong = rounds.wrong
    fault = Fault("a buffer of its own", rounds.damage, "a buffer is taken until the host gives it back")
    return Breach(OVERLAP, probe, (wrong.size,), Buffer(wrong.pointer or 0, wrong.size, wrong.size), fault)


def _mistaken(plugin: Plugin, script: Sequence[Probe], restored: Run) -> Breach | None:
    """Whether an input of a former call is taken for that of this one, where the same bytes stand there."""
    run = Run(plugin, frozenset(FORMERLY), frozenset(), mimics=True)
    run.play(script)
    differs = _first_difference(restored, run)
    if run.breach is not None or differs is None:
        return run.breach
    what, hint = FORMERLY[Part.INPUT]
    got = f"the answer changes with what the host writes where {what} was"
    return Breach(str(Part.INPUT), script[differs], (), None, Fault("an answer from its own bytes", got, hint))


def _freed_twice(plugin: Plugin, script: Sequence[Probe], seen: Probe | None, found: Breach | None) -> Breach | None:
    """Whether an allocator goes wrong only because the plugin frees what the host frees.

    Then it hands out what the host never gives back, or does well where the host gives none of it back. That it does
    well is no proof where memory was changed that the host keeps (`found`): it is not kept then.
    """
    if seen is None:
        return None
    only_proof = (
        found is not None and found.requirement in (Part.INPUT, Part.HOST, Part.RESULT) and bool(found.arguments)
    )
    for requirement, owners, what in (
        (str(Part.RESULT), HANDED_OUT, "what was handed out"),
        ("WASP-OWN-003", MADE_HERE, "inputs"),
    ):
        kept = frozenset(owners)
        try:
            breach = _played(plugin, script, kept=kept).breach
        except Stop:
            continue
        if breach is not None and breach.requirement == requirement:
            return breach
        if breach is not None or only_proof:
            continue
        if requirement == str(Part.RESULT) and any(each.refused for each in plugin.returns.found):
            # Already the very first thing that is handed out cannot be given back: it is `deallocate` that fails.
            return None
        alone = {p.function.name: [each for each in script if each.function.name == p.function.name] for p in script}
        blamed = next((calls[0] for calls in alone.values() if not _goes_well(plugin, calls)), seen)
        fault = Fault(
            f"an allocator that works although the host gives {what} back",
            f"it hands out what is alive, or traps; it works where the host gives none of {what} back",
            f"do not free {what}, not later either: the host does, once",
        )
        return Breach(requirement, blamed, (), None, fault)
    return None


def _goes_well(plugin: Plugin, script: Sequence[Probe]) -> bool:
    try:
        return _played(plugin, script).breach is None
    except Stop:
        return False


def _played(
    plugin: Plugin,
    script: Sequence[Probe],
    restored: frozenset[Part] = frozenset(),
    kept: frozenset[Owner] = frozenset(),
) -> Run:
    run = Run(plugin, restored, kept)
    run.play(script)
    return run


def _first_difference(one: Run, other: Run) -> int | None:
    pairs = enumerate(zip(one.outcomes, other.outcomes, strict=False))
    return next((number for number, (mine, theirs) in pairs if mine != theirs), None)
