"""Error texts that go through Go's formatting: what a Go program printed for each."""

from __future__ import annotations

import pytest

from reference_host.abi.wasp.goformat import mangled

TEXTS = [
    ("", ""),
    ("Oops", "Oops"),
    ("100%", "100%!(NOVERB)"),
    ("100%d", "100%!d(MISSING)"),
    ("%%", "%"),
    ("%5%", "%"),
    ("%*%", "%!(BADWIDTH)%"),
    ("%s and %é", "%!s(MISSING) and %!é(MISSING)"),
    ("%-+# 05.3f!", "%!f(MISSING)!"),
    ("%*d", "%!(BADWIDTH)%!d(MISSING)"),
    ("%.*d", "%!(BADPREC)%!d(MISSING)"),
    ("%.", "%!.(MISSING)"),
    ("%.2", "%!(NOVERB)"),
    ("%.d", "%!d(MISSING)"),
    ("%[1]d", "%!d(BADINDEX)"),
    ("%[1]2d", "%!d(BADINDEX)"),
    ("%[1].2d", "%!d(BADINDEX)"),
    ("%[1]*d", "%!(BADWIDTH)%!d(BADINDEX)"),
    ("%.[1]*d", "%!(BADPREC)%!d(BADINDEX)"),
    ("%[x]d", "%!d(BADINDEX)"),
    ("%[", "%!(NOVERB)"),
    ("%[]", "%!](BADINDEX)"),
    ("%[]d", "%!d(BADINDEX)"),
    ("%[1]", "%!(NOVERB)"),
    ("%##3[-#", "%!-(BADINDEX)#"),
    ("%99999999d", "%!(NOVERB)"),
    ("%1000001d", "%!d(MISSING)"),
    ("%\n", "%!\n(MISSING)"),
]


@pytest.mark.parametrize(("text", "expected"), [pytest.param(*pair, id=repr(pair[0])) for pair in TEXTS])
def test_texts_come_out_as_go_prints_them(text: str, expected: str) -> None:
    assert mangled(text) == expected
