"""What to do about a finding: a sentence, then the flows to open, one line an owner. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from netcheck.check import TO_SAAS
from netcheck.diagnosis import catalogue
from netcheck.diagnosis.facts import issuer, known_publicly
from netcheck.diagnosis.findings.census import Census
from netcheck.diagnosis.findings.flows import BLOCKED, OPENED, compressed, lines
from netcheck.diagnosis.findings.signs import (
    DECRYPTED,
    answered_beside,
    common_place,
    host_of,
    hosts_follow,
    is_by_proxy,
    is_decrypted,
    is_of_the_service,
    signed_by_target,
    signed_here,
)
from netcheck.diagnosis.findings.vantage import Outage
from netcheck.diagnosis.policy import BLOCKING
from netcheck.record import CheckRecord
from probes.contract import Confidence
from probes.urls import asked_name
from probes.words import few

# These say no device: silence may be that of a host that is down.
SILENT = frozenset({"tcp.filtered"})
IN_ITS_NAME = "If it runs, look for a firewall on the way that refuses in its name."
# Beside what a rule repairs: the way itself is at fault, and not what is at its end.
OF_THE_WAY = OPENED | {
    "dns.hijacked",
    "http.blocked_by_proxy",
    "http.captive_portal",
    "path.idle_dropped",
    "path.mtu_blackhole",
    "proxy.auth_required",
    "proxy.refused",
    "proxy.unreachable",
    "tcp.no_route",
    "tls.intercepted",
    "ws.upgrade_blocked",
}
# Nobody is named for these unless it is known whose clock, or dates, are wrong.
WHOSE_CLOCK = ("clock.skew", "tls.not_yet_valid")
FEW_NAMES = 3
SHORT = 70  # characters of a flow


def advice(checks: Sequence[CheckRecord], census: Census, here: str) -> str:
    """The check's own advice, or for several what all of them need; further lines are flows.

    `here` is how our end is called where no check knows its own address.
    """
    first = checks[0]
    if first.expect == "blocked" and first.cause not in BLOCKED:
        return first.advice if first.advice and first.cause in BLOCKING else _of_catalogue(checks, here)
    if is_decrypted(first):
        return exemption(checks, here)
    if len(checks) == 1 and first.advice and len(first.addresses) < 2:
        return f"{first.advice}{_doubt(checks)}"
    down = [check for check in checks if not (census.has_answered(check) or answered_beside(check))]
    if first.cause in SILENT and down:
        return _with_flows(
            "Open", checks, here, f"{_device(checks, here)}, and make sure that the hosts are up"
        )
    if first.cause == "path.middlebox_answers":  # who answers in the targets' name may hide more than a rule
        return "\n".join([f"{_of_catalogue(checks, here)} Below are the flows.", *lines(checks, here)])
    if first.cause in OPENED:
        return _with_flows("Open", checks, here, _device(checks, here))
    if is_by_proxy(first):
        services, below = _listed(f"{check.host}:{check.port}" for check in checks)
        return "\n".join([_of_catalogue(checks, here, services), *below])
    if first.cause in BLOCKED:
        return _with_flows("Block", checks, here, "in the firewall, or correct `expect` in the inventory")
    return _of_catalogue(checks, here)


def exemption(checks: Sequence[CheckRecord], here: str) -> str:
    """What the proxy's people are asked for: the names as they have to enter them, and from where."""
    named = ((asked_name(check.settings, check.host), check.port) for check in checks)
    names, below = _listed(f"{name}:{port}" for name, port in named)
    sources = list(dict.fromkeys(check.source.address for check in checks if check.source)) or [here]
    decrypted = [check for check in checks if check.cause == DECRYPTED]  # of others a good one is known
    device = catalogue.decrypting(issuer(decrypted[0].facts) if decrypted else None)
    return "\n".join([f"Exempt {names} from TLS inspection for {few(sources)}, on {device}.", *below])


def _listed(services: Iterable[str]) -> tuple[str, list[str]]:
    """The services as a sentence names them, and the line that lists them below it, where they are many."""
    names = list(dict.fromkeys(services))
    if len(names) <= FEW_NAMES:
        return ", ".join(names), []
    return f"the {len(names)} services below", [", ".join(names)]


def is_of_the_way(cause: str) -> bool:
    """Whether the network's people have to look, and not the owners of the targets."""
    return cause in OF_THE_WAY


def of_outage(outage: Outage, census: Census, here: str) -> str:
    """Look close by first; where it is known where all of it ends, the flows that end there."""
    first = outage.checks[0]
    wanted = [check for check in outage.checks if check.expect != "blocked"]
    one_cause = all(check.cause == first.cause for check in wanted)
    further_out = outage.place is not None and not (outage.at_once or outage.silent or outage.local)
    if wanted and one_cause and (further_out or outage.cause.startswith("vantage.")):
        return advice(wanted, census, here)
    hop = f" (first hop {outage.first_hop})" if outage.first_hop else ""
    own = f"Look at the connection of {first.vantage} ({here}) itself first"
    look = f"{own}: link, address, default route{hop}"
    opened = [check for check in wanted if check.cause in OPENED and check.where]
    if not opened:
        return f"{look}."
    return "\n".join([f"{look}; if a firewall stops it there, open the flows below.", *lines(opened, here)])


def _device(checks: Sequence[CheckRecord], here: str) -> str:
    """Where: the device that signed, what follows the last hop that answers, or all there is on the way."""
    if checks[0].cause == "vantage.blocked_locally":
        return f"in the firewall of {checks[0].vantage} ({here}) itself"
    if all(map(signed_by_target, checks)):
        return "in the hosts' own firewalls"
    place = common_place(checks)
    if place is None:
        return "in the firewalls on the way"
    if place.relation == "at":
        return f"on {place.address}, which turns them away"
    if hosts_follow(checks):
        return f"on {place.address}, in the hosts' own filters or between them"
    if place.before:
        return f"on {place.address}, on {place.before} or between them"
    return f"on {place.address} or what follows it"


def _with_flows(verb: str, checks: Sequence[CheckRecord], here: str, device: str) -> str:
    """One short flow stands in the sentence itself; others below it."""
    flows = lines(checks, here)
    if len(flows) == 1 and len(flows[0]) <= SHORT and ";" not in flows[0]:
        return f"{verb} {flows[0]} {device}."
    return "\n".join([f"{verb} the flows below {device}.", *flows])


def _of_catalogue(checks: Sequence[CheckRecord], here: str, services: str | None = None) -> str:
    """The code's own advice, with all of them named; `services` in other words than one by one."""
    first = checks[0]
    assert first.cause is not None
    ports = ", ".join(dict.fromkeys(str(check.port) for check in checks if check.port))
    addresses = list(dict.fromkeys(map(host_of, checks)))
    spans = compressed(addresses) if len(addresses) < 1000 else ""
    about = catalogue.About(
        target=_few(check.target for check in checks),
        host=_few(check.host for check in checks),
        name=_few(asked_name(check.settings, check.host) for check in checks),
        address=spans if 0 < len(spans) < 80 else few(addresses),
        port=ports or None,
        services=services or _few(catalogue.service(check.host, check.port) for check in checks),
        probe=", ".join(dict.fromkeys(check.probe for check in checks)),
        source=next((check.source.address for check in checks if check.source), here),
        where=common_place(checks),
        alive=all(any(control.served for control in check.controls) for check in checks),
        here=all(map(signed_here, checks)) or _whose(checks) == {"operator"},
        there=_is_there(checks),
        public=all(check.flow in TO_SAAS or check.settings.get("public") for check in checks),
        vouched=all(known_publicly(check.facts) for check in checks),
        signer=_one(issuer(check.facts) for check in checks),
    )
    return catalogue.entry(first.cause).advice(about) + _doubt(checks)


def _few(names: Iterable[str]) -> str:
    return few(list(dict.fromkeys(names)))


def _one(names: Iterable[str | None]) -> str | None:
    """What all of them are called; None where they differ."""
    found = set(names)
    return found.pop() if len(found) == 1 else None


def _whose(checks: Sequence[CheckRecord]) -> set[str | None]:
    """Whose clocks are wrong, where that is the cause."""
    return {check.responsible if check.cause == "clock.skew" else None for check in checks}


def _is_there(checks: Sequence[CheckRecord]) -> bool:
    """Whether the fault is known to be the other end's: it spoke where nobody else can, or who acts tells."""
    if checks[0].cause in WHOSE_CLOCK:
        return _whose(checks) <= {"customer", "vendor"}
    return all(map(is_of_the_service, checks))


def _doubt(checks: Sequence[CheckRecord]) -> str:
    """What else to look at where nothing tells who sent an RST."""
    unsure = any(c.cause == "tcp.refused" and c.confidence is not Confidence.CERTAIN for c in checks)
    return f" {IN_ITS_NAME}" if unsure else ""
