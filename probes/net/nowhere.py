"""Addresses that are no other host's, whatever a name server says."""

from __future__ import annotations

import ipaddress

BROADCAST = ipaddress.IPv4Address("255.255.255.255")
RESERVED = ipaddress.ip_network("240.0.0.0/4")  # RFC 1112 4; the limited broadcast address is the last of it


def is_unspecified(address: str) -> bool:
    """Whether it is no address at all: a connection to it ends at this very host (RFC 1122 3.2.1.3).

    >>> is_unspecified("0.0.0.0"), is_unspecified("::ffff:0.0.0.0"), is_unspecified("127.0.0.1")
    (True, True, False)
    """
    return _parsed(address).is_unspecified


def is_nobodys(address: str) -> bool:
    """Whether no single host can have it, not even this one: of none, of many, or of all.

    >>> [is_nobodys(one) for one in ("0.0.0.0", "224.0.0.1", "255.255.255.255", "ff02::1", "127.0.0.1")]
    [True, True, True, True, False]
    """
    found = _parsed(address)
    return found.is_unspecified or found.is_multicast or found == BROADCAST


def is_unusual(address: str) -> bool:
    """Whether some networks use it for services all the same: link-local (AWS VPC Lattice), 240/4 (meshes).

    >>> [is_unusual(one) for one in ("169.254.171.32", "240.240.0.5", "255.255.255.255", "127.0.0.1")]
    [True, True, False, False]
    """
    found = _parsed(address)
    return found.is_link_local or (found in RESERVED and found != BROADCAST)


def is_nowhere(address: str) -> bool:
    """Whether it leads to no host but this one: of no host, of this one, of its link, or of many.

    >>> [is_nowhere(one) for one in ("127.0.0.1", "224.0.0.1", "255.255.255.255", "169.254.1.1", "fe80::1")]
    [True, True, True, True, True]
    >>> [is_nowhere(one) for one in ("10.0.0.1", "64:ff9b::a00:1", "fd00::1", "203.0.113.1")]
    [False, False, False, False]
    """
    found = _parsed(address)
    special = found.is_unspecified or found.is_loopback or found.is_multicast or found.is_link_local
    return special or found in RESERVED


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    found = ipaddress.ip_address(address.partition("%")[0])
    return getattr(found, "ipv4_mapped", None) or found
