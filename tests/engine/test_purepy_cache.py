"""Translations are kept on disk, closed to others; what does not bear the mark of this user counts for nothing."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import CodeType

import pytest

from reference_host.engine.purepy import PurepyEngine
from reference_host.engine.purepy import cache as cache_module
from reference_host.engine.purepy.graph import Style
from reference_host.engine.purepy.module import WasmModule
from reference_host.engine.purepy.translate import translate
from reference_host.errors import InvalidModule

Wat = Callable[[str], bytes]
TEXT = '(module (func (export "f") (param i32) (result i32) local.get 0 i32.const 2 i32.mul))'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOOKPROOF_CACHE", str(tmp_path))
    return tmp_path / "purepy"


@pytest.fixture
def translated(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The functions that were translated, and not taken from the cache."""
    seen: list[int] = []
    real = translate

    def watched(module: WasmModule, index: int, style: Style) -> CodeType:
        seen.append(index)
        return real(module, index, style)

    monkeypatch.setattr(cache_module, "translate", watched)
    return seen


def use(binary: bytes) -> tuple[int | float, ...]:
    """Compile, call, let go: then everything is written."""
    result = PurepyEngine().compile(binary).instantiate().call("f", 21)
    gc.collect()
    return result


def kept(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.exists() else []


def test_a_function_is_translated_once_and_then_taken_from_the_cache(
    wat: Wat, folder: Path, translated: list[int]
) -> None:
    assert [use(wat(TEXT)) for _ in range(3)] == [(42,)] * 3
    assert translated == [0]


def test_a_known_module_is_not_validated_again(wat: Wat, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(wat(TEXT))
    monkeypatch.setattr("reference_host.engine.purepy.engine.validate", lambda _: pytest.fail("validated again"))
    assert use(wat(TEXT)) == (42,)


def test_an_invalid_module_leaves_nothing(wat: Wat, folder: Path) -> None:
    binary = wat(TEXT).replace(b"\x20\x00\x41\x02\x6c", b"\x20\x00\x41\x02\x7c")
    for _ in range(2):
        with pytest.raises(InvalidModule):
            use(binary)
    assert kept(folder) == []


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_folder_and_files_are_closed_to_others(wat: Wat, folder: Path) -> None:
    use(wat(TEXT))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def flip_a_bit(path: Path) -> None:
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 1
    path.write_bytes(contents)


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(flip_a_bit, id="a-bit-changed"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-1]), id="cut"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.chmod(0o644), id="open-to-others"),
        pytest.param(lambda path: (path.rename(path.parent / "other"), path.symlink_to("other")), id="a-link"),
    ],
)
@pytest.mark.skipif(os.name != "posix", reason="permissions and links are POSIX's")
def test_what_was_tampered_with_is_translated_anew(
    wat: Wat, folder: Path, translated: list[int], harm: Callable[[Path], object]
) -> None:
    use(wat(TEXT))
    (path,) = kept(folder)
    harm(path)
    assert use(wat(TEXT)) == (42,)
    assert translated == [0, 0]


def test_a_file_under_the_name_of_another_module_counts_for_nothing(
    wat: Wat, folder: Path, translated: list[int]
) -> None:
    other = wat(TEXT.replace("i32.const 2", "i32.const 3"))
    use(wat(TEXT))
    (first,) = kept(folder)
    use(other)
    (second,) = [path for path in kept(folder) if path != first]
    first.replace(second)
    assert use(other) == (63,)
    assert translated == [0, 0, 0]


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_folder_that_others_can_enter_is_not_used(wat: Wat, folder: Path, translated: list[int]) -> None:
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    assert [use(wat(TEXT)) for _ in range(2)] == [(42,)] * 2
    assert translated == [0, 0]
    assert kept(folder) == []


def test_it_can_be_switched_off(wat: Wat, folder: Path, translated: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOKPROOF_CACHE", "off")
    assert [use(wat(TEXT)) for _ in range(2)] == [(42,)] * 2
    assert translated == [0, 0]
    assert not folder.exists()


def test_processes_that_write_at_once_do_not_disturb_each_other(wat: Wat, folder: Path) -> None:
    program = f"""
from reference_host.engine.purepy import PurepyEngine
binary = bytes.fromhex({wat(TEXT).hex()!r})
print(PurepyEngine().compile(binary).instantiate().call("f", 21))
"""
    runs = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        for _ in range(4)
    ]
    assert [run.communicate(timeout=60)[0] for run in runs] == ["(42,)\n"] * 4
    assert len(kept(folder)) == 1
    assert use(wat(TEXT)) == (42,)
