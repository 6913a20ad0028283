"""A verdict on one check with all that supports it, and how it is amended. Pure."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from netcheck.record import AddressRecord, Warned
from probes.contract import Ascent, Confidence, Layer, Step, Target, Verdict


class Side(Enum):
    """At which end the fault is known to lie."""

    HERE = "here"  # this host's
    OURS = "ours"  # the network's on this side
    THERE = "there"


class Judgement(NamedTuple):
    """A check's verdict and all that supports it. `main` is the ladder that decided; `about`: the service
    beside the target that has the cause; `side`: where the fault lies, if that is known of a cause that
    either end may have."""

    verdict: Verdict
    cause: str | None
    layer: Layer | None
    confidence: Confidence
    summary: str
    main: Ascent
    steps: tuple[Step, ...]
    evidence: tuple[str, ...] = ()
    warnings: tuple[Warned, ...] = ()
    addresses: tuple[AddressRecord, ...] = ()
    about: Target | None = None
    side: Side | None = None


def also(judgement: Judgement, *evidence: str) -> Judgement:
    """The judgement with further evidence."""
    return judgement._replace(evidence=(*judgement.evidence, *evidence))


def likely(judgement: Judgement, why: str) -> Judgement:
    """The judgement, no longer certain, and why."""
    return also(judgement, why)._replace(confidence=Confidence.LIKELY)


def with_cause(
    judgement: Judgement, cause: str, summary: str, confidence: Confidence, *evidence: str
) -> Judgement:
    """The same failure under its true name; what it looked like at first is kept as evidence."""
    steps = tuple(
        step._replace(cause=cause) if step.layer is judgement.layer and step.cause else step
        for step in judgement.steps
    )
    seen = (f"it looks like {judgement.cause}: {judgement.summary}",) if judgement.cause else ()
    return judgement._replace(
        cause=cause,
        summary=summary,
        confidence=confidence,
        steps=steps,
        evidence=(*judgement.evidence, *seen, *evidence),
    )


def at_connect(judgement: Judgement, verdict: Verdict, cause: str, summary: str) -> Judgement:
    """The verdict with this cause at the step `connect`; what it said before stays in the evidence.

    A failure that came after steps that passed is the last one's: no later one may pass.
    """
    passed = [step.layer for step in judgement.steps if step.verdict.works]
    layer = passed[-1] if verdict is Verdict.FAIL and Layer.CONNECT in passed else Layer.CONNECT
    steps = tuple(
        step._replace(verdict=verdict, cause=cause) if step.layer is layer else step
        for step in judgement.steps
    )
    before = f"the look itself: {judgement.summary}"
    return judgement._replace(
        verdict=verdict,
        cause=cause,
        layer=layer,
        confidence=Confidence.CERTAIN,
        summary=summary,
        steps=steps,
        evidence=(*judgement.evidence, before),
    )
