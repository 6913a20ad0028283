"""Whether something else completes handshakes in the target's name: do ports answer that nobody uses?

A SYN proxy, a NAT rule for all ports or a proxying firewall opens any port of any host behind it. A host
has a service on a port or it has not, and no service is expected on two ports drawn by chance.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from typing import Literal, NamedTuple

from probes.net.base import ConnectFailed, Network, NetworkFailure, Reply, TimedOut

# High, and below the dynamic ports of RFC 6335 6 (from 49152), where Windows has services of its own.
PORTS = range(35000, 49000)
WAIT = 1.2  # as in a trace
HOLD = 1.0  # seconds that a proxy has to hear from the target


class Asked(NamedTuple):
    """A port that nobody is known to use, and what came back from it."""

    address: str
    port: int
    reply: Reply

    @property
    def answers(self) -> bool:
        return self.reply.kind == "connected"

    @property
    def is_refused(self) -> bool:
        """Whether the address itself says that nothing listens: somebody is there, or speaks in its name."""
        icmp = self.reply.icmp
        return self.reply.kind == "refused" or (icmp is not None and icmp.sender == self.address)


async def ask(address: str, port: int, network: Network, wait: float) -> Asked:
    """One port of one address. Raises ConnectFailed where this host can't send."""
    return Asked(address, port, await network.knock(address, port, network.now() + wait))


async def ask_unused(
    address: str, used: Collection[int], network: Network, *, count: int = 2, wait: float = WAIT
) -> tuple[Asked, ...]:
    """Ports of this address drawn by chance, one after the other as long as they answer.

    Raises ConnectFailed where this host can't send.
    """
    asked: list[Asked] = []
    while len(asked) < count and all(each.answers for each in asked):
        port = draw({*used, *(each.port for each in asked)})
        asked.append(await ask(address, port, network, wait))
    return tuple(asked)


async def keeps(address: str, port: int, network: Network) -> bool | None:
    """Whether a connection to this port stays open, or speaks; None where it can't be made.

    A proxy completes the handshake first and asks the target then: it ends what the target refuses.
    """
    heard = await _listened(address, port, network)
    return None if heard is None else heard != "ended"


async def speaks(address: str, port: int, network: Network) -> bool:
    """Whether this port says something by itself: a service is there, or is let through to."""
    return await _listened(address, port, network) == "spoke"


async def _listened(address: str, port: int, network: Network) -> Literal["spoke", "stayed", "ended"] | None:
    """How a connection fared to which nothing was sent: `spoke`, `stayed`, `ended`; None: it was not made."""
    try:
        connection = await network.connect(address, port, network.now() + WAIT)
    except (ConnectFailed, TimedOut):
        return None
    try:
        await connection.receive(network.now() + HOLD)
    except TimedOut:
        return "stayed"
    except NetworkFailure:
        return "ended"
    finally:
        connection.close()
    return "spoke"


def draw(used: Collection[int]) -> int:
    """A port that is not among those used."""
    while (port := random.choice(PORTS)) in used:
        pass
    return port
