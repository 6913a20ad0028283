"""What works beside a failure: the evidence that narrows it down. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from netcheck.check import TO_SAAS
from netcheck.diagnosis.facts import works_through as declared
from netcheck.diagnosis.findings.census import By, Census, Key, Passing
from netcheck.diagnosis.findings.signs import host_of, local, network, works_through
from netcheck.record import CheckRecord
from probes.words import few

MOST = 2  # clauses: the sentence is to be read at a glance
FEW_NETWORKS = 3
# Of these the way is in question; of an answer, that the neighbour gives a better one says nothing.
OF_THE_WAY = ("tcp", "path", "udp")
NAMES_ONLY = ("dns",)  # that a resolver answers shows nothing of the host


def contrast(checks: Sequence[CheckRecord], census: Census) -> list[str]:
    """Clauses about what passes, the most telling first."""
    if local(checks[0]):
        return []
    found = [elsewhere(checks, census), _through_proxy(checks)]
    if checks[0].cause == "tls.intercepted":
        found.append(_exempt(checks, census))
    if (checks[0].cause or "").partition(".")[0] in OF_THE_WAY:
        found += [_same_hosts(checks, census), _same_service(checks, census)]
        if not any(found):
            found += [_neighbours(checks, census) or _dead_network(checks, census)]
    return [clause for clause in found if clause][:MOST]


def _through_proxy(checks: Sequence[CheckRecord]) -> str:
    """Through a proxy they work; of one check its own summary says it."""
    proxies = [works_through(check) for check in checks]
    if not all(proxies) or (len(checks) == 1 and declared(checks[0].facts)):
        return ""
    named = few([str(proxy) for proxy in dict.fromkeys(proxies)])
    service = all(check.flow in TO_SAAS for check in checks)
    unsupported = ", which the vendor does not support" if service else ""
    return f"through the proxy {named} {'it works' if len(checks) == 1 else 'they work'}{unsupported}"


def _exempt(checks: Sequence[CheckRecord], census: Census) -> str:
    """Which public names are not decrypted from there."""
    names = list(census.exempt.get(checks[0].vantage, ()))
    return f"not decrypted: {few(names)}" if names else "no public name that was tried is left undecrypted"


def elsewhere(checks: Sequence[CheckRecord], census: Census) -> str:
    """From another vantage the same passes: it is the way from here. Empty where none does."""
    vantages = Counter(
        vantage
        for check in checks
        for vantage in census.elsewhere.get((host_of(check), check.label), ())
        if vantage != check.vantage
    )
    if not vantages:
        return ""
    [(vantage, number)] = vantages.most_common(1)
    return f"from {vantage} {_part(number, len(checks), 'the same passes', 'of them pass')}"


def _part(number: int, total: int, all_of_it: str, some: str) -> str:
    return all_of_it if number == total else f"{number:,} {some}"


def _same_hosts(checks: Sequence[CheckRecord], census: Census) -> str:
    """Another service of the same hosts passes: they are up, and there is a way to them."""
    hosts = dict.fromkeys((check.vantage, host_of(check)) for check in checks)
    failing = {(check.vantage, host_of(check), check.label) for check in checks}
    passing = Counter(
        label
        for host in hosts
        for label in census.services.get(host, ())
        if (*host, label) not in failing and label not in NAMES_ONLY
    )
    if not passing:
        return ""
    [(label, number)] = passing.most_common(1)
    if number < len(hosts):
        return f"{label} passes on {number:,} of these hosts"
    return f"{label} of the same host{'' if len(hosts) == 1 else 's'} passes"


def _same_service(checks: Sequence[CheckRecord], census: Census) -> str:
    """The same service passes on other hosts of the same network, or else of the same group."""
    vantage, label = checks[0].vantage, checks[0].label
    if any(check.label != label for check in checks):
        return ""
    networks = dict.fromkeys(map(network, checks))
    if found := _passing([Key(vantage, By.NETWORK_LABEL, one, label) for one in networks], census):
        return f"{label} passes on {found[1]} {_there(networks)}"
    for group in reversed(checks[0].groups):
        if found := _passing([Key(vantage, By.GROUP_LABEL, group, label)], census):
            return f"{label} passes on {found[1]} of group {group}"
    return ""


def _neighbours(checks: Sequence[CheckRecord], census: Census) -> str:
    """At least something passes in the same network; of many networks that says little."""
    networks = dict.fromkeys(map(network, checks))
    found = _passing([Key(checks[0].vantage, By.NETWORK, one) for one in networks], census)
    if not found or len(networks) > FEW_NETWORKS:
        return ""
    number, target = found
    if number == 1:
        return f"{target} {_there(networks)} passes"
    return f"{number:,} checks of other hosts {_there(networks)} pass"


def _there(networks: Collection[str]) -> str:
    return "in the same network" if len(networks) == 1 else "in the same networks"


def _passing(keys: Sequence[Key], census: Census) -> tuple[int, str] | None:
    """How many pass, and that in words: the one target's name, or so many others; None where none does."""
    found: list[Passing] = [census.passing[key] for key in keys if key in census.passing]
    number = sum(one.number for one in found)
    if number == 0:
        return None
    return number, found[0].target if number == 1 else f"{number:,} others"


def _dead_network(checks: Sequence[CheckRecord], census: Census) -> str:
    """No contrast at all: nothing that was tried in the network answered."""
    networks = {network(check) for check in checks}
    hosts = {host_of(check) for check in checks}
    if len(networks) > 1 or len(hosts) < 2 or (checks[0].vantage, *networks) in census.answering:
        return ""
    return f"nothing that was tried in {networks.pop()} answers"
