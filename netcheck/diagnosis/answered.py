"""Handshakes that something else completes: what they mean for a judgement. Pure."""

from __future__ import annotations

from netcheck.diagnosis.found import Stalled, unused_control
from netcheck.diagnosis.judgement import Judgement, also, with_cause
from netcheck.record import Control
from probes.contract import Confidence, Layer, Verdict

CONNECTED = "path.middlebox_answers"
KEPT = "something completes handshakes for ports that nobody uses and then ends them; this one it keeps"


def answered_for(judgement: Judgement, stalled: Stalled) -> Judgement:
    """Something completes handshakes for ports that nobody uses: this one proves nothing."""
    ports = " and ".join(f"tcp/{asked.port}" for asked in stalled.unused)
    proof = f"drawn by chance, {ports} of the same address complete handshakes as well"
    stranger = stalled.stranger
    if stranger is not None and stranger.answers:
        proof += f", and so does tcp/{stranger.port} of {stranger.address}"
    sure = Confidence.CERTAIN if stranger is not None and stranger.answers else Confidence.LIKELY
    return with_cause(
        judgement,
        CONNECTED,
        "something else completes the handshake, for ports that nobody uses as well",
        sure,
        proof,
    )


def not_proved(judgement: Judgement, stalled: Stalled) -> Judgement:
    """A bare handshake that anybody would get: no pass, and no proof of an open port either."""
    steps = tuple(
        step._replace(verdict=Verdict.FAIL, cause=CONNECTED) if step.layer is Layer.CONNECT else step
        for step in judgement.steps
    )
    blind = judgement.cause == "policy.unexpectedly_open"
    told = judgement._replace(
        verdict=Verdict.ERROR if blind else Verdict.FAIL, cause=None, layer=Layer.CONNECT, steps=steps
    )
    return answered_for(told, stalled)


def kept(judgement: Judgement) -> Judgement:
    """A bare handshake by a proxy that tells this port from those that nobody uses."""
    return also(judgement, KEPT)._replace(confidence=Confidence.LIKELY)


def answering(stalled: Stalled) -> tuple[Control, ...]:
    """The ports and the stranger that answered, as controls."""
    controls = [unused_control(asked) for asked in stalled.unused]
    if stalled.stranger is not None:
        control = unused_control(stalled.stranger)
        controls.append(control._replace(varied="address", value=stalled.stranger.address))
    return tuple(controls)
