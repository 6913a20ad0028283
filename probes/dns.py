"""dns: what the resolvers say of the target's name (RFC 1035), beside the system's own lookup."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from probes import dns_judgement
from probes.contract import Credential, Layer, Outcome, Probe, Target, Timing
from probes.dns_judgement import Beside
from probes.ladder import Ladder, Stopped
from probes.net import dnswire
from probes.net.base import LookupFailed, Network
from probes.settings import Choice, Listing, option
from probes.settings import Network as AddressOrNetwork
from probes.settings import Server as ServerKind

LAYERS = (Layer.RESOLVE,)
ADDRESSES = (None, "A", "AAAA")  # the types whose answers are addresses
# Reserved so that it never exists (RFC 6761 6.4): who answers for a name in it invents answers.
NOWHERE = "invalid."
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
            config = dnswire.system_config()
            answers = await _ask(target.host, settings, config, network, rung.until)
            rung.detail["answers"] = [answer.text for answer in answers]
            if settings.type in ADDRESSES:
                beside = await _look_beside(target.host, answers, settings, config, network, rung.until)
                dns_judgement.beside(ladder, answers, beside)
            dns_judgement.answers(ladder, answers, settings.addresses, named=settings.resolvers is not None)
            if settings.type in ADDRESSES:
                dns_judgement.own(ladder, answers, beside, settings.addresses)
                ladder.address = ladder.facts["records"][0]
    except Stopped:
        pass
    ascent = ladder.ascent()
    return Outcome(None, (ascent,), (), ladder.started, ascent.duration)


async def _ask(
    host: str, settings: Settings, config: dnswire.StubConfig, network: Network, until: float
) -> list[dnswire.Answer]:
    """One answer a server, all asked at once: a dead first one must not hide what the second says."""
    types = (settings.type,) if settings.type else ("A", "AAAA")
    names = dnswire.candidates(host, config)
    servers = settings.resolvers or config.servers
    return list(await asyncio.gather(*(_ask_names(network, one, names, types, until) for one in servers)))


async def _ask_names(
    network: Network,
    server: dnswire.Server,
    names: tuple[str, ...],
    types: tuple[str, ...],
    until: float,
) -> dnswire.Answer:
    """The server's answer for the first of the names that exists, or for the last of them."""
    for name in names:
        answer = await dnswire.ask(network, server, name, types, until)
        if answer.status != "nxdomain":
            break
    return answer


async def _look_beside(
    host: str,
    answers: Sequence[dnswire.Answer],
    settings: Settings,
    config: dnswire.StubConfig,
    network: Network,
    until: float,
) -> Beside:
    """What tells an honest answer: names that can't exist, the same over TCP, and the system's own lookup."""
    until = min(until, network.now() + BESIDE)
    good = [answer for answer in answers if answer.status == "found"]
    odd = f"{secrets.token_hex(8)}.{NOWHERE}"
    suffixes = [answer.name.removeprefix(f"{host}.") for answer in good]
    strange = [f"{secrets.token_hex(8)}.{suffix}" if suffix else "" for suffix in suffixes]
    kind = (settings.type,) if settings.type else ("A", "AAAA")

    async def ask(server: dnswire.Server, name: str) -> dnswire.Answer | None:
        return await dnswire.ask(network, server, name, kind, until) if name else None

    async def own() -> tuple[str, ...]:
        if settings.resolvers or host.endswith("."):
            return ()
        try:
            return (await network.resolve(host, until - network.now())).addresses
        except LookupFailed:
            return ()

    invented, suffixed, streams, system = await asyncio.gather(
        asyncio.gather(*(ask(answer.server, odd) for answer in good)),
        asyncio.gather(*(ask(answer.server, name) for answer, name in zip(good, strange, strict=True))),
        asyncio.gather(
            *(
                dnswire.ask_by_tcp(network, answer.server, answer.name or f"{host}.", kind[0], until)
                for answer in answers
                if answer.status in ("found", "timeout")
            )
        ),
        own(),
    )
    return Beside(
        invented={one.server: one for one in invented if one is not None and one.status == "found"},
        suffixed={one.server: one for one in suffixed if one is not None and one.status == "found"},
        by_tcp={one.server: one for one in streams},
        system=system,
    )


PROBE = Probe(
    name="dns",
    summary="the name, asked of the resolvers themselves",
    settings=Settings,
    layers=LAYERS,
    run=run,
    has_port=False,
)
