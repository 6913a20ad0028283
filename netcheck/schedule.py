"""Many checks at once: so many in all, so few at one host; results come as they end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from netcheck.check import Check
from probes.contract import Outcome

Item = tuple[int, Check]
Look = Callable[[Check], Awaitable[Outcome]]
Ended = Callable[[int, Check, Outcome], None]

# Checks set aside because their host is busy; past this many the plan waits, so memory stays bounded.
MOST_PARKED = 50_000


class Schedule:
    """One pass over checks. `ended` is called with each outcome, in the order in which they end."""

    def __init__(self, look: Look, ended: Ended, *, concurrency: int, per_host: int) -> None:
        self._look = look
        self._ended = ended
        self._concurrency = concurrency
        self._per_host = per_host
        self._running: set[asyncio.Task[Outcome]] = set()
        self._busy: dict[str, int] = {}
        self._parked: dict[str, deque[Item]] = {}
        self._parked_count = 0
        self._changed = asyncio.Event()
        self._bug: BaseException | None = None

    async def run(self, items: Iterable[Item]) -> None:
        """Returns when every item has ended; cancelled, it first cancels all that are under way."""
        try:
            for item in items:
                while self._full():
                    await self._change()
                self._admit(item)
            while self._running:
                await self._change()
        finally:
            await self._stop()

    def _full(self) -> bool:
        return len(self._running) >= self._concurrency or self._parked_count >= MOST_PARKED

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
        if self._bug:
            raise self._bug

    def _admit(self, item: Item) -> None:
        host = item[1].host
        if self._busy.get(host, 0) < self._per_host:
            self._busy[host] = self._busy.get(host, 0) + 1
            self._start(item)
        else:
            self._parked.setdefault(host, deque()).append(item)
            self._parked_count += 1

    def _start(self, item: Item) -> None:
        task = asyncio.ensure_future(self._look(item[1]))
        self._running.add(task)
        task.add_done_callback(lambda task: self._end(item, task))

    def _end(self, item: Item, task: asyncio.Task[Outcome]) -> None:
        self._running.discard(task)
        self._changed.set()
        if task.cancelled():
            return
        self._next_at(item[1].host)
        if error := task.exception():
            self._bug = error
        else:
            self._ended(*item, task.result())

    def _next_at(self, host: str) -> None:
        """The next check parked at this host takes the place; without one the place is free."""
        queue = self._parked.get(host)
        if queue:
            self._parked_count -= 1
            self._start(queue.popleft())
            return
        self._parked.pop(host, None)
        self._busy[host] -= 1
        if not self._busy[host]:
            del self._busy[host]

    async def _stop(self) -> None:
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
