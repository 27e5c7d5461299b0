"""Bifrost: the four revisions of the ABI, what each exports, and how one is recognised.

No revision exports a version marker, so that the export section has to tell. r0 is the README of hello-world-wasm-go
(each JSON document has its own pointer and length); r1 and r1b are the public examples of January 2026 (one envelope;
r1b adds the stream hook); r2 is the page "Writing WASM Plugins". Where the sources are silent the stand is named beside
the line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from reference_host.abi.interface import Detection, ModuleSummary
from reference_host.engine.interface import FuncType, ValueType
from reference_host.errors import UnknownRevision

_I32, _I64 = ValueType.I32, ValueType.I64

ALLOCATOR_TYPE = FuncType((_I32,), (_I32,))
FREE_TYPES = (FuncType((_I32,)), FuncType((_I32, _I32)))
"""Both arities are documented: `free(ptr)`, and `free(ptr, size)` as Rust needs it."""
NAME_TYPE = FuncType((), (_I64,))
INIT_TYPE = FuncType((_I32, _I32), (_I32,))
CLEANUP_TYPE = FuncType((), (_I32,))


class Role(StrEnum):
    """What a hook means, whatever its revision calls it: the names are r2's, and the methods of `HookPlugin`."""

    HTTP_PRE = "http_pre_hook"
    HTTP_POST = "http_post_hook"
    STREAM = "http_stream_chunk_hook"
    PRE = "pre_hook"
    POST = "post_hook"


@dataclass(frozen=True, slots=True)
class Hook:
    """One hook of one revision: its export, its meaning, the JSON documents it takes (pointer and length for each)."""

    name: str
    role: Role
    documents: tuple[str, ...] = ("input",)

    @property
    def type(self) -> FuncType:
        """The wasm type of the export."""
        return FuncType((_I32, _I32) * len(self.documents), (_I64,))


@dataclass(frozen=True, slots=True)
class Revision:
    """What one revision's own document requires.

    `required`: every function that its document says a plugin must export, beside the allocator pair. `allocators`: the
    names under which its document knows the allocator, the preferred one first.
    """

    name: str
    hooks: tuple[Hook, ...]
    required: frozenset[str]
    allocators: tuple[str, ...]
    free_required: bool
    enveloped: bool
    """Whether input and output are one envelope (r1 and later), or one document each (r0)."""

    def hook(self, role: Role) -> Hook | None:
        """The hook of this meaning, or None where the revision has none."""
        return next((hook for hook in self.hooks if hook.role is role), None)

    def types(self) -> Mapping[str, tuple[FuncType, ...]]:
        """The legal types of every function that the revision's document names, by export name."""
        fixed = {"get_name": (NAME_TYPE,), "init": (INIT_TYPE,), "cleanup": (CLEANUP_TYPE,)}
        pair = dict.fromkeys(self.allocators, (ALLOCATOR_TYPE,))
        free = {free_name(name): FREE_TYPES for name in self.allocators}
        return pair | free | fixed | {hook.name: (hook.type,) for hook in self.hooks}


def free_name(allocator: str) -> str:
    """The other half of a pair: `plugin_malloc` goes with `plugin_free`, `malloc` with `free`; never mixed."""
    return allocator.replace("malloc", "free")


_PRE, _POST = Hook("pre_hook", Role.PRE), Hook("post_hook", Role.POST)
_STREAM = Hook("http_stream_chunk_hook", Role.STREAM)
_INTERCEPT = Hook("http_intercept", Role.HTTP_PRE)
_BASE = frozenset({"get_name", "init", "cleanup"})


def _revision(name: str, *hooks: Hook) -> Revision:
    required = _BASE | {hook.name for hook in hooks}
    return Revision(name, hooks, required, ("malloc",), free_required=True, enveloped=True)


R0 = Revision(
    "r0",
    (
        Hook("http_transport_intercept", Role.HTTP_PRE, ("context", "request")),
        Hook("pre_hook", Role.PRE, ("context", "request")),
        Hook("post_hook", Role.POST, ("context", "response", "error")),
    ),
    # The README marks `init` and `plugin_free` as optional.
    frozenset({"get_name", "cleanup", "http_transport_intercept", "pre_hook", "post_hook"}),
    ("plugin_malloc", "malloc"),
    free_required=False,
    enveloped=False,
)
R1 = _revision("r1", _INTERCEPT, _PRE, _POST)
R1B = _revision("r1b", _INTERCEPT, _STREAM, _PRE, _POST)
R2 = _revision("r2", Hook("http_pre_hook", Role.HTTP_PRE), Hook("http_post_hook", Role.HTTP_POST), _STREAM, _PRE, _POST)

REVISIONS = {revision.name: revision for revision in (R0, R1, R1B, R2)}


def revision_named(name: str) -> Revision:
    """The revision of that name. Raises `UnknownRevision`, naming those that exist."""
    try:
        return REVISIONS[name]
    except KeyError:
        raise UnknownRevision(f"bifrost has no revision {name!r}: it has {', '.join(REVISIONS)}") from None


HTTP_HOOKS = {
    "http_transport_intercept": "r0",
    "http_intercept": "r1",
    "http_pre_hook": "r2",
    "http_post_hook": "r2",
}
"""The hooks that exist in one revision only (r1b is r1 with the stream hook)."""

SEPARATE_DOCUMENTS = {"pre_hook": 4, "post_hook": 6}
"""Parameters of the hooks that r0 shares with all others, but takes pointer and length of each document."""

_SHARED_HOOKS = ("pre_hook", "post_hook", "http_stream_chunk_hook")


def detect(module: ModuleSummary) -> Detection | None:
    """Recognise a revision by the export section; None where no hook is exported. The order of rules is a stand.

    Names decide, whatever is exported under them: a mistyped hook is still a hook of its revision.
    Parameters tell r0 from the others only where no HTTP hook does.
    """
    exports = {export.name: export.type for export in module.exports}
    evidence: dict[str, str] = {}
    for name, revision in HTTP_HOOKS.items():
        if name in exports:
            evidence.setdefault(revision, f"exports {name}")
    for name, count in SEPARATE_DOCUMENTS.items():
        type_ = exports.get(name)
        if isinstance(type_, FuncType) and len(type_.parameters) == count:
            evidence.setdefault("r0", f"{name} has {count} parameters")
    if "r1" in evidence and "http_stream_chunk_hook" in exports:
        evidence["r1b"] = f"{evidence.pop('r1')} and http_stream_chunk_hook"
    if not evidence:
        shared = [name for name in _SHARED_HOOKS if name in exports]
        if not shared:
            return None
        evidence["r2"] = f"exports {', '.join(shared)}, and no HTTP hook that would tell an older revision"
    named = {HTTP_HOOKS[name] for name in HTTP_HOOKS if name in exports}
    # A mixed set is covered by no source: hooks of several revisions are taken as r2's, one with odd parameters is not.
    revision = "r2" if len(named) > 1 else max(evidence, key=tuple(REVISIONS).index)
    reasons = "; ".join(evidence.values())
    if len(evidence) == 1:
        return Detection("bifrost", revision, reasons)
    return Detection("bifrost", revision, f"taken as {revision}: {reasons}", ("mixed-revision",))
