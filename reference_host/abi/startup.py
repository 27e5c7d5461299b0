"""Start-up exports of the toolchains: no plugin system's document mentions them, every host has to deal with them."""

from __future__ import annotations

from reference_host.engine.interface import FuncType, Instance
from reference_host.errors import StartFailed, Trap, TrapCode

START_FUNCTIONS = ("_initialize", "_start")
"""The initialization of a reactor, and the main program of a command."""

START_TYPE = FuncType()


def run_start(instance: Instance, name: str, fuel: int | None = None) -> bool:
    """Call a start-up export: whether it ended with `proc_exit(0)`, as the `_start` of a command may.

    Its instance stays usable then. `fuel` as for `Instance.call`. Raises `StartFailed`.
    """
    try:
        instance.call(name, fuel=fuel)
    except Trap as trap:
        if name != "_start" or trap.code is not TrapCode.EXIT or trap.exit_code != 0:
            raise StartFailed(name, trap) from None
        return True
    return False
