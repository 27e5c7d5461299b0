"""What engines keep on disk: found again by the next process, trusted only where nobody else can have written it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import wasmtime

from reference_host.engine import wasmtime_machine
from reference_host.engine.cache import Cache, cache_folder, digest
from reference_host.engine.wasmtime import WasmtimeEngine

KEY = digest(b"one")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def test_what_was_kept_is_found_by_its_key(folder: Path) -> None:
    Cache(folder).write(KEY, b"content")
    assert Cache(folder).read(KEY) == b"content"
    assert Cache(folder).read(digest(b"two")) is None
    Cache(folder).write(KEY, b"")
    assert Cache(folder).read(KEY) == b""


def test_folder_and_files_are_closed_to_others(folder: Path) -> None:
    Cache(folder).write(KEY, b"content")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [(path.name, path.stat().st_mode & 0o777) for path in folder.iterdir()] == [(KEY, 0o600)]


def open_folder(folder: Path) -> None:
    folder.chmod(0o720)


def readable_folder(folder: Path) -> None:
    folder.chmod(0o755)


def linked_folder(folder: Path) -> None:
    folder.symlink_to(folder.rename(folder.with_name("elsewhere")))


def writable_file(folder: Path) -> None:
    (folder / KEY).chmod(0o620)


def readable_file(folder: Path) -> None:
    (folder / KEY).chmod(0o604)


def linked_file(folder: Path) -> None:
    (folder / KEY).symlink_to((folder / KEY).rename(folder.parent / "elsewhere"))


def fifo(folder: Path) -> None:
    (folder / KEY).unlink()
    os.mkfifo(folder / KEY, 0o600)


def sub_folder(folder: Path) -> None:
    (folder / KEY).unlink()
    (folder / KEY).mkdir(0o700)


def cut(folder: Path) -> None:
    (folder / KEY).write_bytes((folder / KEY).read_bytes()[:-1])


def emptied(folder: Path) -> None:
    (folder / KEY).write_bytes(b"")


def changed(folder: Path) -> None:
    (folder / KEY).write_bytes((folder / KEY).read_bytes().replace(b"content", b"CONTENT"))


@pytest.mark.parametrize(
    "spoil",
    [
        open_folder, readable_folder, linked_folder, writable_file, readable_file, linked_file, fifo, sub_folder, cut,
        emptied, changed,
    ],
)  # fmt: skip
def test_what_others_may_have_written_or_what_has_rotted_is_not_read(
    folder: Path, spoil: Callable[[Path], None]
) -> None:
    Cache(folder).write(KEY, b"content")
    spoil(folder)
    assert Cache(folder).read(KEY) is None


def test_what_belongs_to_another_user_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Cache(folder).write(KEY, b"content")
    somebody = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody)
    assert Cache(folder).read(KEY) is None


@pytest.mark.parametrize("spoil", [open_folder, linked_folder])
def test_nothing_is_written_into_a_folder_that_is_not_trusted(folder: Path, spoil: Callable[[Path], None]) -> None:
    Cache(folder).write(KEY, b"content")
    spoil(folder)
    Cache(folder).write(digest(b"two"), b"content")
    assert [path.name for path in folder.iterdir()] == [KEY]


def test_a_cache_that_cannot_be_is_empty(folder: Path) -> None:
    folder.write_text("a file is in the way")
    for cache in (Cache(folder), Cache(folder / "below"), Cache(None)):
        cache.write(KEY, b"content")
        assert cache.read(KEY) is None


def test_what_was_not_used_for_the_longest_time_goes_first(folder: Path) -> None:
    cache = Cache(folder, capacity=1_000)
    keys = [digest(bytes([n])) for n in range(5)]
    for age, key in enumerate(keys[:4]):
        cache.write(key, bytes(200))
        os.utime(folder / key, (100 + age, 100 + age))
    assert cache.read(keys[0]) == bytes(200)
    cache.write(keys[4], bytes(200))
    assert {path.name for path in folder.iterdir()} == {keys[0], keys[2], keys[3], keys[4]}
    cache.write(keys[1], bytes(251))
    assert cache.read(keys[1]) is None


def test_many_writers_and_readers_see_whole_contents(folder: Path) -> None:
    contents = {bytes([n]) * 50_000 for n in range(4)}
    seen: list[bytes | None] = []

    def run(content: bytes) -> None:
        for _ in range(20):
            Cache(folder).write(KEY, content)
            seen.append(Cache(folder).read(KEY))

    threads = [threading.Thread(target=run, args=[content]) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 80
    assert set(seen) <= contents
    assert [path.name for path in folder.iterdir()] == [KEY]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        pytest.param({"HOOKPROOF_CACHE": "off"}, None, id="off"),
        pytest.param({"HOOKPROOF_CACHE": "/named"}, Path("/named"), id="named"),
        pytest.param({"XDG_CACHE_HOME": "/xdg"}, Path("/xdg/hookproof"), id="of-the-desktop"),
    ],
)
def test_the_environment_names_the_folder(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: Path | None
) -> None:
    monkeypatch.delenv("HOOKPROOF_CACHE", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == expected


# --- machine code ----------------------------------------------------------------------------------------------------


@pytest.fixture
def large(wat: Callable[[str], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A module that is worth keeping, and a cache that is empty."""
    monkeypatch.setenv("HOOKPROOF_CACHE", str(tmp_path))
    return wat(f"""(module (memory (export "memory") 1) (data (i32.const 0) "{"a" * 9_000}")
      (func (export "f") (param i32) (result i32) local.get 0 memory.grow drop local.get 0 i32.load8_u))""")


def in_a_new_process(binary: bytes) -> tuple[object, ...]:
    """As far as machine code goes: nothing is remembered."""
    wasmtime_machine.compiled.cache_clear()
    instance = WasmtimeEngine().compile(binary).instantiate()
    return instance.call("f", 1), instance.memory and instance.memory.size


def test_a_module_is_compiled_once(large: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    WasmtimeEngine()  # its self-test compiles too
    compiled: list[int] = []
    translate = wasmtime_machine._translated

    def counted(machine: wasmtime_machine.Machine, binary: bytes) -> wasmtime.Module:
        compiled.append(1)
        return translate(machine, binary)

    monkeypatch.setattr(wasmtime_machine, "_translated", counted)
    assert [in_a_new_process(large) for _ in range(3)] == [((ord("a"),), 131_072)] * 3
    assert compiled == [1]
    monkeypatch.setenv("HOOKPROOF_CACHE", "off")
    assert in_a_new_process(large) == ((ord("a"),), 131_072)
    assert compiled == [1, 1]


def test_a_module_is_compiled_once_in_a_process(large: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKPROOF_CACHE", "off")
    first, second = (WasmtimeEngine().compile(bytes(bytearray(large))) for _ in range(2))
    assert first.compiled is second.compiled


def test_small_modules_leave_nothing_behind(wat: Callable[[str], bytes], large: bytes, tmp_path: Path) -> None:
    del large
    WasmtimeEngine().compile(wat("(module (func))"))
    assert not list(tmp_path.rglob("*"))


@pytest.mark.parametrize("content", [pytest.param(b"", id="nothing"), pytest.param(b"\x7fELF" * 99, id="no-module")])
def test_what_wasmtime_refuses_is_compiled_anew(large: bytes, tmp_path: Path, content: bytes) -> None:
    in_a_new_process(large)
    (kept,) = (tmp_path / "wasmtime").iterdir()
    good = kept.read_bytes()
    Cache(kept.parent).write(kept.name, content)
    assert in_a_new_process(large) == ((ord("a"),), 131_072)
    assert kept.read_bytes() == good


def test_code_for_another_engine_is_refused_by_the_library(large: bytes) -> None:
    other = wasmtime.Config()
    other.consume_fuel = False
    code = wasmtime.Module(wasmtime.Engine(other), large).serialize()
    with pytest.raises(wasmtime.WasmtimeError):
        wasmtime.Module.deserialize(wasmtime_machine.machine(wasmtime_machine.stack_size()).engine, code)
