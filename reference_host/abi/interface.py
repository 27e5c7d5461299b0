"""What a plugin system's room offers to those who do not know it by name: `hookproof certify`, `inspect` and `call`.

A system is found through the entry-point group `hookproof.systems`; the value of an entry point is an object of type
`System`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from reference_host.engine.interface import Engine, Export, Import, Limits

Json = Any
"""A JSON value as `json.loads` gives it: dict, list, str, int, float, bool or None."""


@dataclass(frozen=True, slots=True)
class ModuleSummary:
    """What a module's sections tell without running it."""

    imports: tuple[Import, ...]
    exports: tuple[Export, ...]


@dataclass(frozen=True, slots=True)
class Detection:
    """A system recognised a module: which revision, why, and what was odd (`mixed-revision`)."""

    system: str
    revision: str
    reason: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """One hook's answer, for `hookproof call`: the decoded document (None where there was none) and the raw result."""

    hook: str
    decoded: Json
    raw: int
    warnings: tuple[str, ...] = ()
    stdout: str = ""
    stderr: str = ""
    extra: Mapping[str, Json] = field(default_factory=dict)


class System(Protocol):
    """A plugin system."""

    @property
    def name(self) -> str:
        """As in `--abi`, and as the folder under `abi/` and `suites/`."""

    @property
    def revisions(self) -> Sequence[str]:
        """The revisions, the oldest first."""

    def detect(self, module: ModuleSummary) -> Detection | None:
        """Recognise a module by its export section; None where it exports no hook of this system."""

    def hooks(self, revision: str) -> Sequence[str]:
        """The hooks of a revision, in the order of its document. Raises `UnknownRevision`."""

    def facts(self, module: ModuleSummary, revision: str) -> Mapping[str, str]:
        """What `hookproof inspect` tells beyond the sections, e.g. which allocator pair a host will use."""

    def call(
        self,
        engine: Engine,
        binary: bytes,
        hook: str,
        document: Json,
        *,
        revision: str | None = None,
        config: bytes | None = None,
        limits: Limits | None = None,
    ) -> HookAnswer:
        """Load the plugin, call one hook once, clean up.

        Raises `UsageError`, `ModuleError`, `LoadError`, `HookError`.
        """
