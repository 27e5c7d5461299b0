"""How a test of a suite says that it could not be made: `Blocked` is told to the judge.

A suite's `conftest` takes `pytest_pyfunc_call` from here.
"""

from __future__ import annotations

from collections.abc import Generator

import pytest

from conformance.judging import Judge
from conformance.lab.bounds import Blocked


def report_blocked(judge: Judge, blocked: Blocked) -> None:
    """Say why a rule could not be asked."""
    if blocked.not_tested:
        judge.not_tested(blocked.reason)
    else:
        judge.not_applicable(blocked.reason)


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
