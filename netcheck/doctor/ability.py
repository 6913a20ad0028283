"""One ability of this machine."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class State(StrEnum):
    """Whether it is there."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"


class Ability(NamedTuple):
    """What was found out, what follows for the checks, and how to get it where it lacks.

    `needed`: without it not every check can be made; all else only makes the results richer.
    """

    name: str
    state: State
    found: str
    means: str
    remedy: str | None = None
    needed: bool = False

    @property
    def missing(self) -> bool:
        """Whether something that checks need is not there at all."""
        return self.needed and self.state is State.NO
