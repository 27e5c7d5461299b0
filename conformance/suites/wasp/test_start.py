"""Loading: an instance is made, and made ready.

Source: the documents are silent; that `_initialize` is called, and `_start` is not, is a stand.
"""

from __future__ import annotations

from conformance.judging import Judge, requirement
from reference_host.engine.interface import FuncType
from reference_host.errors import (
    ImportNotFound,
    MemoryLimitExceeded,
    ModuleError,
    StartFailed,
    TrapCode,
    UnresolvedImport,
)

from .lab import Lab


@requirement("WASP-START-001")
def test_start_up_completes(lab: Lab, judge: Judge) -> None:
    """Instantiation and `_initialize` complete."""
    failure = lab.load_failure
    if failure is None:
        judge.passed("start-up")
    elif isinstance(failure, ImportNotFound | UnresolvedImport):
        judge.not_applicable(f"an import cannot be satisfied: {failure}")
    elif isinstance(failure, ModuleError | MemoryLimitExceeded):
        judge.not_tested(str(failure))
    elif isinstance(failure, StartFailed) and failure.trap.code is TrapCode.DEADLINE:
        judge.error("start-up", "the deadline fired before the fuel was used up: a faster machine can judge this")
    else:
        starts = isinstance(lab.exports.get("_initialize"), FuncType)
        judge.violation(
            "start-up",
            export="_initialize" if starts else "(start)",
            expected="an instance that is ready to be called",
            got=str(failure),
            hint="let nothing that runs at the start trap or exit: no function of the plugin was called yet",
        )
