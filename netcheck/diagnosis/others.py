"""What the targets of a run answered, as values and questions: for what only several answers tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from probes.contract import NOTHING, Confidence

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


class Others(NamedTuple):
    """The answers of a run, as `netcheck.second_look.answers.Answers` keeps them."""

    authorities: Iterable[bytes] = ()
    sent_by: Callable[[bytes], str] = lambda der: ""
    signed_by: Callable[[str], Signed] = lambda issuer: Signed()
    shown_by: Callable[[str], Mapping[str, tuple[str, ...]]] = lambda key: NOTHING
    declared_for: Callable[[str], tuple[str, ...]] = lambda key: ()
    own_offset: float | None = None
