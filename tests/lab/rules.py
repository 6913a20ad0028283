"""From a scene's rules to nftables rules and routes.

A rule is `PLACE ACTION [SCOPE]`. PLACE is one of `tests.lab.topology`; its rules stand in `vault`'s own
output, in the forwarding of routers and in the input of those who hold addresses. `PLACE.in` is before
all of that, also before a packet's time to live is looked at: such a hop shows itself to nobody.

| ACTION | what happens |
|---|---|
| `drop`, `reset`, `reject-TYPE` | as nftables has them, TYPE is its name of the ICMP type |
| `route-KIND` | a route of that kind: `prohibit`, `unreachable`, `blackhole` |
| `hide`, `ration` | no word, or at most one a second, of packets whose time to live ended here |
| `mute` | no word of packets that can't be delivered |
| `ttl-N` | packets go on with this time to live; of `far`, its own |
| `answer` | the place completes handshakes itself (SYN proxy), and then tries the target |
| `hold` | the place's own server accepts the connection and says nothing |
| `forget-N` | a connection idle for N seconds is forgotten; then its packets get SCOPE `drop` or `reset` |
| `clamp-N` | handshakes agree on segments of at most N bytes |
| `lose-N` | N % of the packets are lost |

SCOPE: the check's port when left out, `all` for everything to the address, `rest` for all its other TCP
ports, `network` for the check's port of its whole /24 or /64, `answers` for what comes back, `resets` for
RSTs among it, `big-answers` for what comes back in packets above 1,000 bytes, `big` for what goes there in
such (`big-1400`, `big-answers-1400`: above 1,400), `data` for what follows the handshake, `first-data` and
`first-syn` for one such packet, `every-other-syn`, `udp`, or a port.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import NamedTuple

from netcheck.diagnosis.networks import network_of
from tests.lab.scenes import Scene
from tests.lab.topology import PLACES, ROUTERS, inside

# The packets of a handshake have at most 40 bytes of IPv6 header, 20 of TCP and 40 of its options.
DATA = 100
BIG = 1000
HOLD_PORT = 999
MAIN = {"vault": "output"} | dict.fromkeys(ROUTERS, "forward")
# Chains by name, and where the kernel calls them.
CHAINS = {
    "untracked": "type filter hook prerouting priority raw",
    "early": "type filter hook prerouting priority filter",
    "own": "type filter hook output priority filter",
    "moved": "type nat hook prerouting priority dstnat",
}
SYN_PROXY = "synproxy mss 1460 wscale 7 timestamp sack-perm"
NO_BEGINNING = "tcp flags & (fin | syn | rst | ack) != syn"


class Line(NamedTuple):
    """One nftables line, and the chain in which it stands: one of CHAINS, `scenes` or `table`."""

    chain: str
    text: str


def ruleset(place: str, lines: Iterable[Line]) -> str:
    """The place's whole ruleset: chains that accept what no line stops."""
    found: dict[str, list[str]] = {}
    for chain, text in lines:
        found.setdefault(chain, []).append(text)
    body = "".join(f"  {text}\n" for text in found.pop("table", ()))
    hooks = CHAINS | {"scenes": f"type filter hook {MAIN.get(place, 'input')} priority filter"}
    for chain, texts in found.items():
        inner = "".join(f"    {text}\n" for text in texts)
        body += f"  chain {chain} {{\n    {hooks[chain]}; policy accept;\n{inner}  }}\n"
    return f"table inet lab {{\n{body}}}\n"


def lines_of(place: str, scenes: Iterable[Scene]) -> list[Line]:
    """The nftables lines that the scenes ask for at this place."""
    return [
        each
        for scene in scenes
        for at, chain, action, scope in map(_parts, scene.rules)
        if at == place and not action.startswith("route-")
        for each in _lines(scene, chain, action, scope)
    ]


def holding(scenes: Iterable[Scene]) -> list[str]:
    """The places that need a server of their own for `hold`."""
    rules = [_parts(rule) for scene in scenes for rule in scene.rules]
    return sorted({place for place, _, action, _ in rules if action == "hold"})


def line(address: str, action: str, scope: str) -> str:
    """One nftables rule that stops packets.

    >>> line("10.20.1.11", "reject-admin-prohibited", "22")
    'ip daddr 10.20.1.11 tcp dport 22 reject with icmp type admin-prohibited'
    """
    six = ":" in address
    match = _match(address, scope)
    if action == "drop":
        return f"{match} drop"
    if action == "reset":
        return f"{match} meta l4proto tcp reject with tcp reset"
    if action.startswith("lose-"):
        return f"{match} numgen random mod 100 < {action.removeprefix('lose-')} drop"
    return f"{match} reject with icmp{'v6' if six else ''} type {action.removeprefix('reject-')}"


def apply(scenes: Iterable[Scene], more: dict[str, list[str]]) -> None:
    """Load every place's rules, with `more` lines by place, and the routes."""
    scenes = tuple(scenes)
    for place in PLACES:
        lines = [*lines_of(place, scenes), *(Line("scenes", text) for text in more.get(place, ()))]
        inside(place, "nft", "-f", "-", feed=ruleset(place, lines))
        if any(" ct " in text for _, text in lines):
            # What the connection tracking did not see begin is no connection.
            inside(place, "sysctl", "-qw", "net.netfilter.nf_conntrack_tcp_loose=0")
    for scene in scenes:
        for place, _, action, _ in map(_parts, scene.rules):
            if action.startswith("route-"):
                kind = action.removeprefix("route-")
                inside(place, "ip", "route", "add", kind, scene.address)


def _lines(scene: Scene, chain: str, action: str, scope: str) -> list[Line]:
    """A rule's nftables lines."""
    address = scene.address
    to, back = _match(address, "all"), _match(address, "answers")
    verb, _, amount = action.partition("-")
    if scope == "network":
        address, scope = network_of(address), ""
    if scope == "rest":
        scope = f"!= {scene.port}"
    if verb in ("hide", "ration", "mute"):
        return [Line("own", _own_word(address, verb))]
    if verb == "ttl":
        field = "ip6 hoplimit" if ":" in address else "ip ttl"
        at = "own" if scope in ("answers", "resets") else chain
        return [
            Line(at, f"{_match(address, scope or str(scene.port))} meta l4proto tcp {field} set {amount}")
        ]
    if verb == "answer":
        return _syn_proxy(_match(address, scope or str(scene.port)))
    if verb == "hold":
        return [
            Line(
                "moved",
                f"{_match(address, scope or str(scene.port))} meta l4proto tcp redirect to :{HOLD_PORT}",
            )
        ]
    if verb == "forget":
        return _forgetting(address, int(amount), scope or "drop")
    if verb == "clamp":
        clamp = f"tcp flags syn tcp option maxseg size set {amount}"
        return [Line(chain, f"{to} {clamp}"), Line(chain, f"{back} {clamp}")]
    return [Line(chain, line(address, action, scope or str(scene.port or "all")))]


def _match(address: str, scope: str) -> str:
    """The packets that a scope means."""
    family = "ip6" if ":" in address else "ip"
    to, back = f"{family} daddr {address}", f"{family} saddr {address}"
    once = "limit rate 1/day burst 1 packets"
    if big := re.fullmatch(r"big(-answers)?(?:-(\d+))?", scope):
        return f"{back if big[1] else to} meta length > {big[2] or BIG}"
    return {
        "all": to,
        "answers": back,
        "resets": f"{back} tcp flags & rst == rst",
        "data": f"{to} meta length > {DATA}",
        "first-data": f"{to} meta length > {DATA} {once}",
        "first-syn": f"{to} tcp flags syn {once}",
        "every-other-syn": f"{to} tcp flags syn numgen inc mod 2 == 0",
        "udp": f"{to} meta l4proto udp",
    }.get(scope, f"{to} tcp dport {scope}")


def _own_word(address: str, how: str) -> str:
    """Drops the place's own ICMP errors about packets to the address.

    They quote the packet: its destination stands 24 bytes (IPv6: 32) behind the start of the ICMP header.
    """
    six = ":" in address
    kind, at, bits = ("icmpv6", 256, 128) if six else ("icmp", 192, 32)
    error = "destination-unreachable" if how == "mute" else "time-exceeded"
    limit = " limit rate over 1/second burst 1 packets" if how == "ration" else ""
    return f"{kind} type {error} @th,{at},{bits} {int(ipaddress.ip_address(address)):#x}{limit} drop"


def _syn_proxy(match: str) -> list[Line]:
    """The handshake is the proxy's own; it tries the target's once the client's is complete."""
    return [
        Line("untracked", f"{match} tcp flags syn notrack"),
        Line("scenes", f"{match} meta l4proto tcp ct state invalid,untracked {SYN_PROXY}"),
        Line("scenes", f"{match} ct state invalid drop"),
    ]


def _forgetting(address: str, seconds: int, then: str) -> list[Line]:
    """An established connection is forgotten after so many idle seconds; what then comes is unknown."""
    name = f"forget_{re.sub('[.:]', '_', address)}"
    family = "ip6" if ":" in address else "ip"
    to, back = _match(address, "all"), _match(address, "answers")
    policy = (
        f"ct timeout {name} {{ protocol tcp; l3proto {family}; policy = {{ established : {seconds} }}; }}"
    )
    stop = "reject with tcp reset" if then == "reset" else "drop"
    return [
        Line("table", policy),
        Line("early", f'{to} meta l4proto tcp ct timeout set "{name}"'),
        Line("scenes", f"{to} ct state new,invalid {NO_BEGINNING} {stop}"),
        Line("scenes", f"{back} ct state new,invalid {NO_BEGINNING} drop"),
    ]


def _parts(rule: str) -> tuple[str, str, str, str]:
    """Place, chain, action and scope of a rule."""
    at, action, scope = (*rule.split(), "")[:3]
    place, _, early = at.partition(".")
    if place not in PLACES or early not in ("", "in"):
        raise ValueError(f"`{rule}`: no place is called `{at}`")
    return place, "early" if early else "scenes", action, scope
