"""Whether this very host drops what comes in for it, told by the kernel's counts and without privilege.

The kernel counts the IP packets that it received and those that it handed on to TCP and its like (RFC 4293:
ipInReceives, ipInDelivers). Its own packet filter lies between, so an answer that the filter drops is missing
in the second count. What else is missing there is looked for in a moment in which nothing was asked.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from probes.net.base import Network

WAIT = 0.05  # seconds: short, so that what is dropped by chance seldom falls into it
TRIES = 6  # so many SYNs must each be answered by what is missing then
MOST_STRAYS = 3  # of as many moments without a question


class Counts(NamedTuple):
    """Packets received so far, and those of them that were handed on, forwarded or found faulty."""

    received: int
    accounted: int

    def missing(self, since: Counts) -> int:
        """How many packets of those that came since then nobody got."""
        return (self.received - since.received) - (self.accounted - since.accounted)


# By either family's names; fragments that were put together are one packet less, and are counted as such.
ACCOUNTED = (
    "InDelivers",
    "ForwDatagrams",
    "OutForwDatagrams",
    "InHdrErrors",
    "InAddrErrors",
    "InUnknownProtos",
    "InDiscards",
    "InNoRoutes",
    "InTruncatedPkts",
    "InTooBigErrors",
    "ReasmReqds",
)


def counts(ipv6: bool) -> Counts | None:
    """The kernel's counts for this network namespace; None where it has none."""
    try:
        found = _snmp6() if ipv6 else _snmp()
        accounted = sum(found.get(name, 0) for name in ACCOUNTED)
        return Counts(found["InReceives"], accounted - found.get("ReasmOKs", 0))
    except (OSError, KeyError, ValueError):
        return None


Read = Callable[[bool], Counts | None]


async def drops_answers(
    address: str, port: int, network: Network, wait: float = WAIT, read: Read = counts
) -> bool | None:
    """Whether something answers each SYN to this silent port, and this host drops the answer; None where too
    much is dropped unasked: a peer whose answer was dropped repeats it for half a minute.

    Takes up to `4 * TRIES * wait` seconds; an answer that takes longer than `wait` is missed. Raises
    ConnectFailed where this host can't send.
    """
    ipv6, strays = ":" in address, 0
    for _ in range(TRIES):
        before = read(ipv6)
        await network.pause(wait * random.uniform(1, 3))  # in step with no repeat of what was asked before
        between = read(ipv6)
        await network.knock(address, port, network.now() + wait)
        after = read(ipv6)
        if before is None or between is None or after is None or after.missing(between) < 1:
            return False
        strays += between.missing(before) > 0
    return True if strays <= MOST_STRAYS else None


def _snmp() -> dict[str, int]:
    with open("/proc/self/net/snmp", encoding="ascii") as file:
        names, values = (line.split()[1:] for line in file if line.startswith("Ip:"))
    return dict(zip(names, map(int, values), strict=True))


def _snmp6() -> dict[str, int]:
    with open("/proc/self/net/snmp6", encoding="ascii") as file:
        pairs = (line.split() for line in file)
        return {name.removeprefix("Ip6"): int(value) for name, value in pairs if name.startswith("Ip6")}
