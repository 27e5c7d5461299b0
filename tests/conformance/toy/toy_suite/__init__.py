"""The suite of the toy system."""

from __future__ import annotations

from pathlib import Path

from conformance.suite import Suite

_HERE = Path(__file__).parent

SUITE = Suite("toy", _HERE / "toy.toml", _HERE)
