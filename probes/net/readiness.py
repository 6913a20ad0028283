"""Waiting for thousands of connecting sockets: one epoll and one timer for all of them.

The event loop's own `add_writer` and `call_at` cost more than the connect() they wait for.
"""

from __future__ import annotations

import asyncio
import heapq
import select

Waiting = asyncio.Future[int]


class Readiness:
    """Tells when a socket has become writable or has an error. Belongs to one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll = select.epoll()
        self._waiting: dict[int, Waiting] = {}
        self._deadlines: list[tuple[float, int, Waiting]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._count = 0

    async def writable(self, fd: int, until: float) -> int:
        """The epoll events once the socket is writable or has an error; 0 at `until`, a loop's time."""
        woken: Waiting = self._loop.create_future()
        if not self._waiting:
            self._loop.add_reader(self._epoll.fileno(), self._ready)
        self._waiting[fd] = woken
        self._epoll.register(fd, select.EPOLLOUT)
        self._set_deadline(until, woken)
        try:
            return await woken
        finally:
            self._epoll.unregister(fd)
            del self._waiting[fd]
            if not self._waiting:
                self._rest()

    def _set_deadline(self, until: float, woken: Waiting) -> None:
        self._count += 1  # never compare futures
        heapq.heappush(self._deadlines, (until, self._count, woken))
        if self._timer is None or until < self._timer.when():
            self._set_timer(until)

    def _set_timer(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._expire)

    def _ready(self) -> None:
        for fd, events in self._epoll.poll(0, max(1, len(self._waiting))):
            _wake(self._waiting[fd], events)

    def _expire(self) -> None:
        self._timer = None
        now = self._loop.time()
        deadlines = self._deadlines
        while deadlines and (deadlines[0][0] <= now or deadlines[0][2].done()):
            _wake(heapq.heappop(deadlines)[2], 0)
        if deadlines:
            self._set_timer(deadlines[0][0])

    def _rest(self) -> None:
        """Nobody waits: leave nothing behind in the loop."""
        self._loop.remove_reader(self._epoll.fileno())
        self._deadlines.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _wake(woken: Waiting, events: int) -> None:
    if not woken.done():
        woken.set_result(events)
