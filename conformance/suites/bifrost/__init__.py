"""The Bifrost suite.

`messages` is what is sent, `lab` how it is sent, `calls` what came of it; the tests are the rules.
"""

from pathlib import Path

from conformance.resources import Resource, find
from conformance.suite import Suite

SUITE = Suite("bifrost", find(Resource.CATALOGUES) / "bifrost.toml", Path(__file__).parent)
