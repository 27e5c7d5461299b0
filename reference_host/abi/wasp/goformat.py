"""wasp: what becomes of an error text that the real host takes for a format.

It builds the error with Go's `fmt.Errorf(text)`, and no arguments: `100%d` comes out as `100%!d(MISSING)`.

Source: Go's package `fmt`, documentation of format errors, and the order of steps in `doPrintf`.
"""

from __future__ import annotations

import re

_FLAGS = re.compile(r"[#0+\- ]*")
_DIGITS = re.compile(r"[0-9]*")
_LARGEST = 1_000_000
"""Above it Go gives a number up, and with it the rest of the text."""


def mangled(text: str) -> str:
    """The text as `fmt.Errorf` gives it."""
    parts = []
    at = 0
    while (percent := text.find("%", at)) >= 0:
        parts.append(text[at:percent])
        directive = _Directive(text, percent + 1)
        parts.append(directive.report())
        at = directive.at
    return "".join([*parts, text[at:]])


class _Directive:
    """What follows a percent sign. There are no arguments: every index is a bad one, and every verb lacks its own."""

    def __init__(self, text: str, at: int) -> None:
        self._text = text
        self._bad_index = False
        self.at = at

    def report(self) -> str:
        """Read it to its end: what Go writes in its place."""
        said = ""
        match = _FLAGS.match(self._text, self.at)
        self.at = match.end() if match else self.at
        indexed = self._index()
        if self._is("*"):
            said, indexed = "%!(BADWIDTH)", False
        elif self._number() and indexed:
            self._bad_index = True
        if self.at + 1 < len(self._text) and self._is("."):
            self._bad_index |= indexed
            indexed = self._index()
            if self._is("*"):
                said, indexed = f"{said}%!(BADPREC)", False
            else:
                self._number()
        if not indexed:
            self._index()
        if self.at >= len(self._text):
            return f"{said}%!(NOVERB)"
        verb = self._text[self.at]
        self.at += 1
        if verb == "%":
            return f"{said}%"
        return f"{said}%!{verb}({'BADINDEX' if self._bad_index else 'MISSING'})"

    def _is(self, character: str) -> bool:
        if not self._text.startswith(character, self.at):
            return False
        self.at += 1
        return True

    def _number(self) -> bool:
        found = _DIGITS.match(self._text, self.at)
        digits = found[0] if found else ""
        if digits[:-1] and int(digits[:-1]) > _LARGEST:
            self.at = len(self._text)
            return False
        self.at += len(digits)
        return bool(digits)

    def _index(self) -> bool:
        """Read `[n]`, if there is one: whether it is well formed."""
        if not self._text.startswith("[", self.at):
            return False
        self._bad_index = True
        # Go does not look for the end where less than three bytes are left.
        end = self._text.find("]", self.at) if len(self._text) - self.at > 2 else -1
        inner = self._text[self.at + 1 : end]
        self.at = self.at + 1 if end < 0 else end + 1
        return end >= 0 and inner.isascii() and inner.isdigit()
