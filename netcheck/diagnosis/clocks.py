"""Clocks that differ, and dates read by a wrong one: whose clock it is, by those of other targets. Pure."""

from __future__ import annotations

from netcheck.check import Check
from netcheck.diagnosis import facts
from netcheck.diagnosis.judgement import Judgement, Side, also
from netcheck.diagnosis.others import Others
from probes.contract import Confidence
from probes.words import span_words

AGREE = 5.0  # seconds by which clocks differ that are right, whole seconds and a slow answer included
SKEWED = 60.0  # seconds of our own clock's error that explain a certificate's dates


def by_clock(judgement: Judgement, check: Check, others: Others) -> Judgement:
    """A certificate's dates are read by this host's clock, which others may show to be wrong."""
    offset = others.own_offset
    if offset is None:
        return judgement
    if abs(offset) <= AGREE:
        words = "this host's clock is right: those of other targets agree with it"
        return also(judgement, words)._replace(side=Side.THERE)
    if abs(offset) < SKEWED:
        return judgement
    way = "behind" if offset > 0 else "ahead of"
    words = f"this host's own clock is {span_words(abs(offset))} {way} those of other targets, which agree"
    return also(judgement, words)._replace(confidence=Confidence.UNDETERMINED)


def whose(judgement: Judgement, check: Check, others: Others) -> Judgement:
    """Two clocks differ: which of them is alone with its time, or says itself that it has none."""
    if facts.without_time(judgement.main):
        return judgement._replace(side=Side.THERE)
    own, said = others.own_offset, facts.clock_offset(judgement.main)
    if own is None or said is None or abs(said) <= AGREE:
        return judgement
    if abs(own) <= AGREE:
        words = (
            f"this host's clock agrees with those of other targets: {check.target}'s is the one that differs"
        )
        return also(judgement, words)._replace(side=Side.THERE)
    if abs(own - said) <= AGREE:
        words = "other targets' clocks differ as much: this host's own is wrong"
        return also(judgement, words)._replace(side=Side.HERE)
    return judgement
