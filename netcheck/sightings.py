"""Who answered in a run: signs of life, and flows that others can be compared with."""

from __future__ import annotations

from typing import NamedTuple

from netcheck.check import Check
from netcheck.diagnosis.ascents import alive, connected
from netcheck.diagnosis.second_look import network_of
from probes.contract import Outcome

# A target that answered so many seconds before or after counts as alive at that moment.
SAME_MOMENT = 60.0


class Sighting(NamedTuple):
    """When an address answered last (Unix time), and a port of it that completed a handshake, if one did."""

    when: float
    port: int | None


class Sightings:
    """The addresses that answered so far."""

    def __init__(self) -> None:
        self._seen: dict[str, Sighting] = {}
        self._neighbours: dict[str, list[str]] | None = None  # made when first asked for

    def note(self, check: Check, outcome: Outcome) -> None:
        """What this look showed."""
        for ascent in outcome.ascents:
            address = ascent.address
            if address and alive(ascent):
                port = check.terms.port if connected(ascent) else None
                known = self._seen.get(address)
                self._seen[address] = Sighting(ascent.started, port or (known.port if known else None))
                self._neighbours = None

    def forget(self, address: str | None) -> None:
        """The address did not answer after all: something else did."""
        self._seen.pop(address or "", None)
        self._neighbours = None

    def alive(self, address: str | None, when: float) -> bool:
        """Whether the address answered at about this moment (Unix time)."""
        sighting = self._seen.get(address or "")
        return sighting is not None and abs(sighting.when - when) <= SAME_MOMENT

    def port(self, address: str) -> int | None:
        """A port of the address that completed a handshake."""
        sighting = self._seen.get(address)
        return sighting.port if sighting else None

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
