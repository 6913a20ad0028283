"""Experiments on connections that were made and then stalled: one thing is varied, the rest stays.

Ports that nobody uses tell whether anybody but the target completes handshakes; small segments tell
whether big packets get lost on the way.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from netcheck.check import Check
from netcheck.diagnosis import facts
from netcheck.diagnosis.ascents import HANGING, got_past
from netcheck.diagnosis.classes import Failure
from netcheck.diagnosis.found import Sizes, Stalled
from netcheck.look import Looker
from netcheck.second_look.unused import Unused
from netcheck.second_look.varying import once
from probes.contract import Ascent, Outcome
from probes.path import mtu

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
        self._unused = Unused(look.network)

    async def on(self, failure: Failure) -> Stalled:
        """What varying ports, addresses and sizes shows of a check whose connection stalled."""
        check, main = failure.check, failure.main
        assert main.address is not None
        found, others = await asyncio.gather(
            self._unused.answers(main.address, failure.port), self._unused.likes(main.address, failure.port)
        )
        if not found.proxied and others.shared:  # a proxy for this port shows nothing at others
            kept = await self._unused.ends(others.shared[0])
            kept = kept and await self._unused.keeps(main.address, failure.port)
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
