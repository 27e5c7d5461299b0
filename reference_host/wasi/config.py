"""What a guest is given: the frozen values that a run can be repeated from.

Source: WASI, `legacy/preview1/witx/wasi_snapshot_preview1.witx` (`args_get`, `environ_get`,
`fd_prestat_dir_name`) for the form of arguments, environment and names of directories.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reference_host.errors import UsageError
from reference_host.wasi.types import U64_MAX

SECOND = 1_000_000_000
"""Nanoseconds."""

MILLISECOND = 1_000_000
"""Nanoseconds."""

MAX_DIRECTORIES = 64


@dataclass(frozen=True, slots=True)
class Directory:
    """A folder of the host that a guest is given, and nothing outside it.

    `name`: what the guest calls it, as its libc looks for it: `workspace`, `/workspace`, `.`. `folder`: may be
    given under several names. `writable`: else the guest can read and list alone.

    What lies in the folder is its owner's choice: a hard link to a file elsewhere, or another file system mounted
    in it, is part of it.

    Raises `UsageError` for a name that no guest can be given. The folder is looked at when a guest is made.
    """

    name: str
    folder: Path
    writable: bool = True

    def __post_init__(self) -> None:
        if not self.name:
            raise UsageError("a directory of a guest needs a name")
        _encode("the name of a directory", self.name)


@dataclass(frozen=True, slots=True)
class WasiConfig:
    """The world of one guest. Two runs of one module with equal values, and equal folders, do the same.

    `arguments`: the first is the program's name. `environment`: pairs of name and value. `seed`: of
    `random_get`. `realtime_start` (since 1970-01-01), `monotonic_start` and `clock_step` (by which each
    reading advances both clocks): nanoseconds; Go's runtime does not start on a monotonic clock at 0.
    `stdout_limit` and `stderr_limit`: bytes that are kept. `directories`: descriptors from 3 on, in this order.
    `disk_limit`: bytes that the guest may write into all of them together in its life; see `tree` for what counts.

    Raises `UsageError` for values that no guest can be given.
    """

    arguments: tuple[str, ...] = ("plugin",)
    environment: tuple[tuple[str, str], ...] = ()
    seed: int = 0
    realtime_start: int = 1_767_225_600 * SECOND
    """2026-01-01T00:00:00Z."""
    monotonic_start: int = SECOND
    clock_step: int = MILLISECOND
    stdout_limit: int = 1024 * 1024
    stderr_limit: int = 1024 * 1024
    directories: tuple[Directory, ...] = ()
    disk_limit: int = 64 * 1024 * 1024

    def __post_init__(self) -> None:
        for argument in self.arguments:
            _encode("an argument", argument)
        for name, value in self.environment:
            if not name or "=" in name:
                raise UsageError(f"{name!r} is no name of an environment variable: it is empty or has a '='")
            _encode("an environment variable", name, value)
        names = {directory.name for directory in self.directories}
        if len(names) < len(self.directories):
            raise UsageError("two directories of a guest have one name")
        if len(names) > MAX_DIRECTORIES:
            raise UsageError(f"a guest is given {len(names)} directories, it can have {MAX_DIRECTORIES}")
        for what, number, least in (
            ("realtime_start", self.realtime_start, 0),
            ("monotonic_start", self.monotonic_start, 0),
            ("clock_step", self.clock_step, 1),
            ("stdout_limit", self.stdout_limit, 0),
            ("stderr_limit", self.stderr_limit, 0),
            ("disk_limit", self.disk_limit, 0),
        ):
            if not least <= number <= U64_MAX:
                raise UsageError(f"{what} is {number}, it must be from {least} to 2^64 - 1")

    @property
    def argument_strings(self) -> list[bytes]:
        """The arguments in UTF-8, without the NUL that ends each."""
        return [argument.encode() for argument in self.arguments]

    @property
    def environment_strings(self) -> list[bytes]:
        """The environment in UTF-8, as `name=value`, without the NUL that ends each."""
        return [f"{name}={value}".encode() for name, value in self.environment]


def _encode(what: str, *parts: str) -> None:
    for part in parts:
        if "\0" in part:
            raise UsageError(f"{part!r} cannot be {what}: it has a NUL")
        try:
            part.encode()
        except UnicodeEncodeError:
            raise UsageError(f"{part!r} cannot be {what}: it has a lone surrogate") from None
