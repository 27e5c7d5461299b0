"""The fixtures that the suites take: the subject, the engine, the compiled module, and the judge.

Functions of a module rather than methods of the harness: pytest takes those for fixtures of a test class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conformance.judging.judge import Judge
from conformance.judging.subject import Subject
from reference_host.engine.interface import Engine, Module

if TYPE_CHECKING:
    from conformance.harness.plugin import Harness

HARNESS: pytest.StashKey[Harness] = pytest.StashKey()
JUDGE = pytest.StashKey[Judge]()


@pytest.fixture(scope="session")
def subject(request: pytest.FixtureRequest) -> Subject:
    """The plugin under judgement."""
    return request.config.stash[HARNESS].prepared(request.param)


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Engine:
    """The engine that plugins run on."""
    return request.config.stash[HARNESS].loaded_engine()


@pytest.fixture(scope="session")
def module(subject: Subject, request: pytest.FixtureRequest) -> Module:
    """The plugin's compiled module."""
    return request.config.stash[HARNESS].module_of(subject)


@pytest.fixture
def judge(subject: Subject, request: pytest.FixtureRequest) -> Judge:
    """The judge of the requirement that the test is marked with."""
    judge = Judge(request.config.stash[HARNESS].requirement_of(request.node), subject)
    request.node.stash[JUDGE] = judge
    return judge
