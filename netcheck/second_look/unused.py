"""What ports and addresses that nobody uses show: is a handshake more than anybody would get there?"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from netcheck.diagnosis.found import Stalled
from netcheck.diagnosis.networks import network_of
from netcheck.second_look.strangers import all_open, one_opens, stranger_of
from probes.net.base import ConnectFailed, Network
from probes.path import middlebox
from probes.path.middlebox import Asked


class Unused:
    """Asks them through one network."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._likes_of: dict[tuple[str, int], Stalled] = {}  # by network and port
        self._asking: dict[tuple[str, int], asyncio.Lock] = {}

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
        used = {port or 0}
        try:
            unused = await middlebox.ask_unused(address, used, self._network, wait=wait)
            found = Stalled(unused)
            if found.anybody and await self.ends(unused[0]):  # a proxy may keep what the target takes
                found = found._replace(distinct=await self.keeps(address, port))
            if found.anybody:
                stranger = stranger_of(address, known)
                [asked] = await middlebox.ask_unused(stranger, used, self._network, count=1, wait=wait)
                found = found._replace(stranger=asked)
            return found
        except ConnectFailed:  # this host can't send any more: nothing was learned
            return Stalled()

    async def stranger_opens(self, address: str, port: int, known: Collection[str], wait: float) -> bool:
        """Whether the same port of one stranger opens in `wait` seconds: then more should be asked."""
        return await one_opens(address, port, known, self._network, wait)

    async def shared(self, address: str, port: int, known: Collection[str], wait: float) -> Stalled:
        """Whether the same port opens at addresses where nothing shows a host."""
        return Stalled(shared=await all_open(address, port, known, self._network, wait))

    async def ends(self, other: Asked) -> bool:
        """Whether a connection there is completed, and then ended."""
        return await middlebox.keeps(other.address, other.port, self._network) is False

    async def keeps(self, address: str, port: int | None) -> bool:
        """Whether a connection there is completed and stays open, or speaks."""
        return port is not None and await middlebox.keeps(address, port, self._network) is True

    async def likes(self, address: str, port: int | None) -> Stalled:
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
        if found.shared and await middlebox.speaks(found.shared[0].address, port, self._network):
            return Stalled()
        return found
