"""A guest is kept inside its workspace, whatever path it says, whatever links lie there, and whoever moves them."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from wasi_disk import ALL, DATA, ENTER, PATH, READ, RESULT, WORKSPACE, WRITE, Refused, workspace
from wasi_guests import Starter, every_engine
from wasi_sandbox_cases import ESCAPES, FOLLOWING, LINKS_OUT, ON_PATHS, Action, look, plant

from reference_host.wasi import Directory, WasiConfig
from reference_host.wasi.types import Errno, FileType, OpenFlags

PUREPY = Starter("purepy")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder with a secret, beside a workspace, with links of all kinds from the one to the other."""
    folder = tmp_path / "outside"
    plant(folder, tmp_path / "inside")
    return folder


@pytest.mark.parametrize("action", ON_PATHS.values(), ids=ON_PATHS)
@every_engine
def test_no_function_takes_a_path_out(start: Starter, tmp_path: Path, outside: Path, action: Action) -> None:
    before = look(tmp_path)
    disk = workspace(start, tmp_path / "inside")
    for path in ESCAPES:
        with pytest.raises(Refused, match="NOTCAPABLE"):
            action(disk, path)
    assert look(tmp_path) == before


@pytest.mark.parametrize("action", FOLLOWING.values(), ids=FOLLOWING)
@every_engine
def test_no_function_follows_a_link_out(start: Starter, tmp_path: Path, outside: Path, action: Action) -> None:
    before = look(tmp_path)
    disk = workspace(start, tmp_path / "inside")
    for path in LINKS_OUT:
        with pytest.raises(Refused, match="NOTCAPABLE"):
            action(disk, path)
    assert look(tmp_path) == before


@every_engine
def test_where_links_out_lead_is_not_told(start: Starter, tmp_path: Path, outside: Path) -> None:
    disk = workspace(start, tmp_path / "inside")
    for path in (*LINKS_OUT, "round", "relative", "sub/out", "sub/deep/chain"):
        if path == "sub/deep/chain":
            assert disk.path_readlink(path) == b"../out/secret", "as it is written, it stays inside"
            continue
        with pytest.raises(Refused, match="NOTCAPABLE"):
            disk.path_readlink(path)
    assert str(tmp_path).encode() not in disk.guest.memory.read(0, 65_536)


@every_engine
def test_dots_and_links_that_stay_inside_are_followed(start: Starter, tmp_path: Path, outside: Path) -> None:
    disk = workspace(start, tmp_path / "inside")
    for path in (
        "sub/../file",
        "sub/top/file",
        "dot/dot/file",
        "sub/deep/.././../file",
        "./file",
        "sub/top/sub/top/file",
    ):
        assert disk.contents(path) == b"inside"


@every_engine
def test_a_subdirectory_is_a_sandbox_of_its_own(start: Starter, tmp_path: Path, outside: Path) -> None:
    disk = workspace(start, tmp_path / "inside")
    sub = disk.path_open("sub", ENTER, OpenFlags.DIRECTORY, inheriting=ALL)
    for path in ("..", "../file", "deep/../../file", "top", "top/file"):
        with pytest.raises(Refused, match="NOTCAPABLE"):
            disk.path_open(path, fd=sub)
    with pytest.raises(Refused, match="NOTCAPABLE"):
        disk.path_readlink("top", fd=sub)
    assert disk.path_readlink("sub/top") == b".."


@pytest.mark.parametrize(
    ("path", "errno"),
    [
        pytest.param(b"", Errno.NOENT, id="empty"),
        pytest.param(b"a\0b", Errno.INVAL, id="a-nul"),
        pytest.param(b"file\0", Errno.INVAL, id="a-nul-at-the-end"),
        pytest.param(b"\xff\xfe", Errno.ILSEQ, id="no-utf-8"),
        pytest.param(b"\xed\xa0\x80", Errno.ILSEQ, id="a-surrogate"),
        pytest.param(b"\xc0\xae\xc0\xae/outside", Errno.ILSEQ, id="overlong-dots"),
        pytest.param(b"x" * 256, Errno.NAMETOOLONG, id="a-long-name"),
        pytest.param(b"sub/" * 1_024 + b"f", Errno.NAMETOOLONG, id="a-long-path"),
        pytest.param(b"./" * 2_048 + b"f", Errno.NAMETOOLONG, id="a-long-path-of-dots"),
        pytest.param(b"../" * 1_000, Errno.NOTCAPABLE, id="a-thousand-times-up"),
        pytest.param(b"sub\\..\\..\\outside", Errno.NOENT, id="backslashes"),
        pytest.param(b"...", Errno.NOENT, id="three-dots"),
        pytest.param("\uff0e\uff0e/outside".encode(), Errno.NOENT, id="wide-dots"),
        pytest.param(b".. /outside", Errno.NOENT, id="dots-and-a-blank"),
        pytest.param(b"~/x", Errno.NOENT, id="a-tilde"),
        pytest.param(b"%2e%2e/outside", Errno.NOENT, id="percent-dots"),
    ],
)
@every_engine
def test_strange_paths(start: Starter, tmp_path: Path, outside: Path, path: bytes, errno: Errno) -> None:
    disk = workspace(start, tmp_path / "inside")
    disk.guest.memory.write(DATA, path)
    for function, arguments in (
        ("path_open", (0, DATA, len(path), 0, 0, 0, 0, RESULT)),
        ("path_filestat_get", (1, DATA, len(path), RESULT)),
        ("path_remove_directory", (DATA, len(path))),
        ("path_unlink_file", (DATA, len(path))),
        ("path_readlink", (DATA, len(path), DATA, 8, RESULT)),
    ):
        assert disk.guest(function, WORKSPACE, *arguments) is errno


@pytest.mark.parametrize(
    ("address", "length", "errno"),
    [
        pytest.param(65_536, 1, Errno.FAULT, id="behind-memory"),
        pytest.param(65_535, 2, Errno.FAULT, id="over-the-end"),
        pytest.param(PATH, 2**32 - 1, Errno.FAULT, id="4-gib"),
        pytest.param(2**32 - 1, 2**32 - 1, Errno.FAULT, id="that-would-wrap"),
        pytest.param(0, 65_536, Errno.NAMETOOLONG, id="all-of-memory"),
    ],
)
@every_engine
def test_paths_must_lie_in_memory(start: Starter, tmp_path: Path, address: int, length: int, errno: Errno) -> None:
    disk = workspace(start, tmp_path)
    disk.path("x")
    for function, arguments in (
        ("path_open", (0, address, length, 0, 0, 0, 0, RESULT)),
        ("path_create_directory", (address, length)),
        ("path_rename", (address, length, WORKSPACE, PATH, 1)),
        ("path_rename", (PATH, 1, WORKSPACE, address, length)),
        ("path_link", (0, PATH, 1, WORKSPACE, address, length)),
    ):
        assert disk.guest(function, WORKSPACE, *arguments) is errno
    assert disk.guest("path_symlink", address, length, WORKSPACE, PATH, 1) is errno
    assert disk.guest("path_symlink", PATH, 1, WORKSPACE, address, length) is errno


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        pytest.param("path_open", (0, PATH, 3, OpenFlags.CREAT, WRITE, 0, 0, 65_533), id="path_open"),
        pytest.param("path_filestat_get", (0, PATH, 3, 65_536 - 63), id="path_filestat_get"),
        pytest.param("path_readlink", (PATH, 3, 65_530, 8, RESULT), id="path_readlink-buffer"),
        pytest.param("path_readlink", (PATH, 3, DATA, 8, 65_533), id="path_readlink-result"),
    ],
)
@every_engine
def test_where_a_result_has_no_room_nothing_happens(
    start: Starter, tmp_path: Path, function: str, arguments: tuple[int, ...]
) -> None:
    disk = workspace(start, tmp_path)
    disk.path("new")
    assert disk.guest(function, WORKSPACE, *arguments) is Errno.FAULT
    assert list(tmp_path.iterdir()) == []


@every_engine
def test_links_and_depths_have_limits(start: Starter, tmp_path: Path) -> None:
    (tmp_path / "link0").write_bytes(b"at last")
    for number in range(41):
        (tmp_path / f"link{number + 1}").symlink_to(f"link{number}")
    (tmp_path / "wide").symlink_to("x/../" * 500 + "wide")
    (tmp_path / "x").mkdir()
    disk = workspace(start, tmp_path)
    assert disk.contents("link40") == b"at last"
    with pytest.raises(Refused, match="LOOP"):
        disk.path_open("link41")
    with pytest.raises(Refused, match="NAMETOOLONG"):
        disk.path_open("wide")
    here, deepest = WORKSPACE, 0
    for _ in range(2):
        path = "/".join("d" * 128)
        for depth in range(1, 129):
            disk.path_create_directory(path[: 2 * depth - 1], fd=here)
        with pytest.raises(Refused, match="NAMETOOLONG"):
            disk.path_open(path + "/d/file", fd=here)
        here, deepest = disk.path_open(path, ENTER, inheriting=ALL, fd=here), deepest + 128
    disk.create("file", b"deep", fd=here)
    assert disk.contents("file", fd=here) == b"deep"


@contextmanager
def listening(path: Path) -> Iterator[None]:
    """Have a socket at a path, which may be longer than the name of a socket."""
    with socket.socket(socket.AF_UNIX) as bound:
        before = Path.cwd()
        os.chdir(path.parent)
        try:
            bound.bind(path.name)
        finally:
            os.chdir(before)
        yield


@every_engine
def test_special_files_are_never_opened_and_never_waited_for(start: Starter, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with listening(tmp_path / "socket"):
        disk = workspace(start, tmp_path)
        for name, type_ in (("pipe", FileType.UNKNOWN), ("socket", FileType.SOCKET_STREAM)):
            for rights in (0, READ, WRITE):
                for flags in (0, OpenFlags.CREAT, OpenFlags.TRUNC, OpenFlags.DIRECTORY):
                    with pytest.raises(Refused, match="NOTCAPABLE"):
                        disk.path_open(name, rights, flags)
            assert disk.path_filestat_get(name)[2:5] == (type_, 1, 0)
            with pytest.raises(Refused, match="NOTDIR"):
                disk.path_open(f"{name}/x")
            disk.path_rename(name, "moved")
            disk.path_unlink_file("moved")


def swap_for_absolute_link(inside: Path, outside: Path) -> None:
    shutil.rmtree(inside / "sub")
    (inside / "sub").symlink_to(outside)


def swap_for_relative_link(inside: Path, _outside: Path) -> None:
    shutil.rmtree(inside / "sub")
    (inside / "sub").symlink_to("../outside")


def swap_file_for_link(inside: Path, outside: Path) -> None:
    (inside / "file").unlink()
    (inside / "file").symlink_to(outside / "secret")


def swap_file_for_pipe(inside: Path, _outside: Path) -> None:
    (inside / "file").unlink()
    os.mkfifo(inside / "file")


def swap_file_for_directory(inside: Path, _outside: Path) -> None:
    (inside / "file").unlink()
    (inside / "file").mkdir()


@pytest.mark.parametrize(
    ("path", "swap", "errno"),
    [
        pytest.param("sub/secret", swap_for_absolute_link, "NOTCAPABLE", id="directory-for-absolute-link"),
        pytest.param("sub/secret", swap_for_relative_link, "NOTCAPABLE", id="directory-for-relative-link"),
        pytest.param("file", swap_file_for_link, "LOOP", id="file-for-link"),
        pytest.param("file", swap_file_for_pipe, "NOTCAPABLE", id="file-for-pipe"),
        pytest.param("file", swap_file_for_directory, "NOTCAPABLE", id="file-for-directory"),
    ],
)
@pytest.mark.parametrize("flags", [0, OpenFlags.CREAT], ids=["open", "create"])
def test_who_swaps_something_at_the_worst_moment_opens_no_way_out(
    tmp_path: Path,
    outside: Path,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    swap: Callable[[Path, Path], None],
    errno: str,
    flags: int,
) -> None:
    """Between the look at a name and its opening."""
    disk = workspace(PUREPY, tmp_path / "inside")
    real, todo = os.open, [swap]

    def open_after_swapping(name: bytes, *arguments: Any, **more: Any) -> int:
        if todo and name == path.split("/")[0].encode():
            todo.pop()(tmp_path / "inside", outside)
        return real(name, *arguments, **more)

    monkeypatch.setattr(os, "open", open_after_swapping)
    with pytest.raises(Refused, match=errno):
        disk.path_open(path, READ, flags)
    assert not todo
    assert sorted(found.name for found in outside.iterdir()) == ["secret", "sub"]


def test_a_directory_that_is_moved_while_it_is_walked_leads_back_the_way_it_came(
    tmp_path: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = workspace(PUREPY, tmp_path / "inside")
    real = os.open

    def open_and_move(name: bytes, *arguments: Any, **more: Any) -> int:
        opened = real(name, *arguments, **more)
        if name == b"deep":
            (tmp_path / "inside" / "sub" / "deep").rename(outside / "deep")
        return opened

    monkeypatch.setattr(os, "open", open_and_move)
    for path in ("sub/deep/../../../secret", "sub/deep/../secret", "sub/deep/../../secret"):
        with pytest.raises(Refused, match=r"NOENT|NOTCAPABLE"):
            disk.path_open(path)
        (outside / "deep").rename(tmp_path / "inside" / "sub" / "deep")
    assert disk.contents("sub/deep/../../file") == b"inside"


@every_engine
def test_no_path_of_the_host_is_told(start: Starter, tmp_path: Path, outside: Path) -> None:
    config = WasiConfig(directories=(Directory("/workspace", tmp_path / "inside"),))
    disk = workspace(start, tmp_path, config=config)
    for action in (*ON_PATHS.values(), *FOLLOWING.values()):
        for path in ("missing/x", "file/x", "absolute", "sub", "x" * 300):
            with pytest.raises(Refused) as caught:
                action(disk, path + "/x/..")
            assert str(tmp_path) not in str(caught.value)
    assert os.fsencode(tmp_path) not in disk.guest.memory.read(0, 65_536)
