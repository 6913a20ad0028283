"""A chain that leads to no CA, in the light of what other targets sent: decrypted, or cut short? Pure."""

from __future__ import annotations

from netcheck.check import Check
from netcheck.diagnosis import facts
from netcheck.diagnosis.judgement import Judgement, also, with_cause
from netcheck.diagnosis.others import Others, Signed
from probes.contract import Confidence
from probes.words import few


def untrusted(judgement: Judgement, check: Check, others: Others) -> Judgement:
    """What one issuer of many names, or an intermediate of others, makes of it."""
    return _completed(_intercepted(judgement, others), check, others)


def _intercepted(judgement: Judgement, others: Others) -> Judgement:
    """One issuer that signs for unrelated public names, and that no public CA knows, decrypts them."""
    issuer = facts.foreign_issuer(judgement.main)
    signed = others.signed_by(issuer) if issuer is not None else Signed()
    sure = signed.unrelated
    known = judgement.cause == "tls.intercepted"
    if sure is None or (known and judgement.confidence is Confidence.CERTAIN):
        return judgement
    proof = f"the same issuer signs for names under {few(sorted(signed.zones))}, which are unrelated"
    if known:
        return also(judgement, proof)._replace(confidence=sure)
    summary = f"decrypted on the way: {issuer} signs for unrelated public names, and no public CA knows it"
    return with_cause(judgement, "tls.intercepted", summary, sure, proof)


def _completed(judgement: Judgement, check: Check, others: Others) -> Judgement:
    """The chain leads to a trusted CA once a certificate is added that another target sent along."""
    if judgement.cause == "tls.intercepted" and judgement.confidence is Confidence.CERTAIN:
        return judgement
    found = others.completed(check, judgement.main.certificates)
    if found is None:
        return judgement
    if found.cause is None:
        return also(judgement, *found.evidence)
    return with_cause(judgement, found.cause, found.summary, found.confidence, *found.evidence)
