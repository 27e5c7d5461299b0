"""wasp: what an author says of a plugin's functions, since no document knows their names.

The file is TOML. Bytes are lists of integers; a callback's key is its namespace (up to the first dot) and its name.

    [functions.hello]
    parameters = ["string"]
    result = "string"
    examples = [{arguments = ["Nic"], returns = "Hello Nic"}, {arguments = [""], raises = "Oops"}]

    [callbacks."env.call_me"]
    parameters = ["string"]
    result = "string"
    answers = "Hello {0}"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from reference_host.abi.wasp.callbacks import CARRIED, RAISE_ERROR, Callbacks
from reference_host.abi.wasp.types import Signature, Type, Value, signed
from reference_host.errors import UsageError

_PARAMETERS = tuple(type_ for type_ in Type if type_ is not Type.NONE)
_PLACE = re.compile(r"\{(\d+)\}")
_EMPTY: Mapping[Type, Value | None] = {Type.STRING: "", Type.BYTES: b"", Type.I32: 0, Type.NONE: None}
_BITS = {Type.I32: 32, Type.I64: 64}


@dataclass(frozen=True, slots=True)
class Example:
    """A call and what comes of it: what it `returns` (None for a function without a result), or the error it `raises`.

    Integers are as the host gives them: i32 signed.
    """

    arguments: tuple[Value, ...]
    returns: Value | None = None
    raises: str | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """An exported function, as its author describes it."""

    name: str
    signature: Signature
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class CallbackSpec:
    """A callback that the plugin imports. `answers`: what it answers; in a text `{0}` stands for the first argument."""

    namespace: str
    name: str
    signature: Signature
    answers: Value | None = None

    def answer(self, *arguments: Value) -> Value | None:
        """What it answers to these arguments."""
        if not isinstance(self.answers, str):
            return self.answers
        return _PLACE.sub(lambda place: _text(arguments[int(place[1])]), self.answers)


@dataclass(frozen=True, slots=True)
class Functions:
    """A plugin's functions by name, and the callbacks that it needs."""

    functions: Mapping[str, Function]
    callbacks: tuple[CallbackSpec, ...] = ()

    def scripted(self) -> Callbacks:
        """The callbacks, answering as they are described."""
        callbacks = Callbacks()
        for spec in self.callbacks:
            callbacks.add_callback(spec.namespace, spec.name, spec.answer, spec.signature)
        return callbacks


NO_FUNCTIONS = Functions(MappingProxyType({}))
"""What is known without a file."""


def read_functions(content: bytes) -> Functions:
    """Read an author's file. Raises `UsageError`: where in the file, what was expected, and what is there."""
    try:
        document = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the functions file is no TOML text in UTF-8: {error}") from None
    _known(document, "functions file", ("functions", "callbacks"))
    functions = {
        name: _function(name, table) for name, table in _tables(document, "functions", "[functions.NAME]").items()
    }
    callbacks = _tables(document, "callbacks", '[callbacks."NAMESPACE.NAME"]')
    return Functions(MappingProxyType(functions), tuple(_callback(key, table) for key, table in callbacks.items()))


def value_of(type_: Type, value: object, where: str) -> Value:
    """A value of TOML or JSON as the host takes it. Raises `UsageError`; `where` begins the complaint."""
    if type_ is Type.STRING and isinstance(value, str):
        return value
    if type_ is Type.BYTES and isinstance(value, list) and all(_is_integer(byte, 0, 256) for byte in value):
        return bytes(value)
    bits = _BITS.get(type_)
    if bits is not None and _is_integer(value, -(1 << bits - 1), 1 << bits):
        assert isinstance(value, int)
        return value
    if type_ in (Type.F32, Type.F64) and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    raise _wrong(where, _meaning(type_), value)


def _function(name: str, table: dict[str, Any]) -> Function:
    where = f"functions file: [functions.{name}]"
    _known(table, where, ("parameters", "result", "examples"))
    signature = _signature(table, where)
    examples = _list(table, "examples", where)
    return Function(
        name,
        signature,
        tuple(_example(signature, given, f"{where} example {at}") for at, given in enumerate(examples, 1)),
    )


def _example(signature: Signature, given: object, where: str) -> Example:
    if not isinstance(given, dict):
        raise _wrong(where, "a table {arguments = [...], returns = ...} or {arguments = [...], raises = ...}", given)
    _known(given, where, ("arguments", "returns", "raises"))
    arguments = _list(given, "arguments", where)
    if len(arguments) != len(signature.parameters):
        raise UsageError(f"{where}: expected {len(signature.parameters)} arguments, got {len(arguments)}")
    values = tuple(
        value_of(type_, value, f"{where} argument {at}")
        for at, (type_, value) in enumerate(zip(signature.parameters, arguments, strict=True), 1)
    )
    wanted = {"returns", "raises"} & given.keys()
    if "raises" in given and not isinstance(given["raises"], str):
        raise _wrong(f"{where} raises", "a string", given["raises"])
    if signature.result is Type.NONE and "returns" in given:
        raise UsageError(f"{where}: the function has no result, so that nothing can be returned")
    if len(wanted) > 1 or (not wanted and signature.result is not Type.NONE):
        raise UsageError(f"{where}: expected either returns or raises, got {len(wanted)} of them")
    returns = None
    if "returns" in given:
        returns = value_of(signature.result, given["returns"], f"{where} returns")
        if signature.result is Type.I32 and isinstance(returns, int):
            returns = signed(returns)
    return Example(values, returns, given.get("raises"))


def _callback(key: str, table: dict[str, Any]) -> CallbackSpec:
    where = f'functions file: [callbacks."{key}"]'
    namespace, dot, name = key.partition(".")
    if not (namespace and dot and name):
        raise UsageError(f'{where}: expected a key of the form "NAMESPACE.NAME", in quotes')
    if (namespace, name) == RAISE_ERROR:
        raise UsageError(f"{where}: every host provides it, no other can be given")
    _known(table, where, ("parameters", "result", "answers"))
    signature = _signature(table, where, CARRIED)
    answers = _EMPTY[signature.result]
    if "answers" in table:
        if signature.result is Type.NONE:
            raise UsageError(f"{where}: the callback has no result, so that it answers nothing")
        answers = value_of(signature.result, table["answers"], f"{where} answers")
    if isinstance(answers, str):
        for place in _PLACE.finditer(answers):
            if int(place[1]) >= len(signature.parameters):
                count = len(signature.parameters)
                raise UsageError(f"{where} answers: {place[0]} stands for none of {count} arguments")
    return CallbackSpec(namespace, name, signature, answers)


def _signature(table: dict[str, Any], where: str, types: tuple[Type, ...] = _PARAMETERS) -> Signature:
    parameters = tuple(
        _type(name, types, f"{where} parameter {at}") for at, name in enumerate(_list(table, "parameters", where), 1)
    )
    return Signature(parameters, _type(table.get("result", Type.NONE.value), (*types, Type.NONE), f"{where} result"))


def _type(name: object, types: tuple[Type, ...], where: str) -> Type:
    if name not in types:
        raise _wrong(where, f"one of {', '.join(types)}", name)
    return Type(str(name))


def _tables(document: dict[str, Any], key: str, form: str) -> dict[str, dict[str, Any]]:
    tables = document.get(key, {})
    if not isinstance(tables, dict):
        raise _wrong(f"functions file: {key}", f"tables {form}", tables)
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise _wrong(f"functions file: {key}.{name}", f"a table {form}", table)
    return tables


def _list(table: dict[str, Any], key: str, where: str) -> list[Any]:
    found = table.get(key, [])
    if not isinstance(found, list):
        raise _wrong(f"{where} {key}", "a list", found)
    return found


def _known(table: dict[str, Any], where: str, keys: tuple[str, ...]) -> None:
    for key in table:
        if key not in keys:
            raise UsageError(f"{where}: {key} is no key here, expected {', '.join(keys)}")


def _is_integer(value: object, least: int, end: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < end


def _meaning(type_: Type) -> str:
    if type_ is Type.BYTES:
        return "bytes: a list of integers from 0 to 255"
    return f"an integer of type {type_}" if type_ in _BITS else f"a value of type {type_}"


def _wrong(where: str, expected: str, got: object) -> UsageError:
    shown = repr(got)
    return UsageError(f"{where}: expected {expected}, got {shown[:60]}{'...' * (len(shown) > 60)}")


def _text(value: Value) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
