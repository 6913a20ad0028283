"""Destinations that probably share their way and what guards it: networks, and domains of names. Pure."""

from __future__ import annotations

import ipaddress

from probes.ladder import is_address


def network_of(host: str) -> str:
    """The network that stands for a destination: /24, IPv6 /64; of a name what follows its first dot.

    >>> network_of("10.20.0.15"), network_of("db01.acme.example")
    ('10.20.0.0/24', 'acme.example')
    """
    if not is_address(host):
        return host.partition(".")[2] or host
    bare = host.partition("%")[0]
    prefix = 64 if ":" in bare else 24
    return str(ipaddress.ip_network(f"{bare}/{prefix}", strict=False))


def quick_network_of(address: str) -> str:
    """The same of an address, though not as a network is written: for what runs at every open port."""
    return network_of(address) if ":" in address else address.rpartition(".")[0]
