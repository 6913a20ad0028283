"""Where a run goes: stdout in one format, and files by suffix. Results to stdout, notices to stderr.

A report file that can't be written is found out by `prepare`, before anything is sent.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path

from netcheck.cli import give_up
from netcheck.errors import UsageError
from netcheck.record import RunRecord
from netcheck.render import NAMES, SUFFIXES, Format, Options, by_name, by_suffix

STDOUT = Path("/dev/stdout")
# Lines written at once: with PYTHONUNBUFFERED, which containers like to set, each write is a system call.
BATCH = 1000


def add_arguments(parser: ArgumentParser, usual: str = "table") -> None:
    """The options of `run`, `check` and `report` that say what is shown and where.

    `usual` is what stdout gets without `--format`, in words.
    """
    parser.add_argument(
        "-o",
        metavar="FILE",
        dest="files",
        action="append",
        default=[],
        help=f"also write FILE; its suffix says the format: {SUFFIXES} (repeatable)",
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
        self._files = [_ReportFile(Path(name), _shape(Path(name), asked, page)) for name in arguments.files]
        _no_file_twice(file.path for file in self._files)

    def prepare(self) -> None:
        """Find out now whether every file can be written. Raises UsageError; creates nothing."""
        for file in self._files:
            file.prepare()

    def write(self, run: RunRecord, *, saved: bool = False) -> None:
        """Write the run everywhere, the files first. `saved`: it is in the user's history.

        Raises UsageError where a file can't be written after all; the rest is written nevertheless.
        """
        shown = replace(run, only_failed=self._failed)
        failures = [failure for file in self._files if (failure := file.write(run, shown))]
        if self._format is not None:
            self._print(self._format, shown, saved)
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


class _ReportFile:
    """One `-o FILE`: written beside its place and renamed, so that nobody reads half a report."""

    def __init__(self, path: Path, shape: Format) -> None:
        self.path = path
        self._format = shape

    def prepare(self) -> None:
        """Find out whether it can be written, and leave no trace. Raises UsageError."""
        folder = Path(os.path.realpath(self.path)).parent
        if not folder.is_dir():
            raise UsageError(f"-o {self.path}: there is no folder {folder}")
        try:
            if self.path.exists() and not os.access(self.path, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            if not _in_place(self.path):
                self._beside().unlink()
        except OSError as error:
            raise UsageError(f"-o {self.path}: {error.strerror}") from None

    def write(self, run: RunRecord, shown: RunRecord) -> str | None:
        """Write the file; the message where that fails. A format that is the run itself gets all of it."""
        pieces = self._format.render(run if self._format.whole else shown, Options())
        try:
            if _in_place(self.path):
                _write(self.path, pieces)
            else:
                self._replace(pieces)
        except OSError as error:
            return f"-o {self.path}: {error.strerror}"
        return None

    def _replace(self, pieces: Iterable[str]) -> None:
        temporary = self._beside()
        try:
            _write(temporary, pieces)
            temporary.chmod(_mode(self.path))
            temporary.replace(os.path.realpath(self.path))  # a symbolic link stays one
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def _beside(self) -> Path:
        if self.path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        folder = os.path.dirname(os.path.realpath(self.path))
        handle, name = tempfile.mkstemp(prefix=".netcheck-", dir=folder)
        os.close(handle)
        return Path(name)


def _in_place(path: Path) -> bool:
    """Whether to write into what is there: a device, a pipe, a file in a folder closed to us, or a file of
    somebody else, which stays theirs."""
    if _is_device(path):
        return True
    if not path.is_file():
        return False
    folder = os.path.dirname(os.path.realpath(path))
    return not os.access(folder, os.W_OK) or path.stat().st_uid != os.geteuid()


def _is_device(path: Path) -> bool:
    """A device or a pipe; stdout also where it is redirected to a file."""
    return path == STDOUT or (os.path.exists(path) and not path.is_file() and not path.is_dir())


def _mode(path: Path) -> int:
    """The permissions of the file that is replaced, or those of any new file of this user."""
    if path.exists():
        return stat.S_IMODE(path.stat().st_mode)
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


def _write(path: Path, pieces: Iterable[str]) -> None:
    target = 1 if path == STDOUT else path  # opened by name, a redirected stdout would be cut
    with open(
        target, "w", encoding="utf-8", errors="backslashreplace", newline="", closefd=target is path
    ) as file:
        file.writelines(pieces)


def _shape(path: Path, asked: str | None, page: str) -> Format:
    """By the suffix; a device or pipe without one (`/dev/stdout`) takes the format of stdout."""
    if not path.suffix and _is_device(path):
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
