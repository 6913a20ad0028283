"""What the answers of other targets make of one failure: a chain completed, one issuer for all, a key met
before, a clock that is this host's own. Pure.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from netcheck.check import Check
from netcheck.diagnosis import facts
from netcheck.diagnosis.judgement import Judgement, also, with_cause
from netcheck.diagnosis.second_look import network_of
from netcheck.record import COPIES, Warned
from probes import certificates, chains, inspectors, tls
from probes.contract import NOTHING, Confidence, Layer, Verdict
from probes.urls import ascii_name
from probes.words import few, span_words

UNRELATED = 2  # zones of names for which one issuer signs
MANY = 3  # zones that no single service has
AGREE = 5.0  # seconds by which clocks differ that are right, whole seconds and a slow answer included
SKEWED = 60.0  # seconds of our own clock's error that explain a certificate's dates
UNKNOWN_KEY = "ssh.host_key_unknown"
DATES = ("tls.not_yet_valid", "tls.expired")


class Signed(NamedTuple):
    """For which zones of public names an issuer signs, and whether any of them is none of the service's."""

    zones: frozenset[str] = frozenset()
    strangers: bool = False

    @property
    def unrelated(self) -> Confidence | None:
        """How sure they have nothing in common but who decrypts: a service may have two domains of its own.

        None: they may well be one's.
        """
        if len(self.zones) < UNRELATED:
            return None
        sure = self.strangers or len(self.zones) >= MANY
        return Confidence.CERTAIN if sure else Confidence.LIKELY


class Others(NamedTuple):
    """The answers of a run, as `netcheck.answers.Answers` keeps them."""

    authorities: Iterable[bytes] = ()
    sent_by: Callable[[bytes], str] = lambda der: ""
    signed_by: Callable[[str], Signed] = lambda issuer: Signed()
    shown_by: Callable[[str], Mapping[str, str]] = lambda key: NOTHING
    declared_for: Callable[[str], tuple[str, ...]] = lambda key: ()
    own_offset: float | None = None


def together(judgement: Judgement, check: Check, others: Others) -> Judgement:
    """The failure in the light of what others answered."""
    match judgement.cause:
        case "tls.untrusted" | "tls.intercepted":
            return _completed(_intercepted(judgement, others), check, others)
        case "ssh.host_key_mismatch":
            return _met_before(judgement, check, others)
        case "clock.skew":
            return _whose_clock(judgement, check, others)
        case cause if cause in DATES:
            return _by_clock(judgement, others)
    return judgement


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
    shown = others.shown_by(key)
    return also(judgement, _repeats(shown)) if _unrelated(shown) else judgement


def unverified(judgement: Judgement, others: Others) -> Judgement:
    """A host key that works and is compared with nothing: whoever decrypts SSH shows one for all hosts.

    A pair may share its key, and so may a cluster in its one network.
    """
    key = facts.unverified_key(judgement.main)
    shown = others.shown_by(key) if key is not None else NOTHING
    if len(set(shown.values())) < COPIES or not _unrelated(shown):
        return judgement
    words = _repeats(shown)
    if judgement.verdict is not Verdict.PASS:
        return also(judgement, words)._replace(warnings=(*judgement.warnings, Warned(UNKNOWN_KEY, words)))
    summary = f"nothing says whether the host key is the right one, and {words}"
    steps = tuple(
        step._replace(verdict=Verdict.WARN, cause=UNKNOWN_KEY) if step.layer is Layer.PROTOCOL else step
        for step in judgement.steps
    )
    return also(judgement, words)._replace(
        verdict=Verdict.WARN,
        cause=UNKNOWN_KEY,
        layer=Layer.PROTOCOL,
        summary=summary,
        steps=steps,
        warnings=(*judgement.warnings, Warned(UNKNOWN_KEY, summary)),
    )


def _repeats(shown: Iterable[str]) -> str:
    named = few(list(shown))
    return f"the same key is shown by {named}: something answers for them, or they are copies of one image"


def _unrelated(shown: Iterable[str]) -> bool:
    """Whether these addresses lie in several networks of one family, and not on this very host."""
    networks = {
        network_of(one) for one in shown if not ipaddress.ip_address(one.partition("%")[0]).is_loopback
    }
    six = sum(":" in network for network in networks)
    return max(six, len(networks) - six) > 1


def _by_clock(judgement: Judgement, others: Others) -> Judgement:
    """A certificate's dates are read by this host's clock, which others may show to be wrong."""
    offset = others.own_offset
    if offset is None or abs(offset) < SKEWED:
        return judgement
    way = "behind" if offset > 0 else "ahead of"
    words = f"this host's own clock is {span_words(abs(offset))} {way} those of other targets, which agree"
    return also(judgement, words)._replace(confidence=Confidence.UNDETERMINED)


def _whose_clock(judgement: Judgement, check: Check, others: Others) -> Judgement:
    """Two clocks differ: which of them is alone with its time."""
    own, said = others.own_offset, facts.clock_offset(judgement.main)
    if own is None or said is None or abs(said) <= AGREE:
        return judgement
    if abs(own) <= AGREE:
        words = (
            f"this host's clock agrees with those of other targets: {check.target}'s is the one that differs"
        )
        return also(judgement, words)
    if abs(own - said) <= AGREE:
        return also(judgement, "other targets' clocks differ as much: this host's own is wrong")
    return judgement
