"""Questions to DNS servers over the network's verbs; dnspython makes and reads the messages."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver
from dns.rdtypes.ANY.CNAME import CNAME

from probes.net.base import ConnectFailed, Icmp, Network, NetworkFailure, TimedOut
from probes.words import icmp_words

Server = tuple[str, int]

# What decides where servers disagree: who knows the name before who could not say.
RANK = ("found", "nxdomain", "no_address", "servfail", "refused", "timeout")
# What servers from before EDNS say to a question that uses it (RFC 6891 7).
BEFORE_EDNS = (dns.rcode.FORMERR, dns.rcode.NOTIMP)


@dataclass(frozen=True, slots=True)
class Answer:
    """What one server said of one name. `status` is one of RANK; `text` says it in words.

    `without`: what it said of a type for which it has no answer, beside one that was found.
    """

    server: Server
    status: str
    text: str
    records: tuple[str, ...] = ()
    name: str = ""
    without: tuple[tuple[str, Answer], ...] = ()


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
    """What this server says of the name, all `types` at once. Never raises for what the network does.

    A failure beside a type that was found is only told: some load balancers know A and fail for AAAA, and
    programs use the addresses that they got.
    """
    said = await asyncio.gather(*(_one(network, server, name, kind, until) for kind in types))
    found = [record for records, _ in said for record in records]
    failures = [
        (kind, failure) for kind, (_, failure) in zip(types, said, strict=True) if failure is not None
    ]
    if failures and not found:
        return failures[0][1]
    besides = "".join(f", but of {kind}: {failure.text}" for kind, failure in failures)
    shown = f"{address(server)} says {' '.join(found) or 'no ' + ' or '.join(types)} for {name}{besides}"
    return Answer(server, "found" if found else "no_address", shown, tuple(found), name, tuple(failures))


async def ask_in_turn(
    network: Network, server: Server, names: Sequence[str], types: Sequence[str], until: float
) -> Answer:
    """What this server says of the first of the names that exists, or of the last (resolv.conf(5))."""
    for name in names:
        answer = await ask(network, server, name, types, until)
        if answer.status != "nxdomain":
            break
    return answer


async def ask_by_tcp(network: Network, server: Server, name: str, kind: str, until: float) -> Answer:
    """What this server says of the name over TCP (RFC 7766), as of a large answer."""
    try:
        message = await _stream(network, server, _query(name, kind), until)
        records, failure = _read(server, name, message)
    except (NetworkFailure, dns.exception.DNSException, ValueError) as error:
        return _failed(server, name, error, "TCP")
    return failure or Answer(server, "found", f"{address(server)} answers over TCP", tuple(records), name)


async def _one(
    network: Network, server: Server, name: str, kind: str, until: float
) -> tuple[list[str], Answer | None]:
    """The records of one type, or why there is no answer."""
    try:
        query = _query(name, kind)
        message = await _datagram(network, server, query, until)
        if message.rcode() in BEFORE_EDNS:
            query.use_edns(False)
            message = await _datagram(network, server, query, until)
    except (NetworkFailure, dns.exception.DNSException, ValueError) as error:
        return [], _failed(server, name, error)
    if not message.flags & dns.flags.TC:
        return _read(server, name, message)
    try:
        return _read(server, name, await _stream(network, server, query, until))
    except (NetworkFailure, dns.exception.DNSException, ValueError) as error:
        failed = _failed(server, name, error, "TCP")
        return [], Answer(server, failed.status, f"the answer is too large for UDP, and {failed.text}")


def address(server: Server) -> str:
    """The server as people write it: the port only where it is not 53."""
    host, port = server
    if port == 53:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _query(name: str, kind: str) -> dns.message.Message:
    return dns.message.make_query(dns.name.from_text(name), kind, use_edns=0, payload=1232)


async def _datagram(
    network: Network, server: Server, query: dns.message.Message, until: float
) -> dns.message.Message:
    """The first answer to this question. Raises ValueError where only such came as can't be read."""
    unread = False

    def read(data: bytes) -> dns.message.Message | None:
        nonlocal unread
        try:
            reply = dns.message.from_wire(data, ignore_trailing=True, raise_on_truncation=False)
        except (dns.exception.DNSException, ValueError):
            unread = True  # anybody may have sent it: the server's own may follow
            return None
        return reply if query.is_response(reply) else None  # a forged datagram, or for another question

    try:
        return await network.exchange(server, query.to_wire(), until, read)
    except TimedOut:
        if unread:
            raise ValueError from None
        raise


async def _stream(
    network: Network, server: Server, query: dns.message.Message, until: float
) -> dns.message.Message:
    """The same over TCP (RFC 7766), because the answer did not fit. Raises ValueError for another's."""
    connection = await network.connect(*server, until)
    try:
        wire = query.to_wire()
        await connection.send(len(wire).to_bytes(2, "big") + wire, until)
        data = b""
        while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2], "big"):
            data += await connection.receive(until)
    finally:
        connection.close()
    reply = dns.message.from_wire(data[2 : 2 + int.from_bytes(data[:2], "big")], ignore_trailing=True)
    if not query.is_response(reply):
        raise ValueError
    return reply


def _failed(server: Server, name: str, error: Exception, over: str = "UDP") -> Answer:
    """Why there is no answer that can be read."""
    where = address(server)
    means = " over TCP" if over == "TCP" else ""
    if isinstance(error, TimedOut):
        return Answer(server, "timeout", f"{where} did not answer{means} for {name}")
    if isinstance(error, ConnectFailed) and _closed(server, error.icmp, error.local):
        return Answer(server, "refused", f"nothing listens on {over} at {where}")
    if isinstance(error, ConnectFailed):
        who = icmp_words(error.icmp) if error.icmp else "stopped by this host itself"
        return Answer(server, "timeout", f"{where} can't be asked{means}: {who}")
    if isinstance(error, NetworkFailure):
        return Answer(server, "timeout", f"{where} ended the connection without an answer for {name}")
    return Answer(server, "servfail", f"{where} sent an answer that can't be read")


def _closed(server: Server, icmp: Icmp | None, local: bool) -> bool:
    """Whether the server says itself that nothing listens there: by an RST, or by ICMP."""
    if icmp is None:
        return not local
    return icmp.is_port_unreachable and icmp.sender == server[0]


def _read(server: Server, name: str, message: dns.message.Message) -> tuple[list[str], Answer | None]:
    """The records of the type asked for, of the name or of what it is an alias of; or why there is none."""
    assert isinstance(message, dns.message.QueryMessage)
    rcode, who = message.rcode(), address(server)
    if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        status = "refused" if rcode == dns.rcode.REFUSED else "servfail"
        return [], Answer(server, status, f"{who} says {dns.rcode.to_text(rcode)} for {name}")
    try:
        chain = message.resolve_chaining()
    except dns.message.ChainTooLong:
        return [], Answer(server, "servfail", f"{who} says that {name} is {_endless(message)}")
    except dns.message.AnswerForNXDOMAIN:
        return [], Answer(server, "nxdomain", f"{who} says NXDOMAIN for {name}, and yet an address")
    alias = f", an alias of {chain.canonical_name.to_text()}" if chain.cnames else ""
    if rcode == dns.rcode.NXDOMAIN:
        return [], Answer(server, "nxdomain", f"{who} says NXDOMAIN for {name}{alias}")
    if chain.answer is None and _refers(message) and not chain.cnames:
        return [], Answer(server, "servfail", f"{who} does not know {name}, and refers to other servers")
    if chain.answer is None and message.flags & dns.flags.TC:
        return [], Answer(server, "servfail", f"{who} cuts its answer for {name} short, over TCP as well")
    return [record.to_text() for record in chain.answer or ()], None


def _endless(message: dns.message.QueryMessage) -> str:
    """What a name is whose aliases are more than are followed."""
    name = message.question[0].name
    aliases = {
        rrset.name: cast(CNAME, rrset[0]).target
        for rrset in message.answer
        if rrset.rdtype == dns.rdatatype.CNAME
    }
    met = {name}
    while name in aliases:
        name = aliases[name]
        if name in met:
            return "an alias that leads to itself"
        met.add(name)
    return f"the first of {len(aliases)} aliases in a row, too long a chain"


def _refers(message: dns.message.Message) -> bool:
    """Whether it names the servers to ask instead (RFC 2308 2.2: no SOA, but NS)."""
    kinds = {rrset.rdtype for rrset in message.authority}
    return dns.rdatatype.NS in kinds and dns.rdatatype.SOA not in kinds and not message.answer
