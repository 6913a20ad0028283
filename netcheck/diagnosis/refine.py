"""What traces and experiments make of a judgement: a truer cause, how sure it is, and the place. Pure."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from netcheck.diagnosis.answered import CONNECTED, FIRST, answered_for, answered_nearer, answering
from netcheck.diagnosis.ascents import looping, signed_by_itself
from netcheck.diagnosis.drawn import drawn
from netcheck.diagnosis.found import Found, Known, Patient, Stalled, Traced
from netcheck.diagnosis.judgement import Judgement, also, likely, with_cause
from netcheck.diagnosis.places import lost_after
from netcheck.diagnosis.sizes import size_controls, too_big
from netcheck.diagnosis.varied import Varied
from netcheck.diagnosis.ways import by_turns, circling, goes_round, no_route
from netcheck.record import Control, Place, Trace
from probes.causes import LOOP, explain
from probes.codes import Failed
from probes.contract import NOTHING, Confidence, Layer, Verdict
from probes.net.base import ConnectFailed, Reply
from probes.path.route import Route
from probes.words import duration_words, icmp_words

UNSURE = "routers here send few answers and could not all be asked again: it may get further than that"
NOT_AGAIN = "three more SYNs met no such answer, or only one"
ONE_BY_ONE = "three more SYNs are answered one by one, as by a rule: a router that tries gives all up at once"
OTHERS_SWALLOWED = "this host itself drops answers of other flows; whether of this one too can't be told"
AT_ONE_MOMENT = "three more SYNs, sent one after the other, are answered at one moment: a router has tried"
OTHER_PATH = "the hops that answered before it may be on another of the paths: where it was sent is not known"
# What an unreachable host looks like: to the looks, or to the trace alone where the looks heard nothing.
CALLED_DOWN = ("tcp.host_down", "tcp.rejected", "tcp.filtered")
NEAR = "before the first hop that answers: by a rule of this very host, or the first router"


class Refined(NamedTuple):
    """A judgement with all that is known of its place. `where` None: who signed a rejection says it."""

    judgement: Judgement
    trace: Trace | None = None
    where: Place | None = None
    controls: tuple[Control, ...] = ()


def refine(judgement: Judgement, found: Found, names: Mapping[str, str] = NOTHING) -> Refined:
    """The judgement in the light of what was found. `names` are the hops' reverse names."""
    refined = with_varied(_refined(judgement, found, names), found.varied)
    if found.swallowed is None and judgement.cause == "tcp.filtered":
        told = also(refined.judgement, OTHERS_SWALLOWED)._replace(confidence=Confidence.UNDETERMINED)
        return refined._replace(judgement=told)
    return refined


def with_varied(refined: Refined, varied: Iterable[Varied]) -> Refined:
    """The same in the light of what was tried with one thing changed."""
    for one in varied:
        told = one.explain(refined.judgement)
        refined = refined._replace(judgement=told, controls=(*refined.controls, *one.controls))
    return refined


def _refined(judgement: Judgement, found: Found, names: Mapping[str, str]) -> Refined:
    if found.swallowed and judgement.cause == "tcp.filtered":
        return Refined(_swallowed(judgement))
    if found.patient is not None and judgement.cause in CALLED_DOWN:
        judgement = _tried(judgement, found.patient)
    if found.stalled is not None and found.stalled.anybody and found.traced is not None:
        return with_way(_by_experiment(judgement, found.stalled), found.traced, names)
    if found.traced is not None:
        refined = _by_trace(judgement, found.traced)
        if refined.where is None and found.patient is not None and judgement.main.signed_by is None:
            refined = refined._replace(where=_said_by(found.patient))
        return refined._replace(trace=drawn(found.traced, refined.judgement, names))
    if found.known is not None and judgement.cause == "tcp.filtered":
        return _by_neighbours(judgement, found.known)
    if found.stalled is not None:
        return _by_experiment(judgement, found.stalled)
    return Refined(judgement)


def with_way(refined: Refined, traced: Traced | None, names: Mapping[str, str] = NOTHING) -> Refined:
    """A flow that connects, with its way. Who completes everybody's handshakes stands after the last hop."""
    if traced is None:
        return refined
    if traced.nearer is not None and refined.judgement.cause is None and refined.judgement.verdict.works:
        refined = refined._replace(
            judgement=answered_nearer(refined.judgement, traced.nearer, traced.route.reach)
        )
    shown = drawn(traced, refined.judgement, names)
    last, reach = traced.route.last, traced.route.reach
    if refined.judgement.cause != CONNECTED or reach is None:
        return refined._replace(trace=shown)
    if last is None:
        near = (
            FIRST
            if reach == 1
            else f"the handshake is completed at TTL {reach}, and no hop before it answers"
        )
        return refined._replace(judgement=also(refined.judgement, near), trace=shown)
    told = also(refined.judgement, f"the handshake is completed after hop {last.ttl}, {last.address}")
    return refined._replace(judgement=told, trace=shown, where=lost_after(traced.route, None))


def _swallowed(judgement: Judgement) -> Judgement:
    """Something answers, and a rule of this very host drops what comes."""
    summary = "something answers, and a rule of this host itself drops what comes back"
    proof = "each of six SYNs brought packets that the kernel received and handed to nobody"
    told = with_cause(judgement, "vantage.blocked_locally", summary, Confidence.LIKELY, proof)
    return told._replace(verdict=Verdict.ERROR)


def _by_trace(judgement: Judgement, traced: Traced) -> Refined:
    shown = tuple(control.summary for control in traced.controls)
    if judgement.verdict is not Verdict.FAIL:
        return Refined(judgement, controls=traced.controls)
    if judgement.layer is Layer.CONNECT and traced.route.opened:
        refined = Refined(by_turns(judgement, traced.route))
    elif judgement.cause == "tcp.refused":
        refined = _refused(judgement, traced)
    elif judgement.cause == "tcp.filtered":
        refined = _silent(judgement, traced)
    elif judgement.cause == "path.some_addresses_dead":
        refined = _one_dead(judgement, traced)
    elif judgement.cause == "tcp.no_route" and looping(judgement.main):
        refined = _round(judgement, traced.route)
    elif judgement.cause == "tcp.no_route" and judgement.main.signed_by:
        refined = Refined(no_route(judgement, traced))
    else:
        refined = Refined(_by_whom(judgement, traced))
    told = also(refined.judgement, *shown)
    return refined._replace(judgement=told, controls=traced.controls)


def _by_whom(judgement: Judgement, traced: Traced) -> Judgement:
    """A rejection signed with the target's own address is not surely its own where that address forwards."""
    address = judgement.main.address or ""
    if not (signed_by_itself(judgement.main) and traced.route.forwards(address)):
        return judgement
    return likely(judgement, f"{address} forwards as well: it may sign for a firewall that is behind it")


def _round(judgement: Judgement, route: Route) -> Refined:
    told, where = circling(judgement, route)
    return Refined(told, where=where)


def _refused(judgement: Judgement, traced: Traced) -> Refined:
    sender = traced.sender
    if sender is None:
        return Refined(judgement._replace(confidence=Confidence.LIKELY))
    if sender.by_target is not False:
        told = also(judgement, *sender.evidence)
        return Refined(told._replace(confidence=sender.confidence))
    last, several = traced.route.last, traced.route.ecmp
    near = f"from {f'right after {last.address}' if last else NEAR}"
    told = with_cause(
        judgement,
        "tcp.reset_by_firewall",
        f"an RST that the target did not send, {'on one of several paths' if several else near}",
        sender.confidence if last and not several else Confidence.UNDETERMINED,
        *sender.evidence,
        *((OTHER_PATH,) if several else ()),
    )
    return Refined(told, where=None if several else lost_after(traced.route, traced.before))


def _silent(judgement: Judgement, traced: Traced) -> Refined:
    route, end = traced.route, traced.route.end
    if end is None and goes_round(route):
        summary = f"{LOOP}, and nobody was heard to say that its time to live was up"
        return _round(with_cause(judgement, "tcp.no_route", summary, Confidence.LIKELY), route)
    if end is None:
        told = also(judgement, _silence(route))
        if traced.unsure:
            told = also(told, UNSURE)._replace(confidence=Confidence.LIKELY)
        return Refined(told, where=lost_after(route, traced.before))
    if end.kind == "rejected":
        return _unheard(judgement, end)
    doubt = "a SYN of the trace was answered by an RST: silence is not the whole story"
    return Refined(also(judgement, doubt)._replace(confidence=Confidence.LIKELY))


def _one_dead(judgement: Judgement, traced: Traced) -> Refined:
    """One of several addresses, followed to where it is lost."""
    if traced.route.end is not None:
        return Refined(judgement)
    told = also(judgement, f"of those that failed one was traced: {_silence(traced.route)}")
    return Refined(told, where=lost_after(traced.route, traced.before))


def _silence(route: Route) -> str:
    if route.last is None:
        return "no router answers on the way, not even the first: the place is not known"
    split = ", on one of several paths" if route.ecmp else ""
    asked = "; hops that limit their answers were asked again" if route.limited else ""
    return f"hop {route.last.ttl}, {route.last.address}, answers, nothing after it does{split}{asked}"


def _tried(judgement: Judgement, patient: Patient) -> Judgement:
    """A host that was called unreachable: by a rule at once, or after a router has tried?"""
    down = judgement.cause == "tcp.host_down"
    if patient.tried is None:
        sure = judgement.confidence is Confidence.CERTAIN
        return likely(judgement, NOT_AGAIN) if down and sure else judgement
    if not patient.tried:
        told = with_cause(judgement, "tcp.rejected", judgement.summary, Confidence.LIKELY, ONE_BY_ONE)
        return told if down else also(judgement, ONE_BY_ONE)
    if down:
        return also(judgement, AT_ONE_MOMENT)._replace(confidence=Confidence.CERTAIN)
    icmp = patient.reply.icmp
    summary = f"{icmp_words(icmp)} after {duration_words(patient.reply.rtt or 0.0)}" if icmp else ""
    return with_cause(judgement, "tcp.host_down", summary, Confidence.CERTAIN, AT_ONE_MOMENT)


def _said_by(patient: Patient) -> Place | None:
    """Who gave up at one moment all that waited, where the looks themselves had heard nobody."""
    return Place("at", patient.reply.icmp.sender) if patient.tried and patient.reply.icmp else None


def named(end: Reply, address: str | None = None) -> Failed:
    """The cause of a rejection that a single SYN to this address met."""
    rejection = ConnectFailed(errno.EHOSTUNREACH, icmp=end.icmp, elapsed=end.rtt or 0.0)
    return explain(Layer.CONNECT, rejection, address)


def _unheard(judgement: Judgement, end: Reply) -> Refined:
    """The looks heard nothing, the trace a rejection: routers send few ICMP errors a second."""
    failed = named(end, judgement.main.address)
    # A single answer's time does not tell a router that has tried: it may answer a repeat of the SYN.
    sure = Confidence.LIKELY if failed.cause == "tcp.host_down" else failed.confidence
    summary = f"{failed.summary}, heard by the trace"
    told = with_cause(judgement, failed.cause, summary, sure, *failed.evidence)
    return Refined(told, where=Place("at", failed.signed_by) if failed.signed_by else None)


def _by_neighbours(judgement: Judgement, known: Known) -> Refined:
    sentence = f"not traced itself; its neighbours in the network are lost there, such as {known.by}"
    told = also(judgement, sentence)._replace(confidence=Confidence.LIKELY)
    return Refined(told, Trace("sibling"), known.place)


def _late(judgement: Judgement, seconds: float) -> Judgement:
    """It speaks after all: a server that looks our address up first is slow, and not mute."""
    took = duration_words(seconds)
    return with_cause(
        judgement,
        "protocol.slow",
        f"it speaks after {took} only: perhaps its reverse lookup of our address (UseDNS) is slow",
        Confidence.CERTAIN,
        f"waited for longer, the server's identification came after {took}",
    )


def _by_experiment(judgement: Judgement, stalled: Stalled) -> Refined:
    controls = answering(stalled)
    if stalled.anybody:
        return Refined(answered_for(judgement, stalled), controls=controls)
    if stalled.late is not None:
        return Refined(_late(judgement, stalled.late), controls=controls)
    if stalled.sizes is None:
        return Refined(judgement, controls=controls)
    told = too_big(judgement, stalled.sizes)
    address = judgement.main.address or ""
    return Refined(told, controls=(*controls, *size_controls(stalled.sizes, address)))
