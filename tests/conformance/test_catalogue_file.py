"""A catalogue file is read into frozen values, or refused with the entry and the reason."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from conformance.catalogue import Level, Requirement, Side, load_catalogue
from conformance.errors import CatalogueError, UnknownRequirement

ENTRY = {
    "id": '"TOY-ADD-001"',
    "level": '"MUST"',
    "side": '"plugin"',
    "revisions": '["v1", "v2"]',
    "sentence": '"""It\n  adds."""',
    "source": '"section 1"',
    "tests": '["t.py::t"]',
}


def write(path: Path, *entries: dict[str, str], head: str = 'system = "toy"\n') -> Path:
    file = path / "toy.toml"
    tables = ("[[requirement]]\n" + "".join(f"{k} = {v}\n" for k, v in each.items()) for each in entries)
    file.write_text(head + "".join(tables))
    return file


def without(*names: str, **more: str) -> dict[str, str]:
    return {name: value for name, value in ENTRY.items() if name not in names} | more


def test_an_entry(tmp_path: Path) -> None:
    path = write(
        tmp_path, ENTRY | {"stand": '"so"', "reason": '"because"', "warning": '"w"', "implied": '["TOY-ADD-001"]'}
    )
    catalogue = load_catalogue(path)
    assert catalogue.system == "toy"
    assert catalogue.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert catalogue.requirements == (
        Requirement(
            id="TOY-ADD-001",
            level=Level.MUST,
            side=Side.PLUGIN,
            revisions=("v1", "v2"),
            sentence="It adds.",
            source="section 1",
            stand="so",
            reason="because",
            warning="w",
            tests=("t.py::t",),
            implied=("TOY-ADD-001",),
        ),
    )
    assert catalogue.get("TOY-ADD-001").applies_to("v2")
    assert not catalogue.get("TOY-ADD-001").applies_to("v3")
    assert catalogue.on_side(Side.HOST) == ()
    with pytest.raises(UnknownRequirement, match="hookproof requirements"):
        catalogue.get("TOY-ADD-002")


@pytest.mark.parametrize(
    ("entries", "head", "words"),
    [
        pytest.param([ENTRY], "", "needs `system`", id="no system"),
        pytest.param([ENTRY], 'system = "toy"\nmore = 1\n', "unknown member 'more'", id="unknown member of the file"),
        pytest.param([ENTRY, ENTRY], None, "TOY-ADD-001: stands twice", id="twice"),
        pytest.param([without("id")], None, "requirement 1: needs `id`", id="no id"),
        pytest.param([without(id='"toy-1"')], None, "look like", id="an id of another form"),
        pytest.param([without(level='"must"')], None, "levels are MUST, SHOULD, MAY", id="unknown level"),
        pytest.param([without(side='"gateway"')], None, "sides plugin, host", id="unknown side"),
        pytest.param([without("revisions")], None, "needs `revisions`", id="no revisions"),
        pytest.param([without(revisions="[1]")], None, "`revisions` has to be a list of texts", id="odd revisions"),
        pytest.param([without(sentence='" "')], None, "needs `sentence`", id="empty sentence"),
        pytest.param([without("tests")], None, "either `tests` or `untested`", id="neither tests nor a reason"),
        pytest.param([without(untested='"why"')], None, "and not both", id="both tests and a reason"),
        pytest.param([without(stand="1")], None, "`stand` has to be a text", id="an odd stand"),
        pytest.param([without(levle='"MUST"')], None, "unknown member 'levle'", id="misspelt member"),
        pytest.param(
            [without(implied='["TOY-ADD-009"]')], None, "not in the catalogue", id="implies what is not there"
        ),
        pytest.param(
            [without(implied=str(["TOY-ADD-001"] * 4))], None, "implies more than 3 others", id="implies too much"
        ),
        pytest.param([], 'system = "toy"\nrequirement = 1\n', "needs `[[requirement]]` tables", id="no tables"),
        pytest.param([], "system = ", "is no TOML", id="no TOML"),
    ],
)
def test_what_is_refused(tmp_path: Path, entries: list[dict[str, str]], head: str | None, words: str) -> None:
    path = write(tmp_path, *entries, head='system = "toy"\n' if head is None else head)
    with pytest.raises(CatalogueError) as error:
        load_catalogue(path)
    assert words in str(error.value)
    assert str(error.value).startswith("toy.toml: ")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="cannot be read"):
        load_catalogue(tmp_path / "toy.toml")
