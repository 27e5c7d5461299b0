"""Where a plugin is put through its paces: the same calls on every engine and in every run.

A `Lab` belongs to one subject. Each session is a fresh instance that plays a script of its own; its calls are made once
and kept, so that every rule looks at the same calls whatever the order of tests, and a case can be replayed with its
history.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from conformance.judging import Subject
from conformance.lab.bounds import COPIES, DEADLINE, START_FUEL
from conformance.lab.bounds import Blocked as Blocked
from conformance.lab.probes import SIZES, AllocatorProbe, Bench, StaticData, probe_allocator, takes_back
from reference_host.abi.bifrost.contract import Profile
from reference_host.abi.bifrost.documents import Shape
from reference_host.abi.bifrost.events import Allocated, Exchange, Owner
from reference_host.abi.bifrost.heap import SCRUB, HeapPolicy
from reference_host.abi.bifrost.plugin import Plugin, PluginConfig
from reference_host.abi.bifrost.revisions import Revision, Role, free_name, revision_named
from reference_host.engine.binary import read_module
from reference_host.engine.interface import MAX_PAGES, PAGE, GrowthRefused, Limits, MemoryType, Module
from reference_host.errors import (
    HookError,
    InitRefused,
    LoadError,
    MemoryLimitExceeded,
    ModuleError,
    TrapCode,
)

from .bounds import BUDGET, SLACK, TRAPS_PER_HOOK
from .calls import Call, Reached, read_call
from .exits import dead_after_exit
from .messages import HUGE, Message, Topic, mark, marked, messages
from .metering import Meter
from .ownership import Breach, Ownership, Probe, examine
from .reuse import mistaken
from .scripts import SCRIPTS, Plan, Script

SMALL_CONFIG = b'{"hookproof":{"level":1}}'
"""A config that no plugin knows, for those whose author gave none."""
ENDED = ("traffic", "soak")
"""The sessions that end with `cleanup`."""


LARGE_SIZES = (300_000, 1_048_576)
"""Bytes of buffers that are asked for in scope `full` only, as the bodies of the traffic."""


@dataclass(frozen=True, slots=True)
class Session:
    """The calls of one instance's life, in order; `skipped` counts those of hooks that had trapped too often."""

    calls: tuple[Call, ...]
    skipped: Counter[str] = field(default_factory=Counter)
    refused: tuple[GrowthRefused, ...] = ()
    """Growth of memory that was refused to the last instance in these calls."""
    ending: int | HookError | None = None
    """What `cleanup` came to, after all; None where it was not called."""

    def of(self, function: str) -> Sequence[Call]:
        """The calls of one function."""
        return [call for call in self.calls if call.exchange.function == function]


class Lab:
    """All that is done with one subject."""

    def __init__(self, subject: Subject, module: Module) -> None:
        self.subject = subject
        self.module = module
        self.revision: Revision = revision_named(subject.revision)
        self._sessions: dict[str, Session] = {}
        self._calls: dict[str, Sequence[Call]] = {}
        self._reached: dict[tuple[str, Reached], Sequence[Call]] = {}
        self._endless: set[str] = set()

    @cached_property
    def memory_types(self) -> tuple[MemoryType, ...]:
        """The types of the module's memories."""
        return read_module(self.subject.binary).memories

    @property
    def minimum(self) -> int:
        """Pages of memory that an instance starts with."""
        return max((type_.minimum for type_ in self.memory_types), default=0)

    @property
    def room(self) -> int:
        """Bytes of linear memory that the plugin can have: what it declares as its maximum, within the host's limit."""
        declared = [type_.maximum for type_ in self.memory_types if type_.maximum is not None]
        return min(self.subject.memory_pages, *declared, MAX_PAGES) * PAGE

    @property
    def largest(self) -> int:
        """Bytes of an everyday large body."""
        size = 4_096 if self.subject.quick else 1_048_576
        return size if self.subject.max_input is None else min(size, self.subject.max_input // HUGE)

    # -- getting there -----------------------------------------------------------------------------

    def new_plugin(
        self,
        *,
        config: bytes | None = None,
        scrub: int | None = SCRUB,
        scrub_config: int | None = SCRUB,
        withheld: frozenset[Owner] = frozenset(),
    ) -> Plugin:
        """A plugin on which nothing has run; what its inputs, and its config, are overwritten with once they are used.

        The export section is judged by its own rules, so it is not checked here.
        """
        settings = PluginConfig(
            config=config if config is not None else self.subject.config,
            revision=self.revision.name,
            profile=Profile(self.subject.profile),
            checked=False,
            limits=Limits(START_FUEL, DEADLINE, self.subject.memory_pages),
            budget=BUDGET,
            heap=HeapPolicy(slack=SLACK, scrub=scrub, scrub_config=scrub_config, doubts=True, withheld=withheld),
        )
        return Plugin(self.module, settings)

    def meter(self, plugin: Plugin) -> Meter:
        """What tells what a plugin takes."""
        return Meter(plugin, self.subject.memory_pages, self.minimum)

    def started(self) -> Plugin:
        """A plugin that was instantiated. Raises what loading raises."""
        plugin = self.new_plugin()
        plugin.start()
        return plugin

    @cached_property
    def load_failure(self) -> LoadError | ModuleError | None:
        """Why the module cannot be instantiated, if it cannot."""
        try:
            self.started()
        except (LoadError, ModuleError) as error:
            return error
        return None

    @cached_property
    def exit_failure(self) -> HookError | None:
        """What the first function traps with, where `_start` exited with 0 and no function works afterwards."""
        return dead_after_exit(self.started)

    @cached_property
    def init_failure(self) -> InitRefused | HookError | None:
        """Why `init` did not succeed, if it did not."""
        self.require_started()
        plugin = self.started()
        try:
            plugin.init()
        except (InitRefused, HookError) as error:
            return error
        return None

    @cached_property
    def ending(self) -> int | HookError | None:
        """What `cleanup` comes to after nothing but `init`; None where it is not exported. Raises `Blocked`."""
        self.require_ready()
        plugin = self.started()
        plugin.init()
        try:
            return plugin.cleanup()
        except HookError as failure:
            return failure

    def require_started(self) -> None:
        """Raise `Blocked` where the module cannot be instantiated, or cannot hold a conversation."""
        failure = self.load_failure
        if isinstance(failure, ModuleError | MemoryLimitExceeded):
            raise Blocked(str(failure), not_tested=True)
        if failure is not None:
            raise Blocked(f"the module does not load: {failure}")
        if self.exit_failure is not None:
            raise Blocked("no function works after `_start` exited: see BIFROST-LOAD-003")

    def require_ready(self) -> None:
        """Raise `Blocked` where no hook can be called."""
        self.require_started()
        plugin = self.new_plugin()
        if "memory" not in {export.name for export in self.module.exports}:
            raise Blocked("needs memory, which is not exported")
        if plugin.pair is None:
            raise Blocked(f"needs {self.revision.allocators[0]}, which is not exported with its type")
        failure = self.init_failure
        if isinstance(failure, InitRefused):
            no_config = self.subject.config is None
            hint = "init refused without a config: give the plugin's own with --config" if no_config else "init refused"
            raise Blocked(hint, not_tested=no_config)
        if failure is not None:
            raise Blocked(f"init did not complete: {failure}")

    def require_exported(self, function: str) -> None:
        """Raise `Blocked` where a function cannot be called."""
        self.require_ready()
        if function not in self.new_plugin().exports:
            raise Blocked(f"needs {function}, which is not exported with its type")

    def require(self, function: str) -> None:
        """Raise `Blocked` where a function cannot be called, or uses memory that it does not own.

        What such a function answers tells nothing about any other rule, and it may damage what others answer.
        """
        self.require_exported(function)
        breach = self.breaches.get(function)
        if breach is not None:
            raise Blocked(f"{function} uses memory that it does not own: see {breach.requirement}")

    # -- experiments -------------------------------------------------------------------------------

    @cached_property
    def allocator(self) -> AllocatorProbe:
        """What the allocator does alone. Raises `Blocked`."""
        self.require_ready()
        sizes = [size for size in (*SIZES, *(() if self.subject.quick else LARGE_SIZES)) if COPIES * size <= self.room]
        return probe_allocator(self._bench(), StaticData(self.module.info.data_segments), sizes)

    @cached_property
    def takes_back(self) -> bool:
        """Whether memory that is given back is used again. Raises `Blocked`."""
        self.require_ready()
        return takes_back(self._bench(), quick=self.subject.quick)

    @property
    def lacks_free(self) -> bool:
        """Whether nothing can be given back for want of an export that has a rule of its own. Raises `Blocked`."""
        self.require_ready()
        pair = self.new_plugin().pair
        if pair is None or pair.free is not None:
            return False
        return self.revision.free_required or free_name(pair.malloc) in {export.name for export in self.module.exports}

    @cached_property
    def ownership(self) -> Ownership:
        """Who uses whose memory. Raises `Blocked`."""
        if not self.allocator.is_sound:
            return Ownership({}, None, Counter(), "needs an allocator that keeps its own rules: see BIFROST-ALLOC-*")
        config = self.subject.config or (SMALL_CONFIG if self._takes(SMALL_CONFIG) else None)

        def new_plugin(scrub: int | None, scrub_config: int | None, withheld: frozenset[Owner]) -> Plugin:
            return self.new_plugin(config=config, scrub=scrub, scrub_config=scrub_config, withheld=withheld)

        return examine(new_plugin, list(self._probes()))

    @cached_property
    def breaches(self) -> dict[str, Breach]:
        """By function: how it uses memory that it does not own, by experiment or in the sessions. Raises `Blocked`."""

        def new_plugin() -> Plugin:
            plugin = self.new_plugin(withheld=frozenset({Owner.INPUT}))
            plugin.start()
            plugin.init()
            return plugin

        found = dict(self.ownership.breaches)
        for name in () if self.overlaps else ("traffic", "soak"):
            found = mistaken(self.session(name).calls, self.revision, new_plugin) | found
        return found

    @cached_property
    def overlaps(self) -> bool:
        """Whether the allocator hands out what is alive. Raises `Blocked`."""
        return self.allocator.overlap is not None or self.ownership.overlap is not None

    @cached_property
    def runs_dry(self) -> bool:
        """Whether the allocator answers 0, alone or over calls. Raises `Blocked`."""
        events = (
            event for name in ("traffic", "soak") for call in self.session(name).calls for event in call.exchange.events
        )
        over_calls = any(isinstance(event, Allocated) and event.pointer == 0 for event in events)
        return over_calls or any(allocation.pointer == 0 for allocation in self.allocator.allocations)

    def trusts(self, call: Call, reached: Reached = Reached.NOTHING) -> bool:
        """Whether a rule that needs `reached` can be asked of a call.

        Where the allocator destroys data, whatever is wrong may come of that; but what could be read as an object was
        hardly put together by chance, so that its members are judged.
        """
        return reached is Reached.OBJECT or not (call.spoiled or self.overlaps)

    def _takes(self, config: bytes) -> bool:
        plugin = self.new_plugin(config=config)
        try:
            plugin.start()
            plugin.init()
        except (LoadError, HookError):
            return False
        return True

    def _probes(self) -> Iterator[Probe]:
        """Each message but the large ones, hook after hook; in scope `quick` one of each topic."""
        exports = self.new_plugin().exports
        by_role: list[list[Message]] = []
        for role in Role:
            sent = [message for message in self.messages if message.role is role and message.topic is not Topic.LARGE]
            first = {message.topic: message for message in reversed(sent)}
            by_role.append([m for m in sent if not self.subject.quick or first[m.topic] is m])
        for number, turn in enumerate(itertools.zip_longest(*by_role)):
            if "get_name" in exports:
                yield Probe(f"get_name/ownership/{number}", "get_name")
            for message in filter(None, turn):
                hook = self.revision.hook(message.role)
                if hook is not None and hook.name in exports:
                    case = f"{hook.name}/ownership/{number}-{message.name}"
                    sent_now = tuple(marked(data, mark(number)) for data in message.documents(self.revision))
                    yield Probe(case, hook.name, sent_now)

    def _bench(self) -> Bench:
        plugin = self.started()
        plugin.init()
        assert plugin.instance is not None
        assert plugin.pair is not None
        return Bench(plugin.instance, plugin.pair, self.subject.memory_pages, self.minimum, BUDGET.fuel)

    # -- sessions ----------------------------------------------------------------------------------

    def session(self, name: str) -> Session:
        """The session of a name: `traffic`, `soak`, `twins`, `malformed`, `headers` or `spelling`. Raises `Blocked`."""
        self.require_ready()
        if name != "traffic":
            # What is learned there (which hooks never end) holds for all sessions, whatever order rules ask in.
            self.session("traffic")
        if name not in self._sessions:
            plan = Plan(self.revision, tuple(self.messages), self.subject.seed, quick=self.subject.quick)
            self._sessions[name] = self._run(name, SCRIPTS[name](plan))
        return self._sessions[name]

    def calls(self, function: str) -> Sequence[Call]:
        """Every call of a function that a conforming host may make. Raises `Blocked`."""
        if function not in self._calls:
            self.require(function)
            self._calls[function] = [call for name in ("traffic", "soak") for call in self.session(name).of(function)]
        return self._calls[function]

    def calls_that_reached(self, function: str, reached: Reached) -> Sequence[Call]:
        """Those of `calls` that a rule which needs `reached` can be asked of. Raises `Blocked`."""
        key = (function, reached)
        if key not in self._reached:
            calls = self.calls(function)
            if reached > Reached.RETURNED and any(call.is_misplaced for call in calls):
                # Halves that are wrong point anywhere: what is read there by chance tells nothing.
                calls = []
            self._reached[key] = [c for c in calls if c.reached >= reached and self.trusts(c, reached)]
        return self._reached[key]

    @cached_property
    def name_calls(self) -> tuple[Call, ...]:
        """`get_name` before `init`, after it, once more, and all along the sessions. Raises `Blocked`."""
        self.require("get_name")
        plugin = self.started()
        calls: list[Call] = []
        for case in ("before-init", "after-init", "again"):
            if case == "after-init":
                plugin.init()
            exchange = plugin.exchange("get_name")
            spoiled = self.allocator.covered is not None
            calls.append(read_call(f"get_name/{case}", exchange, None, self.revision, spoiled=spoiled))
        return tuple(call for call in (*calls, *self.calls("get_name")) if self.trusts(call))

    @cached_property
    def messages(self) -> list[Message]:
        """What is sent to this subject."""
        shapes = self.subject.shapes
        sent = messages(
            largest=self.largest,
            go_struct=Shape.GO_STRUCT in shapes,
            docs=Shape.DOCS in shapes,
            room=self.room,
        )
        return [message for message in sent if self.revision.hook(message.role) is not None]

    def _run(self, name: str, script: Script) -> Session:
        plugin = self.started()
        plugin.init()
        meter = self.meter(plugin)
        meter.take()
        unfed = 0 if plugin.instance is None else len(plugin.instance.growth_refused)
        # What uses memory that it does not own would damage the calls of the others.
        exports = plugin.exports - self.ownership.breaches.keys()
        spoiled = self.allocator.covered is not None
        calls: list[Call] = []
        skipped: Counter[str] = Counter()
        traps: Counter[str] = Counter()
        # Only what is learned in traffic holds for all: what a rule finds must not depend on the order of tests.
        endless = self._endless if name == "traffic" else set(self._endless)
        call: Call | None = None
        while True:
            try:
                step = script.send(call)
            except StopIteration:
                refused = () if plugin.instance is None else tuple(plugin.instance.growth_refused)[unfed:]
                return Session(tuple(calls), skipped, refused, self._end(plugin) if name in ENDED else None)
            call = None
            hook = None if step.message is None else self.revision.hook(step.message.role)
            function = "get_name" if hook is None else hook.name
            if function not in exports:
                continue
            if traps[function] >= TRAPS_PER_HOOK or function in endless:
                skipped[function] += 1
                continue
            sent = () if step.message is None else step.documents or step.message.documents(self.revision)
            try:
                exchange = plugin.exchange(function, [marked(data, step.mark) for data in sent])
            except (LoadError, HookError):
                # A new instance after a trap could not be made ready: there is nothing left to talk to.
                skipped[function] += 1
                continue
            spoiled = spoiled or self._covers_static_data(exchange)
            case = f"{function}/{name}/{step.name}"
            call = read_call(case, exchange, hook, self.revision, step.message, step.mark, spoiled=spoiled)
            use = meter.take()
            calls.append(call := call.taking(use))
            if use.hogged is not None:
                # Nothing can be learned from an instance that starves.
                plugin.start()
                unfed = 0
            if use.hogged is not None or use.floods(sum(map(len, sent))):
                traps[function] += 1
            spoiled = self.allocator.covered is not None if exchange.lost else spoiled
            if exchange.failure is not None and exchange.failure.trap is not None:
                traps[function] += 1
                if _is_endless(exchange.failure):
                    endless.add(function)

    def _covers_static_data(self, exchange: Exchange) -> bool:
        static = self.allocator.static
        for event in exchange.events:
            if not isinstance(event, Allocated) or not event.pointer:
                # 0 is the answer of an allocator that has no room: the host writes nothing there.
                continue
            if static.first_covered(event.pointer, event.size) is not None:
                return True
        return False

    def _end(self, plugin: Plugin) -> int | HookError | None:
        """Let a plugin go, unless its `cleanup` is known to have no end."""
        if self.ending is None or (isinstance(self.ending, HookError) and _is_endless(self.ending)):
            return None
        try:
            return plugin.cleanup()
        except LoadError:
            return None
        except HookError as failure:
            return failure


def _is_endless(failure: HookError) -> bool:
    return failure.trap is not None and failure.trap.code in (TrapCode.FUEL_EXHAUSTED, TrapCode.DEADLINE)
