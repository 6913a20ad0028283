"""Does a target refuse an algorithm that it offers? Key exchanges that differ in one algorithm each.

Some devices list what they can't do, and end the connection, or say nothing more, once it is chosen. So what
was agreed on is left out of our own list, one kind after the other, until a key exchange goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import NamedTuple

from probes.contract import NOTHING, Layer, Timing, Verdict
from probes.ladder import Ladder, climb_one
from probes.net.base import Network
from probes.ssh.algorithms import KINDS, agree
from probes.ssh.greeting import listed
from probes.ssh.hostkeys import Expectation
from probes.ssh.proof import Visit
from probes.ssh.wire import Algorithms
from probes.variation import Variation

# So many others of each kind are tried, the next that both have each time: a few connections at most.
VARIED = {"kex": 3, "host_key": 1, "cipher_to_server": 1, "mac_to_server": 1}

# What must happen again, with the other algorithm (True) and as the vault has it: never in turn, or a pool of
# servers of which some hang up looks the same.
AGAIN = (False, True, True, False)

# Seconds that another choice gets where the first one brought silence: a key exchange takes far less.
QUICK = 2.0


class Choices(NamedTuple):
    """Key exchanges that chose another algorithm of one kind each; the last one may have worked.

    `first`: what was agreed on at first, by what is varied. `again`: what worked did so again, and what was
    agreed on at first again did not. `preferred`: what the vault itself would choose of that kind, which
    netcheck may not be able to try. `lists`: what both offer of it.
    """

    tried: tuple[Variation, ...]
    first: Mapping[str, str] = NOTHING
    again: bool = False
    preferred: str | None = None
    lists: str = ""

    @property
    def reliable(self) -> Variation | None:
        """The one that went on, each time, where the first choice of its kind never did."""
        return self.tried[-1] if self.again else None


async def vary(
    address: str,
    port: int,
    vault: Algorithms,
    server: Algorithms,
    network: Network,
    timing: Timing,
    *,
    silent: bool = False,
) -> Choices:
    """Leave out what was agreed on, of each kind in turn, until the key exchange goes on; then all again.

    `silent`: the target ended nothing, and fell silent.
    """
    from probes.ssh.session import within_reach

    reach = within_reach(vault)
    at_first = agree(reach, server).chosen
    first = {named_briefly(kind): name for kind, name in at_first.items() if kind in VARIED}
    quick = timing._replace(timeout=min(timing.timeout, QUICK)) if silent else timing
    tried: list[Variation] = []
    for kind, most in VARIED.items():
        offer = reach
        for _ in range(most if kind in at_first else 0):
            offer = _without(offer, agree(offer, server).chosen[kind])
            agreed = agree(offer, server)
            if agreed.missing or kind not in agreed.chosen:
                break
            cause, summary = await _exchange(address, port, offer, network, quick)
            tried.append(Variation(named_briefly(kind), agreed.chosen[kind], cause, summary))
            if cause is None:
                again = await _again(address, port, offer, reach, network, timing)
                preferred = agree(vault, server).chosen.get(kind)
                return Choices(tuple(tried), first, again, preferred, listed(kind, server, vault))
    return Choices(tuple(tried), first)


def named_briefly(kind: str) -> str:
    """The kind in one word, without its direction: what is varied."""
    return kind.partition("_to_")[0]


# The same in words.
VARIED_WORDS = {named_briefly(kind): KINDS[kind].removesuffix(" to the target") for kind in VARIED}


async def _again(
    address: str, port: int, works: Algorithms, fails: Algorithms, network: Network, timing: Timing
) -> bool:
    """Whether the one offer works each time, and the other never does."""
    for other in AGAIN:
        ended, _ = await _exchange(address, port, works if other else fails, network, timing)
        if (ended is None) is not other:
            return False
    return True


def _without(offer: Algorithms, name: str) -> Algorithms:
    kept = {
        field.name: tuple(each for each in getattr(offer, field.name) if each != name)
        for field in fields(offer)
    }
    return replace(offer, **kept)


async def _exchange(
    address: str, port: int, offer: Algorithms, network: Network, timing: Timing
) -> tuple[str | None, str]:
    """How a key exchange with this offer ends, whatever the host key is: its cause, in words too."""

    async def climb(ladder: Ladder) -> None:
        visit = Visit(ladder, port, offer, Expectation(), keep=False)
        try:
            connection = await ladder.connect(port)
            with ladder.step(Layer.PROTOCOL) as rung:
                await visit.prove(connection, rung.until)
        finally:
            visit.close()

    layers = (Layer.CONNECT, Layer.PROTOCOL)
    ended = await climb_one(address, port, timing, network, layers, climb, alone=True)
    return (
        (None, "the key exchange goes on") if ended.verdict is Verdict.PASS else (ended.cause, ended.summary)
    )
