"""Servers on loopback, each in threads of its own on port 0, and the certificates they show."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from probes.contract import Ascent, Probe, Target, Timing
from probes.net.real import SystemNetwork

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
Handler = Callable[[socket.socket], None]


@dataclass(frozen=True)
class Minted:
    """A certificate with its key, and how to show or trust it."""

    certificate: x509.Certificate
    key: Any

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        form = serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


class Mint:
    """Makes certificates, right and wrong ones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = self.make("Lab Root", ca=True)

    def make(
        self,
        name: str,
        issuer: Minted | None = None,
        *,
        names: tuple[str, ...] = (),
        ca: bool = False,
        days: tuple[float, float] = (-10, 90),
        key: Any = None,
        hashed: Any = None,
    ) -> Minted:
        """Self-signed without an issuer. `days`: valid from … to, counted from now."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW + days[0] * DAY)
            .not_valid_after(NOW + days[1] * DAY)
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([_general(n) for n in names]), False)
        signer = issuer.key if issuer else key
        return Minted(builder.sign(signer, hashed or hashes.SHA256()), key)

    def leaf(self, *names: str, **wrong: Any) -> Minted:
        """A certificate for these names, issued by the lab's root unless `issuer` says otherwise."""
        issuer = wrong.pop("issuer", self.root)
        return self.make("leaf", issuer, names=names or ("web.example",), **wrong)

    def file(self, *parts: bytes) -> str:
        path = self.folder / f"{len(list(self.folder.iterdir()))}.pem"
        path.write_bytes(b"".join(parts))
        return str(path)

    def context(self, leaf: Minted, *above: Minted) -> ssl.SSLContext:
        """A server's context that shows this chain and takes anything that OpenSSL can speak."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.load_cert_chain(self.file(leaf.key_pem, leaf.pem, *(each.pem for each in above)))
        return context


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Server:
    """Calls `handler` in a thread for each connection; a connection is closed when its handler returns."""

    def __init__(self, handler: Handler, address: str = "127.0.0.1") -> None:
        self.handler = handler
        self.listener = socket.create_server(
            (address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET
        )
        self.port: int = self.listener.getsockname()[1]
        self.accepted = 0
        self.done = threading.Event()
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def _accept(self) -> None:
        while not self.done.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            thread.start()
            self.threads.append(thread)

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        with connection:
            try:
                self.handler(connection)
            except OSError:
                pass  # the client left, or refused us: what it found is what the test asks about

    def close(self) -> None:
        """Stop, once every handler has returned."""
        if not self.done.is_set():
            self.done.set()
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
        for thread in self.threads:  # the first one, which starts the others, ends before they are joined
            thread.join(12)


@pytest.fixture
def mint(tmp_path: Path) -> Mint:
    """A certificate factory with a root of its own."""
    return Mint(tmp_path)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start a server with a handler for its connections; stopped at the end of the test."""
    servers: list[Server] = []

    def start(handler: Handler, address: str = "127.0.0.1") -> Server:
        servers.append(Server(handler, address))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def serve_tls(serve: Callable[..., Server]) -> Callable[..., Server]:
    """The same inside TLS: the handler gets the secured socket."""

    def start(context: ssl.SSLContext, handler: Handler = lambda sock: drain(sock)) -> Server:
        def secured(raw: socket.socket) -> None:
            with context.wrap_socket(raw, server_side=True) as sock:
                handler(sock)

        return serve(secured)

    return start


def drain(sock: socket.socket) -> None:
    """Read until the client has gone."""
    while sock.recv(65536):
        pass


def reset(sock: socket.socket) -> None:
    """Close with an RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@pytest.fixture
def hang_up() -> Handler:
    """A handler's last act: an RST in place of a FIN."""
    return reset


@pytest.fixture
def ask() -> Callable[..., Ascent]:
    """One look of a probe at a port of this host, with its settings as keywords; gives the one ladder."""

    def look(
        probe: Probe,
        port: int,
        *,
        host: str = "127.0.0.1",
        timeout: float = 3.0,
        deadline: float | None = None,
        **settings: Any,
    ) -> Ascent:
        async def go() -> Ascent:
            timing = Timing(timeout, deadline or 4 * timeout)
            asked = probe.settings(**settings)
            outcome = await probe.run(Target(host, port), asked, timing, SystemNetwork())
            return outcome.ascents[0]

        return asyncio.run(go())

    return look
