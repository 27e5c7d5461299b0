"""A plugin's life: start-up, `init`, `get_name`, `cleanup`.

Source: "Writing WASM Plugins", Plugin Interface (what each answers). Start-up and the order of `init` and `get_name`
are stands.
"""

from __future__ import annotations

import json

import pytest

from conformance.judging import Judge, requirement
from reference_host.abi.bifrost.types import HookFailure
from reference_host.errors import (
    HookError,
    InitRefused,
    MemoryLimitExceeded,
    ModuleError,
    StartFailed,
    TrapCode,
)

from .calls import Reached
from .lab import Lab
from .rules import Fault, judge_call, quote


@requirement("BIFROST-LOAD-002")
def test_start_up_completes(lab: Lab, judge: Judge) -> None:
    """The start function, and `_initialize` or else `_start`, come to their end; `proc_exit(0)` in `_start` is one."""
    failure = lab.load_failure
    if isinstance(failure, ModuleError | MemoryLimitExceeded):
        judge.error("start", str(failure))
    elif not isinstance(failure, StartFailed):
        judge.passed("start")
    elif failure.trap.code is TrapCode.DEADLINE:
        judge.error("start", "the deadline fired before the fuel was used up")
    else:
        judge.violation(
            failure.function,
            export=failure.function,
            expected="start-up completes",
            got=f"trap: {failure.trap}",
            hint="what runs at start-up must not depend on anything that a host does later",
        )


@requirement("BIFROST-INIT-001")
def test_init_answers_zero(lab: Lab, judge: Judge) -> None:
    """`init` answers 0 for the config that its author gave; a plugin may rightly demand one."""
    if "init" not in lab.new_plugin().exports:
        judge.not_applicable("needs init, which is not exported with its type")
        return
    failure = lab.init_failure
    if not isinstance(failure, InitRefused):
        if failure is None:
            judge.passed("init")
        else:
            judge.not_applicable("init did not come back")
    elif lab.subject.config is None:
        judge.error("init", f"{failure}; it may need a config: give the plugin's own with --config FILE")
    else:
        judge.violation(
            "init",
            export="init",
            expected="status 0",
            got=f"status {failure.status}",
            hint="the config is the author's own; any other status than 0 keeps the plugin from being loaded",
        )


@requirement("BIFROST-INIT-002")
def test_init_does_not_trap(lab: Lab, judge: Judge) -> None:
    """`init` does not trap, with or without a config."""
    if "init" not in lab.new_plugin().exports:
        judge.not_applicable("needs init, which is not exported with its type")
        return
    failure = lab.init_failure
    if not isinstance(failure, HookError) or failure.trap is None:
        judge.passed("init")
    elif failure.trap.code is TrapCode.DEADLINE:
        judge.error("init", "the deadline fired before the fuel was used up")
    else:
        judge.violation(
            "init",
            export="init",
            expected="a status",
            got=f"trap: {failure.trap}",
            hint="without a config init is called with (0, 0): check the length before reading",
        )


CONFIGS = [
    pytest.param(b"{}", id="empty"),
    pytest.param(b'{"enabled":true,"limit":10,"names":["a","b"],"nested":{"none":null}}', id="small"),
]
"""Configurations that no author gave."""


@requirement("BIFROST-INIT-003")
@pytest.mark.parametrize("config", CONFIGS)
def test_init_survives_another_config(config: bytes, lab: Lab, judge: Judge) -> None:
    """`init` takes or refuses a config that is not its author's, and does not trap."""
    plugin = lab.new_plugin(config=config)
    if "init" not in plugin.exports or plugin.pair is None:
        judge.not_applicable("needs init and the allocator, which are not both exported with their types")
        return
    if isinstance(lab.init_failure, HookError):
        judge.not_applicable("init does not come back from its own config either: see BIFROST-INIT-002")
        return
    if lab.init_failure is None and not _is_sound(lab):
        judge.not_applicable("needs an allocator that keeps its own rules, and hooks that do not trap")
        return
    trap = None
    try:
        plugin.init()
    except InitRefused:
        pass
    except HookError as failure:
        trap = failure.trap
    case = f"init/{config.decode()}"
    if trap is None:
        judge.passed(case)
    elif trap.code is TrapCode.DEADLINE:
        judge.error(case, "the deadline fired before the fuel was used up")
    else:
        hint = "check the type of each member before using it, and answer a status where it is another"
        judge.violation(case, export="init", expected="a status", got=f"trap: {trap}", hint=hint)


def _is_sound(lab: Lab) -> bool:
    """Whether nothing but the config can be the reason for a trap."""
    return lab.allocator.is_sound and all(call.failure is None for call in lab.session("traffic").calls)


# -- get_name -------------------------------------------------------------------------------------


@requirement("BIFROST-NAME-001")
def test_name_is_not_empty(lab: Lab, judge: Judge) -> None:
    """`get_name` answers a name."""
    for call in lab.name_calls:
        if call.reached < Reached.RETURNED or call.failure is not None:
            continue
        fault = None
        if not call.exchange.output:
            got = f"pointer {call.exchange.pointer:#x}, length 0"
            fault = Fault("a name", got, "answer pointer and length of a UTF-8 text")
        judge_call(judge, call, fault)


@requirement("BIFROST-NAME-002")
def test_name_lies_inside_memory(lab: Lab, judge: Judge) -> None:
    """The packed result of `get_name` lies inside linear memory."""
    for call in lab.name_calls:
        if call.reached < Reached.RETURNED:
            continue
        fault = None
        if call.failure is not None and call.failure.code == HookFailure.RESULT_OUT_OF_BOUNDS:
            fault = Fault(
                "a text inside memory",
                call.failure.detail,
                "the upper half is the pointer, the lower the length",
            )
        judge_call(judge, call, fault)


@requirement("BIFROST-NAME-003")
def test_name_is_text(lab: Lab, judge: Judge) -> None:
    """The name is UTF-8 text without a terminator and without a byte order mark."""
    for call in lab.name_calls:
        output = call.exchange.output
        if call.reached < Reached.COPIED or not output:
            continue
        fault = None
        try:
            text = output.decode()
            if text.startswith("\ufeff") or "\0" in text:
                fault = Fault(
                    "the bare name",
                    quote(output),
                    "no byte order mark, no NUL: the length says where it ends",
                )
        except UnicodeDecodeError:
            fault = Fault("UTF-8", quote(output), "encode the name as UTF-8; the length counts bytes")
        judge_call(judge, call, fault)


@requirement("BIFROST-NAME-006")
def test_name_is_not_json(lab: Lab, judge: Judge) -> None:
    """The name is the bare text: no JSON string in quotation marks, no object."""
    for call in lab.name_calls:
        output = call.exchange.output
        if call.reached < Reached.COPIED or not output:
            continue
        try:
            encoded = isinstance(json.loads(output), str | dict | list)
        except ValueError:
            encoded = False
        fault = Fault("the bare name", quote(output), "answer the name itself, not its JSON") if encoded else None
        judge_call(judge, call, fault)


@requirement("BIFROST-NAME-004")
def test_name_stays_the_same(lab: Lab, judge: Judge) -> None:
    """The name is the same before and after `init`, and whatever has happened since. A config may complete it."""
    answered = [call for call in lab.name_calls if call.exchange.output]
    if lab.subject.config is not None:
        answered = [call for call in answered if call.case != "get_name/before-init"]
    for call in answered:
        fault = None
        if call.exchange.output != answered[0].exchange.output:
            first, now = quote(answered[0].exchange.output or b""), quote(call.exchange.output or b"")
            fault = Fault(
                f"{first}, as {answered[0].case} answered",
                now,
                "the name belongs to the plugin, not to its state",
            )
        judge_call(judge, call, fault)


@requirement("BIFROST-NAME-005")
def test_get_name_does_not_trap(lab: Lab, judge: Judge) -> None:
    """`get_name` does not trap, at any time."""
    for call in lab.name_calls:
        fault = None
        if call.trap is not None:
            hint = "get_name may be called at any time; look at what the calls before it did to memory"
            fault = Fault("a name", f"trap: {call.trap}", hint)
        judge_call(judge, call, fault)


# -- cleanup --------------------------------------------------------------------------------------

ENDINGS = [pytest.param(name, id=f"after-{name}") for name in ("init", "traffic", "soak")]
"""When `cleanup` is called: after nothing but `init`, or at the end of a session."""


def _ending(lab: Lab, after: str) -> int | HookError | None:
    lab.require("cleanup")
    return lab.ending if after == "init" else lab.session(after).ending


@requirement("BIFROST-CLEANUP-001")
@pytest.mark.parametrize("after", ENDINGS)
def test_cleanup_answers_zero(after: str, lab: Lab, judge: Judge) -> None:
    """`cleanup` answers 0; any other status is a warning in the gateway's log."""
    status = _ending(lab, after)
    if not isinstance(status, int):
        judge.not_applicable("cleanup did not come back, or there was nothing to clean up")
    elif status == 0:
        judge.passed(f"cleanup/after-{after}")
    else:
        hint = "answer 0 where everything was given back"
        judge.violation(
            f"cleanup/after-{after}", export="cleanup", expected="status 0", got=f"status {status}", hint=hint
        )


@requirement("BIFROST-CLEANUP-002")
@pytest.mark.parametrize("after", ENDINGS)
def test_cleanup_does_not_trap(after: str, lab: Lab, judge: Judge) -> None:
    """`cleanup` does not trap."""
    ending = _ending(lab, after)
    case = f"cleanup/after-{after}"
    if ending is None:
        judge.not_applicable("there was nothing to clean up")
    elif isinstance(ending, int) or ending.trap is None:
        judge.passed(case)
    elif ending.trap.code is TrapCode.DEADLINE:
        judge.error(case, "the deadline fired before the fuel was used up")
    else:
        hint = "cleanup is the last call of an instance: it may find any state"
        judge.violation(case, export="cleanup", expected="a status", got=f"trap: {ending.trap}", hint=hint)
