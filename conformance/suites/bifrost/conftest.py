"""Fixtures of the Bifrost suite: the lab in which the subject is tried, and the hooks that a test is repeated for."""

from __future__ import annotations

import pytest

from conformance.judging import Judge, Subject
from conformance.lab.blocked import pytest_pyfunc_call as pytest_pyfunc_call
from reference_host.abi.bifrost.revisions import Role
from reference_host.engine.interface import Module

from .lab import Lab


@pytest.fixture(scope="session")
def lab(subject: Subject, module: Module) -> Lab:
    """The lab of the subject; sessions run once and are shared by all tests."""
    return Lab(subject, module)


@pytest.fixture(params=list(Role))
def hook(request: pytest.FixtureRequest, lab: Lab, judge: Judge) -> str:
    """The export name of each hook of the subject's revision."""
    role: Role = request.param
    found = lab.revision.hook(role)
    if found is None:
        judge.not_applicable(f"{lab.revision.name} has no {role.value}")
        pytest.skip(f"{lab.revision.name} has no {role.value}")
    return found.name
