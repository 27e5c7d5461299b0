"""Fixtures of the wasp suite: the lab in which the subject is tried."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from conformance.judging import Judge, Subject
from conformance.lab.bounds import Blocked
from reference_host.engine.interface import Engine, Module

from .lab import Lab
from .rules import report_blocked


@pytest.fixture(scope="session")
def lab(subject: Subject, module: Module, engine: Engine) -> Lab:
    """The lab of the subject; sessions run once and are shared by all tests."""
    return Lab(subject, module, engine)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Let a test say with `Blocked` that the calls it wants cannot be made."""
    try:
        return (yield)
    except Blocked as blocked:
        judge = pyfuncitem.funcargs["judge"]
        assert isinstance(judge, Judge)
        report_blocked(judge, blocked)
        return True
