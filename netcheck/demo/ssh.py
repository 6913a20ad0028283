"""SSH servers on loopback: a good one, and one of another age."""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import socket
import struct
from collections.abc import Mapping

import paramiko

from netcheck.demo.listener import PATIENCE, Listener, silence

LOG = "netcheck.demo.ssh"
KEX_INIT = 20  # SSH_MSG_KEXINIT, RFC 4253 7.1

# What an IOS switch of 2010 offers; OpenSSH gave the last of these up in 2016 (7.2) and 2017 (7.6).
OLD_ALGORITHMS = (
    b"diffie-hellman-group1-sha1",  # key exchange
    b"ssh-rsa",  # host key
    b"aes128-cbc,3des-cbc",  # encryption, client to server
    b"aes128-cbc,3des-cbc",
    b"hmac-sha1,hmac-md5",  # integrity, client to server
    b"hmac-sha1,hmac-md5",
    b"none",  # compression
    b"none",
    b"",  # languages
    b"",
)


class SshServer(Listener):
    """A working SSH server that lets the users in `passwords` (name → password) log in."""

    def __init__(self, address: str, passwords: Mapping[str, str]) -> None:
        logging.getLogger(LOG).addHandler(logging.NullHandler())
        logging.getLogger(LOG).propagate = False  # a client that hangs up is no news in a lab
        self._passwords = passwords
        self._key = paramiko.ECDSAKey.generate()
        super().__init__(address, self._serve)

    @property
    def fingerprint(self) -> str:
        """The host key's fingerprint, as `ssh-keygen -l` prints it."""
        digest = hashlib.sha256(self._key.asbytes()).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")

    def _serve(self, connection: socket.socket) -> None:
        transport = paramiko.Transport(connection)
        transport.set_log_channel(LOG)
        transport.add_server_key(self._key)
        try:
            transport.start_server(server=_Doorkeeper(self._passwords))
            transport.join(PATIENCE)
        except paramiko.SSHException:  # no SSH client, or one that looked and left
            pass
        finally:
            transport.close()


class _Doorkeeper(paramiko.ServerInterface):
    """Checks passwords; nobody gets a session."""

    def __init__(self, passwords: Mapping[str, str]) -> None:
        self._passwords = passwords

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_auth_password(self, username: str, password: str) -> int:
        if self._passwords.get(username) == password:
            return paramiko.common.AUTH_SUCCESSFUL
        return paramiko.common.AUTH_FAILED


def old_ssh_server(address: str) -> Listener:
    """A device that offers only algorithms that nobody accepts any more."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"SSH-2.0-Cisco-1.25\r\n" + _packet(_key_exchange_init(OLD_ALGORITHMS)))
        silence(connection)

    return Listener(address, talk)


def _key_exchange_init(lists: tuple[bytes, ...]) -> bytes:
    """A KEXINIT message: a cookie, ten lists of names, no guess that follows."""
    names = b"".join(struct.pack("!I", len(part)) + part for part in lists)
    return bytes([KEX_INIT]) + os.urandom(16) + names + b"\0" + struct.pack("!I", 0)


def _packet(payload: bytes) -> bytes:
    """An unencrypted packet (RFC 4253 6): its length a multiple of 8, at least 4 bytes of padding."""
    padding = 8 - (len(payload) + 5) % 8
    padding += 8 if padding < 4 else 0
    return struct.pack("!IB", len(payload) + padding + 1, padding) + payload + bytes(padding)
