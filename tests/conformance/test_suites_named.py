"""A suite and its catalogue name each other: every test proves one entry, every entry names its tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.catalogue import Catalogue, Side, load_catalogue
from conformance.resources import Resource, find

SYSTEMS = sorted(path.stem for path in find(Resource.CATALOGUES).glob("*.toml"))


def proofs(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Name each test function of a file, and the ids of its `@requirement` decorators."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            ids = [
                decorator.args[0].value
                for decorator in node.decorator_list
                if isinstance(decorator, ast.Call)
                and isinstance(decorator.func, ast.Name)
                and decorator.func.id == "requirement"
                and isinstance(decorator.args[0], ast.Constant)
            ]
            yield f"{path.name}::{node.name}", [str(identifier) for identifier in ids]


@pytest.fixture(params=SYSTEMS)
def system(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def catalogue(system: str) -> Catalogue:
    return load_catalogue(find(Resource.CATALOGUES) / f"{system}.toml")


@pytest.fixture
def proved(system: str) -> dict[str, list[str]]:
    files = sorted((find(Resource.SUITES) / system).glob("test_*.py"))
    return dict(proof for path in files for proof in proofs(path))


def test_each_test_proves_exactly_one_requirement(proved: dict[str, list[str]]) -> None:
    assert proved
    assert [name for name, ids in proved.items() if len(ids) != 1] == []


def test_catalogue_names_the_tests_that_there_are(catalogue: Catalogue, proved: dict[str, list[str]]) -> None:
    named = {name: entry.id for entry in catalogue.requirements for name in entry.tests}
    assert named == {name: ids[0] for name, ids in proved.items()}


def test_each_plugin_side_entry_is_tested_or_says_why_not(catalogue: Catalogue) -> None:
    silent = [
        entry.id
        for entry in catalogue.on_side(Side.PLUGIN)
        if not entry.tests and not (entry.untested or "").startswith(("not observable: ", "not yet: "))
    ]
    assert silent == []
