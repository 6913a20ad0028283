"""Which failures belong together: one place where a hop is known, else the narrowest thing they share. Pure.

Where a hop is known, that is what failures share, across networks and services. Where none is, a thing
explains failures best if all that was tried of it fails: "every host of the group", "the whole network".
Then what still lies close together is taken together, the widest first.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import NamedTuple

from netcheck.diagnosis.answered import CONNECTED
from netcheck.diagnosis.facts import issuer
from netcheck.diagnosis.findings.census import By, Cell, Census, Key, cell_of, keys
from netcheck.diagnosis.findings.flows import OPENED
from netcheck.diagnosis.findings.signs import host_of, is_by_proxy, local, network, signed_by_target
from netcheck.record import CheckRecord
from probes.contract import Verdict

Group = list[CheckRecord]

# The resolver's failures, whatever the name; of the other dns causes the name's zone is what they share.
RESOLVER = frozenset({"dns.timeout", "dns.refused"})
# The host itself says so: a service is missing there, and the way to it is open.
BY_TARGET = frozenset({"tcp.refused", "udp.port_closed"})
LOST = ("tcp", "path", "udp")


class Tier(NamedTuple):
    """One round of grouping: by which things, and whether all that was tried of a thing must have failed."""

    kinds: frozenset[By]
    whole: bool


# Silence is of the way: first the things that are dead as a whole, then what goes to one network.
LOST_TIERS = (
    Tier(frozenset({By.HOST, By.NETWORK, By.GROUP, By.GROUP_LABEL, By.LABEL}), whole=True),
    Tier(frozenset({By.NETWORK, By.GROUP_LABEL}), whole=False),
)
# A refusal is of the service or of its host; two services refused in one network have nothing in common.
TARGET_TIERS = (
    Tier(frozenset({By.HOST, By.NETWORK_LABEL, By.GROUP_LABEL, By.LABEL}), whole=True),
    Tier(frozenset({By.HOST, By.NETWORK_LABEL, By.GROUP_LABEL}), whole=False),
    Tier(frozenset({By.LABEL}), whole=False),
)
# Fewer failures than this say nothing about a whole group, or about a service wherever it is.
LEAST = {By.GROUP: 3, By.GROUP_LABEL: 2, By.LABEL: 2}
LEAST_WHOLE = {By.GROUP: 3, By.GROUP_LABEL: 3, By.LABEL: 3}


def grouped(failed: Iterable[CheckRecord], census: Census) -> Iterator[Group]:
    """The failures, each in one group."""
    failed = list(failed)
    traced = _traced(failed)
    placed: dict[Hashable, Group] = {}
    loose: dict[Hashable, Group] = {}
    for check in failed:
        like = traced.get((check.vantage, network(check)), check) if check.cause == CONNECTED else check
        unproved = check.expect == "blocked" and check.cause in OPENED  # nothing is to be opened there
        base = (check.vantage, check.cause, like.responsible, unproved)
        shared = _evident(like)
        if shared is None:
            loose.setdefault((*base, signed_by_target(check)), []).append(check)
        else:
            placed.setdefault((*base, *shared), []).append(check)
    for group in placed.values():
        yield from _by_next_hop(group)
    for group in loose.values():
        by_target = group[0].cause in BY_TARGET or signed_by_target(group[0])
        yield from _covered(group, TARGET_TIERS if by_target else LOST_TIERS, census)


def _traced(failed: Iterable[CheckRecord]) -> dict[tuple[str, str], CheckRecord]:
    """By vantage and network, one of those for whom something answers after a hop, where all are of one."""
    found: dict[tuple[str, str], list[CheckRecord]] = {}
    for check in failed:
        if check.cause == CONNECTED and check.where is not None:
            found.setdefault((check.vantage, network(check)), []).append(check)
    return {key: traced[0] for key, traced in found.items() if len({one.where for one in traced}) == 1}


def _evident(check: CheckRecord) -> tuple[Hashable, ...] | None:
    """What the failure itself says it shares with others; None: what was tried beside it has to tell."""
    prefix = (check.cause or "").partition(".")[0]
    if local(check):
        return ("here", check.probe if prefix == "probe" else None)
    if is_by_proxy(check):
        return ("proxy", check.facts.get("proxy"))
    if check.where is not None and not signed_by_target(check):
        return ("place", check.where.relation, check.where.address)
    if prefix == "dns":
        return ("names", *_names(check))
    if check.cause == "tls.intercepted":
        return ("issuer", issuer(check.facts))  # one CA is one device, or all devices of one product
    if check.cause == CONNECTED:
        return ("middlebox",)  # what answers for hosts that it does not reach does so for whole networks
    if check.cause == "path.mtu_blackhole":
        return ("size", _size(check))  # one tunnel has one size
    if prefix in LOST:
        return None
    if prefix == "tls" or check.cause == "http.captive_portal":
        return ("service",)  # whichever probe met it
    return ("service", check.probe, check.port if prefix == "policy" else None)


def _size(check: CheckRecord) -> Hashable:
    """The largest segment that passes, of its own experiment or of the one that stands for it."""
    works = [one for one in check.controls if one.varied == "mss" and one.verdict is Verdict.PASS]
    return max((one.value for one in works), default=check.summary)


def _names(check: CheckRecord) -> tuple[str, ...]:
    if check.cause in RESOLVER:
        return ("resolver", str(check.settings.get("resolvers", ())))
    if (liar := check.facts.get("misled_by")) is not None:  # it misleads all names alike
        return ("liar", liar)
    return ("zone", check.host.partition(".")[2])  # short names share none: what completes them is missing


def _by_next_hop(group: Group) -> Iterator[Group]:
    """Flows that were seen to part after their last common hop are lost in different places.

    Where the hosts themselves come next, be it as a sibling's trace showed it, they do not part there.
    """
    hosts = {check.address for check in group}
    following: dict[str | None, Group] = {}
    for check in group:
        before = check.where.before if check.where else None
        following.setdefault("its host" if before in hosts and before else before, []).append(check)
    if len(following) <= 2 and None in following:
        yield group  # at most one next hop is known
    else:
        yield from following.values()


def _covered(group: Group, tiers: Sequence[Tier], census: Census) -> Iterator[Group]:
    """The group in parts that share something; what shares nothing is a part of its own."""
    left = dict(enumerate(group))
    cells = [cell_of(check) for check in group]
    for tier in tiers:
        members = _members(left, cells, tier.kinds)
        for part in _widest(members, tier, census, left):
            yield [left.pop(index) for index in sorted(part)]
    for check in left.values():
        yield [check]


def _members(
    left: dict[int, CheckRecord], cells: Sequence[Cell], kinds: frozenset[By]
) -> dict[Key, list[int]]:
    """Which of what is left shares each thing of these kinds."""
    by_cell: dict[Cell, list[int]] = {}
    for index in left:
        by_cell.setdefault(cells[index], []).append(index)
    members: dict[Key, list[int]] = {}
    for cell, indexes in by_cell.items():
        for key in keys(cell):
            if key.by in kinds:
                members.setdefault(key, []).extend(indexes)
    if By.HOST in kinds:
        hosts: dict[tuple[str, str], list[int]] = {}
        for index, check in left.items():
            hosts.setdefault((check.vantage, host_of(check)), []).append(index)
        members.update(
            {Key(vantage, By.HOST, host): those for (vantage, host), those in hosts.items() if len(those) > 1}
        )
    return members


def _widest(
    members: dict[Key, list[int]], tier: Tier, census: Census, left: dict[int, CheckRecord]
) -> Iterator[list[int]]:
    """The largest part still left, then the next; of equal ones the narrower. The caller takes them out.

    A part that shrank since it was put in the heap goes back with its new size, so that each is counted
    anew only when it comes up.
    """
    least = LEAST_WHOLE if tier.whole else LEAST
    heap = [
        (-len(indexes), key.by, indexes[0], key)
        for key, indexes in members.items()
        if len(indexes) >= least.get(key.by, 2) and (not tier.whole or len(indexes) == census.tried(key))
    ]
    heapq.heapify(heap)
    while heap:
        size, kind, first, key = heapq.heappop(heap)
        part = [index for index in members[key] if index in left]
        if len(part) < least.get(kind, 2):
            continue
        if len(part) < -size:
            heapq.heappush(heap, (-len(part), kind, first, key))
        else:
            yield part
