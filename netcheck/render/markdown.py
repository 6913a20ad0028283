"""Markdown for a wiki or an issue: the counts, what to do, a table of the checks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from netcheck.check import Contact
from netcheck.codec import iso
from netcheck.record import CheckRecord, Finding, RunRecord
from netcheck.render import Options, text

MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~&!]|:(?=//))")
HEADERS = ("target", "check", "from", "address", "time", "verdict", "cause")


def render(run: RunRecord, options: Options) -> Iterator[str]:
    """The page of `--format markdown` and `-o x.md`."""
    head, summary = run.head, run.summary
    yield f"# {_plain(text.title(head))}\n\n"
    yield f"{text.count(summary.checks, 'check')}, from {_plain(text.vantages(run))}: {text.outcome(run)}.\n"
    for notice in run.notices:
        yield f"\n**{_plain(notice)}**\n"
    yield f"\nStarted {iso(head.started)}, run `{text.safe(head.id)}`, netcheck {_plain(head.version)}.\n"
    if summary.findings:
        yield "\n## What to do\n\n"
        for number, finding in enumerate(summary.findings, 1):
            yield from _finding(number, finding, run.head.contacts)
    yield "\n## Checks\n\n"
    yield _row(HEADERS) + _row(["---"] * len(HEADERS))
    for check in run.shown:
        yield _row([_plain(cell) for cell in _cells(check)])


def _finding(number: int, finding: Finding, contacts: Sequence[Contact]) -> Iterator[str]:
    indent = " " * len(f"{number}. ")
    advice, flows = text.advice(finding)
    yield f"{number}. **{_plain(text.who(finding, contacts))}**: {_plain(advice)}\n"
    for flow in flows:
        yield f"{indent}- {_plain(flow)}\n"
    yield f"{indent}- {_plain(text.proof(finding))} ({finding.confidence})\n"
    if len(finding.checks) > 1:
        yield f"{indent}- {_plain(text.services(finding))}\n"


def _cells(check: CheckRecord) -> tuple[str, ...]:
    return (
        check.target,
        text.label(check),
        check.vantage,
        text.address(check),
        text.time(check),
        text.verdict(check),
        text.reason(check),
    )


def _row(cells: tuple[str, ...] | list[str]) -> str:
    return "| " + " | ".join(cells) + " |\n"


def _plain(words: str) -> str:
    """Text in which nothing is markup: a banner makes no link, no image, no table cell."""
    return MARKUP.sub(r"\\\1", text.safe(words))
