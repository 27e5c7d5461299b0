"""wasp's own benchmark, and what is in it: the real host and ours by turns, on the same plugins.

The README of wasp measures a new instance with one call. Here compiling, instantiating, the first call, steady calls,
and strings and bytes by their length are measured apart too. The plugins are a small one (`wasp.wat`), which has the
functions of that benchmark; the TinyGo plugin that the real host's authors committed, as theirs was made with TinyGo;
and our own TinyGo sample, whose start-up function our host calls and the real one does not. The real host is driven by
a Go program that times itself (`tests/oracles/wasp/bench`); both of its compilers take part. Neither host has limits.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.guests import LIMITS, PeerMissing, engines
from benchmarks.measuring import BATCH, Operation
from benchmarks.wasp_real import COMPILERS, RealHost, authors_plugin
from conformance.resources import Resource, find
from reference_host.abi.wasp import Callbacks, Engine, PluginConfig, Value

PLUGIN = "plugin"
SLOW = 2**16
"""Bytes above which nobody waits for pywasm, on which the guest counts them one by one."""

MOST = 1_000
"""Operations of one batch at most: the real host's instances stay until the batch is over."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is done: `do` as in the Go program, and the call, where there is one."""

    do: str
    function: str = ""
    arguments: tuple[Value, ...] = ()
    returns: type | None = None

    @property
    def length(self) -> int:
        """Bytes or characters that go in."""
        return sum(len(argument) for argument in self.arguments if isinstance(argument, str | bytes))


Batch = Callable[[int], tuple[float, Value | None]]
"""Does a job so many times: the seconds that it took, and what the last call answered."""


def small() -> bytes:
    """Give the small plugin."""
    import wasmtime

    return bytes(wasmtime.wat2wasm(Path(__file__).with_name("wasp.wat").read_text()))


def example() -> bytes:
    """Give the TinyGo plugin of the authors. Raises `PeerMissing`."""
    return authors_plugin("_examples/plugins/go/module.wasm")


def tinygo() -> bytes:
    """Give our TinyGo sample."""
    return (find(Resource.FIXTURES) / "wasp" / "conforming" / "greeter-tinygo.wasm").read_bytes()


def batches(read: Callable[[], bytes], job: Job) -> tuple[dict[str, Batch], list[str]]:
    """Who can do a job with that plugin, the real host first; and a line for each who is missing."""
    found: dict[str, Batch] = {}
    missing = []
    try:
        plugin = read()
    except PeerMissing as error:
        return found, [str(error)]
    try:
        for compiler in COMPILERS:
            found[f"wasp {compiler}"] = partial(RealHost.with_plugin(compiler, plugin).carry_out, job)
    except PeerMissing as error:
        missing.append(str(error))
    for name, engine in engines().items():
        if name == "pywasm" and job.length > SLOW:
            missing.append(f"{name}: some minutes a call")
            continue
        found[name] = _ours(Engine(engine), plugin, job)
        if name == "wasmtime fast":
            found[f"{name}, limits"] = _ours(Engine(engine, limits=LIMITS), plugin, job)
    return found, missing


def timed(batch: Batch) -> Operation:
    """An operation that gives the seconds of one job, of a batch that lasts about `BATCH`."""
    size = 1
    while size < MOST and (spent := batch(size)[0]) < BATCH:
        size = min(MOST, size * 2 if spent < BATCH / 2 else size + 1)
    return lambda: batch(size)[0] / size


def _ours(engine: Engine, plugin: bytes, job: Job) -> Batch:
    callbacks = Callbacks()
    callbacks.add_callback("env", "call_me", _call_me)
    config = PluginConfig(callbacks=callbacks)
    engine.register_plugin(PLUGIN, plugin, config)
    if job.do == "compile":
        modules = _others(plugin)
        return partial(_repeat, lambda: engine.register_plugin("other", next(modules), config))
    if job.do == "instantiate":
        return partial(_repeat, lambda: engine.get_instance(PLUGIN))
    function, arguments, returns = job.function, job.arguments, job.returns
    if job.do == "new":
        return partial(
            _repeat, lambda: engine.get_instance(PLUGIN).call_function(function, *arguments, returns=returns)
        )
    if job.do == "first":
        return partial(_first, engine, job)
    call = engine.get_instance(PLUGIN).call_function
    return partial(_repeat, lambda: call(function, *arguments, returns=returns))


def _call_me(name: str) -> str:
    return f"Hello {name}"


def _others(plugin: bytes) -> Iterator[bytes]:
    """The same module with another custom section each time, so that nobody finds it compiled."""
    return (plugin + b"\0\x06\1n" + number.to_bytes(4, "little") for number in itertools.count(2**20))


def _repeat(operation: Callable[[], object], times: int) -> tuple[float, Value | None]:
    answer: object = None
    started = time.perf_counter()
    for _ in range(times):
        answer = operation()
    return time.perf_counter() - started, answer if isinstance(answer, str | bytes | int) else None


def _first(engine: Engine, job: Job, times: int) -> tuple[float, Value | None]:
    """Calls on instances that were made before the clock runs."""
    spent, answer = 0.0, None
    for _ in range(times):
        call = engine.get_instance(PLUGIN).call_function
        started = time.perf_counter()
        answer = call(job.function, *job.arguments, returns=job.returns)
        spent += time.perf_counter() - started
    return spent, answer


_LENGTHS = {"3": 3, "1k": 2**10, "64k": 2**16, "1m": 2**20}

JOBS: dict[str, tuple[Callable[[], bytes], Job]] = {
    "wasp-new-int": (small, Job("new", "int_func", (3, 2), int)),
    "wasp-new-string": (small, Job("new", "string_func", ("Nic",), str)),
    "wasp-new-int-example": (example, Job("new", "sum", (3, 2), int)),
    "wasp-new-string-example": (example, Job("new", "hello", ("Nic",), str)),
    "wasp-new-int-tinygo": (tinygo, Job("new", "sum", (3, 2), int)),
    "wasp-new-string-tinygo": (tinygo, Job("new", "hello", ("Nic",), str)),
    "wasp-compile": (small, Job("compile")),
    "wasp-compile-tinygo": (tinygo, Job("compile")),
    "wasp-instantiate": (small, Job("instantiate")),
    "wasp-instantiate-tinygo": (tinygo, Job("instantiate")),
    "wasp-first-call": (small, Job("first", "string_func", ("Nic",), str)),
    "wasp-int": (small, Job("call", "int_func", (3, 2), int)),
    "wasp-string": (small, Job("call", "string_func", ("Nic",), str)),
    "wasp-string-tinygo": (tinygo, Job("call", "hello", ("Nic",), str)),
    **{f"wasp-echo-string-{name}": (small, Job("call", "echo", ("x" * n,), str)) for name, n in _LENGTHS.items()},
    **{f"wasp-echo-bytes-{name}": (small, Job("call", "echo", (b"x" * n,), bytes)) for name, n in _LENGTHS.items()},
}
"""What is measured, by name: the plugin, and what is done with it."""
