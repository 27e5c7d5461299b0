"""wasp: functions of the host's that a plugin imports.

Every parameter and result is one i32, whatever its type: a number, or the address of a string or of bytes.

Source: README of wasp, Callbacks. That strings and bytes work is said there; the real host knows strings and int32
only, so that bytes are marked.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, get_type_hints

from reference_host.abi.wasp.types import Signature, Type, Value
from reference_host.engine.interface import FuncType, ValueType
from reference_host.errors import UsageError

RAISE_ERROR = ("env", "raise_error")
"""The one import that every host of this system has."""

RAISE_ERROR_TYPE = FuncType((ValueType.I32,))

_TYPES: dict[Any, Type] = {str: Type.STRING, bytes: Type.BYTES, int: Type.I32, type(None): Type.NONE}
CARRIED = (Type.STRING, Type.BYTES, Type.I32)
"""What callbacks take and give."""


@dataclass(frozen=True, slots=True)
class Callback:
    """A function of the host's, under the namespace and name that plugins import it by."""

    namespace: str
    name: str
    function: Callable[..., Value | None]
    signature: Signature

    @property
    def type(self) -> FuncType:
        """What a plugin has to import it as."""
        results = () if self.signature.result is Type.NONE else (ValueType.I32,)
        return FuncType((ValueType.I32,) * len(self.signature.parameters), results)

    @property
    def in_the_real_host(self) -> bool:
        """Whether the real host could carry its values: it refuses bytes, at the call."""
        return Type.BYTES not in (*self.signature.parameters, self.signature.result)


class Callbacks:
    """A collection of callbacks, to be given to plugins."""

    def __init__(self) -> None:
        self._callbacks: dict[tuple[str, str], Callback] = {}

    def add_callback(
        self, namespace: str, name: str, function: Callable[..., Value | None], signature: Signature | None = None
    ) -> None:
        """Add a function; one that was added under the same namespace and name before is replaced.

        Without `signature` the function's annotations tell: `str`, `bytes` and `int` (an i32). Raises `UsageError` for
        other types, and for a parameter without one.
        """
        where = f"callback {namespace}.{name}"
        signature = _annotated(where, function) if signature is None else signature
        for type_ in (*signature.parameters, *([] if signature.result is Type.NONE else [signature.result])):
            if type_ not in CARRIED:
                raise UsageError(f"{where}: a callback takes and gives string, bytes and i32, not {type_}")
        self._callbacks[namespace, name] = Callback(namespace, name, function, signature)

    def get(self, namespace: str, name: str) -> Callback | None:
        """The callback that a plugin imports so; None where there is none."""
        return self._callbacks.get((namespace, name))

    def __iter__(self) -> Iterator[Callback]:
        return iter(self._callbacks.values())


def _annotated(where: str, function: Callable[..., Value | None]) -> Signature:
    hints = get_type_hints(function)
    names = [*inspect.signature(function).parameters, "return"]
    for name in names:
        if hints.get(name) not in _TYPES:
            raise UsageError(f"{where}: {name} is annotated {hints.get(name)}, expected str, bytes or int")
    *parameters, result = [_TYPES[hints[name]] for name in names]
    return Signature(tuple(parameters), result)
