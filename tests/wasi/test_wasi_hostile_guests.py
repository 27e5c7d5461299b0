"""Whatever a guest passes, it gets an errno, soon, and the host stays whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wasi_disk import ALL, ENTER, workspace
from wasi_guests import Guest, Starter, every_engine

from reference_host.engine.interface import Import, ValueType
from reference_host.errors import Trap, TrapCode
from reference_host.wasi import Directory, Wasi, WasiConfig
from reference_host.wasi.signatures import WASI
from reference_host.wasi.types import Errno, OpenFlags, Rights

PAGE = 65_536
LAST = 2**32 - 1
OK = 2048
"""An address at which everything fits."""

PUREPY = Starter("purepy")

BAD_POINTERS = [
    pytest.param("args_sizes_get", lambda bad: (bad, OK), 4, id="args_sizes_get-count"),
    pytest.param("args_sizes_get", lambda bad: (OK, bad), 4, id="args_sizes_get-size"),
    pytest.param("args_get", lambda bad: (bad, OK), 8, id="args_get-pointers"),
    pytest.param("args_get", lambda bad: (OK, bad), 4, id="args_get-buffer"),
    pytest.param("environ_sizes_get", lambda bad: (bad, OK), 4, id="environ_sizes_get-count"),
    pytest.param("environ_sizes_get", lambda bad: (OK, bad), 4, id="environ_sizes_get-size"),
    pytest.param("environ_get", lambda bad: (bad, OK), 4, id="environ_get-pointers"),
    pytest.param("environ_get", lambda bad: (OK, bad), 4, id="environ_get-buffer"),
    pytest.param("clock_res_get", lambda bad: (0, bad), 8, id="clock_res_get"),
    pytest.param("clock_time_get", lambda bad: (0, 0, bad), 8, id="clock_time_get"),
    pytest.param("fd_fdstat_get", lambda bad: (1, bad), 24, id="fd_fdstat_get"),
    pytest.param("fd_filestat_get", lambda bad: (1, bad), 64, id="fd_filestat_get"),
    pytest.param("fd_read", lambda bad: (0, bad, 1, OK), 8, id="fd_read-vectors"),
    pytest.param("fd_read", lambda bad: (0, OK, 1, bad), 4, id="fd_read-result"),
    pytest.param("fd_write", lambda bad: (1, bad, 1, OK), 8, id="fd_write-vectors"),
    pytest.param("fd_write", lambda bad: (1, OK, 1, bad), 4, id="fd_write-result"),
    pytest.param("poll_oneoff", lambda bad: (bad, OK, 1, OK), 48, id="poll_oneoff-subscriptions"),
    pytest.param("poll_oneoff", lambda bad: (OK, bad, 1, OK), 32, id="poll_oneoff-events"),
    pytest.param("poll_oneoff", lambda bad: (OK, OK, 1, bad), 4, id="poll_oneoff-result"),
    pytest.param("random_get", lambda bad: (bad, 16), 16, id="random_get"),
]

CONFIG = WasiConfig(arguments=("a", "b"), environment=(("A", "b"),))


@pytest.mark.parametrize(("name", "arguments", "size"), BAD_POINTERS)
@every_engine
def test_a_pointer_must_lie_in_memory_to_its_last_byte(
    start: Starter, name: str, arguments: Callable[[int], tuple[int, ...]], size: int
) -> None:
    guest = start(CONFIG)
    guest.vectors(OK, (0, 4))
    before = guest.memory.read(0, PAGE)
    for bad in (PAGE - size + 1, PAGE, 0x8000_0000, LAST):
        assert guest(name, *arguments(bad)) is Errno.FAULT
    assert guest.memory.read(0, PAGE) == before, "an errno means that nothing happened"
    assert guest.wasi.stdout == b""
    assert guest(name, *arguments(PAGE - size)) is Errno.SUCCESS


@pytest.mark.parametrize(("name", "arguments", "size"), BAD_POINTERS)
@every_engine
def test_where_there_is_no_memory_every_pointer_is_bad(
    start: Starter, name: str, arguments: Callable[[int], tuple[int, ...]], size: int
) -> None:
    guest = start(CONFIG, pages=0)
    assert guest.instance.memory is None
    assert guest(name, *arguments(OK)) is Errno.FAULT


@pytest.mark.parametrize("name", ["fd_write", "fd_read"])
@pytest.mark.parametrize(
    ("vectors", "count", "errno"),
    [
        pytest.param([], LAST, Errno.FAULT, id="2^32-vectors"),
        pytest.param([], 2**29, Errno.FAULT, id="an-array-of-4-gib"),
        pytest.param([], PAGE // 8 + 1, Errno.FAULT, id="one-vector-more-than-memory-holds"),
        pytest.param([(OK, LAST)], 1, Errno.FAULT, id="a-buffer-of-4-gib"),
        pytest.param([(LAST, 1)], 1, Errno.FAULT, id="a-buffer-at-the-last-address"),
        pytest.param([(LAST, LAST)], 1, Errno.FAULT, id="a-buffer-that-would-wrap"),
        pytest.param([(OK, 4), (PAGE - 3, 4)], 2, Errno.FAULT, id="the-second-buffer"),
        pytest.param([(OK, 4), (LAST, 0)], 2, Errno.SUCCESS, id="nothing-at-a-bad-address"),
        pytest.param([(PAGE - 4, 4)], 1, Errno.SUCCESS, id="up-to-the-last-byte"),
        pytest.param([], 0, Errno.SUCCESS, id="no-vectors"),
    ],
)
@every_engine
def test_vectors_are_checked_before_anything_is_transferred(
    start: Starter, name: str, vectors: list[tuple[int, int]], count: int, errno: Errno
) -> None:
    guest = start()
    guest.vectors(0, *vectors)
    assert guest(name, 1 if name == "fd_write" else 0, 0, count, 1024) is errno
    if errno is not Errno.SUCCESS:
        assert guest.wasi.stdout == b""


@every_engine
def test_of_many_vectors_the_first_1024_are_written(start: Starter) -> None:
    guest = start()
    guest.memory.write(0, b"x")
    guest.vectors(8, *[(0, 1)] * 8_000)
    assert guest("fd_write", 1, 8, 8_000, 65_532) is Errno.SUCCESS
    assert guest.number(65_532, 4) == 1_024
    assert guest.wasi.stdout == b"x" * 1_024


@every_engine
def test_lengths_that_add_up_beyond_32_bits_are_refused(start: Starter) -> None:
    guest = start(pages=66)
    length = 65 * PAGE
    guest.vectors(0, *[(0, length)] * 1_024)
    assert guest("fd_write", 1, 0, 1_024, 16_384) is Errno.INVAL
    assert guest.wasi.stdout == b""
    assert guest("fd_write", 1, 0, 1_000, 16_384) is Errno.SUCCESS
    assert guest.number(16_384, 4) == 1_000 * length
    assert guest.wasi.stdout_dropped == 1_000 * length - 1024 * 1024


@every_engine
def test_a_result_over_the_vectors_does_not_change_what_is_written(start: Starter) -> None:
    guest = start()
    guest.vectors(0, (8, 4))
    guest.memory.write(8, b"text")
    assert guest("fd_write", 1, 0, 1, 0) is Errno.SUCCESS
    assert (guest.wasi.stdout, guest.number(0, 4)) == (b"text", 4)


@dataclass
class Vast:
    """An instance and its memory of 4 GiB, in which every vector asks for 4 GiB; it only notes what is read of it."""

    size: int = 2**32 - PAGE
    longest: int = 0

    @property
    def memory(self) -> Vast:
        return self

    def read(self, address: int, length: int) -> bytes:
        self.longest = max(self.longest, length)
        return ((0).to_bytes(4, "little") + self.size.to_bytes(4, "little")) * (length // 8)

    def write(self, address: int, data: bytes) -> None:
        assert address + len(data) <= self.size


@pytest.mark.parametrize(
    ("name", "arguments", "limit"),
    [
        pytest.param("fd_write", (1, 0, 1, 0), 1024 * 1024, id="what-is-kept"),
        pytest.param("fd_write", (1, 0, 2**29 - PAGE, 0), 8_192, id="an-array-of-4-gib"),
        pytest.param("fd_read", (0, 0, 2**29 - PAGE, 0), 8_192, id="an-array-of-4-gib-to-read-into"),
        pytest.param("poll_oneoff", (0, 0, 80_000_000, 0), 0, id="80-million-subscriptions"),
        pytest.param("path_open", (1, 0, 0, LAST, 0, 0, 0, 0, 0), 0, id="a-path-of-4-gib"),
        pytest.param("sock_send", (1, 0, 2**29 - PAGE, 0, 0), 0, id="a-message-of-4-gib"),
        pytest.param("path_open", (3, 0, 0, LAST - PAGE, 0, 0, 0, 0, 0), 0, id="a-path-of-4-gib-in-a-directory"),
        pytest.param("path_rename", (3, 0, 9, 3, 0, LAST - PAGE), 9, id="a-new-path-of-4-gib"),
        pytest.param("path_symlink", (0, LAST - PAGE, 3, 0, 9), 0, id="a-link-to-4-gib"),
        pytest.param("fd_readdir", (3, 0, LAST - PAGE, 0, 0), 0, id="a-listing-of-4-gib"),
        pytest.param("fd_prestat_dir_name", (3, 0, LAST - PAGE), 0, id="a-name-of-4-gib"),
    ],
)
def test_the_host_copies_no_more_than_it_needs(
    tmp_path: Path, name: str, arguments: tuple[int, ...], limit: int
) -> None:
    module = "wasi_snapshot_preview1"
    wasi = Wasi(WasiConfig(directories=(Directory("workspace", tmp_path),)))
    (function,) = wasi.host_functions([Import(module, name, WASI[module][name])])
    instance = Vast()
    function.implementation(instance, *arguments)
    assert instance.longest <= limit


EDGES = st.sampled_from([0, 1, 2, 3, 4, 8, 48, 1_024, PAGE - 8, PAGE - 1, PAGE, 2**31, LAST])
NUMBERS = {
    ValueType.I32: EDGES | st.integers(0, LAST),
    ValueType.I64: EDGES | st.integers(0, 2**64 - 1),
}
CALLS = st.sampled_from(sorted(WASI["wasi_snapshot_preview1"].items())).flatmap(
    lambda item: st.tuples(st.just(item[0]), st.tuples(*(NUMBERS[type_] for type_ in item[1].parameters)))
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    module=st.sampled_from(sorted(WASI)),
    memory=st.binary(max_size=256),
    calls=st.lists(CALLS, min_size=1, max_size=12),
)
@every_engine
def test_no_sequence_of_calls_leaves_the_errnos_and_the_exits(
    start: Starter, module: str, memory: bytes, calls: list[tuple[str, tuple[int, ...]]]
) -> None:
    guest = start(WasiConfig(stdout_limit=64, stderr_limit=64), module=module)
    guest.memory.write(0, memory)
    for name, arguments in calls:
        if name in WASI[module] and not goes_on(guest, name, arguments):
            break
    assert len(guest.wasi.stdout) <= 64
    assert len(guest.wasi.stderr) <= 64


LIKELY = {
    ValueType.I32: st.sampled_from([0, 0, 1, 1, 3, 3, 3, 4, 4, 5, 8, 8, 16, 24, 40, 1_024, LAST]),
    ValueType.I64: st.sampled_from([0, 1, 100, 30_000, 2**63 - 1, 2**64 - 1 - Rights.FD_WRITE, 2**64 - 1]),
}
"""What a descriptor, flags, an address or a length of a path may well be."""

LIKELY_CALLS = st.sampled_from(
    [item for item in sorted(WASI["wasi_snapshot_preview1"].items()) if item[0].startswith(("fd_", "path_"))]
).flatmap(lambda item: st.tuples(st.just(item[0]), st.tuples(*(LIKELY[type_] for type_ in item[1].parameters))))
PATHS = st.binary(max_size=8) | st.sampled_from([b"a", b"b/c", b"..", b"link", b"link/x", b"a/../b", b"/", b"pipe"])


@settings(max_examples=60)
@given(
    module=st.sampled_from(sorted(WASI)),
    paths=st.lists(PATHS, min_size=8, max_size=8),
    calls=st.lists(LIKELY_CALLS, min_size=10, max_size=40),
)
def test_no_sequence_of_calls_leaves_a_workspace_or_its_limit(
    tmp_path_factory: pytest.TempPathFactory,
    module: str,
    paths: list[bytes],
    calls: list[tuple[str, tuple[int, ...]]],
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    inside = folder / "inside"
    inside.mkdir()
    (inside / "link").symlink_to(folder)
    os.mkfifo(inside / "pipe")
    config = WasiConfig(directories=(Directory("workspace", inside),), stdout_limit=64, disk_limit=40_000)
    disk = workspace(PUREPY, inside, module=module, config=config)
    guest = disk.guest
    disk.path_create_directory("b")
    assert (disk.path_open("a", ALL, OpenFlags.CREAT), disk.path_open("b", ENTER, inheriting=ALL)) == (4, 5)
    guest.memory.write(0, b"".join(path.ljust(8, b"/") for path in paths))
    for name, arguments in calls:
        goes_on(guest, name, arguments)
    assert [path.name for path in folder.iterdir()] == ["inside"]
    assert sum(path.lstat().st_size for path in inside.rglob("*") if path.is_file()) <= 40_000
    shutil.rmtree(folder)


def goes_on(guest: Guest, name: str, arguments: tuple[int, ...]) -> bool:
    """Call, and tell whether the guest goes on; what is neither an errno nor an exit raises."""
    try:
        guest(name, *arguments)
    except Trap as trap:
        if trap.code is TrapCode.EXIT and name in ("proc_exit", "proc_raise"):
            return False
        raise
    return True
