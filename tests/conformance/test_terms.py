"""The options that change what is judged: read once, written back as the command that reproduces."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path

import pytest
from toys import toy_wasm

from conformance.errors import BadSelector, CouldNotJudge, NoKnownSystem
from conformance.judging.terms import Terms, certify_command, format_memory, make_subject, parse_memory, parse_selector
from reference_host.abi.interface import Given
from reference_host.errors import UnknownRevision, UnknownSystem, UsageError

pytestmark = pytest.mark.usefixtures("_toy_registered")


@pytest.mark.parametrize(
    ("text", "pages"),
    [
        ("4GiB", 65_536),
        ("2GiB", 32_768),
        ("64MiB", 1_024),
        ("64M", 1_024),
        ("1g", 16_384),
        ("65536", 1),
        ("128 KiB", 2),
        ("100KB", 1),
    ],
)
def test_memory(text: str, pages: int) -> None:
    assert parse_memory(text) == pages


@pytest.mark.parametrize("text", ["", "much", "-1", "1.5GiB", "0", "65535", "5GiB", "1TiB", "64MiBs", "0x10000"])
def test_no_memory(text: str) -> None:
    with pytest.raises(UsageError, match=r"expected|between"):
        parse_memory(text)


@pytest.mark.parametrize("pages", [1, 2, 16, 1_024, 1_025, 65_536])
def test_memory_comes_back(pages: int) -> None:
    assert parse_memory(format_memory(pages)) == pages


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("TOY-ADD-001", ("TOY-ADD-001", None)),
        ("TOY-ADD-001[a/b/1]", ("TOY-ADD-001", "a/b/1")),
        ("TOY-ADD-001[with ] and [x]]", ("TOY-ADD-001", "with ] and [x]")),
        ("TOY-ADD-001[]", ("TOY-ADD-001", "")),
    ],
)
def test_selector(text: str, selected: tuple[str, str | None]) -> None:
    assert parse_selector(text) == selected


@pytest.mark.parametrize("text", ["", "a b", "[case]", "TOY-ADD-001[case", "TOY-ADD-001]"])
def test_no_selector(text: str) -> None:
    with pytest.raises(BadSelector, match="selects nothing"):
        parse_selector(text)


def test_the_command_names_what_is_not_at_its_default() -> None:
    assert certify_command("p.wasm", Terms()) == "hookproof certify p.wasm"
    terms = Terms(
        abi="toy",
        revision="v1",
        profile="lenient",
        shape="docs",
        config_path="it's.json",
        given=Given(config=b"{}"),
        memory_pages=1_024,
        max_input=65_536,
        quick=True,
        seed=7,
    ).selecting("TOY-ADD-001[a b]")
    assert shlex.split(certify_command("-p q.wasm", terms)) == [
        "hookproof", "certify", "./-p q.wasm", "--only", "TOY-ADD-001[a b]", "--quick", "--profile", "lenient",
        "--shape", "docs", "--abi", "toy", "--revision", "v1", "--config", "it's.json", "--max-memory", "64MiB",
        "--max-input", "64KiB", "--seed", "7",
    ]  # fmt: skip


def test_subject() -> None:
    binary = toy_wasm(subtracts=True)
    subject = make_subject("a/p.wasm", binary, Terms(quick=True), "pywasm")
    assert (subject.system, subject.revision) == ("toy", "v2")
    assert subject.sha256 == hashlib.sha256(binary).hexdigest()
    assert subject.memory_pages == 1_024
    assert subject.shapes == {"terse", "wordy"}
    assert (subject.path, subject.scope, subject.engine) == ("a/p.wasm", "quick", "pywasm")


def test_a_revision_can_be_forced() -> None:
    assert make_subject("p", toy_wasm(subtracts=True), Terms(revision="v1"), "").revision == "v1"


@pytest.mark.parametrize(
    ("binary", "terms", "error", "words"),
    [
        pytest.param(b"", Terms(), CouldNotJudge, "empty", id="empty"),
        pytest.param(b"\0asm\1\0\0\0", Terms(), NoKnownSystem, "no hook", id="no exports"),
        pytest.param(b"\0asm\1\0\0\0", Terms(abi="toy"), NoKnownSystem, "toy", id="no exports of that system"),
        pytest.param(b"\0asm\1\0\0\0", Terms(abi="nope"), UnknownSystem, "nope", id="unknown system"),
        pytest.param(toy_wasm(), Terms(revision="v9"), UnknownRevision, "v1, v2", id="unknown revision"),
        pytest.param(
            toy_wasm(more="(memory 32)"), Terms(memory_pages=16), CouldNotJudge, "2MiB.*1MiB.*--max-memory", id="memory"
        ),
        pytest.param(
            toy_wasm(more="(memory 2000)"), Terms(quick=True), CouldNotJudge, "64MiB.*--quick", id="memory, quick"
        ),
    ],
)
def test_no_subject(binary: bytes, terms: Terms, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make_subject("p.wasm", binary, terms, "")


def test_two_gibibytes_are_legal() -> None:
    assert make_subject("p", toy_wasm(more="(memory 32768)"), Terms(), "").memory_pages == 65_536


def test_the_plugin_is_recognised_by_two_systems(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    info = tmp_path / "copy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: copy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[hookproof.systems]\nzoy = toy_system:SYSTEM\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UsageError, match="--abi"):
        make_subject("p", toy_wasm(), Terms(), "")
    assert make_subject("p", toy_wasm(), Terms(abi="toy"), "").system == "toy"
