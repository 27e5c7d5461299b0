"""What a guest is told of files: the same on every machine."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from wasi_disk import DATA, NEW, OTHER, PATH, RESULT, WORKSPACE, WRITE, Refused, workspace
from wasi_guests import Starter, every_engine

from reference_host.wasi import Directory, WasiConfig
from reference_host.wasi.clock import FakeClock
from reference_host.wasi.tree import Tree
from reference_host.wasi.types import Errno, FileType, TimeFlags

START = 1_767_225_600_000_000_000
"""2026-01-01, at which the fake clock starts."""

STEP = 1_000_000
"""By which each reading advances it."""

both_revisions = pytest.mark.parametrize("module", ["wasi_snapshot_preview1", "wasi_unstable"])


@both_revisions
@every_engine
def test_files_from_before_have_inodes_in_order_of_sight_and_the_time_of_the_start(
    start: Starter, tmp_path: Path, module: str
) -> None:
    (tmp_path / "b").write_bytes(b"12345")
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to("somewhere")
    disk = workspace(start, tmp_path, module=module)
    times = (START,) * 3
    assert disk.path_filestat_get("b") == (0, 4, FileType.REGULAR_FILE, 1, 5, *times)
    assert disk.path_filestat_get("a") == (0, 5, FileType.DIRECTORY, 1, 0, *times)
    assert disk.path_filestat_get("link", follow=False) == (0, 6, FileType.SYMBOLIC_LINK, 1, 9, *times)
    assert disk.fd_filestat_get(WORKSPACE) == (0, 3, FileType.DIRECTORY, 1, 0, *times)
    assert disk.fd_filestat_get(disk.path_open("b")) == disk.path_filestat_get("a/../b")


@every_engine
def test_what_a_guest_makes_and_changes_has_the_time_of_its_clock(start: Starter, tmp_path: Path) -> None:
    disk = workspace(start, tmp_path)

    def tick() -> None:
        disk.call("clock_time_get", 0, 0, RESULT)

    tick()
    file = disk.path_open("file", WRITE, NEW)
    assert disk.fd_filestat_get(file)[5:] == (START + STEP,) * 3
    assert disk.path_filestat_get(".")[5:] == (START, START + STEP, START + STEP)
    tick()
    disk.fd_write(file, b"text")
    assert disk.fd_filestat_get(file)[5:] == (START + STEP, START + 2 * STEP, START + 2 * STEP)
    tick()
    disk.fd_pread(file, 4, 0)
    assert disk.fd_filestat_get(file)[5:] == (START + STEP, START + 2 * STEP, START + 2 * STEP)
    disk.path_rename("file", "renamed")
    assert disk.path_filestat_get("renamed")[5:] == (START + STEP, START + 2 * STEP, START + 3 * STEP)
    assert disk.path_filestat_get(".").modified == START + 3 * STEP
    tick()
    disk.call("fd_filestat_set_size", file, 1)
    assert disk.fd_filestat_get(file).modified == START + 4 * STEP
    tick()
    disk.path_create_directory("made")
    assert disk.path_filestat_get("made")[5:] == (START + 5 * STEP,) * 3


ACCESSED, MODIFIED = 1_234_567_890_123_456_789, 987_654_321_000_000_001

TIMES = [
    pytest.param(TimeFlags.ATIM | TimeFlags.MTIM, ACCESSED, MODIFIED, id="both"),
    pytest.param(TimeFlags.ATIM, ACCESSED, None, id="access"),
    pytest.param(TimeFlags.MTIM, None, MODIFIED, id="modification"),
    pytest.param(TimeFlags.ATIM_NOW | TimeFlags.MTIM_NOW, START + STEP, START + STEP, id="both-now"),
    pytest.param(TimeFlags.ATIM_NOW, START + STEP, None, id="access-now"),
    pytest.param(TimeFlags.ATIM | TimeFlags.MTIM_NOW, ACCESSED, START + STEP, id="one-now"),
    pytest.param(TimeFlags(0), None, None, id="neither"),
]


@pytest.mark.parametrize("way", ["path", "link", "descriptor"])
@pytest.mark.parametrize(("flags", "accessed", "modified"), TIMES)
@every_engine
def test_times_are_set_for_the_guest_and_on_the_disk(
    start: Starter, tmp_path: Path, way: str, flags: TimeFlags, accessed: int | None, modified: int | None
) -> None:
    (tmp_path / "file").write_bytes(b"text")
    (tmp_path / "link").symlink_to("file")
    before = (tmp_path / "file").stat()
    disk = workspace(start, tmp_path)
    disk.call("clock_time_get", 0, 0, RESULT)
    if way == "descriptor":
        disk.call("fd_filestat_set_times", disk.path_open("file", 2**64 - 1), ACCESSED, MODIFIED, flags)
    else:
        disk.set_times("file" if way == "path" else "link", flags, ACCESSED, MODIFIED)
    told = disk.path_filestat_get("file")
    assert told[5:] == (
        START if accessed is None else accessed,
        START if modified is None else modified,
        START + STEP,
    )
    after = (tmp_path / "file").stat()
    assert after.st_atime_ns == (before.st_atime_ns if accessed is None else accessed)
    assert after.st_mtime_ns == (before.st_mtime_ns if modified is None else modified)
    assert disk.path_filestat_get("link", follow=False)[5:] == (START,) * 3


@every_engine
def test_times_of_a_link_and_of_a_directory(start: Starter, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    disk = workspace(start, tmp_path)
    disk.set_times("link", TimeFlags.MTIM, modified=MODIFIED, follow=False)
    disk.set_times(".", TimeFlags.MTIM, modified=MODIFIED)
    assert (tmp_path / "link").lstat().st_mtime_ns == tmp_path.stat().st_mtime_ns == MODIFIED
    assert (tmp_path / "file").stat().st_mtime_ns != MODIFIED
    assert disk.path_filestat_get("file").modified == START
    disk.call("fd_filestat_set_times", WORKSPACE, 0, 2**64 - 1, TimeFlags.MTIM)
    assert disk.fd_filestat_get(WORKSPACE).modified == 2**64 - 1


@pytest.mark.parametrize("flags", [1 << 4, 1 << 16, 3, 12, 15])
@every_engine
def test_flags_of_times_that_make_no_sense(start: Starter, tmp_path: Path, flags: int) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match="INVAL"):
        workspace(start, tmp_path).set_times("file", flags)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        pytest.param("path_filestat_get", (2, PATH, 4, RESULT), id="path_filestat_get"),
        pytest.param("path_filestat_set_times", (2, PATH, 4, 0, 0, 0), id="path_filestat_set_times"),
        pytest.param("path_link", (2, PATH, 4, WORKSPACE, OTHER, 3), id="path_link"),
        pytest.param("path_open", (2, PATH, 4, 0, 0, 0, 0, RESULT), id="path_open"),
        pytest.param("path_open", (0, PATH, 4, 0, 0, 0, 1 << 5, RESULT), id="path_open-fdflags"),
    ],
)
@every_engine
def test_unknown_lookup_flags_are_refused(
    start: Starter, tmp_path: Path, function: str, arguments: tuple[int, ...]
) -> None:
    (tmp_path / "file").touch()
    disk = workspace(start, tmp_path)
    disk.path("file")
    disk.path("new", OTHER)
    assert disk.guest(function, WORKSPACE, *arguments) is Errno.INVAL


@every_engine
def test_hard_links_share_an_inode_and_count(start: Starter, tmp_path: Path) -> None:
    disk = workspace(start, tmp_path)
    disk.create("one", b"text")
    disk.path_link("one", "two")
    one, two = disk.path_filestat_get("one"), disk.path_filestat_get("two")
    assert one == two
    assert one.links == 2
    disk.path_unlink_file("one")
    assert disk.path_filestat_get("two")[:4] == (0, one.inode, FileType.REGULAR_FILE, 1)


@every_engine
def test_a_new_file_has_a_new_inode_whatever_the_disk_does(start: Starter, tmp_path: Path) -> None:
    disk = workspace(start, tmp_path)
    inodes = []
    for number in range(20):
        disk.create("file")
        inodes.append(disk.path_filestat_get("file").inode)
        if number % 2:
            disk.path_unlink_file("file")
        else:
            disk.create("other")
            inodes.append(disk.path_filestat_get("other").inode)
            disk.path_rename("other", "file")
            disk.path_unlink_file("file")
        disk.path_create_directory("file")
        inodes.append(disk.path_filestat_get("file").inode)
        disk.path_remove_directory("file")
    assert inodes == list(range(4, 4 + len(inodes)))


@every_engine
def test_renaming_a_file_to_another_name_of_it_changes_nothing(start: Starter, tmp_path: Path) -> None:
    disk = workspace(start, tmp_path)
    disk.create("one", b"text")
    alone = disk.path_filestat_get("one")
    disk.path_rename("one", "one")
    assert disk.path_filestat_get("one") == alone
    disk.path_link("one", "two")
    disk.path_rename("one", "two")
    assert disk.path_filestat_get("one") == disk.path_filestat_get("two")
    assert disk.names() == ["one", "two"]


@every_engine
def test_a_file_that_is_replaced_under_one_of_its_names_has_changed(start: Starter, tmp_path: Path) -> None:
    disk = workspace(start, tmp_path)
    disk.create("one")
    disk.path_link("one", "two")
    disk.create("other")
    disk.call("clock_time_get", 0, 0, RESULT)
    disk.path_rename("other", "two")
    replaced = disk.path_filestat_get("one")
    assert (replaced.links, replaced.modified, replaced.changed) == (1, START, START + STEP)


@pytest.mark.parametrize(
    ("mode", "links", "forgotten"),
    [
        pytest.param(stat.S_IFREG, 1, True, id="last-name"),
        pytest.param(stat.S_IFREG, 2, False, id="one-of-two-names"),
        pytest.param(stat.S_IFLNK, 1, True, id="link"),
        pytest.param(stat.S_IFDIR, 2, True, id="directory"),
    ],
)
def test_what_is_gone_is_forgotten(mode: int, links: int, forgotten: bool) -> None:
    """So that what the host makes of its number is not taken for it, and memory does not fill."""
    tree = Tree(FakeClock(0, 0, 1), 0)
    status = os.stat_result((mode, 77, 1, links, 0, 0, 0, 0, 0, 0))
    before = tree.node(status).inode
    tree.removed(status)
    assert (tree.node(status).inode != before) == forgotten


@every_engine
def test_one_folder_under_two_names_is_one(start: Starter, tmp_path: Path) -> None:
    config = WasiConfig(directories=(Directory("workspace", tmp_path), Directory("/workspace", tmp_path)))
    disk = workspace(start, tmp_path, config=config)
    disk.create("file", b"text", fd=3)
    assert disk.path_filestat_get("file", fd=3) == disk.path_filestat_get("file", fd=4)
    disk.path_rename("file", "moved", fd=3, to=4)
    assert disk.contents("moved", fd=3) == b"text"


def test_two_guests_are_told_the_same_of_equal_folders(tmp_path: Path) -> None:
    told = []
    for number, engine in enumerate(("purepy", "pywasm", "purepy")):
        folder = tmp_path / str(number)
        for name in sorted("abcdef", reverse=bool(number % 2)):
            (folder / name).mkdir(parents=True)
            (folder / name / "file").write_text(name)
        disk = workspace(Starter(engine), folder)
        disk.create("new", b"text")
        told.append([disk.fd_readdir(WORKSPACE), *(disk.path_filestat_get(name) for name in ("new", "a", "c/file"))])
    assert told[0] == told[1] == told[2]


@pytest.mark.parametrize(("module", "size"), [("wasi_snapshot_preview1", 64), ("wasi_unstable", 56)])
@every_engine
def test_the_record_has_its_size(start: Starter, tmp_path: Path, module: str, size: int) -> None:
    (tmp_path / "file").touch()
    disk = workspace(start, tmp_path, module=module)
    disk.guest.memory.write(DATA, b"\xaa" * 80)
    disk.call("path_filestat_get", WORKSPACE, 0, *disk.path("file"), DATA)
    assert disk.guest.memory.read(DATA, 80)[size:] == b"\xaa" * (80 - size)
    assert disk.guest("path_filestat_get", WORKSPACE, 0, *disk.path("file"), 65_537 - size) is Errno.FAULT
