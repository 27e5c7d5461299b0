"""What the translation has to get right where Python and WebAssembly differ, and that it stays bounded."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

import pytest

from reference_host.engine.interface import FuncType, HostFunction, Instance, Limits, Number, ValueType
from reference_host.engine.purepy import PurepyEngine
from reference_host.engine.purepy.graph import Style
from reference_host.engine.purepy.module import MAX_BODY, decode
from reference_host.engine.purepy.translate import source, translate
from reference_host.errors import Trap, TrapCode, UnsupportedModule

Wat = Callable[[str], bytes]
STYLES = [Style(exact, views) for exact in (False, True) for views in (False, True)]


def run(wat: Wat, body: str, *arguments: Number, fields: str = "(memory 1)") -> tuple[Number, ...]:
    text = f"""(module {fields}
      (func (export "f") (param i32 i32) (result i32) (local i32 i64) {body}))"""
    results = {
        PurepyEngine(views=views).compile(wat(text)).instantiate().call("f", *arguments, fuel=fuel)
        for views in (True, False)
        for fuel in (None, 10**6)
    }
    assert len(results) == 1
    return results.pop()


@pytest.mark.parametrize(
    ("body", "arguments", "result"),
    [
        pytest.param("local.get 0 i32.eqz i32.eqz", (7, 0), 1, id="eqz-twice-is-a-number"),
        pytest.param("local.get 0 i32.const 5 i32.lt_s i32.const 3 i32.add", (2**32 - 1, 0), 4, id="condition-added"),
        pytest.param("local.get 0 local.get 1 local.set 0 local.get 0 i32.sub", (9, 4), 5, id="local-set-while-read"),
        pytest.param(
            "i32.const 0 i32.load i32.const 0 i32.const 8 i32.store i32.const 0 i32.load i32.sub",
            (0, 0),
            2**32 - 8,
            id="load-before-store",
        ),
        pytest.param("local.get 0 local.get 1 i32.shr_s", (0x80000000, 33), 0xC0000000, id="shift-by-a-variable"),
        pytest.param("i32.const 1 i32.const 32 i32.rotr", (0, 0), 1, id="rotate-by-all"),
        pytest.param(
            "block (result i32) local.get 0 local.get 1 br_if 0 drop i32.const 5 end i32.const 1 i32.add",
            (8, 1),
            9,
            id="value-carried-by-a-branch",
        ),
        pytest.param(
            "local.get 0 block (result i32) i32.const 3 local.set 0 local.get 0 end i32.sub",
            (10, 0),
            7,
            id="operand-below-a-block",
        ),
        pytest.param("i32.const 65532 i32.load i32.const 2 memory.grow i32.add", (0, 0), 1, id="load-before-growth"),
        pytest.param(
            "i32.const 1 memory.grow drop i32.const 131068 i32.const 77 i32.store i32.const 131068 i32.load",
            (0, 0),
            77,
            id="access-after-growth",
        ),
        pytest.param(
            "block block block local.get 0 br_table 0 1 2 0 1 end i32.const 10 return end i32.const 20 return end"
            " i32.const 30",
            (4, 0),
            20,
            id="switch-default",
        ),
        pytest.param(
            "(loop $a (loop $b local.get 0 i32.const 1 i32.sub local.tee 0 i32.const 3 i32.and br_if $b"
            " local.get 2 i32.const 1 i32.add local.set 2 local.get 0 br_if $a)) local.get 2",
            (12, 0),
            3,
            id="loops-with-two-ways-back",
        ),
        pytest.param(
            "(block $out (loop $a (loop $b local.get 2 i32.const 1 i32.add local.tee 2 i32.const 5 i32.eq br_if $out"
            " br $b)) unreachable) local.get 2",
            (0, 0),
            5,
            id="out-of-two-loops",
        ),
        pytest.param(
            "i32.const 1 memory.grow drop local.get 0 i32.const 77 i32.store offset=4 local.get 0 i32.load offset=4",
            (131_064, 0),
            77,
            id="access-with-an-offset-after-growth",
        ),
        pytest.param(
            "i32.const 0 local.get 0 i32.sub i64.extend_i32_u local.get 3 i64.add i64.const 32 i64.shr_u i32.wrap_i64",
            (1, 0),
            0,
            id="difference-extended-and-added-to",
        ),
        pytest.param(
            "local.get 0 local.get 1 i32.sub local.get 0 local.get 1 i32.sub i32.sub i32.const 255 i32.and",
            (1, 3),
            0,
            id="difference-of-differences",
        ),
        pytest.param(
            "i32.const 5 local.set 2 (loop local.get 2 i32.const -1 i32.gt_s"
            " if local.get 2 i32.const 3 i32.sub local.set 2 br 1 end) local.get 2",
            (0, 0),
            2**32 - 1,
            id="bound-that-a-loop-breaks",
        ),
        pytest.param(
            "block local.get 0 i32.const 10 i32.lt_u br_if 0 end local.get 0 i32.const 1 i32.add",
            (2**32 - 1, 0),
            0,
            id="bound-of-one-way-only",
        ),
        pytest.param(
            "local.get 0 i32.load drop i32.const -1 local.set 0 local.get 0 i32.const 1 i32.add",
            (8, 0),
            0,
            id="bound-of-the-former-value",
        ),
        pytest.param("local.get 0 if i32.const 7 local.set 2 end local.get 2", (0, 0), 0, id="unset-on-one-way"),
    ],
)
def test_python_does_what_webassembly_says(wat: Wat, body: str, arguments: tuple[int, int], result: int) -> None:
    assert run(wat, body, *arguments) == (result,)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param("i32.const 1 i32.const 0 i32.div_u drop i32.const 1", TrapCode.DIVIDE_BY_ZERO, id="dropped"),
        pytest.param(
            "i32.const 1 i32.const 0 i32.div_u i32.const -1 i32.load i32.add", TrapCode.DIVIDE_BY_ZERO, id="the-first"
        ),
        pytest.param(
            "i32.const -1 i32.load i32.const 1 i32.const 0 i32.div_u i32.add",
            TrapCode.MEMORY_OUT_OF_BOUNDS,
            id="the-first-again",
        ),
        pytest.param(
            "i32.const 1 i32.const 0 i32.rem_u i32.const 1 i32.const 1 select", TrapCode.DIVIDE_BY_ZERO, id="not-taken"
        ),
        pytest.param(
            "i32.const 1 i32.const 1 i32.const 0 i32.div_u i32.const 0 select", TrapCode.DIVIDE_BY_ZERO, id="taken"
        ),
        pytest.param(
            "i32.const -1 i32.load i32.const 1 i32.const 0 i32.div_u i32.store i32.const 1",
            TrapCode.MEMORY_OUT_OF_BOUNDS,
            id="address-before-value",
        ),
        pytest.param(
            "block i32.const 1 i32.const 0 i32.div_s br_if 0 end unreachable", TrapCode.DIVIDE_BY_ZERO, id="if"
        ),
        pytest.param(
            "block i32.const -1 i32.load br 0 end i32.const 1", TrapCode.MEMORY_OUT_OF_BOUNDS, id="left-behind"
        ),
        pytest.param(
            "i32.const 65529 local.set 0 local.get 0 i32.load offset=4", TrapCode.MEMORY_OUT_OF_BOUNDS, id="offset"
        ),
        pytest.param(
            "i32.const -4 local.set 0 local.get 0 i32.load offset=8", TrapCode.MEMORY_OUT_OF_BOUNDS, id="no-wrap"
        ),
    ],
)
def test_no_trap_is_lost_or_overtaken(wat: Wat, body: str, code: TrapCode) -> None:
    with pytest.raises(Trap) as raised:
        run(wat, body, 1, 1)
    assert raised.value.code is code


def test_memory_is_as_it_was_when_the_trap_came(wat: Wat) -> None:
    instance = PurepyEngine().compile(
        wat("""(module (memory (export "memory") 1) (func (export "f")
          i32.const 0 i32.const 1 i32.store8
          i32.const 1 i32.const 7 i32.const 0 i32.const 0 i32.div_u i32.store8 i32.store8))"""
            .replace("i32.const 1 i32.const 7 i32.const 0 i32.const 0 i32.div_u i32.store8 i32.store8",
                     "i32.const 1 i32.const 7 i32.const 0 i32.div_u i32.store8 i32.const 2 i32.const 9 i32.store8"))
    ).instantiate()  # fmt: skip
    with pytest.raises(Trap):
        instance.call("f")
    assert instance.memory is not None
    assert instance.memory.read(0, 3) == b"\1\0\0"


def test_code_reads_as_its_source_does(wat: Wat) -> None:
    module = decode(
        wat("""(module (func $sum (param i32) (result i32) (local i32)
      (loop local.get 1 local.get 0 i32.add local.set 1 local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0)
      local.get 1)
      (func $max (param i32 i32) (result i32)
        local.get 0 local.get 1 i32.gt_u if (result i32) local.get 0 else local.get 1 end))""")
    )
    text = source(module, 0, Style(exact=False, views=True))
    assert text.count("for _ in ticks:") == 1
    assert "while" not in source(module, 1, Style(exact=True, views=True))
    assert translate(module, 0, STYLES[0]).co_name == "sum"


# --- bounds ----------------------------------------------------------------------------------------------------------


def hostile(fields: str = "", *, body: str = "", locals_: str = "") -> str:
    return f'(module {fields} (memory 1) (func (export "f") (param i32) (result i32) {locals_} {body} local.get 0))'


HOSTILE = {
    "nested blocks": hostile(body="block " * 5_000 + "local.get 0 br_if 0 end " * 5_000),
    "blocks left all at once": hostile(
        body="block " * 1_000 + "".join(f"local.get 0 br_if {at} end " for at in range(999, -1, -1))
    ),
    "nested loops": hostile(body="loop " * 500 + "local.get 0 i32.eqz br_if 0 end " * 500),
    "nested ifs": hostile(body="local.get 0 if " * 3_000 + "end " * 3_000),
    "a switch with many targets": hostile(
        body="block " * 600
        + f"local.get 0 br_table {' '.join(map(str, range(600)))} "
        + "end local.get 0 i32.const 0 i32.add local.set 0 " * 600
    ),
    "a switch that alternates": hostile(body=f"block block local.get 0 br_table {'0 1 ' * 20_000} end end"),
    "one expression": hostile(body="local.get 0 " + "i32.const 1 i32.add i32.const 1 i32.sub " * 8_000 + "local.set 0"),
    "a deep stack": hostile(body="local.get 0 " * 10_000 + "drop " * 10_000),
    "many locals": hostile(locals_=f"(local {'i64 ' * 40_000})", body="local.get 39999 drop"),
    "many loops in a row": hostile(body="(loop local.get 0 i32.eqz br_if 0) " * 3_000),
}


@pytest.mark.parametrize("style", [STYLES[1], STYLES[3]], ids=lambda style: style.name)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bodies_run_within_seconds(wat: Wat, text: str, style: Style) -> None:
    binary = wat(text)
    began = time.process_time()
    instance = PurepyEngine().compile(binary).instantiate()
    assert instance.call("f", 3, fuel=10**8 if style.exact else None) == (3,)
    assert time.process_time() - began < 10


def test_a_body_that_is_too_large_is_an_error(wat: Wat) -> None:
    with pytest.raises(UnsupportedModule, match=f"this engine takes {MAX_BODY}"):
        PurepyEngine().compile(wat(hostile(body="nop " * (MAX_BODY + 1))))


@pytest.mark.parametrize("limit", [None, 400, 50_000], ids=["as-it-is", "low", "high"])
@pytest.mark.parametrize("fuel", [None, 10**7])
def test_endless_recursion_is_a_trap_whatever_the_limit_of_the_process(
    wat: Wat, limit: int | None, fuel: int | None
) -> None:
    binary = wat("""(module (func $f (export "f") (param i32) (result i32) (local i64)
      local.get 0 i32.const 1 i32.add call $f i32.const 1 i32.add))""")
    former = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(limit or former)
        own = sys.getrecursionlimit()
        with pytest.raises(Trap) as raised:
            PurepyEngine().compile(binary).instantiate().call("f", 0, fuel=fuel)
        assert raised.value.code is TrapCode.STACK_EXHAUSTED
        assert sys.getrecursionlimit() == own
    finally:
        sys.setrecursionlimit(former)


@pytest.mark.parametrize("between", ["", "(loop)", "(loop local.get 0 br_if 0)"], ids=["nothing", "no-loop", "loop"])
def test_calls_that_double_end_at_the_deadline(wat: Wat, between: str) -> None:
    doubling = "".join(
        f"(func $f{n} (param i32) (call $f{n + 1} (local.get 0)) {between} (call $f{n + 1} (local.get 0)))"
        for n in range(60)
    )
    binary = wat(f'(module {doubling} (func $f60 (param i32)) (export "f" (func $f0)))')
    with pytest.raises(Trap) as raised:
        PurepyEngine().compile(binary).instantiate(limits=Limits(deadline=0.1)).call("f", 0)
    assert raised.value.code is TrapCode.DEADLINE


def test_wide_frames_take_no_more_memory_than_narrow_ones(wat: Wat) -> None:
    binary = wat(f"""(module (func $f (export "f") (local {"i64 " * 3_000})
      {" ".join(f"i64.const {at} local.set {at}" for at in range(3_000))} call $f))""")
    with pytest.raises(Trap) as raised:
        PurepyEngine().compile(binary).instantiate().call("f")
    assert raised.value.code is TrapCode.STACK_EXHAUSTED


def test_deep_operand_stacks_take_no_more_memory_than_shallow_ones(wat: Wat) -> None:
    binary = wat(f"""(module (func $f (export "f") (result i32) {"call $g " * 3_000} call $f {"i32.add " * 3_000})
      (func $g (result i32) i32.const 1))""")
    with pytest.raises(Trap) as raised:
        PurepyEngine().compile(binary).instantiate().call("f")
    assert raised.value.code is TrapCode.STACK_EXHAUSTED


def test_a_host_function_that_finds_no_stack_left_is_the_guests_fault(wat: Wat) -> None:
    def deep(count: int) -> int:
        return deep(count - 1) + 1 if count else 0

    def host(_: Instance) -> None:
        deep(150)

    instance = (
        PurepyEngine()
        .compile(wat('(module (import "env" "h" (func $h)) (func $f (export "f") call $h call $f))'))
        .instantiate([HostFunction("env", "h", FuncType(), host)])
    )
    with pytest.raises(Trap) as raised:
        instance.call("f")
    assert raised.value.code is TrapCode.STACK_EXHAUSTED


def test_two_threads_do_not_take_each_others_stack(wat: Wat) -> None:
    module = PurepyEngine().compile(
        wat("""(module (func $f (export "f") (param i32) (result i32)
          local.get 0 if (result i32)
            local.get 0 i32.const 1 i32.sub call $f i32.const 1 i32.add else i32.const 0 end))""")
    )
    results: list[tuple[Number, ...]] = []

    def work(depth: int) -> None:
        results.extend(module.instantiate([], Limits(deadline=60)).call("f", depth) for _ in range(20))

    threads = [threading.Thread(target=work, args=[depth]) for depth in (3_000, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [(10,)] * 20 + [(3_000,)] * 20


def test_a_float_keeps_its_bits_on_every_way(wat: Wat) -> None:
    text = """(module (memory 1) (type $id (func (param f32) (result f32))) (table funcref (elem $id))
      (func $id (type $id) local.get 0) (global $g (mut f32) (f32.const 0))
      (func (export "f") (param i32) (result i32)
        (global.set $g (call_indirect (type $id) (f32.reinterpret_i32 (local.get 0)) (i32.const 0)))
        (f32.store (i32.const 3) (global.get $g))
        (i32.reinterpret_f32 (f32.neg (f32.neg (f32.load (i32.const 3)))))))"""
    for views in (True, False):
        instance = PurepyEngine(views=views).compile(wat(text)).instantiate()
        for bits in (0x7F800001, 0xFFA00001, 0x7FC00000, 0x80000000, 0x3F800001, 1):
            assert instance.call("f", bits) == (bits,)


def test_references_do_not_keep_instances(wat: Wat) -> None:
    module = PurepyEngine().compile(wat('(module (func $f (export "f") (result i32) i32.const 1))'))
    assert module.instantiate().call("f") == (1,)
    assert ValueType.I32 in module.exports[0].type.results  # type: ignore[union-attr]
