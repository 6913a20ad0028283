"""The host key of one address: greeted by us, proved through paramiko, compared with what is known."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from probes.ladder import Ladder
from probes.net.base import PARTING, Connection, Network, NetworkFailure
from probes.ssh.algorithms import key_types, of_type
from probes.ssh.greeting import Greeting, compare, greet
from probes.ssh.hostkeys import Expectation, HostKey, Standing
from probes.ssh.replay import ReplayedSocket
from probes.ssh.wire import Algorithms, kexinit

if TYPE_CHECKING:
    from probes.ssh.session import Session

# A thread ends by its own deadline; one that does not is given up after so many seconds more.
GRACE = 1.0

LOADED = threading.Event()


@dataclass(frozen=True, slots=True)
class Proof:
    """The key that the host proved to hold, and the session in which it did: open only for a login."""

    session: Session
    key: HostKey
    standing: Standing


@dataclass(slots=True)
class Visit:
    """All that it takes to see one address's host key. `keep` a verified session open; `close` at the end."""

    ladder: Ladder
    port: int
    vault: Algorithms
    known: Expectation
    keep: bool
    _sockets: list[ReplayedSocket] = field(default_factory=list)

    async def prove(self, connection: Connection, until: float) -> Proof:
        """The host key; raises Failed or NetworkFailure where there is none to be had."""
        proof, server = await self._see(connection, self.vault, until)
        if proof.standing is Standing.OTHER and self.known.untyped:
            return await self._other_keys(proof, server, until)
        return proof

    def close(self) -> None:
        for sock in self._sockets:
            sock.close()

    async def _other_keys(self, first: Proof, server: Algorithms, until: float) -> Proof:
        """A bare fingerprint may be that of another of the host's keys: ask for each type in turn."""
        ladder = self.ladder
        assert ladder.address is not None
        for kind in key_types(self.vault, server):
            if kind == first.key.type:
                continue
            ladder.cautions.clear()  # they are said again, of the key that counts
            await ladder.network.pause(PARTING)
            connection = ladder.keep(await ladder.network.connect(ladder.address, self.port, until))
            proof, _ = await self._see(connection, of_type(self.vault, kind), until)
            if proof.standing is Standing.VERIFIED:
                return proof
        return first

    async def _see(self, connection: Connection, vault: Algorithms, until: float) -> tuple[Proof, Algorithms]:
        """The key that the host shows to a vault with these algorithms, and what the host offers."""
        from probes.ssh.session import Session, check_reach, offer_of

        offer = offer_of(vault)
        ours = kexinit(offer)
        greeting = await greet(connection, ours, self.ladder, until)
        compare(vault, greeting.server, self.ladder)
        check_reach(vault, greeting.server)
        received = connection.received
        sock = ReplayedSocket(connection.detach(), greeting.ahead, received)
        self._sockets.append(sock)
        proof = await self._exchange(Session(sock, offer, ours), greeting, until)
        return proof, greeting.server

    async def _exchange(self, session: Session, greeting: Greeting, until: float) -> Proof:
        network = self.ladder.network
        left = until - network.now()
        try:
            proof: Proof = await network.in_thread(self._in_thread, session, left, until=until + GRACE)
        except NetworkFailure:
            self.ladder.prove(f"{greeting.identification.line} sent its offer; the key exchange did not end")
            raise
        return proof

    def _in_thread(self, session: Session, seconds: float) -> Proof:
        key = session.exchange_keys(seconds)
        standing = self.known.standing(key)
        if not (self.keep and standing is Standing.VERIFIED):
            session.close()
        return Proof(session, key, standing)


async def load(network: Network, until: float) -> None:
    """Load paramiko, once, beside the event loop: it takes a tenth of a second."""
    if not LOADED.is_set():
        await network.in_thread(_load, until=until)


def _load() -> None:
    import probes.ssh.session  # noqa: F401

    LOADED.set()
