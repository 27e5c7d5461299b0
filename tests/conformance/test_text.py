"""Text that a plugin had a hand in: printable on every terminal, legal in XML, short; its commands can be copied."""

from __future__ import annotations

import shlex
import subprocess
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.text import printable, shell_quoted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain", "plain", id="plain text stays"),
        pytest.param(
            "Gr\u00fc\u00dfe, \u4e16\u754c \U0001f642",
            "Gr\u00fc\u00dfe, \u4e16\u754c \U0001f642",
            id="other scripts stay",
        ),
        pytest.param("\x1b[31mred", "\\x1b[31mred", id="terminal escapes"),
        pytest.param("a\r\n\tb\0", "a\\r\\n\\tb\\0", id="lines, tabs, NUL"),
        pytest.param("\x9b1m", "\\x9b1m", id="C1 controls"),
        pytest.param("\u202eevil", "\\u202eevil", id="right-to-left override"),
        pytest.param("\u200b", "\\u200b", id="zero width"),
        pytest.param("\ud83d", "\\ud83d", id="half of a surrogate pair"),
        pytest.param("\uffff", "\\uffff", id="what XML forbids"),
        pytest.param("\U000e0041", "\\U000e0041", id="tags"),
        pytest.param("\u2028", "\\u2028", id="line separator"),
        pytest.param("\u00a0|\u3000", "\u00a0|\u3000", id="other spaces are no danger"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_long_text_is_cut_and_says_so() -> None:
    assert printable("x" * 1_048_576, 3) == "xxx... (1,048,573 characters more)"


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=80))
def test_printable_text_survives_every_form(text: str) -> None:
    shown = printable(text)
    assert printable(shown) == shown
    shown.encode()
    element = ElementTree.Element("a", {"b": shown})
    element.text = shown
    again = ElementTree.fromstring(ElementTree.tostring(element))
    assert (again.text or "", again.get("b")) == (shown, shown)


@given(st.text(min_size=1, max_size=40))
def test_quoted_words_come_back_from_a_posix_shell(word: str) -> None:
    if word.isprintable():
        assert shlex.split(shell_quoted(word)) == [word]


@pytest.mark.parametrize("word", ["a\nb", "it's\x01", "\\\x02'", "caf\u00e9\x7f", "\udcff.wasm"])
def test_quoted_words_come_back_from_bash(word: str) -> None:
    quoted = shell_quoted(word)
    assert quoted.isprintable()
    done = subprocess.run(["bash", "-c", f"printf %s {quoted}"], capture_output=True, check=True)
    assert done.stdout == word.encode("utf-8", "surrogateescape")
