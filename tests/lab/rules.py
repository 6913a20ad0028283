"""From a scene's rules to nftables rules and routes.

A rule is `PLACE ACTION [SCOPE]`. PLACE: `vault` (its own output), `fw1`, `fw2` (forwarding), `targets`,
`stingy` (input). ACTION: `drop`, `reset`, `reject-TYPE` with nftables' name of the ICMP type, or
`route-KIND` with a kind of `ip route` (`prohibit`, `unreachable`, `blackhole`). SCOPE: the check's port
when left out, `all` for everything to the address, `answers` for what comes back, `big-answers` for
what comes back in packets above 1,000 bytes, `data` for what follows the handshake, `first-data` and
`first-syn` for one such packet, `every-other-syn`, `udp`, or a port.
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.lab.scenes import Scene
from tests.lab.topology import PLACES, inside

# The packets of a handshake have at most 40 bytes of IPv6 header, 20 of TCP and 40 of its options.
DATA = 100
HOOKS = {"vault": "output", "fw1": "forward", "fw2": "forward", "targets": "input", "stingy": "input"}


def ruleset(place: str, lines: Iterable[str]) -> str:
    """The place's whole ruleset: one chain that accepts what no line stops."""
    body = "\n".join(f"    {line}" for line in lines)
    hook = f"type filter hook {HOOKS[place]} priority filter; policy accept;"
    return f"table inet lab {{\n  chain scenes {{\n    {hook}\n{body}\n  }}\n}}\n"


def lines_of(place: str, scenes: Iterable[Scene]) -> list[str]:
    """The nftables lines that the scenes ask for at this place."""
    return [
        line(scene.address, action, scope or str(scene.port or "all"))
        for scene in scenes
        for at, action, scope in map(_parts, scene.rules)
        if at == place and not action.startswith("route-")
    ]


def line(address: str, action: str, scope: str) -> str:
    """One nftables rule.

    >>> line("10.20.1.11", "reject-admin-prohibited", "22")
    'ip daddr 10.20.1.11 tcp dport 22 reject with icmp type admin-prohibited'
    """
    six = ":" in address
    family = "ip6" if six else "ip"
    to, once = f"{family} daddr {address}", "limit rate 1/day burst 1 packets"
    match = {
        "all": to,
        "answers": f"{family} saddr {address}",
        "big-answers": f"{family} saddr {address} meta length > 1000",
        "data": f"{to} meta length > {DATA}",
        "first-data": f"{to} meta length > {DATA} {once}",
        "first-syn": f"{to} tcp flags syn {once}",
        "every-other-syn": f"{to} tcp flags syn numgen inc mod 2 == 0",
        "udp": f"{to} meta l4proto udp",
    }.get(scope, f"{to} tcp dport {scope}")
    if action == "drop":
        return f"{match} drop"
    if action == "reset":
        return f"{match} meta l4proto tcp reject with tcp reset"
    return f"{match} reject with icmp{'v6' if six else ''} type {action.removeprefix('reject-')}"


def apply(scenes: Iterable[Scene], more: dict[str, list[str]]) -> None:
    """Load every place's rules, with `more` lines by place, and the routes."""
    scenes = tuple(scenes)
    for place in PLACES:
        lines = [*lines_of(place, scenes), *more.get(place, ())]
        inside(place, "nft", "-f", "-", feed=ruleset(place, lines))
    for scene in scenes:
        for place, action, _ in map(_parts, scene.rules):
            if action.startswith("route-"):
                kind = action.removeprefix("route-")
                inside(place, "ip", "route", "add", kind, scene.address)


def _parts(rule: str) -> tuple[str, str, str]:
    place, action, scope = (*rule.split(), "")[:3]
    if place not in PLACES:
        raise ValueError(f"`{rule}`: no place is called `{place}`")
    return place, action, scope
