"""Which certificates a chain lacks, where several CAs bear one name."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from probes import certificates, chains, objections

NOW = datetime.datetime(2026, 11, 24, tzinfo=datetime.UTC)
NOBODY_KNOWN = [(objections.Number.ISSUER_MISSING, 0, ""), (objections.Number.NOTHING_VERIFIED, 0, "")]


class Made(NamedTuple):
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


def made(name: str, by: Made | None = None, *, key: Any = None, ca: bool = True) -> Made:
    """A certificate, signed by itself without a signer, with the identifiers of keys that real ones have."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = by.key if by else key
    signed = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(days=400))
        .not_valid_after(NOW + datetime.timedelta(days=400))
        .add_extension(x509.BasicConstraints(ca, None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(signed, False)
    )
    return Made(builder.sign(signer, hashes.SHA256()), key)


@pytest.fixture
def trusting(tmp_path: Any) -> Any:
    """Writes these CAs as a file."""

    def write(*roots: Made) -> str:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.pem"
        path.write_bytes(b"".join(root.certificate.public_bytes(Encoding.PEM) for root in roots))
        return str(path)

    return write


def test_a_forged_ca_of_the_same_name_does_not_stand_in_the_way(trusting: Any) -> None:
    """Whichever was seen first: the one whose key signed is what is missing."""
    root, forger = made("Root"), made("Root")
    middle, forged = made("Middle", root), made("Middle", forger)
    leaf, trusted = made("leaf", middle, ca=False), trusting(root)
    for seen in ([forged, middle], [middle, forged]):
        assert chains.completed_by([leaf.der], [one.der for one in seen], trusted) == (middle.der,)
    assert chains.completed_by([leaf.der], [forged.der], trusted) == ()


def test_of_a_ca_that_several_signed_the_one_that_leads_somewhere_is_missing(trusting: Any) -> None:
    """One name and one key, under a root that is trusted and one that is not."""
    root, other = made("Root"), made("Other")
    key = ec.generate_private_key(ec.SECP256R1())
    ours, crossed = made("Middle", root, key=key), made("Middle", other, key=key)
    leaf, trusted = made("leaf", ours, ca=False), trusting(root)
    for seen in ([crossed, ours], [ours, crossed]):
        assert chains.completed_by([leaf.der], [one.der for one in seen], trusted) == (ours.der,)


def test_several_in_a_row_may_be_missing(trusting: Any) -> None:
    """In the order in which a server would send them."""
    root = made("Root")
    upper = made("Upper", root)
    lower = made("Lower", upper)
    leaf = made("leaf", lower, ca=False)
    needed = chains.completed_by([leaf.der], [upper.der, lower.der], trusting(root))
    assert needed == (lower.der, upper.der)
    assert chains.completed_by([leaf.der, lower.der, upper.der], [upper.der], trusting(root)) == ()


def test_an_issuer_that_came_along_and_did_not_sign(trusting: Any) -> None:
    """It is not unknown: the signature is another's."""
    root = made("Root")
    middle, forger = made("Middle", root), made("Middle")
    leaf = made("leaf", forger, ca=False)
    [found] = objections.objections(
        certificates.read([leaf.der, middle.der]), NOBODY_KNOWN, None, NOW.timestamp()
    )
    assert found.text.startswith("CN=leaf is not signed by CN=Middle, whose certificate came with it")
    # Whatever the order: the issuer of the last one to which the signatures lead.
    whole = certificates.read([made("leaf", middle, ca=False).der, root.der, middle.der])
    [found] = objections.objections(whole[:1] + whole[2:], NOBODY_KNOWN, None, NOW.timestamp())
    assert found.text.startswith("issuer not known here: CN=Root;")
    assert certificates.top(whole).subject == "CN=Root"


def test_an_intermediate_that_a_store_has(trusting: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a gap of a public CA's chain; a CA of the company's is none."""
    root, company = made("Root"), made("Company")
    middle, own = made("Middle", root), made("Own", company)
    monkeypatch.setenv("NETCHECK_PUBLIC_CAS", trusting(root))
    store = trusting(root, company, middle, own)
    assert chains.gap([made("leaf", middle, ca=False).der], store) == (middle.der,)
    assert chains.gap([made("leaf", own, ca=False).der], store) == ()
    assert chains.gap([made("leaf", company, ca=False).der], store) == ()
