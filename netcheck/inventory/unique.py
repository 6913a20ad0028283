"""No two entries may make one check: found without writing out networks and, mostly, ranges."""

from __future__ import annotations

from collections.abc import Iterable

from netcheck.inventory.model import Entry
from netcheck.inventory.problems import Report


def refuse_twins(entries: Iterable[Entry], report: Report) -> None:
    """Report each entry that makes a check which an earlier one makes already."""
