"""How connections that were left idle fared, and what follows: values, and their comparison. Pure."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import NamedTuple

from probes.words import span_words

WAITS = 8  # connections of a bracket
SPAN = 10.0  # its longest wait in its shortest
NAT_KEEPS = "RFC 5382 asks for 2 h 4 min"


class End(StrEnum):
    """How a connection that was to be left idle ended."""

    LIVED = "lived"  # what was sent after the wait was acknowledged
    DROPPED = "dropped"  # it was not, though a new connection works
    FORGOTTEN = "forgotten"  # it was answered by an RST, though a new connection works
    CLOSED = "closed"  # a FIN came during the wait
    RESET = "reset"  # an RST came during the wait
    SPOKE = "spoke"  # the server kept speaking by itself: never idle for so long
    SWALLOWED = "swallowed"  # a rule of this very host drops what is sent after the wait
    GONE = "gone"  # a new connection does not work either
    UNKNOWN = "unknown"  # this system, or what the server does with our bytes, can't tell


LOST = frozenset({End.DROPPED, End.FORGOTTEN})
DEAD = LOST | {End.SWALLOWED}
ENDED = frozenset({End.CLOSED, End.RESET})
SIGNS = {End.CLOSED: "a FIN", End.RESET: "an RST"}
# A server's timer that ends just before the wait may spare the connection beside it, which is younger.
WELL_BEFORE = 0.8


class Wait(NamedTuple):
    """One connection of a bracket: how long it was idle, in seconds, and how it ended."""

    idle: float
    end: End


class Kept(NamedTuple):
    """How a connection with a keep-alive of so many seconds fared beside the idle ones."""

    every: int
    wait: Wait

    @property
    def lived(self) -> bool:
        """Whether it lived as long as the longest wait."""
        return self.wait.end is End.LIVED

    def outlived(self, ended: Wait) -> bool:
        """Whether it lived on when a connection that only differs by keep-alives was ended by a FIN or RST.

        An application can't see keep-alives, so a timer of the server's ends both.
        """
        return self.lived and ended.end in ENDED and ended.idle <= WELL_BEFORE * self.wait.idle

    @property
    def told(self) -> bool:
        """Whether a FIN came: so the path still knew this one when the server hung up."""
        return self.wait.end is End.CLOSED


class Held(NamedTuple):
    """One connection left idle. Seconds: `asked`, and `idle` as it really was when it ended or was used.

    `kept`: a second one with keep-alives. None: there was no need for it.
    """

    address: str
    end: End
    asked: float
    idle: float
    kept: Kept | None = None

    @property
    def kept_every(self) -> int | None:
        """The keep-alive that shows idleness to be the reason; None: none does."""
        if self.kept is None:
            return None
        shows = self.kept.lived if self.end in LOST else self.kept.outlived(Wait(self.idle, self.end))
        return self.kept.every if shows or (self.end in LOST and self.kept.told) else None


class Bracket(NamedTuple):
    """The idle time after which a path forgets, enclosed by connections of which each waited longer.

    `waits` in the order of their length; `works`: a new connection worked afterwards; `kept`: one with
    keep-alives.
    """

    address: str
    port: int
    waits: tuple[Wait, ...]
    works: bool
    kept: Kept | None = None

    @property
    def dropped(self) -> float | None:
        """The shortest wait that was dropped; None where none was, or nothing works any more."""
        forgotten = (wait.idle for wait in self.waits if wait.end in LOST)
        return min(forgotten, default=None) if self.works else None

    @property
    def lived(self) -> float | None:
        """The longest wait that was survived; None where none was."""
        return max((wait.idle for wait in self.waits if wait.end is End.LIVED), default=None)

    @property
    def swallowed(self) -> float | None:
        """The shortest wait after which this very host swallows what is sent; None where it does not."""
        return min((wait.idle for wait in self.waits if wait.end is End.SWALLOWED), default=None)

    @property
    def ended(self) -> Wait | None:
        """The connection that a FIN or RST ended first; None where none was."""
        return min((wait for wait in self.waits if wait.end in ENDED), default=None)

    @property
    def cut(self) -> float | None:
        """The time after which something on the way ends idle connections; None where a server may do so.

        Each that was idle for as long was ended, and the one with keep-alives was not.
        """
        ended = self.ended
        if ended is None or self.kept is None or not self.works or not self.kept.outlived(ended):
            return None
        return None if (self.lived or 0.0) >= ended.idle else ended.idle

    @property
    def limit(self) -> float | None:
        """The shortest idle time that something on the way did not bear; None where all were borne."""
        return self.cut if self.dropped is None else self.dropped

    @property
    def proved(self) -> bool:
        """Whether the one with keep-alives shows that it is idleness: after a failover it is dead as well."""
        return self.kept is not None and (self.kept.lived or self.kept.told)

    @property
    def keep_alive(self) -> int | None:
        """The longest keep-alive to configure, in seconds: half of what is survived, else what was seen to
        help. None: none is needed, or none is known to help."""
        if self.limit is None or self.kept is None or not self.proved:
            return None
        if self.lived is None:
            return self.kept.every
        return max(1, math.floor(min(self.lived, self.limit) / 2))

    def words(self) -> str:
        """What follows, for who has to configure it."""
        if not self.works:
            return "a new connection does not work either: nothing can be said of idle ones"
        if self.limit is not None:
            limit = self._limit(self.limit)
            return f"{limit}; set keep-alive to at most {self.keep_alive} s" if self.proved else limit
        if self.swallowed is not None:
            return f"this host itself swallows what is sent after {span_words(self.swallowed)} of idleness"
        known = f"idle connections live for {span_words(self.lived)} at least" if self.lived else ""
        return "; ".join(filter(None, (known, self._hung_up()))) or "nothing can be said of idle connections"

    def _limit(self, limit: float) -> str:
        how = f"are {self._how()}" if self.proved else "died"
        if self.lived is None:
            return f"idle connections {how} within {span_words(limit)} ({NAT_KEEPS})"
        if self.lived >= limit:
            return (
                f"idle connections {how} now and then: one after {span_words(limit)}, "
                f"while another lived for {span_words(self.lived)}"
            )
        between = f"between {span_words(self.lived)} and {span_words(limit)}"
        return f"idle connections {how} {between} ({NAT_KEEPS})"

    def _how(self) -> str:
        if self.dropped is not None or self.ended is None:
            return "dropped"
        return f"ended by {SIGNS[self.ended.end]}"

    def _hung_up(self) -> str:
        if self.ended is None:
            return ""
        after = f"{SIGNS[self.ended.end]} ends them after {span_words(self.ended.idle)}"
        return f"{after}, from the server or a firewall: longer can't be tried without a login"


def spread(longest: float, count: int = WAITS) -> tuple[float, ...]:
    """Waits that grow by the same factor each, the last the longest.

    >>> [round(wait, 1) for wait in spread(10.0)]
    [1.0, 1.4, 1.9, 2.7, 3.7, 5.2, 7.2, 10.0]
    """
    steps = max(1, count - 1)
    return tuple(longest / SPAN ** ((count - 1 - place) / steps) for place in range(count))


def judged(end: End, new: End | None) -> End:
    """What the end of an idle connection means beside that of a new one with the same bytes.

    `new` None: it could not even be made. Where a server resets whoever sends such bytes, an RST tells
    nothing of the wait; and where nothing is ever under way, the peer may just not let us send.
    """
    if end not in DEAD:
        return end
    if new is None or new is End.DROPPED:
        return End.GONE
    return End.UNKNOWN if new in (end, End.UNKNOWN, End.SWALLOWED) else end
