"""Certificates for the lab's TLS servers: good ones, and one of each kind that must be refused."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
DAY = datetime.timedelta(days=1)
# Days from now: begin and end.
VALID = {"expired": (-90, -2), "not-yet-valid": (5, 300), "expires-soon": (-80, 9)}


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority: its certificate and key."""

    certificate: x509.Certificate
    key: Key


class Authorities:
    """A public root with an intermediate, a corporate root that the vault trusts as well, and roots that it
    does not know: a private one, and one that a product makes for itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = authority("Lab Public Root")
        self.middle = authority("Lab Issuing CA", self.root)
        self.private = authority("Lab Private Root")
        self.corporate = authority("ACME Corporate Root")
        self.gateway = authority("ACME Web Gateway", self.corporate)
        self.cloud = authority("Zscaler Intermediate Root CA (zscaler.net)", self.corporate)
        self.appliance = authority("FortiGate CA FG100E4Q17000001")
        self.bundle = folder / "public-root.pem"
        store = pem(self.root.certificate) + pem(self.corporate.certificate)
        (folder / "vault-store.pem").write_bytes(store)
        self.bundle.write_bytes(pem(self.root.certificate))
        (folder / "private-root.pem").write_bytes(pem(self.private.certificate))

    def issue(self, kind: str, host: str) -> Path:
        """Write the chain and key of a server as one PEM file. The kinds:

        good, expired, not-yet-valid, expires-soon, wrong-name, self-signed, missing-intermediate,
        weak-key (RSA of 1024 bits), private (leaf alone, of a CA that the vault does not know),
        private-chain (with its root); and such as decrypting devices make: inspected (a CA of the company's),
        inspected-cloud (a product's CA under the company's root), inspected-appliance (a product's own root).
        """
        key: Key = ec.generate_private_key(ec.SECP256R1())
        if kind == "weak-key":
            key = rsa.generate_private_key(65537, 1024)
        name = "another.lab.test" if kind == "wrong-name" else host
        issuers = {
            "self-signed": None,
            "private": self.private,
            "private-chain": self.private,
            "inspected": self.gateway,
            "inspected-cloud": self.cloud,
            "inspected-appliance": self.appliance,
        }
        signer = issuers.get(kind, self.middle)
        leaf = certificate(name, key, signer, VALID.get(kind, (-30, 300)), names=(name,))
        chain = [leaf]
        if signer is not None and kind not in ("missing-intermediate", "private"):
            chain.append(signer.certificate)
        path = self.folder / f"{kind}-{host.replace(':', '_')}.pem"
        path.write_bytes(b"".join(map(pem, chain)) + private_key(key))
        return path


def authority(name: str, signer: Authority | None = None) -> Authority:
    """A new CA, signed by another or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Authority(certificate(name, key, signer, (-400, 3000), ca=True), key)


def certificate(
    name: str,
    key: Key,
    signer: Authority | None,
    days: tuple[int, int],
    *,
    names: tuple[str, ...] = (),
    ca: bool = False,
) -> x509.Certificate:
    """A certificate for the key, valid from and until so many days from now."""
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    signed_by = signer.key if signer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.certificate.subject if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + days[0] * DAY)
        .not_valid_after(now + days[1] * DAY)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(key_id, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signed_by.public_key()), critical=False
        )
    )
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general(each) for each in names]), critical=False
        )
    return builder.sign(signed_by, hashes.SHA256())


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def pem(found: x509.Certificate) -> bytes:
    return found.public_bytes(serialization.Encoding.PEM)


def private_key(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
