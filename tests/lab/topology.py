"""The lab's network: vault – fw1 – fw2 – targets, with a second host `stingy` behind fw2.

Four namespaces in a row, each the next one's gateway, IPv4 and IPv6. The last subnet is on fw2's
link, so an address of it that nobody holds is a dead host. Further networks are routed wrongly on
purpose. Runs inside the lab's own mount and network namespace; whoever leaves it removes everything.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable

PLACES = ("vault", "fw1", "fw2", "targets", "stingy")

# One link a line: place, device, IPv4, IPv6, twice.
LINKS = (
    ("vault", "out", "10.9.0.2/24", "fd00:9::2/64", "fw1", "in", "10.9.0.1/24", "fd00:9::1/64"),
    ("fw1", "out", "10.9.1.1/24", "fd00:9:1::1/64", "fw2", "in", "10.9.1.2/24", "fd00:9:1::2/64"),
    ("fw2", "out", "10.20.0.1/16", "fd00:20::1/64", "targets", "in", "10.20.0.2/16", "fd00:20::2/64"),
    ("fw2", "side", "10.21.0.1/24", "fd00:21::1/64", "stingy", "in", "10.21.0.2/24", "fd00:21::2/64"),
)

ROUTES = (
    ("vault", "default via 10.9.0.1"),
    ("vault", "default via fd00:9::1"),
    # The vault itself has no route there: `throw` ends the lookup as if the table were empty.
    ("vault", "throw 10.69.0.0/24"),
    ("vault", "throw fd00:69::/64"),
    *(("fw1", f"{network} via 10.9.1.2") for network in ("10.20.0.0/16", "10.21.0.0/24")),
    *(("fw1", f"{network} via fd00:9:1::2") for network in ("fd00:20::/64", "fd00:21::/64")),
    # fw1 sends these on; fw2 has no route for the first and sends the second back: a loop.
    *(("fw1", f"{network} via 10.9.1.2") for network in ("10.67.0.0/24", "10.68.0.0/24")),
    *(("fw1", f"{network} via fd00:9:1::2") for network in ("fd00:67::/64", "fd00:68::/64")),
    ("fw2", "10.9.0.0/24 via 10.9.1.1"),
    ("fw2", "fd00:9::/64 via fd00:9:1::1"),
    ("fw2", "10.68.0.0/24 via 10.9.1.1"),
    ("fw2", "fd00:68::/64 via fd00:9:1::1"),
    ("targets", "default via 10.20.0.1"),
    ("targets", "default via fd00:20::1"),
    ("stingy", "default via 10.21.0.1"),
    ("stingy", "default via fd00:21::1"),
)

# The first addresses of each kind of network; `live` hosts are in the namespace targets.
POOLS = {
    "live": ("10.20.1.10", "fd00:20::1:10"),
    "dead": ("10.20.250.10", "fd00:20::dead:10"),
    "stingy": ("10.21.0.10", "fd00:21::10"),
    "unknown-to-fw1": ("10.66.0.10", "fd00:66::10"),
    "unknown-to-fw2": ("10.67.0.10", "fd00:67::10"),
    "loop": ("10.68.0.10", "fd00:68::10"),
    "unknown-to-vault": ("10.69.0.10", "fd00:69::10"),
}

# Name servers among the targets: the vault's own, one that says something else, one that says nothing.
RESOLVER, OTHER_RESOLVER, MUTE_RESOLVER = "10.20.0.53", "10.20.0.54", "10.20.0.55"

FORWARDING = ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
# Linux answers six ICMP errors at once and then one a second to one peer; scenes must not depend on
# who came first. `stingy` keeps the limits.
UNLIMITED = ("net.ipv4.icmp_ratelimit=0", "net.ipv4.icmp_ratemask=0", "net.ipv6.icmp.ratelimit=0")


def run(*argv: str, feed: str | None = None) -> None:
    """Run a command of the system; its own words in the exception if it fails."""
    done = subprocess.run(argv, input=feed, text=True, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip() or done.returncode}")


def inside(place: str, *argv: str, feed: str | None = None) -> None:
    """Run a command in the namespace of a place."""
    run("ip", "netns", "exec", place, *argv, feed=feed)


def build() -> None:
    """Create the namespaces, links, addresses and routes."""
    for place in PLACES:
        run("ip", "netns", "add", place)
        inside(place, "ip", "link", "set", "lo", "up")
        # No duplicate address detection: addresses work at once.
        quiet = ("net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0")
        inside(place, "sysctl", "-qw", *quiet)
    for link in LINKS:
        _join(link[:4], link[4:])
    for place, route in ROUTES:
        inside(place, "ip", "route", "add", *route.split())
    for place in ("fw1", "fw2"):
        inside(place, "sysctl", "-qw", *FORWARDING)
    for place in ("vault", "fw1", "fw2", "targets"):
        inside(place, "sysctl", "-qw", *UNLIMITED)


def hold(place: str, addresses: Iterable[str]) -> None:
    """Give the place these addresses on its link."""
    lines = [f"address add {address}/{_width(address)} dev in{_nodad(address)}" for address in addresses]
    inside(place, "ip", "-batch", "-", feed="\n".join(lines) + "\n")


def _join(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    run("ip", "link", "add", one[1], "netns", one[0], "type", "veth", "peer", other[1], "netns", other[0])
    for place, device, four, six in (one, other):
        inside(place, "ip", "address", "add", four, "dev", device)
        inside(place, "ip", "address", "add", six, "dev", device, "nodad")
        # A rule on packet sizes must see the packets of the wire, not the 64 kB ones of offloading.
        inside(place, "ip", "link", "set", device, "up", "gso_max_segs", "1")


def _width(address: str) -> int:
    if ":" in address:
        return 64
    return 24 if address.startswith("10.21.") else 16


def _nodad(address: str) -> str:
    return " nodad" if ":" in address else ""
