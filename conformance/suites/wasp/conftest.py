"""Fixtures of the wasp suite: the lab in which the subject is tried."""

from __future__ import annotations

import pytest

from conformance.judging import Subject
from conformance.lab.blocked import pytest_pyfunc_call as pytest_pyfunc_call
from reference_host.engine.interface import Engine, Module

from .lab import Lab


@pytest.fixture(scope="session")
def lab(subject: Subject, module: Module, engine: Engine) -> Lab:
    """The lab of the subject; sessions run once and are shared by all tests."""
    return Lab(subject, module, engine)
