"""What a guest is given: the frozen values that a run can be repeated from.

Source: WASI, `legacy/preview1/witx/wasi_snapshot_preview1.witx` (`args_get`, `environ_get`) for the form of
arguments and environment.
"""

from __future__ import annotations

from dataclasses import dataclass

from reference_host.errors import UsageError
from reference_host.wasi.types import U64_MAX

SECOND = 1_000_000_000
"""Nanoseconds."""

MILLISECOND = 1_000_000
"""Nanoseconds."""


@dataclass(frozen=True, slots=True)
class WasiConfig:
    """The world of one guest. Two runs of one module with equal values do the same.

    `arguments`: the first is the program's name. `environment`: pairs of name and value. `seed`: of
    `random_get`. `realtime_start` (since 1970-01-01), `monotonic_start` and `clock_step` (by which each
    reading advances both clocks): nanoseconds; Go's runtime does not start on a monotonic clock at 0.
    `stdout_limit` and `stderr_limit`: bytes that are kept.

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

    def __post_init__(self) -> None:
        for argument in self.arguments:
            _encode("an argument", argument)
        for name, value in self.environment:
            if not name or "=" in name:
                raise UsageError(f"{name!r} is no name of an environment variable: it is empty or has a '='")
            _encode("an environment variable", name, value)
        for what, number, least in (
            ("realtime_start", self.realtime_start, 0),
            ("monotonic_start", self.monotonic_start, 0),
            ("clock_step", self.clock_step, 1),
            ("stdout_limit", self.stdout_limit, 0),
            ("stderr_limit", self.stderr_limit, 0),
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
