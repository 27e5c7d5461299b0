"""What the runtimes of real toolchains do when they start and when they log, as small modules.

Each was seen in a build of that toolchain: Go 1.26 for wasip1, Rust for wasm32-wasip1; or in the sources of
wasi-libc, which TinyGo links too.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from wasi_disk import WORKSPACE, workspace
from wasi_guests import Starter, every_engine

from reference_host.errors import Trap, TrapCode
from reference_host.wasi import Directory, WasiConfig
from reference_host.wasi.types import Rights

WRITE = '(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))'
HELLO = r'(data (i32.const 16) "hello\n") (data (i32.const 0) "\10\00\00\00\06\00\00\00")'
SAY_HELLO = "(drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))"


@pytest.mark.parametrize("names", [(), ("workspace",), ("workspace", "/workspace")], ids=["none", "one", "two"])
@every_engine
def test_directories_are_looked_for_from_3_on_until_bad_descriptor(
    start: Starter, tmp_path: Path, names: tuple[str, ...]
) -> None:
    """Go and wasi-libc: any errno but `BADF` ends the program before it starts."""
    guest = start.wat(
        """(module
          (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "directories") (result i32) (local $fd i32) (local $errno i32)
            (local.set $fd (i32.const 3))
            (loop $next
              (local.set $errno (call $prestat (local.get $fd) (i32.const 0)))
              (if (i32.eqz (local.get $errno))
                (then (local.set $fd (i32.add (local.get $fd) (i32.const 1))) (br $next))))
            (if (i32.ne (local.get $errno) (i32.const 8)) (then unreachable))
            (i32.sub (local.get $fd) (i32.const 3))))""",
        WasiConfig(directories=tuple(Directory(name, tmp_path) for name in names)),
    )
    assert guest.instance.call("directories") == (len(names),)


@every_engine
def test_opening_asks_for_all_rights_that_the_directory_lets_inherit(start: Starter, tmp_path: Path) -> None:
    """Wasi-libc's `open` with `O_RDONLY`, before it knows whether it is a file or a directory."""
    (tmp_path / "hello.txt").write_bytes(b"hello")
    (tmp_path / "dir").mkdir()
    disk = workspace(start, tmp_path)
    inheriting = disk.fd_fdstat_get(WORKSPACE)[3]
    writing = Rights.FD_DATASYNC | Rights.FD_WRITE | Rights.FD_ALLOCATE | Rights.FD_FILESTAT_SET_SIZE
    for path in ("hello.txt", "dir"):
        disk.path_open(path, inheriting & ~writing, inheriting=inheriting)
    assert disk.fd_read(4) == b"hello"
    assert [name for name, _, _ in disk.entries(5)] == [".", ".."]


@every_engine
def test_sleeping_on_the_monotonic_clock_takes_no_time_and_is_seen(start: Starter) -> None:
    """Go's `usleep` and Rust's `thread::sleep`: one subscription; then the clock has to have moved at least so far."""
    guest = start.wat(
        """(module
          (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "slept") (result i64)
            (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 128)))
            (i32.store (i32.const 16) (i32.const 1))
            (i64.store (i32.const 24) (i64.const 3600000000000))
            (if (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 96)) (then unreachable))
            (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 136)))
            (i64.sub (i64.load (i32.const 136)) (i64.load (i32.const 128)))))"""
    )
    assert guest.instance.call("slept") == (3_600_001_000_000,), "an hour, and one reading"


@every_engine
def test_waiting_by_looking_at_the_clock_comes_to_an_end(start: Starter) -> None:
    guest = start.wat(
        """(module
          (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
          (memory (export "memory") 1)
          (func (export "wait") (param $until i64) (result i32) (local $readings i32)
            (loop $again
              (drop (call $clock (i32.const 1) (i64.const 1) (i32.const 0)))
              (local.set $readings (i32.add (local.get $readings) (i32.const 1)))
              (br_if $again (i64.lt_u (i64.load (i32.const 0)) (local.get $until))))
            (local.get $readings)))"""
    )
    assert guest.instance.call("wait", 1_100_000_000) == (101,), "100 ms, in steps of 1 ms"


@every_engine
def test_one_function_may_be_imported_twice(start: Starter) -> None:
    """Go imports `fd_write` and `random_get` for its runtime, and again for its package `syscall`."""
    guest = start.wat(
        f"""(module {WRITE} {WRITE.replace("$fd_write", "$again")} (memory (export "memory") 1) {HELLO}
          (func (export "hook") {SAY_HELLO} {SAY_HELLO.replace("$fd_write", "$again")}))"""
    )
    guest.instance.call("hook")
    assert guest.wasi.stdout == b"hello\nhello\n"


@pytest.mark.parametrize("exported", [True, False], ids=["memory-exported", "memory-not-exported"])
@every_engine
def test_a_start_function_may_write(start: Starter, exported: bool) -> None:
    """AssemblyScript and hand-made modules run code before the host holds the instance."""
    export = '(export "memory")' if exported else ""
    guest = start.wat(f"(module {WRITE} (memory {export} 1) {HELLO} (func $start {SAY_HELLO}) (start $start))")
    assert guest.wasi.stdout == b"hello\n"


@every_engine
def test_a_reactor_is_initialized_and_then_called(start: Starter) -> None:
    guest = start.wat(
        f"""(module {WRITE} (memory (export "memory") 1) {HELLO} (global $ready (mut i32) (i32.const 0))
          (func (export "_initialize") (global.set $ready (i32.const 1)))
          (func (export "hook") (if (i32.eqz (global.get $ready)) (then unreachable)) {SAY_HELLO}))"""
    )
    guest.instance.call("_initialize")
    guest.instance.call("hook")
    assert guest.wasi.stdout == b"hello\n"


@every_engine
def test_a_command_ends_with_exit_0_and_its_hooks_can_still_be_called(start: Starter) -> None:
    """TinyGo's and Rust's commands: `_start` calls `proc_exit(0)`, and the exported hooks live on."""
    guest = start.wat(
        f"""(module {WRITE} (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
          (memory (export "memory") 1) {HELLO}
          (func (export "_start") (call $exit (i32.const 0)) unreachable)
          (func (export "hook") {SAY_HELLO}))"""
    )
    with pytest.raises(Trap) as caught:
        guest.instance.call("_start")
    assert (caught.value.code, caught.value.exit_code) == (TrapCode.EXIT, 0)
    guest.instance.call("hook")
    assert guest.wasi.stdout == b"hello\n"


@every_engine
def test_an_empty_environment_is_not_asked_for(start: Starter) -> None:
    """Every libc sizes a buffer first; two zeros must be written, not only answered, over what was there."""
    guest = start.wat(
        """(module
          (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
          (memory (export "memory") 1) (data (i32.const 0) "\\ff\\ff\\ff\\ff\\ff\\ff\\ff\\ff")
          (func (export "environ_sizes_get") (result i32) (call $sizes (i32.const 0) (i32.const 4))))""",
        WasiConfig(),
    )
    assert guest("environ_sizes_get").name == "SUCCESS"
    assert guest.memory.read(0, 8) == bytes(8)
