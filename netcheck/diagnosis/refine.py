"""What traces and experiments make of a judgement: a truer cause, how sure it is, and the place. Pure."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import NamedTuple

from netcheck.diagnosis.answered import CONNECTED, FIRST, answered_for, answering
from netcheck.diagnosis.ascents import signed_by_itself
from netcheck.diagnosis.found import Found, Known, Patient, Sizes, Stalled, Traced
from netcheck.diagnosis.judgement import Judgement, also, likely, with_cause
from netcheck.diagnosis.places import lost_after
from netcheck.record import Control, Place, Trace
from probes.causes import explain
from probes.codes import Failed
from probes.contract import NOTHING, Confidence, Layer, Verdict
from probes.net.base import ConnectFailed, Reply
from probes.path import mtu
from probes.path.route import Hop, Route
from probes.words import duration_words, icmp_words

UNSURE = "routers here send few answers and could not all be asked again: it may get further than that"
NOT_AGAIN = "three more SYNs met no such answer, or only one"
ONE_BY_ONE = "three more SYNs are answered one by one, as by a rule: a router that tries gives all up at once"
OTHERS_SWALLOWED = "this host itself drops answers of other flows; whether of this one too can't be told"
AT_ONE_MOMENT = "three more SYNs, sent one after the other, are answered at one moment: a router has tried"
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
    refined = _refined(judgement, found, names)
    if found.swallowed is None and judgement.cause == "tcp.filtered":
        told = also(refined.judgement, OTHERS_SWALLOWED)._replace(confidence=Confidence.UNDETERMINED)
        return refined._replace(judgement=told)
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
        return refined._replace(trace=_drawn(found.traced, refined.judgement, names))
    if found.known is not None and judgement.cause == "tcp.filtered":
        return _by_neighbours(judgement, found.known)
    if found.stalled is not None:
        return _by_experiment(judgement, found.stalled)
    return Refined(judgement)


def with_way(refined: Refined, traced: Traced | None, names: Mapping[str, str] = NOTHING) -> Refined:
    """A flow that connects, with its way. Who completes everybody's handshakes stands after the last hop."""
    if traced is None:
        return refined
    drawn = _drawn(traced, refined.judgement, names)
    last, reach = traced.route.last, traced.route.reach
    if refined.judgement.cause != CONNECTED or reach is None:
        return refined._replace(trace=drawn)
    if last is None:
        near = (
            FIRST
            if reach == 1
            else f"the handshake is completed at TTL {reach}, and no hop before it answers"
        )
        return refined._replace(judgement=also(refined.judgement, near), trace=drawn)
    told = also(refined.judgement, f"the handshake is completed after hop {last.ttl}, {last.address}")
    return refined._replace(judgement=told, trace=drawn, where=lost_after(traced.route, None))


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
    if judgement.cause == "tcp.refused":
        refined = _refused(judgement, traced)
    elif judgement.cause == "tcp.filtered":
        refined = _silent(judgement, traced)
    elif _is_routed(judgement, traced):
        refined = Refined(_routed(judgement))
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


def _is_routed(judgement: Judgement, traced: Traced) -> bool:
    """Whether a router says that it has no route, while another port of the host answers."""
    said = judgement.cause == "tcp.no_route" and judgement.main.signed_by is not None
    beside = any(one.served for one in traced.controls)
    return said and judgement.confidence is Confidence.CERTAIN and beside


def _routed(judgement: Judgement) -> Judgement:
    """A router says that it has no route, and yet has one: it is this port that it rejects."""
    why = "another port of the same address answers, so there is a route: a rule says so of this one"
    return with_cause(judgement, "tcp.rejected", judgement.summary, Confidence.LIKELY, why)


def _refused(judgement: Judgement, traced: Traced) -> Refined:
    sender = traced.sender
    if sender is None:
        return Refined(judgement._replace(confidence=Confidence.LIKELY))
    if sender.by_target is not False:
        told = also(judgement, *sender.evidence)
        return Refined(told._replace(confidence=sender.confidence))
    last = traced.route.last
    told = with_cause(
        judgement,
        "tcp.reset_by_firewall",
        f"an RST that the target did not send, from {f'right after {last.address}' if last else NEAR}",
        sender.confidence if last else Confidence.UNDETERMINED,
        *sender.evidence,
    )
    return Refined(told, where=lost_after(traced.route, traced.before))


def _silent(judgement: Judgement, traced: Traced) -> Refined:
    route, end = traced.route, traced.route.end
    if end is None:
        told = also(judgement, _silence(route))
        if traced.unsure:
            told = also(told, UNSURE)._replace(confidence=Confidence.LIKELY)
        return Refined(told, where=lost_after(route, traced.before))
    if end.kind == "rejected":
        return _unheard(judgement, end)
    words = "an RST" if end.kind == "refused" else "a handshake"
    doubt = f"a SYN of the trace was answered by {words}: silence is not the whole story"
    return Refined(also(judgement, doubt)._replace(confidence=Confidence.LIKELY))


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
        return likely(judgement, NOT_AGAIN) if down else judgement
    if not patient.tried:
        told = with_cause(judgement, "tcp.rejected", judgement.summary, Confidence.LIKELY, ONE_BY_ONE)
        return told if down else also(judgement, ONE_BY_ONE)
    if down:
        return also(judgement, AT_ONE_MOMENT)._replace(confidence=Confidence.CERTAIN)
    icmp = patient.reply.icmp
    summary = f"{icmp_words(icmp)} after {duration_words(patient.reply.rtt or 0.0)}" if icmp else ""
    return with_cause(judgement, "tcp.host_down", summary, Confidence.CERTAIN, AT_ONE_MOMENT)


def named(end: Reply) -> Failed:
    """The cause of a rejection that a single SYN met."""
    rejection = ConnectFailed(errno.EHOSTUNREACH, icmp=end.icmp, elapsed=end.rtt or 0.0)
    return explain(Layer.CONNECT, rejection)


def _unheard(judgement: Judgement, end: Reply) -> Refined:
    """The looks heard nothing, the trace a rejection: routers send few ICMP errors a second."""
    failed = named(end)
    # A single answer's time does not tell a router that has tried: it may answer a repeat of the SYN.
    sure = Confidence.LIKELY if failed.cause == "tcp.host_down" else failed.confidence
    summary = f"{failed.summary}, heard by the trace"
    told = with_cause(judgement, failed.cause, summary, sure, *failed.evidence)
    return Refined(told, where=Place("at", failed.signed_by) if failed.signed_by else None)


def _by_neighbours(judgement: Judgement, known: Known) -> Refined:
    sentence = f"not traced itself; its neighbours in the network are lost there, such as {known.by}"
    told = also(judgement, sentence)._replace(confidence=Confidence.LIKELY)
    return Refined(told, Trace("sibling"), known.place)


def _by_experiment(judgement: Judgement, stalled: Stalled) -> Refined:
    controls = answering(stalled)
    if stalled.anybody:
        return Refined(answered_for(judgement, stalled), controls=controls)
    if stalled.sizes is None:
        return Refined(judgement, controls=controls)
    return Refined(_too_big(judgement, stalled.sizes), controls=(*controls, *_size_controls(stalled.sizes)))


def _size_controls(sizes: Sizes) -> list[Control]:
    return [
        Control("mss", sizes.small, Verdict.PASS, "with segments this small it works"),
        Control("mss", None, Verdict.FAIL, "without the limit, tried again, it hangs again"),
        Control("mss", sizes.largest, Verdict.PASS, "the largest that works"),
    ]


def _too_big(judgement: Judgement, sizes: Sizes) -> Judgement:
    address = judgement.main.address or ""
    fits = mtu.packet(sizes.largest, address)
    step = next((step for step in judgement.main.steps if step.layer is judgement.layer), None)
    unacked = step.detail.get("unacked") if step else None
    ours = "our own segments were never acknowledged: what is lost goes to the target"
    theirs = "all that we sent was acknowledged: what is lost comes from the target"
    return with_cause(
        judgement,
        "path.mtu_blackhole",
        f"packets above {fits} bytes get lost: with segments of at most {sizes.largest} bytes it works",
        Confidence.CERTAIN,
        f"with segments of {sizes.small} bytes it works, and without the limit it hangs, both tried again",
        *(() if unacked is None else (ours if unacked else theirs,)),
    )


def _drawn(traced: Traced, judgement: Judgement, names: Mapping[str, str]) -> Trace:
    """The route as it is shown: the hops, and who ended the flow where that is known."""
    route, end = traced.route, traced.route.end
    hops = [Hop(hop.ttl, hop.address, names.get(hop.address or ""), hop.rtt) for hop in route.hops]
    ended_by = None
    if end is not None and end.icmp is not None:
        ended_by = end.icmp.sender
    elif end is not None and judgement.cause not in ("tcp.reset_by_firewall", CONNECTED):
        ended_by = judgement.main.address
    if ended_by is not None and route.reach is not None and ended_by not in [hop.address for hop in hops]:
        rtt = end.rtt if end is not None else None
        hops.append(Hop(route.reach, ended_by, names.get(ended_by), rtt))
    return Trace("tcp-ttl", tuple(hops), route.ecmp)
