"""What this machine can do, and what follows for the checks. Nothing leaves it but packets on loopback."""

from __future__ import annotations

from collections.abc import Iterator

from netcheck.doctor import host, network
from netcheck.doctor.ability import Ability


def examine() -> Iterator[Ability]:
    """Every ability, the ones that most depends on first."""
    yield host.system()
    yield host.all_probes()
    yield host.privilege()
    yield network.icmp(4)
    yield network.icmp(6)
    yield network.trace()
    yield network.resets()
    yield network.counts()
    yield from network.ways_out()
    yield network.resolvers()
    yield host.connections()
    yield host.ports()
    yield host.clock()
    yield host.trust()
    yield host.history()
    yield host.screen()
    yield host.optional(
        "keyring",
        "secrets can come from a keyring: `{keyring: SERVICE/NAME}`",
        "secrets come from the environment, files, commands or the terminal, not from a keyring",
    )
    yield host.optional(
        "scapy",
        "with privilege, `-o x.pcap` captures the packets of what failed",
        "no packets can be captured (`-o x.pcap`); nothing else needs it",
    )
