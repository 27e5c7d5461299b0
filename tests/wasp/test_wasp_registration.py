"""Plugins by name: what their imports must be, what a guest finds around it, and how it starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from wasp_guests import (
    ECHO,
    RAISE,
    REAL_HOST,
    STATIC,
    Guest,
    Loader,
    binary,
    every_engine,
    every_profile,
    function,
    given,
    journal,
    one_engine,
    static,
)

from reference_host.abi.wasp import Callbacks, PluginConfig, Profile, Signature, Type
from reference_host.abi.wasp.events import ErrorRaised, NotFreed, Owner, SpareReason
from reference_host.engine.interface import Limits
from reference_host.errors import (
    CallFailed,
    DirectoryUnusable,
    ImportNotFound,
    LoadError,
    MemoryLimitExceeded,
    MissingExport,
    ModuleError,
    PluginNotFound,
    StartFailed,
    TrapCode,
    UnresolvedImport,
    UsageError,
    WasiUndetected,
)
from reference_host.wasi import WasiConfig

# -- plugins --------------------------------------------------------------------------------------


@every_engine
def test_a_plugin_may_be_given_as_bytes(load: Loader) -> None:
    host = load.host()
    host.register_plugin("echo", binary(Guest(ECHO).wat))
    assert host.get_instance("echo").call_function("run", "Nic", returns=str) == "Nic"


@every_engine
def test_the_same_name_replaces(load: Loader) -> None:
    host = load.host()
    host.register_plugin("p", load.module(Guest(function("(i32.const 1)", result="i32")).wat))
    before = host.get_instance("p")
    host.register_plugin("p", load.module(Guest(function("(i32.const 2)", result="i32")).wat))
    assert host.get_instance("p").call_function("run", returns=int) == 2
    assert before.call_function("run", returns=int) == 1


@one_engine
def test_an_unknown_plugin(load: Loader) -> None:
    with pytest.raises(PluginNotFound) as caught:
        load.host().get_instance("p")
    assert str(caught.value) == "plugin p, not found, ensure all plugins are registered before use"


@every_engine
@pytest.mark.parametrize(
    "content",
    [pytest.param(b"text", id="text"), pytest.param(b"\0asm\1\0\0\0\x0a\3\1\1\x0b", id="broken")],
)
def test_what_is_no_module_is_not_registered(load: Loader, content: bytes) -> None:
    host = load.host()
    with pytest.raises(ModuleError):
        host.register_plugin("p", content)
    with pytest.raises(PluginNotFound):
        host.get_instance("p")


# -- imports --------------------------------------------------------------------------------------

MISSING = [
    pytest.param('(import "env" "call_me" (func))', "env", "call_me", id="function"),
    pytest.param('(import "env" "memory" (memory 1))', "env", "memory", id="memory"),
    pytest.param('(import "env" "g" (global i32))', "env", "g", id="global"),
    pytest.param('(import "env" "table" (table 1 funcref))', "env", "table", id="table"),
    pytest.param('(import "env" "trace" (func))', "env", "trace", id="what-wasi-would-provide"),
    pytest.param('(import "plugin" "raise_error" (func (param i32)))', "plugin", "raise_error", id="other-namespace"),
    pytest.param('(import "wasi" "fd_write" (func))', "wasi", "fd_write", id="almost-wasi"),
    pytest.param(
        f'{REAL_HOST} {RAISE} (import "env" "f" (func)) (import "a" "b" (func)) (import "c" "d" (func))',
        "a",
        "b",
        id="the-first-one",
    ),
]


@every_engine
@pytest.mark.parametrize(("imports", "module", "name"), MISSING)
def test_an_import_that_nothing_is_defined_for(load: Loader, imports: str, module: str, name: str) -> None:
    host = load.host()
    with pytest.raises(ImportNotFound) as caught:
        host.register_plugin("p", load.module(f"(module {imports})"), given("f", _nothing))
    assert (caught.value.module, caught.value.name) == (module, name)
    assert str(caught.value) == (
        f"plugin imports the function {name} from the namespace {module} but no callback is defined for this import"
    )


def _nothing() -> None:
    return None


LATER = [
    pytest.param('(import "wasi_snapshot_preview1" "fd_frobnicate" (func))', id="no-such-wasi-function"),
    pytest.param('(import "wasi_snapshot_preview9" "fd_write" (func))', id="no-such-wasi-version"),
    pytest.param('(import "wasi_snapshot_preview1" "fd_write" (func))', id="wasi-function-of-another-type"),
    pytest.param('(import "env" "raise_error" (func (param i64)))', id="raise-error-of-another-type"),
    pytest.param('(import "env" "f" (memory 1))', id="a-callback-is-no-memory"),
]


@every_engine
@pytest.mark.parametrize("imports", LATER)
def test_types_and_wasi_names_are_looked_at_when_an_instance_is_made(load: Loader, imports: str) -> None:
    host = load.host()
    host.register_plugin("p", load.module(f"(module {imports})"), given("f", _nothing))
    with pytest.raises(UnresolvedImport):
        host.get_instance("p")


@every_engine
def test_a_callback_goes_before_what_the_host_has_but_for_raise_error(load: Loader) -> None:
    called: list[str] = []
    callbacks = Callbacks()
    for namespace, name, signature in (
        ("env", "abort", Signature((Type.I32,) * 4)),
        ("wasi_snapshot_preview1", "sched_yield", Signature((), Type.I32)),
        ("env", "raise_error", Signature((Type.I32,))),
    ):
        callbacks.add_callback(namespace, name, _remembering(called, name), signature)
    abort = '(import "env" "abort" (func $abort (param i32 i32 i32 i32)))'
    body = f"""(call $abort (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)) (drop (call $yield))
      (call $raise (i32.const {STATIC}))"""
    guest = Guest(static(b"Oops\0") + function(body), REAL_HOST + abort + RAISE)
    exchange = load(guest, PluginConfig(callbacks=callbacks)).exchange("run")
    assert called == ["abort", "sched_yield"]
    assert exchange.raised == ("Oops",)


def _remembering(called: list[str], name: str) -> Callable[..., int | None]:
    def callback(*_arguments: int) -> int | None:
        called.append(name)
        return 0 if name == "sched_yield" else None

    return callback


ABORT = '(import "env" "abort" (func $abort (param i32 i32 i32 i32)))'


@every_engine
def test_abort_traps(load: Loader) -> None:
    text = "Oops".encode("utf-16-le")
    fields = static(len(text).to_bytes(4, "little") + text)
    body = f"(call $abort (i32.const {STATIC + 4}) (i32.const 0) (i32.const 1) (i32.const 2))"
    exchange = load(Guest(fields + function(body), ABORT)).exchange("run")
    assert isinstance(exchange.failure, CallFailed)
    assert exchange.failure.trap is not None
    assert (exchange.failure.trap.code, exchange.failure.trap.message) == (TrapCode.ABORT, "Oops")


# -- what the real host would say -----------------------------------------------------------------

NOTES = [
    pytest.param(Guest(imports=REAL_HOST), [], id="nothing"),
    pytest.param(Guest(), ["needs a WASI import"], id="no-wasi"),
    pytest.param(Guest(imports=REAL_HOST, memory=""), ["needs an exported memory"], id="no-memory"),
    pytest.param(Guest(imports=REAL_HOST + ABORT), ["env.abort is not provided"], id="abort"),
    pytest.param(
        Guest(imports=REAL_HOST + '(import "wasi_unstable" "sched_yield" (func (result i32)))'),
        ["imports several versions of WASI: wasi_snapshot_preview1, wasi_unstable"],
        id="two-wasis",
    ),
]


@one_engine
@pytest.mark.parametrize(("guest", "notes"), NOTES)
def test_what_keeps_a_plugin_from_the_real_host_is_noted(load: Loader, guest: Guest, notes: list[str]) -> None:
    wat = guest.wat if guest.memory else f"(module {guest.imports})"
    registered = load.host().register_plugin("p", load.module(wat))
    assert list(registered.notes) == [f"wasp-real-host: {note}" for note in notes]


TWO_WASIS = REAL_HOST + '(import "wasi_unstable" "sched_yield" (func (result i32)))'

REFUSED = [
    pytest.param(Guest(), WasiUndetected, id="no-wasi"),
    pytest.param(Guest(imports=TWO_WASIS), UnresolvedImport, id="two-wasis"),
    pytest.param(Guest(imports=REAL_HOST, memory="(memory 2)"), MissingExport, id="no-memory"),
    pytest.param(Guest(imports=REAL_HOST + ABORT), UnresolvedImport, id="abort"),
]


@every_engine
@pytest.mark.parametrize(("guest", "error"), REFUSED)
def test_what_the_real_host_refuses(load: Loader, guest: Guest, error: type[LoadError]) -> None:
    load(guest)
    with pytest.raises(error):
        load(guest, profile=Profile.WASP_0_0_8)


# -- surroundings ---------------------------------------------------------------------------------

TELLS = """
(import "wasi_snapshot_preview1" "{kind}_sizes_get" (func $sizes (param i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "{kind}_get" (func $get (param i32 i32) (result i32)))
"""
"""Imports of a guest that reads its arguments or its environment."""

FIRST_TEXT = function(
    "(drop (call $sizes (i32.const 0) (i32.const 4))) (drop (call $get (i32.const 40000) (i32.const 41000)))"
    "(i32.load (i32.const 40000))",
    result="i32",
)


@every_engine
@every_profile
def test_a_guest_finds_the_name_of_its_program(load: Loader, profile: Profile) -> None:
    instance = load(Guest(FIRST_TEXT, TELLS.format(kind="args")), profile=profile)
    assert instance.call_function("run", returns=str) == "wasi-plugins"


@every_engine
def test_a_guest_finds_its_variables(load: Loader) -> None:
    config = PluginConfig(environment={"NAME": "Nic", "OTHER": "x=y"})
    instance = load(Guest(FIRST_TEXT, TELLS.format(kind="environ")), config, wasi=WasiConfig(environment=(("A", "B"),)))
    assert instance.call_function("run", returns=str) == "NAME=Nic"
    assert instance.wasi.config.environment == (("NAME", "Nic"), ("OTHER", "x=y"))


@one_engine
def test_variables_that_no_guest_can_be_given(load: Loader) -> None:
    with pytest.raises(UsageError, match="is no name of an environment variable"):
        load(Guest(), PluginConfig(environment={"A=B": "c"}))


OPEN = """
(import "wasi_snapshot_preview1" "fd_prestat_dir_name" (func $name (param i32 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "path_open"
  (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
"""

READS = (
    static(b"in.txt")
    + function(
        """(if (result i32)
          (call $open (local.get $p0) (i32.const 0) (i32.const 4096) (i32.const 6)
            (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 40000))
          (then (i32.const 0))
          (else
            (i32.store (i32.const 40008) (i32.const 41000))
            (i32.store (i32.const 40012) (i32.const 100))
            (drop (call $read (i32.load (i32.const 40000)) (i32.const 40008) (i32.const 1) (i32.const 40016)))
            (i32.const 41000)))""",
        "i32",
        "i32",
    )
    + function(
        "(drop (call $name (local.get $p0) (i32.const 42000) (local.get $p1))) (i32.const 42000)",
        "i32 i32",
        "i32",
        name="name",
    )
)
"""`run` reads `in.txt` of a directory; `name` tells what a directory is called."""


@every_engine
@pytest.mark.parametrize(
    ("profile", "names"),
    [
        pytest.param(Profile.DEFAULT, ["workspace", "/workspace"], id="default"),
        pytest.param(Profile.WASP_0_0_8, ["workspace"], id="wasp-0.0.8"),
    ],
)
def test_a_workspace_is_there_under_its_names(load: Loader, tmp_path: Path, profile: Profile, names: list[str]) -> None:
    (tmp_path / "in.txt").write_text("hello")
    host = load.host(profile=profile)
    host.register_plugin("p", load.module(Guest(READS, OPEN).wat))
    instance = host.get_instance("p", workspace=tmp_path)
    for descriptor, name in enumerate(names, 3):
        assert instance.call_function("name", descriptor, len(name), returns=str) == name
        assert instance.call_function("run", descriptor, returns=str) == "hello"
    assert instance.exchange("run", [3 + len(names)], Type.I32).value == 0
    instance.remove()


@every_engine
def test_without_a_workspace_there_is_none(load: Loader) -> None:
    assert load(Guest(READS, OPEN)).call_function("run", 3, returns=int) == 0


@one_engine
def test_a_workspace_that_cannot_be_used_is_refused_at_once(load: Loader, tmp_path: Path) -> None:
    host = load.host()
    host.register_plugin("p", load.module(Guest(ECHO).wat))
    with pytest.raises(DirectoryUnusable):
        host.get_instance("p", workspace=tmp_path / "absent")


@every_engine
def test_what_a_guest_prints_is_kept(load: Loader) -> None:
    write = '(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))'
    vector = static(STATIC.to_bytes(4, "little") + b"\3\0\0\0", STATIC + 16)
    body = f"(drop (call $write (i32.const 1) (i32.const {STATIC + 16}) (i32.const 1) (i32.const 40000)))"
    instance = load(Guest(static(b"Nic") + vector + function(body), write))
    instance.call_function("run")
    assert (instance.wasi.stdout, instance.wasi.stderr) == (b"Nic", b"")


# -- starting -------------------------------------------------------------------------------------

STARTS = [
    pytest.param(("_initialize",), False, ["_initialize()"], id="initialize"),
    pytest.param(("_start",), False, [], id="start-is-not-called"),
    pytest.param(("_start",), True, ["_start()"], id="start-by-option"),
    pytest.param(("_initialize", "_start"), True, ["_initialize()"], id="one-of-them"),
    pytest.param((), True, [], id="neither"),
]


@every_engine
@pytest.mark.parametrize(("starts", "run_start", "calls"), STARTS)
def test_start_up_functions(load: Loader, starts: tuple[str, ...], run_start: bool, calls: list[str]) -> None:
    guest = Guest(imports=REAL_HOST, starts=starts)
    assert journal(load(guest, run_start=run_start)) == calls
    assert journal(load(guest, run_start=run_start, profile=Profile.WASP_0_0_8)) == []


@every_engine
def test_a_start_up_function_that_traps(load: Loader) -> None:
    guest = Guest(function("unreachable", name="_initialize"))
    with pytest.raises(StartFailed) as caught:
        load(guest)
    assert caught.value.function == "_initialize"
    load(Guest(guest.extra, REAL_HOST), profile=Profile.WASP_0_0_8)


@every_engine
def test_start_may_exit(load: Loader) -> None:
    exits = '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))'
    guest = Guest(function("(call $exit (i32.const 0))", name="_start") + ECHO, exits)
    assert load(guest, run_start=True).call_function("run", 7, returns=int) == 7


@every_engine
def test_a_start_up_function_of_another_type_is_not_called(load: Loader) -> None:
    assert journal(load(Guest(function("", "i32", name="_initialize")))) == []


@every_engine
def test_what_a_guest_calls_while_it_starts_is_told(load: Loader) -> None:
    body = f"(call $raise (i32.const {STATIC}))"
    instance = load(Guest(static(b"Oops\0") + function(body, name="_initialize") + ECHO, RAISE))
    assert instance.events == (
        ErrorRaised(STATIC, "Oops"),
        NotFreed(STATIC, Owner.ERROR, SpareReason.STATIC),
    )
    assert instance.exchange("run", [1], Type.I32).failure is None


@every_engine
def test_limits_hold_for_instances(load: Loader) -> None:
    with pytest.raises(MemoryLimitExceeded):
        load(Guest(), limits=Limits(memory_pages=1))
    with pytest.raises(StartFailed):
        load(Guest(function("(loop $more (br $more))", name="_initialize")), limits=Limits(fuel=10_000))
