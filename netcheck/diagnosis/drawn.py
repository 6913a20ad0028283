"""The route of a flow as the record shows it: no more than its trace tells. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from netcheck.diagnosis.answered import CONNECTED
from netcheck.diagnosis.found import Traced
from netcheck.diagnosis.judgement import Judgement
from netcheck.record import Trace
from probes.net.base import Reply
from probes.path.route import Hop, Route
from probes.path.trace import REPEAT


def drawn(traced: Traced, judgement: Judgement, names: Mapping[str, str]) -> Trace:
    """The route as it is shown: the hops, and who ended the flow where that is known.

    A rejection that is first heard behind hops that say nothing tells no distance: routers send few ICMP
    errors, and one before may have gone unheard. Nor does it on one of many paths. `Place` has its signer.
    """
    route, end = traced.route, traced.route.end
    hops = [Hop(hop.ttl, hop.address, names.get(hop.address or ""), _trip(hop.rtt)) for hop in route.hops]
    if (
        end is not None
        and end.kind == "rejected"
        and (_is_gap(hops) or _by_another_path(end, judgement, route))
    ):
        heard = max((hop.ttl for hop in hops if hop.address), default=0)
        return Trace("tcp-ttl", tuple(hops[:heard]), route.ecmp)
    ended_by = None
    if end is not None and end.icmp is not None:
        ended_by = None if end.icmp.own else end.icmp.sender  # this very host is no hop
    elif end is not None and not _by_somebody(end, judgement):
        ended_by = judgement.main.address
    if ended_by is not None and route.reach is not None and ended_by not in [hop.address for hop in hops]:
        rtt = end.rtt if end is not None else None
        hops.append(Hop(route.reach, ended_by, names.get(ended_by), _trip(rtt)))
    return Trace("tcp-ttl", tuple(hops), route.ecmp)


def _trip(rtt: float | None) -> float | None:
    """The round trip, unless the kernel had repeated the SYN by then: either may have been answered."""
    return None if rtt is None or rtt >= REPEAT else rtt


def _is_gap(hops: list[Hop]) -> bool:
    return bool(hops) and hops[-1].address is None


def _by_another_path(end: Reply, judgement: Judgement, route: Route) -> bool:
    """Whether a router signed the rejection that need not be on the path of those who answered before."""
    sender = end.icmp.sender if end.icmp else None
    return (route.ecmp or route.opened > 0) and sender != judgement.main.address


def _by_somebody(end: Reply, judgement: Judgement) -> bool:
    """Whether what ended the flow in the target's name is not known to be the target's."""
    by_turns = judgement.cause == "path.unstable" and end.kind == "refused"
    return by_turns or judgement.cause in ("tcp.reset_by_firewall", CONNECTED)
