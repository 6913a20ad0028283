"""From how far away an answer comes, without privilege and with at most one completed handshake.

The kernel can be told to drop what arrives with a TTL below a floor (RFC 5082), and counts what it dropped. A
segment below the floor costs no handshake, and neither does an RST: so a SYN-ACK's TTL is sought from above,
and the first floor that it passes is the answer. Senders start at 64, 128 or 255, so distances are compared
and never the raw numbers.
"""

from __future__ import annotations

from typing import NamedTuple

from probes.net.base import Network, Reply
from probes.path.route import Hop
from probes.path.trace import WAIT

STARTS = (64, 128, 255)
FURTHER = 4  # routers by which the sought may be further away than what it is compared with
HEARD = ("connected", "refused")


class Spent(Exception):
    """The SYNs that were allowed are sent."""


class Asker:
    """Sends SYNs, and no more than so many."""

    def __init__(self, network: Network, most: int) -> None:
        self.network = network
        self.syns = 0
        self._most = most

    @property
    def left(self) -> int:
        """How many it may still send."""
        return self._most - self.syns

    async def knock(
        self, address: str, port: int, *, ttl: int | None = None, floor: int | None = None, wait: float = WAIT
    ) -> Reply:
        """One SYN and its reply. Raises Spent, and what the network's verb raises."""
        if self.syns >= self._most:
            raise Spent
        self.syns += 1
        return await self.network.knock(address, port, self.network.now() + wait, ttl=ttl, floor=floor)


class Arrival(NamedTuple):
    """The TTL with which an answer arrives, and what it is, `connected` or `refused`."""

    ttl: int
    kind: str


def distance(ttl: int) -> int:
    """How many routers a segment that arrives with this TTL has passed.

    >>> distance(61), distance(125), distance(255)
    (3, 3, 0)
    """
    return _start(ttl) - ttl


async def of_rst(address: str, port: int, reach: int, asker: Asker) -> int | None:
    """The TTL with which this flow's RST arrives; None where no RST comes.

    Tried first: what a way back of the same length as the way there would leave, and its neighbourhood.
    """
    low, high = 1, STARTS[-1]
    same = [start - reach + 1 for start in STARTS]
    guesses = [at + more for more in (1, 0) for at in same] + [at + more for at in same for more in (-1, 2)]
    while low < high:
        floor = next((guess for guess in guesses if low < guess <= high), (low + high + 1) // 2)
        kind = (await asker.knock(address, port, floor=floor)).kind
        if kind not in ("refused", "answered"):
            return None
        low, high = (floor, high) if kind == "refused" else (low, floor - 1)
    return low


async def compared(address: str, port: int, own: int, asker: Asker) -> Arrival | None:
    """The TTL with which this flow's answer arrives, where that is about as far away as `own`; else None.

    One handshake is completed. A second one only where the answer's sender starts with another TTL than that
    of `own`, at 128 for the most part.
    """
    start = _start(own)
    found = await _near(address, port, start, own, asker)
    if isinstance(found, Arrival) or found is None:
        return found
    if found == "above":
        families = [other for other in reversed(STARTS) if other > start]
    else:
        families = [other for other in reversed(STARTS) if other < start]
        if len(families) > 1:
            kind = (await asker.knock(address, port, floor=families[-1] + 1)).kind
            families = families[-1:] if kind == "answered" else families[:-1]
    for other in families:
        found = await _near(address, port, other, other - distance(own), asker)
        if found != "below":
            return found if isinstance(found, Arrival) else None
    return None


async def _near(address: str, port: int, start: int, same: int, asker: Asker) -> Arrival | str | None:
    """The arrival if it is `same` or a little lower; `above` or `below` that; None where nothing answers."""
    for floor in range(same + 1, max(same - FURTHER, 1) - 1, -1):
        if floor > STARTS[-1]:
            continue  # nothing can arrive with more
        kind = (await asker.knock(address, port, floor=floor)).kind
        if kind in HEARD:
            return Arrival(floor, kind) if floor <= same else "above"
        if kind != "answered":
            return None
    return "below"


async def sent_beyond(address: str, port: int, hop: Hop, network: Network) -> bool | None:
    """Whether what answers this flow is sent from further away than this hop; None where it can't be told.

    So an RST at the TTL after the hop's is told to be its own, for a firewall sends one where it forwards,
    or that of something behind. Only of a hop whose ICMP errors come back over as many routers as lead to it.
    """
    if hop.back is None or distance(hop.back) != hop.ttl - 1:
        return None
    return await is_beyond(address, port, hop.ttl - 1, network)


async def is_beyond(address: str, port: int, routers: int, network: Network) -> bool | None:
    """Whether who answers for this flow is further away than so many routers; None where it can't be told.

    For a port that refuses, as RSTs are free; an open one gets one handshake for each floor that is passed.
    At most four SYNs. A sender that starts at 255 is told only from those that start lower.
    """
    asker = Asker(network, 4)
    for start in STARTS[:-1]:
        kind = (await asker.knock(address, port, floor=start - routers)).kind
        if kind not in HEARD:
            return True if kind == "answered" else None
        kind = (await asker.knock(address, port, floor=start + 1)).kind
        if kind not in HEARD:
            return False if kind == "answered" else None
    return None


def _start(ttl: int) -> int:
    return next(start for start in STARTS if start >= ttl)
