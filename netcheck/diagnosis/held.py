"""What connections that were left idle add to a verdict. Pure."""

from __future__ import annotations

from netcheck.diagnosis.judgement import Judgement, at_connect
from probes.contract import Confidence, Layer, Verdict
from probes.path.waits import ENDED, LOST, SIGNS, Bracket, End, Held, Kept
from probes.words import span_words

# Seconds: an sshd that hangs up earlier has another reason than that nobody logged in.
LEAST_GRACE = 10.0

NO_TIMER = "so it is no timer of the server's: an application can't see keep-alives"


def left_idle(judgement: Judgement, held: Held | None, probe: str) -> Judgement:
    """The verdict beside a connection that was left idle; one that some address failed keeps its cause."""
    if held is None:
        return judgement
    after = span_words(held.idle)
    if not judgement.verdict.works:
        words = f"a connection to {held.address} left idle for {after}: {held.end}"
        return judgement._replace(evidence=(*judgement.evidence, words))
    if held.end is End.LIVED:
        lived = f"a connection left idle for {after} still worked"
        return judgement._replace(evidence=(*judgement.evidence, lived))
    if held.end in LOST:
        return _dropped(judgement, held, after)
    if held.end in ENDED and held.kept_every is not None:
        return _cut(judgement, held, after)
    if held.end is End.GONE:
        gone = f"it passed, but {span_words(held.asked)} later a new connection does not work either"
        judged = at_connect(judgement, Verdict.FAIL, "path.unstable", gone)
        return judged._replace(confidence=Confidence.LIKELY)
    if held.end is End.SWALLOWED:
        swallowed = f"this host itself swallows what is sent after {after} of idleness"
        return _not_tried(judgement, "vantage.blocked_locally", swallowed)
    return _not_tried(judgement, "probe.unsupported", _untried(held, after, probe))


def _not_tried(judgement: Judgement, cause: str, summary: str) -> Judgement:
    """The vantage kept the path's idle time from being tried; that the look passed is in the evidence."""
    return judgement._replace(
        verdict=Verdict.ERROR,
        cause=cause,
        layer=Layer.VANTAGE,
        confidence=Confidence.CERTAIN,
        summary=summary,
        evidence=(*judgement.evidence, f"the check itself: {judgement.summary}"),
    )


def bracketed(judgement: Judgement, bracket: Bracket | None) -> Judgement:
    """The verdict beside connections of which each was idle for longer than the one before.

    Certain where the shorter ones lived, what came over the longer ones was lost, and one with keep-alives
    lived as long: after a failover or restart that one is dead as well, and then nobody is named. Likely
    where a FIN or RST ended the longer ones.
    """
    if bracket is None:
        return judgement
    each = ", ".join(f"{span_words(wait.idle)} {wait.end}" for wait in bracket.waits)
    shown = judgement._replace(evidence=(*judgement.evidence, *([f"left idle: {each}"] if each else [])))
    if not bracket.works:
        judged = at_connect(shown, Verdict.FAIL, "path.unstable", f"it passed; later {bracket.words()}")
        return judged._replace(confidence=Confidence.LIKELY)
    if bracket.limit is None and bracket.swallowed is not None:
        return _not_tried(shown, "vantage.blocked_locally", bracket.words())
    if bracket.limit is None:
        return shown._replace(evidence=(*shown.evidence, bracket.words()))
    judged = at_connect(shown, Verdict.FAIL, "path.idle_dropped", bracket.words())
    why = () if bracket.dropped is not None else (NO_TIMER,)
    return judged._replace(
        confidence=_how_sure(bracket), evidence=(*judged.evidence, kept_words(bracket.kept), *why)
    )


def _how_sure(bracket: Bracket) -> Confidence:
    """How sure it is that idleness is what ends the connections of a bracket."""
    if not bracket.proved:
        return Confidence.UNDETERMINED
    in_order = bracket.dropped is not None and bracket.lived is not None and bracket.lived < bracket.dropped
    lived = bracket.kept is not None and bracket.kept.lived
    return Confidence.CERTAIN if in_order and lived else Confidence.LIKELY


def _dropped(judgement: Judgement, held: Held, after: str) -> Judgement:
    """Idleness is the reason, for certain where a connection that was kept alive lived as long.

    Where that one is dead too, something else may be, and nobody is named.
    """
    answer = "never acknowledged" if held.end is End.DROPPED else "answered by an RST"
    every, lived = held.kept_every, held.kept is not None and held.kept.lived
    how = "is dropped" if every is not None else "is dead"
    summary = f"a connection left idle for {after} {how}: what came then was {answer}, a new one works"
    if every is not None:
        summary += f"; keep-alives every {every} s prevent it"
    judged = at_connect(judgement, Verdict.FAIL, "path.idle_dropped", summary)
    doubt = Confidence.UNDETERMINED if every is None else Confidence.LIKELY
    return judged._replace(
        confidence=Confidence.CERTAIN if lived else doubt,
        evidence=(
            *judged.evidence,
            f"idle for {after}, then {answer} while a new connection worked",
            kept_words(held.kept),
        ),
    )


def _cut(judgement: Judgement, held: Held, after: str) -> Judgement:
    """Something ends idle connections by a FIN or RST, and not the server: it can't see keep-alives."""
    summary = f"{SIGNS[held.end]} ends a connection left idle, after {after}; "
    summary += f"keep-alives every {held.kept_every} s prevent it"
    judged = at_connect(judgement, Verdict.FAIL, "path.idle_dropped", summary)
    return judged._replace(
        confidence=Confidence.LIKELY, evidence=(*judged.evidence, kept_words(held.kept), NO_TIMER)
    )


def kept_words(kept: Kept | None) -> str:
    """How the connection fared in which only the kernel spoke, every so many seconds."""
    if kept is None:
        return "none with keep-alives was tried beside it"
    one = f"a connection with a keep-alive every {kept.every} s"
    if kept.lived:
        return f"{one} lived as long"
    if kept.told:
        return f"{one} was closed after {span_words(kept.wait.idle)}, which the idle ones never heard of"
    if kept.wait.end is End.GONE:
        return f"{one} could not be made: a failover or a restart looks the same"
    return f"{one} died too: a failover, a restart or a timeout shorter than that look the same"


def _untried(held: Held, after: str, probe: str) -> str:
    """Why the idle time could not be tried, and how far it could."""
    asked = span_words(held.asked)
    if held.end is End.UNKNOWN:
        return f"whether a connection lives through {asked} of idleness can't be told here"
    if held.end is End.SPOKE:
        return f"the server keeps speaking by itself: no connection is idle for {asked}"
    graced = probe == "ssh" and held.end is End.CLOSED and held.idle >= LEAST_GRACE
    hint = " (sshd: LoginGraceTime)" if graced else ""
    who = f"by the server{hint} or by a firewall"
    return (
        f"{SIGNS[held.end]} came after {after} of idleness, {who}: {asked} can't be tried without a session"
    )
