"""The wasp suite.

`values` is what is sent, `lab` how it is sent, `calls` what came of it; the tests are the rules.
"""

from pathlib import Path

from conformance.resources import Resource, find
from conformance.suite import Suite

SUITE = Suite("wasp", find(Resource.CATALOGUES) / "wasp.toml", Path(__file__).parent)
