"""The forms a run can be shown in: a finished, redacted record → text. No network, no clock, no counting.

Each format is a module with `render(run, options) -> Iterator[str]`, imported when it is first asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from netcheck.errors import NotAvailableYet, UsageError
from netcheck.record import RunRecord


class Options(NamedTuple):
    """How a run is to be shown.

    `width` is the terminal's, None for a file or a pipe, where nothing is cut or folded. `saved`: the run
    is in this user's history, so that `last` finds it.
    """

    width: int | None = None
    color: bool = False
    saved: bool = False


class Format(NamedTuple):
    """One format. `module` None: not available yet. `whole`: a file of it is the run itself, never a part."""

    name: str
    suffix: str | None
    module: str | None
    whole: bool = False

    def render(self, run: RunRecord, options: Options) -> Iterator[str]:
        """The run as pieces of text."""
        pieces: Iterator[str] = importlib.import_module(f"{__name__}.{self.module}").render(run, options)
        return pieces


FORMATS = (
    Format("table", ".txt", "table"),
    Format("wide", None, "wide"),
    Format("json", ".json", "json", whole=True),
    Format("jsonl", ".jsonl", "jsonl", whole=True),
    Format("csv", ".csv", "csv"),
    Format("junit", ".xml", "junit"),
    Format("markdown", ".md", "markdown"),
    Format("html", ".html", None),
    Format("prometheus", ".prom", None),
    Format("ticket", ".zip", None),
    Format("nagios", None, None),
    Format("story", None, "story"),
)

SUFFIXES = " ".join(known.suffix for known in FORMATS if known.suffix and known.module)

# `html` and the ticket are files, the story is what `diagnose` prints: `--format` does not take them.
NAMES = ("table", "wide", "json", "jsonl", "csv", "junit", "markdown", "prometheus", "nagios")


def by_name(name: str) -> Format:
    """The format that `--format` names, one of `NAMES`. Raises NotAvailableYet."""
    found = next(known for known in FORMATS if known.name == name)
    if found.module is None:
        raise NotAvailableYet(f"--format {name}")
    return found


def by_suffix(path: Path) -> Format:
    """The format that a report file's name asks for. Raises UsageError, NotAvailableYet."""
    found = next((known for known in FORMATS if known.suffix == path.suffix.lower()), None)
    if found is None or not path.suffix:
        raise UsageError(f"-o {path}: the suffix says the format: {SUFFIXES}")
    if found.module is None:
        raise NotAvailableYet(f"-o {path} ({found.name})")
    return found
