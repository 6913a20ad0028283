"""The page's two columns: a label at the margin, and what it says beside it, wrapped."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import NamedTuple

LABEL = 11  # columns of the label, with the space after it
NARROWEST, WIDEST = 80, 120
IN_A_FILE = 100
# Spaces at which no line is broken: within a time, a step of a ladder, a flow.
KEPT = re.compile(
    r"(?<=\d) (?=(?:ms|s|min|h|UTC)\b|\d\d:\d\d:)|(?<=[a-z]) (?=[✓✗–] )|(?<=[✓✗–]) (?=\d)| (?=→)|(?<=→) "
)
NO_BREAK = "\u00a0"  # foreign text has none: it is not printable, so it comes escaped


class Line(NamedTuple):
    """One paragraph. `hang` is the indent of its second and later lines, `indent` that of the first."""

    text: str
    hang: int = 0
    indent: int = 0


def width_of(terminal: int | None) -> int:
    """How wide the page is: as the terminal, within reason; a file or pipe gets a fixed width."""
    return IN_A_FILE if terminal is None else min(max(terminal, NARROWEST), WIDEST)


def section(label: str, lines: Iterable[Line | str], width: int) -> Iterator[str]:
    """A label with its lines; nothing where there are none. A blank line goes before it."""
    start = f"{label:<{LABEL}}"
    for line in lines:
        for part in _wrapped(Line(line) if isinstance(line, str) else line, width - LABEL):
            yield ("\n" if start.strip() else "") + f"{start}{part}".rstrip() + "\n"
            start = " " * LABEL


def paragraph(text: str, width: int) -> str:
    """Text from margin to margin."""
    return "\n".join(_wrapped(Line(text), width)) + "\n"


def _wrapped(line: Line, width: int) -> list[str]:
    parts = [" " * line.indent + line.text]
    if len(parts[0]) > width:
        parts = textwrap.wrap(
            KEPT.sub(NO_BREAK, line.text),
            width,
            initial_indent=" " * line.indent,
            subsequent_indent=" " * line.hang,
            break_on_hyphens=False,
        )
    return [part.replace(NO_BREAK, " ") for part in parts]


def listed(words: Iterable[str], most: int = 8) -> str:
    """`a, b and c`; past `most` only how many more.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    known = list(dict.fromkeys(words))
    if len(known) > most:
        return f"{', '.join(known[:most])} and {len(known) - most} more"
    return " and ".join([", ".join(known[:-1]), known[-1]] if len(known) > 1 else known)
