"""The table: a row a check in the order of the inventory, the counts, and what to do next.

On a terminal the passes of one group fold into one row past forty rows, and cells are cut to the width;
files and pipes get every row whole.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

import tabulate

from netcheck.check import Contact
from netcheck.record import CheckRecord, Finding, RunRecord
from netcheck.render import Options, text
from probes.contract import Verdict

FOLD_PAST = 40  # rows
MOST_RANGE = 40  # characters of a folded row's name
MOST_OWNERS = 5  # whose flows a terminal shows of one finding
MOST_LINES = 2  # of flows of one owner on a terminal
# Which columns give way on a narrow terminal, and how far, one sacrifice after the other.
SHRINK = (
    ("cause", 40),
    ("target", 24),
    ("verdict", 15),
    ("cause", 30),  # the longest codes still stand whole
    ("target", 16),
    ("address", 18),
    ("check", 14),
    ("target", 12),
    ("verdict", 9),
    ("cause", 16),
)
COLORS = {Verdict.PASS: 32, Verdict.WARN: 33, Verdict.FAIL: 31, Verdict.SKIP: 36, Verdict.ERROR: 35}

Row = tuple[str, ...]


def render(run: RunRecord, options: Options) -> Iterator[str]:
    """The table of `--format table` and `-o x.txt`."""
    yield from head(run)
    headers = ["target", "check", "address", "time", "verdict", "cause"]
    several = len(run.vantages) > 1
    if several:
        headers.insert(0, "from")
    checks = list(run.shown)
    rows = _rows(checks, several, fold=options.width is not None and len(checks) > FOLD_PAST)
    if options.width is not None:
        rows = fitted(headers, rows, options.width)
    yield from laid_out(headers, rows, options.color)
    yield from end(run, options)


def head(run: RunRecord) -> Iterator[str]:
    """What was checked and from where; what a reader has to know first."""
    checks = text.count(run.summary.checks, "check")
    yield f"{text.title(run.head)}: {checks}, from {text.vantages(run)}\n"
    for notice in run.notices:
        yield f"{text.safe(notice)}\n"
    yield "\n"


def _rows(checks: list[CheckRecord], several: bool, fold: bool) -> list[Row]:
    entries = _folded(checks) if fold else [[check] for check in checks]
    rows = [_one(entry[0]) if len(entry) == 1 else _many(entry) for entry in entries]
    if not several:
        return rows
    return [(text.safe(entry[0].vantage), *row) for entry, row in zip(entries, rows, strict=True)]


def _one(check: CheckRecord) -> Row:
    return (
        text.safe(check.target),
        text.label(check),
        text.address(check),
        text.time(check),
        text.verdict(check),
        text.reason(check),
    )


def _many(checks: list[CheckRecord]) -> Row:
    """One row for the passes of one group; the time is the slowest one's."""
    first = checks[0]
    name = text.span(check.target for check in checks)
    if name is None or len(name) > MOST_RANGE:
        name = f"{first.groups[0]}: {text.count(len(checks), 'target')}"
    slowest = max((check.duration for check in checks if check.duration is not None), default=None)
    hosts = text.count(len(checks), "host")
    return text.safe(name), text.label(first), hosts, text.took(slowest), str(first.verdict), ""


def _folded(checks: Iterable[CheckRecord]) -> list[list[CheckRecord]]:
    """Passes of the same check in the same groups together, where the first of them stands."""
    entries: dict[tuple[object, ...], list[CheckRecord]] = {}
    for check in checks:
        key: tuple[object, ...] = (check.id,)
        if check.verdict is Verdict.PASS and check.groups:
            key = (check.vantage, check.groups, text.label(check))
        entries.setdefault(key, []).append(check)
    return list(entries.values())


def fitted(headers: list[str], rows: list[Row], width: int) -> list[Row]:
    """The rows with cells cut so that a line fits the terminal, where that is possible."""
    padded = [header + " " * tabulate.MIN_PADDING for header in headers]
    widths = [max(map(len, column)) for column in zip(padded, *rows, strict=True)]
    excess = sum(widths) + 2 * (len(widths) - 1) - width
    for name, least in SHRINK:
        index = headers.index(name)
        cut = max(min(excess, widths[index] - least), 0)
        widths[index] -= cut
        excess -= cut
    return [tuple(map(_cut, row, widths)) for row in rows]


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else cell[: width - 1] + "…"


def laid_out(headers: list[str], rows: list[Row], color: bool) -> Iterator[str]:
    """The rows under their headers, aligned by tabulate, which is quickest on plain left or right cells."""
    if not rows:
        yield "nothing to show\n"
        return
    sides = ["right" if name == "time" else "left" for name in headers]
    # One row of cells with many lines: of a cell tabulate asks what it may be, of its lines only how long.
    columns = ["\n".join(column) for column in zip(*rows, strict=True)]
    table = tabulate.tabulate(
        [columns],
        headers,
        tablefmt="simple",
        disable_numparse=True,
        colalign=sides,
        preserve_whitespace=True,
    )
    yield (_colored(table, headers.index("verdict")) if color else table) + "\n"


def _colored(table: str, column: int) -> str:
    """Colour the verdicts; the rule under the headers tells where they stand."""
    header, rule, *lines = table.split("\n")
    start = sum(len(dashes) + 2 for dashes in rule.split("  ")[:column])
    return "\n".join([header, rule, *(_painted(line, start) for line in lines)])


def _painted(line: str, start: int) -> str:
    word = line[start:].partition(" ")[0]
    return f"{line[:start]}\x1b[{COLORS[Verdict(word)]}m{word}\x1b[0m{line[start + len(word) :]}"


def end(run: RunRecord, options: Options) -> Iterator[str]:
    """The counts, what to do once a finding, and the next step."""
    summary = run.summary
    yield f"\n{text.outcome(run)} · run {text.safe(run.head.id)}\n"
    if summary.findings:
        yield "\nWhat to do\n"
        for number, finding in enumerate(summary.findings, 1):
            yield from _finding(number, finding, run.head.contacts, options.width)
        yield "\n" + _next_steps(run, options) + "\n"


def _finding(number: int, finding: Finding, contacts: Sequence[Contact], width: int | None) -> Iterator[str]:
    """Who has to do what and why, then the flows of each owner. On a terminal long lists of flows are cut."""
    advice, flows = text.advice(finding)
    yield from _wrapped(f"{number:>2}  {text.who(finding, contacts)}: {advice}", width)
    yield from _wrapped(f"    {text.proof(finding)} · {finding.confidence}", width)
    shown = flows if width is None else flows[:MOST_OWNERS]
    for flow in shown:
        line = f"    {flow}"
        yield from _wrapped(line if width is None else _fewer(line, MOST_LINES * max(width, 40)), width)
    if len(shown) < len(flows):
        yield f"    and the flows of {text.count(len(flows) - len(shown), 'more owner')}\n"


def _fewer(line: str, most: int) -> str:
    """Addresses for about so many characters, and the owner; a file or a pipe has all of them."""
    owner = line[line.rfind(" (") :] if line.endswith(")") else ""
    end = line.rfind(", ", 0, max(most - len(owner) - 8, 0))
    return line if len(line) <= most or end < 0 else f"{line[:end]}, …{owner}"


def _wrapped(line: str, width: int | None) -> Iterator[str]:
    if width is None or len(line) <= width:
        yield line + "\n"
        return
    for part in textwrap.wrap(line, max(width, 40), subsequent_indent=" " * 4, break_on_hyphens=False):
        yield part + "\n"


def _next_steps(run: RunRecord, options: Options) -> str:
    steps = [f"netcheck explain {text.safe(run.summary.findings[0].cause)}"]
    if options.saved:
        steps.append("netcheck report last -o report.md")
    return " · ".join(steps)
