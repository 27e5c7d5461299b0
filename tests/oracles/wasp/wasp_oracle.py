"""Play the scenarios on the real wasp host, and compare with the recorded answers.

    tox -e oracles                 build, run, compare; exit 1 where an answer differs from the recorded one,
                                   or our host's from what is expected of it with a plugin of the authors',
                                   or with one that this project ships
    tox -e oracles -- --record     build, run, and write the records anew
    tox -e oracles -- --show X     print what the real host does in scenario X

Exit 3 where Go is missing, or too old, or where the program cannot be built: then nothing was compared.
"""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from itertools import groupby

from wasp_expected import expected
from wasp_fixtures import compare_fixtures
from wasp_ours import play
from wasp_real import CouldNotRun, authors_plugins, play_all
from wasp_scenarios import RECORDS, Scenario, Table, load_all, records

from reference_host.abi.wasp import Profile


def render(record: Table) -> str:
    """One call a line."""
    return json.dumps(record, ensure_ascii=False).replace('{"function"', '\n    {"function"')


def record_all(scenarios: list[Scenario], found: dict[str, Table]) -> None:
    """Write the records, one file a topic, and remove those whose scenario is gone."""
    RECORDS.mkdir(exist_ok=True)
    topics = {topic: list(group) for topic, group in groupby(scenarios, lambda scenario: scenario.topic)}
    for path in RECORDS.glob("*.json"):
        if path.stem not in topics:
            path.unlink()
    for topic, group in topics.items():
        lines = [f'  "{scenario.name}": {render(found[scenario.name])}' for scenario in group]
        (RECORDS / f"{topic}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def compare(recorded: dict[str, Table], fresh: dict[str, Table]) -> list[str]:
    """A unified diff for every scenario whose fresh answers are not the recorded ones."""
    differences = []
    for name, found in fresh.items():
        before = recorded.get(name, {})
        if before != found:
            differences.append(_diff(before, found, f"{name} recorded", "fresh"))
    return differences


def _diff(before: Table, after: Table, old: str, new: str) -> str:
    lines = difflib.unified_diff(render(before).splitlines(), render(after).splitlines(), old, new, lineterm="")
    return "\n".join(lines)


def compare_ours(scenarios: list[Scenario], recorded: dict[str, Table]) -> list[str]:
    """A unified diff for every scenario of the authors' plugins in which our host does what it should not.

    Raises `CouldNotRun`.
    """
    differences = []
    plugins = authors_plugins()
    for scenario in scenarios:
        if scenario.authors is None:
            continue
        wasm = plugins[scenario.authors].read_bytes()
        for profile in Profile:
            found, wanted = play(scenario, profile, wasm), expected(scenario, recorded[scenario.name], profile)
            if found != wanted:
                differences.append(_diff(wanted, found, f"{scenario.name}, {profile}, expected", "ours"))
    return differences


def main(arguments: list[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="oracle", description="the real wasp host as an oracle")
    parser.add_argument("--record", action="store_true", help="write the records anew")
    parser.add_argument("--show", metavar="WORD", help="print what the real host does where WORD is in the name")
    options = parser.parse_args(arguments)
    scenarios = [scenario for scenario in load_all() if options.show is None or options.show in scenario.name]
    try:
        fresh = play_all(scenarios)
    except CouldNotRun as missing:
        sys.stderr.write(f"wasp: nothing was compared: {missing}\n")
        return 3
    if options.show is not None:
        for name, record in fresh.items():
            sys.stdout.write(f"{name}: {render(record)}\n")
        return 0
    if options.record:
        record_all(scenarios, fresh)
        sys.stdout.write(f"wasp: {len(fresh)} scenarios recorded\n")
        return 0
    recorded = records()
    differences = compare(recorded, fresh)
    ours = compare_ours(scenarios, recorded)
    shipped, calls = compare_fixtures()
    for difference in [*differences, *ours, *shipped]:
        sys.stdout.write(f"{difference}\n")
    sys.stdout.write(f"wasp: {len(fresh) - len(differences)} of {len(fresh)} fresh records equal the recorded ones\n")
    sys.stdout.write(f"wasp: {len(ours)} differences of our host with the authors' own plugins\n")
    sys.stdout.write(f"wasp: {len(shipped)} differences in {calls} calls of the plugins that this project ships\n")
    return 1 if differences or ours or shipped else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
