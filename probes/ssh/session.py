"""The key exchange by paramiko, which proves the host key. Blocking: for a thread of its own.

Importing this module loads paramiko and cryptography; `probes.ssh.proof` does so at the first check.
"""

from __future__ import annotations

import functools
import hashlib
import threading
import time
from dataclasses import fields, replace
from typing import Any, ClassVar

import paramiko
from cryptography.hazmat.primitives import hashes
from paramiko.kex_curve25519 import KexCurve25519
from paramiko.kex_gex import KexGexSHA256
from paramiko.kex_group14 import KexGroup14SHA256
from paramiko.packet import Packetizer
from paramiko.ssh_exception import IncompatiblePeer

from probes.codes import Failed
from probes.net.base import NetworkFailure
from probes.ssh.algorithms import KINDS, Agreement, agree
from probes.ssh.hostkeys import HostKey
from probes.ssh.replay import ReplayedSocket
from probes.ssh.wire import IDENTIFICATION, Algorithms, Disconnect, farewell

# Seconds that paramiko's thread gets to end once its socket is shut.
FAREWELL = 2.0


class _Group14Sha1(KexGroup14SHA256):
    name = "diffie-hellman-group14-sha1"
    hash_algo = hashlib.sha1


class _Group1Sha1(_Group14Sha1):
    name = "diffie-hellman-group1-sha1"
    # RFC 2409 6.2, the Second Oakley Group.
    P = int(
        "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
        "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
        "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF",
        16,
    )


class _GexSha1(KexGexSHA256):
    name = "diffie-hellman-group-exchange-sha1"
    hash_algo = hashlib.sha1


class _Sha1RsaKey(paramiko.RSAKey):
    """An RSA key that signs with SHA-1, for a vault whose profile still allows it."""

    HASHES: ClassVar = {**paramiko.RSAKey.HASHES, "ssh-rsa": hashes.SHA1}  # type: ignore[misc]


class _Packetizer(Packetizer):
    """Without the timer thread per handshake: the deadline is ours."""

    def start_handshake(self, timeout: float) -> None:
        pass


# The published types of paramiko leave out what a subclass needs.
_PARAMIKO: Any = paramiko.Transport


class _Transport(_PARAMIKO):  # type: ignore[misc]
    """paramiko with our identification, its optional algorithms at hand, and silent."""

    _kex_info: ClassVar[dict[str, Any]] = {
        **_PARAMIKO._kex_info,
        "curve25519-sha256": KexCurve25519,
        "diffie-hellman-group14-sha1": _Group14Sha1,
        "diffie-hellman-group-exchange-sha1": _GexSha1,
        "diffie-hellman-group1-sha1": _Group1Sha1,
    }
    _key_info: ClassVar[dict[str, Any]] = {**_PARAMIKO._key_info, "ssh-rsa": _Sha1RsaKey}
    _mac_info: ClassVar[dict[str, Any]] = {
        **_PARAMIKO._mac_info,
        "hmac-sha1-etm@openssh.com": {"class": hashlib.sha1, "size": 20},
    }

    def __init__(self, sock: ReplayedSocket, offer: Algorithms, kexinit: bytes) -> None:
        super().__init__(sock, packetizer_class=_Packetizer)
        self.local_version = IDENTIFICATION
        self.goodbye: Disconnect | None = None
        self._kexinit = kexinit
        self._preferred_kex = offer.kex
        self._preferred_keys = offer.host_key
        self._preferred_ciphers = offer.cipher_to_server
        self._preferred_macs = offer.mac_to_server
        self._preferred_compression = offer.compression_to_server

    def _send_kex_init(self) -> None:
        """The first one went out already; it is sent in form, so that the packets are counted."""
        if self.initial_kex_done:
            super()._send_kex_init()
            return
        self.clear_to_send.clear()
        self.in_kex = True
        self.local_kex_init = self._latest_kex_init = self._kexinit
        self._send_message(paramiko.Message(self._kexinit))

    def _log(self, level: int, msg: Any, *args: Any) -> None:
        """What matters is in the exception; the logger would write to the user's screen."""

    def _parse_disconnect(self, m: paramiko.Message) -> None:
        self.goodbye = Disconnect(m.get_int(), m.get_string()[:255].decode("utf-8", "replace"))


ABLE: dict[str, frozenset[str]] = {
    "kex": frozenset(_Transport._kex_info),
    "host_key": frozenset(_Transport._key_info),
    "cipher": frozenset(_Transport._cipher_info),
    "mac": frozenset(_Transport._mac_info),
    "compression": frozenset(_Transport._compression_info),
}


@functools.cache
def within_reach(vault: Algorithms) -> Algorithms:
    """What of the vault's list paramiko can do. It can't do host certificates."""
    kept = {
        field.name: tuple(
            name
            for name in getattr(vault, field.name)
            if name in ABLE[field.name.partition("_to_")[0]] and "-cert-" not in name
        )
        for field in fields(vault)
    }
    return replace(vault, **kept)


def offer_of(vault: Algorithms) -> Algorithms:
    """What we offer: what is within reach, and any MAC, for paramiko wants a common one even if the
    cipher needs none. Where it is needed, `unsupported` has spoken before one of those is used.
    """
    reach = within_reach(vault)
    macs = tuple(dict.fromkeys((*reach.mac_to_server, *sorted(ABLE["mac"]))))
    return replace(reach, mac_to_server=macs, mac_to_client=macs)


class Session:
    """A connection through the key exchange: open until `close`, or until a method has raised."""

    def __init__(self, sock: ReplayedSocket, offer: Algorithms, kexinit: bytes) -> None:
        self.sock = sock
        self.transport: Any = _Transport(sock, offer, kexinit)

    def exchange_keys(self, seconds: float) -> HostKey:
        """The server's host key, proved. Raises NetworkFailure or Failed, and is closed then."""
        began = time.monotonic()
        done = threading.Event()
        transport = self.transport
        self.sock.read_by(transport)
        transport.start_client(event=done)
        in_time = done.wait(seconds)
        if transport.initial_kex_done:
            key = transport.host_key
            return HostKey(key.get_name(), key.asbytes(), key.get_bits())
        overdue = self.sock.overdue(began)
        self.close()
        raise self.failure() if in_time else overdue

    def failure(self) -> NetworkFailure | Failed:
        """Why the connection ended: the target's words, what the socket saw, or paramiko's objection."""
        goodbye = self.transport.goodbye
        if goodbye is not None:
            return farewell(goodbye)
        if self.sock.flooded:
            words = f"{self.sock.received} bytes, and what was waited for is not among them"
            return Failed("protocol.malformed", words)
        error = self.transport.get_exception()
        end = self.sock.end()
        if end is not None and (error is None or isinstance(error, (EOFError, OSError))):
            return end
        words = str(error) or type(error).__name__
        if isinstance(error, IncompatiblePeer):  # it wants a common MAC even where the cipher needs none
            return Failed("probe.unsupported", f"vault and target agree, netcheck can't: {words[:200]}")
        if "Signature verification" in words:
            return Failed("protocol.malformed", "it does not hold the host key that it shows: bad signature")
        return Failed("protocol.malformed", f"the key exchange broke off: {words[:200]}")

    def close(self) -> None:
        """Shut the connection and see paramiko's thread end."""
        self.transport.close()
        self.sock.close()
        if self.transport.is_alive():
            self.transport.join(FAREWELL)


def check_reach(vault: Algorithms, server: Algorithms) -> None:
    """Raises `probe.unsupported` where vault and target agree on what paramiko can't do."""
    ours = agree(within_reach(vault), server)
    if ours.missing:
        raise unsupported(ours.missing, agree(vault, server))


def unsupported(missing: tuple[str, ...], vault: Agreement) -> Failed:
    """The vault could, netcheck can't."""
    kind = missing[0]
    agreed = vault.chosen.get(kind, "none needed")
    return Failed(
        "probe.unsupported",
        f"netcheck does not know the {KINDS[kind]} {agreed}; vault and target agree on it",
        evidence=tuple(
            f"vault and target agree on {KINDS[each]}: {name}" for each, name in vault.chosen.items()
        ),
    )
