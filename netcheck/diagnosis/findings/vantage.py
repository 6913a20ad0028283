"""A vantage that reaches nothing at all: its own finding, not one for each of its targets. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from netcheck.diagnosis.findings.census import Census
from netcheck.diagnosis.findings.signs import common_place, local, network, signed_here, unsent
from netcheck.record import CheckRecord, Place
from probes.contract import Verdict

TARGETS = 3  # fewer that fail say nothing about the vantage


class Outage(NamedTuple):
    """All that one vantage tried, none of it answered.

    `cause` is the commonest, `place` where all of it ends, if that is one place. `first_hop` is the first
    router, if any trace heard it; `at_once`: it is close by, here or at the first hop;
    `silent`: no hop answered, though routes were traced or the next hop was asked for; `local`: this machine
    itself says so, by its own refusals or because nobody answers it as the next hop.
    """

    checks: tuple[CheckRecord, ...]
    cause: str
    place: Place | None
    first_hop: str | None
    at_once: bool
    silent: bool
    local: bool

    @property
    def responsible(self) -> str:
        """The operator where this machine itself says so; else whom all the records name.

        Without a hop that answers nobody knows how far the packets went: the routers of some networks, as in
        clouds, never answer.
        """
        if self.local:
            return "operator"
        if self.place is None and self.first_hop is None:
            return "undetermined"
        named = {check.responsible for check in self.checks}
        return (named.pop() or "undetermined") if len(named) == 1 else "undetermined"


def outages(checks: Iterable[CheckRecord], census: Census) -> dict[str, Outage]:
    """The vantages, by name, from which nothing answered, where that is more than a few targets' doing."""
    reaching = {vantage for vantage, _ in census.answering}
    tried: dict[str, list[CheckRecord]] = {}
    for check in checks:
        if (
            check.vantage not in reaching
            and check.verdict in (Verdict.FAIL, Verdict.ERROR)
            and not unsent(check)
        ):
            tried.setdefault(check.vantage, []).append(check)
    found = {vantage: _outage(those) for vantage, those in tried.items()}
    return {vantage: outage for vantage, outage in found.items() if _is_everywhere(outage)}


def _outage(checks: list[CheckRecord]) -> Outage:
    heard = [hop for check in checks if check.trace for hop in check.trace.hops if hop.address]
    first_hops = Counter(hop.address for hop in heard if hop.ttl == 1).most_common(1)
    first_hop = first_hops[0][0] if first_hops else None
    places = {check.where.address for check in checks if check.where and not signed_here(check)}
    asked = any(signed_here(check) or (check.trace and check.trace.method == "tcp-ttl") for check in checks)
    silent = asked and not heard and not places
    here = all(local(check) for check in checks)
    return Outage(
        checks=tuple(checks),
        cause=Counter(check.cause or "" for check in checks).most_common(1)[0][0],
        place=common_place(checks),
        first_hop=first_hop,
        at_once=here or places == {first_hop},
        silent=silent,
        local=all(local(check) or signed_here(check) for check in checks),
    )


def _is_everywhere(outage: Outage) -> bool:
    """Several targets, all lost on the doorstep, or in several networks with nothing that tells them apart.

    One port to one network that ends at the first hop may be the rule of a firewall there, and no more.
    Different places further out are different faults: packets get out of the vantage, and errors come back.
    Where a name was not resolved nothing was sent, so that this says nothing about the way.
    """
    sent = [check for check in outage.checks if not (check.cause or "").startswith("dns.")]
    if len({check.target for check in sent}) < TARGETS or any(map(_looked_for, sent)):
        return False
    if all(map(local, sent)):
        return True
    networks = len({network(check) for check in sent})
    if outage.at_once:  # not so where no hop was heard: in the vantage's own network there is none
        return networks > 1 or len({check.label for check in sent}) > 1
    one_place = outage.place is not None or all(check.where is None or signed_here(check) for check in sent)
    return one_place and networks > 1


def _looked_for(check: CheckRecord) -> bool:
    """Whether a router looked for the host in its own network: the way goes as far as that."""
    return check.cause == "tcp.host_down" and check.where is not None and not signed_here(check)
