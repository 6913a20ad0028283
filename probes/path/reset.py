"""Who sent an RST: the target, or something on the way in its name. Without privilege.

Two measures. Of the way there: an RST that comes at a TTL which does not reach the target was not the
target's, unless a load balancer that has the address passes on the open port only. Of the way back: the
distance from which it arrives (`probes.path.arrival`), beside that of another answer of the target's. What
sits at the target's own distance, a bridge or what copies TTLs, can't be told from the target.
"""

from __future__ import annotations

import asyncio
from typing import Literal, NamedTuple

from probes.contract import Confidence
from probes.net.base import Network, Reply
from probes.path.arrival import HEARD, STARTS, Arrival, Asker, Spent, compared, distance, of_rst
from probes.path.middlebox import draw
from probes.path.route import Route
from probes.path.trace import MOST_SYNS, WAIT, patience_for

# Source ports with which the reference is asked: of several ways, longer and shorter, one may reach it.
WAYS = 3
# What an RST means that ports nobody uses get too, and the port that is open does not.
SHARED = "a load balancer that has the address looks like a firewall that resets all but the open port"
UNMET = "nothing shows who refuses what nobody uses"
BEFORE = 2  # so many hops before the RST's place are compared with the reference's


class Reference(NamedTuple):
    """A flow that answers: of the target itself (`same`), or of a neighbour in its network."""

    address: str
    port: int
    same: bool
    words: str


class Sender(NamedTuple):
    """Who sent the RST. `by_target` None: it can't be told. `before`: the next hop towards the target.

    `syns` were sent to find out, the kernel's repeats not counted.
    """

    by_target: bool | None
    confidence: Confidence
    evidence: tuple[str, ...]
    before: str | None = None
    syns: int = 0


async def who_reset(
    address: str, port: int, route: Route, references: tuple[Reference, ...], network: Network
) -> Sender:
    """Who sent the RST that ended this route. `references` are flows that answered, the best first.

    With the route's own no more than `MOST_SYNS` are sent, and of an open reference's handshakes one is
    completed; a second one where it starts with another TTL than the RST's sender (`arrival.compared`).
    """
    if route.reach is None or route.end is None:
        return _unknown("no RST came to the trace")
    asker = Asker(network, MOST_SYNS - route.syns)
    try:
        found = await _Comparison(address, port, route, route.reach, asker).of_any(references)
    except Spent:
        found = _unknown("who sent the RST would take more SYNs than a trace may send")
    return found._replace(syns=asker.syns)


def _unknown(why: str) -> Sender:
    return Sender(None, Confidence.LIKELY, (why,))


class _Comparison:
    """One RST beside flows that answer."""

    def __init__(self, address: str, port: int, route: Route, reach: int, asker: Asker) -> None:
        self._address = address
        self._port = port
        self._route = route
        self._reach = reach
        self._asker = asker

    async def of_any(self, references: tuple[Reference, ...]) -> Sender:
        """What the first reference that answers tells."""
        for reference in references:
            found = await self._of(reference)
            if found is not None:
                return self._on_paths(found)
        return _unknown(
            "nothing else of the target answers, so whether it or a firewall sent the RST can't be told"
        )

    def _on_paths(self, found: Sender) -> Sender:
        """Of several paths the reference may have met the longer one each time: likely, and no more."""
        several = self._route.ecmp and found.by_target is False
        return found._replace(confidence=Confidence.LIKELY) if several else found

    async def _of(self, reference: Reference) -> Sender | None:
        """What the reference tells of the RST's sender; None where it does not answer."""
        reply = await self._at_reach(reference)
        if reply.kind == "expired" and reply.icmp is not None:
            return await self._short_of_it(reference, reply.icmp.sender)
        hidden = reply.kind == "silent"
        if hidden:  # at a hop that hides, if with more TTL it answers
            reply = await self._knock(reference, floor=STARTS[-1])
        if reply.kind not in (*HEARD, "answered"):
            return None
        own = await of_rst(self._address, self._port, self._reach, self._asker)
        if own is None:
            return None
        other = await compared(reference.address, reference.port, own, self._asker)
        found = await self._apart(own, other, reference)
        if hidden and found.by_target is False and await self._refuses_from(own):
            return _unknown(f"an RST for a port that nobody uses arrives with TTL {own} as well: {SHARED}")
        return found

    async def _at_reach(self, reference: Reference) -> Reply:
        """What the reference meets at the RST's TTL: over the shortest of its ways, where there are several.

        With a floor that nothing passes, so that an open port completes no handshake; the kernel drops ICMP
        errors beneath such a floor too, so where nothing answers it is asked once more without.
        """
        end = self._route.end
        wait = patience_for((end and end.rtt) or 0.0)
        for ways in (1, WAYS - 1):
            replies = await asyncio.gather(
                *(self._knock(reference, ttl=self._reach, floor=STARTS[-1], wait=wait) for _ in range(ways))
            )
            for reply in replies:
                if reply.kind in (*HEARD, "answered"):
                    return reply
        return await self._knock(reference, ttl=self._reach)

    async def _short_of_it(self, reference: Reference, hop: str) -> Sender:
        """The reference has got to this router only, with the TTL that the RST comes at."""
        if hop == self._address:
            return _unknown(f"the target's own address forwards {reference.words}: the RST may be its own")
        sentence = (
            f"the RST comes at TTL {self._reach}, where {reference.words} has only got to the router {hop}"
        )
        if not reference.same:
            return Sender(False, Confidence.LIKELY, (sentence,), hop)
        port = self._unused(reference)
        met = await self._meets(port, hop)
        if met == "refused":
            return _unknown(f"{sentence}; but so does that for tcp/{port}, which nobody uses: {SHARED}")
        if met != "beyond":
            return Sender(False, Confidence.LIKELY, (sentence, f"{UNMET}, such as tcp/{port}"), hop)
        sure = Confidence.CERTAIN if await self._same_way(reference) else Confidence.LIKELY
        return Sender(False, sure, (sentence,), hop)

    async def _meets(self, port: int, hop: str) -> Literal["refused", "beyond"] | None:
        """Where a port that nobody uses is refused: at the TTL of the RST in question as well, or beyond this
        hop, by whoever answers for the whole address; None: it can't be told.

        Who passes on single ports of an address that is his own refuses the rest himself.
        """
        try:
            here = await self._asker.knock(self._address, port, ttl=self._reach)
            if here.kind == "refused":
                return "refused"
            if here.kind != "expired" or here.icmp is None or here.icmp.sender != hop:
                return None
            further = await self._asker.knock(self._address, port)
        except Spent:
            return None
        return "beyond" if further.kind == "refused" else None

    async def _refuses_from(self, own: int) -> bool:
        """Whether a port that nobody uses is refused from the same distance as the RST in question."""
        port = self._unused()
        try:
            at = await self._asker.knock(self._address, port, floor=own)
            if at.kind != "refused" or own == STARTS[-1]:
                return at.kind == "refused"
            above = await self._asker.knock(self._address, port, floor=own + 1)
        except Spent:
            return False
        return above.kind == "answered"

    def _unused(self, reference: Reference | None = None) -> int:
        return draw({self._port, *([reference.port] if reference else ())})

    async def _same_way(self, reference: Reference) -> bool:
        """Whether the reference passes the hops before the RST's place too.

        By its port it may go another way, and by another source port yet another. Hops that hide don't speak
        against it.
        """
        ttls = range(max(1, self._reach - BEFORE), self._reach)
        known = {ttl: hop for ttl in ttls if (hop := self._route.at(ttl)) is not None}
        times = 2 if self._asker.left >= 2 * len(known) else 1
        asked = [ttl for ttl in known for _ in range(times)]
        replies = await asyncio.gather(*(self._knock(reference, ttl=ttl) for ttl in asked))
        met = {
            (ttl, one.icmp.sender if one.icmp else one.kind) for ttl, one in zip(asked, replies, strict=True)
        }
        return met - {(ttl, "silent") for ttl in known} == set(known.items())

    async def _apart(self, own: int, other: Arrival | None, reference: Reference) -> Sender:
        """What the two distances tell."""
        if other is None:
            return _unknown(
                f"the RST arrives with TTL {own} and {reference.words} neither from as far away nor from a"
                " little further: that tells nothing"
            )
        apart = distance(other.ttl) - distance(own)
        if apart == 0 and other.kind == "refused":
            return _unknown(
                f"{reference.words} gets an RST as well, from the same distance: of one sender, perhaps"
            )
        arrives = f"the RST arrives with TTL {own}"
        if apart == 0:
            certain = reference.same and await self._same_way(reference)
            sentence = f"{arrives}, from the same distance as {reference.words} (TTL {other.ttl})"
            return Sender(True, Confidence.CERTAIN if certain else Confidence.LIKELY, (sentence,))
        if not await self._again(own, other, reference):
            return _unknown("answers come back over ways of different length: their TTLs tell nothing")
        hops = "one hop" if apart == 1 else f"{apart} hops"
        sentence = (
            f"{arrives} and {reference.words} with {other.ttl}: its sender is {hops} nearer than the target"
        )
        return Sender(False, Confidence.LIKELY, (sentence,))

    async def _again(self, own: int, other: Arrival, reference: Reference) -> bool:
        """Whether other source ports meet the same distances. None of these completes a handshake."""
        at, above, further = await asyncio.gather(
            self._asker.knock(self._address, self._port, floor=own),
            self._asker.knock(self._address, self._port, floor=min(own + 1, STARTS[-1])),
            self._knock(reference, floor=other.ttl + 1),
        )
        dropped = above.kind == "answered" or own == STARTS[-1]
        return at.kind == "refused" and dropped and further.kind == "answered"

    async def _knock(
        self, reference: Reference, *, ttl: int | None = None, floor: int | None = None, wait: float = WAIT
    ) -> Reply:
        return await self._asker.knock(reference.address, reference.port, ttl=ttl, floor=floor, wait=wait)
