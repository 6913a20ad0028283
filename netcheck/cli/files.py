"""A file that `-o` names: found out beforehand, written whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from netcheck.errors import UsageError

STDOUT = Path("/dev/stdout")


class WholeFile:
    """A file that is written beside its place and renamed, so that nobody reads half of it."""

    def __init__(self, path: Path, *, private: bool = False) -> None:
        """`private`: a new file is for this user alone. A file that is there keeps its permissions."""
        self.path = path
        self._private = private

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

    def put(self, write: Callable[[Path], None]) -> str | None:
        """Have it written; the message where that fails."""
        try:
            if _in_place(self.path):
                write(self.path)
            else:
                self._replace(write)
        except OSError as error:
            return f"-o {self.path}: {error.strerror}"
        return None

    def _replace(self, write: Callable[[Path], None]) -> None:
        temporary = self._beside()
        try:
            write(temporary)
            temporary.chmod(self._mode())
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

    def _mode(self) -> int:
        """The permissions of the file that is replaced, or those of any new file of this user."""
        if self.path.exists():
            return stat.S_IMODE(self.path.stat().st_mode)
        mask = os.umask(0o077)
        os.umask(mask)
        return (0o600 if self._private else 0o666) & ~mask


def is_device(path: Path) -> bool:
    """A device or a pipe; stdout also where it is redirected to a file."""
    return path == STDOUT or (os.path.exists(path) and not path.is_file() and not path.is_dir())


def _in_place(path: Path) -> bool:
    """Whether to write into what is there: a device, a pipe, a file in a folder closed to us, or a file of
    somebody else, which stays theirs."""
    if is_device(path):
        return True
    if not path.is_file():
        return False
    folder = os.path.dirname(os.path.realpath(path))
    return not os.access(folder, os.W_OK) or path.stat().st_uid != os.geteuid()


def write_text(path: Path, pieces: Iterable[str]) -> None:
    """Into a file of this name; foreign text that UTF-8 has no bytes for is escaped."""
    target = 1 if path == STDOUT else path  # opened by name, a redirected stdout would be cut
    with open(
        target, "w", encoding="utf-8", errors="backslashreplace", newline="", closefd=target is path
    ) as file:
        file.writelines(pieces)


def write_bytes(path: Path, pieces: Iterable[bytes]) -> None:
    """Into a file of this name."""
    with open(path, "wb") as file:
        file.writelines(pieces)
