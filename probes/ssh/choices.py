"""Does a target refuse an algorithm that it offers? Key exchanges that differ in one algorithm each.

Some devices list what they can't do, and end the connection once it is chosen. So what was agreed on is left
out of our own list, one kind after the other, until a key exchange goes on.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import NamedTuple

from probes.contract import Layer, Timing, Verdict
from probes.ladder import Ladder, climb_one
from probes.net.base import Network
from probes.ssh.algorithms import KINDS, agree
from probes.ssh.greeting import listed
from probes.ssh.hostkeys import Expectation
from probes.ssh.proof import Visit
from probes.ssh.wire import Algorithms

# So many others of each kind are tried, the next that both have each time: a few connections at most.
VARIED = {"kex": 3, "host_key": 1, "cipher_to_server": 1, "mac_to_server": 1}

# What must happen again, with the other algorithm (True) and as the vault has it: never in turn, or a pool of
# servers of which some hang up looks the same.
AGAIN = (False, True, True, False)


class Choice(NamedTuple):
    """A key exchange without what was agreed on before: of this kind `value` was chosen, and not `refused`.

    `cause` and `summary` say how it ended; None: it went on. `kind` in words; `varied` in one.
    """

    varied: str
    kind: str
    refused: str
    value: str
    cause: str | None
    summary: str

    @property
    def works(self) -> bool:
        return self.cause is None


class Choices(NamedTuple):
    """What was tried; the last one may have worked.

    `again`: it worked again, and what was refused was refused again. `preferred`: what the vault itself would
    choose of that kind, which netcheck may not be able to try. `lists`: what both offer of it.
    """

    tried: tuple[Choice, ...]
    again: bool = False
    preferred: str | None = None
    lists: str = ""

    @property
    def refused(self) -> Choice | None:
        """The choice that went on, each time, where what it left out did not."""
        return self.tried[-1] if self.again else None


async def vary(
    address: str, port: int, vault: Algorithms, server: Algorithms, network: Network, timing: Timing
) -> Choices:
    """Leave out what was agreed on, of each kind in turn, until the key exchange goes on; then all again."""
    from probes.ssh.session import within_reach

    reach = within_reach(vault)
    tried: list[Choice] = []
    for kind, most in VARIED.items():
        refused, offer = agree(reach, server).chosen.get(kind), reach
        for _ in range(most if refused is not None else 0):
            offer = _without(offer, agree(offer, server).chosen[kind])
            agreed = agree(offer, server)
            if agreed.missing or kind not in agreed.chosen:
                break
            cause, summary = await _exchange(address, port, offer, network, timing)
            varied = kind.partition("_to_")[0]
            named = KINDS[kind].removesuffix(" to the target")
            tried.append(Choice(varied, named, str(refused), agreed.chosen[kind], cause, summary))
            if cause is not None:
                continue
            again = True
            for other in AGAIN:
                ended, _ = await _exchange(address, port, offer if other else reach, network, timing)
                again = again and (ended is None) is other
            return Choices(
                tuple(tried), again, agree(vault, server).chosen.get(kind), listed(kind, server, vault)
            )
    return Choices(tuple(tried))


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
