"""How a rule is put to the calls of a plugin: one loop for the suites of all systems."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from conformance.judging import Judge
from conformance.lab.bounds import Fault
from reference_host.errors import HookError, TrapCode


class Asked(Protocol):
    """A call that was made: the case that names it, and why its answer cannot be used, if it cannot."""

    @property
    def case(self) -> str:
        """As reports name it."""

    @property
    def failure(self) -> HookError | None:
        """None where it came back with an answer."""


Each = TypeVar("Each", bound=Asked)


def ask(
    judge: Judge,
    calls: Iterable[Each],
    rule: Callable[[Each], Fault | None],
    take_down: Callable[[Judge, Each, Fault | None], None],
) -> None:
    """Ask a rule of every call; `take_down` tells the judge of one that failed, or that breaks the rule."""
    held = 0
    every_case = judge.subject.only_case is None
    for call in calls:
        fault = rule(call)
        if fault is None and call.failure is None:
            # The most of thousands of calls: counted, and told at once.
            held += every_case or judge.wants(call.case)
        else:
            take_down(judge, call, fault)
    judge.held(held)


def ran_out_of_time(judge: Judge, call: Asked) -> bool:
    """Whether the deadline of a call fired, which is told as nobody's fault but the machine's."""
    failure = call.failure
    if failure is None or failure.trap is None or failure.trap.code is not TrapCode.DEADLINE:
        return False
    judge.error(call.case, "the deadline fired before the fuel was used up: a faster machine or engine can judge this")
    return True
