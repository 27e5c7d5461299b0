"""The plugin under judgement, with all that decides what is judged of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from reference_host.abi.interface import NOTHING_GIVEN, Detection, Given

Profile = Literal["strict", "lenient"]
Scope = Literal["full", "quick"]

PROFILES: tuple[Profile, ...] = get_args(Profile)

DEFAULT_SEED = 20_260_101
QUICK_PAGES = 1_024
"""Pages of memory that scope `quick` allows at most: 64 MiB."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One plugin, and how it is to be judged. Equal subjects get equal results, on every engine.

    `path` is as the user gave it, for messages only; the bytes were read once, and `sha256` is theirs.
    `shapes` are those of the plugin system that payloads are sent in. `memory_pages` is the limit on linear memory in
    pages of 64 KiB. `max_input`: bytes of the largest body or value that is sent, None for all that the scope has.
    `only_case` is the case that `--only`
    names, None where all cases are judged.
    """

    path: str
    binary: bytes = field(repr=False)
    sha256: str
    system: str
    revision: str
    detection: Detection
    profile: Profile = "strict"
    shapes: frozenset[str] = frozenset()
    scope: Scope = "full"
    given: Given = NOTHING_GIVEN
    memory_pages: int = 65_536
    max_input: int | None = None
    seed: int = DEFAULT_SEED
    engine: str = "wasmtime"
    only: str | None = None
    only_case: str | None = None

    @property
    def config(self) -> bytes | None:
        """What the plugin is configured with."""
        return self.given.config

    @property
    def quick(self) -> bool:
        """Whether only scope `quick` is judged."""
        return self.scope == "quick"
