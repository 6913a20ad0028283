"""A certificate chain as plain facts: who it names, until when, and how strong it is."""

from __future__ import annotations

import base64
import binascii
import datetime
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from probes.settings import BadValue, shown

DAY = 86400.0
LEAST_RSA_BITS = 2048  # 112 bits of security (NIST SP 800-57 part 1, table 2)
MOST_NAMES = 20
MOST_TEXT = 200
# Attributes for which RFC 4514 has no word, by the words that everybody uses.
WORDS = {NameOID.EMAIL_ADDRESS: "emailAddress", NameOID.SERIAL_NUMBER: "serialNumber"}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A certificate's SHA-256: 64 hex digits, colons allowed, or `SHA256:` and base64. Gives hex."""

    def read(self, value: Any) -> str:
        text = value if isinstance(value, str) else ""
        try:
            if text.startswith("SHA256:"):
                digest = base64.b64decode(text[7:] + "=" * (-len(text[7:]) % 4), validate=True)
            else:
                digest = bytes.fromhex(text.replace(":", ""))
        except (ValueError, binascii.Error):
            digest = b""
        if len(digest) != 32:
            raise BadValue(f"{shown(value)} is not a SHA-256 fingerprint: 64 hex digits, or `SHA256:…`")
        return digest.hex()

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^(?:(?:[0-9A-Fa-f]{2}:?){32}|SHA256:[A-Za-z0-9+/]{43}=?)$"}


@dataclass(frozen=True, slots=True)
class Certificate:
    """What one certificate says. `key` is like `RSA 2048`; `signature` names the hash, or the scheme."""

    subject: str
    issuer: str
    serial: str
    not_before: datetime.datetime
    not_after: datetime.datetime
    names: tuple[str, ...]
    sha256: str
    key: str
    signature: str
    self_issued: bool
    parsed: x509.Certificate

    def facts(self) -> dict[str, Any]:
        """Plain data for the record; texts and lists cut to a bounded length."""
        return {
            "subject": self.subject[:MOST_TEXT],
            "issuer": self.issuer[:MOST_TEXT],
            "serial": self.serial,
            "not_before": iso(self.not_before),
            "not_after": iso(self.not_after),
            "names": [name[:MOST_TEXT] for name in self.names[:MOST_NAMES]],
            "sha256": self.sha256,
            "key": self.key,
            "signature": self.signature,
            "self_issued": self.self_issued,
        }

    @property
    def title(self) -> str:
        """The subject as a sentence names it."""
        return self.subject[:MOST_TEXT] or "without a subject"

    def days_left(self, now: float) -> float:
        return (self.not_after.timestamp() - now) / DAY

    @property
    def weakness(self) -> str | None:
        """What of it is too weak by today's measure, if anything."""
        found = re.fullmatch(r"(?:RSA|DSA) (\d+)", self.key)
        if found and int(found[1]) < LEAST_RSA_BITS:
            return f"key {self.key}"
        return f"signature with {self.signature.upper()}" if self.signature in ("sha1", "md5") else None


def read(chain: Sequence[bytes]) -> tuple[Certificate, ...]:
    """The certificates of a chain in DER, leaf first; one that can't be parsed ends it."""
    with warnings.catch_warnings():  # sloppy encodings are the peer's, nobody here can act on them
        warnings.simplefilter("ignore")
        return tuple(map(_certificate, parsed(chain)))


def parsed(chain: Iterable[bytes]) -> list[x509.Certificate]:
    """The same as the library's own values."""
    certificates = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for der in chain:
            try:
                certificates.append(x509.load_der_x509_certificate(der))
            except ValueError:
                break
    return certificates


def is_signed(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    """Whether this CA signed it: by the name and by the key."""
    return _verified(certificate, by) is True


def is_missigned(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    """Whether it claims to be signed by a CA of this name, and is not signed with its key."""
    return _verified(certificate, by) is False


def _verified(certificate: x509.Certificate, by: x509.Certificate) -> bool | None:
    """Whether the signature is right; None: not this CA's name, or nothing that can be verified here."""
    try:
        certificate.verify_directly_issued_by(by)
    except InvalidSignature:
        return False
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return True


def top(chain: Sequence[Certificate]) -> Certificate:
    """The last of these to which the first leads, signature by signature."""
    last, rest = chain[0], list(chain[1:])
    while signer := next((one for one in rest if is_signed(last.parsed, one.parsed)), None):
        rest.remove(signer)
        last = signer
    return last


def from_file(data: bytes) -> list[bytes]:
    """The certificates of a file that a CA publishes: DER, PEM, or PKCS #7 (RFC 5280 4.2.2.1). Gives DER."""
    from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

    readers: tuple[Callable[[bytes], list[x509.Certificate]], ...] = (
        lambda raw: [x509.load_der_x509_certificate(raw)],
        x509.load_pem_x509_certificates,
        pkcs7.load_der_pkcs7_certificates,
    )
    for read in readers:
        try:
            return [each.public_bytes(Encoding.DER) for each in read(data)]
        except ValueError:
            continue
    return []


def _certificate(parsed: x509.Certificate) -> Certificate:
    subject, issuer = parsed.subject.rfc4514_string(WORDS), parsed.issuer.rfc4514_string(WORDS)
    return Certificate(
        subject=subject,
        issuer=issuer,
        serial=f"{parsed.serial_number:x}",
        not_before=parsed.not_valid_before_utc,
        not_after=parsed.not_valid_after_utc,
        names=_or(lambda: _names(parsed), ()),
        sha256=parsed.fingerprint(hashes.SHA256()).hex(),
        key=_or(lambda: _key(parsed), "unknown"),
        signature=_or(lambda: _signature(parsed), "unknown"),
        self_issued=subject == issuer,
        parsed=parsed,
    )


def _or(get: Callable[[], T], otherwise: T) -> T:
    """A part that an odd certificate may not give."""
    try:
        return get()
    except (ValueError, UnsupportedAlgorithm, x509.ExtensionNotFound, x509.DuplicateExtension):
        return otherwise


def _names(parsed: x509.Certificate) -> tuple[str, ...]:
    names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    addresses = (str(address) for address in names.get_values_for_type(x509.IPAddress))
    return (*names.get_values_for_type(x509.DNSName), *addresses)


def _key(parsed: x509.Certificate) -> str:
    key = parsed.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA {key.key_size}"
    if isinstance(key, dsa.DSAPublicKey):
        return f"DSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"EC {key.curve.name}"
    return type(key).__name__.strip("_").removesuffix("PublicKey")


def _signature(parsed: x509.Certificate) -> str:
    algorithm = parsed.signature_hash_algorithm
    return algorithm.name if algorithm else parsed.signature_algorithm_oid._name


def iso(time: datetime.datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def issuer_url(certificate: Certificate) -> str | None:
    """Where the certificate's own issuer can be fetched (RFC 5280 4.2.2.1), by plain HTTP."""
    return next(iter(_access(certificate, AuthorityInformationAccessOID.CA_ISSUERS)), None)


def revocation_urls(chain: Sequence[Certificate]) -> list[str]:
    """Where the chain's CAs say what they revoked: CRLs and OCSP responders (RFC 5280 4.2.1.13, 4.2.2.1)."""
    found: dict[str, None] = {}
    for certificate in chain:
        if not certificate.self_issued:
            found |= dict.fromkeys(_crls(certificate))
            found |= dict.fromkeys(_access(certificate, AuthorityInformationAccessOID.OCSP))
    return list(found)


def _access(certificate: Certificate, method: x509.ObjectIdentifier) -> list[str]:
    def read() -> list[str]:
        access = certificate.parsed.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        return [str(one.access_location.value) for one in access if one.access_method == method]

    nothing: list[str] = []
    return [url for url in _or(read, nothing) if url.startswith("http://")]


def _crls(certificate: Certificate) -> list[str]:
    def read() -> list[str]:
        points = certificate.parsed.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        return [str(name.value) for point in points for name in point.full_name or ()]

    nothing: list[str] = []
    return [url for url in _or(read, nothing) if url.startswith("http://")]


def expires_soon(chain: Sequence[Certificate], within: float, now: float) -> str | None:
    """In words, if the first of leaf and intermediates to expire does so within that many seconds."""
    judged = [each for index, each in enumerate(chain) if index == 0 or not each.self_issued]
    if not judged:
        return None
    first = min(judged, key=lambda each: each.not_after)
    left = first.days_left(now)
    if not 0 < left * DAY <= within:
        return None
    return days_words(left) if first is chain[0] else f"{days_words(left)}, the intermediate {first.title}"


def weaknesses(chain: Sequence[Certificate]) -> list[str]:
    """What is weak by today's measure in leaf and intermediates; a root's own signature proves nothing."""
    judged = [each for index, each in enumerate(chain) if index == 0 or not each.self_issued]
    return [f"{weak} in {each.title}" for each in judged if (weak := each.weakness)]


def days_words(days: float) -> str:
    """Whole days, or hours below one.

    >>> days_words(9.4), days_words(1.2), days_words(0.5)
    ('9 days', '1 day', '12 hours')
    """
    count, unit = (int(days), "day") if days >= 1 else (int(days * 24), "hour")
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
