"""Failures that share a cause and a place, said once: what to do next. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from netcheck.diagnosis import catalogue
from netcheck.diagnosis.second_look import network_of
from netcheck.record import CheckRecord, Finding
from probes.contract import Confidence, Layer, Verdict
from probes.words import few

# The weakest confidence of its checks is the finding's.
ORDER = (Confidence.UNDETERMINED, Confidence.LIKELY, Confidence.CERTAIN)


def findings(checks: Iterable[CheckRecord]) -> tuple[Finding, ...]:
    """The findings, widest first; then in the order of the inventory.

    Only what failed or could not be checked, and is not accepted, needs doing.
    """
    groups: dict[tuple[object, ...], list[CheckRecord]] = {}
    for check in checks:
        if check.verdict in (Verdict.FAIL, Verdict.ERROR) and not check.accepted:
            groups.setdefault(_key(check), []).append(check)
    found = [_finding(group) for group in groups.values()]
    return tuple(sorted(found, key=lambda finding: -len(finding.checks)))


def _key(check: CheckRecord) -> tuple[object, ...]:
    """Same vantage, cause and place. Where no hop is known, the destination network stands for it."""
    place: object = check.where
    if place is None and check.layer is Layer.CONNECT:
        place = network_of(check.address or check.host)
    return check.vantage, check.cause, check.responsible, place


def _finding(group: list[CheckRecord]) -> Finding:
    first = group[0]
    assert first.cause is not None
    owners = dict.fromkeys(check.owner for check in group if check.owner)
    return Finding(
        cause=first.cause,
        responsible=first.responsible or "undetermined",
        where=first.where,
        summary=_summary(group),
        advice=_advice(group),
        owners=tuple(owners),
        checks=tuple(check.id for check in group),
        confidence=min((check.confidence for check in group), key=ORDER.index),
    )


def _summary(group: list[CheckRecord]) -> str:
    first = group[0]
    if len(group) == 1:
        return f"{first.target} {first.label}: {first.summary}"
    named = few(list(dict.fromkeys(check.target for check in group)))
    labels = ", ".join(dict.fromkeys(check.label for check in group[:100]))
    return f"{len(group)} checks ({labels}) of {named}, such as: {first.summary}"


def _advice(group: list[CheckRecord]) -> str:
    """One check's own advice; for several, the code's with all of them named."""
    first = group[0]
    if len(group) == 1 and first.advice:
        return first.advice
    assert first.cause is not None
    ports = ", ".join(dict.fromkeys(str(check.port) for check in group if check.port))
    hosts = few(list(dict.fromkeys(check.address or check.host for check in group)))
    sources = (check.source.address for check in group if check.source)
    return catalogue.entry(first.cause).advice(
        target=hosts,
        host=hosts,
        address=hosts,
        port=ports or None,
        probe=first.probe,
        source=next(sources, None),
    )
