"""What a plugin system's room offers to those who do not know it by name: `hookproof certify`, `inspect` and `call`.

A system is found through the entry-point group `hookproof.systems`; the value of an entry point is an object of type
`System`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from reference_host.engine.interface import Engine, Export, FuncType, Import, Limits
from reference_host.errors import UsageError

Json = Any
"""A JSON value as `json.loads` gives it: dict, list, str, int, float, bool or None."""


@dataclass(frozen=True, slots=True)
class ModuleSummary:
    """What a module's sections tell without running it."""

    imports: tuple[Import, ...]
    exports: tuple[Export, ...]


@dataclass(frozen=True, slots=True)
class Given:
    """What a plugin's author gives besides the plugin: the contents of files, None where there is none.

    `config`: what the plugin is configured with. `functions`: the signatures of its functions, for systems whose
    plugins have no functions of a fixed name.
    """

    config: bytes | None = field(default=None, repr=False)
    functions: bytes | None = field(default=None, repr=False)


NOTHING_GIVEN = Given()


@dataclass(frozen=True, slots=True)
class Detection:
    """A system recognised a module: which revision, why, and what was odd (`mixed-revision`)."""

    system: str
    revision: str
    reason: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HookAnswer:
    """One hook's answer, for `hookproof call`: the decoded document (None where there was none) and the raw result.

    `raw` is the function's result as WebAssembly has it, None where it has no result.
    """

    hook: str
    decoded: Json
    raw: int | float | None
    warnings: tuple[str, ...] = ()
    stdout: str = ""
    stderr: str = ""
    extra: Mapping[str, Json] = field(default_factory=dict)


class System(Protocol):
    """A plugin system. Whoever subclasses it gets what has a body here as the default."""

    @property
    def name(self) -> str:
        """As in `--abi`, and as the folder under `abi/` and `suites/`."""

    @property
    def revisions(self) -> Sequence[str]:
        """The revisions, the oldest first."""

    @property
    def shapes(self) -> Sequence[str]:
        """The shapes that payloads may have, as in `--shape`; none where a payload has one shape only."""
        return ()

    def detect(self, module: ModuleSummary, *, named: bool = False) -> Detection | None:
        """Recognise a module by its imports and exports; None where it has no mark of this system.

        `named`: whoever asks says that it is of this system, so that weaker marks count too.
        """

    def check(self, given: Given) -> None:
        """Refuse files that this system cannot take, before anything is run. Raises `UsageError`."""
        if given.config is not None:
            parse_json(given.config, "the configuration")
        if given.functions is not None:
            raise UsageError(f"{self.name} knows the functions of its plugins by name: it takes no --functions")

    def hooks(self, revision: str, module: ModuleSummary) -> Sequence[str]:
        """What can be called: the hooks of the revision, or what the module exports. Raises `UnknownRevision`."""
        return tuple(export.name for export in module.exports if isinstance(export.type, FuncType))

    def facts(self, module: ModuleSummary, revision: str) -> Mapping[str, str]:
        """What `hookproof inspect` tells beyond the sections, e.g. which allocator pair a host will use."""
        return {}

    def call(
        self,
        engine: Engine,
        binary: bytes,
        hook: str,
        document: Json,
        *,
        revision: str | None = None,
        given: Given = NOTHING_GIVEN,
        limits: Limits | None = None,
    ) -> HookAnswer:
        """Load the plugin, call one hook once, clean up.

        Raises `UsageError`, `ModuleError`, `LoadError`, `HookError`.
        """
        raise UsageError(f"{self.name} has no host to call {hook} with: its plugins are judged and inspected only")


def parse_json(content: bytes, what: str) -> Json:
    """Read one JSON text in UTF-8; `what` begins the complaint. Raises `UsageError`."""
    try:
        return json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{what} is no JSON text in UTF-8: {error}") from error
