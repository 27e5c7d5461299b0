"""What is measured, each on every contender that can do it.

`hook` is a gateway's round trip on the Rust sample plugin. `int`, `string` and the two `new` ones are the measurement
in the README of the plugin host wasp, on a guest as small as its own: a call with two integers, a call with a string
(allocate, write, call, read, free), and each on a fresh instance. `host-...` is a hook of each sample plugin through
the whole reference host. `first-hook-...` and `certify` are processes of their own. `wasp-...` is in `wasp.py`.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks import wasp
from benchmarks.guests import Contender, Fresh, Guest, Unfit, contenders, engines
from benchmarks.measuring import Operation
from benchmarks.processes import certify, first_hook
from conformance.resources import Resource, find
from reference_host.abi.bifrost.plugin import Plugin
from reference_host.abi.bifrost.types import HTTPRequest

REQUEST = json.dumps(
    {
        "context": {"request_id": "r-1"},
        "request": {
            "provider": "openai",
            "model": "gpt-4o",
            "input": [{"role": "user", "content": "hello there, how are you today?"}],
            "params": {"temperature": 0.5},
        },
    },
    separators=(",", ":"),
).encode()

HTTP_REQUEST = HTTPRequest("POST", "/v1/chat/completions", {"Content-Type": "application/json"}, {}, b'{"model":"m"}')

Work = Callable[[Guest], object]


@dataclass(frozen=True, slots=True)
class Prepared:
    """The operations of a workload by contender, and a line for each who cannot do it.

    `timed`: an operation gives the seconds that count, instead of being timed from outside.
    """

    operations: dict[str, Operation]
    unfit: list[str] = field(default_factory=list)
    timed: bool = False


def hook(guest: Guest) -> bytes:
    """One `pre_hook`: allocate, write, call, read the packed result, free both."""
    pointer = guest.call("malloc", len(REQUEST))
    guest.write(pointer, REQUEST)
    packed = guest.call("pre_hook", pointer, len(REQUEST))
    answer = guest.read(packed >> 32, packed & 0xFFFF_FFFF)
    guest.call("free", packed >> 32, packed & 0xFFFF_FFFF)
    guest.call("free", pointer, len(REQUEST))
    return answer


def _integers(guest: Guest) -> int:
    return guest.call("sum", 3, 4)


def _string(guest: Guest) -> bytes:
    pointer = guest.call("malloc", 9)
    guest.write(pointer, b"Hello Nic")
    packed = guest.call("echo", pointer, 9)
    answer = guest.read(packed >> 32, packed & 0xFFFF_FFFF)
    guest.call("free", pointer, 9)
    return answer


def _calling(name: str, number: int) -> Work:
    return lambda guest: guest.call(name, number)


def _steady(work: Work, fresh: Fresh) -> Operation:
    guest = fresh()
    return lambda: work(guest)


def _new(work: Work, fresh: Fresh) -> Operation:
    return lambda: work(fresh())


def sample_path() -> Path:
    """The plugin of the workloads that need one: Rust, without imports."""
    return find(Resource.FIXTURES) / "bifrost" / "conforming" / "word-guard.wasm"


def sample() -> bytes:
    """Give its bytes."""
    return sample_path().read_bytes()


def small() -> bytes:
    """Give the small guest."""
    import wasmtime

    return bytes(wasmtime.wat2wasm(Path(__file__).with_name("small.wat").read_text()))


Prepare = Callable[[Work, Fresh], Operation]


class Disagreement(Exception):
    """Two contenders answer differently: there is nothing to compare."""


def _agree(operations: dict[str, Operation]) -> dict[str, Operation]:
    answers = {name: operation() for name, operation in operations.items()}
    if len(set(answers.values())) > 1:
        raise Disagreement(str(answers))
    return operations


def _on_guests(binary: Callable[[], bytes], prepare: Prepare, work: Work) -> Prepared:
    operations, unfit = {}, []
    for contender in contenders()[0]:
        try:
            operations[contender.name] = prepare(work, contender.compile(binary()))
        except Unfit as error:
            unfit.append(str(error))
    return Prepared(_agree(operations), unfit)


def _compiling() -> Prepared:
    """Another module each time, by a custom section, so that nobody finds it compiled."""
    numbers = itertools.count(2**20)
    operations, unfit = {}, []

    def other() -> bytes:
        return sample() + b"\0\x06\1n" + next(numbers).to_bytes(4, "little")

    def operation(contender: Contender) -> Operation:
        return lambda: contender.compile(other())

    for contender in contenders()[0]:
        try:
            contender.compile(sample())
        except Unfit as error:
            unfit.append(str(error))
        else:
            operations[contender.name] = operation(contender)
    # How an engine's calls are limited makes no difference here.
    return Prepared({name: made for name, made in operations.items() if name not in _SAME_MODULES}, unfit)


_SAME_MODULES = ("wasmtime fast, no limits", "purepy exact", "purepy portable, exact")


def _in_a_fresh_process(*, warm: bool) -> Prepared:
    found = [contender for contender in contenders()[0] if contender.name not in ("ppci", "wasmtime fast, no limits")]
    return Prepared(
        {each.name: partial(first_hook, each.name, warm=warm) for each in found if each.cached or not warm}, timed=True
    )


def _through_the_host(path: Path) -> Prepared:
    operations: dict[str, Operation] = {}
    for name, engine in engines().items():
        plugin = Plugin.load(engine.compile(path.read_bytes()))
        operations[name] = partial(plugin.http_pre_hook, {"request_id": "r-1"}, HTTP_REQUEST)
    return Prepared(operations)


def _certify() -> Prepared:
    present = engines()
    operations: dict[str, Operation] = {
        f"wasmtime {way}": partial(certify, sample_path(), "wasmtime", way)
        for way in ("plain", "fast")
        if f"wasmtime {way}" in present
    }
    return Prepared(operations | {"purepy": partial(certify, sample_path(), "purepy", "")})


def _wasp(name: str) -> Prepared:
    found, unfit = wasp.batches(*wasp.JOBS[name])
    _agree({host: partial(_last, batch) for host, batch in found.items()})
    return Prepared({host: wasp.timed(batch) for host, batch in found.items()}, unfit, timed=True)


def _last(batch: wasp.Batch) -> object:
    return batch(1)[1]


def _nothing(guest: Guest) -> None:
    """Have the instance, and leave it at that."""


WORKLOADS: dict[str, Callable[[], Prepared]] = {
    "hook": partial(_on_guests, sample, _steady, hook),
    "int": partial(_on_guests, small, _steady, _integers),
    "string": partial(_on_guests, small, _steady, _string),
    "new-int": partial(_on_guests, small, _new, _integers),
    "new-string": partial(_on_guests, small, _new, _string),
    "new-hook": partial(_on_guests, sample, _new, hook),
    "loop": partial(_on_guests, small, _steady, _calling("loop", 20_000)),
    "fib": partial(_on_guests, small, _steady, _calling("fib", 15)),
    "copy": partial(_on_guests, small, _steady, _calling("copy", 16_384)),
    "float": partial(_on_guests, small, _steady, _calling("float", 2_000)),
    "compile": _compiling,
    "instantiate": partial(_on_guests, sample, _new, _nothing),
    "first-hook-cold": partial(_in_a_fresh_process, warm=False),
    "first-hook-warm": partial(_in_a_fresh_process, warm=True),
    **{f"host-{path.stem}": partial(_through_the_host, path) for path in sorted(sample_path().parent.glob("*.wasm"))},
    "certify": _certify,
    **{name: partial(_wasp, name) for name in wasp.JOBS},
}
"""By name: makes the operation of each contender ready. Raises `Disagreement` where they answer differently."""

GROUPS = {group: [name for name in WORKLOADS if name.startswith(f"{group}-")] for group in ("host", "wasp")}
"""Workloads that may be asked for by one name."""
