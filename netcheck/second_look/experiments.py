"""Experiments on connections that were made and then stalled: one thing is varied, the rest stays.

Ports that nobody uses tell whether anybody but the target completes handshakes; small segments tell
whether big packets get lost on the way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace

from netcheck.check import Check
from netcheck.diagnosis import facts
from netcheck.diagnosis.ascents import HANGING, got_past
from netcheck.diagnosis.classes import Failure
from netcheck.diagnosis.found import Sizes, Stalled
from netcheck.diagnosis.networks import network_of
from netcheck.look import Looker
from netcheck.second_look.strangers import all_open, one_opens, stranger_of
from netcheck.second_look.varying import once
from probes.contract import Ascent, Outcome
from probes.net.base import ConnectFailed
from probes.path import middlebox, mtu
from probes.path.middlebox import Asked

# A look with segments that pass shows how long a look takes; one that hangs is given so many times that.
PATIENCE = 4
# What must happen again, small segments (True) and plain ones: never in turn, or a pool with one server that
# hangs looks the same. Two small ones and three plain ones in a row meet every server of two, three or four.
AGAIN = (True, True, False, False, False, True)
# A silent name server costs an sshd with UseDNS up to 30 s (resolv.conf(5): two tries of 5 s a server).
LATE = 35.0
MOST_LATE = 16  # of so many in a run it is tried, for as long as one look may take
LEAST = 1.5  # seconds: a lost packet is repeated well within


class Experimenter:
    """Makes the experiments through one network."""

    def __init__(self, look: Looker, *, patient: bool = False) -> None:
        """`patient`: half a minute may be spent on a single check, as where one target is looked into."""
        self._look = look
        self._patient = patient
        self._waits_left = MOST_LATE
        self._likes_of: dict[tuple[str, int], Stalled] = {}  # by network and port
        self._asking: dict[tuple[str, int], asyncio.Lock] = {}

    async def on(self, failure: Failure) -> Stalled:
        """What varying ports, addresses and sizes shows of a check whose connection stalled."""
        check, main = failure.check, failure.main
        assert main.address is not None
        found, others = await asyncio.gather(
            self.answers(main.address, failure.port), self._likes(main.address, failure.port)
        )
        if not found.proxied and others.shared:  # a proxy for this port shows nothing at others
            kept = await self.ends(others.shared[0]) and await self.keeps(main.address, failure.port)
            found = found._replace(shared=others.shared, distinct=kept)
        if found.anybody or main.cause not in HANGING:
            return found
        if check.terms.probe == "ssh" and main.cause == "protocol.silent" and not facts.greeted(main):
            # Nothing big was sent by anybody before the greeting: its size is no matter.
            return found if found.proxied else found._replace(late=await self._late(check, main))
        return found._replace(sizes=await self._sizes(check, main))

    async def _late(self, check: Check, main: Ascent) -> float | None:
        """After how many seconds a silent SSH server speaks after all: it may look our address up first."""
        if not self._waits_left:
            return None
        self._waits_left -= 0 if self._patient else 1
        whole = check.terms.timing.deadline  # of a look: so long it may take
        wait = max(whole, LATE) if self._patient else whole
        timing = check.terms.timing._replace(timeout=wait, deadline=2 * wait)
        outcome = await once(check._replace(terms=check.terms._replace(timing=timing)), self._look)
        same = (one for one in outcome.ascents if one.address == main.address and facts.greeted(one))
        after = next((float(one.facts["identified_after_s"]) for one in same), 0.0)
        return after if after > check.terms.timing.timeout else None  # else it speaks now and then

    async def answers(
        self,
        address: str,
        port: int | None,
        wait: float = middlebox.WAIT,
        known: Collection[str] = (),
    ) -> Stalled:
        """Whether ports that nobody uses answer in `wait` seconds; if so, whether one of a stranger does.

        No stranger is drawn among those `known`.
        """
        network, used = self._look.network, {port or 0}
        try:
            unused = await middlebox.ask_unused(address, used, network, wait=wait)
            found = Stalled(unused)
            if found.anybody and await self.ends(unused[0]):  # a proxy may keep what the target takes
                found = found._replace(distinct=await self.keeps(address, port))
            if found.anybody:
                stranger = stranger_of(address, known)
                [asked] = await middlebox.ask_unused(stranger, used, network, count=1, wait=wait)
                found = found._replace(stranger=asked)
            return found
        except ConnectFailed:  # this host can't send any more: nothing was learned
            return Stalled()

    async def stranger_opens(self, address: str, port: int, known: Collection[str], wait: float) -> bool:
        """Whether the same port of one stranger opens in `wait` seconds: then more should be asked."""
        return await one_opens(address, port, known, self._look.network, wait)

    async def shared(self, address: str, port: int, known: Collection[str], wait: float) -> Stalled:
        """Whether the same port opens at addresses where nothing shows a host."""
        return Stalled(shared=await all_open(address, port, known, self._look.network, wait))

    async def _likes(self, address: str, port: int | None) -> Stalled:
        """What the same port of strangers shows, found out once a network and port: do they all open, and
        keep as silent?"""
        if port is None:
            return Stalled()
        pair = network_of(address), port
        async with self._asking.setdefault(pair, asyncio.Lock()):
            if pair not in self._likes_of:
                self._likes_of[pair] = await self._strangers(address, port)
        return self._likes_of[pair]

    async def _strangers(self, address: str, port: int) -> Stalled:
        if not await self.stranger_opens(address, port, (), middlebox.WAIT):
            return Stalled()
        found = await self.shared(address, port, (), middlebox.WAIT)
        if found.shared and await middlebox.speaks(found.shared[0].address, port, self._look.network):
            return Stalled()
        return found

    async def ends(self, other: Asked) -> bool:
        """Whether a connection there is completed, and then ended."""
        return await middlebox.keeps(other.address, other.port, self._look.network) is False

    async def keeps(self, address: str, port: int | None) -> bool:
        """Whether a connection there is completed and stays open, or speaks."""
        return port is not None and await middlebox.keeps(address, port, self._look.network) is True

    async def _sizes(self, check: Check, main: Ascent) -> Sizes | None:
        """The working segment size, where the size is what the failure depends on."""
        assert main.address is not None
        for small in mtu.smalls(main.address):
            works = await self._with(check, small)
            if got_past(works, main):
                break
        else:
            return None
        timeout = max(LEAST, PATIENCE * works.duration)
        quick = check._replace(
            terms=check.terms._replace(timing=check.terms.timing._replace(timeout=timeout))
        )

        async def passes(mss: int) -> bool:
            return got_past(await self._with(quick, mss), main)

        if not await passes(small) or got_past(await once(check, self._look), main):
            return None
        found = Sizes(small, *await mtu.halved(passes, small, mtu.full(main.address)))
        return found if await self._is_size(quick, small, main) else None

    async def _is_size(self, check: Check, small: int, main: Ascent) -> bool:
        """Whether it is the size each time, and not luck with a server that answers now and then."""
        for limited in AGAIN:
            again = await (self._with(check, small) if limited else once(check, self._look))
            if got_past(again, main) is not limited:
                return False
        return True

    async def _with(self, check: Check, mss: int) -> Outcome:
        return await once(check, replace(self._look, network=self._look.network.shaped(mss)))
