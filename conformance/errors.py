"""The errors of judging, under the root that the reference host draws.

reference_host.errors.HookproofError
├── UsageError
│   ├── UnknownRequirement         the catalogue has no entry of that id
│   └── BadSelector                `--only` is not `ID` or `ID[case]`
├── CouldNotJudge                  there is a subject, but no verdict on it; the message says why
│   ├── NoKnownSystem              the module exports no hook of any registered plugin system
│   └── NoSuite                    the plugin system has no suite here
├── CatalogueError                 a catalogue file breaks its own form: a defect of the suite
├── RegistrationError              an entry point cannot be loaded, or two distributions claim one name
└── ReportError                    a report does not keep the published schema
"""

from __future__ import annotations

from reference_host.errors import HookproofError, UsageError


class UnknownRequirement(UsageError):
    """The catalogue has no entry of that id."""


class BadSelector(UsageError):
    """`--only` is not `ID` or `ID[case]`."""


class CouldNotJudge(HookproofError):
    """There is a subject, but no verdict on it: neither "conforms" nor "does not conform"."""


class NoKnownSystem(CouldNotJudge):
    """The module exports no hook of any registered plugin system."""


class NoSuite(CouldNotJudge):
    """The plugin system has no suite here."""


class CatalogueError(HookproofError):
    """A catalogue file breaks its own form; `path` and the entry (or "") tell where."""

    def __init__(self, path: str, entry: str, reason: str) -> None:
        where = f"{path}: {entry}" if entry else path
        super().__init__(f"{where}: {reason}")
        self.path = path
        self.entry = entry
        self.reason = reason


class RegistrationError(HookproofError):
    """An entry point cannot be loaded, or two distributions claim one name."""


class ReportError(HookproofError):
    """A report does not keep the published schema; `where` is the JSON path of the first breach."""

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason
