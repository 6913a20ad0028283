"""Name servers, time servers and web servers that say something wrong, or say it in a wrong way, each a
few lines: `python -m tests.lab.liars FILE` serves them all.

Kinds of `serve`, on UDP and TCP: `dns` knows the scene's name with the scene's records, or with the
addresses that follow the kind, and says NXDOMAIN to all else; what the others do says DNS, by kind. On UDP:
`ntp SECONDS` is ahead by so many, the others are in NTP. On TCP: `http-dated HOW` and `https-dated HOW`,
whose Date is a number of seconds ahead, or one of DATES.

FILE is JSON: a list of [address, port, kind, host, records, PEM file or null].
"""

from __future__ import annotations

import asyncio
import json
import ssl
import struct
import sys
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from itertools import count
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

NTP_EPOCH = 2_208_988_800
NTP_PACKET = struct.Struct("!BBbbII4sQQQQ")
INVENTED = "10.20.66.66"
turns = count()


@dataclass(frozen=True, slots=True)
class Zone:
    """One name and its records, each as `TYPE DATA`."""

    host: str
    records: Sequence[str]

    def knows(self, name: dns.name.Name) -> bool:
        return name == dns.name.from_text(self.host)

    def of(self, kind: str) -> list[str]:
        return [
            data for found, _, data in (record.partition(" ") for record in self.records) if found == kind
        ]


Question = dns.message.Message
Say = Callable[[Question, Zone], Question | bytes | None]


def asked(query: Question) -> tuple[dns.name.Name, str]:
    question = query.question[0]
    return question.name, dns.rdatatype.to_text(question.rdtype)


def with_code(code: dns.rcode.Rcode) -> Say:
    """A server that says this to everything."""

    def say(query: Question, zone: Zone) -> Question:
        reply = dns.message.make_response(query)
        reply.set_rcode(code)
        return reply

    return say


def right(query: Question, zone: Zone, ttl: int = 60) -> Question:
    """The zone as it is."""
    name, kind = asked(query)
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.AA
    if not zone.knows(name):
        reply.set_rcode(dns.rcode.NXDOMAIN)
    elif records := zone.of(kind):
        reply.answer.append(dns.rrset.from_text_list(name, ttl, "IN", kind, records))
    return reply


def at_once_old(query: Question, zone: Zone) -> Question:
    return right(query, zone, ttl=0)


def rewriting(query: Question, zone: Zone) -> Question:
    """What it knows as it is; for all else an address of its own."""
    name, kind = asked(query)
    if zone.knows(name) and zone.records:
        return right(query, zone)
    reply = dns.message.make_response(query)
    if kind == "A":
        reply.answer.append(dns.rrset.from_text(name, 60, "IN", "A", INVENTED))
    return reply


def sparing(query: Question, zone: Zone) -> Question:
    """The same, but it knows that names below `.invalid` can't exist (RFC 6761)."""
    return (right if asked(query)[0].labels[-2] == b"invalid" else rewriting)(query, zone)


def rotating(query: Question, zone: Zone) -> Question:
    """One of its addresses, each time the next."""
    name, kind = asked(query)
    reply = right(query, zone)
    if records := zone.of(kind) if zone.knows(name) else []:
        chosen = records[next(turns) % len(records)]
        reply.answer = [dns.rrset.from_text(name, 0, "IN", kind, chosen)]
    return reply


def cut(query: Question, zone: Zone) -> Question:
    """Over UDP: too large for that."""
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.TC
    return reply


def other_id(query: Question, zone: Zone) -> Question:
    reply = right(query, zone)
    reply.id ^= 0x5555
    return reply


def other_question(query: Question, zone: Zone) -> Question:
    """An answer to what nobody asked."""
    other = dns.message.make_query("other.lab.test", "A", id=query.id)
    reply = dns.message.make_response(other)
    reply.answer.append(dns.rrset.from_text("other.lab.test.", 60, "IN", "A", INVENTED))
    return reply


def other_owner(query: Question, zone: Zone) -> Question:
    """The right question, and a record of another name."""
    reply = dns.message.make_response(query)
    reply.answer.append(dns.rrset.from_text("other.lab.test.", 60, "IN", "A", INVENTED))
    return reply


def malformed(query: Question, zone: Zone) -> bytes:
    return right(query, zone).to_wire()[:14] + b"\xff" * 20


def alias(query: Question, zone: Zone, target: str) -> Question:
    name, _ = asked(query)
    reply = dns.message.make_response(query)
    reply.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", target))
    return reply


def circle(query: Question, zone: Zone) -> Question:
    """An alias of an alias of itself."""
    name, _ = asked(query)
    reply = alias(query, zone, "loop.lab.test.")
    reply.answer.append(dns.rrset.from_text("loop.lab.test.", 60, "IN", "CNAME", name.to_text()))
    return reply


def chain(query: Question, zone: Zone, count: int = 20) -> Question:
    """So many aliases, one of the other, before the zone's addresses."""
    name, kind = asked(query)
    if not zone.knows(name):
        return right(query, zone)
    reply = alias(query, zone, "c1.lab.test.")
    for number in range(1, count):
        reply.answer.append(
            dns.rrset.from_text(f"c{number}.lab.test.", 60, "IN", "CNAME", f"c{number + 1}.lab.test.")
        )
    if records := zone.of(kind):
        reply.answer.append(dns.rrset.from_text_list(f"c{count}.lab.test.", 60, "IN", kind, records))
    return reply


def dead_alias(query: Question, zone: Zone) -> Question:
    """An alias of a name that does not exist."""
    reply = alias(query, zone, "gone.cdn.lab.test.")
    reply.set_rcode(dns.rcode.NXDOMAIN)
    return reply


def live_alias(query: Question, zone: Zone) -> Question:
    """An alias of a name that has the zone's addresses."""
    name, kind = asked(query)
    if not zone.knows(name):
        return right(query, zone)
    reply = alias(query, zone, "live.cdn.lab.test.")
    if records := zone.of(kind):
        reply.answer.append(dns.rrset.from_text_list("live.cdn.lab.test.", 60, "IN", kind, records))
    return reply


def referral(query: Question, zone: Zone) -> Question:
    """A server that does not have the zone, and names others that do."""
    reply = dns.message.make_response(query)
    reply.authority.append(dns.rrset.from_text("lab.test.", 60, "IN", "NS", "ns.elsewhere.test."))
    return reply


def empty(query: Question, zone: Zone) -> Question:
    return dns.message.make_response(query)


def without_edns(query: Question, zone: Zone) -> Question:
    """A server from before EDNS (RFC 6891 7): it does not understand the question."""
    return with_code(dns.rcode.FORMERR)(query, zone) if query.edns >= 0 else right(query, zone)


def failing_for(kind: str, how: Say) -> Say:
    """Right for all types but one."""

    def say(query: Question, zone: Zone) -> Question | bytes | None:
        return how(query, zone) if asked(query)[1] == kind else right(query, zone)

    return say


def mute(query: Question, zone: Zone) -> None:
    return None


# What is said over UDP, and over TCP (None: nothing listens there).
SERVFAIL, NXDOMAIN = with_code(dns.rcode.SERVFAIL), with_code(dns.rcode.NXDOMAIN)
DNS: dict[str, tuple[Say, Say | None]] = {
    "dns": (right, right),
    "dns-udp-only": (right, None),
    "dns-cut": (cut, right),
    "dns-cut-udp-only": (cut, None),
    "dns-cut-always": (cut, cut),
    "dns-ttl-0": (at_once_old, at_once_old),
    "dns-rewriting": (rewriting, rewriting),
    "dns-sparing": (sparing, sparing),
    "dns-rotating": (rotating, rotating),
    "dns-refused": (with_code(dns.rcode.REFUSED), with_code(dns.rcode.REFUSED)),
    "dns-servfail": (SERVFAIL, SERVFAIL),
    "dns-mute": (mute, mute),
    "dns-other-id": (other_id, right),
    "dns-other-question": (other_question, other_question),
    "dns-other-owner": (other_owner, other_owner),
    "dns-other-port": (right, right),
    "dns-malformed": (malformed, malformed),
    "dns-circle": (circle, circle),
    "dns-chain": (chain, chain),
    "dns-dead-alias": (dead_alias, dead_alias),
    "dns-alias": (live_alias, live_alias),
    "dns-referral": (referral, referral),
    "dns-empty": (empty, empty),
    "dns-without-edns": (without_edns, without_edns),
    "dns-aaaa-servfail": (failing_for("AAAA", SERVFAIL), failing_for("AAAA", SERVFAIL)),
    "dns-aaaa-nxdomain": (failing_for("AAAA", NXDOMAIN), failing_for("AAAA", NXDOMAIN)),
    "dns-aaaa-mute": (failing_for("AAAA", mute), failing_for("AAAA", mute)),
    "dns-a-servfail": (failing_for("A", SERVFAIL), failing_for("A", SERVFAIL)),
}


def ntp(query: bytes, ahead: float = 0, stratum: int = 2, leap: int = 0, version: int = 4) -> bytes:
    """An answer of a server whose clock is ahead by so many seconds."""
    origin = struct.unpack("!Q", query[40:48])[0]
    now = int((time.time() + ahead + NTP_EPOCH) * 2**32)
    return NTP_PACKET.pack(leap << 6 | version << 3 | 4, stratum, 0, 0, 0, 0, b"GPS", now, origin, now, now)


def kiss(query: bytes, code: str) -> bytes:
    """An answer without time (RFC 5905 7.4)."""
    found = bytearray(ntp(query, stratum=0, leap=3))
    found[12:16] = code.encode()
    return bytes(found)


def forged(query: bytes) -> bytes:
    """An answer that does not echo the question's time: anybody could have sent it."""
    return ntp(query[:40] + bytes(8), ahead=4000)


def restamped(query: bytes, ahead: float, arrived: float | None, left: float, root: int = 0) -> bytes:
    """An answer whose timestamps are moved by so many seconds, the first one (None) not set."""
    found = bytearray(ntp(query, ahead))
    now = time.time() + ahead + NTP_EPOCH
    stamps = (0 if arrived is None else int((now + arrived) * 2**32), int((now + left) * 2**32))
    found[4:12] = struct.pack("!II", root, root)
    found[32:48] = struct.pack("!QQ", *stamps)
    return bytes(found)


NTP: dict[str, Callable[..., bytes]] = {
    "ntp": lambda query, ahead: ntp(query, float(ahead)),
    "ntp-version": lambda query, version: ntp(query, version=int(version)),
    "ntp-unsynchronised": lambda query: ntp(query, stratum=16, leap=3),
    "ntp-kiss": kiss,
    "ntp-no-arrival": lambda query, ahead: restamped(query, float(ahead), None, 0),
    "ntp-spread": lambda query, ahead: restamped(query, float(ahead), -3600, 3600),
    "ntp-distant": lambda query: restamped(query, 0, 0, 0, 2**31 - 1),
    "ntp-forged": forged,
    "ntp-garbage": lambda query: b"\xff" * 48,
    "ntp-mirror": lambda query: query,
}

# Header fields with the date, by what they are about.
DATES: dict[str, Callable[[float], str]] = {
    "none": lambda now: "",
    "nonsense": lambda now: "Date: yesterday, about noon\r\n",
    "asctime": lambda now: f"Date: {time.asctime(time.gmtime(now))}\r\n",
    "no-zone": lambda now: f"Date: {formatdate(now)}\r\n",  # ends in -0000
    "cached": lambda now: f"Date: {formatdate(now - 600, usegmt=True)}\r\nAge: 600\r\n",
    "hit": lambda now: f"Date: {formatdate(now - 600, usegmt=True)}\r\nX-Cache: HIT from cache.lab.test\r\n",
    "1970": lambda now: f"Date: {formatdate(0, usegmt=True)}\r\n",
}
DATED = {"http-dated": False, "https-dated": True}
KINDS = (*DNS, *NTP, *DATED)


def needs_tls(kind: str) -> bool:
    return DATED.get(kind.split()[0], False)


def of_transport(kind: str) -> frozenset[str]:
    """The transports on which a server of the kind is there: `udp`, `tcp`."""
    first = kind.split()[0]
    if first in DNS:
        return frozenset(["udp", "tcp"] if DNS[first][1] else ["udp"])
    return frozenset(["udp"] if first in NTP else ["tcp"])


def date_of(how: str) -> str:
    now = time.time()
    if how in DATES:
        return DATES[how](now)
    return f"Date: {formatdate(now + float(how), usegmt=True)}\r\n"


def said(say: Say, data: bytes, zone: Zone) -> bytes | None:
    """The answer to a question's bytes; None where none is given."""
    try:
        query = dns.message.from_wire(data)
    except dns.exception.DNSException:
        return None
    reply = say(query, zone)
    return reply.to_wire(max_size=65535) if isinstance(reply, dns.message.Message) else reply


class Datagrams(asyncio.DatagramProtocol):
    """Answers each datagram, from another socket where `away` is one."""

    def __init__(
        self, answer: Callable[[bytes], bytes | None], away: asyncio.DatagramTransport | None
    ) -> None:
        self._answer = answer
        self._away = away

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._own = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        with suppress(struct.error):
            if (answer := self._answer(data)) is not None:
                (self._away or self._own).sendto(answer, addr)  # type: ignore[attr-defined]


async def by_udp(address: str, port: int, kind: str, zone: Zone) -> None:
    first, *rest = kind.split()
    loop, away = asyncio.get_running_loop(), None
    if first == "dns-other-port":
        away, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, (address, 0))

    def answer(data: bytes) -> bytes | None:
        return NTP[first](data, *rest) if first in NTP else said(DNS[first][0], data, zone)

    await loop.create_datagram_endpoint(lambda: Datagrams(answer, away), (address, port))


async def by_tcp(address: str, port: int, kind: str, zone: Zone, pem: str | None) -> None:
    first, *rest = kind.split()
    context = None
    if pem is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)

    async def names(reader: StreamReader, writer: StreamWriter) -> None:
        say = DNS[first][1]
        assert say
        while True:
            size = int.from_bytes(await reader.readexactly(2), "big")
            if (reply := said(say, await reader.readexactly(size), zone)) is not None:
                writer.write(len(reply).to_bytes(2, "big") + reply)

    async def dated(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\n{date_of(rest[0])}Content-Length: 2\r\n\r\nok".encode())
        await writer.drain()

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await (names if first in DNS else dated)(reader, writer)
        writer.close()

    await asyncio.start_server(serve, address, port, ssl=context, backlog=64)


async def serve(wanted: list[tuple[str, int, str, str, list[str], str | None]]) -> None:
    """Listen everywhere, and serve until the process ends."""
    for address, port, kind, host, records, pem in wanted:
        own = kind.split()[1:] if kind.startswith("dns") else []
        zone = Zone(host, [f"{'AAAA' if ':' in each else 'A'} {each}" for each in own] or records)
        transports = of_transport(kind)
        if "udp" in transports:
            await by_udp(address, port, kind, zone)
        if "tcp" in transports:
            await by_tcp(address, port, kind, zone, pem)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(Path(sys.argv[1]).read_text())))
