"""Handshakes that something else completes: what they mean for a judgement. Pure."""

from __future__ import annotations

from netcheck.diagnosis.ascents import spoke
from netcheck.diagnosis.found import Stalled, unused_control
from netcheck.diagnosis.judgement import Judgement, also, likely, with_cause
from netcheck.diagnosis.networks import network_of
from netcheck.diagnosis.policy import OPEN
from netcheck.record import Control
from probes.contract import Confidence, Layer, Step, Verdict
from probes.path.middlebox import Asked

CONNECTED = "path.middlebox_answers"
FIRST = "the handshake is completed before any router: at the first hop or on this host's own link"
SHOWN = 4  # strangers among the controls


def answered_for(judgement: Judgement, stalled: Stalled) -> Judgement:
    """Something completes handshakes for anybody: this one proves nothing.

    Never certain: one host, a honeypot or a load balancer may take the connections of a whole network.
    """
    whom = "on this port for addresses" if stalled.shared else "for ports"
    summary = f"something completes handshakes {whom} that nobody uses as well: this one proves nothing"
    return with_cause(judgement, CONNECTED, summary, Confidence.LIKELY, _proof(stalled))


def answered_nearer(judgement: Judgement, router: str, reach: int | None) -> Judgement:
    """A pass by a handshake that is completed where another port of the address is still being forwarded.

    A proxy or a load balancer for this port alone does so; what stands behind it is not known. What spoke as
    the target has passed by more than that.
    """
    if spoke(judgement.main):
        return judgement
    told = judgement._replace(
        verdict=Verdict.WARN, cause=None, layer=Layer.CONNECT, steps=_marked(judgement, Verdict.WARN)
    )
    proof = (
        f"at TTL {reach} this handshake is completed, and a port that nobody uses has only got to {router}"
    )
    summary = "the handshake is completed by something nearer than the target: a proxy, or a load balancer"
    return with_cause(told, CONNECTED, summary, Confidence.LIKELY, proof)


def not_proved(judgement: Judgement, stalled: Stalled) -> Judgement:
    """A bare handshake that anybody would get: no pass, and no proof of an open port either."""
    blind = judgement.cause == OPEN
    told = judgement._replace(
        verdict=Verdict.ERROR if blind else Verdict.FAIL,
        cause=None,
        layer=Layer.CONNECT,
        steps=_marked(judgement, Verdict.FAIL),
    )
    return answered_for(told, stalled)


def kept(judgement: Judgement, stalled: Stalled) -> Judgement:
    """A bare handshake by a proxy that tells it from those that nobody uses: it seems to work, and the
    handshake proves no more than the others."""
    whom = "addresses" if stalled.shared else "ports"
    apart = f"connections to {whom} that nobody uses are completed and then ended; this one is kept"
    if judgement.cause == OPEN:
        return likely(also(judgement, _proof(stalled)), apart)
    beside = (f"{judgement.cause}: {judgement.summary}",) if judgement.cause else ()
    told = judgement._replace(
        verdict=Verdict.WARN, cause=None, layer=Layer.CONNECT, steps=_marked(judgement, Verdict.WARN)
    )
    summary = (
        f"the connection is kept, but something completes handshakes for {whom} that nobody uses as well"
    )
    return with_cause(told, CONNECTED, summary, Confidence.LIKELY, *beside, _proof(stalled), apart)


def _marked(judgement: Judgement, verdict: Verdict) -> tuple[Step, ...]:
    """The steps, the handshake with this verdict."""
    return tuple(
        step._replace(verdict=verdict, cause=CONNECTED) if step.layer is Layer.CONNECT else step
        for step in judgement.steps
    )


def _proof(stalled: Stalled) -> str:
    """Who else completes handshakes."""
    if stalled.shared:
        first, count = stalled.shared[0], len(stalled.shared)
        return (
            f"{count} of {count} addresses drawn by chance in {network_of(first.address)} complete handshakes"
            f" on tcp/{first.port} as well, and no other port shows a host there"
        )
    ports = " and ".join(f"tcp/{asked.port}" for asked in stalled.unused)
    proof = f"drawn by chance, {ports} of the same address complete handshakes as well"
    stranger = stalled.stranger
    if stranger is not None and stranger.answers:
        proof += f", and so does tcp/{stranger.port} of {stranger.address}"
    return proof


def answering(stalled: Stalled) -> tuple[Control, ...]:
    """The ports and the strangers that answered, as controls."""
    controls = [unused_control(asked) for asked in stalled.unused]
    if stalled.stranger is not None:
        controls.append(_stranger_control(stalled.stranger))
    return (*controls, *(_stranger_control(asked) for asked in stalled.shared[:SHOWN]))


def _stranger_control(asked: Asked) -> Control:
    return unused_control(asked)._replace(varied="address", value=asked.address)
