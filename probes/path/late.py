"""Why a handshake took so long: the way is long, or a SYN got lost.

The kernel repeats a SYN after 1.0 s (RFC 6298 2.1). From then on neither it nor we can tell which of the two
was answered: its round trip may be that of the first to an answer that only the second brought. So a
repeated SYN measures no long way, and further handshakes do. A short one it does measure: then the answer
echoes the second SYN's timestamp (RFC 7323 3), and came that soon after it. So are networks known that drop
every first SYN on purpose.
"""

from __future__ import annotations

from typing import NamedTuple

from probes.net.base import ConnectFailed, Connection, Network
from probes.words import duration_words

# Seconds: above this round trip the vendor's service is no longer promised to work as it should.
SLOW = 0.9
TRIES = 3
PATIENCE = 0.9  # so much longer than the handshake that was late


class Late(NamedTuple):
    """What a late handshake shows. `rtt` is the round trip in seconds, None where nothing tells it.

    `slow`: it is above the bound; `lost`: a SYN, or its answer, got lost. Neither: this host was late
    itself, or it can't be told.
    """

    rtt: float | None
    slow: bool = False
    lost: bool = False

    def words(self, took: float) -> str:
        """What to say of a connection that took so many seconds."""
        if self.slow and self.rtt is not None:
            took_it, bound = duration_words(self.rtt), duration_words(SLOW)
            return f"the round trip took {took_it}; the vendor's bound is {bound}"
        what = "lost" if self.lost else "not answered in time"
        return f"a SYN was {what}: connected by its repeat after {duration_words(took)}"


async def why_late(
    connection: Connection, took: float, address: str, port: int, network: Network
) -> Late | None:
    """Why connecting took so long; None where no SYN was repeated and the way is short."""
    rtt, repeated = connection.rtt(), connection.repeated()
    if repeated == 0 and rtt is not None:
        return Late(rtt, slow=True) if rtt > SLOW else None
    if repeated and rtt is not None and rtt < SLOW:
        return Late(rtt, lost=True)
    return weighed(await _again(took, address, port, network))


async def _again(took: float, address: str, port: int, network: Network) -> list[float | None]:
    """The times of a few more handshakes, up to the first that is fast; None for one without an answer."""
    times: list[float | None] = []
    try:
        while len(times) < TRIES and (not times or (times[-1] or SLOW) >= SLOW):
            reply = await network.knock(address, port, network.now() + took + PATIENCE)
            times.append(reply.rtt if reply.kind in ("connected", "refused") else None)
    except ConnectFailed:  # this host can send no more
        pass
    return times


def weighed(times: list[float | None]) -> Late:
    """What the times of further handshakes say of the late one: a single fast one shows a short way."""
    known = [time for time in times if time is not None]
    fastest = min(known, default=None)
    if fastest is not None and fastest < SLOW:
        return Late(fastest, lost=True)
    slow = len(known) == TRIES
    return Late(fastest if slow else None, slow)
