"""What turns a run of pytest into results: subjects, fixtures, deselection, records, and the summary at the end.

Loaded by `conformance.pytest_plugin` once there is a plugin to judge. Everything here runs inside pytest: in the
judging process of `hookproof certify`, and in the pytest of whoever runs the suites by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest


def install(config: pytest.Config, options: Mapping[str, Any]) -> None:
    """Register the harness with pytest; `options` are the values of the pytest plugin's options by their names.

    Raises `pytest.UsageError`, and ends pytest with exit code 3 where a plugin cannot be judged.
    """
    from conformance.harness import fixtures
    from conformance.harness.plugin import Harness
    from conformance.harness.setup import read_setup

    setup = read_setup(options)
    config.pluginmanager.register(Harness(config, setup), "hookproof-harness")
    config.pluginmanager.register(fixtures, "hookproof-fixtures")
