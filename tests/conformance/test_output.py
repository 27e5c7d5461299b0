"""What a person sees: the verdict first, plain in a pipe, coloured in a terminal, commands to copy, progress."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import pytest
from toys import TOY, Done, Plugins, toy_wasm

Command = Callable[..., Done]

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
AGAIN = "hookproof certify bad.wasm --only 'TOY-ADD-001[toy_add/few/0]' --max-memory 2GiB --seed 123456789"


def in_terminal(folder: Path, *arguments: str, columns: int = 60, stderr: bool = False, variable: str = "") -> str:
    """Run the command with a terminal as its standard output (and standard error): all that the terminal got."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "COLUMNS", "FORCE_COLOR"}}
    program = f"import sys; sys.path.append({str(TOY)!r}); from conformance.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", program, *arguments],
        cwd=folder,
        env={**kept, "TERM": "xterm-256color", **({variable: "dumb"} if variable else {})},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs if stderr else subprocess.DEVNULL,
    )
    os.close(theirs)
    got = b""
    while True:
        try:
            part = os.read(ours, 65_536)
        except OSError:  # the terminal is closed with its last process
            break
        if not part:
            break
        got += part
    os.close(ours)
    process.wait()
    return got.decode().replace("\r\n", "\n")


def test_the_whole_text_in_a_pipe(hookproof: Command, plugins: Plugins) -> None:
    plugins.add("p.wasm", toy_wasm("trouble_deadline", adds="i32.sub i32.const 1 i32.add"))
    done = hookproof("certify", "p.wasm", "--only", "TOY-ADD-002")
    digest = next(line.split()[1] for line in done.out.splitlines() if "sha256" in line)
    engine = next(line for line in done.out.splitlines() if line.startswith("  engine"))
    assert (
        done.out
        == f"""\
conforms in what was asked for: p.wasm
  plugin    toy v1 (exports toy_add)
  sha256    {digest}
  judged    strict, scope full, --only TOY-ADD-002
{engine}
  results   0 held, 1 warned, 1 not applicable, 7 not tested

Warnings  they do not change the verdict

TOY-ADD-002 SHOULD odd-zero
  toy_add answers 0 for two zeros.
  1 of 1 case breaks it

  case      toy_add/zero
  export    toy_add(0, 0)
  expected  0
  got       1
  hint      add
  again     hookproof certify p.wasm --only 'TOY-ADD-002[toy_add/zero]'

Not applicable  1
  applies to v2, the plugin is v1
    TOY-SUB-001

Not tested  7
  left out: --only TOY-ADD-002 was asked for
    TOY-ADD-001, -003, TOY-MEM-001, TOY-TROUBLE-001, TOY-TEXT-001, TOY-SILENT-001, TOY-UNSEEN-001
"""
    )


def test_parts_in_their_order(hookproof: Command, plugins: Plugins) -> None:
    plugins.add("p.wasm", toy_wasm("trouble_deadline", adds="i32.sub i32.const 1 i32.add"))
    out = hookproof("certify", "p.wasm").out
    titles = ["does not conform", "Violations", "Could not be judged", "Warnings", "For information", "Not applicable"]
    places = [out.index(title) for title in (*titles, "Not tested")]
    assert places == sorted(places)
    assert "results   1 broken, 1 held, 1 warned, 1 noted, 1 could not be judged, 2 not applicable, 2 not tested" in out


def test_the_first_violations_are_shown_and_the_rest_are_counted(hookproof: Command, plugins: Plugins) -> None:
    plugins.bad()
    out = hookproof("certify", "bad.wasm").out
    assert out.count("  case      ") == 3
    assert "  and 61 more; --json lists up to 10 of a requirement" in out


def test_why_there_is_no_verdict_stands_below_it(hookproof: Command, plugins: Plugins) -> None:
    plugins.troubled("deadline")
    lines = hookproof("certify", "deadline.wasm").out.splitlines()
    assert lines[:2] == [
        "could not judge: deadline.wasm",
        "  reason    trouble: the deadline of 60 s fired (TOY-TROUBLE-001)",
    ]


def test_a_requirement_that_does_not_apply_is_no_verdict(hookproof: Command, plugins: Plugins) -> None:
    plugins.bad()
    done = hookproof("certify", "bad.wasm", "--only", "TOY-SUB-001")
    assert done.code == 3
    assert "  reason    nothing was executed: applies to v2, the plugin is v1\n" in done.out


def test_durations(hookproof: Command, plugins: Plugins) -> None:
    plugins.good()
    out = hookproof("certify", "good.wasm", "--durations").out
    _, durations = out.split("\nDurations  ")
    assert re.match(r"[0-9]+\.[0-9]{2} s in all\n", durations)
    assert re.search(r"^ +[0-9]+\.[0-9]{3} s  TOY-ADD-001$", durations, re.MULTILINE)


def test_a_pipe_gets_no_escapes_and_no_broken_lines(shell: Command, plugins: Plugins) -> None:
    plugins.bad()
    done = shell("certify", "bad.wasm", "--max-memory", "2GiB", "--seed", "123456789", COLUMNS="20")
    assert "\x1b" not in done.out
    assert f"  again     {AGAIN}\n" in done.out
    assert "  toy_add answers the sum of its arguments, modulo 2^32.\n" in done.out


def test_a_terminal_gets_colours_and_lines_that_fit(plugins: Plugins) -> None:
    plugins.bad()
    out = in_terminal(plugins.folder, "certify", "bad.wasm", "--max-memory", "2GiB", "--seed", "123456789", columns=50)
    assert "\x1b[1;31mdoes not conform" in out
    plain = ESCAPE.sub("", out)
    assert f"  again     {AGAIN}\n" in plain
    assert "  toy_add answers the sum of its arguments, modulo\n  2^32.\n" in plain
    assert all(len(line) <= 50 for line in plain.splitlines() if AGAIN[:40] not in line and "more; --json" not in line)


@pytest.mark.parametrize("variable", ["NO_COLOR", "TERM"])
def test_a_terminal_without_colours(plugins: Plugins, variable: str) -> None:
    plugins.bad()
    out = in_terminal(plugins.folder, "certify", "bad.wasm", variable=variable)
    assert "\x1b[1;31m" not in out
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", out)
    assert ESCAPE.sub("", out).startswith("does not conform: bad.wasm\n")


def test_progress_on_a_terminal(plugins: Plugins) -> None:
    plugins.add("slow.wasm", toy_wasm("toy_version", "trouble_slow"))
    got = in_terminal(plugins.folder, "certify", "slow.wasm", columns=200, stderr=True)
    assert re.search(r"\r\x1b\[K[0-9]/9 judged  TOY-TROUBLE-001", got)
    # The line is gone before the report begins.
    assert "\r\x1b[K\x1b[1;32mconforms" in got


def test_no_progress_in_a_pipe(shell: Command, plugins: Plugins) -> None:
    plugins.add("slow.wasm", toy_wasm("toy_version", "trouble_slow"))
    assert shell("certify", "slow.wasm").err == ""


def test_a_reader_that_leaves_early_changes_no_exit_code(plugins: Plugins) -> None:
    plugins.bad()
    program = f"import sys; sys.path.append({str(TOY)!r}); from conformance.cli import main; main()"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, "certify", "bad.wasm"],
        cwd=plugins.folder,
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_an_encoding_that_knows_few_characters_is_no_reason_to_fail(shell: Command, plugins: Plugins) -> None:
    plugins.add("\u4e16\u754c.wasm", toy_wasm())
    done = shell("certify", "\u4e16\u754c.wasm", PYTHONIOENCODING="ascii")
    assert done.code == 0
    assert done.out.startswith("conforms: \\u4e16\\u754c.wasm\n")
