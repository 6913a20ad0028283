"""Bare TCP handshakes, held until it is known that not just anybody completes them in their network.

A handshake is all that a tcp check sees, and a SYN proxy or a proxying firewall completes it for hosts that
do not exist. So ports that nobody uses are asked as well: of a few hosts in each network, and of all
hosts there once one such port has answered. And for a proxy of single ports each port is asked of an
address drawn by chance, once a network; of many more where that opens.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from netcheck.diagnosis.found import Stalled
from netcheck.diagnosis.networks import quick_network_of
from netcheck.second_look.unused import Unused
from netcheck.second_look.waiting import Held, Port

# So many hosts of a network are asked. One would do where a whole network is proxied; a rule for single
# hosts, which is as common, shows only at these.
HOSTS = 8
NETWORKS = 32  # and of as many networks; of further ones one host, or a large fleet would be asked too much
AT_ONCE = 256
# A handshake in somebody's name is quick: whoever proxies it need not ask the target first. Seconds.
WAIT = 0.5
ROUND_TRIPS = 3  # and no quicker than that on a long way


# Pairs of network and port of which a stranger is asked; a dead one's silence takes WAIT, beside all else.
SHARED = 4096


Settle = Callable[[Held, Stalled | None], None]


class Suspicion(enum.Enum):
    """What is known of a port by one stranger."""

    UNDER_WAY = enum.auto()
    NONE = enum.auto()
    OPENS = enum.auto()


@dataclass(slots=True)
class Neighbourhood:
    """What is known of one destination network.

    `asked`: by port; None: under way. `strangers`: what one stranger shows of a port; `shared`: what many
    do, by port; `apart`: what sets single handshakes apart from theirs. `known`: addresses that are nobody's
    strangers.
    """

    asked: dict[Port, Stalled | None] = field(default_factory=dict)
    held: list[Held] = field(default_factory=list)
    strangers: dict[int, Suspicion] = field(default_factory=dict)
    shared: dict[int, Stalled] = field(default_factory=dict)
    apart: dict[Port, Stalled] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    under_way: int = 0
    proxied: bool = False

    def is_honest(self, one: Held) -> bool:
        """Whether nothing speaks, or may yet speak, against this handshake."""
        suspicion = self.strangers.get(one.check.terms.port or 0, Suspicion.NONE)
        return not self.under_way and not self.proxied and suspicion is Suspicion.NONE

    def against(self, one: Held) -> Stalled | None:
        """What speaks against this handshake; None: nothing."""
        found = self.asked.get(one.port)
        if found is not None and found.proxied:
            return found
        found = self.apart.get(one.port) or self.shared.get(one.check.terms.port or 0)
        return found if found is not None and found.proxied else None


class Handshakes:
    """Holds checks and settles them; `settle` is told what speaks against each, None where nothing does."""

    def __init__(self, unused: Unused, settle: Settle) -> None:
        self._unused = unused
        self._settle = settle
        self._networks: dict[str, Neighbourhood] = {}
        self._asking: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._strangers_turns = asyncio.Semaphore(AT_ONCE)
        self._pairs = 0

    def hold(self, one: Held) -> None:
        """One more completed handshake; most are settled at once, when their network is known as honest."""
        address, port = one.port
        network = self._networks.setdefault(quick_network_of(address), Neighbourhood())
        network.known.add(address)
        most = HOSTS if len(self._networks) <= NETWORKS else 1
        if len(network.asked) < most and all(address != asked for asked, _ in network.asked):
            self._ask(network, one)
        if port is not None and port not in network.strangers and self._pairs < SHARED:
            self._pairs += 1
            network.strangers[port] = Suspicion.UNDER_WAY
            self._start(self._suspected(network, one, port))
        if network.is_honest(one):
            self._settle(one, None)
        else:
            network.held.append(one)

    async def finish(self) -> None:
        """Ask what is left to ask, and settle everything."""
        await self._wait()
        for network in self._networks.values():
            for one in network.held if network.proxied else ():
                if one.port not in network.asked:
                    self._ask(network, one)
        await self._wait()
        for network in self._networks.values():
            self._ask_many(network)
        await self._wait()
        self._settle_all()

    def give_up(self) -> None:
        """The run ends early: settle what is held, as it was seen where nothing is known against it."""
        for task in self._asking:
            task.cancel()
        self._settle_all()

    def _settle_all(self) -> None:
        for network in self._networks.values():
            for one in network.held:
                self._settle(one, network.against(one))
            network.held.clear()

    async def _wait(self) -> None:
        while self._asking:
            done, _ = await asyncio.wait(self._asking)
            self._asking -= done
            for task in done:
                task.result()

    def _start(self, asking: Coroutine[Any, Any, None]) -> None:
        self._asking.add(asyncio.ensure_future(asking))

    # Ports that nobody uses

    def _ask(self, network: Neighbourhood, one: Held) -> None:
        network.asked[one.port] = None
        network.under_way += 1
        self._start(self._asked(network, one))

    async def _asked(self, network: Neighbourhood, one: Held) -> None:
        async with self._turns:
            found = await self._unused.answers(*one.port, _wait_of(one), network.known)
        network.asked[one.port] = found
        network.proxied = network.proxied or found.proxied
        network.under_way -= 1
        self._settle_honest(network)

    def _settle_honest(self, network: Neighbourhood) -> None:
        if network.under_way or network.proxied:  # none of them is, yet
            return
        held, network.held = network.held, []
        for one in held:
            if network.is_honest(one):
                self._settle(one, None)
            else:
                network.held.append(one)

    # Addresses that nobody is known to use

    async def _suspected(self, network: Neighbourhood, one: Held, port: int) -> None:
        async with self._strangers_turns:
            opens = await self._unused.stranger_opens(one.port[0], port, network.known, _wait_of(one))
        network.strangers[port] = Suspicion.OPENS if opens else Suspicion.NONE
        self._settle_honest(network)

    def _ask_many(self, network: Neighbourhood) -> None:
        """Only now that all addresses of the run are known: a stranger must be none of them."""
        ports: dict[int, list[Held]] = {}
        for one in network.held:
            port = one.check.terms.port or 0
            if network.strangers.get(port) is Suspicion.OPENS and network.against(one) is None:
                ports.setdefault(port, []).append(one)
        for port, held in ports.items():
            self._start(self._shared(network, port, held))

    async def _shared(self, network: Neighbourhood, port: int, held: Sequence[Held]) -> None:
        first = held[0]
        async with self._strangers_turns:
            found = await self._unused.shared(first.port[0], port, network.known, _wait_of(first))
        network.shared[port] = found
        if found.shared and await self._unused.ends(found.shared[0]):
            for one in held:
                self._start(self._set_apart(network, one, found))

    async def _set_apart(self, network: Neighbourhood, one: Held, found: Stalled) -> None:
        """A proxy that ends what the target refuses may keep this one."""
        async with self._strangers_turns:
            kept = await self._unused.keeps(*one.port)
        network.apart[one.port] = found._replace(distinct=kept)


def _wait_of(one: Held) -> float:
    """How long others of its network are waited for, in seconds."""
    return max(WAIT, ROUND_TRIPS * one.judgement.main.duration)
