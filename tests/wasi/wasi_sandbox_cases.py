"""Ways out of a workspace: what lies inside and outside, the paths, and the functions that take them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from wasi_disk import LIST, NEW, READ, WRITE, Disk

from reference_host.wasi.types import OpenFlags, Rights

SECRET = b"nobody inside may read this"


def plant(outside: Path, inside: Path) -> None:
    (outside / "sub").mkdir(parents=True)
    (outside / "secret").write_bytes(SECRET)
    (inside / "sub" / "deep").mkdir(parents=True)
    (inside / "file").write_bytes(b"inside")
    (inside / "absolute").symlink_to(outside)
    (inside / "absolute-file").symlink_to(outside / "secret")
    (inside / "relative").symlink_to("../outside")
    (inside / "relative-file").symlink_to("../outside/secret")
    (inside / "parent").symlink_to("..")
    (inside / "root").symlink_to("/")
    (inside / "dot").symlink_to(".")
    (inside / "sub" / "top").symlink_to("..")
    (inside / "sub" / "out").symlink_to("../../outside")
    (inside / "sub" / "deep" / "chain").symlink_to("../out/secret")
    (inside / "round").symlink_to("sub/deep/../../../outside")
    (inside / "back").symlink_to("../inside/file")
    (inside / "myself").symlink_to(inside / "file")
    (inside / "new").symlink_to("../outside/new")


ESCAPES = [
    "..",
    "../outside/secret",
    "../inside/file",
    "./../outside/secret",
    "sub/../../outside/secret",
    "sub/deep/../../../outside/secret",
    "sub//deep//..//..//..//outside//secret",
    "sub/top/../outside/secret",
    "sub/top/sub/top/../outside/secret",
    "dot/../outside/secret",
    "dot/dot/dot/..",
    "/",
    "//",
    "/etc/passwd",
    "/file",
    "//file",
    "absolute/secret",
    "absolute/missing",
    "absolute/",
    "absolute/.",
    "absolute/..",
    "absolute-file/",
    "relative/secret",
    "relative/new",
    "relative/sub/new",
    "relative/../inside/file",
    "parent/outside/secret",
    "parent/inside/file",
    "parent/.",
    "root/etc/passwd",
    "root/",
    "sub/out/secret",
    "sub/out/new",
    "sub/deep/chain/",
    "round/secret",
    "round/new",
    "sub/deep/../../..",
]
"""Paths out which need no link at their end to be followed."""

LINKS_OUT = ["absolute-file", "relative-file", "sub/deep/chain", "back", "myself", "new", "absolute", "parent", "root"]
"""Links at the end of a path, which lead out if they are followed."""

Action = Callable[[Disk, str], object]

ON_PATHS: dict[str, Action] = {
    "open": lambda d, path: d.path_open(path, READ | Rights.FD_READDIR, follow=False),
    "create": lambda d, path: d.path_open(path, WRITE, NEW),
    "open-directory": lambda d, path: d.path_open(path, LIST, OpenFlags.DIRECTORY, follow=False),
    "mkdir": lambda d, path: d.path_create_directory(path),
    "rmdir": lambda d, path: d.path_remove_directory(path),
    "unlink": lambda d, path: d.path_unlink_file(path),
    "stat": lambda d, path: d.path_filestat_get(path, follow=False),
    "set-times": lambda d, path: d.set_times(path, 1, follow=False),
    "readlink": lambda d, path: d.path_readlink(path),
    "rename": lambda d, path: d.path_rename(path, "sub/stolen"),
    "rename-to": lambda d, path: d.path_rename("file", path),
    "link": lambda d, path: d.path_link(path, "sub/stolen"),
    "link-to": lambda d, path: d.path_link("file", path),
    "symlink": lambda d, path: d.path_symlink("file", path),
}

FOLLOWING: dict[str, Action] = {
    "open": lambda d, path: d.path_open(path, READ | Rights.FD_READDIR),
    "write": lambda d, path: d.path_open(path, WRITE),
    "cut": lambda d, path: d.path_open(path, WRITE, OpenFlags.TRUNC),
    "create": lambda d, path: d.path_open(path, WRITE, OpenFlags.CREAT),
    "stat": lambda d, path: d.path_filestat_get(path),
    "set-times": lambda d, path: d.set_times(path, 1),
    "link": lambda d, path: d.path_link(path, "sub/stolen", follow=True),
    "slash": lambda d, path: d.path_open(path + "/", LIST),
    "below": lambda d, path: d.path_open(path + "/x", LIST),
}


def look(folder: Path) -> list[tuple[str, object, float]]:
    """Tell all that is in a folder, with its times."""
    found: list[tuple[str, object, float]] = []
    for path in sorted(folder.rglob("*")):
        what: object = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found.append((str(path), what, path.lstat().st_mtime_ns))
    return found
