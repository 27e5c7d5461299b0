"""Finds plugin systems and suites through entry points, so that both can be added from outside.

`hookproof.systems`: an object of type `reference_host.abi.interface.System`. `hookproof.suites`: a
`conformance.suite.Suite`.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from conformance.errors import NoSuite, RegistrationError
from reference_host.errors import UnknownSystem

if TYPE_CHECKING:
    from conformance.suite import Suite
    from reference_host.abi.interface import System

SYSTEMS = "hookproof.systems"
SUITES = "hookproof.suites"


def system_names() -> tuple[str, ...]:
    """Name every registered plugin system, in alphabetical order."""
    return tuple(sorted({entry.name for entry in entry_points(group=SYSTEMS)}))


def suite_names() -> tuple[str, ...]:
    """Name every plugin system that a suite is registered for, in alphabetical order."""
    return tuple(sorted({entry.name for entry in entry_points(group=SUITES)}))


def load_system(name: str) -> System:
    """Load one plugin system. Raises `UnknownSystem`, `RegistrationError`."""
    entry = _only(SYSTEMS, name)
    if entry is None:
        known = ", ".join(system_names()) or "none"
        raise UnknownSystem(f"unknown plugin system {name!r}, known are: {known}")
    system: System = _load(entry)  # type: ignore[assignment]  # the group's contract
    return system


def load_suite(name: str) -> Suite:
    """Load the suite of one plugin system. Raises `NoSuite`, `RegistrationError`."""
    entry = _only(SUITES, name)
    if entry is None:
        raise NoSuite(f"no suite is registered for the plugin system {name!r}")
    suite: Suite = _load(entry)  # type: ignore[assignment]  # the group's contract
    return suite


def _only(group: str, name: str) -> EntryPoint | None:
    """Find one entry point; one that is seen twice (installed, and on the path) has the same value."""
    found = {entry.value: entry for entry in entry_points(group=group, name=name)}
    if len(found) > 1:
        raise RegistrationError(f"{name!r} is registered twice in {group}: as {' and as '.join(sorted(found))}")
    return next(iter(found.values()), None)


def _load(entry: EntryPoint) -> object:
    try:
        return entry.load()
    except Exception as error:
        raise RegistrationError(
            f"{entry.name!r}, registered in {entry.group} as {entry.value}, cannot be imported: "
            f"{type(error).__name__}: {error}"
        ) from error
