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

from netcheck.diagnosis.networks import network_of
from probes.net.base import ConnectFailed, Network
from probes.path.middlebox import Asked, ask, draw

# So many that open, and show no host, prove enough: a network nine tenths full of hosts behind a firewall
# that drops the rest of their ports is taken for proxied one time in five only, and one half full never.
STRANGERS = 16
# Those that show a host are replaced, up to so many asked: of a /24 with 32 free addresses, LEAST are met
# nineteen times in twenty. So few prove it too; one half full that way is taken for proxied once in 256.
MOST_ASKED = 96
LEAST = 8
LAST = 2**16  # of an IPv6 network only the first so many addresses are drawn
MOST = 256  # as many are looked at, for some that nobody is known to use: in a /24 all of them


async def one_opens(address: str, port: int, known: Collection[str], network: Network, wait: float) -> bool:
    """Whether this port of one stranger opens within `wait` seconds; no where none can be asked."""
    if not _may_be_asked(address):
        return False
    try:
        found = await _ask((stranger_of(address, known),), port, network, wait)
    except ConnectFailed:
        return False
    return any(asked.answers for asked in found)


async def all_open(
    address: str, port: int, known: Collection[str], network: Network, wait: float
) -> tuple[Asked, ...]:
    """The strangers that show no host, where this port opens at every one that was asked; else nothing.

    A host that is there refuses what it does not serve, unless a firewall drops that; or another port of it
    opens too. It is no judge, and another stranger is asked. Where fewer than `LEAST` show none, nothing is
    said; nor where a single one does not open. Addresses that are `known` are asked last: a network that is
    in the plan as a whole has no others. One whose every address is a host that serves the port, behind a
    firewall that drops the rest, is taken for proxied.
    """
    if not _may_be_asked(address):
        return ()
    left = [*strangers_of(address, MOST, known), *_known_of(address, known)][:MOST_ASKED]
    judges: list[Asked] = []
    try:
        while left and len(judges) < STRANGERS:
            count = STRANGERS - len(judges)
            batch, left = left[:count], left[count:]
            found = await _ask(batch, port, network, wait)
            if not all(asked.answers for asked in found):
                return ()
            elsewhere = await _ask(batch, draw({port}), network, wait)
            judges += [one for one, other in zip(found, elsewhere, strict=True) if not _is_host(other)]
    except ConnectFailed:  # this host can't send any more: nothing was learned
        return ()
    return tuple(judges) if len(judges) >= LEAST else ()


def _is_host(unused: Asked) -> bool:
    """Whether a port that nobody uses shows that somebody is at this address, or speaks in its name."""
    return unused.is_refused or unused.answers


def _known_of(address: str, known: Collection[str]) -> list[str]:
    """The known addresses of this network but for itself, by chance."""
    network = network_of(address)
    found = [one for one in known if one != address and network_of(one) == network]
    random.shuffle(found)
    return found


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
