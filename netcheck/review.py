"""The second look, carried out: representatives of each class again, slowly, with traces and experiments.

What follows for all the others is reasoned from those. Decisions are `netcheck.diagnosis`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from netcheck import experiments
from netcheck.check import Check
from netcheck.diagnosis.found import Found
from netcheck.diagnosis.judge import judge, unstable
from netcheck.diagnosis.judgement import Judgement, also
from netcheck.diagnosis.places import Line, lines, lost_after
from netcheck.diagnosis.refine import Refined, refine
from netcheck.diagnosis.second_look import Class, Failure, classes, failed, stronger
from netcheck.experiments import Experimenter
from netcheck.look import Looker
from netcheck.record import Trace
from netcheck.schedule import Schedule, first_error
from netcheck.tracing import Tracer
from probes.contract import Ascent, Confidence, Layer, Outcome, Verdict
from probes.path.trace import MORE_PORTS, PORTS, WAIT

# Slowly: fewer at once than in the first pass, and one connection at a time at a host.
CONCURRENCY = 256
PER_HOST = 1
# Traces at once: routers answer one peer with few ICMP errors (Linux: six, then one a second).
TRACES = 8
SAMPLES = 6  # of those that ask each hop once
MOST_EARLY = 8  # traces that are made again, one by one, for what later ones showed
EXPERIMENTS = 16  # checks that are experimented on at once
# Of a class whose representatives turn out to differ, so many more are examined; the rest keep what was seen.
MOST_EXAMINED = 64

UNHEARD = "others of this network and port are rejected by ICMP, of which routers send few: perhaps unheard"
DOWN = "another check found this address down: perhaps this one gave up before its router did"
DIFFER = "not examined itself, and those of its kind that were turned out to differ"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A failure with its final judgement after so many looks of its own."""

    failure: Failure
    outcome: Outcome
    refined: Refined
    attempts: int

    @property
    def judgement(self) -> Judgement:
        return self.refined.judgement

    def judged(self, judgement: Judgement) -> Reviewed:
        """The same, judged otherwise."""
        return replace(self, refined=self.refined._replace(judgement=judgement))


Settle = Callable[[Reviewed], None]


class Review:
    """One second look at the failures of a first pass; `settle` is told of each as it is decided.

    `tracer` None: nothing is traced, and `untraced` says why, where that is not what was asked for.
    `everyone`: each failure stands for itself alone.
    """

    def __init__(
        self,
        look: Looker,
        settle: Settle,
        tracer: Tracer | None = None,
        *,
        everyone: bool = False,
        untraced: str | None = None,
    ) -> None:
        self._look = look
        self._settle = settle
        self._tracer = tracer
        self._everyone = everyone
        self._untraced = untraced
        self._experimenter = Experimenter(look)
        self._again: dict[int, Outcome] = {}  # by the failure's index
        self._found: dict[int, Found] = {}
        self._examined: set[int] = set()
        self._lines: dict[int, Line] = {}  # of those that are silent
        self._down: set[str | None] = set()  # addresses that a router called unreachable
        self._tries: dict[str, int] = {}  # by the check's id
        self._names: dict[str, str] = {}  # of hops, by address
        self._traces = asyncio.Semaphore(TRACES)
        self._ports = PORTS
        self._samples = asyncio.Semaphore(SAMPLES)
        self._experiments = asyncio.Semaphore(EXPERIMENTS)

    async def run(self, failures: Iterable[Failure]) -> None:
        failures = list(failures)
        self._ports = MORE_PORTS if len(failures) <= TRACES else PORTS
        self._down = {one.main.address for one in failures if one.main.cause == "tcp.host_down"}
        found = classes(failures)
        await _together(self._repeat_classes(found), self._trace_silent(failures))
        await self._explore(one for each in found for one in self._split(each)[0])
        await self._explore(
            one for each in found if not self._agreed(each) for one in self._split(each)[1][:MOST_EXAMINED]
        )
        if self._tracer is not None:
            self._names = await self._tracer.names()
        for each in found:
            self._decide(each)

    def _split(self, each: Class) -> tuple[tuple[Failure, ...], tuple[Failure, ...]]:
        return (each.members, ()) if self._everyone else each.split()

    # Looking again

    async def _repeat_classes(self, found: Sequence[Class]) -> None:
        await self._repeat(one for each in found for one in self._split(each)[0])
        await self._repeat(one for each in found if not self._unanimous(each) for one in self._split(each)[1])

    async def _repeat(self, failures: Iterable[Failure]) -> None:
        items = [(one.index, one.check) for one in failures if one.check.terms.retries]
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
        causes = {self._second(one).cause for one in self._split(each)[0]}
        return len(causes) == 1 and None not in causes

    def _second(self, failure: Failure) -> Ascent:
        return failed(self._again.get(failure.index, failure.outcome))

    # Tracing and experimenting

    async def _trace_silent(self, failures: Sequence[Failure]) -> None:
        """Trace flows that are silent beside their repetition: both mostly wait."""
        if self._tracer is None:
            return
        open_lines = lines(failures)
        self._lines = {one.index: line for line in open_lines for one in line.failures}
        await self._trace_lines(open_lines, self._spare(failures))
        for one in [one for one in failures if self._is_early(one)][:MOST_EARLY]:
            await self._trace_anew(one)
        await self._trace_lines(open_lines, 0.0)  # where a place has changed

    async def _trace_lines(self, open_lines: Sequence[Line], spare: float) -> None:
        while batch := [(line, one) for line in open_lines for one in iter(line.take, None)]:
            patience = spare if len(batch) <= TRACES else 0.0
            await _together(*(self._trace_one(line, one, patience) for line, one in batch))

    def _is_early(self, failure: Failure) -> bool:
        """Whether it was traced before others showed that who comes next is short of answers."""
        traced = self._found.get(failure.index, Found()).traced
        return traced is not None and self._tracer is not None and self._tracer.is_early(failure, traced)

    def _spare(self, failures: Sequence[Failure]) -> float:
        """How long the repetition of the silent waits beyond one trace."""
        waits = (one.check.terms.timing.timeout for one in failures if one.check.terms.retries)
        return max(0.0, max(waits, default=0.0) - 2 * WAIT)

    async def _trace_one(self, line: Line, failure: Failure, spare: float) -> None:
        """Trace one flow of a line; where a few stand for many that agree so far, just once."""
        assert self._tracer is not None
        if line.is_plain:
            async with self._samples:
                traced = await self._tracer.sample(failure)
        else:
            async with self._traces:
                traced = await self._tracer.follow(failure, patience=spare, ports=self._ports)
        if traced is not None:
            self._found[failure.index] = Found(traced)
            line.put(failure, lost_after(traced.route, traced.before))

    async def _trace_anew(self, failure: Failure) -> None:
        """A longer way counts; what a router says now may follow from the SYNs of the first trace."""
        assert self._tracer is not None
        known = self._found[failure.index].traced
        traced = await self._tracer.follow(failure, patience=0.0, ports=1)
        if traced is None or known is None or traced.route.end is not None:
            return
        if len(traced.route.hops) > len(known.route.hops):
            self._found[failure.index] = Found(traced)
            self._lines[failure.index].put(failure, lost_after(traced.route, traced.before))

    async def _explore(self, failures: Iterable[Failure]) -> None:
        """Find out what stands behind answers and stalled connections."""
        new = [one for one in failures if one.index not in self._examined]
        await _together(*(self._examine(one) for one in new))

    async def _examine(self, failure: Failure) -> None:
        self._examined.add(failure.index)
        seen = self._own(failure)
        if seen.judgement.verdict is not Verdict.FAIL:
            return
        as_seen = replace(failure, outcome=seen.outcome)
        if experiments.stalled(as_seen.main) and failure.check.terms.retries:
            async with self._experiments:
                stalled = await self._experimenter.on(as_seen)
            found = Found(stalled=stalled)
            if stalled.anybody and self._tracer is not None:
                traced = await self._tracer.follow_open(failure.check, as_seen.main)
                found = found._replace(traced=traced)
            self._found[failure.index] = found
        elif as_seen.main.layer is Layer.CONNECT and self._tracer is not None:
            async with self._traces:
                self._found[failure.index] = await self._followed(as_seen, self._tracer)

    async def _followed(self, failure: Failure, tracer: Tracer) -> Found:
        """The way of a flow that did not connect, unless it is known already."""
        found = self._found.get(failure.index, Found())
        if found.traced is None and not self._is_told(failure):
            traced = await tracer.follow(failure, patience=0.0, ports=self._ports)
            found = found._replace(traced=traced)
        return found._replace(patient=await tracer.wait_for_router(failure, found.traced))

    def _is_told(self, failure: Failure) -> bool:
        """Whether its neighbours' traces already tell where a silent flow ends."""
        line = self._lines.get(failure.index)
        return failure.main.cause == "tcp.filtered" and line is not None and line.known(failure) is not None

    # Deciding

    def _agreed(self, each: Class) -> bool:
        """Whether the representatives, examined, still have one cause."""
        return len({self._final(one).judgement.cause for one in self._split(each)[0]}) == 1

    def _decide(self, each: Class) -> None:
        """The verdict of every member: its own second look's, or the representatives'."""
        representatives = [self._final(one) for one in self._split(each)[0]]
        agreed = self._agreed(each)
        for failure in each.members:
            if self._stands_alone(failure):
                reviewed = self._final(failure)
            elif agreed:
                reviewed = self._placed(_inherited(failure, representatives[0]))
            else:
                reviewed = self._placed(_doubted(self._own(failure), DIFFER))
            self._settle(self._weighed(reviewed, each))

    def _stands_alone(self, failure: Failure) -> bool:
        """Whether its own looks decide, rather than those of representatives."""
        index = failure.index
        return index in self._again or index in self._examined or not failure.check.terms.retries

    def _final(self, failure: Failure) -> Reviewed:
        """What the looks at this failure itself, and what was found out beside, come to."""
        return self._placed(self._own(failure))

    def _placed(self, reviewed: Reviewed) -> Reviewed:
        failure = reviewed.failure
        if self._untraced and reviewed.judgement.layer is Layer.CONNECT:
            reviewed = reviewed.judged(also(reviewed.judgement, f"not traced: {self._untraced}"))
        found = self._found.get(failure.index, Found())
        line = self._lines.get(failure.index)
        if found.traced is None and line is not None:
            found = found._replace(known=line.known(failure))
        if found == Found():
            return reviewed
        return replace(reviewed, refined=refine(reviewed.judgement, found, self._names))

    def _weighed(self, reviewed: Reviewed, each: Class) -> Reviewed:
        """Silence is not certain beside answers that explain it otherwise."""
        judgement = reviewed.judgement
        if judgement.cause != "tcp.filtered":
            return reviewed
        if judgement.main.address in self._down:
            return _doubted(reviewed, DOWN)
        return _doubted(reviewed, UNHEARD) if each.beside_rejections else reviewed

    def _own(self, failure: Failure) -> Reviewed:
        second = self._again.get(failure.index)
        if second is None:
            return Reviewed(failure, failure.outcome, Refined(failure.judgement), 1)
        again = judge(failure.check, second, looks=2)
        attempts = 1 + self._tries[failure.check.id]
        if again.verdict in (Verdict.PASS, Verdict.WARN):
            return Reviewed(failure, second, Refined(unstable(again, failure.main)), attempts)
        outcome = stronger(failure.outcome, second)
        judgement = judge(failure.check, outcome, looks=2)
        if again.cause != failure.judgement.cause:
            other = failed(second) if outcome is failure.outcome else failure.main
            judgement = judgement._replace(
                confidence=Confidence.LIKELY,
                evidence=(*judgement.evidence, f"another look ended differently: {other.summary}"),
            )
        return Reviewed(failure, outcome, Refined(judgement), attempts)


async def _together(*tasks: Coroutine[Any, Any, None]) -> None:
    """All at once; a bug in one ends the others and is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(task)
    except BaseExceptionGroup as errors:
        raise first_error(errors) from None


def _inherited(failure: Failure, representative: Reviewed) -> Reviewed:
    """What a representative showed stands for the rest of its class, `likely`."""
    own, shown = failure.judgement, representative.judgement
    if own.cause != failure.main.cause:  # what the check is about is more than this one address
        shown = shown._replace(verdict=own.verdict, cause=own.cause, layer=own.layer)
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
    # Where silence begins is reasoned from the traces on both sides of a flow, not from the class.
    where = None if shown.cause == "tcp.filtered" else representative.refined.where
    return Reviewed(failure, failure.outcome, Refined(judgement, where and Trace("sibling"), where), 1)


def _doubted(reviewed: Reviewed, why: str) -> Reviewed:
    return reviewed.judged(also(reviewed.judgement, why)._replace(confidence=Confidence.LIKELY))
