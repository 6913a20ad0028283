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
    CLOSED = "closed"  # the server hung up during the wait
    RESET = "reset"  # an RST came during the wait
    SPOKE = "spoke"  # the server kept speaking by itself: never idle for so long
    SWALLOWED = "swallowed"  # a rule of this very host drops what is sent after the wait
    GONE = "gone"  # a new connection does not work either
    UNKNOWN = "unknown"  # this system, or what the server does with our bytes, can't tell


LOST = frozenset({End.DROPPED, End.FORGOTTEN})
DEAD = LOST | {End.SWALLOWED}


class Held(NamedTuple):
    """One connection left idle. Seconds: `asked`, and `idle` as it really was when it ended or was used.

    `kept_every`: a second connection with a keep-alive of so many seconds lived just as long. None: it
    did not, or there was no need for it.
    """

    address: str
    end: End
    asked: float
    idle: float
    kept_every: int | None = None


class Wait(NamedTuple):
    """One connection of a bracket: how long it was idle, in seconds, and how it ended."""

    idle: float
    end: End


class Bracket(NamedTuple):
    """The idle time after which a path forgets, enclosed by connections of which each waited longer.

    `waits` in the order of their length; `works`: a new connection worked afterwards; `kept_every`: one
    with a keep-alive of so many seconds lived as long as the longest wait. None: it did not.
    """

    address: str
    port: int
    waits: tuple[Wait, ...]
    works: bool
    kept_every: int | None = None

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
    def closed(self) -> float | None:
        """The shortest time after which the server ended it; None where it did not."""
        ended = (wait.idle for wait in self.waits if wait.end in (End.CLOSED, End.RESET))
        return min(ended, default=None)

    @property
    def keep_alive(self) -> int | None:
        """The longest keep-alive to configure, in seconds: half of what is survived. None: none is needed."""
        if self.dropped is None:
            return None
        safe = min(self.lived or self.dropped / 2, self.dropped)
        return max(1, math.floor(safe / 2))

    def words(self) -> str:
        """What follows, for who has to configure it."""
        if not self.works:
            return "a new connection does not work either: nothing can be said of idle ones"
        if self.dropped is not None:
            return f"{self._limit(self.dropped)}; set keep-alive to at most {self.keep_alive} s"
        if self.swallowed is not None:
            return f"this host itself swallows what is sent after {span_words(self.swallowed)} of idleness"
        known = f"idle connections live for {span_words(self.lived)} at least" if self.lived else ""
        ended = f"the server itself ends them after {span_words(self.closed)}" if self.closed else ""
        why = f"{ended}: longer can't be tried without a login" if ended else ""
        return "; ".join(part for part in (known, why) if part) or "nothing can be said of idle connections"

    def _limit(self, dropped: float) -> str:
        if self.lived is None:
            return f"idle connections are dropped within {span_words(dropped)} ({NAT_KEEPS})"
        if self.lived >= dropped:
            return (
                f"idle connections are dropped now and then: one after {span_words(dropped)}, "
                f"while another lived for {span_words(self.lived)}"
            )
        between = f"between {span_words(self.lived)} and {span_words(dropped)}"
        return f"idle connections are dropped {between} ({NAT_KEEPS})"


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
