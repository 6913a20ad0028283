"""dns: what the resolvers say of the target's name (RFC 1035), beside the system's own lookup."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass

from probes import dns_judgement
from probes.contract import Credential, Layer, Outcome, Probe, Target, Timing
from probes.dns_judgement import Alike, Said
from probes.ladder import Ladder, Stopped
from probes.net import dnswire
from probes.net.base import LookupFailed, Network
from probes.net.lookup import NOWHERE, hosts_file
from probes.settings import Choice, Listing, option
from probes.settings import Network as AddressOrNetwork
from probes.settings import Server as ServerKind

LAYERS = (Layer.RESOLVE,)
ADDRESSES = (None, "A", "AAAA")  # the types whose answers are addresses
# Where no name of a customer's stands, and a name drawn by chance does not exist.
ELSEWHERE = "com."
BESIDE = 2.0  # seconds for the questions beside
TYPES = ("A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT")


@dataclass(frozen=True, slots=True)
class Settings:
    """What is asked and what must come back."""

    addresses: tuple[str, ...] | None = option(
        Listing(AddressOrNetwork()),
        None,
        "the addresses expected: exactly these, or any within the networks named",
    )
    type: str | None = option(
        Choice(TYPES, "a record type"), None, "the record type asked for; without it A and AAAA"
    )
    resolvers: tuple[tuple[str, int], ...] | None = option(
        Listing(ServerKind()), None, "the servers to ask, each of them; without it the system's, in order"
    )


async def run(
    target: Target,
    settings: Settings,
    timing: Timing,
    network: Network,
    credential: Credential | None = None,
) -> Outcome:
    """Ask the resolvers for the target's name, each of them, and for a few names beside it."""
    ladder = Ladder(None, timing, network, LAYERS)
    try:
        with ladder.step(Layer.RESOLVE) as rung:
            asker = Asker(target.host, settings, network, rung.until)
            said, system = await asyncio.gather(asker.ask_all(), asker.own())
            answers = [one.answer for one in said]
            rung.detail["answers"] = [answer.text for answer in answers]
            if settings.type in ADDRESSES:
                dns_judgement.beside(ladder, said, settings.addresses)
                dns_judgement.sinkholes(ladder, target.host, answers, settings.addresses, asker.listed)
            dns_judgement.answers(ladder, answers, settings.addresses, named=settings.resolvers is not None)
            if settings.type in ADDRESSES:
                dns_judgement.own(ladder, answers, system, settings.addresses, asker.listed)
                ladder.address = ladder.facts["records"][0]
    except Stopped:
        pass
    ascent = ladder.ascent()
    return Outcome(None, (ascent,), (), ladder.started, ascent.duration)


class Asker:
    """All questions about one name. `listed`: the addresses that this host's own file gives it."""

    def __init__(self, host: str, settings: Settings, network: Network, until: float) -> None:
        config = dnswire.system_config()
        self._host = host
        self._network = network
        self._until = until
        self._named = settings.resolvers is not None
        self._servers = settings.resolvers or config.servers
        self._names = dnswire.candidates(host, config)
        self._types = (settings.type,) if settings.type else ("A", "AAAA")
        self._addresses = settings.type in ADDRESSES
        self.listed = hosts_file(host) if self._addresses else ()

    async def ask_all(self) -> list[Said]:
        """Every server at once: a dead first one must not hide what the second says."""
        return list(await asyncio.gather(*map(self._ask, self._servers)))

    async def _ask(self, server: dnswire.Server) -> Said:
        """One server's answer, and beside it a name that can't exist, and the same over TCP.

        All at once, for a question that waited for another's deadline would have no time left.
        """
        if not self._addresses:
            return Said(await self._answer(server))
        answer, nowhere, by_tcp = await asyncio.gather(
            self._answer(server),
            self._any(server, NOWHERE),
            dnswire.ask_by_tcp(self._network, server, self._names[0], self._types[0], self._soon()),
        )
        invented: tuple[dnswire.Answer, ...] = (nowhere,) if nowhere.status == "found" else ()
        if answer.status != "found":
            return Said(answer, invented, by_tcp)
        if invented:
            invented = (nowhere, await self._any(server, NOWHERE))
        return Said(answer, invented, by_tcp, await self._alike(answer))

    async def _answer(self, server: dnswire.Server) -> dnswire.Answer:
        """The answer for the first of the names that exists, or for the last of them."""
        return await dnswire.ask_in_turn(self._network, server, self._names, self._types, self._until)

    async def _alike(self, answer: dnswire.Answer) -> Alike:
        """What any name gets under the search suffix by which this one was found, or else in its own zone.

        In another zone nothing is asked unless that is the same answer: then the server may give it for
        whatever does not exist.
        """
        whole = f"{self._host.removesuffix('.')}."
        by_suffix = answer.name != whole
        zone = answer.name.removeprefix(whole) if by_suffix else answer.name.partition(".")[2]
        beside = await self._any(answer.server, zone)
        if set(beside.records) != set(answer.records):
            return Alike()
        return Alike(beside, by_suffix, await self._any(answer.server, ELSEWHERE))

    async def _any(self, server: dnswire.Server, zone: str) -> dnswire.Answer:
        """What the server says of a name of this zone that is drawn by chance."""
        name = f"{secrets.token_hex(10)}.{zone}"
        return await dnswire.ask(self._network, server, name, self._types, self._soon())

    def _soon(self) -> float:
        return min(self._until, self._network.now() + BESIDE)

    async def own(self) -> tuple[str, ...]:
        """The addresses that programs of this host get, where its own servers are asked."""
        if not self._addresses or self._named or self._host.endswith("."):
            return ()
        try:
            # All who look this name up share the lookup and its time.
            found = await self._network.resolve(self._host, self._until - self._network.now())
        except LookupFailed:
            return ()
        return tuple(one for one in found.addresses if ("AAAA" if ":" in one else "A") in self._types)


PROBE = Probe(
    name="dns",
    summary="the name, asked of the resolvers themselves",
    settings=Settings,
    layers=LAYERS,
    run=run,
    has_port=False,
)
