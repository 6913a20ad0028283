"""Questions to DNS servers over the network's verbs; dnspython makes and reads the messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver

from probes.net.base import ConnectFailed, Network, NetworkFailure, TimedOut

Server = tuple[str, int]

# What decides where servers disagree: who knows the name before who could not say.
RANK = ("found", "nxdomain", "no_address", "servfail", "refused", "timeout")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one server said of one name. `status` is one of RANK; `text` says it in words."""

    server: Server
    status: str
    text: str
    records: tuple[str, ...] = ()
    name: str = ""


def decisive(answers: Sequence[Answer]) -> Answer:
    """The answer that decides where servers disagree; of several the first. There is at least one."""
    return min(answers, key=lambda answer: RANK.index(answer.status))


@dataclass(frozen=True, slots=True)
class StubConfig:
    """resolv.conf(5) as dnspython reads it."""

    servers: tuple[Server, ...]
    search: tuple[str, ...]
    ndots: int


def system_config() -> StubConfig:
    """The system's resolvers and search list; no servers where it has none."""
    try:
        resolver = dns.resolver.Resolver()
    except (dns.exception.DNSException, OSError):
        return StubConfig((), (), 1)
    servers = tuple((str(server), resolver.port) for server in resolver.nameservers)
    search = tuple(name.to_text(omit_final_dot=True) for name in resolver.search)
    return StubConfig(servers, tuple(name for name in search if name), resolver.ndots or 1)


def candidates(host: str, config: StubConfig) -> tuple[str, ...]:
    """The names a stub resolver would ask for, in its order.

    >>> candidates("db1", StubConfig((), ("acme.example",), 1))
    ('db1.acme.example.', 'db1.')
    """
    if host.endswith("."):
        return (host,)
    suffixed = tuple(f"{host}.{suffix}." for suffix in config.search)
    if host.count(".") >= config.ndots:
        return (f"{host}.", *suffixed)
    return (*suffixed, f"{host}.")


async def ask(network: Network, server: Server, name: str, types: Sequence[str], until: float) -> Answer:
    """What this server says of the name, all `types` together. Never raises for what the network does.

    A failure after a type that was found is only told: some load balancers know A and fail for AAAA, and
    programs use the addresses that they got.
    """
    found: list[str] = []
    besides = ""
    for kind in types:
        records, failure = await _one(network, server, name, kind, until)
        if failure is not None and not found:
            return failure
        if failure is not None:
            besides = f", but of {kind}: {failure.text}"
        found += records
    shown = f"{address(server)} says {' '.join(found) or 'no ' + ' or '.join(types)} for {name}{besides}"
    return Answer(server, "found" if found else "no_address", shown, tuple(found), name)


async def ask_by_tcp(network: Network, server: Server, name: str, kind: str, until: float) -> Answer:
    """What this server says of the name over TCP (RFC 7766), as of a large answer."""
    query = dns.message.make_query(dns.name.from_text(name), kind, use_edns=0, payload=1232)
    try:
        message = await _stream(network, server, query, until)
    except (NetworkFailure, dns.exception.DNSException, ValueError) as error:
        return _failed(server, name, error)
    return _refusal(server, name, message.rcode()) or Answer(
        server, "found", f"{address(server)} answers over TCP", tuple(_records(message, kind)), name
    )


async def _one(
    network: Network, server: Server, name: str, kind: str, until: float
) -> tuple[list[str], Answer | None]:
    """The records of one type, or why there is no answer."""
    try:
        message = await _message(network, server, name, kind, until)
    except (NetworkFailure, dns.exception.DNSException, ValueError) as error:
        return [], _failed(server, name, error)
    return _records(message, kind), _refusal(server, name, message.rcode())


def address(server: Server) -> str:
    """The server as people write it: the port only where it is not 53."""
    host, port = server
    if port == 53:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def _message(
    network: Network, server: Server, name: str, kind: str, until: float
) -> dns.message.Message:
    query = dns.message.make_query(dns.name.from_text(name), kind, use_edns=0, payload=1232)

    def read(data: bytes) -> dns.message.Message | None:
        reply = dns.message.from_wire(data, ignore_trailing=True, raise_on_truncation=False)
        return reply if query.is_response(reply) else None  # a forged datagram, or for another question

    reply = await network.exchange(server, query.to_wire(), until, read)
    if reply.flags & dns.flags.TC:
        reply = await _stream(network, server, query, until)
    return reply


async def _stream(
    network: Network, server: Server, query: dns.message.Message, until: float
) -> dns.message.Message:
    """The same over TCP (RFC 7766), because the answer did not fit."""
    connection = await network.connect(*server, until)
    try:
        wire = query.to_wire()
        await connection.send(len(wire).to_bytes(2, "big") + wire, until)
        data = b""
        while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2], "big"):
            data += await connection.receive(until)
        return dns.message.from_wire(data[2 : 2 + int.from_bytes(data[:2], "big")], ignore_trailing=True)
    finally:
        connection.close()


def _failed(server: Server, name: str, error: Exception) -> Answer:
    where = address(server)
    if isinstance(error, TimedOut):
        return Answer(server, "timeout", f"{where} did not answer for {name}")
    if isinstance(error, ConnectFailed):
        who = f"an ICMP error from {error.icmp.sender}" if error.icmp else "refused here"
        return Answer(server, "timeout", f"{where} can't be asked: {who}")
    return Answer(server, "servfail", f"{where} sent an answer that can't be read")


def _refusal(server: Server, name: str, rcode: dns.rcode.Rcode) -> Answer | None:
    if rcode == dns.rcode.NOERROR:
        return None
    text = f"{address(server)} says {dns.rcode.to_text(rcode)} for {name}"
    status = {dns.rcode.NXDOMAIN: "nxdomain", dns.rcode.REFUSED: "refused"}.get(rcode, "servfail")
    return Answer(server, status, text)


def _records(message: dns.message.Message, kind: str) -> list[str]:
    wanted = dns.rdatatype.from_text(kind)
    return [record.to_text() for rrset in message.answer if rrset.rdtype == wanted for record in rrset]
