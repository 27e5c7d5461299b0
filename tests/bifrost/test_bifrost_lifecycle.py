"""A plugin's life on every engine: start-up, `init`, `get_name`, a new instance after a trap, `cleanup`."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from bifrost_guests import Guest, Loader, every_engine, journal, packed

from reference_host.abi.bifrost.contract import Profile
from reference_host.abi.bifrost.plugin import Budget, Plugin, PluginConfig
from reference_host.abi.bifrost.types import HookFailure
from reference_host.engine.interface import Limits
from reference_host.errors import (
    HookError,
    InitRefused,
    MemoryLimitExceeded,
    MissingExport,
    MistypedExport,
    StartFailed,
    TrapCode,
    UnknownHook,
    UnknownRevision,
    UnresolvedImport,
)

EXIT = '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))'
ABORT = '(import "env" "abort" (func $abort (param i32 i32 i32 i32)))'
ENDLESS = "(loop $again (br $again))"
COUNTING = """
(global $inits (mut i32) (i32.const 0))
(global $hooks (mut i32) (i32.const 0))
(func (export "inits") (result i32) (global.get $inits))
(func (export "hooks") (result i32) (global.get $hooks))
"""
COUNT_INIT = "(global.set $inits (i32.add (global.get $inits) (i32.const 1))) (i32.const 0)"


def read_global(plugin: Plugin, name: str) -> float:
    assert plugin.instance is not None
    (value,) = plugin.instance.call(name)
    return value


# -- start-up -------------------------------------------------------------------------------------

STARTS = [
    pytest.param((), ["init(0, 0)"], id="none"),
    pytest.param(("_initialize",), ["_initialize()", "init(0, 0)"], id="reactor"),
    pytest.param(("_start",), ["_start()", "init(0, 0)"], id="command"),
    pytest.param(("_start", "_initialize"), ["_initialize()", "init(0, 0)"], id="_initialize-is-preferred"),
]


@every_engine
@pytest.mark.parametrize(("starts", "calls"), STARTS)
def test_start_up_runs_once_and_before_init(load: Loader, starts: tuple[str, ...], calls: list[str]) -> None:
    assert journal(load(Guest(starts=starts)).instance) == calls


@every_engine
def test_wasm_start_function_runs_before_all(load: Loader) -> None:
    extra = f"{COUNTING} (func $begin (global.set $inits (i32.const 7))) (start $begin)"
    plugin = load(Guest(starts=("_initialize",), extra=extra))
    assert read_global(plugin, "inits") == 7


@every_engine
def test_command_may_end_with_exit_0_and_stays_usable(load: Loader) -> None:
    plugin = load(Guest(starts=("_start",), imports=EXIT, bodies={"_start": "(call $exit (i32.const 0)) unreachable"}))
    assert plugin.name == "scripted"
    assert journal(plugin.instance)[:2] == ["_start()", "init(0, 0)"]


START_FAILS = [
    pytest.param(
        "_start", "(call $exit (i32.const 1))", "_start did not complete: exit with code 1", id="command-exit-1"
    ),
    pytest.param(
        "_start",
        "(call $exit (i32.const -1))",
        "_start did not complete: exit with code 4294967295",
        id="command-exit-minus-1",
    ),
    pytest.param("_start", "unreachable", "_start did not complete: unreachable", id="command-trap"),
    pytest.param(
        "_initialize",
        "(call $exit (i32.const 0))",
        "_initialize did not complete: exit with code 0",
        id="reactor-exit-0",
    ),
    pytest.param("_initialize", "unreachable", "_initialize did not complete: unreachable", id="reactor-trap"),
    pytest.param("_initialize", ENDLESS, "_initialize did not complete: fuel-exhausted", id="reactor-endless"),
]


@every_engine
@pytest.mark.parametrize(("name", "body", "message"), START_FAILS)
def test_start_up_that_does_not_complete(load: Loader, name: str, body: str, message: str) -> None:
    with pytest.raises(StartFailed) as caught:
        load(Guest(starts=(name,), imports=EXIT, bodies={name: body}), budget=Budget(100_000, 0))
    assert str(caught.value) == message
    assert caught.value.function == name


@every_engine
@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param("unreachable", TrapCode.UNREACHABLE, id="trap"),
        pytest.param("(call $exit (i32.const 0))", TrapCode.EXIT, id="exit-0"),
    ],
)
def test_wasm_start_function_that_does_not_complete(load: Loader, body: str, code: TrapCode) -> None:
    with pytest.raises(StartFailed) as caught:
        load(Guest(imports=EXIT, extra=f"(func $begin {body}) (start $begin)"))
    assert caught.value.trap.code is code


@every_engine
def test_import_that_nobody_provides(load: Loader) -> None:
    with pytest.raises(UnresolvedImport, match=r"^import env\.now \(\) -> i64: nobody provides it$"):
        load(Guest(imports='(import "env" "now" (func (result i64)))'))


@every_engine
def test_memory_above_the_limit(load: Loader) -> None:
    with pytest.raises(MemoryLimitExceeded):
        load(Guest(), limits=Limits(memory_pages=1))


# -- before anything runs -------------------------------------------------------------------------


@every_engine
def test_module_without_hooks_has_no_revision(load: Loader) -> None:
    hooks = {"http_pre_hook", "http_post_hook", "http_stream_chunk_hook", "pre_hook", "post_hook"}
    with pytest.raises(UnknownRevision, match=r"^the module exports no hook of any revision of bifrost$"):
        load.new(Guest(without=frozenset(hooks)))


@every_engine
def test_revision_is_taken_as_told(load: Loader) -> None:
    assert load.new(Guest("r1")).revision.name == "r1"
    assert load.new(Guest("r1"), revision="r2", checked=False).revision.name == "r2"
    with pytest.raises(UnknownRevision):
        load.new(Guest(), revision="r9")


@every_engine
def test_first_defect_of_the_export_section_is_raised(load: Loader) -> None:
    with pytest.raises(MissingExport, match=r"^export http_post_hook is missing$"):
        load.new(Guest(without=frozenset({"http_post_hook", "cleanup"})))
    with pytest.raises(MistypedExport, match=r"^export free has type \(i32, i32, i32\) -> \(\), expected"):
        load.new(Guest(free=3))


@every_engine
def test_lenient_takes_a_plugin_with_one_hook(load: Loader) -> None:
    others = {"http_pre_hook", "http_post_hook", "http_stream_chunk_hook", "post_hook", "init", "cleanup", "free"}
    plugin = load(Guest(without=frozenset(others)), profile=Profile.LENIENT)
    assert plugin.hooks == {"pre_hook"}
    assert plugin.exports == {"pre_hook", "get_name"}
    assert plugin.pre_hook({}, {}).notes == ()
    assert plugin.cleanup() is None


# -- init -----------------------------------------------------------------------------------------

CONFIGS = [
    pytest.param(None, "init(0, 0)", id="none"),
    pytest.param(b"", "init(0, 0)", id="empty"),
    pytest.param(b"null", "init(32768, 4)", id="null-is-a-config"),
    pytest.param(b'{"word":"x"}', "init(32768, 12)", id="object"),
]


@every_engine
@pytest.mark.parametrize(("config", "call"), CONFIGS)
def test_init_gets_the_config(load: Loader, config: bytes | None, call: str) -> None:
    assert call in journal(load(Guest(), config=config).instance)


@every_engine
def test_config_is_passed_byte_for_byte(load: Loader) -> None:
    config = '{ "слово" : "x" }\n'.encode()
    plugin = load(Guest(), config=config)
    assert plugin.instance is not None
    assert plugin.instance.memory is not None
    assert plugin.instance.memory.read(32768, len(config)) == config


@every_engine
@pytest.mark.parametrize("status", [pytest.param(s, id=str(s)) for s in (1, -1, 2**31 - 1, -(2**31))])
def test_status_other_than_0_refuses_and_is_signed(load: Loader, status: int) -> None:
    with pytest.raises(InitRefused) as caught:
        load(Guest(bodies={"init": f"(i32.const {status})"}))
    assert caught.value.status == status


@every_engine
def test_plugin_that_refused_is_asked_anew_and_never_used_without(load: Loader) -> None:
    plugin = load.new(Guest(bodies={"init": "(i32.const 3)"}))
    for _ in range(2):
        with pytest.raises(InitRefused):
            plugin.exchange("pre_hook", [b"{}"])
        assert plugin.instance is None


INIT_FAILS = [
    pytest.param("unreachable", TrapCode.UNREACHABLE, id="trap"),
    pytest.param("(call $exit (i32.const 0)) (i32.const 0)", TrapCode.EXIT, id="exit"),
    pytest.param(f"{ENDLESS} (i32.const 0)", TrapCode.FUEL_EXHAUSTED, id="endless"),
]


@every_engine
@pytest.mark.parametrize(("body", "code"), INIT_FAILS)
def test_init_that_does_not_come_back(load: Loader, body: str, code: TrapCode) -> None:
    with pytest.raises(HookError) as caught:
        load(Guest(imports=EXIT, bodies={"init": body}), budget=Budget(100_000, 0))
    assert (caught.value.hook, caught.value.code) == ("init", HookFailure.TRAP)
    assert caught.value.trap is not None
    assert caught.value.trap.code is code


@every_engine
def test_hook_is_never_called_before_init(load: Loader) -> None:
    plugin = load.new(Guest())
    plugin.exchange("pre_hook", [b"{}"])
    assert journal(plugin.instance)[:2] == ["init(0, 0)", "malloc(2)"]


# -- get_name -------------------------------------------------------------------------------------


@every_engine
def test_name_can_be_asked_before_init_and_after(load: Loader) -> None:
    plugin = load.new(Guest())
    before = plugin.exchange("get_name")
    plugin.init()
    after = plugin.exchange("get_name")
    assert before.output == after.output == b"scripted"
    assert [call for call in journal(plugin.instance) if not call.startswith("free")] == [
        "get_name()",
        "init(0, 0)",
        "get_name()",
    ]


NAMES = [
    pytest.param("Hello World WASM Plugin", "Hello World WASM Plugin", id="text"),
    pytest.param("имя 😀", "имя 😀", id="non-ascii"),
    pytest.param('{"name":1}', '{"name":1}', id="not-json-and-not-quoted"),
]


@every_engine
@pytest.mark.parametrize(("answer", "name"), NAMES)
def test_name_is_text(load: Loader, answer: str, name: str) -> None:
    assert load(Guest(answers={"get_name": answer})).name == name


@every_engine
def test_name_is_asked_once(load: Loader) -> None:
    plugin = load(Guest())
    assert plugin.name == plugin.name
    assert journal(plugin.instance).count("get_name()") == 1


BAD_NAMES = [
    pytest.param(packed(0, 0), "get_name: bad-member: the name is empty", id="zero"),
    pytest.param(packed(4_096, 0), "get_name: bad-member: the name is empty", id="length-zero"),
    pytest.param(packed(131_072, 1), "get_name: result-out-of-bounds: pointer 0x20000 and length 0x1", id="outside"),
    pytest.param("unreachable", "get_name: trap: get_name trapped: unreachable", id="trap"),
]


@every_engine
@pytest.mark.parametrize(("body", "message"), BAD_NAMES)
def test_name_that_is_none(load: Loader, body: str, message: str) -> None:
    plugin = load(Guest(bodies={"get_name": body}))
    for _ in range(2):
        with pytest.raises(HookError) as caught:
            _ = plugin.name
        assert str(caught.value).startswith(message)


@every_engine
def test_name_that_is_no_utf8(load: Loader) -> None:
    with pytest.raises(HookError, match=r"^get_name: bad-utf8: byte 1 of 2"):
        _ = load(Guest(answers={"get_name": b"a\xff"})).name


# -- traps ----------------------------------------------------------------------------------------

TRAPS = [
    pytest.param("unreachable", TrapCode.UNREACHABLE, "pre_hook trapped: unreachable", id="unreachable"),
    pytest.param(
        "(drop (i32.load (i32.const -4))) unreachable",
        TrapCode.MEMORY_OUT_OF_BOUNDS,
        "pre_hook trapped: out-of-bounds-memory",
        id="out-of-bounds",
    ),
    pytest.param(
        "(call $exit (i32.const 0)) unreachable", TrapCode.EXIT, "pre_hook trapped: exit with code 0", id="exit-0"
    ),
    pytest.param(
        "(call $exit (i32.const 3)) unreachable", TrapCode.EXIT, "pre_hook trapped: exit with code 3", id="exit-3"
    ),
    pytest.param(
        "(call $abort (i32.const 0) (i32.const 0) (i32.const 7) (i32.const 9)) unreachable",
        TrapCode.ABORT,
        "pre_hook trapped: abort",
        id="abort",
    ),
    pytest.param(f"{ENDLESS} unreachable", TrapCode.FUEL_EXHAUSTED, "pre_hook trapped: fuel-exhausted", id="endless"),
    pytest.param(
        "(call $deep) (i64.const 0)", TrapCode.STACK_EXHAUSTED, "pre_hook trapped: stack-exhausted", id="recursion"
    ),
]


@every_engine
@pytest.mark.parametrize(("body", "code", "detail"), TRAPS)
def test_trap_fails_the_hook_and_a_new_instance_takes_over(
    load: Loader, body: str, code: TrapCode, detail: str
) -> None:
    extra = f"{COUNTING} (func $deep (call $deep))"
    guest = Guest(
        imports=EXIT + ABORT,
        extra=extra,
        starts=("_initialize",),
        bodies={"pre_hook": f"(global.set $hooks (i32.const 9)) {body}", "init": COUNT_INIT},
    )
    plugin = load(guest, config=b"{}", budget=Budget(200_000, 0))
    first = plugin.instance
    with pytest.raises(HookError) as caught:
        plugin.pre_hook({}, {})
    assert (caught.value.hook, caught.value.code) == ("pre_hook", HookFailure.TRAP)
    assert caught.value.detail.startswith(detail)
    assert caught.value.trap is not None
    assert caught.value.trap.code is code
    assert plugin.instance is None
    assert plugin.post_hook({}, None, None).hook_error == ""
    assert plugin.instance is not first
    assert journal(plugin.instance)[:4] == ["_initialize()", "malloc(2)", "init(32768, 2)", "free(32768)"]
    assert (read_global(plugin, "inits"), read_global(plugin, "hooks")) == (1, 0)


@every_engine
def test_trap_in_get_name_before_init_does_not_call_init(load: Loader) -> None:
    plugin = load.new(Guest(bodies={"get_name": "unreachable"}))
    assert plugin.exchange("get_name").lost
    assert plugin.exchange("get_name").lost
    plugin.init()
    assert journal(plugin.instance) == ["init(0, 0)"]


@every_engine
def test_replacement_that_refuses_is_told_each_time(load: Loader) -> None:
    answers_config = "(i32.load8_u (local.get $p0))"
    plugin = load(Guest(bodies={"init": answers_config, "pre_hook": "unreachable"}), config=b"\0")
    assert plugin.exchange("pre_hook", [b"{}"]).lost
    plugin.settings = PluginConfig(config=b"\5")
    for _ in range(2):
        with pytest.raises(InitRefused, match=r"^init answered 5, expected 0$"):
            plugin.exchange("pre_hook", [b"{}"])


@every_engine
def test_instances_share_nothing(load: Loader) -> None:
    count = "(global.set $hooks (i32.add (global.get $hooks) (i32.const 1))) (i64.const 0)"
    guest = Guest(extra=COUNTING, bodies={"pre_hook": count})
    one, other = load(guest), load(guest)
    one.pre_hook({}, {})
    one.pre_hook({}, {})
    other.pre_hook({}, {})
    assert (read_global(one, "hooks"), read_global(other, "hooks")) == (2, 1)


# -- cleanup --------------------------------------------------------------------------------------

STATUSES: Mapping[str, int] = {"0": 0, "1": 1, "-1": -1}


@every_engine
@pytest.mark.parametrize("status", STATUSES)
def test_cleanup_tells_its_signed_status_and_lets_the_instance_go(load: Loader, status: str) -> None:
    plugin = load(Guest(bodies={"cleanup": f"(i32.const {status})"}))
    instance = plugin.instance
    assert plugin.cleanup() == STATUSES[status]
    assert plugin.instance is None
    assert journal(instance) == ["init(0, 0)", "cleanup()"]


@every_engine
def test_cleanup_that_traps(load: Loader) -> None:
    plugin = load(Guest(bodies={"cleanup": "unreachable"}))
    with pytest.raises(HookError, match=r"^cleanup: trap: cleanup trapped: unreachable$"):
        plugin.cleanup()
    assert plugin.instance is None


@every_engine
def test_cleanup_is_called_once_and_only_where_something_is_loaded(load: Loader) -> None:
    plugin = load.new(Guest())
    assert plugin.cleanup() is None
    plugin.init()
    assert plugin.cleanup() == 0
    assert plugin.cleanup() is None
    assert plugin.instance is None


@every_engine
def test_cleanup_after_a_trap_is_that_of_a_new_instance(load: Loader) -> None:
    plugin = load(Guest(bodies={"pre_hook": "unreachable", "cleanup": "(i32.load (i32.const 16))"}))
    plugin.exchange("pre_hook", [b"{}"])
    assert plugin.cleanup() == 2


# -- what cannot be called ------------------------------------------------------------------------


@every_engine
@pytest.mark.parametrize("name", ["http_intercept", "cleanup", "init", "malloc", "nothing"])
def test_only_hooks_and_the_name_answer_documents(load: Loader, name: str) -> None:
    plugin = load(Guest())
    with pytest.raises(UnknownHook, match=rf"^the plugin exports no {name} of the type that r2 gives it$"):
        plugin.exchange(name)
    assert journal(plugin.instance) == ["init(0, 0)"]


@every_engine
def test_hook_is_looked_up_by_its_export_name(load: Loader) -> None:
    plugin = load.new(Guest("r1"))
    assert plugin.hook("http_intercept").role.value == "http_pre_hook"
    with pytest.raises(
        UnknownHook, match=r"bifrost r1 has no hook 'http_pre_hook': it has http_intercept, pre_hook, post"
    ):
        plugin.hook("http_pre_hook")
