"""The second look, carried out: representatives of each class again, slowly, then what follows for all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from netcheck.check import Check
from netcheck.diagnosis.judge import Judgement, judge, unstable
from netcheck.diagnosis.second_look import Class, Failure, classes, failed, stronger
from netcheck.look import Looker
from netcheck.schedule import Schedule
from probes.contract import Ascent, Confidence, Outcome, Verdict

# Slowly: fewer at once than in the first pass, and one connection at a time at a host.
CONCURRENCY = 256
PER_HOST = 1

UNHEARD = "others of this network and port are rejected by ICMP, of which routers send few: perhaps unheard"
DOWN = "another check found this address down: perhaps this one gave up before its router did"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A failure with its final judgement after so many looks of its own."""

    failure: Failure
    outcome: Outcome
    judgement: Judgement
    attempts: int


Settle = Callable[[Reviewed], None]


class Review:
    """One second look at the failures of a first pass; `settle` is told of each as it is decided."""

    def __init__(self, look: Looker, settle: Settle) -> None:
        self._look = look
        self._settle = settle
        self._again: dict[int, Outcome] = {}  # by the failure's index
        self._down: set[str | None] = set()  # addresses that a router called unreachable
        self._tries: dict[str, int] = {}  # by the check's id

    async def run(self, failures: Iterable[Failure]) -> None:
        failures = list(failures)
        self._down = {one.main.address for one in failures if one.main.cause == "tcp.host_down"}
        found = classes(failures)
        await self._repeat(one for each in found for one in each.split()[0])
        await self._repeat(one for each in found if not self._unanimous(each) for one in each.split()[1])
        for each in found:
            self._decide(each)

    async def _repeat(self, failures: Iterable[Failure]) -> None:
        items = [(failure.index, failure.check) for failure in failures]
        pass_ = Schedule(self._once_more, self._repeated, concurrency=CONCURRENCY, per_host=PER_HOST)
        await pass_.run(items)

    async def _once_more(self, check: Check) -> Outcome:
        """Up to `retries` more looks, until one passes. Without its credential: auth is never repeated."""
        terms = check.terms._replace(credential=None)
        for tries in range(1, terms.retries + 1):
            outcome = await self._look(check._replace(terms=terms))
            self._tries[check.id] = tries
            if judge(check, outcome).verdict in (Verdict.PASS, Verdict.WARN):
                break
        return outcome

    def _repeated(self, index: int, check: Check, outcome: Outcome) -> None:
        self._again[index] = outcome

    def _unanimous(self, each: Class) -> bool:
        """Whether every representative failed again, all with one cause."""
        causes = {self._second(one).cause for one in each.split()[0]}
        return len(causes) == 1 and None not in causes

    def _second(self, failure: Failure) -> Ascent:
        return failed(self._again[failure.index])

    def _decide(self, each: Class) -> None:
        """The verdict of every member: its own second look's, or the representatives'."""
        seen = [self._own(one) for one in each.members if one.index in self._again]
        inherited = [_inherited(one, seen[0]) for one in each.members if one.index not in self._again]
        for reviewed in (*seen, *inherited):
            self._settle(self._weighed(reviewed, each))

    def _weighed(self, reviewed: Reviewed, each: Class) -> Reviewed:
        """Silence is not certain beside answers that explain it otherwise."""
        judgement = reviewed.judgement
        if judgement.cause != "tcp.filtered":
            return reviewed
        if judgement.main.address in self._down:
            return _doubted(reviewed, DOWN)
        return _doubted(reviewed, UNHEARD) if each.beside_rejections else reviewed

    def _own(self, failure: Failure) -> Reviewed:
        second = self._again[failure.index]
        again = judge(failure.check, second, looks=2)
        attempts = 1 + self._tries[failure.check.id]
        if again.verdict in (Verdict.PASS, Verdict.WARN):
            return Reviewed(failure, second, unstable(again, failure.main), attempts)
        outcome = stronger(failure.outcome, second)
        judgement = judge(failure.check, outcome, looks=2)
        if again.cause != failure.judgement.cause:
            other = failed(second) if outcome is failure.outcome else failure.main
            judgement = judgement._replace(
                confidence=Confidence.LIKELY,
                evidence=(*judgement.evidence, f"another look ended differently: {other.summary}"),
            )
        return Reviewed(failure, outcome, judgement, attempts)


def _inherited(failure: Failure, representative: Reviewed) -> Reviewed:
    """What a representative showed stands for the rest of its class, `likely`."""
    own, shown = failure.judgement, representative.judgement
    as_shown = f"{representative.failure.check.id} was: {shown.summary}"
    named = f"not looked at again itself; {as_shown}"
    judgement = own._replace(
        summary=own.summary if own.cause == shown.cause else f"{own.summary}; looked at again, {as_shown}",
        verdict=shown.verdict,
        cause=shown.cause,
        layer=shown.layer,
        confidence=Confidence.LIKELY,
        evidence=(*own.evidence, named),
    )
    return Reviewed(failure, failure.outcome, judgement, 1)


def _doubted(reviewed: Reviewed, why: str) -> Reviewed:
    judgement = reviewed.judgement
    doubted = judgement._replace(confidence=Confidence.LIKELY, evidence=(*judgement.evidence, why))
    return replace(reviewed, judgement=doubted)
