"""The engine `wasmtime`: compiled to machine code by Cranelift, through wasmtime-py.

Nothing of the library is seen above the seam. A module is compiled with the additions of `instrument`; its imports and
exports are those of the module as it was given.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from importlib.metadata import version

from reference_host.engine.binary import read_module
from reference_host.engine.interface import Export, HostFunction, Import, Limits, Validity
from reference_host.engine.linking import check_limits, resolve
from reference_host.engine.wasmtime_instance import PlainInstance, WasmtimeInstance
from reference_host.engine.wasmtime_machine import Compiled, Machine, compiled, machine, stack_size, validate
from reference_host.engine.wasmtime_proof import guest, session
from reference_host.errors import EngineMissing, UsageError


class Way(StrEnum):
    """How the library is reached: what `WasmtimeEngine` takes, and the environment variable `HOOKPROOF_WASMTIME`."""

    FAST = "fast"
    PLAIN = "plain"


class WasmtimeEngine:
    """Implements `interface.Engine`.

    `way` is for tests and measurements. Without it the environment decides, else the fast way is taken where its
    self-test holds, and the plain one where it does not. Raises `EngineMissing` where the fast way is wanted and cannot
    be had, `UsageError` where the environment names no way.
    """

    name = "wasmtime"
    quick_only: str | None = None
    validates = True

    def __init__(self, way: Way | None = None) -> None:
        self.version = version("wasmtime")
        self._machine = machine(stack_size())
        self._instance = _choose(way or _from_environment())

    @property
    def way(self) -> Way:
        """The way that was taken."""
        return Way.PLAIN if self._instance is PlainInstance else Way.FAST

    def validate(self, binary: bytes) -> None:
        """See `Engine.validate`."""
        read_module(binary)
        validate(self._machine, binary)

    def compile(self, binary: bytes) -> WasmtimeModule:
        """See `Engine.compile`."""
        return WasmtimeModule(self._machine, compiled(self._machine, bytes(binary)), self._instance)


def _from_environment() -> Way | None:
    said = os.environ.get("HOOKPROOF_WASMTIME")
    if not said:
        return None
    try:
        return Way(said)
    except ValueError:
        known = " or ".join(Way)
    raise UsageError(f"HOOKPROOF_WASMTIME is {said!r}; it can be {known}")


def _choose(way: Way | None) -> type[WasmtimeInstance]:
    if way is Way.PLAIN:
        return PlainInstance
    fast, reason = _fast()
    if fast is None and way is Way.FAST:
        raise EngineMissing(f"wasmtime cannot be used in the fast way: {reason}")
    return fast or PlainInstance


@cache
def _fast() -> tuple[type[WasmtimeInstance] | None, str]:
    """The fast way, where its self-test holds in this process; else the reason."""
    try:
        from reference_host.engine.wasmtime_fast import FastInstance
    except (ImportError, AttributeError) as error:  # the binding differs
        return None, str(error)
    engine = WasmtimeEngine(Way.PLAIN)
    plain = engine.compile(guest())
    engine._instance = FastInstance
    try:
        held = list(session(engine.compile(guest()))) == list(session(plain))
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in a test of the fast way speaks against it
        return None, repr(error)
    return (FastInstance, "") if held else (None, "its self-test comes out otherwise")


class WasmtimeModule:
    """Implements `interface.Module`."""

    validity = Validity.VALID

    def __init__(self, machine: Machine, compiled: Compiled, instance: type[WasmtimeInstance]) -> None:
        self.machine = machine
        self.compiled = compiled
        self.info = compiled.info
        self._instance = instance

    @property
    def imports(self) -> tuple[Import, ...]:
        """See `Module.imports`."""
        return self.info.imports

    @property
    def exports(self) -> tuple[Export, ...]:
        """See `Module.exports`."""
        return self.info.exports

    def instantiate(self, imports: Sequence[HostFunction] = (), limits: Limits = Limits()) -> WasmtimeInstance:
        """See `Module.instantiate`."""
        functions = resolve(self.imports, imports)
        check_limits(self.info, limits)
        return self._instance(self, functions, limits)
