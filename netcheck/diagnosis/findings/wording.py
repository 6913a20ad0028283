"""The one sentence of a finding: what fails, how and where it ends. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence, Sized
from typing import NamedTuple

from netcheck.diagnosis.findings.census import By, Census, Key
from netcheck.diagnosis.findings.signs import (
    common_place,
    follows_at_once,
    host_of,
    hosts_follow,
    is_by_proxy,
    network,
    signed_by_target,
    signed_here,
)
from netcheck.diagnosis.findings.vantage import Outage
from netcheck.record import CheckRecord, Place
from probes.contract import Confidence, Layer, Verdict

FEW = 3  # so many are named, more are counted


class Ending(NamedTuple):
    """How checks end, said of one service and of several; `at` leads to whoever signed it."""

    one: str
    several: str
    at: str = "at"


ENDINGS = {
    "path.idle_dropped": Ending("does not last when idle", "do not last when idle"),
    "path.middlebox_answers": Ending(
        "is answered, likely by something in the target's place",
        "are answered, likely by something in the target's place",
    ),
    "policy.unexpectedly_open": Ending("is open and must not be", "are open and must not be"),
    "tcp.filtered": Ending("gets no answer", "get no answer"),
    "tls.intercepted": Ending("is decrypted on the way", "are decrypted on the way"),
    "tcp.host_down": Ending("is called unreachable", "are called unreachable", "by"),
    "tcp.no_route": Ending("finds no route", "find no route"),
    "tcp.rejected": Ending("is rejected", "are rejected", "by"),
    "tcp.reset_by_firewall": Ending("is reset by a firewall", "are reset by a firewall"),
    "udp.no_answer": Ending("gets no answer", "get no answer"),
    "udp.rejected": Ending("is rejected", "are rejected", "by"),
    "vantage.blocked_locally": Ending(
        "is dropped by the vantage's own firewall", "are dropped by the vantage's own firewall"
    ),
}
SILENT = frozenset({"tcp.filtered", "udp.no_answer"})
ANSWERED = frozenset({"path.middlebox_answers", "tcp.reset_by_firewall"})  # by something behind the hop
LOST = Ending("is lost", "are lost")
FAILS = Ending("fails", "fail")
UNRESOLVED = Ending("is not resolved", "are not resolved")
MISLED = Ending("gets a wrong answer", "get wrong answers")
WRONG = frozenset({"dns.hijacked", "dns.mismatch", "dns.split"})
UNCHECKED = Ending("could not be checked", "could not be checked")
NOT_LISTENING = frozenset({"tcp.refused", "udp.port_closed"})


def listed(names: Iterable[str]) -> str:
    """Names as a sentence has them.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def sentence(checks: Sequence[CheckRecord], census: Census) -> str:
    """What fails and how: `tcp/5432 to all 40 hosts of group db (10.20.0.0/24) is lost after 10.1.0.1`."""
    first = checks[0]
    if len(checks) == 1:
        label = f"{first.label} {first.name}" if first.name else first.label
        return f"{first.target} {label}: {first.summary}{_place_of_one(first)}"
    labels = list(dict.fromkeys(check.label for check in checks))
    hosts = dict.fromkeys(map(host_of, checks))
    services = listed(labels) if len(labels) <= FEW else f"{len(checks):,} checks"
    if (first.cause or "").startswith("dns."):
        return f"{_names(checks)} {_end(checks, len(hosts) > 1)}"
    if is_by_proxy(first):
        return f"{services} {_of_targets(checks)} {_end(checks, len(labels) > 1)}"
    if first.cause in NOT_LISTENING:
        whom = _whom(checks, labels, census)
        if first.cause != "tcp.refused":
            return f"nothing listens on {services} of {whom}"
        verb = "are" if len(labels) > 1 else "is"
        return f"{services} of {whom} {verb} refused there: nothing listens, or a filter refuses"
    if len(hosts) == 1:
        tried = census.tried(Key(first.vantage, By.HOST, host_of(first)))
        named = f" ({listed(labels)})" if len(labels) <= FEW else ""
        of_all = f" of {tried}" if tried >= len(checks) else ""  # what was not sent is not counted
        return f"{len(checks)}{of_all} checks on {_name(checks)}{named} {_end(checks, True)}"
    leads = "to" if len(labels) <= FEW else "of"
    return f"{services} {leads} {_whom(checks, labels, census)} {_end(checks, len(labels) > 1)}"


def _of_targets(checks: Sequence[CheckRecord]) -> str:
    """`of a and b`, `of 12 targets`."""
    targets = list(dict.fromkeys(check.target for check in checks))
    return f"of {listed(targets) if len(targets) <= FEW else f'{len(targets):,} targets'}"


def everywhere(outage: Outage, host: str) -> str:
    """That a vantage reaches nothing, and how it shows."""
    checks = outage.checks
    number = len(checks)
    start = (
        f"nothing at all is reachable from {checks[0].vantage} ({host}): {number:,} of {number:,} checks fail"
    )
    start += f", to {_count(checks)} in {_networks(checks)}"
    causes = Counter(check.cause for check in checks).most_common()
    if len(causes) == 1:
        ends = f"all {_end(checks, True)}"
    else:
        ends = listed(f"{many:,} with {cause}" for cause, many in causes)
        ends += f", all {_place(outage.place, 'at')}" if outage.place else ""
    if outage.silent and not outage.place:
        return f"{start}; {ends}, and no hop on the way answers"
    if outage.place and outage.place.address == outage.first_hop:
        return f"{start}; {ends}, its first hop"
    return f"{start}; {ends}"


def _names(checks: Sequence[CheckRecord]) -> str:
    """`the name db01.acme.example`, `the names of 12 hosts in acme.example`."""
    names = list(dict.fromkeys(check.host for check in checks))
    if len(names) == 1:
        return f"the name {names[0]}"
    if len(names) <= FEW:
        return f"the names {listed(names)}"
    zones = list(dict.fromkeys(name.partition(".")[2] for name in names))
    where = f" in {listed(zones)}" if len(zones) <= FEW and all(zones) else ""
    return f"the names of {len(names):,} hosts{where}"


def _name(checks: Sequence[CheckRecord]) -> str:
    """One host's name: its target's, where it is one target."""
    targets = dict.fromkeys(check.target for check in checks)
    return next(iter(targets)) if len(targets) == 1 else host_of(checks[0])


def _count(checks: Sequence[CheckRecord]) -> str:
    hosts = set(map(host_of, checks))
    return f"{len(hosts):,} host{_s(hosts)}"


def _s(things: Sized) -> str:
    return "" if len(things) == 1 else "s"


def _networks(checks: Sequence[CheckRecord]) -> str:
    found = sorted(set(map(network, checks)), key=lambda name: (len(name), name))
    return listed(found) if len(found) <= FEW else f"{len(found):,} networks"


def _whom(checks: Sequence[CheckRecord], labels: Sequence[str], census: Census) -> str:
    """`all 40 hosts of group db (10.20.0.0/24)`, `12 of 40 hosts of …`, `web01 and web02 in 10.1.2.0/24`."""
    hosts = dict.fromkeys(map(host_of, checks))
    if len(hosts) == 1:
        return _name(checks)
    group = _group(checks)
    tried = 0
    if group and len(labels) == 1 and len(hosts) == len(checks):
        tried = census.tried(Key(checks[0].vantage, By.GROUP_LABEL, group, labels[0]))
    if tried >= len(hosts):
        share = f"all {tried:,}" if tried == len(hosts) else f"{len(hosts):,} of {tried:,}"
        return f"{share} hosts of group {group} ({_networks(checks)})"
    targets = list(dict.fromkeys(check.target for check in checks))
    named = listed(targets) if len(targets) <= FEW else _count(checks)
    return f"{named} in {_networks(checks)}" + (f" (group {group})" if group else "")


def _group(checks: Sequence[CheckRecord]) -> str | None:
    """A group that all of them are in; of several the last, which is the nearest in the inventory."""
    shared = dict.fromkeys(checks[0].groups)
    for check in checks:
        if check.groups != checks[0].groups:
            shared = {group: None for group in shared if group in check.groups}
    return list(shared)[-1] if shared else None


def _end(checks: Sequence[CheckRecord], several: bool) -> str:
    """`is lost after 10.1.0.1`; where the cause says little, what came back."""
    first, place = checks[0], common_place(checks)
    ending = ENDINGS.get(first.cause or "")
    words = ending or _plain_ending(checks)
    if first.cause in SILENT and place:
        words = LOST
    end = words.several if several else words.one
    if all(map(signed_by_target, checks)):
        end += " by the host itself" if len(set(map(host_of, checks))) == 1 else " by the hosts themselves"
    elif first.cause == "tcp.host_down" and all(map(signed_here, checks)):
        end += " by the vantage itself: nobody answers as the next hop"
    elif place and hosts_follow(checks):
        end += f" after {place.address}, the last hop before the host{_s(set(map(host_of, checks)))}"
    elif place:
        end += f" {_place(place, words.at)}"
    elif first.cause == "tcp.no_route":
        end += " on the vantage itself" if first.where is None else ""
    return end if ending else end + _such_as(checks)


def _plain_ending(checks: Sequence[CheckRecord]) -> Ending:
    first = checks[0]
    if all(check.verdict is Verdict.ERROR for check in checks):
        return UNCHECKED
    if first.cause in WRONG:
        return MISLED
    return UNRESOLVED if first.layer is Layer.RESOLVE else FAILS


def _such_as(checks: Sequence[CheckRecord]) -> str:
    """What came back, if it was the same for all; else that of the first that is sure of itself."""
    failed = [check for check in checks if check.verdict is Verdict.FAIL] or list(checks)
    first = next((check for check in failed if check.confidence is Confidence.CERTAIN), failed[0])
    if all(check.summary == first.summary for check in checks):
        return f": {first.summary}"
    return f", such as {first.target}: {first.summary}"


def _place(place: Place, at: str) -> str:
    """`by 10.1.0.1`, `after 10.1.0.1, before 10.2.0.1`."""
    if place.cycle:
        return f"between {' and '.join(place.cycle)}"
    before = f", before {place.before}" if place.before else ""
    return f"{at if place.relation == 'at' else place.relation} {place.address}{before}"


def _place_of_one(check: CheckRecord) -> str:
    """The place, unless the summary names it already, as that of a rejection does its sender."""
    where = check.where
    if where is None or (where.address in check.summary and not where.cycle):
        return ""
    if follows_at_once(check):
        return f", {_ended(check)}after {where.address}, the last hop before the host"
    return f", {_ended(check) if where.relation == 'after' else ''}{_place(where, 'at')}"


def _ended(check: CheckRecord) -> str:
    """How a flow ends behind a hop: `lost ` only where nothing came back, `answered ` where something did."""
    if check.cause in SILENT:
        return "lost "
    return "answered " if check.cause in ANSWERED else ""
