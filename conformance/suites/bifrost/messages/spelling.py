"""The same message in other spellings: names of headers in upper and lower case, and JSON as other writers write it.

Source: "Writing WASM Plugins", http_pre_hook, note on casing; RFC 8259, which leaves white space, escapes, the order of
members and the form of numbers to the writer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from enum import StrEnum

from reference_host.abi.bifrost.jsontext import encode
from reference_host.abi.bifrost.revisions import Role
from reference_host.abi.interface import Json

from .http import http_request, http_response
from .llm import chat_response, llm_request
from .message import MARK, Message, Topic
from .stream import plain_chunk


def header_spellings() -> Iterator[Message]:
    """One request for each HTTP hook, in three spellings of its header and query names: `lower`, `upper`, `title`.

    Each comes twice, there and back: a policy that counts calls gives itself away.
    """
    headers = {"content-type": "application/json", "authorization": "Bearer k", "x-api-key": "k", "user-agent": "curl",
               "x-request-id": "r", "x-team": "a", "accept": "*/*", "content-length": "2"}  # fmt: skip
    spellings: dict[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper, "title": str.title}
    for role in (Role.HTTP_PRE, Role.HTTP_POST, Role.STREAM):
        for name, spell in (*spellings.items(), *reversed(spellings.items())):
            query = {spell("debug"): "1"}
            request = http_request(headers={spell(key): value for key, value in headers.items()}, query=query)
            yield Message(role, name, Topic.DOCUMENTED, {"request": request} | _beside(role))


def _beside(role: Role) -> dict[str, Json]:
    """What a hook gets beside the HTTP request."""
    extra: dict[Role, dict[str, Json]] = {
        Role.HTTP_POST: {"response": http_response()},
        Role.STREAM: {"chunk": plain_chunk()},
    }
    return extra.get(role, {})


class Spelling(StrEnum):
    """A way to write JSON. White space stands neither before the first brace nor behind the last (stand)."""

    PLAIN = "plain"
    """As the documents show it, without white space."""
    SPACED = "spaced"
    """With spaces, line breaks and tabs inside."""
    ESCAPED = "escaped"
    r"""With `\/`, and `\uXXXX` for what is beyond ASCII and for `<`, `>` and `&`, as other writers have it."""
    REORDERED = "reordered"
    """With the members of each object the other way round."""
    EXPONENTS = "exponents"
    """With `5.0E-01` for 0.5. Whole numbers stay as they are: decoders for integers take no others (stand)."""

    def write(self, plain: bytes) -> bytes:
        """Spell a document, given in the plain spelling."""
        if self is Spelling.EXPONENTS:
            return _FRACTION.sub(lambda found: b"%.1E" % float(found[0]), plain)
        value = json.loads(plain)
        if self is Spelling.SPACED:
            spaced = json.dumps(value, ensure_ascii=False, indent="\t", separators=(" ,", ": ")).encode()
            return _BEFORE_NO_TEXT.sub(rb'" : ', spaced)
        if self is Spelling.ESCAPED:
            return re.sub(
                rb"[/<>&]", lambda found: _ESCAPES[found[0]], json.dumps(value, separators=(",", ":")).encode()
            )
        return encode(_reversed(value)) if self is Spelling.REORDERED else plain


_BEFORE_NO_TEXT = re.compile(rb'": (?!")')
"""Colons with white space on one side before text, and on both sides before anything else."""
_FRACTION = re.compile(rb"(?<=[:,\[])-?[0-9]+\.[0-9]+(?=[,}\]])")
_ESCAPES = {b"/": rb"\/", b"<": rb"\u003c", b">": rb"\u003E", b"&": rb"\u0026"}


def _reversed(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _reversed(inner) for key, inner in reversed(value.items())}
    return [_reversed(inner) for inner in value] if isinstance(value, list) else value


def json_spellings() -> Iterator[tuple[Message, Spelling]]:
    """For each hook two messages, each in its spellings, the plain one first; then all of them again, backwards.

    `text` has letters beyond ASCII, which a policy may refuse: it is escaped only, and `ascii` has none.
    """
    for role in Role:
        for name, word in (("ascii", "a/b <c> & d"), ("text", "größe/世界 <🙂>")):
            context: dict[str, Json] = {"request_id": MARK, "note": word, "load": 0.5, "parts": [1.5, -0.25]}
            message = Message(role, name, Topic.DOCUMENTED, _members(role, word), context)
            spellings = list(Spelling) if name == "ascii" else [Spelling.PLAIN, Spelling.ESCAPED]
            yield from ((message, spelling) for spelling in (*spellings, *reversed(spellings)))


def _members(role: Role, word: str) -> dict[str, Json]:
    content = f"{word} {MARK}"
    if role is Role.PRE:
        return {"request": llm_request(input=[{"role": "user", "content": content}])}
    if role is Role.POST:
        choices = [{"index": 0, "message": {"role": "assistant", "content": content}}]
        return {"response": {"chat_response": chat_response(choices=choices)}, "error": {}, "has_error": False}
    request = http_request(headers={"Content-Type": "application/json", "X-Team": "a", "X-Note": word})
    return {"request": request} | _beside(role)
