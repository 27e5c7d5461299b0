"""What becomes of every rule with some plugins, most of which hinder a few: written to two tables by running this.

A message that is no longer sent, a buffer that is no longer asked for, a rule that no longer looks or no longer says
why it could not: each changes a line. Who changes the suite on purpose writes the table anew, and sees what became of
it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from judged import judge_plugin
from shipped import LISTED, SHIPPED, Shipped

from conformance.judging.terms import Terms
from conformance.report.model import Report

TABLE = Path(__file__).with_name("asked.json")
WASP_TABLE = Path(__file__).with_name("asked-wasp.json")
NAMES = (
    *("plain-r0", "plain-r1", "plain-r1b", "plain-r2"),
    *("needs-config", "newer-core", "bump", "echo-in-place"),
    *("export-001-missing", "export-002-missing", "export-003-missing", "export-005-missing", "export-006-missing"),
    *("export-010-missing", "type-002-three-parameters", "type-004-no-status", "type-005-i32-pre_hook"),
    *(
        "load-001-log",
        "load-002-endless",
        "init-001-refuses",
        "init-002-traps",
        "name-005-traps",
        "cleanup-002-endless",
    ),
    *("alloc-001-zero", "alloc-003-scratch", "alloc-005-traps", "free-001-traps", "pack-001-outside-pre_hook"),
    *("start-exits", "log-001-stderr-in-malloc", "mem-002-no-op"),
    *("trap-001-unreachable-pre_hook", "trap-002-always-pre_hook", "enc-003-array-pre_hook", "own-003-frees-pre_hook"),
)
PLUGINS = {each.name: each for each in SHIPPED if each.name in NAMES}
WASP_NAMES = (
    *("unknown-numbers", "import-003-no-imports", "import-001-preview", "export-004-no-errors", "type-006-wide"),
    *("plain", "unknown", "unknown-callbacks", "numbers-only", "no-examples", "no-string-results", "no-deallocate"),
    *("echo", "size-by-header", "strict-size", "counts-terminator", "bump", "fails-with-result", "fixed"),
    *("export-001-missing", "export-002-missing", "export-003-missing", "export-005-missing-hello", "type-001-two"),
    *("type-005-length", "import-001-callback", "start-001-traps", "alloc-001-zero", "alloc-003-scratch"),
    *("alloc-005-traps", "free-001-traps", "free-002-traps", "free-003-length", "string-001-less", "string-004-behind"),
    *("string-007-traps", "bytes-001-count", "own-001-error", "own-003-string", "own-006-behind", "call-001-empty"),
    *("call-002-endless", "callback-001-behind", "callback-002-allocate-traps", "error-001-behind", "error-002-traps"),
    *("mem-002-no-op", "mem-003-allocate", "mem-003-hello"),
)
WASP_PLUGINS = {each.name: each for each in LISTED if each.system == "wasp" and each.name in WASP_NAMES}
PLAIN = {name.removeprefix("plain-"): plugin for name, plugin in PLUGINS.items() if name.startswith("plain-")}


def report_on(plugin: Shipped) -> Report:
    """Judge a plugin as if nobody knew its config."""
    known = plugin.terms("quick")
    terms = Terms(known.abi, plugin.revision, quick=True, given=replace(known.given, config=None))
    return judge_plugin(plugin.path, plugin.binary, terms)


def asked(report: Report) -> dict[str, str]:
    """The outcome, the number of cases in which a rule was asked, and the reason: each with its rules."""
    groups: dict[str, list[str]] = {}
    for each in report.results:
        if (each.reason or "").startswith(("applies to ", "not observable: ")):
            continue
        told = f"{each.outcome} {each.failed}/{each.total}{f': {each.reason}' if each.reason else ''}"
        groups.setdefault(told, []).append(each.requirement.partition("-")[2])
    return {told: " ".join(names) for told, names in groups.items()}


def written(path: Path = TABLE) -> dict[str, dict[str, str]]:
    """Read a table: by plugin, then by outcome."""
    table: dict[str, dict[str, str]] = json.loads(path.read_text())
    return table


if __name__ == "__main__":
    for path, plugins in ((TABLE, PLUGINS), (WASP_TABLE, WASP_PLUGINS)):
        table = {name: asked(report_on(plugin)) for name, plugin in sorted(plugins.items())}
        path.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n")
