"""Why a handshake took so long: the way is long, or a SYN got lost.

The kernel repeats a SYN after 1.0 s (RFC 6298 2.1). From then on neither it nor we can tell which of the two
was answered: its round trip may be that of the first to an answer that only the second brought. So a
repeated SYN measures no long way, and further handshakes do. A short one it does measure: then the answer
echoes the second SYN's timestamp (RFC 7323 3), and came that soon after it. So are networks known that drop
every first SYN on purpose. Where every first SYN-ACK is lost, each handshake takes a second, for the repeated
SYN-ACK echoes the first SYN; only bytes on the connection show how long the way is then.
"""

from __future__ import annotations

from typing import NamedTuple

from probes.net.base import ConnectFailed, Connection, Network
from probes.words import duration_words

# Seconds: above this round trip the vendor's service is no longer promised to work as it should.
SLOW = 0.9
TRIES = 3
PATIENCE = 0.9  # so much longer than the handshake that was late
# Seconds after which a SYN or SYN-ACK is repeated, and how much later an answer may be to the repeat.
REPEATS = (1.0, 3.0)
BEYOND = 0.1


class Late(NamedTuple):
    """What a late handshake shows. `rtt` is the round trip in seconds, None where nothing tells it.

    `slow`: it is above the bound; `lost`: a SYN, or its answer, got lost. Neither: it can't be told, or only
    the first round trip was long.
    """

    rtt: float | None
    slow: bool = False
    lost: bool = False

    def words(self, took: float) -> str:
        """What to say of a connection that took so many seconds."""
        if self.slow and self.rtt is not None:
            took_it, bound = duration_words(self.rtt), duration_words(SLOW)
            return f"the round trip took {took_it}; the vendor's bound is {bound}"
        if self.rtt is not None and not self.lost:
            return f"connecting took {duration_words(took)}, a later round trip {duration_words(self.rtt)}"
        what = "a SYN or its answer was lost" if self.lost else "a SYN was not answered in time"
        return f"{what}: connected by a repeat after {duration_words(took)}"

    def beside(self, least: float | None, took: float) -> Late:
        """The same in the light of the least round trip of the bytes that followed; None: there were none."""
        if least is None or self.lost:
            return self
        return Late(least, slow=True) if least > SLOW else Late(least, lost=is_repeat(took))


async def why_late(
    connection: Connection, took: float, address: str, port: int, network: Network
) -> Late | None:
    """Why connecting took so long; None where no SYN was repeated and the way is short."""
    rtt, repeated = connection.rtt(), connection.repeated()
    if repeated == 0 and rtt is not None and not is_repeat(rtt):
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
    slow = len(known) == TRIES and not all(map(is_repeat, known))
    return Late(fastest if slow else None, slow)


def is_repeat(seconds: float) -> bool:
    """Whether an answer after so long may be that to a repeat, though the way be short."""
    return any(after <= seconds < after + BEYOND for after in REPEATS)
