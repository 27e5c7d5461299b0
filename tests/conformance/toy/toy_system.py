"""A plugin system from outside: its plugins add two numbers, and those of revision v2 also subtract them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reference_host.abi.interface import NOTHING_GIVEN, Detection, Given, HookAnswer, Json, ModuleSummary, System
from reference_host.engine.interface import Engine, Limits


class ToySystem(System):
    name = "toy"
    revisions: Sequence[str] = ("v1", "v2")
    shapes: Sequence[str] = ("terse", "wordy")

    def detect(self, module: ModuleSummary, *, named: bool = False) -> Detection | None:
        names = {export.name for export in module.exports}
        if "toy_add" not in names:
            return None
        revision = "v2" if "toy_sub" in names else "v1"
        return Detection("toy", revision, f"exports toy_add{' and toy_sub' if revision == 'v2' else ''}")

    def hooks(self, revision: str, module: ModuleSummary) -> Sequence[str]:
        return ("toy_add",) if revision == "v1" else ("toy_add", "toy_sub")

    def facts(self, module: ModuleSummary, revision: str) -> Mapping[str, str]:
        return {"arithmetic": "modulo 2^32"}

    def call(
        self,
        engine: Engine,
        binary: bytes,
        hook: str,
        document: Json,
        *,
        revision: str | None = None,
        given: Given = NOTHING_GIVEN,
        limits: Limits | None = None,
    ) -> HookAnswer:
        (value,) = engine.compile(binary).instantiate((), limits or Limits()).call(hook, *document)
        return HookAnswer(
            hook, decoded={"sum": value, "text": "caf\u00e9\u202e\x1b[31m"}, raw=int(value), stdout="hi\x07\n"
        )


SYSTEM: System = ToySystem()
