"""Every format against its golden file (`pytest --rewrite-golden tests/unit/render` writes them anew)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from netcheck.record import RunRecord
from netcheck.render import Options, by_name

Golden = Callable[[str, Iterator[str]], None]

FILES = {
    "table": "run.txt",
    "wide": "run.wide.txt",
    "json": "run.json",
    "jsonl": "run.jsonl",
    "csv": "run.csv",
    "junit": "run.xml",
    "markdown": "run.md",
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_or_pipe(name: str, run_record: RunRecord, golden: Golden) -> None:
    """Each format in a file holds what the golden file holds."""
    golden(FILES[name], by_name(name).render(run_record, Options()))


def test_a_terminal(run_record: RunRecord, golden: Golden) -> None:
    """The table on a terminal of 100 columns, coloured, of a run that is in the history."""
    golden(
        "run.terminal.txt", by_name("table").render(run_record, Options(width=100, color=True, saved=True))
    )


def test_only_what_is_not_pass(run_record: RunRecord, golden: Golden) -> None:
    """`--failed` leaves the passes out and the counts alone."""
    golden("run.failed.txt", by_name("table").render(replace(run_record, only_failed=True), Options()))
