"""How a hook took each message: which of them it takes, refuses, or says that it cannot read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from .calls import Call, Reached
from .complaints import refusal, speaks_of_decoding
from .lab import Lab
from .messages import Message, Topic
from .scripts import TWIN_TURNS


@dataclass(frozen=True)
class Received:
    """One message, and the calls that brought it to an answer that can be read."""

    message: Message
    calls: Sequence[Call]

    @cached_property
    def refusals(self) -> Sequence[str | None]:
        """How each call was refused, in whatever words; None where it was not."""
        return [refusal(call) for call in self.calls]

    @property
    def is_taken(self) -> bool:
        """Whether it was taken every time."""
        return not any(self.refusals)

    @property
    def is_refused(self) -> bool:
        """Whether it was refused every time."""
        return all(self.refusals)

    def is_unread(self, call: Call) -> bool:
        """Whether the error text of a call says that the message cannot be read.

        What a plugin makes of an HTTP *body* is its own policy.
        """
        text = call.error_text
        if not text or (not self.message.bodies_are_json and "body" in text.lower()):
            return False
        return speaks_of_decoding(text)


@lru_cache(maxsize=8)
def reception_by(hook: str, lab: Lab) -> Reception:
    """What a hook made of its messages; put together once for all topics."""
    return Reception(lab, hook)


class Reception:
    """What a hook made of its messages."""

    def __init__(self, lab: Lab, hook: str) -> None:
        self._lab, self._hook = lab, hook
        # In the soak every message comes with the context of its request: one that is about its context is another.
        own = {(m.role, m.name): m.context for m in lab.messages if m.name.startswith("context-")}
        calls: dict[str, list[Call]] = {}
        messages: dict[str, Message] = {}
        for call in lab.calls(hook):
            message = call.message
            if message is None or call.reached is not Reached.OBJECT or not lab.trusts(call):
                continue
            if call.inputs_overlap:
                # What the hook read is not what was sent.
                continue
            if own.get((message.role, message.name), message.context) == message.context:
                messages.setdefault(message.name, message)
                calls.setdefault(message.name, []).append(call)
        self._named = {name: Received(message, calls[name]) for name, message in messages.items()}

    def about(self, topic: Topic) -> list[Received]:
        """Give all that was received of one topic, but for what another topic is to blame for."""
        blame = self.unread
        return [each for name, each in self._named.items() if blame.get(name, each.message.topic) is topic]

    def same_but_taken(self, each: Received) -> Message | None:
        """Give the message that means the same as a refused one, if the hook takes it: no policy tells them apart."""
        twin = self._named.get(each.message.twin or "")
        return twin.message if twin is not None and self._refuses(each, but_takes=twin, turn=each) else None

    def _refuses(self, refused: Received, *, but_takes: Received, turn: Received) -> bool:
        """Whether one of two that mean the same was refused every time and the other taken.

        So it must be too where nothing comes between them: a policy that counts calls gives itself away there.
        """
        if not (refused.is_refused and but_takes.is_taken):
            return False
        calls = {call.case: call for call in self._lab.session("twins").of(self._hook)}
        played = [calls.get(f"{self._hook}/twins/{turn.message.name}-{number}") for number in range(TWIN_TURNS)]
        return all(
            call is not None
            and call.document is not None
            and call.message is not None
            and (refusal(call) is not None) == (call.message.name == refused.message.name)
            for call in played
        )

    @cached_property
    def unread(self) -> Mapping[str, Topic]:
        """The documented messages that the hook cannot read, each with the topic that is to blame.

        How a message says that there is no error, or no response, is to blame where the same is taken in another
        spelling; or where a call that has neither of them cannot be read, but others are taken.
        """
        documented = [each for each in self._named.values() if each.message.topic is Topic.DOCUMENTED]
        spelled = [each for each in self._named.values() if each.message.topic is Topic.NO_ERROR]
        neither = any(each.is_unread(call) for each in spelled if each.message.twin is None for call in each.calls)
        to_blame = Topic.NO_ERROR if neither and any(each.is_taken for each in documented) else Topic.DOCUMENTED
        blame: dict[str, Topic] = {}
        for each in documented:
            others = [other for other in spelled if other.message.twin == each.message.name]
            if any(self._refuses(each, but_takes=other, turn=other) for other in others):
                blame[each.message.name] = Topic.NO_ERROR
            elif any(map(each.is_unread, each.calls)):
                blame[each.message.name] = to_blame
        return blame
