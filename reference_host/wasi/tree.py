"""What the directories of one guest have in common: the attributes that it is told, and how much it may write.

What a guest is told must not depend on the machine, so it is not what the disk says:

- inodes are numbered in the order in which the guest meets them, from 3 on, after its streams; the device is 0;
- times are those of the fake clock: what was there before the guest has the clock's start, what the guest makes
  or changes the clock's time at that moment. Reading changes no time. A time that the guest sets is set on the
  disk as well, others there are never shown;
- a directory has the size 0 and one link, whatever the file system counts;
- type `filetype` has no pipe: one is `UNKNOWN`.

What a guest may write in its life is limited, over all directories. Counted are the bytes that it writes, those by
which it makes files longer, those that it allocates, and `ENTRY` for each file, directory and link that it makes.
Nothing is given back for what it removes. Beyond the limit is `NOSPC`.

Source: WASI, `legacy/preview1/witx/typenames.witx` (`filestat`, `inode`, `filetype`).
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from reference_host.wasi.clock import FakeClock
from reference_host.wasi.layout import Filestat
from reference_host.wasi.types import ClockId, Errno, FileType, WasiError

ENTRY = 4_096
"""Bytes that a new entry of a directory counts for: what it takes on most disks."""

_FIRST_INODE = 3

_FILETYPES = {
    stat.S_IFREG: FileType.REGULAR_FILE,
    stat.S_IFDIR: FileType.DIRECTORY,
    stat.S_IFLNK: FileType.SYMBOLIC_LINK,
    stat.S_IFCHR: FileType.CHARACTER_DEVICE,
    stat.S_IFBLK: FileType.BLOCK_DEVICE,
    stat.S_IFSOCK: FileType.SOCKET_STREAM,
}


def filetype(status: os.stat_result) -> FileType:
    """Tell the type of a file."""
    return _FILETYPES.get(stat.S_IFMT(status.st_mode), FileType.UNKNOWN)


@dataclass(slots=True)
class Node:
    """A file as the guest knows it. Times: nanoseconds since 1970."""

    inode: int
    accessed: int
    modified: int
    changed: int


class Tree:
    """The state of one guest. `limit`: bytes."""

    def __init__(self, clock: FakeClock, limit: int) -> None:
        self._clock = clock
        self._start = self.now()
        self._nodes: dict[tuple[int, int], Node] = {}
        self._next = _FIRST_INODE
        self.roots: set[int] = set()
        """Inodes of the preopened directories."""
        self.left = limit
        """Bytes that may still be written."""

    def now(self) -> int:
        """Tell the real time of the fake clock."""
        return self._clock.now(ClockId.REALTIME)

    def spend(self, size: int) -> None:
        """Count bytes, before they are written. Raises `WasiError`: `NOSPC` where they are too many."""
        if size > self.left:
            raise WasiError(Errno.NOSPC)
        self.left -= size

    def node(self, status: os.stat_result) -> Node:
        """Find what the guest knows of a file; if nothing, it is a file from before its time."""
        return self._nodes.get((status.st_dev, status.st_ino)) or self._meet(status, self._start)

    def created(self, status: os.stat_result) -> Node:
        """Meet a file that the guest has just made; the disk may have given it the number of one that is gone."""
        return self._meet(status, self.now())

    def removed(self, status: os.stat_result) -> None:
        """Forget a file one name of which was just removed, if it was the last one. `status`: from before."""
        if stat.S_ISDIR(status.st_mode) or status.st_nlink == 1:
            self._nodes.pop((status.st_dev, status.st_ino), None)
        else:
            self.node(status).changed = self.now()

    def modified(self, node: Node) -> None:
        """Note that the contents of a file or directory have changed."""
        node.modified = node.changed = self.now()

    def entries_modified(self, directory: int) -> None:
        """Note that an entry of an open directory has come or gone."""
        self.modified(self.node(os.fstat(directory)))

    def filestat(self, status: os.stat_result, node: Node | None = None) -> Filestat:
        """Tell the attributes of a file. `node`: where it is known already, even if the file has no name any more."""
        type_, node = filetype(status), node or self.node(status)
        links = 1 if type_ is FileType.DIRECTORY else status.st_nlink
        size = status.st_size if type_ in (FileType.REGULAR_FILE, FileType.SYMBOLIC_LINK) else 0
        return Filestat(0, node.inode, type_, links, size, node.accessed, node.modified, node.changed)

    def _meet(self, status: os.stat_result, time: int) -> Node:
        node = Node(self._next, time, time, time)
        self._next += 1
        self._nodes[status.st_dev, status.st_ino] = node
        return node
