"""Experiments on connections that were made and then stalled: one thing is varied, the rest stays.

Ports that nobody uses tell whether anybody but the target completes handshakes; small segments tell
whether big packets get lost on the way.
"""

from __future__ import annotations

import ipaddress
import random
from dataclasses import replace

from netcheck.check import Check
from netcheck.diagnosis.ascents import HANGING, got_past
from netcheck.diagnosis.found import Sizes, Stalled
from netcheck.diagnosis.second_look import Failure, network_of
from netcheck.look import Looker, no_credential
from probes.contract import Ascent, Outcome
from probes.net.base import ConnectFailed
from probes.path import middlebox, mtu

# A look with segments that pass shows how long a look takes; one that hangs is given so many times that.
PATIENCE = 4
CONFIRMED = 2  # times that small segments must work again and big ones fail
LEAST = 1.5  # seconds: a lost packet is repeated well within


class Experimenter:
    """Makes the experiments through one network."""

    def __init__(self, look: Looker) -> None:
        self._look = replace(look, credential=no_credential)

    async def on(self, failure: Failure) -> Stalled:
        """What varying ports and sizes shows of a check whose connection stalled."""
        check, main = failure.check, failure.main
        assert main.address is not None
        found = await self.answers(main.address, check.terms.port)
        if found.anybody or main.cause not in HANGING:
            return found
        return found._replace(sizes=await self._sizes(check, main))

    async def answers(self, address: str, port: int | None, wait: float = middlebox.WAIT) -> Stalled:
        """Whether ports that nobody uses answer in `wait` seconds; if so, whether one of a stranger does."""
        network, used = self._look.network, {port or 0}
        try:
            unused = await middlebox.ask_unused(address, used, network, wait=wait)
            found = Stalled(unused)
            if found.anybody and port is not None:
                found = found._replace(distinct=await self._is_distinct(address, port, unused[0].port))
            if found.anybody:
                [stranger] = await middlebox.ask_unused(stranger_of(address), used, network, count=1)
                found = found._replace(stranger=stranger)
            return found
        except ConnectFailed:  # this host can't send any more: nothing was learned
            return Stalled()

    async def _is_distinct(self, address: str, port: int, unused: int) -> bool:
        """Whether a proxy that completes all handshakes shows by what it ends that this port is another."""
        network = self._look.network
        if await middlebox.keeps(address, unused, network) is not False:
            return False
        return await middlebox.keeps(address, port, network) is True

    async def _sizes(self, check: Check, main: Ascent) -> Sizes | None:
        """The working segment size, where the size is what the failure depends on."""
        assert main.address is not None
        small = mtu.small(main.address)
        works = await self._with(check, small)
        if not got_past(works, main) or got_past(await self._once(check, self._look), main):
            return None
        timeout = max(LEAST, PATIENCE * works.duration)
        quick = check._replace(
            terms=check.terms._replace(timing=check.terms.timing._replace(timeout=timeout))
        )

        async def passes(mss: int) -> bool:
            return got_past(await self._with(quick, mss), main)

        found = Sizes(small, await mtu.largest(passes, small))
        return found if await self._is_size(quick, small, main) else None

    async def _is_size(self, check: Check, small: int, main: Ascent) -> bool:
        """Whether it is the size each time, and not luck with a server that answers now and then."""
        for _ in range(CONFIRMED):
            if not got_past(await self._with(check, small), main):
                return False
            if got_past(await self._once(check, self._look), main):
                return False
        return True

    async def _with(self, check: Check, mss: int) -> Outcome:
        return await self._once(check, replace(self._look, network=self._look.network.shaped(mss)))

    async def _once(self, check: Check, look: Looker) -> Outcome:
        terms = check.terms._replace(credential=None, samples=None, idle=None)
        return await look(check._replace(terms=terms))


def stranger_of(address: str) -> str:
    """An address of the same network (IPv4 /24, IPv6 /64) drawn by chance, neither first nor last."""
    network = ipaddress.ip_network(network_of(address))
    while True:
        drawn = network[random.randrange(2, min(network.num_addresses, 2**16) - 2)]
        if str(drawn) != address:
            return str(drawn)
