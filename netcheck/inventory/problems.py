"""What is wrong with an inventory: all of it at once, each with its line, a caret and a way out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from netcheck.errors import UsageError

WIDEST = 100  # characters of an offending line that are shown
WAYS = ("env", "file", "keyring", "command", "prompt", "agent")  # to a secret that is kept elsewhere
SECRET_WORD = (
    r"(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|private_key"
    r"|(?:api|access)[_-]?key|authorization|cookie)"
)
SECRET_KEY = re.compile(rf"(?:.*[_-])?{SECRET_WORD}", re.IGNORECASE)
# In the bare text, where there may be no tree yet: `password: …`, `"token": …`, `scheme://user:pass@`.
# Compiled, which takes a millisecond, only where a line is quoted.
SECRET_TEXT = (
    rf"""(?i)({SECRET_WORD}["']?\s*:\s*(?:\[\s*|\{{\s*(?!(?:{"|".join(WAYS)})\b)\w+\s*:\s*)?)"""
    r"""(?![\s{\[&*|>#])("[^"]*"?|'[^']*'?|[^,}\]]+)"""
)
SECRET_QUERY = rf"(?i)([?&][\w.-]*{SECRET_WORD}=)[^&#\s\"'\]}},]+"  # `/x?api_key=…`
SECRET_URL = re.compile(r"(://[^/@\s:]*:)[^/@\s]+@")
# `user:pass@` wherever it stands, which may be no URL at all, or one with `/` in its password.
SECRET_LOGIN = r"""(?i)((?:[a-z][\w+.-]*:/{1,3})?[^\s:/@"'{\[,]*:)(?!\s|//)[^\s@"']+@"""
SAYS_SECRET = "secret in clear text"  # how messages begin that are about one
HIDDEN = "****"


class Placed(Protocol):
    """Where something stands: line and column from 1, `width` characters on that line."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...
    @property
    def width(self) -> int: ...


class Place(NamedTuple):
    """A place in the file, as `Placed` says."""

    line: int = 1
    column: int = 1
    width: int = 1


START = Place()


class Problem(NamedTuple):
    """One thing that is wrong; sorts by its position."""

    line: int
    column: int
    message: str
    width: int = 1


class InventoryError(UsageError):
    """An inventory that can't be used. `problems` by position; the text shows each with its line."""

    def __init__(self, path: str, problems: Sequence[Problem], text: str) -> None:
        super().__init__(text)
        self.path = path
        self.problems = tuple(problems)


class Report:
    """Gathers the problems of one file, whose `lines` it quotes; no secret is ever quoted."""

    def __init__(self, path: str, lines: Sequence[str] = ()) -> None:
        self.path = path
        self.lines = lines
        self._problems: set[Problem] = set()
        self._hidden: dict[int, int] = {}  # line → the column from which it is hidden
        self._leaks: dict[tuple[int, int], str] = {}

    def add(self, place: Placed, message: str) -> None:
        """One more problem. The same one at the same place is kept once."""
        said = re.sub(SECRET_LOGIN, rf"\1{HIDDEN}@", self._leaks.get((place.line, place.column), message))
        if said.startswith(SAYS_SECRET) and place.line not in self._hidden:
            self.hide(place, place.line)
        self._problems.add(Problem(place.line, place.column, said, max(1, place.width)))

    def leak(self, place: Placed, last_line: int, message: str) -> None:
        """A secret that should not be here: no other message may be about this place and quote it."""
        self._leaks[place.line, place.column] = message
        self.hide(place, last_line)
        self.add(place, message)

    def hide(self, first: Placed, last_line: int) -> None:
        """A secret starts here: never quote it."""
        for line in range(first.line, last_line + 1):
            column = first.column if line == first.line else 1
            self._hidden[line] = min(column, self._hidden.get(line, column))

    def finish(self) -> None:
        """Raise what was found, if anything, as one InventoryError."""
        if self._problems:
            raise self.error()

    def error(self) -> InventoryError:
        """All problems as one error, by position."""
        problems = sorted(self._problems)
        return InventoryError(self.path, problems, self._text(problems))

    def _text(self, problems: Sequence[Problem]) -> str:
        count = "1 error" if len(problems) == 1 else f"{len(problems)} errors"
        return "\n".join([*map(self._shown, problems), f"{count}; nothing was checked"])

    def _shown(self, problem: Problem) -> str:
        head = f"{self.path}:{problem.line}:{problem.column}: {problem.message}"
        if not 0 < problem.line <= len(self.lines):
            return head
        line, caret, width = self._excerpt(problem)
        return f"{head}\n{problem.line:>5} | {line}\n      | {' ' * caret}{'^' * width}"

    def _excerpt(self, problem: Problem) -> tuple[str, int, int]:
        """The line as it may be shown, the caret's offset in it, and how wide the caret is."""
        line = self._masked(problem.line)
        offset = min(problem.column - 1, len(line))
        start = 0 if len(line) <= WIDEST else max(0, offset - WIDEST // 2)
        before = "…" if start else ""
        after = "…" if start + WIDEST < len(line) else ""
        part = line[start : start + WIDEST]
        width = max(1, min(problem.width, len(part) - (offset - start)))
        return before + part + after, offset - start + len(before), width

    def _masked(self, number: int) -> str:
        line = self.lines[number - 1]
        hidden = self._hidden.get(number)
        if hidden is not None:
            line = line[: hidden - 1] + HIDDEN
        line = re.sub(SECRET_QUERY, rf"\1{HIDDEN}", re.sub(SECRET_TEXT, rf"\1{HIDDEN}", line))
        line = re.sub(SECRET_LOGIN, rf"\1{HIDDEN}@", line)
        return "".join(char if char.isprintable() else " " for char in line)


def secret_in_url(text: str) -> str:
    """What is wrong with a URL, or a path with its query, that holds a secret; nothing where it has none."""
    if "://" in text and SECRET_URL.search(text):
        return f"{SAYS_SECRET}: a URL takes no user and password"
    if "=" in text and re.search(SECRET_QUERY, text):
        return f"{SAYS_SECRET}: a URL takes no password or token; it would be in every log on the way"
    return ""


def nearest(word: str, words: Iterable[str]) -> str:
    """`; did you mean …?` with the nearest of the words, or nothing.

    >>> nearest("shh", ["ssh", "tcp"])
    '; did you mean `ssh`?'
    """
    import difflib  # only for who has misspelt a word

    known = {known.lower(): known for known in words}
    close = difflib.get_close_matches(word.lower(), known, 1, 0.6)
    return f"; did you mean `{known[close[0]]}`?" if close else ""
