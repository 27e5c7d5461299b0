"""What is particular to pywasm: its parser's limits, its appetite for memory, and modules that nobody validated."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import pywasm

from reference_host.engine.interface import Engine, Limits, Validity
from reference_host.engine.pywasm import PywasmEngine
from reference_host.engine.registry import load_engine
from reference_host.errors import HookproofError, InvalidModule, MalformedModule, Trap, TrapCode

Wat = Callable[[str], bytes]
HEADER = b"\0asm\x01\0\0\0"


@pytest.fixture
def engine() -> PywasmEngine:
    found = load_engine("pywasm")
    assert isinstance(found, PywasmEngine)
    return found


@pytest.fixture
def unaided(monkeypatch: pytest.MonkeyPatch) -> PywasmEngine:
    """The engine as it is where no engine that validates is installed."""
    monkeypatch.setattr("reference_host.engine.pywasm.find_validator", lambda: None)
    return PywasmEngine()


def body(code: bytes) -> bytes:
    """A module with one function `() -> ()`, exported as `f`, of this code (locals included)."""
    size = len(code)
    assert size < 100
    return (
        HEADER
        + b"\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x07\x05\x01\x01f\x00\x00"
        + bytes([10, size + 2, 1, size])
        + code
    )


def test_it_is_an_engine_of_the_seam_for_the_quick_scope(engine: PywasmEngine) -> None:
    seam: Engine = engine
    assert seam.quick_only is not None
    assert not seam.validates


def test_more_than_32_sections_are_read(engine: PywasmEngine, wat: Wat) -> None:
    module = wat('(module (func (export "f") (result i32) i32.const 7))')
    binary = module[:8] + b"\x00\x02\x01x" * 40 + module[8:]
    assert engine.compile(binary).instantiate().call("f") == (7,)


def test_deeply_nested_blocks_are_decoded_and_run(engine: PywasmEngine, wat: Wat) -> None:
    depth = 3_000
    binary = wat(f'(module (func (export "f") (result i32) {"block " * depth} br 0 {"end " * depth} i32.const 7))')
    assert engine.compile(binary).instantiate().call("f") == (7,)


def test_many_locals_in_many_frames_do_not_fill_the_memory_of_the_host(engine: PywasmEngine, wat: Wat) -> None:
    binary = wat(f'(module (func $f (export "f") (local {"i64 " * 45_000}) call $f))')
    with pytest.raises(Trap) as raised:
        engine.compile(binary).instantiate().call("f")
    assert raised.value.code is TrapCode.STACK_EXHAUSTED


def test_operands_of_many_frames_do_not_fill_the_memory_of_the_host(engine: PywasmEngine, wat: Wat) -> None:
    binary = wat(f"""(module (func $f (export "f")
      {"i32.const 1 " * 4_000} call $f {"drop " * 4_000}))""")
    with pytest.raises(Trap) as raised:
        engine.compile(binary).instantiate().call("f")
    assert raised.value.code is TrapCode.STACK_EXHAUSTED


def test_the_library_itself_is_not_changed(engine: PywasmEngine, wat: Wat) -> None:
    before = dict(vars(pywasm.core)), dict(vars(pywasm.Machine)), dict(vars(pywasm.log))
    instance = engine.compile(wat('(module (func (export "f") unreachable))')).instantiate()
    with pytest.raises(Trap):
        instance.call("f")
    assert (dict(vars(pywasm.core)), dict(vars(pywasm.Machine)), dict(vars(pywasm.log))) == before


# --- where nobody validates ------------------------------------------------------------------------------------------


def test_a_module_that_nobody_validated_says_so(unaided: PywasmEngine, wat: Wat) -> None:
    module = unaided.compile(wat('(module (func (export "f") (result i32) i32.const 7))'))
    assert module.validity is Validity.NOT_TESTED
    assert module.instantiate().call("f") == (7,)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        pytest.param(b"\x00\x41" + b"\x80" * 80 + b"\x00\x1a\x0b", MalformedModule, id="endless-integer"),
        pytest.param(b"\x00\x0e\xff\xff\xff\xff\x0f\x00\x0b", MalformedModule, id="huge-branch-table"),
        pytest.param(b"\x01\xff\xff\xff\xff\x0f\x7e\x0b", InvalidModule, id="four-billion-locals"),
        pytest.param(b"\xff\xff\xff\xff\x0f\x0b", MalformedModule, id="huge-count-of-locals"),
        pytest.param(b"\x00\xff\x0b", MalformedModule, id="unknown-opcode"),
        pytest.param(b"\x00\xfd\xff\x7f\x0b", MalformedModule, id="unknown-vector-opcode"),
        pytest.param(b"\x00\x01", MalformedModule, id="no-end"),
        pytest.param(b"\x00\x05\x0b", MalformedModule, id="else-without-if"),
        pytest.param(b"\x00\x43\x00", MalformedModule, id="constant-cut"),
    ],
)
def test_code_that_cannot_be_decoded_is_refused(unaided: PywasmEngine, code: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        unaided.compile(body(code))


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(b"\x00\x6a\x0b", id="no-operands"),
        pytest.param(b"\x00\x20\x05\x1a\x0b", id="no-such-local"),
        pytest.param(b"\x00\x10\x07\x0b", id="no-such-function"),
        pytest.param(b"\x00\x0c\x09\x0b", id="no-such-label"),
        pytest.param(b"\x00\x41\x00\x28\x02\x00\x1a\x0b", id="no-memory"),
        pytest.param(b"\x00\x41\x01\x40\x00\x1a\x0b", id="growth-without-a-memory"),
        pytest.param(b"\x00\x41\x00\x11\x00\x00\x0b", id="no-table"),
        pytest.param(b"\x00\xd0\x70\x41\x01\xfc\x0f\x03\x1a\x0b", id="growth-of-no-table"),
        pytest.param(b"\x00\x41\x00\x0b", id="a-result-too-many"),
        pytest.param(b"\x00\x42\x00\x28\x02\x00\x0b", id="wrong-type"),
    ],
)
def test_code_that_is_not_valid_fails_as_such_when_it_runs(unaided: PywasmEngine, code: bytes) -> None:
    instance = unaided.compile(body(code)).instantiate()
    with pytest.raises((InvalidModule, Trap)):
        instance.call("f")
    assert not instance.alive


@pytest.mark.parametrize(
    "sections",
    [
        pytest.param(b"\x09\x05\x80\x80\x80\x80\x08", id="huge-count-of-segments"),
        pytest.param(b"\x06\x05\x01\x7f\x00\x23\x00\x0b", id="global-of-a-global"),
        pytest.param(b"\x04\x04\x01\x70\x00\x01\x09\x07\x01\x00\x41\x00\x0b\x01\x05", id="unknown-function-in-a-table"),
        pytest.param(b"\x06\x7f" + b"\x01\x7f\x00" + b"\x02\x40" * 61 + b"\x0b\x0b", id="blocks-in-a-constant"),
    ],
)
def test_sections_that_are_not_valid_end_in_an_error_of_ours(unaided: PywasmEngine, sections: bytes) -> None:
    with pytest.raises(HookproofError):
        unaided.compile(HEADER + sections).instantiate(limits=Limits(fuel=1_000))
