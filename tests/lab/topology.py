"""The lab's network: vault – fw1 – fw2 – targets, and a longer way on from fw2.

    vault ── fw1 ── fw2 ─┬─ targets, stingy
                         ├─ left ───┐
                         ├─ right ──┼── fw3 ── far
                         └─ stock ──┘

Each place is a namespace, IPv4 and IPv6. The subnets of `targets` and `far` are on the link of the
router before them, so an address of them that nobody holds is a dead host. Which of the three ways a
packet takes from fw2 depends on its destination; `ecmp` networks take left or right, as the hash of
addresses and ports falls. The way back is over left. Further networks are routed wrongly on purpose.
Runs inside the lab's own mount and network namespace; whoever leaves it removes everything.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable

PLACES = ("vault", "fw1", "fw2", "targets", "stingy", "left", "right", "stock", "fw3", "far")
ROUTERS = ("fw1", "fw2", "left", "right", "stock", "fw3")

# One link a line: place, device, IPv4, IPv6, twice.
LINKS = (
    ("vault", "out", "10.9.0.2/24", "fd00:9::2/64", "fw1", "in", "10.9.0.1/24", "fd00:9::1/64"),
    ("fw1", "out", "10.9.1.1/24", "fd00:9:1::1/64", "fw2", "in", "10.9.1.2/24", "fd00:9:1::2/64"),
    ("fw2", "out", "10.20.0.1/16", "fd00:20::1/64", "targets", "in", "10.20.0.2/16", "fd00:20::2/64"),
    ("fw2", "side", "10.21.0.1/24", "fd00:21::1/64", "stingy", "in", "10.21.0.2/24", "fd00:21::2/64"),
    ("fw2", "left", "10.9.2.1/24", "fd00:9:2::1/64", "left", "in", "10.9.2.2/24", "fd00:9:2::2/64"),
    ("fw2", "right", "10.9.3.1/24", "fd00:9:3::1/64", "right", "in", "10.9.3.2/24", "fd00:9:3::2/64"),
    ("fw2", "stock", "10.9.4.1/24", "fd00:9:4::1/64", "stock", "in", "10.9.4.2/24", "fd00:9:4::2/64"),
    ("left", "out", "10.9.5.1/24", "fd00:9:5::1/64", "fw3", "in", "10.9.5.2/24", "fd00:9:5::2/64"),
    ("right", "out", "10.9.6.1/24", "fd00:9:6::1/64", "fw3", "right", "10.9.6.2/24", "fd00:9:6::2/64"),
    ("stock", "out", "10.9.7.1/24", "fd00:9:7::1/64", "fw3", "stock", "10.9.7.2/24", "fd00:9:7::2/64"),
    ("fw3", "out", "10.30.0.1/16", "fd00:30::1/32", "far", "in", "10.30.0.2/16", "fd00:30::2/32"),
)
# The address by which a hop shows itself to the vault, IPv4 and IPv6.
HOPS = {
    f"{place}-{device}": (four.partition("/")[0], six.partition("/")[0])
    for link in LINKS
    for place, device, four, six in (link[:4], link[4:])
}
# Whose hops they are, in the lab's inventory; what is between fw2 and fw3 is nobody's that it knows.
NETWORKS = {
    "customer": ["10.9.0.0/23", "fd00:9::/64", "fd00:9:1::/64"],
    "vendor": ["10.9.5.0/24", "fd00:9:5::/64"],
}

# Further subnets on the link of fw3 and far.
BEHIND_FW3 = (31, 32, 34)
WIDE = "10.40.0.0/14"
WIDE_WAY = (("fw1", "10.9.1.2"), ("fw2", "10.9.2.2"), ("left", "10.9.5.2"))
# Networks that fw1 sends on to fw2, and fw2 to one place or another.
FAR = range(30, 40)
BY_LEFT = (30, 33, 34, 35, 36, 37, 38)
# Networks behind a device that holds packets up: device, number, seconds.
DELAYS = (("slow", 33, 0.94), ("lag", 35, 0.4))

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
    *(("fw1", f"10.{number}.0.0/16 via 10.9.1.2") for number in FAR),
    *(("fw1", f"fd00:{number}::/32 via fd00:9:1::2") for number in FAR),
    *(("fw2", f"10.{number}.0.0/16 via 10.9.2.2") for number in BY_LEFT),
    *(("fw2", f"fd00:{number}::/32 via fd00:9:2::2") for number in BY_LEFT),
    ("fw2", "10.31.0.0/16 nexthop via 10.9.2.2 nexthop via 10.9.3.2"),
    ("fw2", "fd00:31::/32 nexthop via fd00:9:2::2 nexthop via fd00:9:3::2"),
    ("fw2", "10.32.0.0/16 via 10.9.4.2"),
    ("fw2", "fd00:32::/32 via fd00:9:4::2"),
    *((place, f"{WIDE} via {gateway}") for place, gateway in WIDE_WAY),
    # To the vault; left has no other route but those it sends on to fw3.
    *(
        (place, f"{network} via {gateway}")
        for place, number in (("left", 2), ("right", 3), ("stock", 4), ("fw3", 5))
        for network, gateway in (("10.9.0.0/24", f"10.9.{number}.1"), ("fd00:9::/64", f"fd00:9:{number}::1"))
    ),
    *(("left", f"10.{number}.0.0/16 via 10.9.5.2") for number in range(30, 38)),
    *(("left", f"fd00:{number}::/32 via fd00:9:5::2") for number in range(30, 38)),
    ("right", "10.31.0.0/16 via 10.9.6.2"),
    ("right", "fd00:31::/32 via fd00:9:6::2"),
    ("stock", "10.32.0.0/16 via 10.9.7.2"),
    ("stock", "fd00:32::/32 via fd00:9:7::2"),
    # fw3 knows nothing of 36 and sends 37 back.
    ("fw3", "10.37.0.0/16 via 10.9.5.1"),
    ("fw3", "fd00:37::/32 via fd00:9:5::1"),
    ("far", "default via 10.30.0.1"),
    ("far", "default via fd00:30::1"),
)

# Name servers among the targets: the vault's own, one that says something else, one that says nothing.
RESOLVER, OTHER_RESOLVER, MUTE_RESOLVER = "10.20.0.53", "10.20.0.54", "10.20.0.55"
# One that answers for every name there is or is not, and one that sees the world from outside.
INVENTING_RESOLVER, OUTSIDE_RESOLVER = "10.20.0.56", "10.20.0.57"

# Of two next hops each gets its flows: the hash takes ports too.
FORWARDING = (
    "net.ipv4.ip_forward=1",
    "net.ipv6.conf.all.forwarding=1",
    "net.ipv4.fib_multipath_hash_policy=1",
    "net.ipv6.fib_multipath_hash_policy=1",
)
# Linux answers six ICMP errors at once and then one a second to one peer; scenes must not depend on
# who came first. `stingy` and `stock` keep the limits.
UNLIMITED = ("net.ipv4.icmp_ratelimit=0", "net.ipv4.icmp_ratemask=0", "net.ipv6.icmp.ratelimit=0")
LIMITED = ("stingy", "stock")


def run(*argv: str, feed: str | None = None) -> str:
    """What a command of the system says; its own words in the exception if it fails."""
    done = subprocess.run(argv, input=feed, text=True, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def inside(place: str, *argv: str, feed: str | None = None) -> None:
    """Run a command in the namespace of a place."""
    run("ip", "netns", "exec", place, *argv, feed=feed)


def build() -> None:
    """Create the namespaces, links, addresses and routes."""
    for place in PLACES:
        run("ip", "netns", "add", place)
        # No duplicate address detection: addresses work at once.
        quiet = ("net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0")
        forwarding = FORWARDING if place in ROUTERS else ()
        unlimited = () if place in LIMITED else UNLIMITED
        inside(place, "sysctl", "-qw", *quiet, *forwarding, *unlimited)
    lines: dict[str, list[str]] = {place: ["link set lo up"] for place in PLACES}
    for link in LINKS:
        _join(link[:4], link[4:], lines)
    for number in BEHIND_FW3:
        lines["fw3"] += [f"address add {each} dev out" for each in _subnet(number, 1)]
        lines["far"] += [f"address add {each} dev in" for each in _subnet(number, 2)]
    lines["fw3"].append("address add 10.40.0.1/14 dev out")
    lines["far"].append("address add 10.40.0.2/14 dev in")
    for place, route in ROUTES:
        lines[place].append(f"route add {route}")
    for place in PLACES:
        _batch(place, lines[place])
    if can_delay():
        _lay_delays()


def hold(place: str, addresses: Iterable[str]) -> None:
    """Give the place these addresses on its link, and have its router know them.

    All namespaces of a machine share the room for neighbours that are asked for (1,024 by default), which the
    dead ones of the scenes need; those that are known for good take none.
    """
    held = tuple(addresses)
    _batch(place, [f"address add {address}/{_width(address)} dev in{_nodad(address)}" for address in held])
    router, device = next((link[0], link[1]) for link in LINKS if link[4:6] == (place, "in"))
    shown = run("ip", "-n", place, "-br", "link", "show", "dev", "in").split()
    _batch(router, [f"neighbour replace {address} lladdr {shown[2]} dev {device}" for address in held])


def can_delay() -> bool:
    """Whether this machine lets us make devices of our own."""
    return os.access("/dev/net/tun", os.R_OK | os.W_OK)


def _lay_delays() -> None:
    """A device at fw3 for each delay, and one at far where packets come out again."""
    for device, number, _ in DELAYS:
        _batch("fw3", [f"tuntap add {device} mode tun", f"link set {device} up"])
        _batch("far", [f"tuntap add {device} mode tun", f"link set {device} up"])
        networks = (f"10.{number}.0.0/16", f"fd00:{number}::/32")
        _batch("fw3", [f"route add {network} dev {device}" for network in networks])


def _batch(place: str, lines: Iterable[str]) -> None:
    run("ip", "-n", place, "-batch", "-", feed="\n".join(lines) + "\n")


def _join(one: tuple[str, ...], other: tuple[str, ...], lines: dict[str, list[str]]) -> None:
    run("ip", "link", "add", one[1], "netns", one[0], "type", "veth", "peer", other[1], "netns", other[0])
    for place, device, four, six in (one, other):
        lines[place] += [
            f"address add {four} dev {device}",
            f"address add {six} dev {device} nodad",
            # A rule on packet sizes must see the packets of the wire, not the 64 kB ones of offloading.
            f"link set {device} up gso_max_segs 1",
        ]


def _subnet(number: int, host: int) -> tuple[str, str]:
    return f"10.{number}.0.{host}/16", f"fd00:{number}::{host}/32 nodad"


def _width(address: str) -> int:
    if ":" in address:
        return 64
    return 24 if address.startswith("10.21.") else 16


def _nodad(address: str) -> str:
    return " nodad" if ":" in address else ""
