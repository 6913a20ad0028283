"""Failures of a fleet reasoned together: what shares a cause and a place is said once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from netcheck.diagnosis.findings.advice import advice, is_of_the_way, of_outage
from netcheck.diagnosis.findings.census import Census
from netcheck.diagnosis.findings.contrast import contrast, elsewhere
from netcheck.diagnosis.findings.grouping import grouped
from netcheck.diagnosis.findings.signs import common_place, signed_by_target, unsent
from netcheck.diagnosis.findings.vantage import Outage, outages
from netcheck.diagnosis.findings.wording import everywhere, sentence
from netcheck.record import CheckRecord, Finding, Place, VantageRecord
from probes.contract import NOTHING, Confidence, Verdict

# The weakest confidence of its checks is the finding's.
ORDER = (Confidence.UNDETERMINED, Confidence.LIKELY, Confidence.CERTAIN)


def findings(
    checks: Iterable[CheckRecord], vantages: Mapping[str, VantageRecord] = NOTHING
) -> tuple[Finding, ...]:
    """The findings, widest first; then in the order of the inventory.

    Only what failed or could not be checked, and is not accepted, needs doing. A warning makes no finding,
    however many checks have it: it works now, nobody has to act for the run to count as good, and of
    `path.unstable` nobody is known who could. It stands in its check's row.
    """
    checks = list(checks)
    failed = [check for check in checks if _needs_doing(check)]
    if not failed:
        return ()
    census = Census(failed, checks)
    dead = outages(checks, census)
    rest = (check for check in failed if check.vantage not in dead or unsent(check))
    found = [_finding(group, census, _host(vantages, group[0].vantage)) for group in grouped(rest, census)]
    for name, outage in dead.items():
        if affected := [check for check in outage.checks if _needs_doing(check)]:
            found.append(_of_outage(outage, affected, census, _host(vantages, name)))
    order = {check.id: index for index, check in enumerate(failed)}
    return tuple(sorted(found, key=lambda finding: (-len(finding.checks), order[finding.checks[0]])))


def _needs_doing(check: CheckRecord) -> bool:
    return check.verdict in (Verdict.FAIL, Verdict.ERROR) and not check.accepted


def _host(vantages: Mapping[str, VantageRecord], name: str) -> str:
    return vantages[name].host if name in vantages else "this host"


def _finding(group: Sequence[CheckRecord], census: Census, host: str) -> Finding:
    first = next((check for check in group if check.where is not None), group[0])
    assert first.cause is not None
    return _made(
        group,
        cause=first.cause,
        responsible=first.responsible or "undetermined",
        where=common_place(group),
        clauses=[sentence(group, census), *contrast(group, census)],
        advice=advice(group, census, host),
    )


def _of_outage(outage: Outage, affected: Sequence[CheckRecord], census: Census, host: str) -> Finding:
    found = _made(
        affected,
        cause=outage.cause,
        responsible=outage.responsible,
        where=outage.place,
        clauses=[everywhere(outage, host), elsewhere(affected, census)],
        advice=of_outage(outage, census, host),
    )
    found = found._replace(ask="network")
    if found.confidence is Confidence.UNDETERMINED:
        return found._replace(responsible="undetermined")
    # That one reason is behind all of it is inferred, unless this machine itself says so.
    return found if outage.local else found._replace(confidence=_weakest(found.confidence, Confidence.LIKELY))


def _made(
    group: Sequence[CheckRecord],
    *,
    cause: str,
    responsible: str,
    where: Place | None,
    clauses: Sequence[str],
    advice: str,
) -> Finding:
    return Finding(
        cause=cause,
        responsible=responsible,
        where=where,
        summary="; ".join(filter(None, clauses)),
        advice=advice,
        owners=tuple(dict.fromkeys(check.owner for check in group if check.owner)),
        checks=tuple(check.id for check in group),
        confidence=_weakest(*{check.confidence for check in group}),
        ask="network" if is_of_the_way(cause) and not all(map(signed_by_target, group)) else "owners",
    )


def _weakest(*confidences: Confidence) -> Confidence:
    return min(confidences, key=ORDER.index)
