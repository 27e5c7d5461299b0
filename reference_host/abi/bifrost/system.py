"""Bifrost as a plugin system: what `certify`, `inspect` and `call` use without knowing its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reference_host.abi.bifrost.answers import Answer, Outcome
from reference_host.abi.bifrost.contract import Profile
from reference_host.abi.bifrost.documents import Shape
from reference_host.abi.bifrost.heap import choose_pair
from reference_host.abi.bifrost.jsontext import encode
from reference_host.abi.bifrost.plugin import Plugin, PluginConfig
from reference_host.abi.bifrost.revisions import REVISIONS, Hook, Role, detect, revision_named
from reference_host.abi.interface import NOTHING_GIVEN, Detection, Given, HookAnswer, Json, ModuleSummary, System
from reference_host.abi.startup import START_FUNCTIONS
from reference_host.engine.interface import Engine, Limits
from reference_host.errors import HookError, LoadError, UsageError


class BifrostSystem(System):
    """The gateway Bifrost (maximhq/bifrost): WASM plugins with JSON hooks at the HTTP and the LLM level."""

    name = "bifrost"
    revisions: Sequence[str] = tuple(REVISIONS)
    shapes: Sequence[str] = tuple(Shape)

    def detect(self, module: ModuleSummary, *, named: bool = False) -> Detection | None:
        """Recognise a revision by the export section; without a hook there is nothing to judge, `named` or not."""
        return detect(module)

    def hooks(self, revision: str, module: ModuleSummary) -> Sequence[str]:
        """Export names of the revision's hooks. Raises `UnknownRevision`."""
        return tuple(hook.name for hook in revision_named(revision).hooks)

    def facts(self, module: ModuleSummary, revision: str) -> Mapping[str, str]:
        """The allocator pair a host will use, the start-up function, and the hooks of the revision that are missing."""
        exports = {export.name for export in module.exports}
        pair = choose_pair(module.exports)
        missing = [name for name in self.hooks(revision, module) if name not in exports]
        return {
            "allocator": "none" if pair is None else str(pair),
            "start-up": next((name for name in START_FUNCTIONS if name in exports), "none exported"),
            "missing hooks": ", ".join(missing) or "none",
        }

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
        """Load the plugin leniently, call one hook once, clean up.

        `document` is the envelope; for r0 one object with a member for each document. Raises `UsageError`,
        `ModuleError`, `LoadError`, `HookError`.
        """
        settings = PluginConfig(
            config=given.config, revision=revision, profile=Profile.LENIENT, limits=limits or Limits()
        )
        plugin = Plugin(engine.compile(binary), settings)
        wanted = plugin.hook(hook)
        if not isinstance(document, Mapping):
            raise UsageError(f"the input of {hook} is a JSON object, got another JSON value")
        sent = _documents(wanted, document, enveloped=plugin.revision.enveloped)
        plugin.start()
        plugin.init()
        carried = Outcome(response=bool(document.get("response")), error=bool(document.get("error")))
        exchange, answer = plugin.answer(wanted, sent, carried if wanted.role is Role.POST else None)
        warnings = ["empty-result: the hook answered nothing"] if answer is None else _warnings(answer)
        # What goes wrong on the way out costs a warning, not the answer.
        try:
            status = plugin.cleanup()
        except (HookError, LoadError) as failure:
            warnings.append(str(failure))
        else:
            warnings += [f"cleanup answered {status}, expected 0"] if status else []
        wasi = plugin.wasi
        return HookAnswer(
            hook=hook,
            decoded=None if answer is None else answer.document,
            raw=exchange.raw or 0,
            warnings=tuple(warnings),
            stdout="" if wasi is None else wasi.stdout.decode("utf-8", "replace"),
            stderr="" if wasi is None else wasi.stderr.decode("utf-8", "replace"),
        )


def _warnings(answer: Answer) -> list[str]:
    failures = [found for found in answer.findings if found.is_failure]
    return [
        *(f"{found.code}: {found.member}: expected {found.expected}, got {found.got}" for found in failures),
        *(f"{note.code}: {note.message}" for note in answer.notes),
    ]


def _documents(hook: Hook, document: Mapping[str, Json], *, enveloped: bool) -> tuple[bytes, ...]:
    if enveloped:
        return (encode(document),)
    missing = [name for name in hook.documents if name not in document]
    if missing:
        raise UsageError(
            f"the input of {hook.name} is one JSON object with a member for each document "
            f"({', '.join(hook.documents)}); missing: {', '.join(missing)}"
        )
    return tuple(encode(document[name]) for name in hook.documents)
