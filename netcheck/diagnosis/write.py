"""A judged check as its record: where it ends, who acts, what to do next, whether it is accepted."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from netcheck.check import TO_SAAS, Accept, Check
from netcheck.diagnosis import catalogue, facts
from netcheck.diagnosis.acts import HERE, Acts, Owners, acts
from netcheck.diagnosis.ascents import looping
from netcheck.diagnosis.judge import by_hosts_file
from netcheck.diagnosis.judgement import Judgement, Side
from netcheck.diagnosis.policy import BLOCKING, UNPROVED
from netcheck.diagnosis.sampled import as_record
from netcheck.record import Accepted, CheckRecord, Control, Place, Trace
from probes.contract import Outcome, Verdict
from probes.urls import asked_name
from probes.words import few


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes records. `today` decides whether an acceptance still holds (UTC), `owners` whose a hop is."""

    today: datetime.date
    owners: Owners = field(default_factory=Owners)

    def record(
        self,
        check: Check,
        outcome: Outcome,
        judgement: Judgement,
        *,
        attempts: int = 1,
        trace: Trace | None = None,
        where: Place | None = None,
        controls: tuple[Control, ...] = (),
    ) -> CheckRecord:
        """The record of one finished check. `where` None: who signed a rejection says it, if anybody did.
        Of a routing loop whoever signs is any of those who send it round, by chance, and no place.

        The last sentence of `evidence` says who acts, where somebody has to.
        """
        terms, main = check.terms, judgement.main
        cause = judgement.cause
        entry = catalogue.entry(shared_cause(judgement) or cause) if cause else None
        evident = where
        if where is None and main.signed_by and (cause or check.terms.expect == "blocked"):
            evident = Place("at", main.signed_by, cycle=(main.signed_by,) if looping(main) else ())
            where = None if looping(main) else evident
        who = self._who(entry, terms.flow, judgement, evident) if entry else None
        return CheckRecord(
            id=check.id,
            name=terms.name,
            vantage=terms.vantage,
            origin=terms.origin,
            flow=terms.flow,
            target=check.target,
            groups=terms.groups,
            tags=terms.tags,
            owner=terms.owner,
            host=check.host,
            address=main.address,
            source=main.source,
            probe=terms.probe,
            port=terms.port,
            expect=terms.expect,
            verdict=judgement.verdict,
            cause=cause,
            layer=judgement.layer,
            confidence=judgement.confidence,
            responsible=who.who if who else None,
            summary=judgement.summary,
            evidence=_evidence(judgement, who),
            advice=_advice(entry, check, judgement, where, controls) if entry else None,
            warnings=judgement.warnings,
            accepted=self._accepted(check, judgement),
            started=main.started or outcome.started or None,
            duration=outcome.duration,
            attempts=attempts,
            steps=judgement.steps,
            addresses=judgement.addresses,
            controls=controls,
            samples=as_record(outcome.samples),
            settings=asked(terms.settings),
            facts=main.facts,
            trace=self._owned(trace),
            where=where,
        )

    def _who(self, entry: catalogue.Entry, flow: str, judgement: Judgement, evident: Place | None) -> Acts:
        """Who acts, by the place where it ends, or by the end that is known to be at fault. A hop's word goes
        before what the proxy tells, that it is something on this side."""
        place = Place(HERE, "") if _said_here(judgement, evident) else evident
        side = Place(judgement.side.value, "") if judgement.side is not None else None
        if side is not None and judgement.side is not Side.OURS:
            place = side
        who = acts(entry, flow, judgement.confidence, place, self.owners)
        if judgement.side is Side.OURS and who.who == "undetermined":
            return acts(entry, flow, judgement.confidence, side, self.owners)
        return who

    def _owned(self, trace: Trace | None) -> Trace | None:
        """The trace with whose each hop is, where the inventory says it of any."""
        if trace is None:
            return None
        sides = tuple(self.owners.side(hop.address) if hop.address else None for hop in trace.hops)
        return trace._replace(owners=sides) if any(sides) else trace

    def _accepted(self, check: Check, judgement: Judgement) -> Accepted | None:
        """The acceptance that covers this failure today, the first that fits."""
        if judgement.verdict is not Verdict.FAIL:
            return None
        for accept in check.terms.accept:
            if accept.until >= self.today and _covers(accept, check, judgement.cause):
                return Accepted(accept.until.isoformat(), accept.reason, accept.by)
        return None


def shared_cause(judgement: Judgement) -> str | None:
    """What all addresses that failed have in common, where some passed: what is to be done is about that.

    None where there is no such thing, or only that they were not reached.
    """
    if judgement.cause != "path.some_addresses_dead":
        return None
    causes = {one.cause for one in judgement.addresses if one.verdict is Verdict.FAIL}
    [cause] = causes if len(causes) == 1 else [None]
    return None if cause is None or cause.partition(".")[0] in ("tcp", "path", "vantage") else cause


def _said_here(judgement: Judgement, where: Place | None) -> bool:
    """Whether this very host says so: it has no route, or got no answer as it asked for the next hop."""
    source = judgement.main.source
    if where is None:
        return judgement.cause == "tcp.no_route" and judgement.main.signed_by is None
    return where.relation == "at" and source is not None and where.address == source.address


def _covers(accept: Accept, check: Check, cause: str | None) -> bool:
    terms = check.terms
    named = accept.check is None or accept.check in (terms.probe, check.label)
    return named and accept.cause in (None, cause)


def _evidence(judgement: Judgement, who: Acts | None) -> tuple[str, ...]:
    return (*judgement.evidence, who.sentence) if who else judgement.evidence


def _advice(
    entry: catalogue.Entry,
    check: Check,
    judgement: Judgement,
    where: Place | None,
    controls: tuple[Control, ...],
) -> str:
    source = judgement.main.source
    if check.terms.expect == "blocked" and judgement.verdict is Verdict.ERROR and entry.code in BLOCKING:
        return UNPROVED.format(vantage=check.terms.vantage)
    host, port, target, address = check.host, check.terms.port, check.target, judgement.main.address
    signer = facts.issuer(judgement.main.facts)
    if shared_cause(judgement) is not None:
        signer = None  # what is known is the certificate of one that passed
        dead = [one.address for one in judgement.addresses if one.verdict is Verdict.FAIL]
        target, address = f"{target} at {few(dead)}", few(dead)
    if judgement.about is not None:
        host, port = judgement.about
        target, address = host, None
    told = entry.advice(
        catalogue.About(
            target=target,
            host=host,
            name=asked_name(check.terms.settings, check.host),
            address=address,
            port=port,
            services=catalogue.service(host, port),
            probe=check.terms.probe,
            source=source.address if source else None,
            where=where,
            alive=judgement.side is Side.OURS or any(control.served for control in controls),
            here=judgement.side is Side.HERE or _said_here(judgement, where),
            there=judgement.side is Side.THERE,
            public=check.terms.flow in TO_SAAS or getattr(check.terms.settings, "public", False),
            vouched=facts.known_publicly(judgement.main.facts) is True,
            signer=signer,
        )
    )
    if not judgement.verdict.works and by_hosts_file(judgement.steps):
        line = f"the line of {check.host} in this host's hosts file"
        return f"Correct or remove {line}, unless it is meant. {told}"
    return told


def asked(settings: Any) -> Mapping[str, Any]:
    """The options that were set, as plain data."""
    fields = getattr(settings, "__dataclass_fields__", {})
    return {
        name: _plain(value)
        for name, field in fields.items()
        if (value := getattr(settings, name)) != field.default
    }


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list, set, frozenset)):
        return [_plain(part) for part in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
