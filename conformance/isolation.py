"""What the judging process is given, so that nothing of where and by whom the command is run changes a verdict.

Each line has a hole behind it, and a test in `tests/conformance/test_hermetic.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import distributions
from pathlib import Path

from conformance.registry import SUITES, SYSTEMS
from reference_host.engine.registry import GROUP as ENGINES

_KEPT = frozenset(
    {
        # where programs, libraries, home and temporary folders are
        "PATH", "HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "XDG_CACHE_HOME", "TMPDIR", "TEMP", "TMP",
        "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT",
        # what an interpreter in an unusual place cannot start without
        "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "VIRTUAL_ENV", "HOOKPROOF_CACHE",
        # how the engine wasmtime is reached: for measurements, the same either way
        "HOOKPROOF_WASMTIME",
    }
)  # fmt: skip

_SET = {
    # `python -c`, which pytest-xdist starts its workers with, would import a `json.py` of the working folder.
    "PYTHONSAFEPATH": "1",
    "PYTHONUTF8": "1",
    # The order of a set of texts must not depend on the run.
    "PYTHONHASHSEED": "0",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
}

_UNNEEDED = (
    "cacheprovider", "doctest", "faulthandler", "junitxml", "legacypath", "logging", "nose", "pastebin", "setuponly",
    "setupplan", "stepwise", "threadexception", "unittest", "unraisableexception", "warnings",
)  # fmt: skip
"""Plugins of pytest itself that write files, or cost time and give nothing here."""


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Give the environment of the judging process: no `PYTEST_*`, no `PYTHON*`, only what is known to be needed."""
    kept = {name: value for name, value in environment.items() if name.upper() in _KEPT}
    if sys.flags.no_user_site:
        kept["PYTHONNOUSERSITE"] = "1"
    return kept | _SET


def search_path() -> list[str]:
    """Give the folders that the judging process has to search, after all of its own.

    They hold this package, and the engines, systems and suites that are registered; most are on its path anyway.
    Appended, they can add modules and replace none.
    """
    registering = (
        distribution.locate_file("")
        for distribution in distributions()
        if any(entry.group in {ENGINES, SYSTEMS, SUITES} for entry in distribution.entry_points)
    )
    folders = [Path(__file__).parent.parent, *registering]
    return list(dict.fromkeys(str(Path(str(folder)).resolve()) for folder in folders))


def pytest_arguments(folder: Path, tests: Path, processes: str) -> Iterator[str]:
    """Give pytest's arguments: no configuration but that in `folder`, no conftest above `tests`, no foreign plugin."""
    configuration = folder / "pytest.ini"
    configuration.write_text("[pytest]\n")
    yield str(tests)
    yield from ("-c", str(configuration), "--rootdir", str(folder), "--confcutdir", str(tests))
    yield from ("--import-mode", "importlib", "--assert", "plain")
    yield from ("-q", "--capture", "no", "--basetemp", str(folder / "temp"))
    for plugin in _UNNEEDED:
        yield from ("-p", f"no:{plugin}")
    yield from ("-p", "conformance.pytest_plugin")
    if processes != "0":
        yield from ("-p", "xdist.plugin", "-n", processes, "--dist", "loadgroup")
        # Where a worker dies, pytest-xdist may wait for ever for its replacement: the runner starts anew instead.
        yield "--max-worker-restart=0"


def command(arguments: Iterator[str], path: list[str]) -> list[str]:
    """Give the command line of the judging process."""
    program = f"import sys; sys.path += {path!r}; from conformance.child import main; main()"
    return [sys.executable, "-P", "-c", program, *arguments]
