"""What the answers of other targets make of one judgement. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from netcheck.check import Check
from netcheck.diagnosis import clocks, decryption, facts, hostkeys
from netcheck.diagnosis.judgement import Judgement
from netcheck.diagnosis.others import Others

SKEW = "clock.skew"


def together(judgement: Judgement, check: Check, others: Others) -> Judgement:
    """The failure in the light of what others answered."""
    compare = COMPARED.get(judgement.cause or "")
    return compare(judgement, check, others) if compare else judgement


def awaits(judgement: Judgement) -> bool:
    """Whether a check that works has to wait for what others answer."""
    return judgement.cause == SKEW or facts.unverified_key(judgement.main) is not None


def passing(judgement: Judgement, check: Check, others: Others) -> Judgement:
    """What works, in the light of what others answered."""
    if judgement.cause == SKEW:
        return clocks.whose(judgement, check, others)
    return hostkeys.unverified(judgement, others)


Compare = Callable[[Judgement, Check, Others], Judgement]
COMPARED: Mapping[str, Compare] = {
    "tls.untrusted": decryption.untrusted,
    "tls.intercepted": decryption.untrusted,
    "tls.not_yet_valid": clocks.by_clock,
    "tls.expired": clocks.by_clock,
    "ssh.host_key_mismatch": hostkeys.met_before,
    SKEW: clocks.whose,
}
