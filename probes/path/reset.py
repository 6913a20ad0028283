"""Who sent an RST: the target, or something on the way in its name. Without privilege.

Two measures. Of the way there: an RST that comes at a TTL which does not reach the target was not the
target's. Of the way back: the kernel can be told to drop what arrives with a TTL below a floor (RFC 5082),
so two floors tell the TTL of the RST, and the same two whether the target's SYN-ACK has it too. Senders start
at 64, 128 or 255, so distances are compared and never the raw numbers.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from probes.contract import Confidence
from probes.net.base import Network, Reply
from probes.path.route import Route

STARTS = (64, 128, 255)
WAIT = 1.2  # as in a trace: the kernel's repeat of the SYN may be what is answered
# Source ports with which the reference is asked: of several ways, longer and shorter, one may reach it.
WAYS = 3


class Reference(NamedTuple):
    """A flow that answers: of the target itself (`same`), or of a neighbour in its network."""

    address: str
    port: int
    same: bool
    words: str


class Sender(NamedTuple):
    """Who sent the RST. `by_target` None: it can't be told. `before`: the next hop towards the target."""

    by_target: bool | None
    confidence: Confidence
    evidence: tuple[str, ...]
    before: str | None = None


def distance(ttl: int) -> int:
    """How many routers a segment that arrives with this TTL has passed.

    >>> distance(61), distance(125), distance(255)
    (3, 3, 0)
    """
    return next(start for start in STARTS if start >= ttl) - ttl


async def who_reset(
    address: str, port: int, route: Route, references: tuple[Reference, ...], network: Network
) -> Sender:
    """Who sent the RST that ended this route. `references` are flows that answered, the best first."""
    reach = route.reach
    if reach is None:
        return _unknown("no RST came to the trace")
    for reference in references:
        found = await _compared(address, port, route, reach, reference, network)
        if found is not None:
            return _on_paths(found, route)
    return _unknown(
        "nothing else of the target answers, so whether it or a firewall sent the RST can't be told"
    )


def _on_paths(found: Sender, route: Route) -> Sender:
    """Of several paths the reference may have met the longer one each time: likely, and no more."""
    return found._replace(confidence=Confidence.LIKELY) if route.ecmp and found.by_target is False else found


def _unknown(why: str) -> Sender:
    return Sender(None, Confidence.LIKELY, (why,))


async def _compared(
    address: str, port: int, route: Route, reach: int, reference: Reference, network: Network
) -> Sender | None:
    """What the reference tells of the RST's sender; None where it does not answer."""
    before = route.at(reach - 1)
    reply = await _at(reference, reach, network)
    if reply.kind == "expired" and reply.icmp is not None:
        hop = reply.icmp.sender
        if hop == address:
            return _unknown(f"the target's own address forwards {reference.words}: the RST may be its own")
        sentence = f"the RST comes at TTL {reach}, where {reference.words} has only got to the router {hop}"
        sure = Confidence.LIKELY
        if reference.same and await _same_way(reference, reach - 1, before, network):
            sure = Confidence.CERTAIN
        return Sender(False, sure, (sentence,), hop)
    if reply.kind == "silent":  # at a hop that hides, if with more TTL it answers
        reply = await network.knock(reference.address, reference.port, network.now() + WAIT)
        if reply.kind not in ("connected", "refused"):
            return None
    elif reply.kind not in ("connected", "refused"):
        return None
    elif reply.kind == "connected" and reach == 1 and reference.same:
        sentence = (
            f"the RST comes at TTL 1, which {reference.words} is reached with too: no router is between"
        )
        return Sender(True, Confidence.CERTAIN, (sentence,))
    found = await _arrivals(address, port, reach, reference, network)
    if found is None:
        return None
    if reply.kind == "refused" and distance(found[1]) <= distance(found[0]):
        return _unknown(
            f"{reference.words} gets an RST as well, from no further away: of one sender, perhaps"
        )
    if distance(found[0]) != distance(found[1]):
        again = await _arrivals(address, port, reach, reference, network)
        if again != found:
            return _unknown("answers come back over ways of different length: their TTLs tell nothing")
    return _judged(*found, reference)


async def _same_way(reference: Reference, ttl: int, hop: str | None, network: Network) -> bool:
    """Whether the reference passes this hop too: by its port it may go another way. Before the first hop, and
    behind one that hides, nothing speaks against it."""
    if ttl < 1 or hop is None:
        return True
    reply = await network.knock(reference.address, reference.port, network.now() + WAIT, ttl=ttl)
    return reply.icmp is not None and reply.icmp.sender == hop


async def _at(reference: Reference, ttl: int, network: Network) -> Reply:
    """What the reference meets at this TTL: over the shortest of its ways, where there are several."""
    for _ in range(WAYS):
        reply = await network.knock(reference.address, reference.port, network.now() + WAIT, ttl=ttl)
        if reply.kind != "expired":
            break
    return reply


async def _arrivals(
    address: str, port: int, reach: int, reference: Reference, network: Network
) -> tuple[int, int] | None:
    """The TTLs with which the RST and the reference's answer arrive."""
    own = await arrival(address, port, reach, network)
    if own is None:
        return None
    other = await arrival(reference.address, reference.port, reach, network, first=own)
    return None if other is None else (own, other)


def _judged(own: int, other: int, reference: Reference) -> Sender:
    apart = distance(other) - distance(own)
    arrives = f"the RST arrives with TTL {own} and {reference.words} with {other}"
    if apart == 0:
        sure = Confidence.CERTAIN if reference.same else Confidence.LIKELY
        return Sender(True, sure, (f"{arrives}: the same distance",))
    if apart < 0:
        sentence = f"{arrives}: from further away, which tells nothing of a firewall before the target"
        return Sender(None, Confidence.LIKELY, (sentence,))
    hops = "one hop" if apart == 1 else f"{apart} hops"
    nearer = f"{arrives}: its sender is {hops} nearer than the target"
    return Sender(False, Confidence.LIKELY, (nearer,))


async def arrival(
    address: str, port: int, reach: int, network: Network, first: int | None = None
) -> int | None:
    """The TTL with which the answer of this flow arrives; None where it can't be told.

    Tried first: `first`, then what a way back of the same length as the way there would leave.
    """
    likely = [start - reach + 1 for start in STARTS]
    for guess in dict.fromkeys([*([first] if first is not None else []), *likely]):
        heard, above = await asyncio.gather(
            _heard(address, port, guess, network), _heard(address, port, guess + 1, network)
        )
        if heard is None or above is None:
            return None
        if heard and not above:
            return guess
    low, high = 1, 255  # heard at `low`; the answer lies between
    while low < high:
        middle = (low + high + 1) // 2
        heard = await _heard(address, port, middle, network)
        if heard is None:
            return None
        low, high = (middle, high) if heard else (low, middle - 1)
    return low


async def _heard(address: str, port: int, floor: int, network: Network) -> bool | None:
    """Whether the answer passes this floor; None where there is no answer."""
    if floor > STARTS[-1]:
        return False
    reply = await network.knock(address, port, network.now() + WAIT, floor=floor)
    if reply.kind == "answered":
        return False
    return True if reply.kind in ("connected", "refused") else None
