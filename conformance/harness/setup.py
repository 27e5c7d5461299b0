"""Reads the options of the pytest plugin into subjects, each with its suite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conformance.catalogue import Catalogue
from conformance.errors import CouldNotJudge, RegistrationError
from conformance.judging.records import parse_numbers
from conformance.judging.subject import DEFAULT_SEED, Subject
from conformance.judging.terms import Terms, make_subject, parse_input, parse_memory, read_given, read_plugin
from conformance.registry import load_suite, suite_names
from conformance.suite import Suite
from reference_host.engine.interface import MAX_PAGES
from reference_host.errors import HookproofError, UsageError


@dataclass(frozen=True, slots=True)
class Setup:
    """What is to be judged. `engine` is None where the preferred one that loads is to be taken.

    `records` is the folder of a parent process that wants the records; `skip` the numbers of items that it has already.
    """

    subjects: tuple[Subject, ...]
    terms: Terms
    suites: tuple[Suite, ...]
    catalogues: dict[str, Catalogue]
    engine: str | None
    json: Path | None
    records: Path | None
    skip: frozenset[int]


def read_setup(options: Mapping[str, Any]) -> Setup:
    """Read the options. Raises `pytest.UsageError`, or ends pytest with exit code 3 where a plugin cannot be judged."""
    try:
        return _read(options)
    except CouldNotJudge as error:
        pytest.exit(f"could not judge: {error}", returncode=3)
    except HookproofError as error:
        raise pytest.UsageError(str(error)) from error


def _read(options: Mapping[str, Any]) -> Setup:
    paths: list[str] = options["plugin"]
    if options["json"] is not None and len(paths) > 1 and not Path(options["json"]).is_dir():
        raise UsageError(
            "--hookproof-json needs a folder that exists where there are several plugins, for a report each"
        )
    terms = _terms(options)
    subjects = tuple(
        make_subject(options["shown-path"] or path, read_plugin(path), terms, options["engine"] or "") for path in paths
    )
    systems = sorted({subject.system for subject in subjects})
    catalogues = {system: load_suite(system).load_catalogue() for system in systems}
    if terms.only is not None:
        for catalogue in catalogues.values():
            catalogue.get(terms.only)
    return Setup(
        subjects=subjects,
        terms=terms,
        suites=tuple(_all_suites()),
        catalogues=catalogues,
        engine=options["engine"],
        json=None if options["json"] is None else Path(options["json"]),
        records=None if options["records"] is None else Path(options["records"]),
        skip=parse_numbers(options["skip"] or ""),
    )


def _all_suites() -> Iterator[Suite]:
    """Give every suite: those of other systems are collected too, and have to be told from other people's tests."""
    for name in suite_names():
        # One that cannot be imported has no tests that could be collected.
        with suppress(RegistrationError):
            yield load_suite(name)


def _terms(options: Mapping[str, Any]) -> Terms:
    config, functions = options["plugin-config"], options["functions"]
    memory, largest, seed = options["max-memory"], options["max-input"], options["seed"]
    terms = Terms(
        abi=options["abi"],
        revision=options["revision"],
        profile=options["profile"],
        shape=options["shape"],
        config_path=config,
        functions_path=functions,
        given=read_given(config, functions),
        memory_pages=MAX_PAGES if memory is None else parse_memory(memory),
        max_input=None if largest is None else parse_input(largest),
        quick=options["quick"],
        seed=DEFAULT_SEED if seed is None else seed,
    )
    return terms if options["only"] is None else terms.selecting(options["only"])
