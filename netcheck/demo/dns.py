"""A DNS server on loopback, over UDP and TCP, for a handful of names."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Mapping, Sequence

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from netcheck.demo.listener import Listener

TTL = 60
SAME_PORT_TRIES = 20


class DnsServer:
    """Answers A and AAAA from `records` (name → addresses); any other name does not exist."""

    def __init__(self, address: str, records: Mapping[str, Sequence[str]]) -> None:
        self._records = {dns.name.from_text(name): tuple(found) for name, found in records.items()}
        self.address = address
        self._tcp, self._udp = self._bind()
        self.port = self._tcp.port
        self._thread = threading.Thread(target=self._serve, daemon=True, name=f"lab dns {self.port}")
        self._thread.start()

    def close(self) -> None:
        self._closing = True
        # Linux does not wake recvfrom() when another thread closes a UDP socket: a packet does.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", (self.address, self.port))
        self._thread.join()
        self._udp.close()
        self._tcp.close()

    _closing = False

    def _bind(self) -> tuple[Listener, socket.socket]:
        """The same port for TCP and UDP; the system picks TCP's, and another program may have UDP's."""
        for _ in range(SAME_PORT_TRIES):
            tcp = Listener(self.address, self._talk)
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                udp.bind((self.address, tcp.port))
            except OSError:
                udp.close()
                tcp.close()
            else:
                return tcp, udp
        raise OSError(f"no port of {self.address} is free for both UDP and TCP")

    def _serve(self) -> None:
        while True:
            question, client = self._udp.recvfrom(65535)
            if self._closing:
                return
            answer = self._answer(question)
            if answer:
                self._udp.sendto(answer, client)

    def _talk(self, connection: socket.socket) -> None:
        """One question over TCP, each message after its length (RFC 1035 4.2.2)."""
        (length,) = struct.unpack("!H", _exactly(connection, 2))
        answer = self._answer(_exactly(connection, length))
        connection.sendall(struct.pack("!H", len(answer)) + answer)

    def _answer(self, wire: bytes) -> bytes:
        """The answer to a question; nothing where it is no question."""
        try:
            query = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return b""
        response = dns.message.make_response(query, recursion_available=True)
        asked = query.question[0]
        addresses = self._records.get(asked.name)
        if addresses is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        else:
            fitting = [text for text in addresses if _type_of(text) == asked.rdtype]
            if fitting:
                response.answer.append(dns.rrset.from_text_list(asked.name, TTL, "IN", asked.rdtype, fitting))
        return response.to_wire()


def _type_of(address: str) -> dns.rdatatype.RdataType:
    return dns.rdatatype.AAAA if ":" in address else dns.rdatatype.A


def _exactly(connection: socket.socket, count: int) -> bytes:
    """That many bytes. Raises EOFError if the client hangs up first."""
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data
