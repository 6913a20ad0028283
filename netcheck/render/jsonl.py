"""The record as JSON Lines: the head, a line a check, the summary with the findings."""

from __future__ import annotations

from collections.abc import Iterator

from netcheck import codec
from netcheck.record import RunRecord
from netcheck.render import Options


def render(run: RunRecord, options: Options) -> Iterator[str]:
    """The lines of `--format jsonl` and `-o x.jsonl`."""
    yield codec.dumps(codec.head_to_json(run.head, run.notices)) + "\n"
    for check in run.shown:
        yield codec.dumps({"record": "check", **codec.check_to_json(check)}) + "\n"
    yield codec.dumps(codec.summary_to_json(run.summary, run.head.started)) + "\n"
