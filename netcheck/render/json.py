"""The record as one JSON document, a check a line."""

from __future__ import annotations

from collections.abc import Iterator

from netcheck import codec
from netcheck.record import RunRecord
from netcheck.render import Options


def render(run: RunRecord, options: Options) -> Iterator[str]:
    """The document of `--format json` and `-o x.json`. The checks stream, so that many cost no memory."""
    head = codec.dumps(codec.document_head(run), indent=1)
    yield head.removesuffix("\n}") + ',\n "checks": ['
    between = "\n  "
    for check in run.shown:
        yield between + codec.dumps(codec.check_to_json(check))
        between = ",\n  "
    yield "\n ]\n}\n"
