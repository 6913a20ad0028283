"""Where a run goes: stdout in one format, and files by suffix. Results to stdout, notices to stderr.

A report file that can't be written is found out by `prepare`, before anything is sent.
"""

from __future__ import annotations

import os
import shutil
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from netcheck.cli import capturing, files, give_up
from netcheck.cli.capturing import CaptureFile
from netcheck.cli.files import WholeFile, is_device
from netcheck.errors import UsageError
from netcheck.record import RunRecord
from netcheck.render import NAMES, SUFFIXES, Format, Options, by_name, by_suffix
from probes.path.capture import Capture

# Lines written at once: with PYTHONUNBUFFERED, which containers like to set, each write is a system call.
BATCH = 1000


def add_arguments(parser: ArgumentParser, usual: str = "table", *, captures: bool = False) -> None:
    """The options of `run`, `check` and `report` that say what is shown and where.

    `usual` is what stdout gets without `--format`, in words; `captures`: packets can be captured meanwhile.
    """
    more = f" {capturing.SUFFIX}" if captures else ""
    parser.set_defaults(captures=captures)
    parser.add_argument(
        "-o",
        metavar="FILE",
        dest="files",
        action="append",
        default=[],
        help=f"also write FILE; its suffix says the format: {SUFFIXES}{more} (repeatable)",
    )
    parser.add_argument("--format", choices=NAMES, help=f"what stdout gets (default: {usual})")
    parser.add_argument("--failed", action="store_true", help="show only what is not pass")
    parser.add_argument(
        "--quiet",
        action="store_true",
        help="no table and no progress; files and an explicit --format are written",
    )
    parser.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="colours (default: auto)"
    )


def wants_color(choice: str) -> bool:
    """Whether stdout gets colours: as asked, else on a terminal unless NO_COLOR is set to anything."""
    if choice != "auto":
        return choice == "always"
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class Outputs:
    """Everything that one run is to be written to."""

    def __init__(self, arguments: Namespace, page: str = "table") -> None:
        """From what `add_arguments` read. Raises UsageError, NotAvailableYet for a format.

        `page` is the format for people: that of stdout, unless another is asked for, and of `-o x.txt`.
        """
        asked: str | None = arguments.format
        self._format = by_name(asked or page) if asked or not arguments.quiet else None
        self._failed: bool = arguments.failed
        self._color = wants_color(arguments.color)
        self._quiet: bool = arguments.quiet
        paths = [Path(name) for name in arguments.files]
        reports = [path for path in paths if not _is_capture(path)]
        self._files = [_ReportFile(path, _shape(path, asked, page)) for path in reports]
        self._captures = self._capturing([path for path in paths if _is_capture(path)], arguments.captures)
        _no_file_twice(paths)

    def _capturing(self, paths: Sequence[Path], possible: bool) -> list[CaptureFile]:
        self.capture = Capture() if paths else None  # what the run is to fill
        if paths and not possible:
            raise UsageError(f"-o {paths[0]}: packets are captured while a run is made; a saved one has none")
        return [CaptureFile(path, self.capture) for path in paths if self.capture is not None]

    def prepare(self) -> None:
        """Find out now whether every file can be written. Raises UsageError; creates nothing."""
        for file in (*self._files, *self._captures):
            file.prepare()

    def write(self, run: RunRecord, *, saved: bool = False) -> None:
        """Write the run everywhere, the files first. `saved`: it is in the user's history.

        Raises UsageError where a file can't be written after all; the rest is written nevertheless.
        """
        shown = replace(run, only_failed=self._failed)
        failures = [failure for file in self._files if (failure := file.write(run, shown))]
        failures += [failure for file in self._captures if (failure := file.write())]
        if self._format is not None:
            self._print(self._format, shown, saved)
        if not self._quiet and not failures:
            for file in self._captures:
                print(file.notice(), file=sys.stderr)
        if failures:
            raise UsageError("\n".join(failures))

    def _print(self, shape: Format, run: RunRecord, saved: bool) -> None:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        try:
            pieces = iter(shape.render(run, Options(width, self._color, saved)))
            while batch := list(islice(pieces, BATCH)):
                put("".join(batch))
            sys.stdout.flush()
        except BrokenPipeError:  # `… | head` has seen enough; the exit status still says what was found
            give_up(sys.stdout)
        except OSError as error:
            raise UsageError(f"stdout: {error.strerror}") from None


def put(piece: str) -> None:
    """To stdout; what its encoding has no sign for is escaped."""
    try:
        sys.stdout.write(piece)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding
        sys.stdout.write(piece.encode(encoding, "backslashreplace").decode(encoding))


class _ReportFile(WholeFile):
    """One report: the run in one format."""

    def __init__(self, path: Path, shape: Format) -> None:
        super().__init__(path)
        self._format = shape

    def write(self, run: RunRecord, shown: RunRecord) -> str | None:
        """Write the file; the message where that fails. A format that is the run itself gets all of it."""
        pieces = self._format.render(run if self._format.whole else shown, Options())
        return self.put(lambda path: files.write_text(path, pieces))


def _is_capture(path: Path) -> bool:
    return path.suffix.lower() == capturing.SUFFIX


def _shape(path: Path, asked: str | None, page: str) -> Format:
    """By the suffix; a device or pipe without one (`/dev/stdout`) takes the format of stdout."""
    if not path.suffix and is_device(path):
        return by_name(asked or page)
    found = by_suffix(path)
    return by_name(page) if found.name == "table" else found


def _no_file_twice(paths: Iterable[Path]) -> None:
    seen: set[str] = set()
    for path in paths:
        real = os.path.realpath(path)
        if real in seen:
            raise UsageError(f"-o {path}: two reports can't go to the same file")
        seen.add(real)
