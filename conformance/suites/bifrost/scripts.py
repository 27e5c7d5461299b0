"""What an instance is asked in each session, and in what order: it depends on the subject and the seed only."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from reference_host.abi.bifrost.revisions import Revision, Role
from reference_host.abi.interface import Json

from .calls import Call
from .messages import MARK, Message, Topic, header_spellings, json_spellings, malformed, mark

TWIN_TURNS = 4
"""How often one of two messages that mean the same is sent, so that each is sent twice."""
NAMED = 5
"""In traffic the plugin is asked for its name after so many messages."""
SOAK = 10_000
QUICK_SOAK = 200
"""Calls in the soak, by scope."""


@dataclass(frozen=True, slots=True)
class Step:
    """A call to be made: a message to its hook, or `get_name` where there is none; `mark` takes the place of `MARK`."""

    name: str
    message: Message | None = None
    mark: str = ""
    documents: tuple[bytes, ...] | None = None
    """Sent as they are, in place of the message's own."""


Script = Generator[Step, Call | None, None]
"""Yields steps and is told what came of each (None where the call was left out)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What scripts are made of: the messages are those of hooks that the revision has."""

    revision: Revision
    messages: tuple[Message, ...]
    seed: int
    quick: bool


def _traffic(plan: Plan) -> Script:
    """Every message once, each with a context of its own; `get_name` before, in between and after."""
    yield Step("0-before")
    for number, message in enumerate(plan.messages, 1):
        yield Step(f"{number}-{message.name}", message, mark(number))
        if number % NAMED == 0:
            yield Step(f"{number}-after")
    yield Step(f"{len(plan.messages) + 1}-after")


def _soak(plan: Plan) -> Script:
    """Requests as they come: each goes through its hooks in the order of the pipeline, with random messages.

    What a hook adds to the context is there for the next one, as in the gateway. Each message (in scope `quick`
    one of each role) comes twice, word for word: before all others and after them.
    """
    draw = random.Random(plan.seed)
    length = QUICK_SOAK if plan.quick else SOAK
    pools = {role: [m for m in plan.messages if m.role is role and m.topic is not Topic.LARGE] for role in Role}
    twins = [message for pool in pools.values() for message in (pool[:1] if plan.quick else pool)]
    for message in twins:
        yield Step(f"first-{message.name}", message, MARK)
    number = 0
    for request in itertools.count(1):
        word = mark(request)
        context: dict[str, Json] = {"request_id": word}
        for role in _roles(draw):
            if not pools[role] or number == length:
                continue
            message = replace(draw.choice(pools[role]), context=context)
            call = yield Step(str(number), message, word)
            number += 1
            added = None if call is None or call.document is None else call.document.get("context")
            if isinstance(added, dict):
                context = context | added
        if number == length or not twins:
            break
    for message in twins:
        yield Step(f"last-{message.name}", message, MARK)
    yield Step("after")


def _roles(draw: random.Random) -> list[Role]:
    """The hooks that one request goes through: half of the requests stream."""
    streams = draw.random() < 0.5
    return [Role.HTTP_PRE, Role.PRE, Role.POST, *([Role.STREAM] * draw.randint(1, 6) if streams else [Role.HTTP_POST])]


def _twins(plan: Plan) -> Script:
    """Each message that means the same as another: that one, this one, this one, that one."""
    named = {(message.role, message.name): message for message in plan.messages}
    for message in plan.messages:
        twin = named.get((message.role, message.twin or ""))
        if twin is not None:
            for turn, sent in enumerate((twin, message, message, twin)):
                yield Step(f"{message.name}-{turn}", sent, MARK)


def _malformed(plan: Plan) -> Script:
    """What no conforming host sends: each document of each hook, spoiled in many ways."""
    for name, message, documents in malformed(plan.revision):
        yield Step(name, message, MARK, documents)


def _headers(plan: Plan) -> Script:
    """One request in three spellings of its header and query names."""
    for number, message in enumerate(header_spellings()):
        if plan.revision.hook(message.role) is not None:
            yield Step(f"{number}-{message.name}", message, MARK)


def _spelling(plan: Plan) -> Script:
    """Two messages for each hook, in several spellings of their JSON."""
    for number, (message, spelling) in enumerate(json_spellings()):
        if plan.revision.hook(message.role) is not None:
            documents = tuple(spelling.write(document) for document in message.documents(plan.revision))
            yield Step(f"{number}-{spelling}", message, MARK, documents)


SCRIPTS: Mapping[str, Callable[[Plan], Script]] = MappingProxyType(
    {
        "traffic": _traffic,
        "soak": _soak,
        "twins": _twins,
        "malformed": _malformed,
        "headers": _headers,
        "spelling": _spelling,
    }
)
"""The script of each session."""
