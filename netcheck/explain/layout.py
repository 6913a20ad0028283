"""Text for a terminal, at most 100 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

WIDTH = 100


def wrapped(text: str, indent: int = 0) -> str:
    """A paragraph, every line indented."""
    return _filled(text, " " * indent, " " * indent)


def item(text: str, bullet: str = "- ", indent: int = 2) -> str:
    """A paragraph behind a bullet, hanging."""
    first = " " * indent + bullet
    return _filled(text, first, " " * len(first))


def columns(rows: Iterable[tuple[str, str]], indent: int = 2) -> str:
    """Words and what each means, the meanings below each other."""
    rows = list(rows)
    width = max((len(word) for word, _ in rows), default=0)
    return "\n".join(item(text, f"{word:<{width}}  ", indent) for word, text in rows)


def section(title: str, body: str) -> str:
    """A title with its text below."""
    return f"{title}\n{body}"


def _filled(text: str, first: str, rest: str) -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
