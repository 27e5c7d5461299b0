"""`hookproof call`: what a hook answers."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from conformance.commands.options import (
    abi_option,
    check_engine,
    config_option,
    engine_option,
    functions_option,
    memory_option,
    plugin_argument,
    revision_option,
)
from conformance.judging.terms import Terms, make_subject, parse_memory, read_document, read_given, read_plugin
from conformance.text import printable
from reference_host.abi.interface import HookAnswer

DEADLINE = 60.0
"""Seconds that each call into the plugin may take."""

_EXAMPLES = """\b
Examples:
  hookproof call plugin.wasm http_pre_hook input.json
  echo '{"context": {}, "request": {}}' | hookproof call plugin.wasm pre_hook -
"""


@click.command(name="call", epilog=_EXAMPLES)
@plugin_argument
@click.argument("hook", metavar="HOOK")
@click.argument("document", type=click.Path(allow_dash=True), metavar="INPUT.json")
@config_option
@functions_option
@engine_option
@abi_option
@revision_option
@memory_option
@click.option("--raw", is_flag=True, help="Print the hook's result as it is, not what it stands for.")
def command(plugin: str, hook: str, document: str, **options: Any) -> int:
    """Load a plugin, call one hook once, and print the answer as JSON.

    INPUT.json holds what the hook is sent, one JSON object (for hooks with several documents: with one member for
    each); `-` is standard input. Warnings, and what the plugin itself printed, go to standard error.
    """
    from conformance.errors import CouldNotJudge
    from conformance.registry import load_system
    from reference_host.abi.interface import ModuleSummary
    from reference_host.engine.binary import read_module
    from reference_host.engine.interface import Limits
    from reference_host.engine.registry import load_engine
    from reference_host.errors import InitRefused, UnknownHook

    check_engine(options["engine"])
    terms = Terms(
        abi=options["abi"],
        revision=options["revision"],
        config_path=options["config"],
        functions_path=options["functions"],
        given=read_given(options["config"], options["functions"]),
        memory_pages=parse_memory(options["max_memory"]),
    )
    sent = read_document(document)
    subject = make_subject(plugin, read_plugin(plugin), terms, options["engine"] or "")
    system = load_system(subject.system)
    info = read_module(subject.binary)
    hooks = system.hooks(subject.revision, ModuleSummary(info.imports, info.exports))
    if hook not in hooks:
        raise UnknownHook(
            f"{system.name} {subject.revision} has no hook {printable(hook, 80)!r}; "
            f"expected one of {printable(', '.join(hooks))}"
        )
    try:
        answer = system.call(
            load_engine(options["engine"]),
            subject.binary,
            hook,
            sent,
            revision=subject.revision,
            given=subject.given,
            limits=Limits(deadline=DEADLINE, memory_pages=subject.memory_pages),
        )
    except InitRefused as error:
        if subject.given.config is None:
            raise CouldNotJudge(f"{error}; if the plugin needs its configuration, give it with --config") from error
        raise
    _print(answer, raw=options["raw"])
    return 0


def _print(answer: HookAnswer, *, raw: bool) -> None:
    if raw:
        click.echo(f"{answer.raw:#018x}" if isinstance(answer.raw, int) else str(answer.raw))
    else:
        click.echo(_shown({"answer": answer.decoded, **answer.extra} if answer.extra else answer.decoded))
    sys.stdout.flush()
    for warning in answer.warnings:
        click.echo(f"warning: {printable(warning)}", err=True)
    for name, text in (("stdout", answer.stdout), ("stderr", answer.stderr)):
        for line in text.splitlines():
            click.echo(f"plugin's {name}: {printable(line)}", err=True)


def _shown(value: Any) -> str:
    """Write JSON that a person can read and a terminal can bear: what does not print stays escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
