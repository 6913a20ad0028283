"""Addresses drawn by chance in a network: does the same port open at those as well, and nothing else?

A proxy for one port of a network completes handshakes there for whoever is asked, and never-used ports of
the target show nothing of it. Nor does one address that opens: it may be a host as well. What opens at each
of many, none of which shows that a host is there, opens for anybody.
"""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import random
from collections.abc import Collection

from netcheck.diagnosis.second_look import network_of
from probes.net.base import ConnectFailed, Network
from probes.path.middlebox import Asked, ask, draw

# With so many even a network nine tenths full of hosts behind a firewall that drops the rest of their ports
# is taken for proxied one time in five only, and one half full never.
STRANGERS = 16
LAST = 2**16  # of an IPv6 network only the first so many addresses are drawn
MOST = 256  # as many are looked at, for some that nobody is known to use: in a /24 all of them


async def one_opens(address: str, port: int, known: Collection[str], network: Network, wait: float) -> bool:
    """Whether this port of one stranger opens within `wait` seconds; no where none can be asked."""
    if not _may_be_asked(address):
        return False
    try:
        found = await _ask(strangers_of(address, 1, known), port, network, wait)
    except ConnectFailed:
        return False
    return any(asked.answers for asked in found)


async def all_open(
    address: str, port: int, known: Collection[str], network: Network, wait: float
) -> tuple[Asked, ...]:
    """The strangers asked, where this port opens at every one and none of them shows a host; else nothing.

    A host that is there refuses what it does not serve, unless a firewall drops that. Where another port
    opens as well, something answers for all of their ports, which the address itself shows if it is so there.
    """
    drawn = strangers_of(address, STRANGERS, known)
    if len(drawn) < STRANGERS:  # so many are known that the rest proves little
        return ()
    try:
        found = await _ask(drawn, port, network, wait)
        if not all(asked.answers for asked in found):
            return ()
        elsewhere = await _ask(drawn, draw({port}), network, wait)
    except ConnectFailed:  # this host can't send any more: nothing was learned
        return ()
    return () if any(asked.is_refused or asked.answers for asked in elsewhere) else found


def stranger_of(address: str, known: Collection[str] = ()) -> str:
    """An address of the same network (IPv4 /24, IPv6 /64) drawn by chance, neither first nor last.

    None that is known, where there is another.
    """
    drawn = strangers_of(address, 1, known) or strangers_of(address, 1)
    return drawn[0]


def strangers_of(address: str, count: int, known: Collection[str] = ()) -> tuple[str, ...]:
    """Up to so many such addresses."""
    network = ipaddress.ip_network(network_of(address))
    among = range(2, min(network.num_addresses, LAST) - 2)
    numbers = random.sample(among, min(len(among), MOST))
    others = (str(network[number]) for number in numbers)
    return tuple(itertools.islice((one for one in others if one != address and one not in known), count))


def _may_be_asked(address: str) -> bool:
    """Strangers in the Internet are somebody else's, and there whole networks of front ends serve a port;
    on loopback and on a link nothing stands between."""
    found = ipaddress.ip_address(address.partition("%")[0])
    beside_us = found.is_loopback or (found.version == 6 and found.is_link_local)
    return not (found.is_global or beside_us)


async def _ask(addresses: Collection[str], port: int, network: Network, wait: float) -> tuple[Asked, ...]:
    return tuple(await asyncio.gather(*(ask(address, port, network, wait) for address in addresses)))
