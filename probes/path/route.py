"""The route of a flow, as values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from probes.net.base import Reply


class Hop(NamedTuple):
    """Who answered that a packet with this TTL ended there. `address` None: nobody did. Seconds.

    `back`: the TTL with which the answer itself arrived, where the kernel tells.
    """

    ttl: int
    address: str | None = None
    name: str | None = None
    rtt: float | None = None
    back: int | None = None


class Route(NamedTuple):
    """What a ladder of TTLs met. `hops` up to the last that answered, silent ones between included.

    `end` is what ended the flow itself, an ICMP rejection, an RST or a handshake, at the TTL `reach`, the
    lowest that met it; None: silence after the last hop. `ecmp`: from another source port another hop
    answered. `limited`: some hop answered only when it was asked again. `syns` were sent, the kernel's
    repeats not counted; `opened` of them were answered by a handshake, whatever the end is: on another path,
    or by turns.
    """

    hops: tuple[Hop, ...] = ()
    end: Reply | None = None
    reach: int | None = None
    ecmp: bool = False
    limited: bool = False
    syns: int = 0
    opened: int = 0

    @property
    def last(self) -> Hop | None:
        """The last hop that answered."""
        return next((hop for hop in reversed(self.hops) if hop.address), None)

    def at(self, ttl: int) -> str | None:
        """Who answered at this TTL."""
        return next((hop.address for hop in self.hops if hop.ttl == ttl), None)

    def forwards(self, address: str) -> bool:
        """Whether this address answered as a router on the way.

        What it signs then need not be the target's own: a translation of addresses one to one rewrites the
        ICMP errors of all that is behind it.
        """
        return any(hop.address == address for hop in self.hops)


def cycle(hops: Iterable[Hop]) -> tuple[str, ...]:
    """Who sends a packet round in circles, in their order: from an address that answers again after another.

    >>> cycle([Hop(1, "a"), Hop(2, "b"), Hop(3, "c"), Hop(4, "b"), Hop(5, "c")])
    ('b', 'c')
    >>> cycle([Hop(1, "a"), Hop(2, "b"), Hop(3, "b")])
    ()
    """
    met = [hop.address for hop in hops if hop.address]
    for at, address in enumerate(met):
        first = met.index(address)
        if any(between != address for between in met[first:at]):
            return tuple(dict.fromkeys(met[first:]))
    return ()
