"""A SYN as an experiment: how far it goes, and from how far away an answer may come to be heard."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Any

from probes.net import options
from probes.net.base import Source, TimedOut
from probes.net.connecting import Attempt
from probes.net.readiness import Readiness
from probes.net.sockaddr import source_of

# Nothing wakes who waits for a segment that the kernel dropped: look at its count so often, in seconds.
LOOK_EVERY = 0.01


class Answered(Exception):
    """A segment came from below the floor, so many seconds after the SYN."""

    def __init__(self, elapsed: float, source: Source | None) -> None:
        super().__init__(elapsed)
        self.elapsed = elapsed
        self.source = source


class Knock(Attempt):
    """One connect() with a TTL and a floor. Raises Answered beside what an attempt raises."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        readiness: Readiness,
        family: socket.AddressFamily,
        sockaddr: tuple[Any, ...],
        ttl: int | None,
        floor: int | None,
    ) -> None:
        super().__init__(loop, readiness, family, sockaddr, self._limit)
        self._ttl = ttl
        self._floor = floor

    def _limit(self, sock: socket.socket) -> None:
        options.limit_reach(sock, ipv6=self.ipv6, ttl=self._ttl, floor=self._floor)

    async def _progress(self, until: float) -> int:
        if self._floor is None:
            return await super()._progress(until)
        try:
            return await super()._progress(min(until, self.loop.time() + LOOK_EVERY))
        except TimedOut:
            if options.dropped(self.sock):
                raise Answered(self.loop.time() - self.began, source_of(self.sock)) from None
            if self.loop.time() >= until:
                raise
            return errno.EINPROGRESS
