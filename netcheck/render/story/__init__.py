"""The page of `diagnose`: one target in depth, for somebody who has to act on it or to forward it.

Made from the record alone, as every format is: each check with its ladder, the way hop by hop, what else
was looked at, what follows, who acts, and a text to send them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netcheck.record import CheckRecord, RunRecord
from netcheck.render import Options, text
from netcheck.render.story import checks as ladders
from netcheck.render.story import way
from netcheck.render.story.layout import NO_BREAK, listed, paragraph, section, width_of
from netcheck.render.story.problem import problems, told
from probes.contract import Verdict

ALL_WELL = "Nothing has to be done: this target is as was asked, in every layer that was tried."
COLORS = {"✓": 32, "✗": 31, "!": 33}


def render(run: RunRecord, options: Options) -> Iterator[str]:
    """A page a target, in the order of the inventory, and the next step."""
    targets: dict[str, list[CheckRecord]] = {}
    for check in run.shown:
        targets.setdefault(check.target, []).append(check)
    if not targets:
        yield "nothing to show\n"
    for number, checks in enumerate(targets.values()):
        yield from ["\n"] if number else []
        for piece in _page(run, checks, width_of(options.width)):
            yield _colored(piece) if options.color else piece
    yield from _end(run, options)


def _page(run: RunRecord, checks: Sequence[CheckRecord], width: int) -> Iterator[str]:
    several = len({check.vantage for check in checks}) > 1
    yield from _head(run, checks, width)
    yield from section("Checks", ladders.lines(checks, several), width)
    for number, drawing in enumerate(way.drawings(checks)):
        yield from section("" if number else "The way", way.lines(drawing, several), width)
    found = problems(checks)
    if not found:
        yield from section("So", [ALL_WELL], width)
    for number, group in enumerate(found, 1):
        if len(found) > 1:
            names = listed(ladders.named(check, several) for check in group)
            yield "\n" + paragraph(f"── {number} of {len(found)}: {names} " + "─" * 8, width)
        yield from told(group, checks, width)


def _head(run: RunRecord, checks: Sequence[CheckRecord], width: int) -> Iterator[str]:
    """Which target, seen from where; how it fares, in one sentence."""
    first = checks[0]
    addresses = _addresses(checks)
    hosts = [check.host for check in checks]
    names = dict.fromkeys(text.safe(name) for name in [first.target, *hosts] if name not in addresses[1:])
    shown = [*names, *(listed(map(text.safe, addresses), 4),)] if addresses else [*names]
    vantages = listed(_vantage(run, check.vantage) for check in checks)
    yield paragraph(f"{' · '.join(dict.fromkeys(shown))} · from {vantages}", width)
    for notice in run.notices:
        yield paragraph(text.safe(notice), width)
    yield paragraph(f"{_outcome(checks)} · {ladders.moment(run.head.started)}", width)


def _vantage(run: RunRecord, name: str) -> str:
    seen = run.vantages[name]
    return text.safe(f"{name} ({seen.host})" if seen.host != name else name)


def _addresses(checks: Sequence[CheckRecord]) -> list[str]:
    """Every address of the target that was tried, each once."""
    found = (
        address for check in checks for address in (check.address, *(one.address for one in check.addresses))
    )
    return list(dict.fromkeys(address for address in found if address))


def _outcome(checks: Sequence[CheckRecord]) -> str:
    """`1 of 2 checks fails`, or that all is well."""
    count = {verdict: sum(check.verdict is verdict for check in checks) for verdict in Verdict}
    total = text.count(len(checks), "check")
    if count[Verdict.PASS] == len(checks):
        return f"all is well: {total} made, and every one passes"
    said = [f"{number} {verdict}" for verdict, number in count.items() if number]
    return f"{total}: {', '.join(said)}"


def _end(run: RunRecord, options: Options) -> Iterator[str]:
    causes = dict.fromkeys(check.cause for check in run.shown if check.cause)
    steps = [f"netcheck explain {text.safe(cause)}" for cause in list(causes)[:2]]
    if options.saved:
        steps.append("netcheck report last -o report.md")
    steps = [step.replace(" ", NO_BREAK) for step in steps]
    yield "\n" + paragraph(" · ".join([f"run {text.safe(run.head.id)}", *steps]), width_of(options.width))


def _colored(piece: str) -> str:
    for sign, color in COLORS.items():
        piece = piece.replace(f"{sign} ", f"\x1b[{color}m{sign}\x1b[0m ")
    return piece
