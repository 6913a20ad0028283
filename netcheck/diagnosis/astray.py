"""What fails at an address that a `dns` check found to be wrong: it is the name that fails. Pure."""

from __future__ import annotations

from netcheck.diagnosis.classes import Failure
from netcheck.diagnosis.judge import as_expected, seen
from netcheck.diagnosis.others import Astray, Others
from netcheck.diagnosis.refine import Refined
from netcheck.diagnosis.weighing import Reviewed
from probes import misled
from probes.contract import Ascent, Layer, Verdict


def by_name(failure: Failure, others: Others) -> Reviewed | None:
    """The failure as one of the name, where each address that failed is a wrong one; None: it is its own."""
    check, outcome = failure.check, failure.outcome
    if outcome.resolve is None or failure.main.layer is Layer.RESOLVE:
        return None
    bad = [one for one in outcome.ascents if one.verdict is not Verdict.PASS]
    wrong = {one.address: others.astray(check, one.address) for one in bad if not one.identified}
    told = {address: found for address, found in wrong.items() if found is not None}
    if not bad or len(told) < len(bad):
        return None
    ascents = (
        _named(one, told[one.address], failure) if one.address in told else one for one in outcome.ascents
    )
    corrected = outcome._replace(ascents=tuple(ascents))
    return Reviewed(failure, corrected, Refined(as_expected(check, seen(check, corrected))), 1)


def _named(ascent: Ascent, found: Astray, failure: Failure) -> Ascent:
    assert failure.outcome.resolve is not None
    host = failure.check.host
    words = f"{host} is {ascent.address} here, which {found.by} finds wrong"
    told = misled.astray(host, ascent, failure.outcome.resolve, found.cause, words)
    return told._replace(
        evidence=(f"{found.by}: {found.words}", *told.evidence),
        facts={"misled_by": found.misled_by} if found.misled_by else {},
    )
