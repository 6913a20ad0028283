"""The live progress bar: checks done, failing, rate, time left. On stderr, and only on a terminal."""

from __future__ import annotations

import sys
import time

from netcheck.record import CheckRecord, RunHead, Summary

REDRAWN_EVERY = 0.1  # seconds


class Progress:
    """An observer (`netcheck.events.Observer`) that draws with rich, loaded when first needed."""

    def __init__(self) -> None:
        self._done = 0
        self._failing = 0
        self._drawn = 0.0

    def started(self, head: RunHead, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn(" {task.completed:,.0f} of {task.total:,.0f} checks"),
            BarColumn(bar_width=36),
            TextColumn("{task.fields[rate]:,.0f}/s · {task.fields[failing]:,d} failing ·"),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True),
            transient=True,
            auto_refresh=False,
        )
        self._began = time.monotonic()
        self._task = self._bar.add_task("", total=total, rate=0.0, failing=0)
        self._bar.start()

    def looked(self, passed: bool) -> None:
        self._done += 1
        self._failing += not passed
        now = time.monotonic()
        if now - self._drawn >= REDRAWN_EVERY:
            self._drawn = now
            self._draw(now)

    def _draw(self, now: float) -> None:
        rate = self._done / max(now - self._began, 1e-6)
        self._bar.update(self._task, completed=self._done, rate=rate, failing=self._failing)
        self._bar.refresh()

    def ended(self, check: CheckRecord, number: int) -> None:
        """The bar counts first looks."""

    def finished(self, summary: Summary) -> None:
        self._bar.stop()


def wanted(quiet: bool) -> bool:
    """Whether there is a terminal to draw on."""
    return not quiet and sys.stderr.isatty()
