"""Single handshakes one after the other: how many are answered, and after what time.

A connection hides what gets lost, for the kernel repeats it; a single SYN does not, as long as nobody waits
for its repeat, which follows after 1.0 s (RFC 6298 2.1).
"""

from __future__ import annotations

import statistics
from typing import NamedTuple

from probes.net.base import ConnectFailed, Network, Reply

REPEAT = 0.95  # seconds; what comes later may answer the SYN's repeat
FAR = 0.6  # a round trip from which on that is too short to wait
FAR_WAIT = 0.9  # then so much longer than the round trip
# Between two handshakes: a dozen at once would fill a listener's queue, and look like a scan.
PAUSE = 0.2


class Samples(NamedTuple):
    """So many single handshakes with one address. Seconds.

    `answered` came back within `within`, `refused` of them as an RST; `rejected` were answered by an ICMP
    error, which is none of the target's answers. `rtts` are those of the answered, in order of length.
    """

    address: str
    sent: int
    answered: int
    refused: int
    rejected: int
    within: float
    rtts: tuple[float, ...]

    @property
    def completed(self) -> int:
        """How many got a SYN-ACK."""
        return self.answered - self.refused

    @property
    def lost(self) -> int:
        """How many got no answer of the target."""
        return self.sent - self.answered

    @property
    def median(self) -> float | None:
        """The round trip in the middle; None where nothing was answered."""
        return statistics.median(self.rtts) if self.rtts else None


async def sample(
    address: str, port: int, count: int, network: Network, round_trip: float = 0.0
) -> Samples | None:
    """So many handshakes with this port, one at a time. None where this host could send none.

    `round_trip`, in seconds, is what is known of the way: a far target is given more time.
    """
    replies: list[Reply] = []
    try:
        for _ in range(2 * count):
            within = _patience(round_trip)
            reply = await _handshake(address, port, within, network)
            if not _late(reply, within):
                replies.append(reply)
                round_trip = min(round_trip, reply.rtt or round_trip)  # at first it may be a guess
            if len(replies) == count:
                break
            await network.pause(PAUSE)
    except ConnectFailed:  # this host's own limits or rules
        pass
    return summed_up(address, replies, _patience(round_trip)) if replies else None


def _patience(round_trip: float) -> float:
    """How long a handshake is waited for where the way takes so many seconds."""
    return REPEAT if round_trip < FAR else round_trip + FAR_WAIT


async def _handshake(address: str, port: int, within: float, network: Network) -> Reply:
    async with network.admit(address, port):
        return await network.knock(address, port, network.now() + within)


def _late(reply: Reply, within: float) -> bool:
    """Whether this process was too busy to look in time: the answer may be the repeat's. Take it again."""
    return reply.rtt is not None and reply.rtt > within


def summed_up(address: str, replies: list[Reply], within: float) -> Samples:
    """What the replies show. An answer a second later than the fastest is that to a repeated SYN."""
    heard = [(reply.rtt or 0.0, reply.kind) for reply in replies if reply.kind in ("connected", "refused")]
    fastest = min(heard, default=(0.0, ""))[0]
    own = [(rtt, kind) for rtt, kind in heard if rtt < min(fastest + REPEAT, within)]
    return Samples(
        address=address,
        sent=len(replies),
        answered=len(own),
        refused=sum(kind == "refused" for _, kind in own),
        rejected=sum(reply.kind == "rejected" for reply in replies),
        within=within,
        rtts=tuple(sorted(rtt for rtt, _ in own)),
    )
