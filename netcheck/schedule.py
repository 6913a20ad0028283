"""Many checks at once: so many in all, so few at one host; results come as they end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from operator import attrgetter

from netcheck.check import Check
from probes.contract import Outcome
from probes.net.tasks import first_error

Item = tuple[int, Check]
Look = Callable[[Check], Awaitable[Outcome]]
Ended = Callable[[int, Check, Outcome], None]

# Checks set aside because their host is busy; past this many the plan waits, so memory stays bounded.
MOST_PARKED = 50_000

# So many outcomes are handed on together, or what there is after so many seconds: judged between two
# connections each would cost three times as much, for cold caches. A look that never has to wait keeps
# the event loop, so at the same moment others, and signals, get their turn.
BATCH = 256
REPORT_EVERY = 0.1


class Schedule:
    """One pass over checks. `ended` is called with each outcome, in the order in which they end.

    Workers take the next check whose host has a free place. The worker that ends a check at a host goes
    on with the next one parked there, so a busy host never holds up the others. `place`: what counts as one
    host, `per_host` at once.
    """

    def __init__(
        self,
        look: Look,
        ended: Ended,
        *,
        concurrency: int,
        per_host: int,
        place: Callable[[Check], str] = attrgetter("host"),
    ) -> None:
        self._look = look
        self._ended = ended
        self._concurrency = concurrency
        self._per_host = per_host
        self._place = place
        self._items: Iterator[Item] = iter(())
        self._workers = 0
        self._unreported: list[tuple[int, Check, Outcome]] = []
        self._busy: dict[str, int] = {}
        self._parked: dict[str, deque[Item]] = {}
        self._parked_count = 0

    async def run(self, items: Iterable[Item]) -> None:
        """Returns when every item has ended; a bug in a look, or a cancellation, ends all of them."""
        self._items = iter(items)
        try:
            async with asyncio.TaskGroup() as group:
                reporter = group.create_task(self._report_often())
                async with asyncio.TaskGroup() as workers:
                    self._hire(workers)
                reporter.cancel()
        except BaseExceptionGroup as errors:
            raise first_error(errors) from None
        finally:
            self._report()

    async def _report_often(self) -> None:
        while True:
            await asyncio.sleep(REPORT_EVERY)
            self._report()

    def _report(self) -> None:
        ended, self._unreported = self._unreported, []
        for index, check, outcome in ended:
            self._ended(index, check, outcome)

    def _hire(self, group: asyncio.TaskGroup) -> None:
        """One more worker, if there is a place and a check for it."""
        if self._workers < self._concurrency and (item := self._next()) is not None:
            self._workers += 1
            group.create_task(self._work(item, group))

    async def _work(self, item: Item | None, group: asyncio.TaskGroup) -> None:
        while item is not None:
            self._hire(group)  # each time: there may be none to hire while the plan has to wait
            index, check = item
            outcome = await self._look(check)
            self._unreported.append((index, check, outcome))  # not before: the list is another by now
            if len(self._unreported) >= BATCH:
                self._report()
                await asyncio.sleep(0)
            item = self._next_at(self._place(check)) or self._next()
        self._workers -= 1

    def _next(self) -> Item | None:
        """The next check of the plan whose host has a place; those passed over are parked."""
        if self._parked_count >= MOST_PARKED:
            return None
        for item in self._items:
            host = self._place(item[1])
            busy = self._busy.get(host, 0)
            if busy < self._per_host:
                self._busy[host] = busy + 1
                return item
            self._parked.setdefault(host, deque()).append(item)
            self._parked_count += 1
            if self._parked_count >= MOST_PARKED:
                break
        return None

    def _next_at(self, host: str) -> Item | None:
        """The next check parked at this host takes the place; without one the place is free."""
        queue = self._parked.get(host)
        if queue:
            self._parked_count -= 1
            return queue.popleft()
        self._parked.pop(host, None)
        self._busy[host] -= 1
        if not self._busy[host]:
            del self._busy[host]
        return None
