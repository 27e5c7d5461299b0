"""What is open: an empty input and two captured outputs; no files, no directories, no sockets."""

from __future__ import annotations

import struct

import pytest
from wasi_guests import Guest, Starter, every_engine

from reference_host.wasi import WasiConfig
from reference_host.wasi.types import Errno, FdFlags, Rights

VECTORS, RESULT, TEXT = 0, 512, 1024


def write(guest: Guest, fd: int, *texts: bytes) -> Errno:
    """Write texts, a vector each."""
    vectors, address = [], TEXT
    for text in texts:
        guest.memory.write(address, text)
        vectors.append((address, len(text)))
        address += len(text)
    guest.vectors(VECTORS, *vectors)
    return guest("fd_write", fd, VECTORS, len(vectors), RESULT)


@every_engine
def test_outputs_are_captured_apart(start: Starter) -> None:
    guest = start()
    assert write(guest, 1, b"one ", b"", b"two\n") is Errno.SUCCESS
    assert guest.number(RESULT, 4) == 8
    assert write(guest, 2, b"\xff\0") is Errno.SUCCESS
    assert write(guest, 1, b"three") is Errno.SUCCESS
    assert (guest.wasi.stdout, guest.wasi.stderr) == (b"one two\nthree", b"\xff\0")
    assert (guest.wasi.stdout_dropped, guest.wasi.stderr_dropped) == (0, 0)


@every_engine
def test_what_is_over_the_limit_is_counted_and_the_guest_cannot_tell(start: Starter) -> None:
    guest = start(WasiConfig(stdout_limit=5, stderr_limit=0))
    assert write(guest, 1, b"abc", b"def", b"ghi") is Errno.SUCCESS
    assert guest.number(RESULT, 4) == 9
    assert write(guest, 2, b"xy") is Errno.SUCCESS
    assert guest.number(RESULT, 4) == 2
    assert (guest.wasi.stdout, guest.wasi.stdout_dropped) == (b"abcde", 4)
    assert guest.wasi.written == 11
    assert (guest.wasi.stderr, guest.wasi.stderr_dropped) == (b"", 2)


@every_engine
def test_outputs_keep_a_mebibyte_by_default(start: Starter) -> None:
    guest = start(pages=17)
    guest.vectors(VECTORS, (0, 17 * 65_536))
    assert guest("fd_write", 2, VECTORS, 1, RESULT) is Errno.SUCCESS
    assert guest.number(RESULT, 4) == 17 * 65_536
    assert (len(guest.wasi.stderr), guest.wasi.stderr_dropped) == (1024 * 1024, 65_536)


@every_engine
def test_instances_do_not_share_what_they_wrote(start: Starter) -> None:
    first, second = start(), start()
    write(first, 1, b"first")
    write(second, 1, b"second")
    assert (first.wasi.stdout, second.wasi.stdout) == (b"first", b"second")


@every_engine
def test_standard_input_is_at_its_end(start: Starter) -> None:
    guest = start()
    guest.vectors(VECTORS, (TEXT, 16))
    guest.memory.write(RESULT, b"\xff" * 4)
    assert guest("fd_read", 0, VECTORS, 1, RESULT) is Errno.SUCCESS
    assert guest.number(RESULT, 4) == 0
    assert guest.memory.read(TEXT, 16) == bytes(16)


ARGUMENTS: dict[str, tuple[int, ...]] = {
    "fd_advise": (0, 10, 0),
    "fd_allocate": (0, 10),
    "fd_close": (),
    "fd_datasync": (),
    "fd_fdstat_get": (RESULT,),
    "fd_fdstat_set_flags": (FdFlags.NONBLOCK,),
    "fd_fdstat_set_rights": (0, 0),
    "fd_filestat_get": (RESULT,),
    "fd_filestat_set_size": (10,),
    "fd_filestat_set_times": (0, 0, 0),
    "fd_pread": (VECTORS, 0, 0, RESULT),
    "fd_prestat_get": (RESULT,),
    "fd_prestat_dir_name": (TEXT, 8),
    "fd_pwrite": (VECTORS, 0, 0, RESULT),
    "fd_read": (VECTORS, 0, RESULT),
    "fd_readdir": (TEXT, 8, 0, RESULT),
    "fd_renumber": (2,),
    "fd_seek": (0, 0, RESULT),
    "fd_sync": (),
    "fd_tell": (RESULT,),
    "fd_write": (VECTORS, 0, RESULT),
    "path_create_directory": (TEXT, 1),
    "path_filestat_get": (0, TEXT, 1, RESULT),
    "path_filestat_set_times": (0, TEXT, 1, 0, 0, 0),
    "path_link": (0, TEXT, 1, 3, TEXT, 1),
    "path_open": (0, TEXT, 1, 0, 0, 0, 0, RESULT),
    "path_readlink": (TEXT, 1, TEXT, 8, RESULT),
    "path_remove_directory": (TEXT, 1),
    "path_rename": (TEXT, 1, 3, TEXT, 1),
    "path_unlink_file": (TEXT, 1),
    "sock_accept": (0, RESULT),
    "sock_recv": (VECTORS, 0, 0, RESULT, RESULT + 8),
    "sock_send": (VECTORS, 0, 0, RESULT),
    "sock_shutdown": (3,),
}
"""What follows the descriptor. `path_symlink` has its descriptor elsewhere, and a test of its own."""

ON_OUTPUT = {
    "fd_advise": Errno.SPIPE,
    "fd_allocate": Errno.SPIPE,
    "fd_filestat_set_size": Errno.INVAL,
    "fd_filestat_set_times": Errno.NOTCAPABLE,
    "fd_pread": Errno.BADF,
    "fd_prestat_get": Errno.BADF,
    "fd_prestat_dir_name": Errno.BADF,
    "fd_pwrite": Errno.SPIPE,
    "fd_read": Errno.BADF,
    "fd_readdir": Errno.NOTDIR,
    "fd_seek": Errno.SPIPE,
    "fd_tell": Errno.SPIPE,
    **{name: Errno.NOTDIR for name in ARGUMENTS if name.startswith("path_")},
    **{name: Errno.NOTSOCK for name in ARGUMENTS if name.startswith("sock_")},
}

ON_INPUT = {
    **ON_OUTPUT,
    "fd_datasync": Errno.INVAL,
    "fd_pread": Errno.SPIPE,
    "fd_pwrite": Errno.BADF,
    "fd_read": Errno.SUCCESS,
    "fd_sync": Errno.INVAL,
    "fd_write": Errno.BADF,
}


@pytest.mark.parametrize("fd", [3, 4, 0x7FFF_FFFF, 0xFFFF_FFFF])
@pytest.mark.parametrize("name", ARGUMENTS)
@every_engine
def test_nothing_else_is_open(start: Starter, name: str, fd: int) -> None:
    assert start()(name, fd, *ARGUMENTS[name]) is Errno.BADF


@pytest.mark.parametrize("name", ARGUMENTS)
@pytest.mark.parametrize(("fd", "errnos"), [pytest.param(0, ON_INPUT, id="0"), pytest.param(1, ON_OUTPUT, id="1")])
@every_engine
def test_what_a_stream_answers(start: Starter, name: str, fd: int, errnos: dict[str, Errno]) -> None:
    assert start()(name, fd, *ARGUMENTS[name]) is errnos.get(name, Errno.SUCCESS)


@pytest.mark.parametrize(
    ("fd", "errno"), [pytest.param(1, Errno.NOTDIR, id="stream"), pytest.param(3, Errno.BADF, id="not-open")]
)
@every_engine
def test_path_symlink_has_its_descriptor_third(start: Starter, fd: int, errno: Errno) -> None:
    assert start()("path_symlink", TEXT, 1, fd, TEXT, 1) is errno


@every_engine
def test_a_guest_may_close_its_streams(start: Starter) -> None:
    guest = start()
    assert guest("fd_close", 1) is Errno.SUCCESS
    assert guest("fd_close", 1) is Errno.BADF
    assert write(guest, 1, b"lost") is Errno.BADF
    assert write(guest, 2, b"kept") is Errno.SUCCESS
    assert (guest.wasi.stdout, guest.wasi.stderr) == (b"", b"kept")


@every_engine
def test_renumbering_moves_a_stream_over_another(start: Starter) -> None:
    guest = start()
    assert guest("fd_renumber", 1, 2) is Errno.SUCCESS
    assert write(guest, 2, b"moved") is Errno.SUCCESS
    assert write(guest, 1, b"lost") is Errno.BADF
    assert (guest.wasi.stdout, guest.wasi.stderr) == (b"moved", b"")


@every_engine
def test_renumbering_a_stream_to_itself_leaves_it_open(start: Starter) -> None:
    guest = start()
    assert guest("fd_renumber", 1, 1) is Errno.SUCCESS
    assert write(guest, 1, b"kept") is Errno.SUCCESS


@every_engine
def test_renumbering_to_what_is_not_open_moves_nothing(start: Starter) -> None:
    guest = start()
    assert guest("fd_renumber", 1, 5) is Errno.BADF
    assert write(guest, 1, b"kept") is Errno.SUCCESS


def fdstat(guest: Guest, fd: int) -> tuple[int, int, Rights, int]:
    assert guest("fd_fdstat_get", fd, RESULT) is Errno.SUCCESS
    filetype, flags, rights, inheriting = struct.unpack("<BxH4xQQ", guest.memory.read(RESULT, 24))
    return filetype, flags, Rights(rights), inheriting


@pytest.mark.parametrize("module", ["wasi_snapshot_preview1", "wasi_unstable"])
@pytest.mark.parametrize(
    ("fd", "right"),
    [
        pytest.param(0, Rights.FD_READ, id="0"),
        pytest.param(1, Rights.FD_WRITE, id="1"),
        pytest.param(2, Rights.FD_WRITE, id="2"),
    ],
)
@every_engine
def test_streams_are_what_wasi_libc_calls_a_terminal(start: Starter, module: str, fd: int, right: Rights) -> None:
    filetype, flags, rights, inheriting = fdstat(start(module=module), fd)
    assert filetype == 2, "character device"
    assert not rights & (Rights.FD_SEEK | Rights.FD_TELL)
    assert rights & (Rights.FD_READ | Rights.FD_WRITE) == right
    assert (flags, inheriting) == (0, 0)


@every_engine
def test_flags_are_kept_and_unknown_ones_refused(start: Starter) -> None:
    guest = start()
    assert guest("fd_fdstat_set_flags", 1, FdFlags.NONBLOCK | FdFlags.APPEND) is Errno.SUCCESS
    assert guest("fd_fdstat_set_flags", 1, 1 << 5) is Errno.INVAL
    assert guest("fd_fdstat_set_flags", 1, 1 << 16) is Errno.INVAL
    assert fdstat(guest, 1)[1] == FdFlags.NONBLOCK | FdFlags.APPEND
    assert fdstat(guest, 2)[1] == 0


@every_engine
def test_rights_can_be_given_up_but_not_taken(start: Starter) -> None:
    guest = start()
    rights = fdstat(guest, 1)[2]
    assert guest("fd_fdstat_set_rights", 1, rights | Rights.FD_READ, 0) is Errno.NOTCAPABLE
    assert guest("fd_fdstat_set_rights", 1, rights, 1) is Errno.NOTCAPABLE
    assert guest("fd_fdstat_set_rights", 1, rights | 1 << 63, 0) is Errno.NOTCAPABLE
    assert guest("fd_fdstat_set_rights", 1, rights & ~Rights.FD_WRITE, 0) is Errno.SUCCESS
    assert fdstat(guest, 1)[2] == rights & ~Rights.FD_WRITE
    assert write(guest, 1, b"x") is Errno.NOTCAPABLE
    assert guest("fd_fdstat_set_rights", 1, rights, 0) is Errno.NOTCAPABLE
    assert write(guest, 2, b"x") is Errno.SUCCESS


@pytest.mark.parametrize(
    ("module", "size", "links"),
    [
        pytest.param("wasi_snapshot_preview1", 64, slice(24, 32), id="links-in-64-bits"),
        pytest.param("wasi_unstable", 56, slice(20, 24), id="links-in-32-bits"),
    ],
)
@every_engine
def test_filestat_has_the_layout_of_its_revision(start: Starter, module: str, size: int, links: slice) -> None:
    guest = start(module=module)
    guest.memory.write(RESULT, b"\xaa" * 80)
    assert guest("fd_filestat_get", 2, RESULT) is Errno.SUCCESS
    record = guest.memory.read(RESULT, 80)
    assert record[size:] == b"\xaa" * (80 - size)
    expected = bytearray(size)
    expected[8], expected[16], expected[links.start] = 2, 2, 1
    assert record[:size] == bytes(expected), "inode 2, character device, one link"
    assert int.from_bytes(record[links], "little") == 1
