"""What this host hears of a path without privilege, and which ways lead out of it."""

from __future__ import annotations

import socket
from pathlib import Path

from netcheck.doctor.ability import Ability, State
from probes.net import dnswire
from probes.path import selftest

LINUX = "run netcheck on Linux: a container or a small virtual machine in the same network will do"
ICMP_RULE = "let ICMP errors into this host (its own firewall), and keep loopback up"
# Networks for documentation (RFC 5737, RFC 3849, RFC 9637): who has a way to all of them has a default
# route. Nothing is sent, for a UDP connect only asks the routing table.
ANYWHERE = {4: ("192.0.2.1", "198.51.100.1", "203.0.113.1"), 6: ("2001:db8::1", "3fff::1")}
ROUTES = {4: Path("/proc/net/route"), 6: Path("/proc/net/ipv6_route")}


def icmp(version: int) -> Ability:
    """Whether ICMP errors are heard; tried with a datagram to a closed port on loopback."""
    name = f"ICMP errors, IPv{version}"
    if why := selftest.no_error_queue(version):
        return Ability(
            name,
            State.NO,
            why,
            "a firewall's rejection can't be told from the target's own refusal, nor its sender named",
            _remedy(ICMP_RULE),
        )
    return Ability(
        name,
        State.YES,
        "a closed port on loopback was heard of in the error queue, without privilege",
        "a firewall's rejection is told from the target's refusal, and its sender is named",
    )


def trace() -> Ability:
    """Whether the way can be followed hop by hop."""
    if why := selftest.trace_possible():
        means = "no way is traced: a failure keeps its cause, without the place where the flow ends"
        return Ability("trace", State.NO, why, means, _remedy(ICMP_RULE))
    return Ability(
        "trace",
        State.YES,
        "a connection's TTL can be set, and ICMP errors are heard",
        "a failing flow is followed on its own port: where it ends is named by the hops that answer",
    )


def resets() -> Ability:
    """Whether the sender of an RST can be told by its distance."""
    if why := selftest.no_floor(4):
        means = "an RST by a firewall looks like a refusal by the target"
        return Ability("who sent an RST", State.NO, why, means, _remedy("use a current kernel"))
    return Ability(
        "who sent an RST",
        State.YES,
        "answers can be heard by their distance (IP_MINTTL)",
        "an RST that comes from nearer than the target is a firewall's",
    )


def counts() -> Ability:
    """Whether the kernel tells how many packets it sent."""
    if why := selftest.no_counts():
        means = "silence in the network can't be told from a rule of this host that drops its own packets"
        return Ability("packet counts", State.NO, why, means, _remedy("use a current kernel"))
    return Ability(
        "packet counts",
        State.YES,
        "the kernel counts SYNs and repeats (TCP_INFO)",
        "`no answer to 3 SYNs` is a count, and a rule of this host that drops them is found out",
    )


def _remedy(on_linux: str) -> str:
    return on_linux if selftest.is_linux() else LINUX


def ways_out() -> tuple[Ability, Ability]:
    """IPv4 and IPv6; without either, no target beyond this host can be checked."""
    found = way_out(4), way_out(6)
    lost = all(ability.state is State.NO for ability in found)
    return found[0]._replace(needed=lost), found[1]._replace(needed=lost)


def way_out(version: int) -> Ability:
    """Whether there is a route of this IP version; asked of the routing table."""
    name = f"IPv{version}"
    if source := _source(version):
        means = "targets with such an address are checked"
        return Ability(name, State.YES, f"a default route, from {source}", means)
    if _routes(ROUTES[version]):
        means = "targets in those networks are checked; the others are out of reach from here"
        return Ability(name, State.PARTLY, "routes to some networks, no default route", means)
    return Ability(
        name,
        State.NO,
        "loopback only" if _loopback(version) else "not even on loopback",
        f"of a name's addresses those in IPv{version} are left out, and said to be",
        f"give this host an IPv{version} address and a route, if targets or users have IPv{version}",
    )


def _source(version: int) -> str | None:
    """Our own address on the way to anywhere; None where there is none."""
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    source = None
    for address in ANYWHERE[version]:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.connect((address, 9))
                source = str(sock.getsockname()[0])
        except OSError:
            return None
    return source


def _loopback(version: int) -> bool:
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((selftest.LOOPBACK[version], 0))
    except OSError:
        return False
    return True


def _routes(table: Path) -> bool:
    """Whether the kernel's table has a network that is neither loopback's nor of one link alone."""
    try:
        rows = [line.split() for line in table.read_text().splitlines()]
    except OSError:
        return False
    if table is ROUTES[4]:
        return any(row[0] != "lo" for row in rows[1:])
    return any(row[-1] != "lo" and not row[0].startswith(("fe80", "ff")) for row in rows)


def resolvers() -> Ability:
    """Which DNS servers names are looked up with; none is asked."""
    servers = dnswire.system_config().servers
    if not servers:
        return Ability(
            "resolvers",
            State.NO,
            "no DNS server is configured (resolv.conf)",
            "only names of the hosts file have an address, and `dns` checks fail",
            "name the servers that the vault's side uses in /etc/resolv.conf",
        )
    named = ", ".join(address if port == 53 else f"{address} port {port}" for address, port in servers)
    means = "names are looked up as any program here does; failures are explained by asking these servers"
    return Ability("resolvers", State.YES, named, means)
