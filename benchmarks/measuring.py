"""How things are measured: contenders take turns in short batches, so that what else the machine does hits all alike.

The order of a round is drawn anew each time, or whoever comes after a slow one would pay for it. A batch is sized by a
first look, so that it lasts about `BATCH` seconds. What counts is the median of the batches; the
spread is half the distance between the quartiles.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

BATCH = 0.0005
"""Seconds that a batch of one contender lasts: shorter than the turn that an operating system gives to a process, so
that most batches are not interrupted even on a busy machine."""

MINIMUM = 5
"""Batches of each contender, however slow it is."""

Operation = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Measurement:
    """Seconds for one operation of one contender; `ratio` is how many times as long the first contender takes.

    `fastest` is the mean of the fastest batch: what the machine can do when it is left alone.
    """

    workload: str
    contender: str
    median: float
    spread: float
    fastest: float
    batches: int
    operations: int
    ratio: float


def measure(
    workload: str, contenders: Mapping[str, Operation], seconds: float, *, timed: bool = False
) -> list[Measurement]:
    """Measure contenders by turns, about `seconds` for each; ratios are to the first.

    `timed`: operations give the seconds that count, and are not repeated within a batch.
    """
    sizes = {name: 1 if timed else _batch_size(operation) for name, operation in contenders.items()}
    times: dict[str, list[float]] = {name: [] for name in contenders}
    spent = dict.fromkeys(contenders, 0.0)
    draw = random.Random(0)
    collecting = gc.isenabled()
    gc.disable()
    try:
        while waiting := [name for name in contenders if len(times[name]) < MINIMUM or spent[name] < seconds]:
            draw.shuffle(waiting)
            for name in waiting:
                lasted, counted = _batch(contenders[name], sizes[name])
                times[name].append((counted if timed else lasted) / sizes[name])
                spent[name] += lasted
            gc.collect(0)
    finally:
        if collecting:
            gc.enable()
    medians = {name: statistics.median(found) for name, found in times.items()}
    first = next(iter(medians.values()))
    return [
        Measurement(
            workload,
            name,
            medians[name],
            _spread(found),
            min(found),
            len(found),
            len(found) * sizes[name],
            first / medians[name],
        )
        for name, found in times.items()
    ]


def _batch(operation: Operation, size: int) -> tuple[float, float]:
    """Give the seconds that it lasted, and what the last operation gave, where that is a number."""
    answer: object = None
    started = time.perf_counter()
    for _ in range(size):
        answer = operation()
    return time.perf_counter() - started, answer if isinstance(answer, float) else 0.0


def _batch_size(operation: Operation) -> int:
    operation()  # what is done once only is done now
    size = 1
    while (lasted := _batch(operation, size)[0]) < BATCH / 4:
        size *= 4
    return max(1, round(size * BATCH / lasted))


def _spread(times: list[float]) -> float:
    lower, _, upper = statistics.quantiles(times, n=4)
    return (upper - lower) / 2
