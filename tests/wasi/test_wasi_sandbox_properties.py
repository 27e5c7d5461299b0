"""No tree, no links and no paths lead a guest out of its workspace, nor anybody else by what the guest leaves there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wasi_disk import Disk, Refused, workspace
from wasi_guests import Starter
from wasi_sandbox_cases import FOLLOWING, ON_PATHS, SECRET, look, plant

from reference_host.wasi.types import FileType

PUREPY = Starter("purepy")

MARKER = "only outside"

NAMES = st.sampled_from(
    ["a", "b", "ä", "sub", "file", "absolute", "relative", "parent", "dot", "secret", "outside", "..", ".", ""]
)
PATHS = st.lists(NAMES, min_size=1, max_size=5).map("/".join)
TREES = st.lists(st.tuples(PATHS, st.sampled_from(["directory", "file", "link", "absolute"]), PATHS), max_size=10)


def grow(inside: Path, tree: list[tuple[str, str, str]], outside: Path) -> None:
    """Plant what of a random tree can be planted, inside alone, with links that lead anywhere."""
    for path, what, target in tree:
        names = [name for name in path.split("/") if name not in ("", ".", "..")]
        place = inside.joinpath(*names)
        if not names or os.path.lexists(place) or not place.parent.resolve().is_relative_to(inside):
            continue
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if what == "directory":
                place.mkdir()
            elif what == "file":
                place.write_bytes(b"inside")
            elif what == "link":
                place.symlink_to(target or ".")
            else:
                place.symlink_to(outside / target)
        except OSError:
            continue


@settings(max_examples=40)
@given(tree=TREES, paths=st.lists(PATHS | st.text(max_size=9), min_size=6, max_size=10))
def test_no_tree_and_no_paths_reach_what_is_outside(
    tmp_path_factory: pytest.TempPathFactory, tree: list[tuple[str, str, str]], paths: list[str]
) -> None:
    top = tmp_path_factory.mktemp("sandbox")
    plant(top / "outside", top / "inside")
    for folder in (top, top / "outside", top / "outside" / "sub"):
        (folder / MARKER).touch()
    grow(top / "inside", tree, top / "outside")
    before = look(top / "outside")
    disk = workspace(PUREPY, top / "inside")
    for path in paths:
        for action in (*FOLLOWING.values(), *ON_PATHS.values()):
            with suppress(Refused):
                opened = action(disk, path)
                if isinstance(opened, int):
                    assert seen_through(disk, opened).isdisjoint({SECRET, MARKER})
    assert look(top / "outside") == before
    assert sorted(path.name for path in top.iterdir()) == ["inside", MARKER, "outside"]
    assert SECRET not in disk.guest.memory.read(0, 65_536)
    shutil.rmtree(top)


def seen_through(disk: Disk, fd: int) -> set[object]:
    """Tell what an open descriptor shows, and close it: what a file holds, or the names in a directory."""
    try:
        if disk.fd_fdstat_get(fd)[0] == FileType.DIRECTORY:
            return {name for name, _, _ in disk.entries(fd)}
        return {disk.fd_read(fd)}
    finally:
        disk.call("fd_close", fd)


PLACES = st.sampled_from(["a", "b", "c", "a/b", "a/c", "b/c", "a/b/c", "a/b/c/d", "c/d"])
TARGETS = st.sampled_from(["a", "b", "c/d", ".", "..", "../..", "../a", "a/..", "a/../..", "../../a", "a/b/../../.."])
BUILDING: dict[str, Callable[[Disk, str, str, str], None]] = {
    "mkdir": lambda d, path, _to, _target: d.path_create_directory(path),
    "symlink": lambda d, path, _to, target: d.path_symlink(target, path),
    "rename": lambda d, path, to, _target: d.path_rename(path, to),
    "link": lambda d, path, to, _target: d.path_link(path, to),
}


@settings(max_examples=60)
@given(calls=st.lists(st.tuples(st.sampled_from(sorted(BUILDING)), PLACES, PLACES, TARGETS), min_size=8, max_size=40))
def test_links_that_a_guest_leaves_lead_nobody_out(
    tmp_path_factory: pytest.TempPathFactory, calls: list[tuple[str, str, str, str]]
) -> None:
    """Not even the folder's owner, for whom the operating system follows them."""
    inside = tmp_path_factory.mktemp("links")
    disk = workspace(PUREPY, inside)
    for path in ("a", "a/b", "a/b/c"):
        disk.path_create_directory(path)
    for name, path, to, target in calls:
        with suppress(Refused):
            BUILDING[name](disk, path, to, target)
    for folder, directories, files in os.walk(inside):
        for name in (*directories, *files):
            assert Path(os.path.realpath(Path(folder, name))).is_relative_to(inside.resolve())
    shutil.rmtree(inside)
