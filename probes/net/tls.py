"""TLS 1.2 and 1.3 on a connection, by OpenSSL on memory buffers.

The peer is never refused for its certificate: every objection of the verification is recorded, and
chain and objections are the caller's to judge, all on the one connection. OpenSSL is asked through
pyOpenSSL, because Python's `ssl` hides the chain of a peer that fails verification before 3.13.
"""

from __future__ import annotations

import asyncio
import functools
import socket
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL, crypto

from probes.codes import Failed
from probes.net import trust
from probes.net.base import PeerClosed, PeerReset, TimedOut, TlsFailed, TlsHello, TlsSession
from probes.sniff import is_tls

CHUNK = 16384 + 512
# The messages of a handshake are far smaller: OpenSSL takes 100 KiB of certificates at most.
MOST_HANDSHAKE = 512 * 1024
# In TLS 1.3 the client is done before the server has judged its (missing) certificate: a refusal comes
# as an alert after the handshake (RFC 8446 4.4.2.4), so a server that asked is given seconds to object.
OBJECTION = 1.0
ROUND_TRIPS = 2  # as many as the handshake took, and as much again for a slow server
KEPT_OPENING = 64

# 112 bits of security at least, as distributions set it: the same answer wherever OpenSSL came from.
CIPHERS = b"DEFAULT:@SECLEVEL=2"

VERSIONS = {"TLSv1.2": SSL.TLS1_2_VERSION, "TLSv1.3": SSL.TLS1_3_VERSION}
# Without a post-quantum share (draft-ietf-tls-ecdhe-mlkem) a ClientHello has 300 bytes, with it 1,550.
SMALL_CURVE = ec.SECP256R1()

CLOSE_NOTIFY, USER_CANCELED = 0, 90

# RFC 5280 6 in OpenSSL's numbers (openssl-verification-options(1)), in our words.
PROBLEMS = {
    2: "its issuer's certificate is missing",
    7: "its signature is wrong",
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is self-signed",
    19: "the chain ends in a root that is not trusted",
    20: "its issuer is not known here",
    21: "nothing above it can be verified",
    22: "the chain is too long",
    24: "it is no CA, and signs another certificate",
    25: "the chain is longer than one of its CAs allows",
    26: "it is not made for servers",
    47: "its name is outside what its CA may sign",
    66: "its key is too weak",
    67: "its CA's key is too weak",
    68: "its signature's hash is too weak",
    94: "it carries a trust setting or key that is malformed",
}


class Wire(Protocol):
    """The bytes beneath TLS, as `probes.net.base.Connection` gives and takes them."""

    @property
    def received(self) -> int: ...

    async def receive(self, until: float, limit: int) -> bytes: ...

    async def send(self, data: bytes, until: float) -> None: ...


class _Notes:
    """What OpenSSL's callbacks tell of one handshake."""

    __slots__ = ("alert", "answered", "problems", "requested")

    def __init__(self) -> None:
        self.alert: int | None = None
        self.answered = False
        self.requested = False
        self.problems: dict[tuple[int, int, str], None] = {}


class TlsStream:
    """The verbs of a connection, inside TLS."""

    __slots__ = ("_notes", "_opening", "_tls", "_wire")

    def __init__(self, wire: Wire, hello: TlsHello) -> None:
        self._wire = wire
        self._opening = b""
        self._notes = _Notes()
        context = _context(*trust.store(hello.ca_file), hello.alpn, hello.only, hello.small)
        self._tls = SSL.Connection(context, None)
        self._tls.set_app_data(self._notes)
        if hello.server_name is not None:
            self._tls.set_tlsext_host_name(hello.server_name.encode("ascii"))
        self._tls.set_connect_state()

    @classmethod
    async def handshake(cls, wire: Wire, hello: TlsHello, until: float) -> tuple[TlsStream, TlsSession]:
        """Raises TlsFailed, TimedOut, PeerClosed, PeerReset; Failed if our own trust store can't be read."""
        stream = cls(wire, hello)
        clock = asyncio.get_running_loop().time
        begun = clock()
        try:
            await stream._negotiate(until)
            if stream._notes.requested and stream._tls.get_protocol_version() == SSL.TLS1_3_VERSION:
                wait = max(OBJECTION, ROUND_TRIPS * (clock() - begun))
                await stream._await_objection(min(until, clock() + wait))
        except (PeerClosed, PeerReset):
            if stream._notes.requested:
                raise stream._failed("it hung up when we sent no certificate") from None
            raise
        return stream, stream._session()

    @property
    def received(self) -> int:
        """Bytes that came in, as the wire counts them."""
        return self._wire.received

    async def receive(self, until: float, limit: int = 65536) -> bytes:
        """At least one byte. Raises TimedOut, PeerClosed, PeerReset, TlsFailed."""
        start = self._wire.received
        while self._wire.received - start <= MOST_HANDSHAKE:
            try:
                return self._tls.recv(limit)
            except SSL.WantReadError:
                await self._flush(until)
                self._tls.bio_write(await self._wire.receive(until, CHUNK))
            except SSL.ZeroReturnError:
                raise PeerClosed(self._wire.received) from None
            except SSL.Error as error:
                raise self._failed(_reason(error)) from None
        raise self._failed(f"nothing but handshake messages in {MOST_HANDSHAKE} bytes")

    async def send(self, data: bytes, until: float) -> None:
        try:
            self._tls.sendall(data)
        except SSL.Error as error:
            raise self._failed(_reason(error)) from None
        await self._flush(until)

    async def _negotiate(self, until: float) -> None:
        start = self._wire.received
        while True:
            try:
                self._tls.do_handshake()
            except SSL.WantReadError:
                await self._flush(until)
                await self._feed(until)
            except SSL.ZeroReturnError:  # a close_notify
                raise PeerClosed(self._wire.received) from None
            except SSL.Error as error:
                raise self._failed(_reason(error)) from None
            else:
                return await self._flush(until)
            if self._wire.received - start > MOST_HANDSHAKE:
                raise self._failed(f"no end of the handshake in {MOST_HANDSHAKE} bytes")

    async def _feed(self, until: float) -> None:
        """More bytes for OpenSSL, unless they can't be TLS."""
        data = await self._wire.receive(until, CHUNK)
        if len(self._opening) < KEPT_OPENING:
            self._opening = (self._opening + data)[:KEPT_OPENING]
            if not is_tls(self._opening):
                raise self._failed("not a TLS record")
        self._tls.bio_write(data)

    async def _flush(self, until: float) -> None:
        """Send what OpenSSL has for the peer."""
        while True:
            try:
                data = self._tls.bio_read(CHUNK)
            except SSL.WantReadError:
                return
            await self._wire.send(data, until)

    async def _await_objection(self, until: float) -> None:
        """Until the peer's first bytes after the handshake, or a moment of silence: it did not mind."""
        try:
            self._tls.bio_write(await self._wire.receive(until, CHUNK))
            self._tls.recv(1, socket.MSG_PEEK)
        except (TimedOut, SSL.WantReadError):
            return
        except SSL.ZeroReturnError:
            raise PeerClosed(self._wire.received) from None
        except SSL.Error as error:
            raise self._failed(_reason(error)) from None

    def _session(self) -> TlsSession:
        tls, notes = self._tls, self._notes
        chain = tls.get_peer_cert_chain() or []
        return TlsSession(
            version=tls.get_protocol_version_name(),
            cipher=tls.get_cipher_name() or "",
            alpn=tls.get_alpn_proto_negotiated().decode("ascii", "replace") or None,
            chain=tuple(crypto.dump_certificate(crypto.FILETYPE_ASN1, each) for each in chain),
            problems=tuple(notes.problems),
            requested=notes.requested,
        )

    def _failed(self, reason: str) -> TlsFailed:
        notes = self._notes
        return TlsFailed(
            alert=notes.alert,
            reason=reason,
            opening=self._opening,
            requested=notes.requested,
            answered=notes.answered,
        )


def _reason(error: SSL.Error) -> str:
    """OpenSSL's error queue in one line, the origin first."""
    queue = error.args[0] if error.args and isinstance(error.args[0], list) else []
    return ", ".join(dict.fromkeys(entry[2] for entry in queue))


@functools.lru_cache(maxsize=64)
def _context(
    ca_file: str | None, ca_folder: str | None, alpn: tuple[str, ...], only: str | None, small: bool
) -> SSL.Context:
    """Shared by connections: reading a system's bundle takes some 20 ms."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(VERSIONS[only] if only else SSL.TLS1_2_VERSION)
    if only:
        context.set_max_proto_version(VERSIONS[only])
    if small:
        context.set_tmp_ecdh(SMALL_CURVE)
    context.set_cipher_list(CIPHERS)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    if ca_file or ca_folder:
        try:
            context.load_verify_locations(ca_file, ca_folder)
        except SSL.Error:
            raise Failed("probe.unsupported", _unreadable(ca_file or ca_folder or "")) from None
    store = context.get_cert_store()
    assert store is not None
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)  # a `ca_file` may hold the issuing CA alone
    context.set_verify(SSL.VERIFY_PEER, _object)
    context.set_info_callback(_note)
    if alpn:
        context.set_alpn_protos([name.encode("ascii") for name in alpn])
    return context


def _unreadable(path: str) -> str:
    try:
        with open(path, "rb"):
            return f"no certificate in PEM form in the CA file {path}"
    except OSError as error:
        return f"the CA file {path} can't be read: {error.strerror}"


def _object(tls: SSL.Connection, certificate: crypto.X509, number: int, depth: int, ok: int) -> bool:
    """Note the verification's objection and carry on."""
    if not ok:
        words = PROBLEMS.get(number, f"verification error {number}")
        tls.get_app_data().problems[number, depth, words] = None
    return True


def _note(tls: SSL.Connection, where: int, value: int) -> None:
    """Follow the handshake: the state that OpenSSL leaves, and fatal alerts that come in."""
    notes: _Notes = tls.get_app_data()
    if where & SSL.SSL_CB_ALERT:
        level, alert = divmod(value, 256)
        # TLS 1.3 has no warnings but these two, whatever the level says (RFC 8446 6).
        fatal = level == 2 or tls.get_protocol_version() == SSL.TLS1_3_VERSION
        if where & SSL.SSL_CB_READ and fatal and alert not in (CLOSE_NOTIFY, USER_CANCELED):
            notes.alert = alert
    elif where & SSL.SSL_CB_LOOP:
        state = tls.get_state_string()
        notes.answered |= b"server hello" in state
        notes.requested |= b"server certificate request" in state
