"""What is built: what each plugin is called, where its source lies, and what it must export."""

from collections.abc import Iterable
from dataclasses import dataclass

LIFECYCLE = ("memory", "get_name", "init", "cleanup")

HOOKS = {
    "r0": ("http_transport_intercept", "pre_hook", "post_hook"),
    "r1": ("http_intercept", "pre_hook", "post_hook"),
    "r1b": ("http_intercept", "http_stream_chunk_hook", "pre_hook", "post_hook"),
    "r2": ("http_pre_hook", "http_post_hook", "http_stream_chunk_hook", "pre_hook", "post_hook"),
}

ALLOCATOR = {
    "r0": ("plugin_malloc", "plugin_free"),
    "r1": ("malloc", "free"),
    "r1b": ("malloc", "free"),
    "r2": ("malloc", "free"),
}

REQUIRED = {
    "bifrost": {revision: frozenset(LIFECYCLE + ALLOCATOR[revision] + HOOKS[revision]) for revision in HOOKS},
    "wasp": {
        "0.0.8": frozenset(("memory", "allocate", "get_string_size", "sum", "hello", "reverse", "callback", "fail"))
    },
}
"""The least that a plugin of a system and revision must export, or it is none."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin. `source` is relative to `plugins-src/`, `options` are the compiler's, for one build of several.

    `breaks` is the one requirement that a faulty plugin breaks, `warnings` are what a legal one deserves. `config` is
    the configuration that its author gives it, `functions` the file that declares what it exports, relative to
    `fixtures/`, and `scope` is `full` where less does not show what there is to see.
    """

    name: str
    language: str
    revision: str
    source: str
    description: str
    options: tuple[str, ...] = ()
    breaks: str | None = None
    warnings: tuple[str, ...] = ()
    config: str | None = None
    functions: str | None = None
    scope: str = "quick"
    system: str = "bifrost"

    @property
    def path(self) -> str:
        """Where the built file lies, relative to `fixtures/`."""
        folder = "faulty" if self.breaks else "unusual" if self.options else "conforming"
        return f"{self.system}/{folder}/{self.name}.wasm"

    @property
    def project(self) -> str:
        """The folder that its compiler works in, relative to `plugins-src/`: the one named after the language."""
        folders = self.source.split("/")
        return "/".join(folders[: folders.index(self.language) + 1])

    @property
    def exports(self) -> frozenset[str]:
        """The least that the built file must export, or it is not this plugin."""
        return REQUIRED[self.system][self.revision]


def by_project(plugins: Iterable[Plugin]) -> dict[str, tuple[Plugin, ...]]:
    """Sort plugins into the projects that they are built in."""
    projects: dict[str, tuple[Plugin, ...]] = {}
    for plugin in plugins:
        projects[plugin.project] = (*projects.get(plugin.project, ()), plugin)
    return projects


SAMPLES = (
    Plugin(
        "word-guard",
        "rust",
        "r2",
        "rust/word-guard",
        "refuses requests that hold a blocked word, and drops such chunks of a streamed answer",
    ),
    Plugin(
        "audit-mark",
        "rust",
        "r1b",
        "rust/audit-mark",
        "notes in the context who asked for what, and gives the provider the request's id",
    ),
    Plugin(
        "token-meter",
        "tinygo",
        "r2",
        "tinygo/token-meter",
        "counts the tokens of prompts, answers and chunks, and refuses prompts above a limit",
    ),
    Plugin(
        "model-gate",
        "tinygo",
        "r0",
        "tinygo/model-gate",
        "refuses requests for models that the house does not want used",
    ),
    Plugin(
        "request-stamp",
        "typescript",
        "r2",
        "typescript/assembly",
        "sets headers on every request, and limits its completion tokens",
    ),
)
