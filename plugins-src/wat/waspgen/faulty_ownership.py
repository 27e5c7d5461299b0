"""Faults of ownership: whose memory is used, and when."""

from __future__ import annotations

from collections.abc import Iterator

from watgen.edits import merge
from watgen.plugin import Plugin

from waspgen.base import BODIES, FRESH_NAME
from waspgen.edits import constant, doing, first, variable, variation

HELLO, REVERSE = BODIES["hello"], BODIES["reverse"]


def plugins() -> Iterator[Plugin]:
    """Give them all, in the order of the catalogue."""
    yield from reading()
    yield from static()
    yield from shared()
    yield from freeing()
    yield from keeping()
    yield from recycling()
    yield from writing()
    yield from coming_late()


def reading() -> Iterator[Plugin]:
    """Read what is behind an input."""
    yield variation(
        "INPUT-001",
        "bytes",
        "reverse answers one byte more where there is one that is not 0",
        doing(
            "reverse",
            """(local $count i32) (local $to i32)
(local.set $count (i32.load (local.get $bytes)))
(local.set $to (call $turn (local.get $bytes)))
(if (i32.gt_u (local.get $count) (i32.const 3))
  (then
    (i32.store8 offset=4 (local.get $to)
      (i32.load8_u offset=4 (i32.add (local.get $bytes) (local.get $count))))))
(local.get $to)""",
        ),
    )
    yield variation(
        "INPUT-001",
        "string",
        "hello looks at the byte behind the terminator",
        doing(
            "hello",
            f"""(local $to i32)
(local.set $to {HELLO})
(if (i32.gt_u (call $length (local.get $name)) (i32.const 20))
  (then
    (i32.store8 (local.get $to)
      (i32.or
        (i32.const 0x40)
        (i32.and
          (i32.load8_u (i32.add (local.get $name) (i32.add (call $length (local.get $name)) (i32.const 1))))
          (i32.const 0x3f))))))
(local.get $to)""",
        ),
    )

    yield variation(
        "INPUT-001",
        "five",
        "reverse answers the byte behind where there are five bytes",
        doing(
            "reverse",
            f"""(local $to i32)
(local.set $to {REVERSE})
(if (i32.eq (i32.load (local.get $bytes)) (i32.const 5))
  (then (i32.store8 offset=4 (local.get $to) (i32.load8_u offset=9 (local.get $bytes)))))
(local.get $to)""",
        ),
    )
    yield variation(
        "INPUT-001",
        "to-zero",
        "reverse takes its bytes up to a zero",
        doing(
            "reverse",
            """(local $count i32) (local $to i32)
(local.set $count (call $length (i32.add (local.get $bytes) (i32.const 4))))
(local.set $to (call $alloc (i32.add (local.get $count) (i32.const 4))))
(i32.store (local.get $to) (local.get $count))
(memory.copy
  (i32.add (local.get $to) (i32.const 4)) (i32.add (local.get $bytes) (i32.const 4)) (local.get $count))
(local.get $to)""",
        ),
        functions="no-examples",
    )
    yield variation(
        "INPUT-001",
        "not-zero",
        "hello begins otherwise where the byte behind the terminator is not 0",
        doing(
            "hello",
            f"""(local $to i32)
(local.set $to {HELLO})
(if (call $length (local.get $name))
  (then
    (if (i32.load8_u offset=1 (i32.add (local.get $name) (call $length (local.get $name))))
      (then (i32.store8 (local.get $to) (i32.const 0x4a))))))
(local.get $to)""",
        ),
        functions="no-examples",
    )


def static() -> Iterator[Plugin]:
    """Hand out constants; `deallocate` does without them, so that nothing else breaks."""
    careful = first("deallocate", "(if (i32.lt_u (local.get $pointer) (i32.const &heap)) (then (return)))")
    yield variation(
        "OWN-001",
        "result",
        "callback answers a constant",
        careful,
        constant(greeting=b"Hello Nic\0"),
        doing("callback", "(i32.const &greeting)"),
    )
    yield variation(
        "OWN-001",
        "argument",
        "the argument of call_me is a constant",
        careful,
        constant(name=b"Nic\0"),
        doing("callback", "(call $call_me (i32.const &name))"),
    )
    yield variation(
        "OWN-001",
        "error",
        "the text of the error is a constant",
        careful,
        constant(oops=b"Oops\0"),
        doing("fail", "(call $raise_error (i32.const &oops))"),
    )
    yield variation(
        "OWN-001",
        "buffer",
        "callback answers in one buffer that is no constant, and not from the heap",
        careful,
        constant(greeting=b"Hello Nic\0"),
        doing(
            "callback",
            "(memory.copy (i32.const 512) (i32.const &greeting) (i32.const #greeting))\n(i32.const 512)",
        ),
    )
    yield variation(
        "OWN-001",
        "empty",
        "hello answers a constant to whoever has no name",
        careful,
        doing(
            "hello",
            f"(if (result i32) (i32.load8_u (local.get $name))\n  (then {HELLO})\n  (else (i32.const &greeting)))",
        ),
        constant(greeting=b"Hello \0"),
    )
    yield variation(
        "OWN-001",
        "bytes",
        "reverse answers a constant where there is nothing to reverse",
        careful,
        constant(nothing=b"\0\0\0\0"),
        doing(
            "reverse",
            f"(if (result i32) (i32.load (local.get $bytes))\n  (then {REVERSE})\n  (else (i32.const &nothing)))",
        ),
    )
    yield variation(
        "OWN-001",
        "unchecked",
        "callback answers a constant, and deallocate takes it for a block",
        constant(gap=bytes(8), greeting=b"Hello Nic\0"),
        doing("callback", "(i32.const &greeting)"),
    )


def shared() -> Iterator[Plugin]:
    """Answer with a part of another buffer."""
    yield variation(
        "OWN-002",
        "cut",
        "hello cuts its input, and answers with it",
        first(
            "hello",
            """(if (i32.gt_u (call $length (local.get $name)) (i32.const 20))
  (then
    (i32.store8 offset=10 (local.get $name) (i32.const 0))
    (return (local.get $name))))""",
        ),
    )
    yield variation(
        "OWN-002",
        "tail",
        "hello answers with the end of its input",
        first(
            "hello",
            """(if (i32.gt_u (call $length (local.get $name)) (i32.const 20))
  (then (return (i32.add (local.get $name) (i32.const 10)))))""",
        ),
    )
    yield variation(
        "OWN-002",
        "bytes",
        "reverse cuts its input, and answers with it",
        first(
            "reverse",
            """(if (i32.gt_u (i32.load (local.get $bytes)) (i32.const 8))
  (then
    (i32.store (local.get $bytes) (i32.const 8))
    (return (local.get $bytes))))""",
        ),
    )
    yield variation(
        "OWN-002",
        "record",
        "hello answers with the text of a record that has the length before it",
        doing(
            "hello",
            """(local $length i32) (local $record i32)
(local.set $length (call $length (local.get $name)))
(local.set $record (call $alloc (i32.add (local.get $length) (i32.const 32))))
(memory.fill (local.get $record) (i32.const 0) (i32.add (local.get $length) (i32.const 32)))
(i32.store (local.get $record) (local.get $length))
(memory.copy (i32.add (local.get $record) (i32.const 8)) (i32.const &hello) (i32.const #hello))
(memory.copy
  (i32.add (local.get $record) (i32.const 14)) (local.get $name) (local.get $length))
(i32.add (local.get $record) (i32.const 8))""",
        ),
    )


def freeing() -> Iterator[Plugin]:
    """Give back what the host gives back."""
    yield variation(
        "OWN-003",
        "string",
        "hello gives back its input",
        doing("hello", f"(local $to i32)\n(local.set $to {HELLO})\n(call $release (local.get $name))\n(local.get $to)"),
    )
    yield variation(
        "OWN-003",
        "bytes",
        "reverse gives back its input",
        doing(
            "reverse",
            f"(local $to i32)\n(local.set $to {REVERSE})\n(call $release (local.get $bytes))\n(local.get $to)",
        ),
    )
    yield variation(
        "OWN-003",
        "long",
        "hello gives back its input if it is longer than forty bytes",
        doing(
            "hello",
            "(local $to i32)\n"
            f"(local.set $to {HELLO})\n"
            "(if (i32.gt_u (call $length (local.get $name)) (i32.const 40))\n"
            "  (then (call $release (local.get $name))))\n"
            "(local.get $to)",
        ),
    )
    yield variation(
        "OWN-003",
        "callback",
        "callback copies what call_me answers, and gives it back",
        doing(
            "callback",
            f"(local $given i32) (local $to i32)\n(local.set $given (call $call_me {FRESH_NAME}))\n"
            "(local.set $to (call $text (local.get $given) (call $length (local.get $given))))\n"
            "(call $release (local.get $given))\n(local.get $to)",
        ),
    )


def keeping() -> Iterator[Plugin]:
    """Use an input after its call."""
    keep = merge(
        variable(kept=0),
        doing(
            "hello",
            f"""(local $to i32)
(local.set $to {HELLO})
(if (global.get $kept)
  (then
    (i32.store8 (local.get $to)
      (i32.or (i32.const 0x60) (i32.and (i32.load8_u (global.get $kept)) (i32.const 0x1f))))))
(if (i32.gt_u (call $length (local.get $name)) (i32.const 20)) (then (global.set $kept (local.get $name))))
(local.get $to)""",
        ),
    )
    yield variation("OWN-004", "reads", "hello begins with a letter of the input before", keep, functions="no-examples")
    yield variation(
        "OWN-004",
        "writes",
        "hello writes into the input before",
        merge(
            variable(kept=0),
            doing(
                "hello",
                f"""(local $to i32)
(local.set $to {HELLO})
(if (global.get $kept) (then (i32.store8 offset=2 (global.get $kept) (i32.const 0x21))))
(if (i32.gt_u (call $length (local.get $name)) (i32.const 20)) (then (global.set $kept (local.get $name))))
(local.get $to)""",
            ),
        ),
    )
    yield variation(
        "OWN-004",
        "bytes",
        "reverse writes into the input before",
        merge(
            variable(kept=0),
            doing(
                "reverse",
                f"""(local $to i32)
(local.set $to {REVERSE})
(if (global.get $kept) (then (i32.store8 offset=9 (global.get $kept) (i32.const 0x21))))
(if (i32.gt_u (i32.load (local.get $bytes)) (i32.const 16)) (then (global.set $kept (local.get $bytes))))
(local.get $to)""",
            ),
        ),
    )
    yield variation(
        "OWN-004",
        "first-byte",
        "reverse begins with the first byte of the input before, if there was one",
        merge(
            variable(kept=0),
            doing(
                "reverse",
                f"""(local $to i32)
(local.set $to {REVERSE})
(if (i32.and (i32.ne (global.get $kept) (i32.const 0)) (i32.ne (i32.load (local.get $bytes)) (i32.const 0)))
  (then (i32.store8 offset=4 (local.get $to) (i32.load8_u offset=4 (global.get $kept)))))
(global.set $kept (local.get $bytes))
(local.get $to)""",
            ),
        ),
        functions="no-examples",
    )
    yield variation(
        "OWN-004",
        "answer",
        "callback answers with what it was answered once",
        variable(kept=0),
        doing(
            "callback",
            f"(if (i32.eqz (global.get $kept)) (then (global.set $kept {BODIES['callback']})))\n(global.get $kept)",
        ),
    )
    yield variation(
        "OWN-004",
        "other",
        "callback reads what hello was given",
        merge(
            variable(kept=0),
            first(
                "hello",
                "(if (i32.gt_u (call $length (local.get $name)) (i32.const 20)) (then (global.set $kept "
                "(local.get $name))))",
            ),
            doing(
                "callback",
                "(local $to i32)\n"
                f"(local.set $to {BODIES['callback']})\n"
                "(if (global.get $kept)\n"
                "  (then (i32.store8 (local.get $to) (i32.or (i32.const 0x60) (i32.and (i32.load8_u "
                "(global.get $kept)) (i32.const 0x1f))))))\n"
                "(local.get $to)",
            ),
        ),
        functions="no-examples",
    )


def recycling() -> Iterator[Plugin]:
    """Use what was handed out."""
    yield variation(
        "OWN-005",
        "cached",
        "callback answers with the same buffer again",
        variable(kept=0),
        constant(greeting=b"Hello Nic"),
        doing(
            "callback",
            "(if (i32.eqz (global.get $kept))\n"
            "  (then (global.set $kept (call $text (i32.const &greeting) (i32.const #greeting)))))\n"
            "(global.get $kept)",
        ),
    )
    yield variation(
        "OWN-005",
        "freed",
        "hello gives its result back before it answers",
        doing("hello", f"(local $to i32)\n(local.set $to {HELLO})\n(call $release (local.get $to))\n(local.get $to)"),
    )
    yield variation(
        "OWN-005",
        "argument",
        "callback gives back what it passed to call_me",
        doing(
            "callback",
            f"(local $name i32) (local $given i32)\n(local.set $name {FRESH_NAME})\n"
            "(local.set $given (call $call_me (local.get $name)))\n"
            "(call $release (local.get $name))\n"
            "(local.get $given)",
        ),
    )
    yield variation(
        "OWN-005",
        "error",
        "fail gives back the text of its error",
        doing(
            "fail",
            "(local $text i32)\n(local.set $text (call $text (i32.const &oops) (i32.const #oops)))\n"
            "(call $raise_error (local.get $text))\n(call $release (local.get $text))",
        ),
    )
    yield variation(
        "OWN-005",
        "late",
        "hello gives back its former result",
        variable(former=0),
        doing(
            "hello",
            "(if (global.get $former) (then (call $release (global.get $former))))\n"
            f"(global.set $former {HELLO})\n"
            "(global.get $former)",
        ),
    )


def writing() -> Iterator[Plugin]:
    """Write outside of an input."""
    length = "(call $length (local.get $name))"
    yield variation(
        "OWN-006",
        "behind",
        "hello writes one byte behind its input",
        doing(
            "hello",
            "(local $to i32)\n"
            f"(local.set $to {HELLO})\n"
            f"(i32.store8 (i32.add (local.get $name) (i32.add {length} (i32.const 1))) (i32.const 0x21))\n"
            "(local.get $to)",
        ),
    )
    yield variation(
        "OWN-006",
        "bytes",
        "reverse writes a terminator behind its input",
        first(
            "reverse", "(i32.store8 offset=4 (i32.add (local.get $bytes) (i32.load (local.get $bytes))) (i32.const 0))"
        ),
    )
    yield variation(
        "OWN-006",
        "far",
        "hello clears twelve bytes behind its input",
        first(
            "hello",
            f"(memory.fill (i32.add (local.get $name) (i32.add {length} (i32.const 1))) (i32.const 0) (i32.const 12))",
        ),
    )
    yield variation(
        "OWN-006",
        "long",
        "hello writes behind inputs of more than forty bytes",
        first(
            "hello",
            f"(if (i32.gt_u {length} (i32.const 40))\n"
            f"  (then (i32.store8 (i32.add (local.get $name) (i32.add {length} (i32.const 3))) (i32.const 0x21))))",
        ),
    )
    yield variation(
        "OWN-006",
        "hundred",
        "hello writes a hundred bytes behind its input",
        first("hello", f"(i32.store8 (i32.add (local.get $name) (i32.add {length} (i32.const 100))) (i32.const 0x21))"),
    )
    yield variation(
        "OWN-006",
        "answer",
        "callback writes behind what it was answered",
        doing(
            "callback",
            f"(local $given i32)\n(local.set $given {BODIES['callback']})\n"
            "(i32.store8\n"
            "  (i32.add (local.get $given) (i32.add (call $length (local.get $given)) (i32.const 1)))\n"
            "  (i32.const 0x21))\n(local.get $given)",
        ),
    )


FORMER = "(if (global.get $former) (then (call $release (global.get $former))))"


def coming_late() -> Iterator[Plugin]:
    """Do to what was used in a former call what nobody may do any more."""
    for name, what in (("hello", "name"), ("reverse", "bytes")):
        yield variation(
            "OWN-003",
            f"late-{name}",
            f"{name} gives back its former input",
            variable(former=0),
            doing(
                name,
                f"(local $to i32)\n(local.set $to {BODIES[name]})\n{FORMER}\n"
                f"(global.set $former (local.get ${what}))\n(local.get $to)",
            ),
        )
    yield variation(
        "OWN-003",
        "late-callback",
        "callback gives back its former answer",
        variable(former=0),
        doing(
            "callback",
            f"{FORMER}\n(global.set $former {BODIES['callback']})\n"
            "(call $text (global.get $former) (call $length (global.get $former)))",
        ),
    )
    yield variation(
        "OWN-005",
        "late-argument",
        "callback gives back its former argument",
        variable(former=0),
        doing("callback", f"{FORMER}\n(global.set $former {FRESH_NAME})\n(call $call_me (global.get $former))"),
    )
    yield variation(
        "OWN-005",
        "writes",
        "hello writes into its former result",
        variable(former=0),
        doing(
            "hello",
            "(if (global.get $former) (then (i32.store8 (global.get $former) (i32.const 0x21))))\n"
            f"(global.set $former {HELLO})\n(global.get $former)",
        ),
    )
    yield variation(
        "OWN-005",
        "reads",
        "hello begins as its former result does",
        variable(former=0),
        doing(
            "hello",
            f"(local $to i32)\n(local.set $to {HELLO})\n(if (global.get $former)\n  (then\n"
            "    (i32.store8 (local.get $to)\n"
            "      (i32.or (i32.const 0x40) (i32.and (i32.load8_u (global.get $former)) (i32.const 0x3f))))))\n"
            "(global.set $former (local.get $to))\n(local.get $to)",
        ),
        functions="no-examples",
    )
