"""Inventories written down in a test."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from netcheck.inventory import load
from netcheck.inventory.model import Inventory


@pytest.fixture
def inventory(tmp_path: Path) -> Callable[[str], Inventory]:
    """Loads a text as an inventory; the first line, `netcheck: 1`, is added."""

    def loaded(text: str) -> Inventory:
        path = tmp_path / "inventory.yml"
        path.write_text("netcheck: 1\n" + textwrap.dedent(text), "utf-8")
        return load(path)

    return loaded
