"""Who answered in a run: signs of life, and flows that others can be compared with."""

from __future__ import annotations

from typing import NamedTuple

from netcheck.check import Check
from netcheck.diagnosis import facts
from netcheck.diagnosis.ascents import alive, connected, spoke
from netcheck.diagnosis.networks import network_of
from probes.contract import Confidence, Outcome

# A target that answered so many seconds before or after counts as alive at that moment.
SAME_MOMENT = 60.0
SOUGHT = 2  # addresses; a single one that is silent may be down


class Sighting(NamedTuple):
    """When an address answered last, and when by the target itself for certain (Unix time; None: never).

    `port` completed a handshake, one that spoke before others; None: none did. `heard`: when it spoke.
    """

    when: float
    proved: float | None = None
    port: int | None = None
    heard: float | None = None


class Sightings:
    """The addresses that answered so far."""

    def __init__(self) -> None:
        self._seen: dict[str, Sighting] = {}
        self._by_proxy = False  # whether a service answered through a proxy
        self._sought: set[str] = set()  # a few addresses that should have answered
        self._neighbours: dict[str, list[str]] | None = None  # made when first asked for

    def note(self, check: Check, outcome: Outcome) -> None:
        """What this look showed. Whoever refuses what must be blocked need not be the target."""
        blocked = check.terms.expect == "blocked"
        for ascent in outcome.ascents:
            self._by_proxy |= facts.works_through(ascent.facts) is not None
            address = ascent.address
            if address and not blocked and len(self._sought) < SOUGHT:
                self._sought.add(address)
            if address and alive(ascent) and not (blocked and not connected(ascent)):
                port = check.terms.port if connected(ascent) and not blocked else None
                known = self._seen.get(address, Sighting(ascent.started))
                proved, heard = (ascent.started,) * 2 if spoke(ascent) else (known.proved, known.heard)
                if known.port is None or (port is not None and spoke(ascent)):
                    known = known._replace(port=port)
                self._seen[address] = Sighting(ascent.started, proved, known.port, heard)
                self._neighbours = None

    @property
    def any(self) -> bool:
        """Whether any address answered."""
        return bool(self._seen) or self._by_proxy

    def none_at_all(self) -> bool:
        """Whether no address answered, though several should have: then silence shows nothing."""
        return not self.any and len(self._sought) >= SOUGHT

    def prove(self, address: str | None, when: float) -> None:
        """It was the target that answered then: its handshake is not one that just anybody gets."""
        if address in self._seen:
            self._seen[address] = self._seen[address]._replace(proved=when)

    def forget(self, address: str | None, port: int | None) -> None:
        """The address did not answer there after all: something else did."""
        known = self._seen.pop(address or "", None)
        self._neighbours = None
        if address and known is not None and known.proved is not None:
            self._seen[address] = Sighting(
                known.proved, known.proved, known.port if known.port != port else None, known.heard
            )

    def sign(self, address: str | None, when: float) -> Confidence | None:
        """How sure it is that the target answered at about this moment (Unix time); None: nobody did.

        An RST or an ICMP error may be a firewall's that signs with the target's address.
        """
        sighting = self._seen.get(address or "")
        if sighting is None:
            return None
        if sighting.proved is not None and abs(sighting.proved - when) <= SAME_MOMENT:
            return Confidence.CERTAIN
        return Confidence.LIKELY if abs(sighting.when - when) <= SAME_MOMENT else None

    def heard(self, address: str | None, when: float) -> bool:
        """Whether the target spoke at about this moment (Unix time): more than a bare handshake."""
        sighting = self._seen.get(address or "")
        return (
            sighting is not None and sighting.heard is not None and abs(sighting.heard - when) <= SAME_MOMENT
        )

    def port(self, address: str) -> int | None:
        """A port of the address that completed a handshake."""
        sighting = self._seen.get(address)
        return sighting.port if sighting else None

    def is_near(self, address: str | None) -> bool:
        """Whether another address of the same network completed a handshake."""
        return address is not None and self.neighbour(address) is not None

    def neighbour(self, address: str) -> tuple[str, int] | None:
        """Another address of the same network, and a port of it that completed a handshake."""
        if self._neighbours is None:
            self._neighbours = {}
            for seen, sighting in self._seen.items():
                if sighting.port is not None:
                    self._neighbours.setdefault(network_of(seen), []).append(seen)
        for other in self._neighbours.get(network_of(address), ())[:2]:
            port = self._seen[other].port
            if other != address and port is not None:
                return other, port
        return None
