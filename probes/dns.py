"""dns: what the resolvers say of the target's name (RFC 1035), beside the system's own lookup."""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass

from probes.codes import Failed
from probes.contract import Credential, Layer, Outcome, Probe, Target, Timing
from probes.ladder import Ladder, Stopped
from probes.net import dnswire
from probes.net.base import Network
from probes.settings import Choice, Listing, option
from probes.settings import Network as AddressOrNetwork
from probes.settings import Server as ServerKind

LAYERS = (Layer.RESOLVE,)
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
    """Ask the resolvers for the target's name."""
    ladder = Ladder(None, timing, network, LAYERS)
    try:
        with ladder.step(Layer.RESOLVE) as rung:
            answers = await _ask(target.host, settings, network, rung.until)
            rung.detail["answers"] = [answer.text for answer in answers]
            _judge(ladder, answers, settings)
    except Stopped:
        pass
    ascent = ladder.ascent()
    return Outcome(None, (ascent,), (), ladder.started, ascent.duration)


async def _ask(host: str, settings: Settings, network: Network, until: float) -> list[dnswire.Answer]:
    """One answer a server: named servers are all asked, the system's only until one decides."""
    config = dnswire.system_config()
    types = (settings.type,) if settings.type else ("A", "AAAA")
    names = dnswire.candidates(host, config)
    if settings.resolvers:
        return list(
            await asyncio.gather(
                *(_ask_names(network, server, names, types, until) for server in settings.resolvers)
            )
        )
    answers: list[dnswire.Answer] = []
    for position, server in enumerate(config.servers):
        # The rest of the time is shared by the servers that are still to be asked.
        share = (until - network.now()) / (len(config.servers) - position)
        answers.append(await _ask_names(network, server, names, types, network.now() + share))
        if answers[-1].status in ("found", "nxdomain", "no_address"):
            break
    return answers


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


def _judge(ladder: Ladder, answers: list[dnswire.Answer], settings: Settings) -> None:
    """Fails unless the answers are as asked for; servers passed over are a remark."""
    if not answers:
        raise Failed("dns.timeout", "this system has no DNS server configured (resolv.conf)")
    evidence = tuple(answer.text for answer in answers)
    good = [answer for answer in answers if answer.status == "found"]
    bad = [answer for answer in answers if answer.status != "found"]
    if bad and (settings.resolvers or not good):
        worst = dnswire.decisive(bad)
        raise Failed(f"dns.{worst.status}", worst.text, evidence=evidence)
    for answer in bad:
        ladder.caution(None, f"{answer.text}; the next server was asked", Layer.RESOLVE)
    for answer in good:
        ladder.prove(answer.text)
        _compare(answer, settings.addresses)
    ladder.facts["records"] = list(good[0].records)
    if settings.type in (None, "A", "AAAA"):
        ladder.address = good[0].records[0]


def _compare(answer: dnswire.Answer, expected: tuple[str, ...] | None) -> None:
    """Every address must be expected, and every single address expected must be there."""
    if expected is None:
        return
    networks = [ipaddress.ip_network(text) for text in expected]
    came = [ipaddress.ip_address(record) for record in answer.records]
    strange = [one for one in came if not any(one in network for network in networks)]
    missing = [network for network in networks if network.num_addresses == 1 and network[0] not in came]
    if strange or missing:
        wanted = ", ".join(expected)
        raise Failed("dns.mismatch", f"{answer.text}; expected {wanted}")


PROBE = Probe(
    name="dns",
    summary="the name, asked of the resolvers themselves",
    settings=Settings,
    layers=LAYERS,
    run=run,
    has_port=False,
)
