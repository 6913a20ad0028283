"""What the targets of a run answered, kept for what only several answers tell together."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from netcheck.check import TO_SAAS, Check
from netcheck.diagnosis import facts
from netcheck.diagnosis.clocks import AGREE
from netcheck.diagnosis.facts import tls_name
from netcheck.diagnosis.others import Others, Signed
from probes.contract import Ascent, Outcome
from probes.ladder import is_address

SEVERAL = 2  # hosts whose clocks must agree for ours to be wrong


class Answers:
    """Certificates, issuers, host keys and clocks, as they were seen."""

    def __init__(self) -> None:
        self._authorities: dict[bytes, str] = {}
        self._issuers: dict[str, dict[str, bool]] = {}  # zones of names, and whether the service's
        self._keys: dict[str, dict[str, tuple[str, ...]]] = {}
        self._declared: dict[str, dict[str, None]] = {}
        self._offsets: dict[str, float] = {}

    def note(self, check: Check, outcome: Outcome) -> None:
        """What this look brought."""
        for pin in getattr(check.terms.settings, "host_key", ()) or ():
            self._declared.setdefault(str(pin), {})[check.target] = None
        for ascent in outcome.ascents:
            if ascent.facts:
                self._note(check, ascent)

    def _note(self, check: Check, ascent: Ascent) -> None:
        for der in ascent.certificates[1:]:
            self._authorities.setdefault(der, check.target)
        issuer, name = facts.foreign_issuer(ascent), tls_name(check.host, check.terms.settings)
        if issuer is not None and not is_address(name):
            self._issuers.setdefault(issuer, {})[zone_of(name)] = check.terms.flow in TO_SAAS
        key = facts.host_key(ascent)
        if key is not None and ascent.address is not None:
            shown = self._keys.setdefault(key, {})
            targets = shown.get(ascent.address, ())
            if check.target not in targets:
                shown[ascent.address] = (*targets, check.target)
        offset = facts.clock_offset(ascent)
        if offset is not None:
            self._offsets[check.host] = offset

    def to_others(self) -> Others:
        """The same as values and questions."""
        return Others(
            self._authorities, self.sent_by, self.signed_by, self.shown_by, self.declared_for, self.own_offset
        )

    def sent_by(self, der: bytes) -> str:
        """The target that sent this CA's certificate first."""
        return self._authorities[der]

    def signed_by(self, issuer: str) -> Signed:
        """The zones of public names for which this issuer signs, that no public CA vouches for."""
        zones = self._issuers.get(issuer, {})
        return Signed(frozenset(zones), not all(zones.values()))

    def shown_by(self, key: str) -> Mapping[str, tuple[str, ...]]:
        """The addresses that show this host key, and the targets that each is of."""
        return self._keys.get(key, {})

    def declared_for(self, key: str) -> tuple[str, ...]:
        """The targets for which the inventory declares this host key."""
        return tuple(self._declared.get(key, ()))

    @property
    def own_offset(self) -> float | None:
        """By how many seconds this host's clock is behind those of several that agree; None: unknown."""
        if len(self._offsets) < SEVERAL:
            return None
        middle = statistics.median(self._offsets.values())
        close = sum(abs(offset - middle) <= AGREE for offset in self._offsets.values())
        return middle if close >= SEVERAL and close * 2 > len(self._offsets) else None


def zone_of(host: str) -> str:
    """The last two labels of a name, which unrelated names do not share.

    >>> zone_of("acme.vault.example"), zone_of("vault.example.")
    ('vault.example', 'vault.example')
    """
    return ".".join(host.rstrip(".").split(".")[-2:])
