"""Ways that are not one way: flows that open by turns, routing loops, routes said to be missing. Pure."""

from __future__ import annotations

from netcheck.diagnosis.found import Traced
from netcheck.diagnosis.judgement import Judgement, also, likely, with_cause
from netcheck.record import Place, Trace
from probes.contract import Confidence
from probes.path.route import Route, cycle

ON_ONE_OF_SEVERAL = "there is more than one path, and which one a SYN takes depends on its ports"
NO_CYCLE = "no trace shows who sends it round: who said so last depends on the time to live it began with"
MAYBE_ROUTED = (
    "another port of the same address gets an RST: if that is the target's, there is a route, and a rule"
)


def by_turns(judgement: Judgement, route: Route) -> Judgement:
    """The looks failed, and SYNs of the trace were answered by a handshake: it opens now and then."""
    one = route.opened == 1
    opened = f"{'one SYN' if one else f'{route.opened} SYNs'} of the trace {'was' if one else 'were'}"
    return with_cause(
        judgement,
        "path.unstable",
        f"{judgement.summary}; and yet {opened} answered by a handshake",
        Confidence.LIKELY,
        f"{opened} answered by a handshake, of {route.syns}; none was completed",
        *((ON_ONE_OF_SEVERAL,) if route.ecmp else ()),
    )


def circling(judgement: Judgement, route: Route) -> tuple[Judgement, Place | None]:
    """Who sends a packet round; whoever said that its time was up did so by chance."""
    members = cycle(route.hops)
    if not members:
        return also(judgement, NO_CYCLE), None
    first = next(hop.ttl for hop in route.hops if hop.address == members[0])
    told = also(judgement, f"from hop {first} on {' and '.join(members)} answer by turns: they send it round")
    return told, Place("at", members[0], cycle=members)


def sent_round(trace: Trace) -> tuple[str, ...]:
    """Who sends a packet round, as the record of its trace shows it."""
    return cycle(trace.hops)


def goes_round(route: Route) -> bool:
    """Whether the way itself shows a loop: a hop three times. Two paths of other lengths show one twice."""
    members = cycle(route.hops)
    return bool(members) and not route.ecmp and [hop.address for hop in route.hops].count(members[0]) > 2


def no_route(judgement: Judgement, traced: Traced) -> Judgement:
    """A router says that it has no route. If it has one, it is this port that it rejects."""
    if judgement.confidence is not Confidence.CERTAIN:
        return judgement
    if traced.routed or any(one.served for one in traced.controls):
        from_beyond = "gets an RST from beyond who says so" if traced.routed else "answers"
        why = (
            f"another port of the same address {from_beyond}, so there is a route: a rule says so of this one"
        )
        return with_cause(judgement, "tcp.rejected", judgement.summary, Confidence.LIKELY, why)
    refused = any(one.varied == "port" and one.cause == "tcp.refused" for one in traced.controls)
    return likely(judgement, MAYBE_ROUTED) if refused else judgement
