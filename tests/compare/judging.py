"""The rule by which an answer is right, wrong, or true without a cause. It reads only the words shown.

Each answer is first read as a claim, by the first pattern that its words have. The scene's true cause then
says which claims are right and which are true but fit other causes too; every other claim is wrong.
"""

from __future__ import annotations

import re
from enum import StrEnum

from tests.lab.scenes import Scene
from tests.lab.topology import HOPS


class Mark(StrEnum):
    """What an answer is worth."""

    RIGHT = "right"
    NO_CAUSE = "no cause"
    WRONG = "wrong"


# By the words that tools print; the causes of netcheck and the words that mean them are one claim.
CLAIMS = (
    ("reset_by_firewall", r"^(fail|warn) tcp\.reset_by_firewall"),
    ("middlebox", r"path\.middlebox_answers"),
    ("size", r"path\.mtu_blackhole"),
    ("idle", r"path\.idle_dropped"),
    ("unstable", r"path\.unstable"),
    ("own host", r"vantage\.blocked_locally|operation not permitted"),
    ("prohibited", r"tcp\.rejected|-prohibited|port-unreach"),
    ("host unreachable", r"tcp\.host_down|host-unreach"),
    ("no route", r"tcp\.no_route|net-unreach|[Nn]etwork is unreachable|[Nn]o route to host|time-exceeded"),
    ("no such name", r"dns\.nxdomain|Name or service not known|no such host|NXDOMAIN"),
    ("server failure", r"dns\.servfail|server misbehaving"),
    ("resolver silent", r"dns\.timeout|lookup .*i/o timeout"),
    (
        "not resolved",
        r"Temporary failure in name resolution|Failed to resolve|Could not resolve|resolution error",
    ),
    ("self-signed", r"tls\.self_signed|self[- ]signed certificate"),
    ("expired", r"tls\.expired|certificate has expired"),
    ("incomplete chain", r"tls\.incomplete_chain"),
    ("untrusted", r"tls\.untrusted|unable to get local issuer|signed by unknown authority"),
    ("algorithms", r"ssh\.no_common_algorithm|no matching .* found"),
    ("other protocol", r"protocol\.mismatch|banner line contains|invalid characters|not match"),
    ("status", r"http\.status|returned error: 404|status code"),
    ("refused", r"tcp\.refused|[Cc]onnection refused|/tcp closed"),
    ("broken off", r"reset by peer|closed by remote|Connection closed|EOF"),
    (
        "silence",
        r"protocol\.silent|tls\.timeout|filtered|[Tt]imed out|timeout|deadline exceeded|still running",
    ),
    ("works", r"^pass|/tcp open|succeeded|probe_success 1|HTTP 200|Permission denied \("),
)
# By the true cause: claims that are right, and claims that are true but leave the cause open.
WORTH: dict[str | None, tuple[frozenset[str], frozenset[str]]] = {
    cause: (frozenset(right), frozenset(true))
    for cause, right, true in (
        (None, {"works"}, set()),
        ("tcp.filtered", set(), {"silence"}),
        ("tcp.rejected", {"prohibited"}, {"silence"}),
        ("tcp.no_route", {"no route"}, {"silence", "host unreachable"}),
        ("tcp.host_down", {"host unreachable"}, {"silence", "no route"}),
        ("tcp.refused", {"refused"}, set()),
        ("tcp.reset_by_firewall", {"reset_by_firewall"}, set()),
        ("vantage.blocked_locally", {"own host"}, {"silence"}),
        ("path.middlebox_answers", {"middlebox"}, {"silence", "broken off"}),
        ("path.mtu_blackhole", {"size"}, {"silence", "works"}),
        ("path.idle_dropped", {"idle"}, {"works"}),
        ("path.unstable", {"unstable"}, {"works", "silence"}),
        ("dns.nxdomain", {"no such name"}, {"not resolved"}),
        ("dns.servfail", {"server failure"}, {"not resolved"}),
        ("dns.timeout", {"resolver silent"}, {"not resolved", "silence"}),
        ("tls.expired", {"expired"}, {"works"}),
        ("tls.self_signed", {"self-signed"}, {"works", "untrusted"}),
        ("tls.untrusted", {"untrusted"}, {"works"}),
        ("tls.incomplete_chain", {"incomplete chain"}, {"works", "untrusted"}),
        ("ssh.no_common_algorithm", {"algorithms"}, {"works"}),
        ("protocol.mismatch", {"other protocol"}, {"works", "silence", "broken off"}),
        ("http.status", {"status"}, {"works"}),
    )
}
PLACE = re.compile(r"\b(?:after|at|from) (\d[\d.]+\d|[0-9a-f]*:[0-9a-f:]+)")
WHO = re.compile(r"· (customer|vendor|operator|undetermined)")
SHOWN = frozenset(address for pair in HOPS.values() for address in pair)


def claim(words: str) -> str:
    """What an answer says, by its words. Raises ValueError where no pattern knows them."""
    for name, pattern in CLAIMS:
        if re.search(pattern, words):
            return name
    raise ValueError(f"no claim is known for the words: {words}")


def mark(scene: Scene, words: str) -> Mark:
    """What the answer is worth for this scene.

    Of silence the place is the cause: who says only that nothing came back has named none. Who names a
    hop that is not the place, or a party that does not have to act, is wrong whatever else is right.
    """
    named, places = PLACE.findall(words), _places(scene)
    if any(hop in SHOWN and places and hop not in places for hop in named):
        return Mark.WRONG
    who = WHO.search(words)
    if who and scene.expected.responsible and who[1] not in scene.expected.responsible:
        return Mark.WRONG
    said, (right, true) = claim(words), WORTH[cause(scene)]
    if said in right or (said == "silence" and cause(scene) == "tcp.filtered" and places & set(named)):
        return Mark.RIGHT
    return Mark.NO_CAUSE if said in true else Mark.WRONG


def has_place(scene: Scene, words: str) -> bool:
    """Whether the answer names the scene's place."""
    return bool(_places(scene) & set(PLACE.findall(words)))


def cause(scene: Scene) -> str | None:
    """The scene's true cause; None: all is well."""
    return scene.expected.causes[0]


def _places(scene: Scene) -> set[str]:
    where = scene.expected.where
    return {address for address in where.addresses if address} if where else set()
