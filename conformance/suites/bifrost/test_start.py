"""What is left of an instance after its start-up.

Source: the documents are silent; that a command may exit with 0 and stays usable is a stand.
"""

from __future__ import annotations

from conformance.judging import Judge, requirement

from .lab import Lab


@requirement("BIFROST-LOAD-003")
def test_instance_is_usable_after_exit(lab: Lab, judge: Judge) -> None:
    """An instance whose `_start` exited with 0 stays usable: not all of its functions trap."""
    if lab.load_failure is not None:
        judge.not_applicable(f"the module does not load: {lab.load_failure}")
        return
    failure = lab.exit_failure
    if failure is not None:
        judge.violation(
            "_start",
            export="_start",
            expected="functions that work after `proc_exit(0)`",
            got=f"each of them traps, the first one so: {failure.trap}",
            hint="let nothing that runs at the end of `_start` close what the exported functions need",
        )
    elif lab.started().exited:
        judge.passed("_start")
    else:
        judge.not_applicable("no `_start` exits with 0")
