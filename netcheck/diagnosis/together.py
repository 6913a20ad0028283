"""What the answers of other targets make of one judgement. Pure."""

from __future__ import annotations

from netcheck.check import Check
from netcheck.diagnosis import clocks, decryption, facts, hostkeys
from netcheck.diagnosis.judgement import Judgement
from netcheck.diagnosis.others import Others

SKEW = "clock.skew"
DATES = ("tls.not_yet_valid", "tls.expired")


def together(judgement: Judgement, check: Check, others: Others) -> Judgement:
    """The failure in the light of what others answered."""
    match judgement.cause:
        case "tls.untrusted" | "tls.intercepted":
            return decryption.untrusted(judgement, check, others)
        case "ssh.host_key_mismatch":
            return hostkeys.met_before(judgement, check, others)
        case cause if cause == SKEW:
            return clocks.whose(judgement, check, others)
        case cause if cause in DATES:
            return clocks.by_clock(judgement, others)
    return judgement


def awaits(judgement: Judgement) -> bool:
    """Whether a check that works has to wait for what others answer."""
    return judgement.cause == SKEW or facts.unverified_key(judgement.main) is not None


def passing(judgement: Judgement, check: Check, others: Others) -> Judgement:
    """What works, in the light of what others answered."""
    if judgement.cause == SKEW:
        return clocks.whose(judgement, check, others)
    return hostkeys.unverified(judgement, others)
