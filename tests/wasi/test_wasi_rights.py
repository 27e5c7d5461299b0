"""Rights on files and directories: what is granted, what is left out, what is refused, and with which errno."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from wasi_disk import ALL, DATA, ENTER, LIST, NEW, OTHER, PATH, READ, RESULT, VECTORS, WORKSPACE, WRITE, Disk, Refused
from wasi_disk import workspace as make
from wasi_guests import Starter, every_engine

from reference_host.wasi.types import Errno, FdFlags, OpenFlags, Rights

FILE_RIGHTS = (
    Rights.FD_DATASYNC
    | Rights.FD_READ
    | Rights.FD_SEEK
    | Rights.FD_FDSTAT_SET_FLAGS
    | Rights.FD_SYNC
    | Rights.FD_TELL
    | Rights.FD_WRITE
    | Rights.FD_ADVISE
    | Rights.FD_ALLOCATE
    | Rights.FD_FILESTAT_GET
    | Rights.FD_FILESTAT_SET_SIZE
    | Rights.FD_FILESTAT_SET_TIMES
    | Rights.POLL_FD_READWRITE
)

DIRECTORY_RIGHTS = (
    Rights(sum(right for right in Rights if "PATH_" in str(right.name)))
    | Rights.FD_READDIR
    | Rights.FD_FDSTAT_SET_FLAGS
    | Rights.FD_SYNC
    | Rights.FD_DATASYNC
    | Rights.FD_FILESTAT_GET
    | Rights.FD_FILESTAT_SET_TIMES
)

READ_ONLY_FILE_RIGHTS = FILE_RIGHTS & ~(
    Rights.FD_WRITE | Rights.FD_ALLOCATE | Rights.FD_FILESTAT_SET_SIZE | Rights.FD_FILESTAT_SET_TIMES
)

READ_ONLY_DIRECTORY_RIGHTS = (
    Rights.FD_READDIR
    | Rights.FD_FDSTAT_SET_FLAGS
    | Rights.FD_SYNC
    | Rights.FD_DATASYNC
    | Rights.FD_FILESTAT_GET
    | Rights.PATH_OPEN
    | Rights.PATH_READLINK
    | Rights.PATH_FILESTAT_GET
)


def workspace(start: Starter, folder: Path, *, writable: bool = True) -> Disk:
    (folder / "file").write_bytes(b"text")
    (folder / "empty").mkdir()
    (folder / "sub").mkdir()
    (folder / "sub" / "file").write_bytes(b"below")
    (folder / "link").symlink_to("file")
    return make(start, folder, writable=writable)


@pytest.mark.parametrize(
    ("writable", "rights", "file_rights"),
    [
        pytest.param(True, DIRECTORY_RIGHTS, FILE_RIGHTS, id="writable"),
        pytest.param(False, READ_ONLY_DIRECTORY_RIGHTS, READ_ONLY_FILE_RIGHTS, id="read-only"),
    ],
)
@every_engine
def test_a_preopened_directory_has_all_rights_that_apply(
    start: Starter, tmp_path: Path, writable: bool, rights: Rights, file_rights: Rights
) -> None:
    disk = workspace(start, tmp_path, writable=writable)
    assert disk.fd_fdstat_get(WORKSPACE) == (3, FdFlags(0), rights, rights | file_rights)


@every_engine
def test_rights_that_do_not_apply_are_left_out(start: Starter, tmp_path: Path) -> None:
    disk = workspace(start, tmp_path)
    file = disk.path_open("file", 2**64 - 1, inheriting=2**64 - 1)
    assert disk.fd_fdstat_get(file) == (4, FdFlags(0), FILE_RIGHTS, Rights(0))
    sub = disk.path_open("sub", 2**64 - 1 & ~Rights.FD_WRITE, inheriting=2**64 - 1)
    assert disk.fd_fdstat_get(sub) == (3, FdFlags(0), DIRECTORY_RIGHTS, DIRECTORY_RIGHTS | FILE_RIGHTS)


@every_engine
def test_a_descriptor_has_the_rights_that_were_asked_for(start: Starter, tmp_path: Path) -> None:
    disk = workspace(start, tmp_path)
    assert disk.fd_fdstat_get(disk.path_open("file", READ))[2] == READ
    assert disk.fd_fdstat_get(disk.path_open("sub", LIST, inheriting=READ))[2:] == (LIST, READ)
    assert disk.fd_fdstat_get(disk.path_open("file", 0))[2] == 0


@every_engine
def test_rights_are_inherited_and_never_grow(start: Starter, tmp_path: Path) -> None:
    disk = workspace(start, tmp_path)
    sub = disk.path_open("sub", LIST, inheriting=READ | Rights.PATH_OPEN)
    assert disk.contents("file", fd=sub) == b"below"
    for rights, inheriting in ((WRITE, 0), (READ | Rights.FD_SYNC, 0)):
        with pytest.raises(Refused, match="NOTCAPABLE"):
            disk.path_open("file", rights, fd=sub, inheriting=inheriting)
    with pytest.raises(Refused, match="NOTCAPABLE"):
        disk.path_open(".", LIST, fd=sub)
    with pytest.raises(Refused, match="NOTCAPABLE"):
        disk.path_open(".", Rights.PATH_OPEN, fd=sub, inheriting=WRITE)
    again = disk.path_open(".", Rights.PATH_OPEN, fd=sub, inheriting=READ)
    assert disk.contents("file", fd=again) == b"below"


@every_engine
def test_inheriting_rights_can_be_given_up_but_not_taken(start: Starter, tmp_path: Path) -> None:
    disk = workspace(start, tmp_path)
    disk.call("fd_fdstat_set_rights", WORKSPACE, Rights.PATH_OPEN, READ)
    with pytest.raises(Refused, match="NOTCAPABLE"):
        disk.call("fd_fdstat_set_rights", WORKSPACE, Rights.PATH_OPEN, WRITE)
    with pytest.raises(Refused, match="NOTCAPABLE"):
        disk.path_open("file", WRITE)
    assert disk.contents("file") == b"text"


Action = Callable[[Disk], object]

NEEDED = [
    pytest.param(Rights.PATH_OPEN, lambda d: d.path_open("file"), id="path_open"),
    pytest.param(Rights.PATH_CREATE_FILE, lambda d: d.path_open("new", READ, OpenFlags.CREAT), id="creat"),
    pytest.param(Rights.PATH_FILESTAT_SET_SIZE, lambda d: d.path_open("file", READ, OpenFlags.TRUNC), id="trunc"),
    pytest.param(Rights.FD_DATASYNC, lambda d: d.path_open("file", fd_flags=FdFlags.DSYNC), id="dsync"),
    pytest.param(Rights.FD_SYNC, lambda d: d.path_open("file", fd_flags=FdFlags.RSYNC), id="rsync"),
    pytest.param(Rights.FD_SYNC, lambda d: d.path_open("file", fd_flags=FdFlags.SYNC), id="sync"),
    pytest.param(Rights.FD_READDIR, lambda d: d.fd_readdir(WORKSPACE), id="fd_readdir"),
    pytest.param(Rights.FD_FILESTAT_GET, lambda d: d.fd_filestat_get(WORKSPACE), id="fd_filestat_get"),
    pytest.param(
        Rights.FD_FILESTAT_SET_TIMES,
        lambda d: d.call("fd_filestat_set_times", WORKSPACE, 0, 0, 0),
        id="fd_filestat_set_times",
    ),
    pytest.param(Rights.PATH_FILESTAT_GET, lambda d: d.path_filestat_get("file"), id="path_filestat_get"),
    pytest.param(Rights.PATH_FILESTAT_SET_TIMES, lambda d: d.set_times("file", 0), id="path_filestat_set_times"),
    pytest.param(Rights.PATH_CREATE_DIRECTORY, lambda d: d.path_create_directory("new"), id="path_create_directory"),
    pytest.param(Rights.PATH_REMOVE_DIRECTORY, lambda d: d.path_remove_directory("empty"), id="path_remove_directory"),
    pytest.param(Rights.PATH_UNLINK_FILE, lambda d: d.path_unlink_file("file"), id="path_unlink_file"),
    pytest.param(Rights.PATH_RENAME_SOURCE, lambda d: d.path_rename("file", "new"), id="path_rename-source"),
    pytest.param(Rights.PATH_RENAME_TARGET, lambda d: d.path_rename("file", "new"), id="path_rename-target"),
    pytest.param(Rights.PATH_LINK_SOURCE, lambda d: d.path_link("file", "new"), id="path_link-source"),
    pytest.param(Rights.PATH_LINK_TARGET, lambda d: d.path_link("file", "new"), id="path_link-target"),
    pytest.param(Rights.PATH_SYMLINK, lambda d: d.path_symlink("file", "new"), id="path_symlink"),
    pytest.param(Rights.PATH_READLINK, lambda d: d.path_readlink("link"), id="path_readlink"),
]

CHANGING = [case for case in NEEDED if case.values[0] not in list(READ_ONLY_DIRECTORY_RIGHTS)]


@pytest.mark.parametrize(("right", "action"), NEEDED)
@every_engine
def test_what_a_right_is_for(start: Starter, tmp_path: Path, right: Rights, action: Action) -> None:
    disk = workspace(start, tmp_path)
    disk.call("fd_fdstat_set_rights", WORKSPACE, DIRECTORY_RIGHTS & ~right, READ)
    with pytest.raises(Refused, match="NOTCAPABLE"):
        action(disk)
    if right not in (Rights.FD_READDIR, Rights.FD_FILESTAT_GET, Rights.FD_FILESTAT_SET_TIMES):
        again = make(start, tmp_path)
        again.call("fd_fdstat_set_rights", WORKSPACE, DIRECTORY_RIGHTS, READ)
        action(again)


@pytest.mark.parametrize(("_right", "action"), CHANGING)
@every_engine
def test_where_a_guest_may_only_read_nothing_changes(
    start: Starter, tmp_path: Path, _right: Rights, action: Action
) -> None:
    disk = workspace(start, tmp_path, writable=False)
    before = sorted((path, path.lstat().st_mtime_ns) for path in tmp_path.rglob("*"))
    with pytest.raises(Refused, match="ROFS"):
        action(disk)
    assert sorted((path, path.lstat().st_mtime_ns) for path in tmp_path.rglob("*")) == before


@every_engine
def test_where_a_guest_may_only_read_it_can_read(start: Starter, tmp_path: Path) -> None:
    disk = workspace(start, tmp_path, writable=False)
    assert disk.contents("link") == b"text"
    assert disk.names("sub") == ["file"]
    assert disk.path_filestat_get("file").size == 4
    with pytest.raises(Refused, match="ROFS"):
        disk.path_open("file", WRITE)
    # Go asks for these to read; wasi-libc for what the directory lets inherit.
    file = disk.path_open("file", ALL & ~Rights.FD_WRITE, inheriting=ALL)
    assert disk.fd_fdstat_get(file)[2] == READ_ONLY_FILE_RIGHTS
    for function, arguments in (
        ("fd_write", (VECTORS, 0, RESULT)),
        ("fd_pwrite", (VECTORS, 0, 0, RESULT)),
        ("fd_filestat_set_size", (0,)),
        ("fd_filestat_set_times", (0, 0, 0)),
        ("fd_allocate", (0, 1)),
    ):
        assert disk.guest(function, file, *arguments) is Errno.ROFS
    sub = disk.path_open("sub", ENTER, inheriting=ALL)
    assert disk.fd_fdstat_get(sub)[2:] == (
        READ_ONLY_DIRECTORY_RIGHTS,
        READ_ONLY_DIRECTORY_RIGHTS | READ_ONLY_FILE_RIGHTS,
    )
    with pytest.raises(Refused, match="ROFS"):
        disk.create("new", fd=sub)


@every_engine
def test_seeking_nowhere_takes_the_right_to_tell_only(start: Starter, tmp_path: Path) -> None:
    disk = workspace(start, tmp_path)
    teller = disk.path_open("file", Rights.FD_READ | Rights.FD_TELL)
    disk.fd_read(teller, 2)
    assert disk.fd_seek(teller, 0, 1) == disk.fd_tell(teller) == 2
    for offset, whence in ((1, 1), (0, 0), (0, 2), (0, 3)):
        with pytest.raises(Refused, match="NOTCAPABLE"):
            disk.fd_seek(teller, offset, whence)
    with pytest.raises(Refused, match="NOTCAPABLE"):
        disk.fd_pread(teller, 1, 0)
    seeker = disk.path_open("file", Rights.FD_READ | Rights.FD_SEEK)
    assert disk.fd_tell(seeker) == disk.fd_seek(seeker, 0, 1) == 0
    neither = disk.path_open("file", Rights.FD_READ)
    for function in (disk.fd_tell, lambda fd: disk.fd_seek(fd, 0, 1)):
        with pytest.raises(Refused, match="NOTCAPABLE"):
            function(neither)


ON_DESCRIPTORS = {
    "fd_advise": (0, 10, 0),
    "fd_allocate": (0, 10),
    "fd_filestat_set_size": (1,),
    "fd_pread": (VECTORS, 0, 0, RESULT),
    "fd_pwrite": (VECTORS, 0, 0, RESULT),
    "fd_read": (VECTORS, 0, RESULT),
    "fd_readdir": (DATA, 8, 0, RESULT),
    "fd_seek": (0, 0, RESULT),
    "fd_tell": (RESULT,),
    "fd_write": (VECTORS, 0, RESULT),
    "path_create_directory": (PATH, 1),
    "path_filestat_get": (0, PATH, 1, RESULT),
    "path_filestat_set_times": (0, PATH, 1, 0, 0, 0),
    "path_link": (0, PATH, 1, 3, PATH, 1),
    "path_open": (0, PATH, 1, 0, 0, 0, 0, RESULT),
    "path_readlink": (PATH, 1, DATA, 8, RESULT),
    "path_remove_directory": (PATH, 1),
    "path_rename": (PATH, 1, 3, OTHER, 1),
    "path_unlink_file": (PATH, 1),
    "sock_accept": (0, RESULT),
    "sock_shutdown": (3,),
}

ON_A_DIRECTORY = {
    "fd_advise": Errno.BADF,
    "fd_allocate": Errno.BADF,
    "fd_filestat_set_size": Errno.INVAL,
    "fd_pread": Errno.ISDIR,
    "fd_pwrite": Errno.BADF,
    "fd_read": Errno.ISDIR,
    "fd_seek": Errno.BADF,
    "fd_tell": Errno.BADF,
    "fd_write": Errno.BADF,
    "sock_accept": Errno.NOTSOCK,
    "sock_shutdown": Errno.NOTSOCK,
}

ON_A_FILE = {
    name: Errno.NOTSOCK if name.startswith("sock_") else Errno.NOTDIR
    for name in ON_DESCRIPTORS
    if name.startswith(("path_", "sock_", "fd_readdir"))
}


@pytest.mark.parametrize(
    ("path", "name", "errno"),
    [
        *(pytest.param("sub", name, errno, id=f"directory-{name}") for name, errno in ON_A_DIRECTORY.items()),
        *(pytest.param("file", name, errno, id=f"file-{name}") for name, errno in ON_A_FILE.items()),
    ],
)
@every_engine
def test_what_a_kind_can_never_do(start: Starter, tmp_path: Path, path: str, name: str, errno: Errno) -> None:
    disk = workspace(start, tmp_path)
    fd = disk.path_open(path, ENTER, inheriting=ALL)
    disk.guest.memory.write(PATH, b"x")
    assert disk.guest(name, fd, *ON_DESCRIPTORS[name]) is errno


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        pytest.param("path_rename", (WORKSPACE, PATH, 4, 1, PATH, 4), id="rename-to-a-stream"),
        pytest.param("path_link", (WORKSPACE, 0, PATH, 4, 1, PATH, 4), id="link-to-a-stream"),
        pytest.param("path_symlink", (PATH, 4, 1, PATH, 4), id="symlink-in-a-stream"),
    ],
)
@every_engine
def test_the_second_directory_must_be_one_too(
    start: Starter, tmp_path: Path, function: str, arguments: tuple[int, ...]
) -> None:
    disk = workspace(start, tmp_path)
    disk.guest.memory.write(PATH, b"file")
    assert disk.guest(function, *arguments) is Errno.NOTDIR


@every_engine
def test_a_file_is_made_with_no_more_than_was_asked_for(start: Starter, tmp_path: Path) -> None:
    disk = workspace(start, tmp_path)
    file = disk.path_open("new", Rights.FD_READ, NEW)
    with pytest.raises(Refused, match="NOTCAPABLE"):
        disk.fd_write(file, b"x")
    assert disk.fd_read(file) == b""


@every_engine
def test_what_is_open_to_read_cannot_be_cut(start: Starter, tmp_path: Path) -> None:
    disk = workspace(start, tmp_path)
    file = disk.path_open("file", ALL & ~Rights.FD_WRITE)
    assert disk.guest("fd_filestat_set_size", file, 0) is Errno.INVAL
    assert disk.guest("fd_allocate", file, 0, 10) is Errno.BADF
    assert (tmp_path / "file").read_bytes() == b"text"
