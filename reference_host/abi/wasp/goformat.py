"""wasp: what becomes of an error text that the real host takes for a format.

It builds the error with Go's `fmt.Errorf(text)`, and no arguments: `100%d` comes out as `100%!d(MISSING)`.

Source: Go's package `fmt`, documentation of format errors, and `doPrintf`.
"""

from __future__ import annotations

import re

_DIRECTIVE = re.compile(
    r"%[#0+\- ]*"
    r"(?P<first>\[[^\]]*\]|\[)?(?P<width>\*|\d+)?"
    r"(?P<dot>\.(?P<second>\[[^\]]*\])?(?P<precision>\*|\d+)?)?"
    r"(?P<third>\[[^\]]*\])?(?P<verb>.|$)",
    re.DOTALL,
)


def mangled(text: str) -> str:
    """The text as `fmt.Errorf` gives it."""
    return _DIRECTIVE.sub(_report, text)


def _report(directive: re.Match[str]) -> str:
    verb = directive["verb"]
    bad = "%!(BADWIDTH)" if directive["width"] == "*" else ""
    bad += "%!(BADPREC)" if directive["precision"] == "*" else ""
    if not verb:
        return f"{bad}%!(NOVERB)"
    if verb == "%":
        return f"{bad}%"
    indexed = directive["first"] or directive["second"] or directive["third"]
    return f"{bad}%!{verb}({'BADINDEX' if indexed else 'MISSING'})"
