"""docs/benchmarks.md has what `make bench` writes around its tables."""

from __future__ import annotations

import pytest

from tests.bench import page

TEXT = page.PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", page.SECTIONS)
def test_each_section_says_what_was_measured(name: str) -> None:
    """Heading, how it was measured, a table and what it means."""
    title, above, below = page.SECTIONS[name]
    section = TEXT.partition(f"## {title}\n")[2].partition("\n## ")[0]
    assert section.strip().startswith(above)
    assert section.strip().endswith(below)
    assert "Measured on " in section
    assert "\n|--" in section
