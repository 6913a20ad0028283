"""Who follows the last hop that answered, as another flow shows it that goes the same way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from probes.net.base import Network, Reply
from probes.path.arrival import Asker, Spent, sent_beyond
from probes.path.reset import Reference
from probes.path.route import Hop, Route
from probes.path.trace import MOST_SYNS, patience_for

# Each question has a source port of its own, and so, of several paths, perhaps another path. A next hop
# counts if so many more ports meet the same: of two paths both show themselves in three of four cases.
MORE = 2

Heard = Callable[[str, str], None]  # of a hop and of who was met behind it


async def next_hop(
    address: str, route: Route, references: Iterable[Reference], network: Network, heard: Heard
) -> str | None:
    """The next hop of a route that ends in silence, if it is the same from every source port.

    `references` are flows that get further; `heard` is told of each who is met behind the last hop.
    """
    if route.last is None or route.ecmp:
        return None
    asker = Asker(network, MOST_SYNS - route.syns)
    try:
        for reference in references:
            if found := await _shown(reference, address, route.last, asker, heard):
                return found
    except Spent:
        pass
    return None


async def _shown(reference: Reference, address: str, last: Hop, asker: Asker, heard: Heard) -> str | None:
    """Who follows on this flow, where it passes the last hop too."""
    here, beyond = await asyncio.gather(*(_ask(reference, last, step, asker) for step in (0, 1)))
    if last.address is None or _met(here) != ("expired", last.address) or beyond.kind == "silent":
        return None
    more = min(MORE, asker.left)
    others = await asyncio.gather(*(_ask(reference, last, 1, asker) for _ in range(more)))
    for one in (beyond, *others):
        if one.kind == "expired" and one.icmp is not None:
            heard(last.address, one.icmp.sender)
    # Who is short of answers does not speak against it, if another port met the same.
    if {_met(one) for one in others if one.kind != "silent"} != {_met(beyond)}:
        return None
    if beyond.kind == "expired" and beyond.icmp is not None:
        return beyond.icmp.sender
    return address if reference.same and await _is_target(beyond, reference, last, asker.network) else None


async def _ask(reference: Reference, last: Hop, step: int, asker: Asker) -> Reply:
    wait = patience_for(last.rtt or 0.0)
    return await asker.knock(reference.address, reference.port, ttl=last.ttl + step, wait=wait)


def _met(reply: Reply) -> tuple[str, str | None]:
    return reply.kind, reply.icmp.sender if reply.icmp else None


async def _is_target(beyond: Reply, reference: Reference, last: Hop, network: Network) -> bool:
    """Whether this answer, right behind the last hop, is the target's: that hop may send RSTs as well."""
    if beyond.kind != "refused":
        return beyond.kind == "connected"
    return await sent_beyond(reference.address, reference.port, last, network) is True
