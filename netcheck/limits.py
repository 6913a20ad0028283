"""How much may be under way: connections in all, new ones a second, and at one host.

So that a run never looks like an attack and never outgrows this machine.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from types import TracebackType

from probes.net.base import PARTING

# OpenSSH drops connections beyond 10 that have not logged in (MaxStartups), many devices beyond 4.
PER_HOST = 2
CONCURRENCY = 2000
# Descriptors that are not ours to fill: files, the event loop, resolvers, paramiko. At most half of all.
RESERVED_DESCRIPTORS = 128
# Without a connection of our own that could end, shortage is another program's: ask again after this.
SHORTAGE_PAUSE = 0.25


@dataclass(frozen=True, slots=True)
class Limits:
    """Connections under way in all, new ones a second (None: no limit), and at one host."""

    concurrency: int = CONCURRENCY
    rate: float | None = None
    per_host: int = PER_HOST


def raise_descriptor_limit() -> int:
    """Raise this process's soft limit to its hard one; returns how many connections fit."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 65536) if hard != resource.RLIM_INFINITY else 65536
    if soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        except (OSError, ValueError):
            pass
    return max(1, soft - min(RESERVED_DESCRIPTORS, soft // 2))


Turn = asyncio.Future[None]
Port = tuple[str, int | None]  # of an address


class Gate:
    """Implements `probes.net.real.Gate`. Waiters at one host are served in order."""

    def __init__(
        self,
        concurrency: int = CONCURRENCY,
        rate: float | None = None,
        per_host: int = PER_HOST,
        per_port: int | None = None,
    ) -> None:
        """`per_port`: so many at once at each port of an address, instead of `per_host` at an address."""
        self.limit = concurrency
        self.per_host = per_host if per_port is None else per_port
        self._by_port = per_port is not None
        self.under_way = 0
        self.shortages = 0
        self._interval = 1.0 / rate if rate else 0.0
        self._next_start = 0.0
        self._hosts: dict[str, int] = {}
        self._at_host: dict[str, deque[Turn]] = {}  # waiting because their host is busy
        self._in_all: deque[tuple[str, Turn]] = deque()  # waiting because all places are taken
        self._ended = asyncio.Event()
        self._alone: dict[Port, deque[Turn]] = {}  # waiting for a port that somebody has alone

    def admit(self, address: str, port: int | None, alone: bool = False) -> AbstractAsyncContextManager[None]:
        """Held while a connection to this port of this address is under way.

        `alone`: of those who ask so, one at a time, and a moment after the one before.
        """
        place = f"{address} {port}" if self._by_port else address
        return _Alone(self, place, (address, port)) if alone else _Admission(self, place)

    async def enter(self, address: str) -> None:
        if self._hosts.get(address, 0) >= self.per_host:
            turn: Turn = asyncio.get_running_loop().create_future()
            self._at_host.setdefault(address, deque()).append(turn)
            await _turn(turn, partial(self.leave, address))
        elif self.under_way >= self.limit:
            turn = asyncio.get_running_loop().create_future()
            self._in_all.append((address, turn))
            await _turn(turn, partial(self.leave, address))
        else:
            self._take(address)
        if self._interval:
            try:
                await self.pace()
            except asyncio.CancelledError:  # while it waited: the place is free again
                self.leave(address)
                raise

    def leave(self, address: str) -> None:
        self.under_way -= 1
        self._hosts[address] -= 1
        if not self._hosts[address]:
            del self._hosts[address]
        self._ended.set()
        if address in self._at_host:
            self._promote(address)
        while self._in_all and self.under_way < self.limit:
            self._serve(*self._in_all.popleft())

    async def enter_alone(self, address: str, port: Port) -> None:
        """The same, once nobody else who asks so has the port; in the order of asking."""
        if port in self._alone:
            turn: Turn = asyncio.get_running_loop().create_future()
            self._alone[port].append(turn)
            await _turn(turn, partial(self._next_alone, port))
        else:
            self._alone[port] = deque()
        try:
            await self.enter(address)
        except asyncio.CancelledError:
            self._next_alone(port)
            raise

    def leave_alone(self, address: str, port: Port) -> None:
        """The port is the next one's in a moment: a server notices an end late."""
        self.leave(address)
        asyncio.get_running_loop().call_later(PARTING, self._next_alone, port)

    async def exhausted(self) -> None:
        """This host has no descriptor or port left: fewer at once from now on, and wait for an end."""
        self.shortages += 1
        self.limit = max(1, min(self.limit, self.under_way - 1))
        self._ended.clear()
        try:
            async with asyncio.timeout(SHORTAGE_PAUSE):
                await self._ended.wait()
        except TimeoutError:
            pass

    def _take(self, address: str) -> None:
        self.under_way += 1
        self._hosts[address] = self._hosts.get(address, 0) + 1

    def _promote(self, address: str) -> None:
        """The first waiter at this host now waits for a place in all, ahead of newcomers."""
        queue = self._at_host[address]
        self._in_all.appendleft((address, queue.popleft()))
        if not queue:
            del self._at_host[address]

    def _serve(self, address: str, turn: Turn) -> None:
        if turn.done():  # cancelled meanwhile: the next at its host takes the turn
            if address in self._at_host:
                self._promote(address)
        elif self._hosts.get(address, 0) >= self.per_host:
            self._at_host.setdefault(address, deque()).appendleft(turn)
        else:
            self._take(address)
            turn.set_result(None)

    def _next_alone(self, port: Port) -> None:
        """The next in the line has the port; without one it is free."""
        line = self._alone[port]
        while line:
            turn = line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        del self._alone[port]

    async def pace(self) -> None:
        """Returns when one more connection may start: starts are at least an interval apart."""
        if not self._interval:
            return
        now = asyncio.get_running_loop().time()
        start = max(now, self._next_start)
        self._next_start = start + self._interval
        await asyncio.sleep(max(0.0, start - now))


async def _turn(turn: Turn, hand_on: Callable[[], None]) -> None:
    """Waits for the turn; one that came together with a cancellation is handed on."""
    try:
        await turn
    except asyncio.CancelledError:
        if turn.done() and not turn.cancelled():
            hand_on()
        raise


class _Admission:
    __slots__ = ("_address", "_gate")

    def __init__(self, gate: Gate, address: str) -> None:
        self._gate = gate
        self._address = address

    async def __aenter__(self) -> None:
        await self._gate.enter(self._address)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._gate.leave(self._address)


class _Alone(_Admission):
    """An admission with the port to itself, in the order of asking, and a moment after the one before."""

    __slots__ = ("_port",)

    def __init__(self, gate: Gate, address: str, port: Port) -> None:
        super().__init__(gate, address)
        self._port = port

    async def __aenter__(self) -> None:
        await self._gate.enter_alone(self._address, self._port)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._gate.leave_alone(self._address, self._port)
