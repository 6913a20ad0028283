"""Bare TCP handshakes, held until it is known that not just anybody completes them in their network.

A handshake is all that a tcp check sees, and a SYN proxy or a proxying firewall completes it for hosts that
do not exist. So ports that nobody uses are asked as well: of a few hosts in each network, and of all
hosts there once one such port has answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from netcheck.check import Check
from netcheck.diagnosis.found import Stalled
from netcheck.diagnosis.judgement import Judgement
from netcheck.diagnosis.second_look import network_of
from netcheck.experiments import Experimenter
from probes.contract import Outcome

# So many hosts of a network are asked. One would do where a whole network is proxied; a rule for single
# hosts, which is as common, shows only at these.
HOSTS = 8
NETWORKS = 32  # and of as many networks; of further ones one host, or a large fleet would be asked too much
AT_ONCE = 256
# A handshake in somebody's name is quick: whoever proxies it need not ask the target first. Seconds.
WAIT = 0.5
ROUND_TRIPS = 3  # and no quicker than that on a long way


Port = tuple[str, int | None]  # of an address


class Held(NamedTuple):
    """A check whose handshake was completed, and its judgement so far. `number`: its place in the plan."""

    number: int
    check: Check
    outcome: Outcome
    judgement: Judgement

    @property
    def port(self) -> Port:
        return self.judgement.main.address or "", self.check.terms.port


Settle = Callable[[Held, Stalled | None], None]


def proxied(found: Stalled | None) -> bool:
    """Whether something completes handshakes for ports that nobody uses, whatever it does then."""
    return found is not None and (found.anybody or found.distinct)


@dataclass(slots=True)
class Network:
    """What is known of one destination network. `asked`: by port; None: under way."""

    asked: dict[Port, Stalled | None] = field(default_factory=dict)
    held: list[Held] = field(default_factory=list)
    under_way: int = 0
    proxied: bool = False


class Handshakes:
    """Holds checks and settles them; `settle` is told what speaks against each, None where nothing does."""

    def __init__(self, experimenter: Experimenter, settle: Settle) -> None:
        self._experimenter = experimenter
        self._settle = settle
        self._networks: dict[str, Network] = {}
        self._asking: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(AT_ONCE)

    def hold(self, held: Held) -> None:
        """One more completed handshake; most are settled at once, when their network is known as honest."""
        address = held.judgement.main.address or ""
        network = self._networks.setdefault(_prefix(address), Network())
        most = HOSTS if len(self._networks) <= NETWORKS else 1
        if len(network.asked) < most and all(address != asked for asked, _ in network.asked):
            self._ask(network, held)
        network.held.append(held)
        self._settle_honest(network)

    async def finish(self) -> None:
        """Ask what is left to ask, and settle everything."""
        await self._wait()
        for network in self._networks.values():
            for held in network.held:
                if held.port not in network.asked:
                    self._ask(network, held)
        await self._wait()
        self._settle_all()

    def give_up(self) -> None:
        """The run ends early: settle what is held, as it was seen where nothing is known against it."""
        for task in self._asking:
            task.cancel()
        self._settle_all()

    def _settle_all(self) -> None:
        for network in self._networks.values():
            for held in network.held:
                found = network.asked.get(held.port)
                self._settle(held, found if proxied(found) else None)
            network.held.clear()

    async def _wait(self) -> None:
        while self._asking:
            done, _ = await asyncio.wait(self._asking)
            self._asking -= done
            for task in done:
                task.result()

    def _ask(self, network: Network, held: Held) -> None:
        network.asked[held.port] = None
        network.under_way += 1
        wait = max(WAIT, ROUND_TRIPS * held.judgement.main.duration)
        self._asking.add(asyncio.ensure_future(self._asked(network, held.port, wait)))

    async def _asked(self, network: Network, port: Port, wait: float) -> None:
        async with self._turns:
            found = await self._experimenter.answers(*port, wait)
        network.asked[port] = found
        network.proxied = network.proxied or proxied(found)
        network.under_way -= 1
        self._settle_honest(network)

    def _settle_honest(self, network: Network) -> None:
        if network.under_way or network.proxied:
            return
        for held in network.held:
            self._settle(held, None)
        network.held.clear()


def _prefix(address: str) -> str:
    """The destination network, quickly: this runs for every open port."""
    return network_of(address) if ":" in address else address.rpartition(".")[0]
