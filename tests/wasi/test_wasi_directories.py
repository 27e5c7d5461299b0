"""Directories of a workspace: preopened, made, listed, renamed, linked and removed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from wasi_disk import ALL, DATA, ENTER, LIST, NEW, RESULT, WORKSPACE, WRITE, Disk, Refused, workspace
from wasi_disk_cases import CHANGES, Action, look, plant
from wasi_guests import Starter, every_engine

from reference_host.errors import DirectoriesUnsupported, DirectoryUnusable, UsageError
from reference_host.wasi import Directory, Wasi, WasiConfig
from reference_host.wasi.layout import DIRENT
from reference_host.wasi.types import Errno, FileType, OpenFlags

DIRECTORY, FILE, LINK = FileType.DIRECTORY, FileType.REGULAR_FILE, FileType.SYMBOLIC_LINK


@pytest.mark.parametrize("module", ["wasi_snapshot_preview1", "wasi_unstable"])
@every_engine
def test_directories_are_preopened_from_3_on_in_order(start: Starter, tmp_path: Path, module: str) -> None:
    names = ("workspace", "/workspace", ".", "größe")
    config = WasiConfig(directories=tuple(Directory(name, tmp_path) for name in names))
    disk = Disk(start(config, module=module), module)
    assert tuple(disk.prestat(fd) for fd in range(3, 7)) == names
    for fd in (0, 1, 2, 7, 2**32 - 1):
        with pytest.raises(Refused, match="BADF"):
            disk.prestat(fd)
    disk.create("file", b"one folder", fd=3)
    assert disk.contents("file", fd=6) == b"one folder"


@every_engine
def test_only_preopened_directories_have_a_name(start: Starter, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    disk = workspace(start, tmp_path)
    with pytest.raises(Refused, match="BADF"):
        disk.prestat(disk.path_open("sub", LIST, OpenFlags.DIRECTORY))


@every_engine
def test_a_name_needs_room(start: Starter, tmp_path: Path) -> None:
    disk = workspace(start, tmp_path)
    disk.guest.memory.write(DATA, b"." * 20)
    with pytest.raises(Refused, match="NAMETOOLONG"):
        disk.call("fd_prestat_dir_name", WORKSPACE, DATA, 8)
    disk.call("fd_prestat_dir_name", WORKSPACE, DATA, 12)
    assert disk.guest.memory.read(DATA, 12) == b"workspace..."


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        pytest.param("missing", "No such file", id="missing"),
        pytest.param("file", "Not a directory", id="a-file"),
        pytest.param("pipe", "Not a directory", id="a-pipe"),
    ],
)
def test_what_is_no_folder_is_told(tmp_path: Path, folder: str, message: str) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DirectoryUnusable, match=message) as caught:
        Wasi(WasiConfig(directories=(Directory("workspace", tmp_path / folder),)))
    assert str(tmp_path / folder) in str(caught.value)


@pytest.mark.parametrize("lacking", ["supports_dir_fd", "supports_fd", "supports_follow_symlinks"])
def test_where_a_guest_could_not_be_kept_inside_there_are_no_directories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    monkeypatch.setattr(os, lacking, frozenset())
    with pytest.raises(DirectoriesUnsupported, match="no directory can be given to a guest here"):
        Wasi(WasiConfig(directories=(Directory("workspace", tmp_path),)))
    Wasi()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        pytest.param([""], "needs a name", id="no-name"),
        pytest.param(["a\0b"], "NUL", id="a-nul"),
        pytest.param(["\ud800"], "surrogate", id="a-lone-surrogate"),
        pytest.param(["a", "b", "a"], "one name", id="twice"),
        pytest.param([str(number) for number in range(65)], "can have 64", id="too-many"),
    ],
)
def test_names_that_no_guest_can_be_given(tmp_path: Path, names: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        WasiConfig(directories=tuple(Directory(name, tmp_path) for name in names))


@pytest.mark.parametrize(("action", "added", "gone"), CHANGES)
@every_engine
def test_what_changes_and_nothing_else(
    start: Starter, tmp_path: Path, action: Action, added: dict[str, object] | Errno, gone: list[str]
) -> None:
    plant(tmp_path)
    before = look(tmp_path)
    disk = workspace(start, tmp_path)
    if isinstance(added, Errno):
        with pytest.raises(Refused, match=f"^{added.name}$"):
            action(disk)
        assert look(tmp_path) == before
    else:
        action(disk)
        assert look(tmp_path) == {name: what for name, what in before.items() if name not in gone} | added


@pytest.mark.parametrize(
    ("path", "target"), [("to-file", b"file"), ("to-nothing", b"nothing"), ("up", b"full/../file"), ("loop", b"loop")]
)
@every_engine
def test_links_can_be_read(start: Starter, tmp_path: Path, path: str, target: bytes) -> None:
    plant(tmp_path)
    disk = workspace(start, tmp_path)
    assert disk.path_readlink(path) == target
    assert disk.path_readlink(path, 3) == target[:3]
    assert disk.path_filestat_get(path, follow=False)[2:5] == (LINK, 1, len(target))


@every_engine
def test_paths_start_from_any_open_directory(start: Starter, tmp_path: Path) -> None:
    plant(tmp_path)
    disk = workspace(start, tmp_path)
    full = disk.path_open("full", ENTER, OpenFlags.DIRECTORY, inheriting=ALL)
    assert disk.contents("inner", fd=full) == b"inner"
    disk.path_rename("inner", "empty/moved", fd=full, to=WORKSPACE)
    disk.path_rename("full", "renamed")
    disk.create("made", b"made", fd=full)
    assert (tmp_path / "renamed" / "made").read_bytes() == b"made"
    assert (tmp_path / "empty" / "moved").read_bytes() == b"inner"


@every_engine
def test_entries_are_listed_by_name_after_the_dots(start: Starter, tmp_path: Path) -> None:
    plant(tmp_path)
    (tmp_path / "Ärger").touch()
    (tmp_path / "Z").touch()
    disk = workspace(start, tmp_path)
    listed = disk.entries(disk.path_open(".", LIST, OpenFlags.DIRECTORY))
    assert [(name, type_) for name, type_, _ in listed] == [
        (".", DIRECTORY),
        ("..", DIRECTORY),
        ("Z", FILE),
        ("empty", DIRECTORY),
        ("file", FILE),
        ("full", DIRECTORY),
        ("loop", LINK),
        ("pipe", FileType.UNKNOWN),
        ("to-file", LINK),
        ("to-full", LINK),
        ("to-nothing", LINK),
        ("up", LINK),
        ("Ärger", FILE),
    ]
    for name, _, inode in listed[2:]:
        assert disk.path_filestat_get(name, follow=False).inode == inode


@every_engine
def test_the_dots_lead_to_the_directory_and_the_one_above_it(start: Starter, tmp_path: Path) -> None:
    plant(tmp_path)
    disk = workspace(start, tmp_path)
    top, below = disk.path_filestat_get(".").inode, disk.path_filestat_get("full").inode
    assert [inode for _, _, inode in disk.entries(WORKSPACE)[:2]] == [top, top]
    assert [inode for _, _, inode in disk.entries(disk.path_open("full", LIST))[:2]] == [below, top]


@every_engine
def test_a_small_buffer_is_filled_to_its_end_and_a_cookie_goes_on(start: Starter, tmp_path: Path) -> None:
    for name in ("aa", "bb", "cc"):
        (tmp_path / name).touch()
    disk = workspace(start, tmp_path)
    everything = disk.fd_readdir(WORKSPACE)
    assert len(everything) == 25 + 26 + 3 * 26
    for length in range(1, len(everything)):
        assert disk.fd_readdir(WORKSPACE, length=length) == everything[:length]
    cookies, cookie = [], 0
    while record := disk.fd_readdir(WORKSPACE, cookie, DIRENT.size):
        cookie = DIRENT.unpack(record)[0]
        cookies.append(cookie)
    assert cookies == [1, 2, 3, 4, 5]
    for behind in (5, 6, 2**63, 2**64 - 1):
        assert disk.fd_readdir(WORKSPACE, behind) == b""
    assert disk.fd_readdir(WORKSPACE, 0, 0) == b""


@every_engine
def test_a_listing_that_was_begun_misses_nothing_while_entries_go(start: Starter, tmp_path: Path) -> None:
    names = [f"{number:02}" for number in range(30)]
    for name in names:
        (tmp_path / name).touch()
    disk = workspace(start, tmp_path)
    cookie, seen = 0, []
    while record := disk.fd_readdir(WORKSPACE, cookie, DIRENT.size + 2):
        cookie, _inode, length, type_ = DIRENT.unpack_from(record)
        if type_ == FILE:
            name = record[DIRENT.size :][:length].decode()
            seen.append(name)
            disk.path_unlink_file(name)
    assert seen == names
    assert disk.names() == []


@every_engine
def test_a_listing_is_begun_anew_with_cookie_0(start: Starter, tmp_path: Path) -> None:
    disk = workspace(start, tmp_path)
    assert len(disk.entries(WORKSPACE)) == 2
    disk.create("file")
    assert disk.fd_readdir(WORKSPACE, 2) == b""
    assert len(disk.entries(WORKSPACE)) == 3


@every_engine
def test_of_many_listings_the_old_ones_are_made_again(start: Starter, tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number}" / "inner").mkdir(parents=True)
    disk = workspace(start, tmp_path)
    opened = [disk.path_open(str(number), LIST) for number in range(20)]
    for fd in opened:
        disk.fd_readdir(fd, 0, DIRENT.size)
    for fd in opened:
        assert disk.fd_readdir(fd, 2)[DIRENT.size :] == b"inner"


def test_names_that_wasi_cannot_say_are_left_out(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff\xfe")).touch()
    (tmp_path / "file").touch()
    disk = workspace(Starter("purepy"), tmp_path)
    assert disk.names() == ["file"]


@every_engine
def test_many_entries_over_several_reads(start: Starter, tmp_path: Path) -> None:
    disk = workspace(start, tmp_path)
    names = sorted(f"a-rather-long-name-{number}" for number in range(600))
    for name in names:
        (tmp_path / name).touch()
    cookie, seen = 0, []
    while True:
        records = disk.fd_readdir(WORKSPACE, cookie, 4_096)
        at = 0
        while at + DIRENT.size <= len(records):
            following, _inode, length, _type = DIRENT.unpack_from(records, at)
            if at + DIRENT.size + length > len(records):
                break
            seen.append(records[at + DIRENT.size :][:length].decode())
            cookie, at = following, at + DIRENT.size + length
        if len(records) < 4_096:
            break
    assert seen == [".", "..", *names]


@every_engine
def test_a_directory_that_is_gone_holds_nothing(start: Starter, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    disk = workspace(start, tmp_path)
    sub = disk.path_open("sub", ENTER, inheriting=ALL)
    disk.path_remove_directory("sub")
    with pytest.raises(Refused, match="NOENT"):
        disk.create("file", fd=sub)
    assert [name for name, _, _ in disk.entries(sub)] == [".", ".."]


@every_engine
def test_a_whole_workspace_that_is_gone_is_only_an_errno(start: Starter, tmp_path: Path) -> None:
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / "file").touch()
    disk = workspace(start, folder)
    shutil.rmtree(folder)
    for path, flags in (("file", 0), ("new", NEW)):
        with pytest.raises(Refused, match="NOENT"):
            disk.path_open(path, WRITE, flags)


@pytest.mark.parametrize("function", ["fd_prestat_get", "fd_readdir"])
@every_engine
def test_results_must_lie_in_memory(start: Starter, tmp_path: Path, function: str) -> None:
    disk = workspace(start, tmp_path)
    arguments = {"fd_prestat_get": (65_529,), "fd_readdir": (DATA, 8, 0, 65_533)}[function]
    assert disk.guest(function, WORKSPACE, *arguments) is Errno.FAULT
    if function == "fd_readdir":
        assert disk.guest(function, WORKSPACE, DATA, 65_536, 0, RESULT) is Errno.FAULT
