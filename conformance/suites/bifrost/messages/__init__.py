"""What real traffic looks like at Bifrost's hooks: every message that a conforming host may send, with its reason.

Source: "Writing WASM Plugins", Hook Input/Output Structures; README of hello-world-wasm-go, Data Exchange.
Null members and the Go shape are stands.
"""

from __future__ import annotations

from reference_host.abi.bifrost.revisions import Role

from .http import http_messages
from .llm import post_messages, pre_messages
from .malformed import malformed
from .marks import mark, marked, marks_in
from .message import HUGE, MARK, Message, Sizes, Topic
from .spelling import Spelling, header_spellings, json_spellings
from .stream import stream_messages

__all__ = [
    "HUGE",
    "MARK",
    "Message",
    "Sizes",
    "Spelling",
    "Topic",
    "header_spellings",
    "json_spellings",
    "malformed",
    "mark",
    "marked",
    "marks_in",
    "messages",
]


def messages(*, largest: int, go_struct: bool, docs: bool, room: int | None = None) -> list[Message]:
    """Every message, in a fixed order, the plain one of each hook first.

    `largest`: bytes of an everyday large body. `room`: bytes of memory that the plugin can have at most, None where
    nothing is known of it: a body is sent only to a plugin that can have many times as much.
    """
    sizes = Sizes(largest, room)
    everything = [
        *http_messages(Role.HTTP_PRE, sizes),
        *http_messages(Role.HTTP_POST, sizes),
        *stream_messages(sizes),
        *pre_messages(sizes),
        *post_messages(sizes),
    ]
    return [m for m in everything if (go_struct if m.topic in (Topic.GO_STRUCT, Topic.NULLS) else docs)]
