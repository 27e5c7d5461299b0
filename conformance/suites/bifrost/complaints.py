"""What a hook says when it refuses its input: whether its words are a decoder's, or those of a policy.

A plugin may refuse whatever it likes for a reason of its own; only one that cannot *read* what a conforming host sends
is at fault (stand). Where two inputs mean the same, words do not count: see `refusal`.
"""

from __future__ import annotations

import re

from reference_host.abi.bifrost.revisions import Role
from reference_host.abi.interface import Json

from .calls import Call

_DECODER = re.compile(
    r"pars(e|ing) (error|json|input|request|failed)|(failed|unable|cannot|can't|could not|couldn't|did not) (to )?"
    r"(parse|decode|deseriali[sz]e|unmarshal|read|understand)|unmarshal|deseriali[sz]|decod(e|ing) (error|failed)"
    r"|(in|mal)(valid|formed) json|not (a |valid )?json|bad json|json: |syntax ?error|unexpected (token|end|eof)"
    r"|premature end|invalid (type|value|length): .*expected|(missing|unknown|duplicate) (field|variant) `"
    r"|expected value at line|eof while|trailing (characters|data|comma)|at line \d+ column \d+"
    r"|invalid character '|not an object|(^|json:? |: )key not found|got null"
    r"|expected (a |an |the )?[`'\"]?(string|object|array|number|bool|map|sequence|null|[{}\[\]:,])",
    re.IGNORECASE,
)
"""How the JSON decoders of Go, serde, json-as and hand-written ones complain."""
_DOUBTFUL = re.compile(
    r"\b(bad|invalid|illegal|malformed|ill-formed|unexpected|unknown|unsupported|unrecogni[sz]ed|undecodable|corrupt(ed)?"
    r"|unreadable|unpars[ae]?able|wrong|broken) ((json|http|llm|hook|plugin|request|input|response|chunk|utf-?8) )?"
    r"(json|input|request|response|chunk|envelope|payload|document|format|shape|structure|syntax|type|member|field"
    r"|property|null|bytes?|char(acter)?s?|escapes?|utf-?8|utf-?16|encoding|unicode|code ?points?|surrogates?|sequence"
    r"|number|string|object|array|literal|eof)\b"
    r"|decod|\bpars(e|er|ing)\b|malformed|unreadable|not (understood|readable)|type mismatch|out of (memory|room|range)"
    r"|(cannot|can't|could not|unable to|failed to) (handle|process|interpret|load|extract)|out of bounds|unwrap|assert"
    r"|\b(nil|null) (pointer|map|reference|deref\w*)|undefined is|is (null|undefined|nil)\b|panic|\bexception\b"
    r"|stack overflow|buffer (is )?(too small|full|over\w+)|no (more )?(room|memory|space)|(type|range)error",
    re.IGNORECASE,
)
"""What may be a decoder's words, where nothing in them is a policy's."""
_POLICY = re.compile(
    r"block|forbid|den(y|ied)\b|disallow|prohibit|polic(y|ies)|refus|reject|permi(t|ssion)|too (large|long|big|many)"
    r"|limit|quota|budget|exceed|\brate\b|missing|require|\bmust\b|\bneeds?\b|allow|\bban(ned)?\b|moderat|guard|safe|\bonly\b"
    r"|not (accepted|supported|welcome|authori[sz]ed)|unauthori[sz]ed|unauthenticated|\bno [\w-]+ (header|given|team)",
    re.IGNORECASE,
)
_NOT_THE_INPUT = re.compile(
    r"(bearer|auth|access|api|jwt|session|virtual|team|secret|signing|public)[ _-]?(token|key)|\bjwt\b|credential"
    r"|authori[sz]ation|signature|cookie|licen[cs]e|\bconfig",
    re.IGNORECASE,
)
"""What a policy may have failed to read: a token, or its own settings."""


def speaks_of_decoding(text: str) -> bool:
    """Whether an error text says that the input could not be read."""
    if _NOT_THE_INPUT.search(text):
        return False
    return _DECODER.search(text) is not None or (_DOUBTFUL.search(text) is not None and not speaks_of_policy(text))


def speaks_of_policy(text: str) -> bool:
    """Whether an error text gives a reason of policy."""
    return _POLICY.search(text) is not None


def refusal(call: Call) -> str | None:
    """How a hook refused its input, in whatever words and members; None where it took it.

    Besides the error texts: an HTTP answer with a status of 400 or more, a short circuit with an error, an error where
    there was none before, a chunk that is dropped.
    """
    document = call.document
    if document is None or call.message is None:
        return None
    if call.error_text:
        return f"an error: {call.error_text}"
    role = call.message.role
    if role is Role.HTTP_PRE and document.get("has_response", True) is True:
        status = _member(document.get("response"), "status_code")
        if isinstance(status, int | float) and status >= 400:
            return f"a response with status {status}"
    if role is Role.PRE and document.get("has_short_circuit", True) is True:
        return "a short circuit with an error" if _member(document.get("short_circuit"), "error") else None
    if role is Role.STREAM and document.get("skip") is True:
        return "the chunk is dropped"
    failed = document.get("has_error") is True or bool(document.get("bifrost_error"))
    if role is Role.POST and failed and not call.message.members["error"]:
        return "an error where there was none"
    return None


def _member(value: Json, name: str) -> Json:
    return value.get(name) if isinstance(value, dict) else None
