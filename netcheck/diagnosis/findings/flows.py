"""The flows that a finding asks to open, exact and merged: one line an owner. Pure."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from netcheck.check import Contact
from netcheck.diagnosis.ascents import by_udp
from netcheck.diagnosis.findings.signs import host_of
from netcheck.record import CheckRecord
from probes.contract import Verdict

# What a firewall rule repairs. A refusal, a certificate or a login is not repaired by opening anything.
OPENED = frozenset(
    {
        "path.middlebox_answers",
        "tcp.filtered",
        "tcp.rejected",
        "tcp.reset_by_firewall",
        "udp.rejected",
        "vantage.blocked_locally",
    }
)
BLOCKED = frozenset({"policy.unexpectedly_open"})

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Service(NamedTuple):
    """A destination port of `tcp` or `udp`."""

    protocol: str
    port: int


def lines(checks: Iterable[CheckRecord], here: str) -> list[str]:
    """The flows, a line for each owner of targets; `here` is the source where none is known.

    A line reads `tcp/22, tcp/5432 from 10.9.0.7 to 10.20.0.11-14, 10.20.0.20 (Unix team)`.
    """
    wanted: dict[Contact | None, dict[tuple[str, str], set[Service]]] = {}
    for check in checks:
        if check.port is None:
            continue
        service = Service("udp" if by_udp(check.steps) else "tcp", check.port)
        of_owner = wanted.setdefault(check.owner, {})
        for address in _destinations(check):
            of_owner.setdefault((_source(check, address, here), address), set()).add(service)
    return [_line(owner, of_owner) for owner, of_owner in wanted.items()]


def _source(check: CheckRecord, address: str, here: str) -> str:
    """Our own address on that flow, where it is known: of a name's addresses only one flow's is."""
    known = check.source.address if check.source else None
    return known if known is not None and (":" in known) == (":" in address) else here


def _destinations(check: CheckRecord) -> list[str]:
    """Every address that fails as the check does, or is stopped; of a name with one address, that one."""
    if not check.addresses:
        return [host_of(check)]
    failing = [one for one in check.addresses if one.verdict is not Verdict.PASS]
    alike = [one.address for one in failing if one.cause == check.cause]
    others = [one.address for one in failing if one.cause in OPENED | BLOCKED]
    return alike or others or [host_of(check)]


def _line(owner: Contact | None, flows: dict[tuple[str, str], set[Service]]) -> str:
    """Destinations of the same services from the same source are said together."""
    merged: dict[tuple[str, tuple[Service, ...]], list[str]] = {}
    for (source, address), services in flows.items():
        merged.setdefault((source, tuple(sorted(services))), []).append(address)
    parts = [
        f"{_ports(services)} from {source} to {compressed(addresses)}"
        for (source, services), addresses in merged.items()
    ]
    return "; ".join(parts) + (f" ({owner.name})" if owner else "")


def _ports(services: Iterable[Service]) -> str:
    """`tcp/22, tcp/5432`; three ports in a row and more as `tcp/8000-8002`."""
    by_protocol: dict[str, list[int]] = {}
    for service in services:
        by_protocol.setdefault(service.protocol, []).append(service.port)
    return ", ".join(
        f"{protocol}/{low}"
        if low == high
        else f"{protocol}/{low}{'-' if high > low + 1 else f', {protocol}/'}{high}"
        for protocol, ports in by_protocol.items()
        for low, high in runs(ports)
    )


def compressed(hosts: Iterable[str]) -> str:
    """Addresses as prefixes and ranges, in their order; then names and addresses bound to an interface.

    >>> compressed(["10.20.0.20", "10.20.0.11", "10.20.0.12", "10.20.0.13", "db01"])
    '10.20.0.11-13, 10.20.0.20, db01'
    >>> compressed(f"10.20.0.{number}" for number in range(8, 16))
    '10.20.0.8/29'
    """
    addresses: dict[type[Address], set[int]] = {ipaddress.IPv4Address: set(), ipaddress.IPv6Address: set()}
    names: dict[str, None] = {}
    for host in hosts:
        v6 = ":" in host
        try:  # five times as quick as ipaddress, for fleets
            packed = socket.inet_pton(socket.AF_INET6 if v6 else socket.AF_INET, host)
        except OSError:
            names[host] = None
        else:
            kind = ipaddress.IPv6Address if v6 else ipaddress.IPv4Address
            addresses[kind].add(int.from_bytes(packed, "big"))
    spans = (_span(kind, *run) for kind, numbers in addresses.items() for run in runs(numbers))
    return ", ".join([*spans, *names])


def runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The first and the last of each stretch without a gap.

    >>> list(runs([5, 1, 2, 3]))
    [(1, 3), (5, 5)]
    """
    first = last = -2
    for number in sorted(numbers):
        if number == last + 1:
            last = number
            continue
        if first >= 0:
            yield first, last
        first = last = number
    if first >= 0:
        yield first, last


def _span(kind: type[Address], low: int, high: int) -> str:
    """`10.20.0.20`, `10.20.0.11-14`, `10.20.0.8/29`; ends in full where more than the last octet differs."""
    first, last = kind(low), kind(high)
    size = high - low + 1
    if size == 1:
        return str(first)
    if size >= 4 and size & (size - 1) == 0 and low % size == 0:
        return f"{first}/{first.max_prefixlen - size.bit_length() + 1}"
    network, _, end = str(last).rpartition(".")
    if network and network == str(first).rpartition(".")[0]:
        return f"{first}-{end}"
    return f"{first}, {last}" if size == 2 else f"{first}-{last}"
