"""What guests do with files and directories, as tables: the answer, or what is on the disk afterwards."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from wasi_disk import LIST, NEW, READ, WRITE, Disk

from reference_host.wasi.types import Errno, OpenFlags

CREAT, DIRECTORY, TRUNC = OpenFlags.CREAT, OpenFlags.DIRECTORY, OpenFlags.TRUNC


def plant(folder: Path) -> None:
    """Make one of each."""
    (folder / "file").write_bytes(b"text")
    (folder / "empty").mkdir()
    (folder / "full").mkdir()
    (folder / "full" / "inner").write_bytes(b"inner")
    (folder / "to-file").symlink_to("file")
    (folder / "to-full").symlink_to("full")
    (folder / "to-nothing").symlink_to("nothing")
    (folder / "up").symlink_to("full/../file")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")


def look(folder: Path) -> dict[str, object]:
    """Tell all that is in a folder."""
    seen: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            seen[name] = f"-> {path.readlink()}"
        else:
            seen[name] = path.read_bytes() if path.is_file() else None
    return seen


Action = Callable[[Disk], object]

CHANGES = [
    pytest.param(lambda d: d.path_create_directory("new"), {"new": None}, [], id="mkdir"),
    pytest.param(lambda d: d.path_create_directory("new/"), {"new": None}, [], id="mkdir-with-a-slash"),
    pytest.param(lambda d: d.path_create_directory("to-full/new"), {"full/new": None}, [], id="mkdir-behind-a-link"),
    pytest.param(lambda d: d.path_remove_directory("empty"), {}, ["empty"], id="rmdir"),
    pytest.param(lambda d: d.path_remove_directory("empty/"), {}, ["empty"], id="rmdir-with-a-slash"),
    pytest.param(lambda d: d.path_unlink_file("file"), {}, ["file"], id="unlink"),
    pytest.param(lambda d: d.path_unlink_file("to-full"), {}, ["to-full"], id="unlink-a-link"),
    pytest.param(lambda d: d.path_unlink_file("pipe"), {}, ["pipe"], id="unlink-a-pipe"),
    pytest.param(lambda d: d.path_unlink_file("full/../file"), {}, ["file"], id="unlink-up-and-down"),
    pytest.param(lambda d: d.path_rename("file", "new"), {"new": b"text"}, ["file"], id="rename"),
    pytest.param(lambda d: d.path_rename("file", "full/inner"), {"full/inner": b"text"}, ["file"], id="rename-over"),
    pytest.param(lambda d: d.path_rename("empty", "new/"), {"new": None}, ["empty"], id="rename-a-directory"),
    pytest.param(
        lambda d: d.path_rename("full", "empty"),
        {"empty/inner": b"inner"},
        ["full", "full/inner"],
        id="rename-over-an-empty-directory",
    ),
    pytest.param(lambda d: d.path_rename("to-file", "new"), {"new": "-> file"}, ["to-file"], id="rename-a-link"),
    pytest.param(lambda d: d.path_rename("file", "file"), {}, [], id="rename-to-itself"),
    pytest.param(lambda d: d.path_link("file", "new"), {"new": b"text"}, [], id="link"),
    pytest.param(lambda d: d.path_link("to-file", "new"), {"new": "-> file"}, [], id="link-a-link"),
    pytest.param(lambda d: d.path_link("to-file", "new", follow=True), {"new": b"text"}, [], id="link-through-a-link"),
    pytest.param(lambda d: d.path_symlink("file", "new"), {"new": "-> file"}, [], id="symlink"),
    pytest.param(lambda d: d.path_symlink("no/thing", "full/new"), {"full/new": "-> no/thing"}, [], id="symlink-ahead"),
    pytest.param(lambda d: d.path_symlink("...", "new"), {"new": "-> ..."}, [], id="symlink-to-three-dots"),
    pytest.param(lambda d: d.create("to-nothing/../new"), Errno.NOENT, [], id="create-behind-a-dangling-link"),
    pytest.param(lambda d: d.create("to-nothing"), Errno.EXIST, [], id="create-where-a-link-is"),
    pytest.param(
        lambda d: d.path_open("to-nothing", WRITE, OpenFlags.CREAT), {"nothing": b""}, [], id="create-through-a-link"
    ),
    pytest.param(lambda d: d.path_open("to-file", WRITE, OpenFlags.TRUNC), {"file": b""}, [], id="cut-through-a-link"),
    pytest.param(lambda d: d.path_create_directory("file"), Errno.EXIST, [], id="mkdir-where-a-file-is"),
    pytest.param(lambda d: d.path_create_directory("empty"), Errno.EXIST, [], id="mkdir-where-a-directory-is"),
    pytest.param(lambda d: d.path_create_directory("to-nothing"), Errno.EXIST, [], id="mkdir-where-a-link-is"),
    pytest.param(lambda d: d.path_create_directory("no/new"), Errno.NOENT, [], id="mkdir-nowhere"),
    pytest.param(lambda d: d.path_create_directory("file/new"), Errno.NOTDIR, [], id="mkdir-in-a-file"),
    pytest.param(lambda d: d.path_create_directory("."), Errno.EXIST, [], id="mkdir-the-workspace"),
    pytest.param(lambda d: d.path_remove_directory("full"), Errno.NOTEMPTY, [], id="rmdir-a-full-one"),
    pytest.param(lambda d: d.path_remove_directory("file"), Errno.NOTDIR, [], id="rmdir-a-file"),
    pytest.param(lambda d: d.path_remove_directory("to-full"), Errno.NOTDIR, [], id="rmdir-a-link"),
    pytest.param(lambda d: d.path_remove_directory("no"), Errno.NOENT, [], id="rmdir-nothing"),
    pytest.param(lambda d: d.path_remove_directory("empty/."), Errno.INVAL, [], id="rmdir-a-dot"),
    pytest.param(lambda d: d.path_unlink_file("empty"), Errno.ISDIR, [], id="unlink-a-directory"),
    pytest.param(lambda d: d.path_unlink_file("to-full/"), Errno.ISDIR, [], id="unlink-a-link-with-a-slash"),
    pytest.param(lambda d: d.path_unlink_file("."), Errno.ISDIR, [], id="unlink-the-workspace"),
    pytest.param(lambda d: d.path_unlink_file("file/"), Errno.NOTDIR, [], id="unlink-a-file-with-a-slash"),
    pytest.param(lambda d: d.path_unlink_file("no"), Errno.NOENT, [], id="unlink-nothing"),
    pytest.param(lambda d: d.path_rename("no", "new"), Errno.NOENT, [], id="rename-nothing"),
    pytest.param(lambda d: d.path_rename("file", "empty"), Errno.ISDIR, [], id="rename-a-file-over-a-directory"),
    pytest.param(lambda d: d.path_rename("empty", "file"), Errno.NOTDIR, [], id="rename-a-directory-over-a-file"),
    pytest.param(lambda d: d.path_rename("empty", "full"), Errno.NOTEMPTY, [], id="rename-over-a-full-directory"),
    pytest.param(lambda d: d.path_rename("full", "full/new"), Errno.INVAL, [], id="rename-into-itself"),
    pytest.param(lambda d: d.path_rename("file", "new/"), Errno.NOTDIR, [], id="rename-a-file-to-a-slash"),
    pytest.param(lambda d: d.path_rename(".", "new"), Errno.BUSY, [], id="rename-the-workspace"),
    pytest.param(lambda d: d.path_rename("empty", "empty/."), Errno.BUSY, [], id="rename-to-a-dot"),
    pytest.param(lambda d: d.path_rename("empty", "full/.."), Errno.BUSY, [], id="rename-over-the-workspace"),
    pytest.param(lambda d: d.path_link("file", "empty"), Errno.EXIST, [], id="link-over-something"),
    pytest.param(lambda d: d.path_link("file", "new/"), Errno.NOENT, [], id="link-to-a-slash"),
    pytest.param(lambda d: d.path_link("empty", "new"), Errno.PERM, [], id="link-a-directory"),
    pytest.param(lambda d: d.path_link("pipe", "new"), Errno.NOTCAPABLE, [], id="link-a-pipe"),
    pytest.param(lambda d: d.path_link("no", "new"), Errno.NOENT, [], id="link-nothing"),
    pytest.param(lambda d: d.path_symlink("file", "to-nothing"), Errno.EXIST, [], id="symlink-over-a-link"),
    pytest.param(lambda d: d.path_symlink("", "new"), Errno.NOENT, [], id="symlink-to-nothing"),
    pytest.param(lambda d: d.path_symlink("file", "new/"), Errno.NOENT, [], id="symlink-with-a-slash"),
    pytest.param(lambda d: d.path_symlink("../file", "full/new"), Errno.NOTCAPABLE, [], id="symlink-up"),
    pytest.param(lambda d: d.path_symlink("full/..", "new"), Errno.NOTCAPABLE, [], id="symlink-down-and-up"),
    pytest.param(lambda d: d.path_symlink("/file", "new"), Errno.NOTCAPABLE, [], id="symlink-absolute"),
    pytest.param(lambda d: d.path_readlink("file"), Errno.INVAL, [], id="readlink-a-file"),
    pytest.param(lambda d: d.path_readlink("."), Errno.INVAL, [], id="readlink-the-workspace"),
    pytest.param(lambda d: d.path_readlink("to-full/"), Errno.INVAL, [], id="readlink-with-a-slash"),
    pytest.param(lambda d: d.path_readlink("no"), Errno.NOENT, [], id="readlink-nothing"),
    pytest.param(lambda d: d.path_filestat_get("loop"), Errno.LOOP, [], id="stat-a-loop"),
    pytest.param(lambda d: d.path_filestat_get("loop/x"), Errno.LOOP, [], id="stat-below-a-loop"),
    pytest.param(lambda d: d.path_open("to-file", follow=False), Errno.LOOP, [], id="open-a-link"),
    pytest.param(lambda d: d.path_open("to-full", LIST, OpenFlags.DIRECTORY, follow=False), Errno.LOOP, [], id="ls"),
]


def plant_for_opening(folder: Path) -> None:
    """Make a file, a directory, and a pipe with a link to it."""
    (folder / "file").write_bytes(b"text")
    (folder / "directory").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "to-pipe").symlink_to("pipe")


OPENS = [
    pytest.param("file", READ, 0, None, id="a-file"),
    pytest.param("file", WRITE, CREAT, None, id="a-file-that-is-there-already"),
    pytest.param("file", WRITE, NEW, Errno.EXIST, id="a-file-that-must-be-new"),
    pytest.param("missing", READ, 0, Errno.NOENT, id="no-file"),
    pytest.param("missing/file", WRITE, NEW, Errno.NOENT, id="no-directory"),
    pytest.param("new/", WRITE, NEW, Errno.ISDIR, id="a-new-file-with-a-slash"),
    pytest.param("file", READ, DIRECTORY, Errno.NOTDIR, id="a-file-as-a-directory"),
    pytest.param("file/", READ, 0, Errno.NOTDIR, id="a-file-with-a-slash"),
    pytest.param("file/.", READ, 0, Errno.NOTDIR, id="a-file-with-a-dot"),
    pytest.param("file/x", READ, 0, Errno.NOTDIR, id="below-a-file"),
    pytest.param("file/..", READ, 0, Errno.NOTDIR, id="above-a-file"),
    pytest.param("directory", READ, 0, None, id="a-directory"),
    pytest.param("directory", READ, DIRECTORY, None, id="a-directory-as-one"),
    pytest.param("directory//./", READ, 0, None, id="a-directory-with-slashes"),
    pytest.param(".", READ, DIRECTORY, None, id="the-workspace"),
    pytest.param("directory/..", READ, DIRECTORY, None, id="the-workspace-from-below"),
    pytest.param("directory", WRITE, 0, Errno.ISDIR, id="a-directory-to-write"),
    pytest.param("directory", READ, CREAT, Errno.ISDIR, id="a-directory-to-create"),
    pytest.param("directory", READ, TRUNC, Errno.ISDIR, id="a-directory-to-cut"),
    pytest.param("directory", READ, CREAT | DIRECTORY, Errno.INVAL, id="a-new-directory"),
    pytest.param("file", READ, 1 << 4, Errno.INVAL, id="unknown-flag"),
    pytest.param("file", READ, 1 << 31, Errno.INVAL, id="unknown-flag-far-up"),
    pytest.param("pipe", READ, 0, Errno.NOTCAPABLE, id="a-pipe"),
    pytest.param("pipe", WRITE, 0, Errno.NOTCAPABLE, id="a-pipe-to-write"),
    pytest.param("pipe", WRITE, CREAT | TRUNC, Errno.NOTCAPABLE, id="a-pipe-to-create"),
    pytest.param("pipe", WRITE, NEW, Errno.EXIST, id="a-pipe-that-must-be-new"),
    pytest.param("pipe/", READ, 0, Errno.NOTDIR, id="a-pipe-with-a-slash"),
    pytest.param("pipe/x", READ, 0, Errno.NOTDIR, id="below-a-pipe"),
    pytest.param("to-pipe", READ, 0, Errno.NOTCAPABLE, id="a-pipe-behind-a-link"),
    pytest.param("to-pipe/x", READ, 0, Errno.NOTDIR, id="below-a-pipe-behind-a-link"),
    pytest.param("n" * 255, WRITE, NEW, None, id="the-longest-name"),
    pytest.param("n" * 256, WRITE, NEW, Errno.NAMETOOLONG, id="a-name-too-long"),
    pytest.param("", READ, 0, Errno.NOENT, id="no-path"),
]

SEEKS = [
    pytest.param(3, "set", 3, id="from-the-start"),
    pytest.param(2, "cur", 6, id="on"),
    pytest.param(-3, "cur", 1, id="back"),
    pytest.param(0, "cur", 4, id="nowhere"),
    pytest.param(0, "end", 10, id="to-the-end"),
    pytest.param(-10, "end", 0, id="from-the-end"),
    pytest.param(90, "end", 100, id="behind-the-end"),
    pytest.param(2**63 - 1, "set", 2**63 - 1, id="as-far-as-it-goes"),
    pytest.param(-5, "cur", Errno.INVAL, id="before-the-start"),
    pytest.param(-(2**63), "end", Errno.INVAL, id="far-before-the-start"),
    pytest.param(2**63 - 1, "cur", Errno.OVERFLOW, id="too-far"),
]
