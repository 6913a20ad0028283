"""What the targets of a run answered, kept for what only several answers tell together."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from netcheck.check import TO_SAAS, Check
from netcheck.diagnosis import facts
from netcheck.diagnosis.clocks import AGREE
from netcheck.diagnosis.others import Astray, Others, Signed
from netcheck.second_look.groups import Groups
from probes import certificates, chains, interception
from probes.contract import NOTHING, Ascent, Outcome
from probes.interception import Completed
from probes.ladder import is_address
from probes.tls_settings import Settings
from probes.urls import asked_name

SEVERAL = 2  # other clocks that must agree for ours to be wrong


class Answers:
    """Certificates, issuers, host keys and clocks, as they were seen: in whatever order the checks ended."""

    def __init__(self) -> None:
        self._authorities: dict[bytes, str] = {}
        self._issuers: dict[str, dict[str, bool]] = {}  # zones of names, and whether the service's
        self._keys: dict[str, Shown] = {}
        self._declared: dict[str, set[str]] = {}
        self._clocks = Clocks()
        self._astray: dict[tuple[str, str, str], Astray] = {}  # by vantage, name and address

    def note(self, check: Check, outcome: Outcome) -> None:
        """What this look brought."""
        for pin in getattr(check.terms.settings, "host_key", ()) or ():
            self._declared.setdefault(str(pin), set()).add(check.target)
        for ascent in outcome.ascents:
            if ascent.facts:
                self._note(check, ascent)

    def _note(self, check: Check, ascent: Ascent) -> None:
        for der in ascent.certificates[1:]:
            self._authorities[der] = min(check.target, self._authorities.get(der, check.target))
        issuer, name = facts.foreign_issuer(ascent), asked_name(check.terms.settings, check.host)
        if issuer is not None and not is_address(name):
            zones, zone = self._issuers.setdefault(issuer, {}), zone_of(name)
            zones[zone] = zones.get(zone, False) or check.terms.flow in TO_SAAS
        key = facts.host_key(ascent)
        if key is not None and ascent.address is not None:
            self._keys.setdefault(key, Shown()).note(check.target, ascent.address)
        for address in facts.astray(ascent):
            found = Astray(ascent.cause or "", ascent.summary, check.id, facts.misled_by(ascent))
            self._astray[check.terms.vantage, check.host.lower(), address] = found
        offset = facts.clock_offset(ascent)
        if offset is not None:
            address = ascent.address or check.host
            # Behind a proxy two names may be one server's: all that it passes on is one clock.
            self._clocks.note(address if facts.through_proxy(ascent) else check.host, address, offset)

    def to_others(self) -> Others:
        """The same as values and questions."""
        return Others(
            self.completed, self.signed_by, self.shown_by, self.declared_for, self.own_offset, self.astray
        )

    def completed(self, check: Check, chain: tuple[bytes, ...]) -> Completed | None:
        """What becomes of a chain (DER) that is trusted with CAs that other targets sent; None: with none.

        Reads the CAs in use, those of this host and those of browsers.
        """
        settings = check.terms.settings
        if not isinstance(settings, Settings):
            return None
        missing = chains.completed_by(chain, self._authorities, settings.ca_file)
        if not missing:
            return None
        named = ", ".join(one.title for one in certificates.read(missing))
        sender = self._authorities[missing[0]]
        proof = f"the server left out {named}; {sender} sent it, and with it the chain is trusted"
        name = asked_name(settings, check.host)
        return interception.completed(chain, missing, proof, name, settings)

    def signed_by(self, issuer: str) -> Signed:
        """The zones of public names for which this issuer signs, that no public CA vouches for."""
        zones = self._issuers.get(issuer, {})
        return Signed(frozenset(zones), not all(zones.values()))

    def shown_by(self, key: str) -> Mapping[str, str]:
        """The addresses that show this host key, and the host that each is of."""
        return self._keys[key].hosts if key in self._keys else NOTHING

    def declared_for(self, key: str) -> tuple[str, ...]:
        """The targets for which the inventory declares this host key."""
        return tuple(sorted(self._declared.get(key, ())))

    def astray(self, check: Check, address: str | None) -> Astray | None:
        """What a `dns` check of the same name says against this address; None: nothing."""
        return self._astray.get((check.terms.vantage, check.host.lower(), address or ""))

    @property
    def own_offset(self) -> float | None:
        """By how many seconds this host's clock is behind those of several that agree; None: unknown."""
        return self._clocks.agreed()


class Shown:
    """Where one host key is shown. Targets that share an address are one host, as are its addresses."""

    def __init__(self) -> None:
        self._groups = Groups()
        self._addresses: set[str] = set()
        self._hosts: Mapping[str, str] | None = None

    def note(self, target: str, address: str) -> None:
        """This target showed it at this address."""
        if address not in self._addresses or self._groups.of(target) != self._groups.of(address):
            self._hosts = None
        self._addresses.add(address)
        self._groups.join(target, address)

    @property
    def hosts(self) -> Mapping[str, str]:
        """The addresses, sorted, and of each by which name its host is known."""
        if self._hosts is None:
            self._hosts = {one: self._groups.of(one) for one in sorted(self._addresses)}
        return self._hosts


class Clocks:
    """Clocks, and by how many seconds each is ahead of this host's.

    Names that have an address in common have one clock, and so have the addresses of one name: a server that
    is asked three times does not outvote this host.
    """

    def __init__(self) -> None:
        self._groups = Groups()
        self._offsets: dict[str, list[float]] = {}

    def note(self, host: str, address: str, offset: float) -> None:
        """This host said so at this address."""
        self._groups.join(host, address)
        self._offsets.setdefault(address, []).append(offset)

    def agreed(self) -> float | None:
        """The offset on which most clocks, and at least two, agree; None: there is none."""
        clocks: dict[str, list[float]] = {}
        for address, offsets in self._offsets.items():
            clocks.setdefault(self._groups.of(address), []).extend(offsets)
        if len(clocks) < SEVERAL:
            return None
        each = [statistics.median(offsets) for offsets in clocks.values()]
        middle = statistics.median(each)
        close = sum(abs(offset - middle) <= AGREE for offset in each)
        return middle if close >= SEVERAL and close * 2 > len(each) else None


def zone_of(host: str) -> str:
    """The last two labels of a name, which unrelated names do not share.

    >>> zone_of("acme.vault.example"), zone_of("vault.example.")
    ('vault.example', 'vault.example')
    """
    return ".".join(host.rstrip(".").split(".")[-2:])
