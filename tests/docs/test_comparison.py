"""docs/comparison.md is what `make compare` makes of the words in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compare import chosen, page
from tests.compare.page import Answers

TEXT = (Path(__file__).parents[2] / "docs" / "comparison.md").read_text(encoding="utf-8")
ROWS = tuple(page.read(TEXT, chosen.load()))


def test_every_chosen_scene_is_compared() -> None:
    """Each has its row, in order, with an answer of every tool."""
    assert tuple(row.scene.name for row in ROWS) == chosen.NAMES
    assert {len(row.words) for row in ROWS} == {len(page.COLUMNS)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.scene.name)
def test_marks_follow_from_the_words(row: Answers) -> None:
    """No mark is written by hand: the rule gives the same for the words shown."""
    [line] = [line for line in TEXT.splitlines() if f"(`{row.scene.name}`) |" in line]
    assert line.partition(" | ")[2].removesuffix(" |").split(" | ") == page.marked(row)


def test_the_counts_are_those_of_the_rows() -> None:
    """The first table sums up the second."""
    assert page.counts(ROWS) in TEXT


def test_how_it_was_made_and_the_rule_stand_above() -> None:
    """A reader can check every mark, and sees what was compared."""
    assert TEXT.startswith(f"{page.HEAD}\n{page.RULE}")
    assert all(name in TEXT.partition("## Versions")[2] for name in ("Nmap", "OpenSSH", "curl", "blackbox"))
