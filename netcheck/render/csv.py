"""One row a check, the scalar keys of the record as columns (RFC 4180, UTF-8)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from netcheck.codec import check_to_json
from netcheck.record import RunRecord
from netcheck.render import Options
from netcheck.render.text import safe

COLUMNS = (
    "id",
    "name",
    "vantage",
    "origin",
    "flow",
    "target",
    "host",
    "address",
    "probe",
    "port",
    "expect",
    "verdict",
    "cause",
    "layer",
    "confidence",
    "responsible",
    "summary",
    "advice",
    "started",
    "duration_ms",
    "attempts",
)
FORMULA = ("=", "+", "-", "@")  # what a spreadsheet takes for a formula at the start of a cell


def render(run: RunRecord, options: Options) -> Iterator[str]:
    """The rows of `--format csv` and `-o x.csv`; a key that does not apply is an empty cell."""
    line = io.StringIO()
    writer = csv.writer(line)
    writer.writerow(COLUMNS)
    for check in run.shown:
        values = check_to_json(check)
        writer.writerow([_cell(values[column]) for column in COLUMNS])
        if line.tell() > 1 << 16:
            yield line.getvalue()
            line.seek(0)
            line.truncate()
    yield line.getvalue()


def _cell(value: Any) -> Any:
    """Text that a server sent can't become a formula: an apostrophe in front makes it text."""
    if not isinstance(value, str):
        return value
    text = safe(value)
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text
