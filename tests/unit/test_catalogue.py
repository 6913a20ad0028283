"""The catalogue of cause codes: complete, and true to the codes it names."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

import netcheck
import probes
from netcheck.diagnosis.catalogue import About, Entry, all_entries, entry
from netcheck.record import Place
from probes.causes import TABLE
from probes.codes import ALL_CODES, CODES

PLACEHOLDERS = {
    "target",
    "host",
    "address",
    "port",
    "probe",
    "source",
    "where",
    "up",
    "name",
    "services",
    "signer",
}
ABOUT = About(
    target="db01",
    host="db01.acme.example",
    name="db01.acme.example",
    address="10.20.0.15",
    port=5432,
    services="db01.acme.example:5432",
    probe="tcp",
    source="10.1.0.9",
    where=None,
    alive=False,
    here=False,
    there=False,
    public=False,
    vouched=False,
    signer=None,
)
EVERY = [pytest.param(found, id=found.code) for found in all_entries()]


def test_every_code_has_its_entry_and_every_entry_its_code() -> None:
    """The data file and the table of codes name the same codes."""
    from netcheck.diagnosis import catalogue

    assert set(catalogue._catalogue()) == set(ALL_CODES)


@pytest.mark.parametrize("found", EVERY)
def test_texts_are_sentences(found: Entry) -> None:
    """Each text is there, on one line, begins with a capital and ends with a full stop."""
    for text in filter(None, (found.means, found.told_apart, found.sure, found.do)):
        assert text == " ".join(text.split())
        assert text[0].isupper() or text[0] == "`"
        assert text.endswith(".")
    assert found.look_alikes


@pytest.mark.parametrize("found", EVERY)
def test_codes_named_in_the_texts_exist(found: Entry) -> None:
    """A text that names a code names a real one, and not its own."""
    prefixes = "|".join(CODES)
    named = re.findall(
        rf"\b(?:{prefixes})\.[a-z][a-z_0-9]+", " ".join((found.told_apart, *found.look_alikes))
    )
    assert set(named) <= set(ALL_CODES) - {found.code}


@pytest.mark.parametrize("found", EVERY)
def test_advice_has_only_known_placeholders(found: Entry) -> None:
    """`do` can be filled in for any check, with a port or without."""
    every = found.do + found.do_here + found.do_there
    assert {field for _, field, _, _ in string.Formatter().parse(every) if field} <= PLACEHOLDERS
    for here, there in ((False, False), (True, False), (False, True)):
        text = found.advice(ABOUT._replace(address=None, port=None, source=None, here=here, there=there))
        assert "{" not in text
        assert "None" not in text


def test_reserved_codes_are_those_that_nothing_claims() -> None:
    """`later` is true of a code exactly when neither the cause table nor a literal in the source has it.

    Findings and screens come after the claims: they only read codes.
    """
    readers = {"findings", "render"}
    packages = (Path(probes.__file__).parent, Path(netcheck.__file__).parent)
    paths = (path for root in packages for path in root.rglob("*.py") if not readers & {*path.parts})
    text = "".join(path.read_text(encoding="utf-8") for path in paths)
    claimed = {row.cause for row in TABLE} | {code for code in ALL_CODES if f'"{code}"' in text}
    assert {found.code for found in all_entries() if found.later} == set(ALL_CODES) - claimed


def test_advice_names_the_check() -> None:
    """The placeholders become the check's own values."""
    advice = entry("tcp.filtered").advice(ABOUT)
    assert "tcp/5432 from 10.1.0.9 to 10.20.0.15 (db01)" in advice


def test_what_has_no_name_is_named_once() -> None:
    """The target is its address."""
    said = entry("tcp.filtered").advice(ABOUT._replace(target="10.20.0.15", host="10.20.0.15"))
    assert said.startswith("Open tcp/5432 from 10.1.0.9 to 10.20.0.15, and")


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (None, "(db01)"),
        (Place("at", "10.1.0.1"), "(db01) on 10.1.0.1, which signed the rejection"),
        (Place("after", "10.1.0.1"), "(db01) on 10.1.0.1 or what follows it"),
        (Place("after", "10.1.0.1", "10.2.0.1"), "(db01) on 10.1.0.1, on 10.2.0.1 or between them"),
    ],
)
def test_advice_names_the_place(where: Place | None, words: str) -> None:
    """Silence after a hop may be that hop's own doing, so it is never left out."""
    advice = entry("tcp.reset_by_firewall").advice(ABOUT._replace(where=where))
    assert f"10.20.0.15 {words}" in advice


@pytest.mark.parametrize("code", ["x-acme.licence_missing", "X.{odd}", "nothing"])
def test_a_code_that_is_not_ours_gets_a_general_entry(code: str) -> None:
    """A third party's code is explained by its evidence, and nobody is blamed; a wrong one stops no run."""
    found = entry(code)
    assert found.code == code
    assert found.family == "foreign"
    advice = found.advice(ABOUT._replace(probe="acme"))
    assert advice == "Read the evidence of acme on db01, and the manual of its probe package."
