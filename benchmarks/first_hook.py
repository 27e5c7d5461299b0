"""`python -m benchmarks.first_hook CONTENDER` prints how many seconds one hook takes, from the call of `compile` on."""

from __future__ import annotations

import sys
import time

import click

from benchmarks.guests import contenders
from benchmarks.workloads import hook, sample


def main(name: str) -> None:
    """Compile, make an instance, call one hook: once, with everything imported before."""
    contender = next(each for each in contenders()[0] if each.name == name)
    binary = sample()
    started = time.perf_counter()
    hook(contender.compile(binary)())
    click.echo(time.perf_counter() - started)


if __name__ == "__main__":
    main(sys.argv[1])
