"""Plugin systems, suites and the product's own files are found, in every kind of installation."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance import resources
from conformance.errors import NoSuite, RegistrationError
from conformance.registry import load_suite, load_system, suite_names, system_names
from conformance.resources import Resource, find
from reference_host.errors import UnknownSystem


def register(folder: Path, name: str, text: str) -> str:
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(text)
    return str(folder)


@pytest.mark.usefixtures("_toy_registered")
def test_what_is_registered_is_found() -> None:
    assert {"bifrost", "toy"} <= set(system_names())
    assert {"bifrost", "toy"} <= set(suite_names())
    assert load_system("toy").revisions == ("v1", "v2")
    assert load_suite("toy").load_catalogue().system == "toy"


def test_what_is_not_registered() -> None:
    with pytest.raises(UnknownSystem, match=r"unknown plugin system 'nope', known are: .*bifrost"):
        load_system("nope")
    with pytest.raises(NoSuite, match="'nope'"):
        load_suite("nope")


def test_a_name_with_two_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(register(tmp_path, "one", "[hookproof.systems]\nx = one:SYSTEM\n"))
    monkeypatch.syspath_prepend(register(tmp_path, "two", "[hookproof.systems]\nx = two:SYSTEM\n"))
    with pytest.raises(RegistrationError, match="as one:SYSTEM and as two:SYSTEM"):
        load_system("x")


@pytest.mark.parametrize("target", ["nowhere_at_all:SYSTEM", "json:no_such_name"])
def test_what_cannot_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    monkeypatch.syspath_prepend(register(tmp_path, "one", f"[hookproof.systems]\nx = {target}\n"))
    with pytest.raises(
        RegistrationError, match=f"'x', registered in hookproof.systems as {target}, cannot be imported"
    ):
        load_system("x")


@pytest.mark.parametrize("resource", Resource)
def test_resources_of_this_installation(resource: Resource) -> None:
    assert any(find(resource).iterdir())


@pytest.mark.parametrize("resource", Resource)
def test_resources_of_a_wheel_and_of_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resource: Resource
) -> None:
    package = tmp_path / "conformance"
    package.mkdir()
    monkeypatch.setattr(resources, "__file__", str(package / "resources.py"))
    with pytest.raises(FileNotFoundError, match=r"no .*install it again"):
        find(resource)
    beside = tmp_path / resource
    beside.mkdir(parents=True)
    if resource is Resource.FIXTURES:
        assert find(resource) == beside
    inside = package / resource
    inside.mkdir(parents=True)
    assert find(resource) == inside
