"""What the targets of a run answered, as values and questions: for what only several answers tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from netcheck.check import Check
from probes.contract import NOTHING, Confidence
from probes.interception import Completed

UNRELATED = 2  # zones of names for which one issuer signs
MANY = 3  # zones that no single service has


class Signed(NamedTuple):
    """For which zones of public names an issuer signs, and whether any of them is none of the service's."""

    zones: frozenset[str] = frozenset()
    strangers: bool = False

    @property
    def unrelated(self) -> Confidence | None:
        """How sure they have nothing in common but who decrypts: a service may have two domains of its own.

        None: they may well be one's.
        """
        if len(self.zones) < UNRELATED:
            return None
        sure = self.strangers or len(self.zones) >= MANY
        return Confidence.CERTAIN if sure else Confidence.LIKELY


class Astray(NamedTuple):
    """An address that is not the target's: the cause and words of the `dns` check that says so, its id, and
    which server or suffix misleads, if known."""

    cause: str
    words: str
    by: str
    misled_by: str | None = None


class Others(NamedTuple):
    """The answers of a run, as `netcheck.second_look.answers.Answers` keeps them."""

    completed: Callable[[Check, tuple[bytes, ...]], Completed | None] = lambda check, chain: None
    signed_by: Callable[[str], Signed] = lambda issuer: Signed()
    shown_by: Callable[[str], Mapping[str, str]] = lambda key: NOTHING
    declared_for: Callable[[str], tuple[str, ...]] = lambda key: ()
    own_offset: float | None = None
    astray: Callable[[Check, str | None], Astray | None] = lambda check, address: None
