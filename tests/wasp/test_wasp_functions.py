"""What an author may say of a plugin's functions, and how a mistake in it is told."""

from __future__ import annotations

import pytest

from reference_host.abi.wasp import CallbackSpec, Example, Function, Functions, Signature, Type, read_functions
from reference_host.errors import UsageError

FILE = """
[functions.hello]
parameters = ["string"]
result = "string"
examples = [{arguments = ["Nic"], returns = "Hello Nic"}, {arguments = [""], raises = "Oops"}]

[functions.reverse]
parameters = ["bytes"]
result = "bytes"
examples = [{arguments = [[1, 2, 3]], returns = [3, 2, 1]}]

[functions.sum]
parameters = ["i32", "i64", "f32", "f64"]
result = "i32"
examples = [{arguments = [-1, 9223372036854775807, 1, 0.5], returns = 4294967295}]

[functions."go, now"]
examples = [{}, {arguments = [], raises = ""}]

[callbacks."env.call_me"]
parameters = ["string"]
result = "string"
answers = "Hello {0}"

[callbacks."plugin.a.b"]
parameters = ["i32", "bytes"]
"""


def test_a_whole_file() -> None:
    read = read_functions(FILE.encode())
    assert read.functions == {
        "hello": Function(
            "hello",
            Signature((Type.STRING,), Type.STRING),
            (Example(("Nic",), returns="Hello Nic"), Example(("",), raises="Oops")),
        ),
        "reverse": Function(
            "reverse", Signature((Type.BYTES,), Type.BYTES), (Example((b"\1\2\3",), returns=b"\3\2\1"),)
        ),
        "sum": Function(
            "sum",
            Signature((Type.I32, Type.I64, Type.F32, Type.F64), Type.I32),
            (Example((-1, 2**63 - 1, 1.0, 0.5), returns=-1),),
        ),
        "go, now": Function("go, now", Signature(), (Example(()), Example((), raises=""))),
    }
    assert read.callbacks == (
        CallbackSpec("env", "call_me", Signature((Type.STRING,), Type.STRING), "Hello {0}"),
        CallbackSpec("plugin", "a.b", Signature((Type.I32, Type.BYTES)), None),
    )


def test_signatures_are_told_as_types_are() -> None:
    assert str(Signature((Type.STRING, Type.I64), Type.BYTES)) == "(string, i64) -> bytes"


def test_an_empty_file_says_nothing() -> None:
    assert read_functions(b"") == Functions({}, ())


ANSWERS = [
    pytest.param('parameters = ["string"]\nresult = "string"\nanswers = "Hello {0}"', ("Nic",), "Hello Nic", id="text"),
    pytest.param(
        'parameters = ["i32", "bytes"]\nresult = "string"\nanswers = "{1}{0}{0} {x} {"',
        (-1, b"a\xff"),
        "a\ufffd-1-1 {x} {",
        id="every-type-in-a-text",
    ),
    pytest.param('result = "string"', (), "", id="nothing-said-of-a-string"),
    pytest.param('result = "bytes"', (), b"", id="nothing-said-of-bytes"),
    pytest.param('result = "i32"', (), 0, id="nothing-said-of-a-number"),
    pytest.param('result = "bytes"\nanswers = [0, 255]', (), b"\0\xff", id="bytes"),
    pytest.param('parameters = ["string"]\nresult = "i32"\nanswers = -7', ("x",), -7, id="number"),
    pytest.param("", (), None, id="no-result"),
]


@pytest.mark.parametrize(("table", "arguments", "expected"), ANSWERS)
def test_callbacks_answer_as_they_are_described(
    table: str, arguments: tuple[str | bytes | int, ...], expected: object
) -> None:
    read = read_functions(f'[callbacks."env.f"]\n{table}'.encode())
    callback = read.scripted().get("env", "f")
    assert callback is not None
    assert callback.function(*arguments) == expected


MISTAKES = [
    pytest.param("functions = 1", "functions file: functions: expected tables [functions.NAME], got 1", id="no-tables"),
    pytest.param("[functions]\nf = 1", "functions file: functions.f: expected a table [functions.NAME], got 1", id="f"),
    pytest.param(
        "[function.f]", "functions file: function is no key here, expected functions, callbacks", id="unknown-table"
    ),
    pytest.param(
        '[functions.f]\nresults = "i32"',
        "functions file: [functions.f]: results is no key here, expected parameters, result, examples",
        id="unknown-key",
    ),
    pytest.param(
        '[functions.f]\nparameters = "i32"',
        "functions file: [functions.f] parameters: expected a list, got 'i32'",
        id="parameters-no-list",
    ),
    pytest.param(
        '[functions.f]\nparameters = ["i32", "text"]',
        "functions file: [functions.f] parameter 2: expected one of i32, i64, f32, f64, string, bytes, got 'text'",
        id="unknown-type",
    ),
    pytest.param(
        '[functions.f]\nparameters = ["none"]',
        "functions file: [functions.f] parameter 1: expected one of i32, i64, f32, f64, string, bytes, got 'none'",
        id="none-as-a-parameter",
    ),
    pytest.param(
        "[functions.f]\nresult = 1",
        "functions file: [functions.f] result: expected one of i32, i64, f32, f64, string, bytes, none, got 1",
        id="result-no-type",
    ),
    pytest.param(
        "[functions.f]\nexamples = {}",
        "functions file: [functions.f] examples: expected a list, got {}",
        id="examples-no-list",
    ),
    pytest.param(
        "[functions.f]\nexamples = [1]",
        "functions file: [functions.f] example 1: expected a table {arguments = [...], returns = ...} or"
        " {arguments = [...], raises = ...}, got 1",
        id="example-no-table",
    ),
    pytest.param(
        '[functions.f]\nexamples = [{}, {argument = ["x"]}]',
        "functions file: [functions.f] example 2: argument is no key here, expected arguments, returns, raises",
        id="unknown-key-of-an-example",
    ),
    pytest.param(
        '[functions.f]\nparameters = ["string"]\nexamples = [{arguments = []}]',
        "functions file: [functions.f] example 1: expected 1 arguments, got 0",
        id="too-few-arguments",
    ),
    pytest.param(
        '[functions.f]\nparameters = ["string"]\nexamples = [{arguments = [1]}]',
        "functions file: [functions.f] example 1 argument 1: expected a value of type string, got 1",
        id="argument-of-another-type",
    ),
    pytest.param(
        '[functions.f]\nparameters = ["bytes"]\nexamples = [{arguments = [[256]]}]',
        "functions file: [functions.f] example 1 argument 1:"
        " expected bytes: a list of integers from 0 to 255, got [256]",
        id="no-byte",
    ),
    pytest.param(
        '[functions.f]\nparameters = ["i32"]\nexamples = [{arguments = [4294967296]}]',
        "functions file: [functions.f] example 1 argument 1: expected an integer of type i32, got 4294967296",
        id="integer-out-of-range",
    ),
    pytest.param(
        '[functions.f]\nparameters = ["i64"]\nexamples = [{arguments = [true]}]',
        "functions file: [functions.f] example 1 argument 1: expected an integer of type i64, got True",
        id="truth-value",
    ),
    pytest.param(
        '[functions.f]\nresult = "string"\nexamples = [{}]',
        "functions file: [functions.f] example 1: expected either returns or raises, got 0 of them",
        id="neither-returns-nor-raises",
    ),
    pytest.param(
        '[functions.f]\nresult = "i32"\nexamples = [{returns = 1, raises = "x"}]',
        "functions file: [functions.f] example 1: expected either returns or raises, got 2 of them",
        id="returns-and-raises",
    ),
    pytest.param(
        "[functions.f]\nexamples = [{returns = 1}]",
        "functions file: [functions.f] example 1: the function has no result, so that nothing can be returned",
        id="returns-without-a-result",
    ),
    pytest.param(
        "[functions.f]\nexamples = [{raises = 1}]",
        "functions file: [functions.f] example 1 raises: expected a string, got 1",
        id="raises-no-text",
    ),
    pytest.param(
        "[callbacks.call_me]",
        'functions file: [callbacks."call_me"]: expected a key of the form "NAMESPACE.NAME", in quotes',
        id="callback-without-a-namespace",
    ),
    pytest.param(
        "[callbacks.env.call_me]",
        'functions file: [callbacks."env"]: expected a key of the form "NAMESPACE.NAME", in quotes',
        id="callback-without-quotes",
    ),
    pytest.param(
        '[callbacks."env.raise_error"]',
        'functions file: [callbacks."env.raise_error"]: every host provides it, no other can be given',
        id="raise-error",
    ),
    pytest.param(
        '[callbacks."env.f"]\nparameters = ["i64"]',
        "functions file: [callbacks.\"env.f\"] parameter 1: expected one of string, bytes, i32, got 'i64'",
        id="callback-of-a-type-that-none-has",
    ),
    pytest.param(
        '[callbacks."env.f"]\nanswers = 1',
        'functions file: [callbacks."env.f"]: the callback has no result, so that it answers nothing',
        id="answers-without-a-result",
    ),
    pytest.param(
        '[callbacks."env.f"]\nresult = "i32"\nanswers = "1"',
        "functions file: [callbacks.\"env.f\"] answers: expected an integer of type i32, got '1'",
        id="answer-of-another-type",
    ),
    pytest.param(
        '[callbacks."env.f"]\nparameters = ["i32"]\nresult = "string"\nanswers = "{0}{1}"',
        'functions file: [callbacks."env.f"] answers: {1} stands for none of 1 arguments',
        id="place-without-an-argument",
    ),
]


@pytest.mark.parametrize(("content", "complaint"), MISTAKES)
def test_mistakes_are_told_with_their_place(content: str, complaint: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_functions(content.encode())
    assert str(caught.value) == complaint


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"[functions.f", id="no-toml"),
        pytest.param(b"\xff", id="no-utf8"),
        pytest.param(b"[functions.f]\n[functions.f]", id="twice"),
        pytest.param(b"functions = " + b"[" * 5_000, id="deep"),
    ],
)
def test_what_is_no_toml_is_told(content: bytes) -> None:
    with pytest.raises(UsageError, match=r"^the functions file is no TOML text in UTF-8"):
        read_functions(content)
