"""What is fetched only where it is asked for: a missing intermediate, and where CAs say what they revoked."""

from __future__ import annotations

import asyncio
import datetime
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from probes import tls
from probes.codes import Failed
from probes.contract import Confidence, Verdict
from probes.fetching import fetch
from probes.net.scripted import Scripted

OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"


@pytest.fixture
def publish(serve):
    """A web server that has one file; gives its URL, and counts who asks."""

    def start(data):
        def handler(sock):
            while not sock.recv(4096).endswith(b"\r\n\r\n"):
                pass
            sock.sendall(OK % (len(data), data))

        server = serve(handler)
        return f"http://127.0.0.1:{server.port}/file", server

    return start


def issued(middle, key, *, issuer_at=None, crl_at=None):
    """A leaf for 127.0.0.1 by this CA, that says where its issuer and its CRL are."""
    import ipaddress

    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")]))
        .issuer_name(middle.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=90))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
    )
    if issuer_at:
        where = x509.UniformResourceIdentifier(issuer_at)
        access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, where)
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), False)
    if crl_at:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl_at)], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), False)
    return builder.sign(middle.key, hashes.SHA256())


@pytest.fixture
def bare(mint, serve_tls):
    """A TLS server that sends its own certificate alone."""

    def start(middle, **where):
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = issued(middle, key, **where)
        form = serialization.PrivateFormat.PKCS8
        pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(mint.file(pem, leaf.public_bytes(serialization.Encoding.PEM)))
        return serve_tls(context)

    return start


def der(minted):
    return minted.certificate.public_bytes(serialization.Encoding.DER)


def test_a_missing_intermediate_is_fetched_where_that_is_asked_for(mint, bare, publish, ask):
    """Its own words say where it is; with it the chain is trusted, so that is what is missing."""
    middle = mint.make("Middle", mint.root, ca=True)
    url, web = publish(der(middle))
    server, roots = bare(middle, issuer_at=url), mint.file(mint.root.pem)
    found = ask(tls.PROBE, server.port, ca_file=roots, fetch_issuer=True)
    assert (found.verdict, found.cause) == (Verdict.FAIL, "tls.incomplete_chain")
    assert "Middle" in found.summary
    assert f"fetched from {url}" in found.evidence[-1]
    assert web.accepted == 1
    assert ask(tls.PROBE, server.port, ca_file=roots).cause == "tls.untrusted"
    assert web.accepted == 1


def test_what_can_not_be_fetched_is_said(mint, bare, publish, ask):
    """A private CA's certificate helps nothing, and one that is not there is named."""
    stranger = mint.make("Private", ca=True)
    url, _ = publish(der(stranger))
    found = ask(
        tls.PROBE, bare(stranger, issuer_at=url).port, ca_file=mint.file(mint.root.pem), fetch_issuer=True
    )
    assert found.cause == "tls.untrusted"
    nowhere = bare(stranger, issuer_at="http://127.0.0.1:9/ca.cer")
    found = ask(tls.PROBE, nowhere.port, ca_file=mint.file(mint.root.pem), fetch_issuer=True)
    assert (found.cause, "can't be fetched" in found.evidence[-1]) == ("tls.untrusted", True)


def test_what_is_fetched_may_show_a_device_that_decrypts(mint, bare, publish, ask, monkeypatch):
    """Of a public name the whole chain must be a public CA's: no server's mistake, if it is the company's."""
    middle = mint.make("Middle", mint.root, ca=True)
    url, _ = publish(der(middle))
    monkeypatch.setenv("SSL_CERT_FILE", mint.file(mint.root.pem))
    monkeypatch.setenv("NETCHECK_PUBLIC_CAS", mint.file(mint.make("Public", ca=True).pem))
    port = bare(middle, issuer_at=url).port
    found = ask(tls.PROBE, port, fetch_issuer=True, public=True)
    assert (found.cause, found.confidence) == ("tls.intercepted", Confidence.LIKELY)
    # A name proves nothing. And a wrong server is no device.
    named = ask(tls.PROBE, port, fetch_issuer=True, public=True, issuer="Middle")
    assert (named.cause, named.confidence) == ("tls.intercepted", Confidence.LIKELY)
    wrong = ask(tls.PROBE, port, fetch_issuer=True, public=True, server_name="web.example")
    assert wrong.cause == "tls.untrusted"
    monkeypatch.setenv("NETCHECK_PUBLIC_CAS", mint.file(mint.root.pem))
    assert ask(tls.PROBE, port, fetch_issuer=True, public=True).cause == "tls.incomplete_chain"
    # Another issuer than the pinned one, which may well have been renewed elsewhere.
    found = ask(tls.PROBE, port, fetch_issuer=True, public=True, issuer="Other")
    assert found.cause == "tls.incomplete_chain"
    assert ask(tls.PROBE, port, public=True, issuer="Other").confidence is Confidence.LIKELY


def test_revocation_addresses(mint, bare, publish, ask):
    """Reached or not, the check itself passes: the latter is a warning with the reason as its code."""
    url, _ = publish(b"a list")
    settings = {"ca_file": mint.file(mint.root.pem), "revocation": True}
    found = ask(tls.PROBE, bare(mint.root, crl_at=url).port, **settings)
    assert (found.verdict, found.cautions) == (Verdict.PASS, ())
    assert f"revocation is reached at {url}" in found.evidence
    found = ask(tls.PROBE, bare(mint.root, crl_at="http://127.0.0.1:9/x.crl").port, **settings)
    assert [caution.cause for caution in found.cautions] == ["tcp.refused"]


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "issuer.example"])
def test_nothing_is_fetched_from_nobody_s_address(host):
    """What a certificate or a name server says must not lead to this very host."""
    network = Scripted({}, {"issuer.example": ("0.0.0.0",)})
    with pytest.raises(Failed, match="no host's address"):
        asyncio.run(fetch(f"http://{host}/ca.crt", network, 5.0))
    assert not network.connected
