"""A run: first pass, second look, findings. Told by events, returns the record, prints nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from netcheck import review
from netcheck.check import Check
from netcheck.diagnosis.findings import findings
from netcheck.diagnosis.judge import Judgement, alive, judge
from netcheck.diagnosis.second_look import Failure, is_repeated
from netcheck.diagnosis.write import Writer
from netcheck.events import Observer
from netcheck.limits import Gate, Limits
from netcheck.look import Looker
from netcheck.record import CheckRecord, RunHead, RunRecord, Summary
from netcheck.schedule import Schedule
from probes.contract import Confidence, Outcome, Verdict
from probes.net.base import Network
from probes.net.real import SystemNetwork

# A target that answered so many seconds before or after counts as alive at that moment.
SAME_MOMENT = 60.0


class Engine:
    """One run over a plan's checks. `looker` makes the looks of a pass through its network."""

    def __init__(
        self,
        head: RunHead,
        checks: Iterable[Check],
        looker: Callable[[Network], Looker],
        writer: Writer,
        limits: Limits,
        observers: Sequence[Observer] = (),
        network: Callable[[Gate], Network] = SystemNetwork,
    ) -> None:
        self._new_network = network
        self._head = head
        self._checks = checks
        self._looker = looker
        self._writer = writer
        self._limits = limits
        self._observers = observers
        self._planned = 0
        self._records: dict[int, CheckRecord] = {}
        self._failures: dict[int, Failure] = {}
        self._blocked: dict[int, tuple[Check, Outcome, Judgement]] = {}
        self._alive: dict[str, float] = {}  # when an address answered last, Unix times
        self._summary = Summary()
        self._work: asyncio.Task[None] | None = None

    def interrupt(self) -> None:
        """Stop checking; `run` then returns what was finished."""
        self._summary.interrupted = True
        if self._work is not None:
            self._work.cancel()

    async def run(self, total: int) -> RunRecord:
        """The record of the run. `total` checks are planned: only the observers need it.

        Cancelled from outside it raises, as any coroutine: half a run must not pass for a whole one.
        """
        for observer in self._observers:
            observer.started(self._head, total)
        self._work = asyncio.ensure_future(self._passes())
        try:
            await self._work
        except asyncio.CancelledError:
            if not self._summary.interrupted:
                raise
        self._settle_rest()
        if len(self._records) < self._planned and not self._summary.interrupted:
            lost = self._planned - len(self._records)
            raise RuntimeError(f"{lost} of {self._planned} checks have no verdict: a bug in netcheck")
        return self._finish()

    def _items(self) -> Iterator[tuple[int, Check]]:
        """The plan's checks, numbered and counted: a check that got lost must not pass for a green run."""
        for index, check in enumerate(self._checks):
            self._planned = index + 1
            yield index, check

    async def _passes(self) -> None:
        limits = self._limits
        look = self._looker(self._network(limits))
        first = Schedule(look, self._first_look, concurrency=limits.concurrency, per_host=limits.per_host)
        await first.run(self._items())
        if self._failures:
            quiet = self._looker(self._network(replace(limits, per_host=review.PER_HOST)))
            in_order = [self._failures[index] for index in sorted(self._failures)]
            await review.Review(quiet, self._reviewed).run(in_order)

    def _network(self, limits: Limits) -> Network:
        return self._new_network(Gate(limits.concurrency, limits.rate, limits.per_host))

    def _first_look(self, index: int, check: Check, outcome: Outcome) -> None:
        """A pass is settled; what may change with more evidence waits."""
        for ascent in outcome.ascents:
            if ascent.address and alive(ascent):
                self._alive[ascent.address] = ascent.started
        judgement = judge(check, outcome)
        passed = judgement.verdict in (Verdict.PASS, Verdict.WARN)
        if check.terms.expect == "blocked" and judgement.verdict is Verdict.PASS:
            self._blocked[index] = (check, outcome, judgement)
        elif judgement.verdict is Verdict.FAIL and is_repeated(check, outcome):
            self._failures[index] = Failure(index, check, outcome, judgement)
        else:
            self._settle(index, check, outcome, judgement)
        for observer in self._observers:
            observer.looked(passed)

    def _reviewed(self, reviewed: review.Reviewed) -> None:
        failure = reviewed.failure
        del self._failures[failure.index]
        self._settle(failure.index, failure.check, reviewed.outcome, reviewed.judgement, reviewed.attempts)

    def _settle_rest(self) -> None:
        """What had to wait for the whole run; failures too, where the second look was cut short."""
        for index, (check, outcome, judgement) in self._blocked.items():
            self._settle(index, check, outcome, self._with_life_sign(judgement))
        for failure in self._failures.values():
            self._settle(failure.index, failure.check, failure.outcome, failure.judgement)

    def _with_life_sign(self, judgement: Judgement) -> Judgement:
        """A blocked flow is certainly blocked only if the target was seen alive in this run."""
        address, when = judgement.main.address, judgement.main.started
        if abs(self._alive.get(address or "", 0.0) - when) > SAME_MOMENT:
            missing = "nothing of this run shows the target alive: it may be down rather than blocked"
            return judgement._replace(evidence=(*judgement.evidence, missing))
        sign = f"{address} answers on another port"
        return judgement._replace(confidence=Confidence.CERTAIN, evidence=(*judgement.evidence, sign))

    def _settle(
        self, index: int, check: Check, outcome: Outcome, judgement: Judgement, attempts: int = 1
    ) -> None:
        record = self._writer.record(check, outcome, judgement, attempts=attempts)
        self._records[index] = record
        self._summary.add(record)
        for observer in self._observers:
            observer.ended(record, index)

    def _finish(self) -> RunRecord:
        checks = [self._records[index] for index in sorted(self._records)]
        self._summary.findings = findings(checks)
        self._summary.finished = time.time()
        for observer in self._observers:
            observer.finished(self._summary)
        return RunRecord(self._head, checks, self._summary)
