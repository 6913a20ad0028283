"""The host key of one address: greeted by us, proved through paramiko, compared with what is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from probes.ladder import Ladder
from probes.net.base import Connection, NetworkFailure
from probes.ssh_algorithms import key_types, of_type
from probes.ssh_greeting import OUR_LINE, Greeting, compare, greet
from probes.ssh_hostkeys import Expectation, HostKey, Standing
from probes.ssh_socket import ReplayedSocket
from probes.ssh_wire import Algorithms

if TYPE_CHECKING:
    from probes.ssh_session import Session

# A thread ends by its own deadline; one that does not is given up after so many seconds more.
GRACE = 1.0


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
        greeting = await greet(connection, self.ladder, until)
        compare(self.vault, greeting.server, self.ladder)
        proof = await self._exchange(connection, greeting, self.vault, until)
        if proof.standing is Standing.OTHER and self.known.untyped:
            return await self._other_keys(proof, greeting.server, until)
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
            connection = ladder.keep(await ladder.network.connect(ladder.address, self.port, until))
            greeting = await greet(connection, ladder, until)
            proof = await self._exchange(connection, greeting, of_type(self.vault, kind), until)
            if proof.standing is Standing.VERIFIED:
                return proof
        return first

    async def _exchange(
        self, connection: Connection, greeting: Greeting, vault: Algorithms, until: float
    ) -> Proof:
        received = connection.received
        sock = ReplayedSocket(connection.detach(), greeting.ahead, OUR_LINE, received)
        self._sockets.append(sock)
        network = self.ladder.network
        left = until - network.now()
        try:
            proof: Proof = await network.in_thread(
                self._in_thread, sock, vault, greeting.server, left, until=until + GRACE
            )
        except NetworkFailure:
            self.ladder.prove(f"{greeting.identification.line} sent its offer; the key exchange did not end")
            raise
        return proof

    def _in_thread(
        self, sock: ReplayedSocket, vault: Algorithms, server: Algorithms, seconds: float
    ) -> Proof:
        from probes.ssh_session import open_session  # paramiko loads here, beside the event loop

        session, key = open_session(sock, vault, server, seconds)
        standing = self.known.standing(key)
        if not (self.keep and standing is Standing.VERIFIED):
            session.close()
        return Proof(session, key, standing)
