"""tcp: a TCP handshake (RFC 9293 3.5). It proves that the port is open, not who answers."""

from __future__ import annotations

from dataclasses import dataclass

from probes.contract import Credential, Layer, Outcome, Probe, Target, Timing
from probes.ladder import Ladder, look
from probes.net.base import Network

LAYERS = (Layer.CONNECT,)


@dataclass(frozen=True, slots=True)
class Settings:
    """tcp has no options of its own."""


async def run(
    target: Target,
    settings: Settings,
    timing: Timing,
    network: Network,
    credential: Credential | None = None,
) -> Outcome:
    """Connect to every address of the target."""

    async def climb(ladder: Ladder) -> None:
        await ladder.connect(target.port)
        # A proxying firewall completes handshakes for hosts that it has not reached.
        ladder.prove("TCP handshake completed; no byte of the target was seen: open, not proved reachable")

    return await look(target, timing, network, LAYERS, climb)


PROBE = Probe(
    name="tcp",
    summary="a TCP handshake on the port",
    settings=Settings,
    layers=LAYERS,
    run=run,
)
