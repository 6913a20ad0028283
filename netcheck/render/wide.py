"""The wide table: every row whole, with the id, our end of the connection, the layer and the evidence."""

from __future__ import annotations

from collections.abc import Iterator

from netcheck.record import CheckRecord, RunRecord
from netcheck.render import Options, table, text

HEADERS = [
    "id",
    "vantage",
    "target",
    "check",
    "address",
    "source",
    "time",
    "verdict",
    "cause",
    "layer",
    "confidence",
    "responsible",
    "evidence",
]


def render(run: RunRecord, options: Options) -> Iterator[str]:
    """The table of `--format wide`; nothing is folded or cut, however narrow the terminal."""
    yield from table.head(run)
    yield from table.laid_out(HEADERS, [_row(check) for check in run.shown], options.color)
    yield from table.end(run, options)


def _row(check: CheckRecord) -> table.Row:
    source = check.source
    return (
        text.safe(check.id),
        text.safe(check.vantage),
        text.safe(check.target),
        text.label(check),
        text.address(check),
        text.safe(text.endpoint(source.address, source.port)) if source else "",
        text.time(check),
        text.verdict(check),
        text.reason(check),
        check.layer or "",
        check.confidence,
        text.safe(check.responsible or ""),
        text.safe(" · ".join(text.proofs(check))),
    )
