"""Files in a workspace: opened, read, written, moved about in, cut and closed, on the disk of the host."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from wasi_disk import ALL, DATA, LIST, NEW, READ, RESULT, VECTORS, WORKSPACE, WRITE, Disk, Refused, workspace
from wasi_disk_cases import OPENS, SEEKS, plant_for_opening
from wasi_guests import Starter, every_engine

from reference_host.wasi import Directory, WasiConfig
from reference_host.wasi.types import Errno, FdFlags, OpenFlags, Rights

CREAT, DIRECTORY, EXCL, TRUNC = OpenFlags.CREAT, OpenFlags.DIRECTORY, OpenFlags.EXCL, OpenFlags.TRUNC

PUREPY = Starter("purepy")

both_revisions = pytest.mark.parametrize("module", ["wasi_snapshot_preview1", "wasi_unstable"])


@both_revisions
@every_engine
def test_what_a_guest_writes_is_on_the_disk_and_the_other_way_round(
    start: Starter, tmp_path: Path, module: str
) -> None:
    (tmp_path / "given.txt").write_bytes(b"from the host")
    disk = workspace(start, tmp_path, module=module)
    assert disk.contents("given.txt") == b"from the host"
    disk.create("hello.txt", b"from the guest")
    assert (tmp_path / "hello.txt").read_bytes() == b"from the guest"
    assert (tmp_path / "hello.txt").stat().st_mode & 0o111 == 0, "nothing that could be executed"


@every_engine
def test_a_file_has_an_offset(start: Starter, tmp_path: Path) -> None:
    disk = workspace(start, tmp_path)
    file = disk.path_open("file", WRITE, NEW)
    assert disk.fd_write(file, b"abc", b"", b"defgh") == 8
    assert disk.fd_tell(file) == 8
    assert disk.fd_read(file) == b""
    assert disk.fd_seek(file, 2, 0) == 2
    assert (disk.fd_read(file, 3), disk.fd_tell(file)) == (b"cde", 5)
    assert (disk.fd_pread(file, 4, 1), disk.fd_tell(file)) == (b"bcde", 5)
    assert (disk.fd_pwrite(file, b"XY", 6), disk.fd_tell(file)) == (2, 5)
    assert disk.fd_read(file) == b"fXY"


@every_engine
def test_reading_fills_buffers_in_order(start: Starter, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abcdefg")
    disk = workspace(start, tmp_path)
    file = disk.path_open("file")
    disk.guest.memory.write(DATA, b"." * 16)
    disk.guest.vectors(VECTORS, (DATA + 8, 3), (DATA, 0), (DATA, 2), (DATA + 4, 8))
    disk.call("fd_read", file, VECTORS, 4, RESULT)
    assert disk.guest.number(RESULT, 4) == 7
    assert disk.guest.memory.read(DATA, 12) == b"de..fg..abc."


@pytest.mark.parametrize(
    ("module", "numbers"),
    [
        pytest.param("wasi_snapshot_preview1", ("set", "cur", "end"), id="preview1"),
        pytest.param("wasi_unstable", ("cur", "end", "set"), id="unstable"),
    ],
)
@pytest.mark.parametrize(("offset", "whence", "expected"), SEEKS)
@every_engine
def test_seeking(
    start: Starter,
    tmp_path: Path,
    module: str,
    numbers: tuple[str, ...],
    offset: int,
    whence: str,
    expected: int | Errno,
) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    disk = workspace(start, tmp_path, module=module)
    file = disk.path_open("file")
    disk.fd_read(file, 4)
    if isinstance(expected, Errno):
        with pytest.raises(Refused, match=expected.name):
            disk.fd_seek(file, offset, numbers.index(whence))
        assert disk.fd_tell(file) == 4
    else:
        assert disk.fd_seek(file, offset, numbers.index(whence)) == expected
        assert disk.fd_tell(file) == expected


@every_engine
def test_seeking_from_nowhere_known_is_refused(start: Starter, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    disk = workspace(start, tmp_path)
    file = disk.path_open("file")
    for whence in (3, 255, 2**32 - 1):
        with pytest.raises(Refused, match="INVAL"):
            disk.fd_seek(file, 0, whence)


@every_engine
def test_appending_writes_at_the_end_wherever_the_offset_is(start: Starter, tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"old ")
    disk = workspace(start, tmp_path)
    file = disk.path_open("log", WRITE, fd_flags=FdFlags.APPEND)
    disk.fd_write(file, b"new ")
    with (tmp_path / "log").open("ab") as log:
        log.write(b"host ")
    disk.fd_seek(file, 0, 0)
    disk.fd_write(file, b"newer")
    assert (tmp_path / "log").read_bytes() == b"old new host newer"
    assert disk.fd_tell(file) == 18
    disk.fd_pwrite(file, b"OLD", 0)
    assert (tmp_path / "log").read_bytes() == b"OLD new host newer"


@every_engine
def test_appending_can_be_turned_on_later(start: Starter, tmp_path: Path) -> None:
    disk = workspace(start, tmp_path)
    file = disk.path_open("log", WRITE | Rights.FD_FDSTAT_SET_FLAGS, CREAT)
    disk.fd_write(file, b"one ")
    disk.fd_seek(file, 0, 0)
    disk.call("fd_fdstat_set_flags", file, FdFlags.APPEND)
    disk.fd_write(file, b"two")
    assert (tmp_path / "log").read_bytes() == b"one two"
    assert disk.fd_fdstat_get(file)[1] == FdFlags.APPEND


@pytest.mark.parametrize("flags", [FdFlags.DSYNC, FdFlags.SYNC, FdFlags.RSYNC, FdFlags.NONBLOCK])
@every_engine
def test_synchronous_files_are_written_as_others(start: Starter, tmp_path: Path, flags: FdFlags) -> None:
    disk = workspace(start, tmp_path)
    file = disk.path_open("file", ALL, CREAT, fd_flags=flags)
    disk.fd_write(file, b"text")
    disk.call("fd_sync", file)
    disk.call("fd_datasync", file)
    assert (tmp_path / "file").read_bytes() == b"text"
    assert disk.fd_fdstat_get(file)[1] == flags


@every_engine
def test_a_directory_can_be_synchronized(start: Starter, tmp_path: Path) -> None:
    disk = workspace(start, tmp_path)
    disk.call("fd_sync", WORKSPACE)
    disk.call("fd_datasync", WORKSPACE)


@pytest.mark.parametrize(("path", "rights", "flags", "errno"), OPENS)
@every_engine
def test_opening(
    start: Starter, tmp_path: Path, path: str, rights: Rights, flags: OpenFlags, errno: Errno | None
) -> None:
    plant_for_opening(tmp_path)
    before = sorted(tmp_path.iterdir())
    disk = workspace(start, tmp_path)
    if errno is None:
        assert disk.path_open(path, rights, flags) == 4
    else:
        with pytest.raises(Refused, match=errno.name):
            disk.path_open(path, rights, flags)
        assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "file").read_bytes() == b"text"


@every_engine
def test_opening_can_cut(start: Starter, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old text")
    disk = workspace(start, tmp_path)
    file = disk.path_open("file", WRITE, TRUNC)
    disk.fd_write(file, b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    disk.path_open("file", READ, TRUNC)
    assert (tmp_path / "file").read_bytes() == b"", "the right to cut is that of the directory"


@every_engine
def test_sizes_can_be_set(start: Starter, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    disk = workspace(start, tmp_path)
    file = disk.path_open("file", WRITE)
    disk.call("fd_filestat_set_size", file, 2)
    assert (tmp_path / "file").read_bytes() == b"12"
    disk.call("fd_filestat_set_size", file, 4)
    assert (tmp_path / "file").read_bytes() == b"12\0\0"
    disk.call("fd_allocate", file, 3, 5)
    assert (tmp_path / "file").read_bytes() == b"12\0\0\0\0\0\0"
    disk.call("fd_allocate", file, 0, 1)
    assert disk.fd_filestat_get(file).size == 8


@pytest.mark.parametrize(
    ("function", "arguments", "errno"),
    [
        pytest.param("fd_filestat_set_size", (2**63,), Errno.FBIG, id="a-size-of-64-bits"),
        pytest.param("fd_filestat_set_size", (2**64 - 1,), Errno.FBIG, id="the-greatest-size"),
        pytest.param("fd_filestat_set_size", (2**40,), Errno.NOSPC, id="a-size-over-the-limit"),
        pytest.param("fd_allocate", (0, 0), Errno.INVAL, id="no-space"),
        pytest.param("fd_allocate", (2**63, 1), Errno.FBIG, id="space-behind-any-file"),
        pytest.param("fd_allocate", (2**64 - 1, 2**64 - 1), Errno.FBIG, id="space-that-would-wrap"),
        pytest.param("fd_allocate", (0, 2**40), Errno.NOSPC, id="space-over-the-limit"),
        pytest.param("fd_advise", (0, 0, 5), None, id="advice"),
        pytest.param("fd_advise", (0, 0, 6), Errno.INVAL, id="unknown-advice"),
        pytest.param("fd_advise", (2**64 - 1, 2, 0), Errno.INVAL, id="advice-that-would-wrap"),
        pytest.param("fd_pread", (VECTORS, 1, 2**63, RESULT), Errno.INVAL, id="reading-at-a-negative-offset"),
        pytest.param("fd_pwrite", (VECTORS, 1, 2**64 - 1, RESULT), Errno.INVAL, id="writing-at-a-negative-offset"),
        pytest.param("fd_pwrite", (VECTORS, 1, 2**63 - 1, RESULT), Errno.FBIG, id="writing-behind-any-file"),
        pytest.param("fd_pwrite", (VECTORS, 1, 2**40, RESULT), Errno.NOSPC, id="writing-a-hole-over-the-limit"),
        pytest.param("fd_pread", (VECTORS, 1, 2**40, RESULT), None, id="reading-behind-the-end"),
        pytest.param("fd_fdstat_set_flags", (1 << 5,), Errno.INVAL, id="unknown-flags"),
        pytest.param("fd_filestat_set_times", (0, 0, 1 << 4), Errno.INVAL, id="unknown-times"),
        pytest.param("fd_filestat_set_times", (0, 0, 3), Errno.INVAL, id="two-times-of-access"),
        pytest.param("fd_filestat_set_times", (0, 0, 12), Errno.INVAL, id="two-times-of-change"),
    ],
)
@every_engine
def test_numbers_at_the_edges(
    start: Starter, tmp_path: Path, function: str, arguments: tuple[int, ...], errno: Errno | None
) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    disk = workspace(start, tmp_path)
    file = disk.path_open("file", ALL)
    disk.guest.vectors(VECTORS, (DATA, 4))
    assert disk.guest(function, file, *arguments) is (errno or Errno.SUCCESS)
    assert (tmp_path / "file").read_bytes() == b"12345"


@every_engine
def test_writing_behind_the_end_leaves_zeros(start: Starter, tmp_path: Path) -> None:
    disk = workspace(start, tmp_path)
    file = disk.path_open("file", WRITE, NEW)
    disk.fd_seek(file, 3, 0)
    disk.fd_write(file, b"x")
    assert (tmp_path / "file").read_bytes() == b"\0\0\0x"


@every_engine
def test_a_file_lives_on_without_a_name(start: Starter, tmp_path: Path) -> None:
    disk = workspace(start, tmp_path)
    file = disk.path_open("file", WRITE, NEW)
    inode = disk.fd_filestat_get(file).inode
    disk.path_unlink_file("file")
    disk.fd_write(file, b"still here")
    assert disk.fd_pread(file, 5, 0) == b"still"
    status = disk.fd_filestat_get(file)
    assert (status.inode, status.links, status.size) == (inode, 0, 10)
    assert list(tmp_path.iterdir()) == []


@every_engine
def test_descriptors_are_numbered_from_the_lowest_that_is_free(start: Starter, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    disk = workspace(start, tmp_path)
    assert [disk.path_open("file") for _ in range(3)] == [4, 5, 6]
    disk.call("fd_close", 5)
    assert disk.path_open("file") == 5
    disk.call("fd_close", 0)
    assert disk.path_open("file") == 0


@every_engine
def test_renumbering_moves_a_file_over_another(start: Starter, tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"one")
    (tmp_path / "two").write_bytes(b"two")
    disk = workspace(start, tmp_path)
    one, two = disk.path_open("one"), disk.path_open("two")
    disk.call("fd_renumber", one, two)
    assert disk.fd_read(two) == b"one"
    with pytest.raises(Refused, match="BADF"):
        disk.fd_read(one)


@every_engine
def test_standard_output_can_be_a_file(start: Starter, tmp_path: Path) -> None:
    disk = workspace(start, tmp_path)
    disk.call("fd_renumber", disk.path_open("out", WRITE, NEW), 1)
    disk.fd_write(1, b"printed")
    assert ((tmp_path / "out").read_bytes(), disk.guest.wasi.stdout) == (b"printed", b"")


@every_engine
def test_files_are_always_ready(start: Starter, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    disk = workspace(start, tmp_path)
    file = disk.path_open("file", ALL)
    disk.fd_read(file, 4)
    for index, type_ in enumerate((1, 2)):
        record = (7).to_bytes(8, "little") + bytes([type_]) + bytes(7) + file.to_bytes(4, "little")
        disk.guest.memory.write(DATA + 48 * index, record)
    disk.call("poll_oneoff", DATA, DATA + 1_024, 2, RESULT)
    assert disk.guest.number(RESULT, 4) == 2
    read, write = disk.guest.memory.read(DATA + 1_024, 32), disk.guest.memory.read(DATA + 1_056, 32)
    assert (read[10], int.from_bytes(read[16:24], "little"), read[24]) == (1, 6, 0)
    assert (write[10], write[24]) == (2, 0)


@every_engine
def test_guests_do_not_share_descriptors(start: Starter, tmp_path: Path) -> None:
    first, second = workspace(start, tmp_path), workspace(start, tmp_path)
    first.create("file", b"text")
    assert first.path_open("file") == 4
    assert second.contents("file") == b"text"
    assert second.path_open("file") == 4


def open_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


@pytest.mark.parametrize("way", ["closed", "forgotten"])
@every_engine
def test_everything_is_closed_with_the_guest(start: Starter, tmp_path: Path, way: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "deep" / "er").mkdir(parents=True)
    gc.collect()
    before = open_descriptors()
    disk = workspace(start, tmp_path)
    for _ in range(20):
        disk.path_open("file")
        disk.path_open("deep/er")
        with pytest.raises(Refused):
            disk.path_open("deep/er/missing")
    assert open_descriptors() == before + 41
    if way == "closed":
        disk.guest.wasi.close()
        with pytest.raises(Refused, match="BADF"):
            disk.path_open("file")
    else:
        del disk
        gc.collect()
    assert open_descriptors() == before


def test_what_a_guest_closes_is_closed_at_once(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    disk = workspace(PUREPY, tmp_path)
    gc.collect()
    before = open_descriptors()
    for _ in range(3):
        listed = disk.path_open("sub", LIST, DIRECTORY)
        disk.fd_readdir(listed)
        disk.call("fd_close", listed)
        listed = disk.path_open("sub", LIST, DIRECTORY)
        disk.fd_readdir(listed)
        disk.call("fd_renumber", disk.path_open("sub", LIST, DIRECTORY), listed)
        disk.call("fd_close", listed)
    assert open_descriptors() == before


@every_engine
def test_what_may_be_written_is_limited_over_all_files(start: Starter, tmp_path: Path) -> None:
    config = WasiConfig(directories=(Directory("workspace", tmp_path),), disk_limit=2 * 4_096 + 100)
    disk = workspace(start, tmp_path, config=config)
    one, two = disk.path_open("one", WRITE, NEW), disk.path_open("two", WRITE, NEW)
    assert disk.fd_write(one, b"x" * 60) == 60
    assert disk.fd_write(two, b"y" * 60) == 40, "as much as may be"
    for file in (one, two):
        with pytest.raises(Refused, match="NOSPC"):
            disk.fd_write(file, b"z")
    assert disk.fd_write(two, b"") == 0
    disk.path_unlink_file("one")
    for make in (disk.create, disk.path_create_directory, lambda path: disk.path_symlink("two", path)):
        with pytest.raises(Refused, match="NOSPC"):
            make("three")
    with pytest.raises(Refused, match="NOSPC"):
        disk.path_link("two", "three")
    disk.call("fd_filestat_set_size", two, 10)
    with pytest.raises(Refused, match="NOSPC"):
        disk.call("fd_filestat_set_size", two, 11)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"two": b"y" * 10}


@every_engine
def test_only_so_much_can_be_open(start: Starter, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    disk = workspace(start, tmp_path)
    opened = [disk.path_open("file") for _ in range(124)]
    assert opened[-1] == 127
    with pytest.raises(Refused, match="MFILE"):
        disk.path_open("new", WRITE, NEW)
    assert not (tmp_path / "new").exists()
    disk.call("fd_close", opened[50])
    assert disk.path_open("file") == opened[50]


def test_one_call_reads_and_writes_no_more_than_16_mib(tmp_path: Path) -> None:
    with (tmp_path / "big").open("wb") as big:
        big.truncate(2**40)
    disk = Disk(
        PUREPY(WasiConfig(directories=(Directory("workspace", tmp_path),)), pages=513),
        "wasi_snapshot_preview1",
    )
    file = disk.path_open("big")
    assert len(disk.fd_read(file, 32 * 1024 * 1024)) == 16 * 1024 * 1024
    copy = disk.path_open("copy", WRITE, NEW)
    disk.guest.vectors(VECTORS, (DATA, 32 * 1024 * 1024))
    disk.call("fd_write", copy, VECTORS, 1, RESULT)
    assert disk.guest.number(RESULT, 4) == (tmp_path / "copy").stat().st_size == 16 * 1024 * 1024
