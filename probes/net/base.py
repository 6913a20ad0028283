"""The verbs of a network, and the ways in which each can fail.

Every verb takes `until`, a time of the network's own clock (`now()`, seconds), and raises one of the
`NetworkFailure`s below; which cause code that means is decided in `probes.causes` alone. A fake with
its own clock is in `probes.net.scripted`.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

Read = TypeVar("Read")

# Seconds until a server no longer counts a connection that we ended: its process has to end first.
PARTING = 0.1


class Source(NamedTuple):
    """Our own end of the connection: what a firewall's log shows."""

    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Icmp:
    """An ICMP error that came back for our packet, as the kernel's error queue tells it.

    `version` 4 or 6 with that protocol's type and code (RFC 792, RFC 1812 5.2.7.1, RFC 4443 3);
    `sender` signed it; `own` says that the sender is this host. `ttl`: with which the error itself arrived.
    """

    version: int
    type: int
    code: int
    sender: str
    own: bool = False
    ttl: int | None = None

    @property
    def is_port_unreachable(self) -> bool:
        """Whether it says that nothing listens on a port (RFC 1122 3.2.2.1, RFC 4443 3.1)."""
        return (self.version, self.type, self.code) in ((4, 3, 3), (6, 1, 4))

    @property
    def is_time_exceeded(self) -> bool:
        """Whether it says that a packet's time to live was up on the way (RFC 792, RFC 4443 3.3)."""
        return (self.version, self.type, self.code) in ((4, 11, 0), (6, 3, 0))


class NetworkFailure(Exception):
    """A verb of the network did not do what was asked."""


class LookupFailed(NetworkFailure):
    """The name has no usable address. `reason` says why, `evidence` who said so."""

    def __init__(
        self,
        reason: Literal["nxdomain", "no_address", "servfail", "refused", "timeout"],
        text: str,
        evidence: tuple[str, ...] = (),
        certain: bool = True,
    ) -> None:
        super().__init__(text)
        self.reason = reason
        self.text = text
        self.evidence = evidence
        self.certain = certain


class ConnectFailed(NetworkFailure):
    """The connection was refused: by an RST (no `icmp`), by an ICMP error, or by this host itself.

    `local`: connect() failed at once, no packet was sent. `elapsed` in seconds since the first SYN;
    `syns` really sent, where the kernel tells (TCP_INFO).
    """

    def __init__(
        self,
        number: int,
        *,
        icmp: Icmp | None = None,
        local: bool = False,
        elapsed: float = 0.0,
        syns: int | None = None,
        ipv6: bool = False,
        source: Source | None = None,
    ) -> None:
        super().__init__(number)
        self.errno = number
        self.icmp = icmp
        self.local = local
        self.elapsed = elapsed
        self.syns = syns
        self.ipv6 = ipv6
        self.source = source


class TimedOut(NetworkFailure):
    """Nothing came in time.

    `elapsed` seconds were waited in this verb; `idle` seconds since the last byte came (or since the
    verb began), `received` bytes on this connection so far; `syns` really sent, for a connect (0: this
    host's own rules swallow them); `unacked` segments of ours that the peer never acknowledged; `whole`:
    what came so far are whole messages, and of the next one came nothing.
    """

    def __init__(
        self,
        elapsed: float,
        *,
        idle: float | None = None,
        received: int = 0,
        syns: int | None = None,
        source: Source | None = None,
        unacked: int | None = None,
        whole: bool = False,
    ) -> None:
        super().__init__(elapsed)
        self.elapsed = elapsed
        self.idle = elapsed if idle is None else idle
        self.received = received
        self.syns = syns
        self.source = source
        self.unacked = unacked
        self.whole = whole


class PeerClosed(NetworkFailure):
    """The other end closed the connection (FIN) after `received` bytes."""

    def __init__(self, received: int = 0) -> None:
        super().__init__(received)
        self.received = received


class PeerReset(NetworkFailure):
    """The connection was reset (RST) after `received` bytes; `icmp` where that is what ended it."""

    def __init__(self, received: int = 0, icmp: Icmp | None = None) -> None:
        super().__init__(received)
        self.received = received
        self.icmp = icmp


class TlsFailed(NetworkFailure):
    """The TLS handshake ended without a session.

    `alert` is the number of a fatal alert that the peer sent (RFC 8446 6, RFC 5246 7.2), `reason` our
    own library's words, `opening` the peer's first bytes, `requested` whether it had asked for a client
    certificate, `answered` whether its ServerHello had come.
    """

    def __init__(
        self,
        *,
        alert: int | None = None,
        reason: str = "",
        opening: bytes = b"",
        requested: bool = False,
        answered: bool = False,
    ) -> None:
        super().__init__(alert, reason)
        self.alert = alert
        self.reason = reason
        self.opening = opening
        self.requested = requested
        self.answered = answered


class Reply(NamedTuple):
    """What came back first for one SYN with a limited TTL. `rtt` in seconds since that SYN.

    `kind`: `expired` (ICMP time exceeded), `rejected` (another ICMP error), `refused` (an RST), `connected`
    (a SYN-ACK came; the handshake was at once ended, with a TTL or a floor before it was completed),
    `answered` (an RST or a SYN-ACK came with a TTL below the floor: heard of, not heard), `silent`. `icmp` is
    set for the first two.
    """

    kind: Literal["expired", "rejected", "refused", "connected", "answered", "silent"]
    rtt: float | None = None
    icmp: Icmp | None = None
    source: Source | None = None


class Invented(NamedTuple):
    """What the servers answer for a name that can't exist (RFC 6761 6.4), and which servers, in words."""

    addresses: tuple[str, ...] = ()
    servers: str = ""


class Resolution(NamedTuple):
    """A name's addresses, in the order in which programs would try them, and the seconds it took.

    `listed`: they are those of this host's own file (hosts(5)), whatever DNS says. `invented`: what names
    that do not exist get here.
    """

    addresses: tuple[str, ...]
    duration: float = 0.0
    listed: bool = False
    invented: Invented = Invented()


@dataclass(frozen=True, slots=True)
class TlsHello:
    """What we offer in a TLS handshake. `server_name` None sends no SNI; `ca_file` is whom we trust.

    `only` is the one version offered, `TLSv1.2` or `TLSv1.3`; None: both. `small`: a key exchange on a
    classical curve alone, so that the ClientHello fits a single small packet.
    """

    server_name: str | None = None
    alpn: tuple[str, ...] = ()
    ca_file: str | None = None
    only: str | None = None
    small: bool = False


@dataclass(frozen=True, slots=True)
class TlsSession:
    """What a handshake negotiated. The peer was NOT refused for its certificate: judge `problems`.

    `chain` is what the peer sent, leaf first, DER; `problems` are OpenSSL's verification errors
    (number, depth, words) against the trust in use, in the order found; `requested`: the peer asked
    for a client certificate.
    """

    version: str
    cipher: str
    alpn: str | None
    chain: tuple[bytes, ...]
    problems: tuple[tuple[int, int, str], ...]
    requested: bool = False


class Connection(Protocol):
    """One TCP connection. After `start_tls` the same verbs speak inside TLS."""

    source: Source
    received: int

    def rtt(self) -> float | None:
        """The round trip that the kernel measured, in seconds; None where it can't tell."""
        ...

    def least_rtt(self) -> float | None:
        """The least round trip in seconds once bytes of ours were acknowledged; None before, or where the
        kernel can't tell."""
        ...

    def unacked(self) -> int | None:
        """How many of our segments the peer has not acknowledged; None where the kernel can't tell."""
        ...

    def acked(self) -> int | None:
        """How many of our bytes the peer has acknowledged so far; None where the kernel can't tell."""
        ...

    def repeated(self) -> int | None:
        """How many of our segments the kernel sent again, SYNs too; None where it can't tell."""
        ...

    def keep_alive(self, every: int) -> None:
        """Let the kernel send a keep-alive after so many seconds without a segment (RFC 9293 3.8.4)."""
        ...

    async def start_tls(self, hello: TlsHello, until: float) -> TlsSession: ...

    async def receive(self, until: float, limit: int = 65536) -> bytes:
        """At least one byte. Raises TimedOut, PeerClosed, PeerReset (inside TLS: TlsFailed)."""
        ...

    async def send(self, data: bytes, until: float) -> None: ...

    def detach(self) -> socket.socket:
        """The blocking socket beneath, for a library that wants one; this object is done then."""
        ...

    def close(self) -> None: ...


class Network(Protocol):
    """Where a probe's packets go."""

    def now(self) -> float: ...

    def time(self) -> float:
        """The Unix time, for the record; never for measuring."""
        ...

    async def resolve(self, host: str, timeout: float) -> Resolution:
        """The system's own lookup (hosts file, nsswitch, DNS). Raises LookupFailed."""
        ...

    async def pause(self, seconds: float) -> None:
        """Return so much later by the network's clock."""
        ...

    def has_route(self, address: str) -> bool: ...

    def admit(self, address: str, port: int | None, alone: bool = False) -> AbstractAsyncContextManager[None]:
        """Held while a ladder on this address runs: the limits in all, a second and per host or port.

        `alone`: one at a time at this port, for servers that turn clients away who come together.
        """
        ...

    async def connect(self, address: str, port: int, until: float) -> Connection:
        """A TCP connection. Raises ConnectFailed, TimedOut."""
        ...

    async def knock(
        self, address: str, port: int, until: float, *, ttl: int | None = None, floor: int | None = None
    ) -> Reply:
        """One SYN with this TTL, and what came back first. The kernel repeats it until then, or `until`; with
        a TTL once.

        `floor`: a segment that arrives with a lower TTL is dropped and only counted (IP_MINTTL, RFC 5082).
        So several floors tell the distance of who answers. ICMP errors quote our own packet, and the kernel
        compares the TTL it had left with the floor as well: with a floor, most are not heard. Raises
        ConnectFailed only where nothing could be sent.
        """
        ...

    def shaped(self, mss: int) -> Network:
        """This network with connections whose segments, both ways, hold at most so many bytes."""
        ...

    async def name_of(self, address: str, until: float) -> str | None:
        """The reverse name of an address, asked once; None where there is none in time."""
        ...

    async def exchange(
        self, server: tuple[str, int], datagram: bytes, until: float, read: Callable[[bytes], Read | None]
    ) -> Read:
        """A UDP datagram there, repeated while unanswered; the first one back that `read` makes something of.

        Raises ConnectFailed, TimedOut, and what `read` raises.
        """
        ...

    async def in_thread(self, call: Any, *args: Any, until: float) -> Any:
        """A blocking library's call in a thread of its own; TimedOut leaves the thread behind."""
        ...
