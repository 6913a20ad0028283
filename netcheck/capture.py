"""The capture that goes with a second look: of which services, and what it confirms. Pure.

How packets are captured is `probes.path.capture`'s.
"""

from __future__ import annotations

from collections.abc import Iterable

from netcheck.diagnosis.classes import Failure
from netcheck.diagnosis.refine import Refined
from probes.contract import Verdict
from probes.path.capture import Capture, Service

# Who sent the RST is told without privilege; captured packets say the same in another way.
RESETS = frozenset({"tcp.refused", "tcp.reset_by_firewall"})


def services(failures: Iterable[Failure]) -> set[Service]:
    """The addresses and ports at which something failed; those of a name's addresses that passed are not."""
    return {
        (ascent.address, failure.port)
        for failure in failures
        for ascent in failure.outcome.ascents
        if ascent.verdict is Verdict.FAIL and ascent.address and failure.port
    }


def confirmed(refined: Refined, port: int | None, capture: Capture | None) -> Refined:
    """The same, with the TTLs that were captured as one more proof where an RST is the cause."""
    judgement = refined.judgement
    address = judgement.main.address
    if capture is None or judgement.cause not in RESETS or address is None or port is None:
        return refined
    proof = capture.told(address, port)
    if proof is None:
        return refined
    return refined._replace(judgement=judgement._replace(evidence=(*judgement.evidence, proof)))
