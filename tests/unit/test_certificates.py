"""What is read off certificates, and what is wrong with them."""

from __future__ import annotations

import base64
import datetime
import ipaddress
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from probes.certificates import Fingerprint, expires_soon, read, weaknesses
from probes.objections import covers, objections
from probes.settings import BadValue

NOW = datetime.datetime(2026, 11, 24, tzinfo=datetime.UTC)
TIME = NOW.timestamp()
DAY = datetime.timedelta(days=1)


def der(
    subject: str = "leaf", issuer: str = "CA", names: tuple[str, ...] = (), until: float = 90, key: Any = None
) -> bytes:
    """A certificate in DER, signed by its own key whatever its issuer's name."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(0xABC)
        .not_valid_before(NOW - 400 * DAY)
        .not_valid_after(NOW + until * DAY)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(n) for n in names]), False)
    hashed = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, hashed).public_bytes(serialization.Encoding.DER)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def test_facts_are_plain_data():
    """What the record holds of a certificate."""
    raw = der(names=("web.example", "10.0.0.1"))
    (found,) = read([raw])
    digest = hashes.Hash(hashes.SHA256())
    digest.update(raw)
    assert found.facts() == {
        "subject": "CN=leaf",
        "issuer": "CN=CA",
        "serial": "abc",
        "not_before": "2025-10-20T00:00:00Z",
        "not_after": "2027-02-22T00:00:00Z",
        "names": ["web.example", "10.0.0.1"],
        "sha256": digest.finalize().hex(),
        "key": "EC secp256r1",
        "signature": "sha256",
        "self_issued": False,
    }


def test_facts_are_bounded():
    """A certificate with a thousand long names does not fill the record."""
    (found,) = read(
        [
            der(
                names=tuple(
                    f"{count}.{'x' * 60}.{'y' * 60}.{'z' * 60}.{'w' * 60}.example" for count in range(1000)
                )
            )
        ]
    )
    assert len(found.facts()["names"]) == 20
    assert all(len(name) == 200 for name in found.facts()["names"])


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (rsa.generate_private_key(65537, 1024), "RSA 1024"),
        (ed25519.Ed25519PrivateKey.generate(), "Ed25519"),
        (ec.generate_private_key(ec.SECP384R1()), "EC secp384r1"),
    ],
)
def test_a_key_is_named_with_its_size(key, words):
    """Kind, and bits or curve."""
    assert read([der(key=key)])[0].key == words


def test_what_can_not_be_parsed_ends_the_chain():
    """Garbage in place of a certificate is left out, and what was read before stays."""
    assert [each.subject for each in read([der("a"), b"garbage", der("b")])] == ["CN=a"]


@pytest.mark.parametrize(
    ("names", "host", "covered"),
    [
        (("web.example",), "web.example", True),
        (("web.example",), "WEB.example.", True),
        (("*.lab.example",), "web.lab.example", True),
        (("*.lab.example",), "a.web.lab.example", False),
        (("*.lab.example",), "lab.example", False),
        (("*.example",), "web.example", False),
        (("web.example",), "10.0.0.1", False),
        (("10.0.0.1",), "10.0.0.1", True),
        (("2001:db8::1",), "2001:DB8:0::1", True),
        (("fe80::1",), "fe80::1%eth0", True),
        (("my_host.example",), "my_host.example", True),
        ((), "leaf", False),
        (("web.example",), "not a name", False),
    ],
)
def test_a_certificate_covers_the_names_it_lists(names, host, covered):
    """DNS names, a wildcard for one label below a domain, addresses as addresses; never the common name."""
    assert covers(read([der(names=names)])[0], host) is covered


@pytest.mark.parametrize(
    ("number", "cause", "words"),
    [
        (18, "tls.self_signed", "self-signed: CN=leaf"),
        (19, "tls.untrusted", "the chain ends in a CA that is not trusted here: CN=CA"),
        (
            20,
            "tls.untrusted",
            "issuer not known here: CN=CA; a private CA, or a missing intermediate",
        ),
        (66, "tls.certificate_unacceptable", "the certificate: words"),
        (10, "tls.expired", "the certificate expired 9 days ago, on 2026-11-15"),
        (9, "tls.not_yet_valid", "the certificate is not valid yet, only from 2025-10-20T00:00:00Z"),
        (26, "tls.untrusted", "the certificate: words"),
    ],
)
def test_each_verification_error_has_its_cause(number, cause, words):
    """OpenSSL's number decides."""
    (found,) = objections(read([der(until=-9)]), [(number, 0, "words")], None, TIME)
    assert (found.cause, found.text) == (cause, words)


def test_objections_stand_in_openssl_order():
    """Trust, weakness, name, dates, in whatever order they were found."""
    problems = [(10, 0, ""), (66, 0, "weak"), (20, 0, ""), (21, 0, "")]
    found = objections(read([der(names=("a.example",))]), problems, "b.example", TIME)
    assert [each.cause for each in found] == [
        "tls.untrusted",
        "tls.certificate_unacceptable",
        "tls.hostname_mismatch",
        "tls.expired",
    ]


def test_a_certificate_that_can_not_be_read_is_never_accepted():
    """Without a name to compare nothing can be said for it."""
    assert [each.cause for each in objections((), [], "web.example", TIME)] == [
        "tls.certificate_unacceptable"
    ]


def test_a_problem_above_the_chain_that_was_sent_is_told():
    """The trusted root itself may have expired; it is not among the certificates that came."""
    (found,) = objections(read([der()]), [(10, 2, "")], None, TIME)
    assert found.text == "certificate 3 of the chain expired"


@pytest.mark.parametrize(
    ("days", "words"),
    [(9.4, "9 days"), (1.2, "1 day"), (0.5, "12 hours"), (30.5, None), (-1, None)],
)
def test_expiry_is_near_within_the_asked_time(days, words):
    """Thirty days; what has expired already is no matter of soon."""
    assert expires_soon(read([der(until=days)]), 30 * 86400.0, TIME) == words


def test_an_intermediate_expires_too_and_a_root_does_not_count():
    """The first to expire is named where it is not the leaf."""
    leaf, middle, root = der(), der("Middle", "Root", until=5), der("Root", "Root", until=1)
    assert (
        expires_soon(read([leaf, middle, root]), 30 * 86400.0, TIME) == "5 days, the intermediate CN=Middle"
    )
    assert expires_soon(read([leaf, root]), 30 * 86400.0, TIME) is None


def test_weakness_counts_in_leaf_and_intermediates():
    """A root's key is its owner's matter."""
    weak = rsa.generate_private_key(65537, 1024)
    chain = read([der(), der("Middle", "Root", key=weak), der("Root", "Root", key=weak)])
    assert weaknesses(chain) == ["key RSA 1024 in CN=Middle"]


@pytest.mark.parametrize(
    "text",
    [
        "ab" * 32,
        "AB" * 32,
        ":".join(["AB"] * 32),
        "SHA256:" + base64.b64encode(b"\xab" * 32).decode(),
        "SHA256:" + base64.b64encode(b"\xab" * 32).decode().rstrip("="),
    ],
)
def test_a_fingerprint_has_many_spellings(text):
    """Hex in either case, with or without colons, or base64 as OpenSSH writes it."""
    assert Fingerprint().read(text) == "ab" * 32


@pytest.mark.parametrize("value", ["", "abcd", "zz" * 32, "SHA256:abcd", "SHA256:!", "ab" * 33, 5, None])
def test_what_is_no_fingerprint_is_refused(value):
    """Another length, another alphabet, another type."""
    with pytest.raises(BadValue, match="is not a SHA-256 fingerprint"):
        Fingerprint().read(value)
