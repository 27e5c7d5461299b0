"""Fixtures of the Bifrost suite: the lab in which the subject is tried, and the hooks that a test is repeated for."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from conformance.judging import Judge, Subject
from reference_host.abi.bifrost.revisions import REVISIONS
from reference_host.engine.interface import Module

from .lab import Blocked, Lab
from .rules import report_blocked

HOOKS = tuple(dict.fromkeys(hook.name for revision in REVISIONS.values() for hook in revision.hooks))
"""The export name of every hook of every revision."""


@pytest.fixture(scope="session")
def lab(subject: Subject, module: Module) -> Lab:
    """The lab of the subject; sessions run once and are shared by all tests."""
    return Lab(subject, module)


@pytest.fixture(params=HOOKS)
def hook(request: pytest.FixtureRequest, lab: Lab, judge: Judge) -> str:
    """Each hook that the subject's revision has, by its export name."""
    name = str(request.param)
    if name not in {hook.name for hook in lab.revision.hooks}:
        judge.not_applicable(f"{lab.revision.name} has no {name}")
        pytest.skip(f"{lab.revision.name} has no {name}")
    return name


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
