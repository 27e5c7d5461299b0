"""The commands of `hookproof`, one module each, and what they have in common: how they end."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Sequence

import click

from conformance.commands import call, certify, inspect, requirements
from conformance.commands.pipes import mute_stdout
from conformance.errors import CouldNotJudge
from conformance.report.model import ExitCode
from conformance.text import printable
from reference_host.errors import (
    EngineMissing,
    HookError,
    HookproofError,
    InitRefused,
    LoadError,
    ModuleError,
    Trap,
    UsageError,
)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog='Completion in the shell: eval "$(_HOOKPROOF_COMPLETE=bash_source hookproof)" (or zsh_source, fish_source).',
)
@click.version_option(package_name="hookproof", prog_name="hookproof", message="%(prog)s %(version)s")
def hookproof() -> None:
    """Prove that a WebAssembly gateway plugin keeps its contract.

    Exit codes: 0 conforms, 1 does not conform, 2 usage, 3 could not judge, 130 interrupted.
    """


for module in (certify, inspect, call, requirements):
    hookproof.add_command(module.command)


def run(arguments: Sequence[str]) -> int:
    """Run the command line, and answer the exit code; what went wrong is one sentence on standard error."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal's encoding is no reason to fail.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = hookproof.main(list(arguments), prog_name="hookproof", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        return _complain(error.format_message(), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return _complain("interrupted; nothing is certified", ExitCode.INTERRUPTED)
    except HookproofError as error:
        return _complain(str(error), exit_code(error))
    except OSError as error:
        if error.errno == errno.EPIPE:
            mute_stdout()
            return 128 + 13
        return _complain(str(error), ExitCode.COULD_NOT_JUDGE)
    except Exception as error:  # a defect of ours: a person gets a sentence, and the way to the traceback
        if os.environ.get("HOOKPROOF_DEBUG"):
            raise
        what = f"{type(error).__name__}: {error}"
        return _complain(
            f"a defect in hookproof itself, {what} (HOOKPROOF_DEBUG=1 shows where)", ExitCode.COULD_NOT_JUDGE
        )
    return int(code or 0)


def exit_code(error: HookproofError) -> ExitCode:
    """Tell the exit code that goes with an error: who has to mend it decides."""
    match error:
        case UsageError():
            return ExitCode.USAGE
        case InitRefused() | CouldNotJudge() | ModuleError() | EngineMissing():
            return ExitCode.COULD_NOT_JUDGE
        case LoadError() | HookError() | Trap():
            return ExitCode.DOES_NOT_CONFORM
        case _:
            return ExitCode.COULD_NOT_JUDGE


def _complain(message: str, code: int) -> int:
    click.echo(f"hookproof: {printable(message)}", err=True)
    return int(code)
