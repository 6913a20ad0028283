"""The private key of a credential: read from its text, or held by ssh-agent."""

from __future__ import annotations

import io

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from probes.contract import Secret, Withheld
from probes.ssh.hostkeys import HostKey

RSA_ALGORITHMS = ("rsa-sha2-512", "rsa-sha2-256")  # RFC 8332

CLASSES: tuple[tuple[type, type[paramiko.PKey]], ...] = (
    (ed25519.Ed25519PrivateKey, paramiko.Ed25519Key),
    (ec.EllipticCurvePrivateKey, paramiko.ECDSAKey),
    (rsa.RSAPrivateKey, paramiko.RSAKey),
)


class Signer:
    """A key that can sign. `blob` is its public half."""

    def __init__(self, key: paramiko.PKey, agent: paramiko.Agent | None = None) -> None:
        self._key = key
        self._agent = agent
        self.blob = key.asbytes()

    def algorithm(self, accepted: bytes) -> str:
        """The signature algorithm, given the server's `server-sig-algs` (RFC 8308 3.1; empty: not told)."""
        name = self._key.get_name()
        if name != "ssh-rsa":
            return name
        known = accepted.decode("ascii", "replace").split(",")
        return next((each for each in RSA_ALGORITHMS if each in known), RSA_ALGORITHMS[0])

    def sign(self, data: bytes, algorithm: str) -> bytes:
        signature = self._key.sign_ssh_data(data, algorithm)
        return signature if isinstance(signature, bytes) else signature.asbytes()

    def close(self) -> None:
        if self._agent is not None:
            self._agent.close()


def signer(secret: Secret) -> Signer | None:
    """The secret's key, None where it has none. Raises Withheld where the key can't be used."""
    if secret.private_key is not None:
        return Signer(_read(secret.private_key, secret.passphrase))
    if secret.agent_key is not None:
        return _held(secret.agent_key)
    return None


def _read(text: str, passphrase: str | None) -> paramiko.PKey:
    """The key from PEM or OpenSSH text, whichever its kind."""
    data = text.strip().encode() + b"\n"
    openssh = data.startswith(b"-----BEGIN OPENSSH")
    load = serialization.load_ssh_private_key if openssh else serialization.load_pem_private_key
    try:
        return _for_paramiko(load(data, passphrase.encode() if passphrase else None))
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        if passphrase and isinstance(error, TypeError):  # it is not encrypted
            return _read(text, None)
        if passphrase:
            why = "the private key can't be read with this passphrase"
        elif "password" in str(error):  # TypeError or ValueError, as the version of cryptography has it
            why = "the private key is encrypted and no passphrase is given"
        else:
            why = "this is no private key"
    raise Withheld("credential.missing", why)


def _for_paramiko(key: object) -> paramiko.PKey:
    for kind, reader in CLASSES:
        if isinstance(key, kind):
            form = (serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
            text = key.private_bytes(serialization.Encoding.PEM, *form).decode()  # type: ignore[attr-defined]
            return reader.from_private_key(io.StringIO(text))
    raise Withheld(
        "credential.missing", f"the private key is of a kind that is not supported ({type(key).__name__})"
    )


def _held(name: str) -> Signer:
    """The agent's key with that comment or SHA256 fingerprint."""
    try:
        agent = paramiko.Agent()
    except (OSError, paramiko.SSHException):
        raise Withheld("credential.missing", "ssh-agent does not answer") from None
    for key in agent.get_keys():
        if name in (key.comment, HostKey(key.get_name(), key.asbytes()).fingerprint):
            return Signer(key, agent)
    agent.close()
    raise Withheld("credential.missing", f"ssh-agent holds no key {name} (is $SSH_AUTH_SOCK set?)")
