"""What a suite package offers: which system it judges, its catalogue, and its test files.

A suite is found through the entry-point group `hookproof.suites`; the value of an entry point is a `Suite`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from conformance.catalogue import Catalogue, load_catalogue


@dataclass(frozen=True, slots=True)
class Suite:
    """The suite of one system: `catalogue` is its TOML file, `tests` the folder of its pytest files."""

    system: str
    catalogue: Path
    tests: Path

    def load_catalogue(self) -> Catalogue:
        """Read the catalogue. Raises `CatalogueError`."""
        return load_catalogue(self.catalogue)
