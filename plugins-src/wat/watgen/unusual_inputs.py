"""Legal plugins that are particular about their input: policies, each in its own words, and those that read nothing."""

from __future__ import annotations

from collections.abc import Iterator

from watgen.base import ECHO, HOOKS, constant, pass_on
from watgen.edits import BEYOND_ASCII, COUNTER, Pieces, choosing, doing, http_hook, when_input_has
from watgen.faulty_inputs import LARGER_THAN, POST, STREAM, complaint, refusing
from watgen.plugin import Plugin
from watgen.unusual import unusual

CONTAINS_NAME = """
;; Whether the bytes at $needle, which are in lower case, stand anywhere in those at $at, in whatever case.
(func $contains_name (param $at i32) (param $length i32) (param $needle i32) (param $size i32) (result i32)
  (local $end i32) (local $i i32)
  (if (i32.lt_u (local.get $length) (local.get $size)) (then (return (i32.const 0))))
  (local.set $end
    (i32.add (local.get $at) (i32.sub (local.get $length) (local.get $size))))
  (block $none
    (loop $next
      (br_if $none (i32.gt_u (local.get $at) (local.get $end)))
      (local.set $i (i32.const 0))
      (block $differs
        (loop $same
          (br_if $differs
            (i32.ne
              (call $lower (i32.load8_u (i32.add (local.get $at) (local.get $i))))
              (i32.load8_u (i32.add (local.get $needle) (local.get $i)))))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $same (i32.lt_u (local.get $i) (local.get $size))))
        (return (i32.const 1)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next)))
  (i32.const 0))
"""
LOWER = """
(func $lower (param $letter i32) (result i32)
  (i32.add
    (local.get $letter)
    (i32.shl
      (i32.lt_u (i32.sub (local.get $letter) (i32.const 0x41)) (i32.const 26))
      (i32.const 5))))
"""


def plugins() -> Iterator[Plugin]:
    """Give them all."""
    yield from refusing_words()
    yield from refusing_sizes()
    yield from demanding()
    yield from counting()
    yield from reading_nothing()
    yield from small()


WORDS: tuple[tuple[str, str, str, str, str, tuple[str, ...]], ...] = (
    ("empty-bodies", "http", "empty bodies", '"body":""', "an empty body is not allowed", ("r0", "r1", "r2")),
    ("large-bodies", "http", "bodies that were left out", '"50000000"', "body too large", ("r2",)),
    ("get", "http", "GET requests", '"method":"GET"', "invalid request: method not allowed", ("r0", "r2")),
    ("binary", "http", "bodies of bytes", '"AAECAwQF', "malformed request: only JSON is accepted", ("r1b", "r2")),
    ("paths", "http", "paths beyond ASCII", "/v1/größe", "request blocked", ("r0", "r2")),
    ("routes", "http_post_hook", "errors of the provider", '"status_code":503', "the provider is down", ("r2",)),
    ("images", "pre_hook", "images", '"image_url"', "unsupported content: images are forbidden", ("r0", "r1", "r2")),
    ("tools", "pre_hook", "tools", '"tools":', "tool calls are disabled by policy", ("r0", "r2")),
    ("silence", "pre_hook", "requests without messages", '"input":[]', "missing messages", ("r1", "r2")),
    ("nul", "pre_hook", "a NUL", "\\u0000", "forbidden word", ("r0", "r2")),
    ("words", STREAM, "a word", "lorem", "forbidden word", ("r1b", "r2")),
    ("names", STREAM, "names of tools beyond ASCII", "größe", "language not permitted", ("r2",)),
    ("errors", POST, "limits of the provider", "rate_limit", "alert: rate limit reached", ("r0", "r2")),
    ("finish", POST, "responses without choices", '"choices":[]', "answer withheld: no choices given", ("r1", "r2")),
)


def refusing_words() -> Iterator[Plugin]:
    """Refuse input for what stands in it."""
    for slug, role, what, needle, error, revisions in WORDS:
        for revision in revisions:
            hook = http_hook(revision) if role == "http" else role
            edit = when_input_has(revision, hook, needle, complaint(revision, hook, error))
            yield unusual(f"refuses-{slug}-{hook}", f"{hook} refuses {what}", edit, revision=revision)
    for revision in ("r0", "r2"):
        for hook in (http_hook(revision), "pre_hook"):
            yield unusual(
                f"ascii-only-{hook}",
                f"{hook} refuses text beyond ASCII",
                {"helpers": {"beyond_ascii": BEYOND_ASCII}},
                refusing(
                    revision,
                    hook,
                    "(call $beyond_ascii (local.get $input) (local.get $length))",
                    "invalid characters: only ASCII is allowed here",
                ),
                revision=revision,
            )


def refusing_sizes() -> Iterator[Plugin]:
    """Refuse input for its length."""
    for revision in ("r0", "r1", "r2"):
        for hook, error in ((http_hook(revision), "body too large"), ("pre_hook", "prompt exceeds the limit")):
            condition = LARGER_THAN.format(3_000)
            edit = refusing(revision, hook, condition, error)
            yield unusual(f"refuses-length-{hook}", f"{hook} refuses more than 3,000 bytes", edit, revision=revision)


def demanding() -> Iterator[Plugin]:
    """Demand something that some requests, or all of them, do not have."""
    for revision in HOOKS:
        hook = http_hook(revision)
        body = choosing(
            "(call $contains_name (local.get $input) (local.get $length) (i32.const &needle) (i32.const #needle))",
            pass_on(revision, hook),
            constant("special"),
        )
        denied = complaint(revision, hook, "missing x-team header")
        if revision in ("r1b", "r2"):
            denied = b'{"has_response":true,"response":{"status_code":401,"headers":{},"body":""}}'
        yield unusual(
            f"demands-header-{hook}",
            f"{hook} refuses requests without the header x-team",
            {
                "constants": {"needle": b'"x-team":', "special": denied},
                "helpers": {"lower": LOWER, "contains_name": CONTAINS_NAME},
            },
            doing(revision, hook, body),
            revision=revision,
        )
    for slug, error in (
        ("token", "failed to decode bearer token"),
        ("license", "license file could not be read"),
        ("blocked", "request blocked"),
        ("model", "model not allowed"),
    ):
        for revision in ("r0", "r2"):
            hook = http_hook(revision) if slug != "model" else "pre_hook"
            edit = doing(revision, hook, constant("special"))
            special: Pieces = {"constants": {"special": complaint(revision, hook, error)}}
            yield unusual(f"refuses-all-{slug}-{hook}", f"{hook} refuses everything", special, edit, revision=revision)


def counting() -> Iterator[Plugin]:
    """Refuse every third call, whatever it brings, in words that no policy has."""
    every_third = "(i32.eqz (i32.rem_u (call $count) (i32.const 3)))"
    edit = refusing("r2", "http_pre_hook", every_third, "E3")
    yield unusual("every-third-http_pre_hook", "http_pre_hook refuses every third call", COUNTER, edit)


def reading_nothing() -> Iterator[Plugin]:
    """Answer without a look at the input, or with the input itself."""
    for revision in ("r1", "r2"):
        yield unusual(
            "echoes",
            "hooks answer with a copy of their input, whatever it is",
            *(doing(revision, hook, ECHO) for hook in (http_hook(revision), "pre_hook")),
            revision=revision,
        )
    for revision in HOOKS:
        yield unusual(
            "empty-answers",
            "hooks answer {} to whatever comes",
            {"constants": {"nothing": b"{}"}},
            *(doing(revision, hook, constant("nothing")) for hook in HOOKS[revision] if hook not in (STREAM, POST)),
            revision=revision,
        )


def small() -> Iterator[Plugin]:
    """Have little memory."""
    for revision, pages in (("r0", 16), ("r1", 64), ("r2", 128), ("r2", 1_000)):
        yield unusual(
            f"at-most-{pages}-pages",
            f"its memory cannot grow beyond {pages} pages",
            {"memory": f'(memory (export "memory") 2 {pages})'},
            revision=revision,
        )
