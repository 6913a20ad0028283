"""What the answers of other targets make of one failure: a chain completed, one issuer for all, a key met
before, a clock that is this host's own. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from netcheck.check import Check
from netcheck.diagnosis import facts
from netcheck.diagnosis.judgement import Judgement, also, with_cause
from netcheck.diagnosis.second_look import network_of
from probes import certificates, chains, inspectors, tls
from probes.contract import Confidence
from probes.urls import ascii_name
from probes.words import few, span_words

UNRELATED = 2  # zones of names for which one issuer signs
SKEWED = 60.0  # seconds of our own clock's error that explain a certificate's dates
DATES = ("tls.not_yet_valid", "tls.expired")


class Others(NamedTuple):
    """The answers of a run, as `netcheck.answers.Answers` keeps them."""

    authorities: Iterable[bytes] = ()
    sent_by: Callable[[bytes], str] = lambda der: ""
    signed_by: Callable[[str], frozenset[str]] = lambda issuer: frozenset()
    shown_by: Callable[[str], tuple[str, ...]] = lambda key: ()
    declared_for: Callable[[str], tuple[str, ...]] = lambda key: ()
    own_offset: float | None = None


def together(judgement: Judgement, check: Check, others: Others) -> Judgement:
    """The failure in the light of what others answered."""
    match judgement.cause:
        case "tls.untrusted" | "tls.intercepted":
            return _completed(_intercepted(judgement, others), check, others)
        case "ssh.host_key_mismatch":
            return _met_before(judgement, check, others)
        case cause if cause in DATES:
            return _by_clock(judgement, others)
    return judgement


def _intercepted(judgement: Judgement, others: Others) -> Judgement:
    """One issuer that signs for unrelated public names, and that no public CA knows, decrypts them."""
    issuer = facts.foreign_issuer(judgement.main)
    zones = others.signed_by(issuer) if issuer is not None else frozenset()
    if len(zones) < UNRELATED or (
        judgement.confidence is Confidence.CERTAIN and judgement.cause == "tls.intercepted"
    ):
        return judgement
    proof = f"the same issuer signs for names under {few(sorted(zones))}, which are unrelated"
    if judgement.cause == "tls.intercepted":
        return also(judgement, proof)._replace(confidence=Confidence.CERTAIN)
    summary = f"decrypted on the way: {issuer} signs for unrelated public names, and no public CA knows it"
    return with_cause(judgement, "tls.intercepted", summary, Confidence.CERTAIN, proof)


def _completed(judgement: Judgement, check: Check, others: Others) -> Judgement:
    """The chain leads to a trusted CA once a certificate is added that another target sent along.

    That of a public name must be a public CA's then, or it is no server that left it out.
    """
    if judgement.cause == "tls.intercepted" and judgement.confidence is Confidence.CERTAIN:
        return judgement
    settings, chain = check.terms.settings, judgement.main.certificates
    if not isinstance(settings, tls.Settings):
        return judgement
    missing = chains.completed_by(chain, others.authorities, settings.ca_file)
    if not missing:
        return judgement
    named = ", ".join(one.title for one in certificates.read(missing))
    proof = (
        f"the server left out {named}; {others.sent_by(missing[0])} sent it, and with it the chain is trusted"
    )
    whole, name = (*chain, *missing), ascii_name(settings.server_name or check.host)
    match tls.once_complete(whole, name, settings):
        case "tls.incomplete_chain":
            summary = tls.without(missing)
            return with_cause(judgement, "tls.incomplete_chain", summary, Confidence.CERTAIN, proof)
        case "tls.intercepted":
            read = certificates.read(whole)
            product = inspectors.product_of(read)
            sure = Confidence.CERTAIN if product else Confidence.LIKELY
            return with_cause(judgement, "tls.intercepted", tls.decrypted(read, name, product), sure, proof)
    return also(judgement, proof)


def _met_before(judgement: Judgement, check: Check, others: Others) -> Judgement:
    """The key that came in place of the expected one: another target's, or that of many?"""
    key = facts.host_key(judgement.main)
    if key is None:
        return judgement
    twins = [target for target in others.declared_for(key) if target != check.target]
    if twins:
        judgement = also(
            judgement, f"it is the key declared for {few(twins)}: its twin of a pair answers, perhaps"
        )
    networks = {network_of(address) for address in others.shown_by(key)}
    if len(networks) > 1:
        shown = few(list(others.shown_by(key)))
        words = (
            f"the same key is shown by {shown}: something answers for them, or they are copies of one image"
        )
        judgement = also(judgement, words)
    return judgement


def _by_clock(judgement: Judgement, others: Others) -> Judgement:
    """A certificate's dates are read by this host's clock, which others may show to be wrong."""
    offset = others.own_offset
    if offset is None or abs(offset) < SKEWED:
        return judgement
    way = "behind" if offset > 0 else "ahead of"
    words = f"this host's own clock is {span_words(abs(offset))} {way} those of other targets, which agree"
    return also(judgement, words)._replace(confidence=Confidence.UNDETERMINED)
