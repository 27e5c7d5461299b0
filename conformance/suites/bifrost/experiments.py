"""Experiments with whole lives of a plugin: what each step takes of the host, and one request in two instances.

An experiment runs once for each lab, on instances of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

from reference_host.abi.bifrost.revisions import Role
from reference_host.abi.interface import Json
from reference_host.abi.startup import START_FUNCTIONS, START_TYPE
from reference_host.engine.interface import FuncType
from reference_host.errors import HookError, InitRefused, LoadError

from .calls import Call, read_call
from .lab import Lab
from .messages import Message, Topic, mark, marked
from .metering import Use
from .worlds import alike

T = TypeVar("T")

ALLOCATOR = ("malloc", "free")
"""The cases of `life` that are the allocator's."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A step of a life that is no hook: what it took, with `given` bytes of input."""

    case: str
    export: str
    use: Use
    given: int = 0


@lru_cache(maxsize=4)
def life(lab: Lab) -> tuple[Moment, ...]:
    """Start, the allocator once, `init`, `cleanup`: each as far as it comes. Raises `Blocked`."""
    lab.require_started()
    plugin = lab.new_plugin()
    meter = lab.meter(plugin)
    moments: list[Moment] = []

    def step(case: str, export: str, act: Callable[[], T], given: int = 0) -> T | None:
        if plugin.instance is not None and not plugin.instance.alive:
            return None
        try:
            done = act()
        except (LoadError, HookError):
            # That it failed is the business of other rules, whatever it took.
            return None
        moments.append(Moment(case, export, meter.take(), given))
        return done

    step("start", _start_function(lab), plugin.start)
    pair = plugin.pair
    if pair is not None:
        size = 64
        buffer = step("malloc", pair.malloc, lambda: plugin.heap.borrow(size, None, plugin.fuel(size)), size)
        if pair.free is not None and buffer is not None:
            step("free", pair.free, lambda: plugin.heap.hand_back(buffer, plugin.fuel(size)))
    if lab.init_failure is None or isinstance(lab.init_failure, InitRefused):
        step("init", "init", plugin.init, len(lab.subject.config or b""))
    if lab.init_failure is None and isinstance(lab.ending, int):
        # Not by `Plugin.cleanup`, which lets the instance go before the meter is read.
        step("cleanup", "cleanup", lambda: plugin.heap.plain_status("cleanup", plugin.fuel(0)))
    return tuple(moments)


def _start_function(lab: Lab) -> str:
    types = {export.name: export.type for export in lab.module.exports if isinstance(export.type, FuncType)}
    return next((name for name in START_FUNCTIONS if types.get(name) == START_TYPE), "start")


@dataclass(frozen=True, slots=True)
class Relay:
    """A hook of a request whose earlier hooks ran in another instance.

    `whole`: its call in the instance that saw the whole request. `elsewhere`: the same documents in an instance that
    saw something else, told in `where`. `differs`: whether that is where the answer comes from.
    """

    whole: Call
    elsewhere: Call
    where: str
    differs: bool


REQUESTS = 8
QUICK_REQUESTS = 3
"""Requests that are split between instances, by scope."""


def relays(lab: Lab, hook: str) -> tuple[Relay, ...]:
    """Take requests through their hooks in two instances that live side by side. Raises `Blocked`."""
    lab.require(hook)
    lab.session("traffic")
    return tuple(relay for relay in _relays(lab) if relay.whole.export == hook)


@lru_cache(maxsize=4)
def _relays(lab: Lab) -> tuple[Relay, ...]:
    found: list[Relay] = []
    for number in range(QUICK_REQUESTS if lab.subject.quick else REQUESTS):
        last = Role.STREAM if number % 2 else Role.HTTP_POST
        chain = [role for role in (Role.HTTP_PRE, Role.PRE, Role.POST, last) if _answers(lab, role)]
        one, other = (_Request(lab, chain, 2 * number + turn) for turn in (0, 1))
        found += _split(lab, one, other)
    return tuple(found)


def _answers(lab: Lab, role: Role) -> bool:
    """Whether a role has a hook that can be called, and comes to an end."""
    hook = lab.revision.hook(role)
    if hook is None or hook.name in lab.breaches or hook.name not in lab.new_plugin().exports:
        return False
    calls = lab.session("traffic").of(hook.name)
    return bool(calls) and all(call.failure is None or call.failure.trap is None for call in calls)


class _Request:
    """One request: a message for each of its hooks, and a word of its own."""

    def __init__(self, lab: Lab, chain: Sequence[Role], number: int) -> None:
        sent = {role: [m for m in lab.messages if m.role is role] for role in chain}
        # Where only the Go shape is sent, nothing is as documented.
        pools = {role: [m for m in found if m.topic is Topic.DOCUMENTED] or found for role, found in sent.items()}
        self.word = mark(number + 1)
        self.messages = [pools[role][number % len(pools[role])] for role in chain]


def _split(lab: Lab, one: _Request, other: _Request) -> Iterator[Relay]:
    """Let each hook of `one` but the first run where only its earlier hooks of `other` ran, or nothing at all."""
    whole = _Life(lab)
    context: dict[str, Json] = {"request_id": one.word}
    for turn, message in enumerate(one.messages):
        sent = replace(message, context=context)
        call = whole.call("whole", sent, one.word)
        if call is None or call.document is None:
            return
        if turn:
            yield from _elsewhere(lab, one, other, turn, call)
        added = call.document.get("context")
        if isinstance(added, dict):
            context = context | added


def _elsewhere(lab: Lab, one: _Request, other: _Request, turn: int, whole: Call) -> Iterator[Relay]:
    message = whole.message
    assert message is not None

    def after(*requests: _Request) -> Call | None:
        life = _Life(lab)
        for request in requests:
            life.through(request, turn)
        return life.call("elsewhere", message, one.word)

    call = after(other)
    if call is not None:
        differs = not alike(lab, whole, call)
        if differs and call.document is not None:
            # What is summed up over all requests differs as well where each of them had its instance to itself.
            twice, in_turn = after(one, one), after(other, one)
            differs = twice is not None and in_turn is not None and alike(lab, twice, in_turn)
        yield Relay(whole, call, "where the earlier hooks had another request", differs)
    first = after()
    if first is not None:
        yield Relay(whole, first, "where it was the first to be called", _effect(first) != _effect(whole))


def _effect(call: Call) -> object:
    """What an answer does, whatever it says: which of its members are there, the context apart."""
    if call.document is None:
        return call.reached
    return {name for name, value in call.document.items() if name != "context" and value not in (None, False, "")}


class _Life:
    """An instance, and what it is asked."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._plugin = lab.started()
        self._plugin.init()

    def call(self, case: str, message: Message, word: str) -> Call | None:
        """Call the message's hook; None where there is no instance left to call."""
        hook = self._lab.revision.hook(message.role)
        assert hook is not None
        documents = [marked(document, word) for document in message.documents(self._lab.revision)]
        try:
            exchange = self._plugin.exchange(hook.name, documents)
        except (LoadError, HookError):
            return None
        case = f"{hook.name}/{case}/{word}-{message.name}"
        return read_call(case, exchange, hook, self._lab.revision, message, word)

    def through(self, request: _Request, turns: int) -> None:
        """Take a request through so many of its hooks."""
        context: dict[str, Json] = {"request_id": request.word}
        for message in request.messages[:turns]:
            call = self.call("through", replace(message, context=context), request.word)
            added = None if call is None or call.document is None else call.document.get("context")
            if isinstance(added, dict):
                context = context | added
