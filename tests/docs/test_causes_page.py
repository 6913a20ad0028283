"""The manual's pages are made by the program, or checked against it."""

from __future__ import annotations

from pathlib import Path

from netcheck.explain import codes

ROOT = Path(__file__).parents[2]


def test_the_page_of_causes_is_current() -> None:
    """docs/causes.md is what the catalogue gives: netcheck explain --markdown > docs/causes.md"""
    assert (ROOT / "docs" / "causes.md").read_text(encoding="utf-8") == codes.markdown()
