"""Bifrost: reading a hook's answer, by the truth tables of its revision.

`read_answer` first lists everything that is wrong or odd about the document as findings, then makes the typed result. A
finding names its member and is either a failure (the answer cannot be used) or a note (legal, but worth a word). Rules
that hold for all hooks: unknown members are ignored (r0 answers no `context`); a missing or null flag is false; a
missing or null text is empty; a flag decides, not the presence of its value. A value whose flag is false is ignored, so
that its status code and body may be anything, but it has to have its types.

Source: "Writing WASM Plugins", Hook Input/Output Structures; README of hello-world-wasm-go, Data Exchange. The tables
are stands where these are silent.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field

from reference_host.abi.bifrost.jsontext import type_name
from reference_host.abi.bifrost.revisions import Hook, Revision, Role
from reference_host.abi.bifrost.types import (
    ChunkEffect,
    ChunkResult,
    HookFailure,
    HTTPPostResult,
    HTTPPreResult,
    HTTPRequest,
    HTTPResponse,
    JsonObject,
    Note,
    PostEffect,
    PostResult,
    PreResult,
    ShortCircuit,
)
from reference_host.abi.interface import Json
from reference_host.errors import HookError

Result = HTTPPreResult | HTTPPostResult | ChunkResult | PreResult | PostResult


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about an answer: a `HookFailure` or a note's word, and the path of a member: `response.headers`."""

    code: str
    member: str
    expected: str
    got: str

    @property
    def is_failure(self) -> bool:
        """Whether the answer cannot be used because of it."""
        return self.code in set(HookFailure)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the input of a post hook held: whether there was a response, and whether there was an error."""

    response: bool
    error: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """A hook's answer: the document, what was found in it, and its meaning (None where a finding is a failure)."""

    document: JsonObject
    findings: tuple[Finding, ...]
    result: Result | None
    notes: tuple[Note, ...] = ()
    """What was odd about the answer, and no failure; the result has the same."""

    def usable(self, hook: str) -> Result:
        """The result. Raises `HookError` with the first failure."""
        if self.result is None:
            first = next(finding for finding in self.findings if finding.is_failure)
            detail = f"{first.member}: expected {first.expected}, got {first.got}"
            raise HookError(hook, first.code, detail)
        return self.result


def read_answer(
    hook: Hook,
    revision: Revision,
    document: JsonObject,
    *,
    given: Outcome | None = None,
    notes: tuple[Note, ...] = (),
) -> Answer:
    """Read one decoded answer. `given` is needed for the post hook only; `notes` are what was seen before decoding."""
    reader = _Reader(document, revision)
    result = _TABLES[hook.role](reader, revision, given or Outcome(response=False, error=False))
    findings = tuple(reader.findings)
    notes += tuple(Note(found.code, f"{found.member}: {found.got}") for found in findings if not found.is_failure)
    failed = any(found.is_failure for found in findings)
    return Answer(document, findings, None if failed else result(notes), notes)


@dataclass(slots=True)
class _Reader:
    """Takes members out of a document and writes down what is wrong with them."""

    document: JsonObject
    revision: Revision
    findings: list[Finding] = field(default_factory=list)

    def find(self, code: str, member: str, expected: str, got: str) -> None:
        self.findings.append(Finding(code, member, expected, got))

    def _wrong_type(self, member: str, expected: str, value: Json) -> None:
        self.find(HookFailure.BAD_MEMBER, member, f"{expected} or null", type_name(value))

    def text(self, member: str) -> str:
        value = self.document.get(member)
        if value is None or isinstance(value, str):
            return value or ""
        self._wrong_type(member, "a string", value)
        return ""

    def flag(self, member: str) -> bool:
        value = self.document.get(member)
        if value is None or isinstance(value, bool):
            return bool(value)
        self._wrong_type(member, "a boolean", value)
        return False

    def member_object(self, member: str, parent: JsonObject | None = None, path: str = "") -> JsonObject | None:
        """The object there; None where it is null or absent."""
        value = (self.document if parent is None else parent).get(member)
        if value is None or isinstance(value, Mapping):
            return value
        self._wrong_type(f"{path}{member}", "an object", value)
        return None

    def filled(self, member: str, parent: JsonObject | None = None, path: str = "") -> JsonObject | None:
        """As `member_object`, and an empty object counts as none."""
        return self.member_object(member, parent, path) or None

    def context(self) -> JsonObject:
        """The keys to merge; r0 answers none, so that there the member is an unknown one."""
        return (self.member_object("context") or {}) if self.revision.enveloped else {}

    def _texts(self, parent: JsonObject, path: str, member: str) -> Mapping[str, str] | None:
        value = self.member_object(member, parent, path)
        for name, text in (value or {}).items():
            if not isinstance(text, str):
                self.find(HookFailure.BAD_MEMBER, f"{path}{member}.{name}", "a string", type_name(text))
        return value

    def _maybe_text(self, parent: JsonObject, path: str, member: str) -> str | None:
        value = parent.get(member)
        if value is None or isinstance(value, str):
            return value
        self._wrong_type(f"{path}{member}", "a string", value)
        return None

    def _body(self, parent: JsonObject, path: str, *, used: bool = True) -> bytes | None:
        value = self._maybe_text(parent, path, "body")
        if value is None or not used:
            return None
        try:
            # Line breaks are skipped, as the gateway's own decoder (Go's base64.StdEncoding) skips them.
            return binascii.a2b_base64(value.replace("\r", "").replace("\n", "").encode(), strict_mode=True)
        except (binascii.Error, ValueError) as error:
            self.find(HookFailure.BAD_BASE64, f"{path}body", "standard base64 with padding", str(error))
            return None

    def http_request(self) -> HTTPRequest | None:
        value = self.member_object("request")
        if value is None:
            return None
        path = "request."
        return HTTPRequest(
            method=self._maybe_text(value, path, "method"),
            path=self._maybe_text(value, path, "path"),
            headers=self._texts(value, path, "headers"),
            query=self._texts(value, path, "query"),
            body=self._body(value, path),
            path_params=self._texts(value, path, "path_params"),
        )

    def http_response(self, *, used: bool) -> HTTPResponse | None:
        """The response; `used` says whether a flag (r0: its presence) makes it count."""
        value = self.member_object("response")
        if value is None:
            return None
        path = "response."
        status = value.get("status_code")
        if status is None:
            status = 0
        if isinstance(status, float) and status.is_integer():
            status = int(status)
        if isinstance(status, bool) or not isinstance(status, int):
            got = str(status) if isinstance(status, float) else type_name(status)
            self.find(HookFailure.BAD_MEMBER, f"{path}status_code", "an integer", got)
            status = 0
        elif used and not 100 <= status <= 599:
            self.find(HookFailure.BAD_STATUS, f"{path}status_code", "100 to 599", str(status)[:20])
        return HTTPResponse(
            status, self._texts(value, path, "headers") or {}, self._body(value, path, used=used) or b""
        )

    def announced(self, flag: str, member: str, value: object) -> bool:
        """A flag and its member: true where both say so; the two mismatches are written down."""
        is_set = self.flag(flag)
        if is_set and value is None:
            self.empty(flag, member)
        if not is_set and value is not None:
            self.unannounced(flag, member)
        return is_set and value is not None

    def empty(self, flag: str, member: str) -> None:
        """Write down that a flag announces a value that is none."""
        if not self.mistyped(member):
            got = "null" if self.document.get(member) is None else "an empty object"
            self.find(HookFailure.FLAG_WITHOUT_VALUE, member, f"a value, because {flag} is true", got)

    def unannounced(self, flag: str, member: str) -> None:
        """Write down that a value is ignored, because its flag says that there is none."""
        if not self.mistyped(flag, member):
            got = type_name(self.document.get(member))
            self.find("value-without-flag", member, f"null, because {flag} is not true", got)

    def mistyped(self, *members: str) -> bool:
        """Whether one of these, or a member of it, has a wrong type: then what follows from it is not told as well."""
        return any(
            found.member == member or found.member.startswith(f"{member}.")
            for found in self.findings
            for member in members
        )


class _Maker:
    """A result that only waits for its notes."""

    def __init__(self, type_: type[Result], **members: object) -> None:
        self._type = type_
        self._members = members

    def __call__(self, notes: tuple[Note, ...]) -> Result:
        return self._type(**self._members, notes=notes)  # type: ignore[arg-type]


def _http_pre(read: _Reader, revision: Revision, _given: Outcome) -> _Maker:
    context, error = read.context(), read.text("error")
    if not revision.enveloped:
        return _Maker(HTTPPreResult, response=read.http_response(used=True), error=error)
    request = read.http_request()
    response = read.http_response(used=read.document.get("has_response") is True) if read.filled("response") else None
    if not read.announced("has_response", "response", response):
        response = None
    return _Maker(HTTPPreResult, context=context, request=request, response=response, error=error)


def _http_post(read: _Reader, _revision: Revision, _given: Outcome) -> _Maker:
    context, error = read.context(), read.text("error")
    if read.document.get("response") is not None:
        read.find("response-member-ignored", "response", "no such member", type_name(read.document["response"]))
    return _Maker(HTTPPostResult, context=context, error=error)


def _stream(read: _Reader, _revision: Revision, _given: Outcome) -> _Maker:
    context, error, chunk = read.context(), read.text("error"), read.member_object("chunk")
    skip, has_chunk = read.flag("skip"), read.flag("has_chunk")
    if has_chunk and chunk is None:
        read.empty("has_chunk", "chunk")
    if error:
        effect = ChunkEffect.SEND if has_chunk else ChunkEffect.STOP
    elif has_chunk and not skip:
        effect = ChunkEffect.SEND
    else:
        effect = ChunkEffect.DROP
        if skip and has_chunk and chunk is not None:
            read.find("skip-with-chunk", "skip", "false where has_chunk is true", "true")
        elif not skip and not read.mistyped("skip", "has_chunk", "chunk", "error"):
            read.find("neither-chunk-nor-skip", "has_chunk", "has_chunk or skip to be true", "both false")
    sent = chunk if effect is ChunkEffect.SEND else None
    return _Maker(ChunkResult, effect=effect, chunk=sent, context=context, error=error)


def _pre(read: _Reader, revision: Revision, _given: Outcome) -> _Maker:
    context, error, request = read.context(), read.text("error"), read.member_object("request")
    value = read.member_object("short_circuit")
    made: ShortCircuit | None = None
    if value is not None:
        made = ShortCircuit(
            read.filled("response", value, "short_circuit."), read.filled("error", value, "short_circuit.")
        )
    if revision.enveloped and not read.announced("has_short_circuit", "short_circuit", made):
        made = None
    if made is not None and made.response is None and made.error is None and not read.mistyped("short_circuit"):
        read.find("empty-short-circuit", "short_circuit", "a response or an error", "neither")
    return _Maker(PreResult, context=context, request=request, short_circuit=made, error=error)


def _post(read: _Reader, revision: Revision, given: Outcome) -> _Maker:
    context, response = read.context(), read.filled("response")
    if revision.enveloped:
        hook_error, error = read.text("hook_error"), read.filled("error")
        has_error = read.flag("has_error")
        if has_error and error is None:
            read.empty("has_error", "error")
        recovers = response is not None and not given.response
        if given.error and not has_error and not recovers:
            if not hook_error and not read.mistyped("has_error", "response", "error", "hook_error"):
                read.find("error-flag-dropped", "has_error", "true, as in the input", "false")
        elif error is not None and not has_error:
            read.unannounced("has_error", "error")
    else:
        hook_error, error = read.text("error"), read.filled("bifrost_error")
        has_error, recovers = error is not None, response is not None
    if hook_error:
        effect, response, error = PostEffect.UNCHANGED, None, None
    elif has_error:
        effect, response = PostEffect.ERROR, None
    elif given.error and recovers:
        effect, error = PostEffect.RECOVERED, None
    else:
        effect, error = (PostEffect.UNCHANGED if response is None else PostEffect.RESPONSE), None
    members: dict[str, object] = {"effect": effect, "response": response, "error": error}
    return _Maker(PostResult, context=context, hook_error=hook_error, **members)


_TABLES = {
    Role.HTTP_PRE: _http_pre,
    Role.HTTP_POST: _http_post,
    Role.STREAM: _stream,
    Role.PRE: _pre,
    Role.POST: _post,
}
