"""What a message is: it knows what it means, and how each revision spells it.

Each message belongs to one topic, and each topic is the business of one INPUT requirement. `MARK` stands for a word
that is different in every call.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from conformance.lab.bounds import COPIES
from reference_host.abi.bifrost.answers import Outcome
from reference_host.abi.bifrost.jsontext import encode
from reference_host.abi.bifrost.revisions import Revision, Role
from reference_host.abi.interface import Json

MARK = "MARK-0000000000"
PLAIN = "plain"
"""Name of the message of each hook that most others vary in one point."""


class Topic(StrEnum):
    """What a message is about."""

    DOCUMENTED = "documented"
    GO_STRUCT = "go-struct"
    NULLS = "nulls"
    UNKNOWN = "unknown-members"
    NO_ERROR = "no-error"
    LARGE = "large"
    NON_ASCII = "non-ascii"
    EMPTY = "empty"


class Variation(NamedTuple):
    """One value of the member that a message is about. `twin`: see `Message`."""

    name: str
    topic: Topic
    value: dict[str, Json]
    twin: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one hook: the members beside `context`, in the order of the documents.

    `twin`: the name of another message of this hook that means the same to every plugin, so that no policy can refuse
    one of them and take the other: the same with `{}` in the place of null, or without a member that nobody knows.
    `omit`: envelope members left out.
    """

    role: Role
    name: str
    topic: Topic
    members: Mapping[str, Json]
    context: Mapping[str, Json] = field(default_factory=lambda: {"request_id": MARK})
    omit: tuple[str, ...] = ()
    twin: str | None = None
    _spelt: dict[str, tuple[Json, bytes]] = field(default_factory=dict, repr=False, compare=False)
    """Members with their bytes. Copies with another `context` share it: the soak sends each message a hundred times."""

    def documents(self, revision: Revision) -> tuple[bytes, ...]:
        """The bytes of each document that the revision's hook takes."""
        members: dict[str, Json] = {"context": self.context, **self.members}
        if revision.enveloped:
            spelt = [self._spell(name, value) for name, value in members.items() if name not in self.omit]
            return (b"{" + b",".join(spelt) + b"}",)
        hook = revision.hook(self.role)
        assert hook is not None
        # r0 has no flag and no envelope: an empty error or response is the literal null there.
        return tuple(
            encode(members[name] or (None if name in ("response", "error") else {})) for name in hook.documents
        )

    def _spell(self, name: str, value: Json) -> bytes:
        known = self._spelt.get(name)
        if known is None or known[0] is not value:
            known = self._spelt[name] = (value, encode(name) + b":" + encode(value))
        return known[1]

    @property
    def given(self) -> Outcome | None:
        """For the post hook: what its input holds."""
        if self.role is not Role.POST:
            return None
        return Outcome(response=bool(self.members["response"]), error=bool(self.members["error"]))

    @property
    def bodies_are_json(self) -> bool:
        """Whether each HTTP body in it is a JSON object; where not, a plugin may well complain of it."""
        parts = [self.members.get(name) for name in ("request", "response")]
        bodies = [part.get("body", _JSON_BODY) for part in parts if isinstance(part, dict)]
        return all(isinstance(body, str) and body.startswith(_JSON_BODY) for body in bodies)


_JSON_BODY = base64.b64encode(b'{"x').decode()[:3]
"""How the base64 of a JSON object begins."""

HUGE = 8
"""How many times as large as an everyday one the largest body is."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large bodies are: bytes of an everyday one, and bytes of memory that the plugin can have (None: any)."""

    everyday: int
    room: int | None = None

    @property
    def huge(self) -> int:
        """Bytes of a body that one HTTP and one LLM hook see: 8 MiB where the everyday one has 1 MiB."""
        return HUGE * self.everyday

    def fit(self, size: int) -> bool:
        """Whether a plugin can be expected to take a body of that size."""
        return self.room is None or COPIES * size <= self.room

    def named(self) -> list[tuple[str, int]]:
        """Both sizes by the names of their messages, as far as they fit."""
        return [(name, size) for name, size in (("large", self.everyday), ("huge", self.huge)) if self.fit(size)]


def b64(data: bytes) -> str:
    """Standard base64 with padding. Blanks before a `MARK` let it begin a group of four, so that it can be replaced."""
    before, place, after = data.partition(MARK.encode())
    return base64.b64encode(before + b" " * (-len(before) % 3 if place else 0) + place + after).decode()


def prose(size: int) -> str:
    """So many characters of plain text."""
    return ("lorem ipsum dolor sit amet, " * (size // 28 + 1))[:size]


TEXT = (
    "Grüße, 世界 — naïve café 🙂 \U0001d11e \u2028\u2029 \u00a0 \ufeff “quoted” "
    "\u05e9\u05dc\u05d5\u05dd \u202e\u0645\u0631\u062d\u0628\u0627\u202c e\u0301 n\u0303 "
    "\u1100\u1161 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0010fffd \uffff"
)
"""Letters of two, three and four bytes, line separators, a mark inside, right-to-left, combining ones, the last."""
CONTROLS = "a\u0000b\u0001c\u001fd\u007fe\r\nf"
"""What stands in JSON as an escape: a NUL above all."""

CONTEXTS: tuple[Variation, ...] = (
    Variation("context-empty", Topic.EMPTY, {}),
    Variation("context-text", Topic.NON_ASCII, {"request_id": MARK, "nom de clé": TEXT, "世界": {"🙂": [TEXT]}}),
    Variation("context-controls", Topic.NON_ASCII, {"request_id": MARK, "note": CONTROLS, "\u0000": "é"}),
    Variation(
        "context-nested",
        Topic.UNKNOWN,
        {"request_id": MARK, "a": {"b": [1, 2.5, None, True, {"c": {}}]}, "n": -1e300, "list": [], "none": None},
        PLAIN,
    ),
    Variation("context-many", Topic.UNKNOWN, {"request_id": MARK} | {f"key-{n}": {"n": n} for n in range(100)}, PLAIN),
    Variation("context-go", Topic.UNKNOWN, {"request-id": MARK, "request_id": MARK}, PLAIN),
)
"""Contexts, for every hook alike."""


def around(role: Role, members: Mapping[str, Json]) -> list[Message]:
    """What is the same for each hook: its plain message in other contexts, and with further members beside its own."""
    further = {**members, "version": 3, "meta": {"a": [1]}, "none": None}
    return [
        *(Message(role, name, topic, members, context, twin=twin) for name, topic, context, twin in CONTEXTS),
        Message(role, "more-envelope", Topic.UNKNOWN, further, twin=PLAIN),
    ]
