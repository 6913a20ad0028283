"""Certificates for the lab's TLS servers: good ones, and one of each kind that must be refused."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from tests.lab.issuers import ACCESS, ISSUERS, Access

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
DAY = datetime.timedelta(days=1)
# How a FortiGate names the certificate that it makes for its own page.
APPLIANCE = "CN=FG100E4Q17000001,OU=FortiGate,O=Fortinet,C=US"
# Days from now: begin and end.
VALID = {
    "expired": (-90, -2),
    "expired-inspected": (-90, -2),
    "not-yet-valid": (5, 300),
    "expires-soon": (-80, 9),
}


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
        self.others = {"public": self.root, "corporate": self.corporate, "middle": self.middle}
        self.bundle = folder / "public-root.pem"
        store = pem(self.root.certificate) + pem(self.corporate.certificate)
        (folder / "vault-store.pem").write_bytes(store)
        self.bundle.write_bytes(pem(self.root.certificate))
        (folder / "private-root.pem").write_bytes(pem(self.private.certificate))
        for kind in ISSUERS:
            self._found(kind)

    def _found(self, kind: str) -> None:
        """The authority of `tests.lab.issuers`, and its files."""
        name, under = ISSUERS[kind]
        self.others[kind] = authority(name, self.others[under] if under else None)
        line, above = [self.others[kind]], under
        while above:
            line.append(self.others[above])
            above = ISSUERS[above].under if above in ISSUERS else None
        files = {"ca": line[:1], "root": line[-1:], "chain": line}
        for part, held in files.items():
            (self.folder / f"{part}-{kind}.pem").write_bytes(b"".join(pem(one.certificate) for one in held))

    def publish(self, pages: Path) -> None:
        """What an authority has on its web server: each one's certificate, and a list of revoked ones."""
        for kind in ISSUERS:
            (pages / f"{kind}.der").write_bytes(der(self.others[kind].certificate))
        (pages / "revoked.crl").write_bytes(nothing_revoked(self.middle))

    def issue(self, kind: str, host: str) -> Path:
        """Write the chain and key of a server as one PEM file. The kinds:

        good, expired, not-yet-valid, expires-soon, wrong-name, self-signed, missing-intermediate,
        weak-key (RSA of 1024 bits), private (leaf alone, of a CA that the vault does not know),
        private-chain (with its root); and such as decrypting devices make: inspected (a CA of the company's),
        inspected-cloud (a product's CA under the company's root), inspected-appliance (a product's own root);
        page-by-proxy (under the company's CA, for another name).
        self-signed-appliance is an appliance's own. Those of `tests.lab.issuers` are further ones.
        """
        key: Key = ec.generate_private_key(ec.SECP256R1())
        if kind == "weak-key":
            key = rsa.generate_private_key(65537, 1024)
        name = "another.lab.test" if kind in ("wrong-name", "page-by-proxy") else host
        access = ACCESS.get(kind)
        issuers = {
            **self.others,
            **{f"{other}-leaf": self.others[other] for other in ISSUERS},
            **{other: self.others[signer] for other, (signer, _, _) in ACCESS.items()},
            "self-signed": None,
            "self-signed-appliance": None,
            "expired-inspected": self.cloud,
            "page-by-proxy": self.gateway,
            "private": self.private,
            "private-chain": self.private,
            "inspected": self.gateway,
            "inspected-cloud": self.cloud,
            "inspected-appliance": self.appliance,
        }
        signer = issuers.get(kind, self.middle)
        subject = APPLIANCE if kind == "self-signed-appliance" else name
        leaf = certificate(
            subject, key, signer, VALID.get(kind, (-30, 300)), names=(name,), access=access, host=host
        )
        chain = [leaf]
        alone = kind in ("missing-intermediate", "private") or kind.endswith("-leaf")
        if signer is not None and not alone and not (access and access.issuer):
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
    access: Access | None = None,
    host: str = "",
) -> x509.Certificate:
    """A certificate for the key, valid from and until so many days from now."""
    now = datetime.datetime.now(datetime.UTC)
    subject = _distinguished(name)
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
    for extension in _more(access, host) if access else ():
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(signed_by, hashes.SHA256())


def _distinguished(name: str) -> x509.Name:
    """A distinguished name as such, or anything else as a common name."""
    if "=" in name:
        return x509.Name.from_rfc4514_string(name)
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _more(access: Access, host: str) -> list[x509.ExtensionType]:
    """The extensions that say where more is found."""
    described, found = [], []
    if access.issuer:
        described.append((AuthorityInformationAccessOID.CA_ISSUERS, f"http://{host}/{access.issuer}.der"))
    if access.lists:
        lists = access.lists.format(host=host)
        described.append((AuthorityInformationAccessOID.OCSP, f"http://{lists}/ocsp"))
        where = [x509.UniformResourceIdentifier(f"http://{lists}/revoked.crl")]
        found.append(x509.CRLDistributionPoints([x509.DistributionPoint(where, None, None, None)]))
    return [
        *found,
        x509.AuthorityInformationAccess(
            [x509.AccessDescription(method, x509.UniformResourceIdentifier(url)) for method, url in described]
        ),
    ]


def nothing_revoked(signer: Authority) -> bytes:
    """An authority's list of revoked certificates, which is empty."""
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(signer.certificate.subject)
        .last_update(now - DAY)
        .next_update(now + 7 * DAY)
        .sign(signer.key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.DER)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def pem(found: x509.Certificate) -> bytes:
    return found.public_bytes(serialization.Encoding.PEM)


def der(found: x509.Certificate) -> bytes:
    return found.public_bytes(serialization.Encoding.DER)


def private_key(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
