"""How often each rule is asked of the plain plugin of each revision: `asked.json`, written by running this file.

A message that is no longer sent, a buffer that is no longer asked for or a rule that no longer looks makes a number
smaller. Who changes the suite on purpose writes the numbers anew, and sees what became of them.
"""

from __future__ import annotations

import json
from pathlib import Path

from shipped import CONFORMING

from conformance.report.model import Report

TABLE = Path(__file__).with_name("asked.json")
PLAIN = {each.revision: each for each in CONFORMING if each.name == f"plain-{each.revision}"}


def asked(report: Report) -> dict[str, str]:
    """By requirement: the outcome, and the number of cases in which the rule was asked."""
    return {each.requirement: f"{each.outcome} {each.total}" for each in report.results}


def written() -> dict[str, dict[str, str]]:
    """Read the table: by revision, then by requirement."""
    table: dict[str, dict[str, str]] = json.loads(TABLE.read_text())
    return table


if __name__ == "__main__":
    table = {revision: asked(plugin.report("quick")) for revision, plugin in sorted(PLAIN.items())}
    TABLE.write_text(json.dumps(table, indent=1) + "\n")
