"""The manual's pages are made by the program, or checked against it."""

from __future__ import annotations

from pathlib import Path

import pytest

from netcheck.explain import manual

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", manual.PAGES)
def test_made_pages_are_current(page: str) -> None:
    """docs/PAGE.md is what the program makes: netcheck explain --markdown PAGE > docs/PAGE.md"""
    assert (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8") == manual.PAGES[page]()
