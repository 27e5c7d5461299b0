"""One call of a guest function as the suite sees it, and how far it got.

A rule is asked only of calls that got as far as the rule: a hook that trapped has no result to be judged, a result that
is no JSON has no members. So a fault is reported once, at its root.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import combinations

from reference_host.abi.bifrost.answers import Finding, Outcome, read_answer
from reference_host.abi.bifrost.events import Exchange, Stage
from reference_host.abi.bifrost.jsontext import decode_object
from reference_host.abi.bifrost.revisions import Hook, Revision
from reference_host.abi.bifrost.types import HookFailure
from reference_host.abi.interface import Json
from reference_host.errors import HookError, Trap

from .messages import Message
from .metering import NOTHING_TAKEN, Use


class Reached(IntEnum):
    """The last step that succeeded."""

    NOTHING = 0
    PLACED = 1
    """Every document lies in a buffer of the plugin's."""
    RETURNED = 2
    """The function came back with a packed result."""
    COPIED = 3
    """The result lies inside memory and is not empty."""
    TEXT = 4
    """It is UTF-8."""
    PARSED = 5
    """It is one JSON text."""
    OBJECT = 6
    """It is an object: its members can be judged."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call: `case` is its name in reports, e.g. `pre_hook/traffic/7-text`."""

    case: str
    exchange: Exchange
    reached: Reached
    message: Message | None = None
    mark: str = ""
    failure: HookError | None = None
    document: dict[str, Json] | None = None
    duplicates: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    spoiled: bool = False
    """Whether the allocator had let the host write over the plugin's own data before: any failure may come of that."""
    use: Use = NOTHING_TAKEN

    def taking(self, use: Use) -> Call:
        """The same call with what it took. One that took all memory is judged for that alone: the rest follows."""
        if use.hogged is not None:
            unheard = replace(self, failure=None, document=None, duplicates=(), findings=())
            return replace(unheard, use=use, reached=Reached.NOTHING)
        return replace(self, use=use) if use.logged else self

    @property
    def export(self) -> str:
        """The function that was called."""
        return self.exchange.function

    @property
    def trap(self) -> Trap | None:
        """What the function itself trapped with; None where it came back, or where allocator or `free` trapped."""
        failed_in_call = self.exchange.failed_at is Stage.CALL
        return self.failure.trap if failed_in_call and self.failure is not None else None

    @property
    def is_misplaced(self) -> bool:
        """Whether the halves of the packed result are wrong although they lie inside memory."""
        failure, exchange = self.failure, self.exchange
        if failure is None or failure.code != HookFailure.RESULT_OUT_OF_BOUNDS:
            return False
        return (exchange.pointer or 0) + (exchange.length or 0) <= (exchange.memory_size or 0)

    @property
    def inputs_overlap(self) -> bool:
        """Whether the allocator put two documents of the call over each other."""
        inputs = self.exchange.inputs
        if len(inputs) < 2:
            return False
        return any(one.overlaps(other) for one, other in combinations([b for b in inputs if b.size], 2))

    def finding(self, code: str, *members: str) -> Finding | None:
        """The first finding of that code, of that member or below it (any member where none is named)."""
        for found in self.findings:
            if found.code == code and (not members or any(_is_within(found.member, member) for member in members)):
                return found
        return None

    @property
    def error_text(self) -> str:
        """What the hook says went wrong: `hook_error` of an enveloped post hook, else `error`."""
        if self.document is None:
            return ""
        for member in ("hook_error", "error"):
            value = self.document.get(member)
            if isinstance(value, str) and value:
                return value
        return ""


def _is_within(member: str, ancestor: str) -> bool:
    return member == ancestor or member.startswith(f"{ancestor}.")


def read_call(
    case: str,
    exchange: Exchange,
    hook: Hook | None,
    revision: Revision,
    message: Message | None = None,
    mark: str = "",
    *,
    spoiled: bool = False,
) -> Call:
    """See how far an exchange got. `hook` is None for functions that answer text instead of JSON (`get_name`)."""
    call = _read_call(case, exchange, hook, revision, message, mark)
    return replace(call, spoiled=True) if spoiled else call


def _read_call(
    case: str, exchange: Exchange, hook: Hook | None, revision: Revision, message: Message | None, mark: str
) -> Call:
    failure = exchange.failure
    if exchange.raw is None:
        reached = Reached.PLACED if exchange.failed_at is Stage.CALL else Reached.NOTHING
        return Call(case, exchange, reached, message, mark, failure)
    if not exchange.output:
        return Call(case, exchange, Reached.RETURNED, message, mark, failure)
    if hook is None:
        return Call(case, exchange, Reached.COPIED, message, mark, failure)
    try:
        document, duplicates = decode_object(hook.name, exchange.output)
    except HookError as error:
        reached = {
            HookFailure.BAD_UTF8.value: Reached.COPIED,
            HookFailure.BAD_JSON.value: Reached.TEXT,
        }.get(error.code, Reached.PARSED)
        return Call(case, exchange, reached, message, mark, error)
    given: Outcome | None = None if message is None else message.given
    answer = read_answer(hook, revision, document, given=given)
    return Call(case, exchange, Reached.OBJECT, message, mark, failure, document, duplicates, answer.findings)
