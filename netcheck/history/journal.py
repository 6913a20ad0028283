"""The journal of a run: one JSON line as each check ends, so that of those a crash loses at most a second.

`{"record": "run", …}` first, `{"record": "check", "number": N, …}` in the order in which the checks end
(`number` is the check's place in the inventory), `{"record": "summary", …}` last.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING

from netcheck import codec
from netcheck.record import CheckRecord, RunHead, Summary

if TYPE_CHECKING:
    import asyncio

FLUSH_EVERY = 1.0  # seconds
# Checks written together: between two connections each would cost three times as much, for cold caches.
BATCH = 500


def folder() -> Path:
    """Where this user's runs are kept. A relative XDG_STATE_HOME counts as unset (XDG base directories)."""
    state = os.environ.get("XDG_STATE_HOME", "")
    base = Path(state) if os.path.isabs(state) else Path.home() / ".local" / "state"
    return base / "netcheck" / "runs"


def _warn(text: str) -> None:
    print(f"netcheck: {text}", file=sys.stderr)


class Journal:
    """Writes one run as it goes. What can't be written never stops the run: one warning, then silence."""

    def __init__(self, head: RunHead, warn: Callable[[str], None] = _warn) -> None:
        """Creates `folder()/ID.jsonl`, readable by this user only, and writes the first line."""
        self._started = head.started
        self._warn = warn
        self._file: IO[str] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._count = 0
        self._unwritten: list[tuple[int, CheckRecord]] = []
        try:
            self.path: Path | None = folder() / f"{head.id}.jsonl"
            self._file = _create(self.path)
            self._file.write(codec.dumps(codec.head_to_json(head)) + "\n")
            self._file.flush()
        except (OSError, RuntimeError) as error:  # RuntimeError: this user has no home
            self._give_up(error)

    def add(self, check: CheckRecord, number: int | None = None) -> None:
        """Write one finished check; `number` is its place in the inventory, None: as they come."""
        if self._file is not None:
            self._unwritten.append((self._count if number is None else number, check))
            self._count += 1
            if len(self._unwritten) >= BATCH:
                self._write_checks()
            if self._timer is None:
                self._flush_soon()

    def close(self, summary: Summary) -> None:
        """Write the last line and close the file."""
        self._write_checks()
        self._write(codec.dumps(codec.summary_to_json(summary, self._started)) + "\n")
        self._end()

    def _write_checks(self) -> None:
        checks, self._unwritten = self._unwritten, []
        lines = (
            {"record": "check", "number": number, **codec.check_to_json(check)} for number, check in checks
        )
        self._write("".join(f"{codec.dumps(line)}\n" for line in lines))

    def _write(self, text: str) -> None:
        try:
            if self._file is not None:
                self._file.write(text)
        except OSError as error:
            self._give_up(error)

    def _flush_soon(self) -> None:
        """Within a second where an event loop runs, even if no other check ends till then; else now."""
        import asyncio  # loaded already where there is a loop

        try:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_EVERY, self._flush)
        except RuntimeError:
            self._flush()

    def _flush(self) -> None:
        self._timer = None
        self._write_checks()
        try:
            if self._file is not None:
                self._file.flush()
        except OSError as error:
            self._give_up(error)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        file, self._file, self._timer = self._file, None, None
        try:
            if file is not None:
                file.close()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """One warning; then nothing is written any more, not even what closing the file would flush."""
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        self._warn(f"this run is not kept: {self.path or 'no state folder'}: {reason}")
        file, self._file, self.path = self._file, None, None
        try:
            if file is not None:
                file.close()
        except OSError:
            pass


def _create(path: Path) -> IO[str]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8", buffering=1 << 16)
