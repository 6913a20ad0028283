"""tls against real servers on loopback: right ones, badly certified ones, and hostile ones."""

from __future__ import annotations

import base64
import dataclasses
import re
import socket
import ssl
import struct
import time
import warnings

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from probes.contract import Confidence, Layer, Verdict
from probes.tls import PROBE

TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
OAKLEY_GROUP_2 = bytes.fromhex(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF"
)
SERVER_HELLO = bytes.fromhex("160303007a020000760303")  # its first eleven bytes


@pytest.fixture
def look(mint, ask):
    """One look at the port as `web.example`, trusting the lab's root alone."""
    trusted = mint.file(mint.root.pem)

    def look(port, **settings):
        return ask(PROBE, port, **{"server_name": "web.example", "ca_file": trusted, **settings})

    return look


def test_a_good_certificate_passes_and_its_chain_is_a_fact(mint, serve_tls, look):
    """Version, cipher and every certificate of the chain are recorded."""
    middle = mint.make("Lab Intermediate", mint.root, ca=True)
    leaf = mint.leaf(issuer=middle)
    found = look(serve_tls(mint.context(leaf, middle)).port)
    assert (found.verdict, found.cautions) == (Verdict.PASS, ())
    facts = found.facts["tls"]
    assert (facts["version"], facts["cipher"]) == ("TLSv1.3", "TLS_AES_256_GCM_SHA384")
    assert [each["subject"] for each in facts["chain"]] == ["CN=leaf", "CN=Lab Intermediate"]
    assert facts["chain"][0]["sha256"] == leaf.certificate.fingerprint(hashes.SHA256()).hex()
    assert facts["chain"][0]["key"] == "EC secp256r1"


@pytest.mark.parametrize(
    ("wrong", "cause", "words"),
    [
        ({"days": (-30, -9)}, "tls.expired", "the certificate expired 9 days ago"),
        ({"days": (3, 90)}, "tls.not_yet_valid", "not valid yet, only from 20"),
        ({"issuer": None}, "tls.self_signed", "self-signed: CN=leaf"),
        (
            {"names": ("a.example", "10.0.0.1")},
            "tls.hostname_mismatch",
            "for a.example, 10.0.0.1, not for web.example",
        ),
        ({"names": ("a.example",), "days": (-30, -9)}, "tls.hostname_mismatch", "not for web.example"),
        ({"issuer": None, "days": (-30, -9)}, "tls.self_signed", "self-signed"),
        ({"key": rsa.generate_private_key(65537, 1024)}, "tls.certificate_unacceptable", "key RSA 1024"),
    ],
)
def test_what_is_wrong_with_the_certificate_decides_in_openssl_order(
    mint, serve_tls, look, wrong, cause, words
):
    """Trust, then weakness, then the name, then the dates; the facts are there all the same."""
    wrong = dict(wrong)
    server = serve_tls(mint.context(mint.leaf(*wrong.pop("names", ()), **wrong)))
    found = look(server.port)
    assert (found.verdict, found.cause, found.layer) == (Verdict.FAIL, cause, Layer.TLS)
    assert words in found.summary
    assert found.confidence is Confidence.CERTAIN
    assert found.facts["tls"]["chain"][0]["subject"] == "CN=leaf"
    assert server.accepted == 1


def test_all_that_is_wrong_is_evidence(mint, serve_tls, look):
    """Behind the first objection the others are named too."""
    found = look(serve_tls(mint.context(mint.leaf("a.example", issuer=None, days=(-30, -9)))).port)
    assert [line for line in found.evidence if line.startswith("also:")] == [
        "also: the certificate is for a.example, not for web.example",
        f"also: {_expired(found)}",
    ]


def _expired(found):
    return f"the certificate expired 9 days ago, on {found.facts['tls']['chain'][0]['not_after'][:10]}"


def test_a_missing_intermediate_and_a_private_ca_look_the_same(mint, serve_tls, look):
    """Neither is claimed: both are untrusted, and the words say both."""
    middle = mint.make("Lab Intermediate", mint.root, ca=True)
    private = mint.make("Private CA", ca=True)
    summaries = []
    for issuer in (middle, private):
        found = look(serve_tls(mint.context(mint.leaf(issuer=issuer))).port)
        assert found.cause == "tls.untrusted"
        summaries.append(found.summary.replace(issuer.certificate.subject.rfc4514_string(), "CA"))
    assert summaries[0] == summaries[1]
    assert "a private CA, or a missing intermediate" in summaries[0]


def test_a_root_that_is_not_trusted_is_named(mint, serve_tls, look):
    """The server sends its private root with the leaf."""
    private = mint.make("Private CA", ca=True)
    found = look(serve_tls(mint.context(mint.leaf(issuer=private), private)).port)
    assert found.cause == "tls.untrusted"
    assert found.summary == "the chain ends in a CA that is not trusted here: CN=Private CA"


def test_an_intermediate_that_only_the_ca_file_has_is_a_caution(mint, serve_tls, look):
    """It is verified here, and not by whoever knows the root alone; a CA trusted for itself is no gap."""
    middle = mint.make("Lab Intermediate", mint.root, ca=True)
    leaf = mint.leaf(issuer=middle)
    bare, whole = (serve_tls(mint.context(*sent)).port for sent in ((leaf,), (leaf, middle)))
    both, alone = mint.file(mint.root.pem, middle.pem), mint.file(middle.pem)
    found = look(bare, ca_file=both)
    assert found.verdict is Verdict.PASS
    assert [caution.cause for caution in found.cautions] == ["tls.incomplete_chain"]
    assert "Lab Intermediate" in found.cautions[0].text
    for port, ca_file in ((whole, both), (bare, alone)):
        found = look(port, ca_file=ca_file)
        assert (found.verdict, found.cautions) == (Verdict.PASS, ())


def test_an_expired_intermediate_is_told_from_an_expired_leaf(mint, serve_tls, look):
    """The words say which certificate of the chain it is."""
    middle = mint.make("Lab Intermediate", mint.root, ca=True, days=(-30, -2))
    found = look(serve_tls(mint.context(mint.leaf(issuer=middle), middle)).port)
    assert (found.cause, found.summary[:38]) == ("tls.expired", "certificate 2 of the chain expired 2 d")


def test_a_sha1_signature_is_unacceptable(mint, serve_tls, look):
    """A leaf signed with SHA-1 is refused for that, not for its trust; unverified it is a caution."""
    root = mint.make("Old Root", ca=True, key=rsa.generate_private_key(65537, 2048))
    server = serve_tls(mint.context(_signed_with_sha1(mint.leaf(issuer=root), root.key)))
    trusted = mint.file(root.pem)
    found = look(server.port, ca_file=trusted)
    assert found.cause == "tls.certificate_unacceptable"
    assert "signature with SHA1" in found.summary
    cautions = look(server.port, ca_file=trusted, verify="none").cautions
    assert [(each.cause, each.text) for each in cautions] == [("tls.weak", "signature with SHA1 in CN=leaf")]


def _signed_with_sha1(leaf, signer):
    """The certificate with sha1WithRSAEncryption (RFC 8017 A.2.4), which no builder makes any more."""
    oid = bytes.fromhex("06092a864886f70d0101")
    der = leaf.certificate.public_bytes(serialization.Encoding.DER).replace(oid + b"\x0b", oid + b"\x05")
    body = x509.load_der_x509_certificate(der).tbs_certificate_bytes
    signature = signer.sign(body, padding.PKCS1v15(), hashes.SHA1())
    certificate = x509.load_der_x509_certificate(der[: -len(signature)] + signature)
    return dataclasses.replace(leaf, certificate=certificate)


@pytest.mark.parametrize("verify", ["pin", "none"])
def test_without_the_chain_everything_passes_and_is_said(mint, serve_tls, look, verify):
    """A matching pin passes whatever else; what would have been wrong is evidence."""
    leaf = mint.leaf("a.example", issuer=None, days=(-30, -9))
    pin = leaf.certificate.fingerprint(hashes.SHA256()).hex()
    found = look(serve_tls(mint.context(leaf)).port, verify=verify, fingerprint=pin)
    assert found.verdict is Verdict.PASS
    assert f"not asked for (verify: {verify}): self-signed: CN=leaf" in found.evidence


def test_chain_takes_any_name(mint, serve_tls, look):
    """`verify: chain` passes a wrong name and refuses a wrong chain."""
    wrong_name = serve_tls(mint.context(mint.leaf("a.example")))
    wrong_chain = serve_tls(mint.context(mint.leaf(issuer=None)))
    assert look(wrong_name.port, verify="chain").verdict is Verdict.PASS
    assert look(wrong_chain.port, verify="chain").cause == "tls.self_signed"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"fingerprint": "ab" * 32, "verify": "pin"}, "the fingerprint is not the expected abab"),
        ({"fingerprint": "ab" * 32}, "the fingerprint is not the expected abab"),
        ({"issuer": "DigiCert"}, "the issuer is not the expected `DigiCert`: CN=Lab Root"),
    ],
)
def test_another_certificate_than_expected_is_untrusted(mint, serve_tls, look, asked, words):
    """What was expected and what came stand in the summary, although the chain is in order."""
    found = look(serve_tls(mint.context(mint.leaf())).port, **asked)
    assert found.cause == "tls.untrusted"
    assert words in found.summary


def test_the_expected_issuer_passes(mint, serve_tls, look):
    """Any part of the issuer's name will do, in any case."""
    assert look(serve_tls(mint.context(mint.leaf())).port, issuer="lab ROOT").verdict is Verdict.PASS


@pytest.fixture
def public(mint, ask, monkeypatch):
    """One look at the port as the public name `web.example`, with a CA more than browsers have."""
    company = mint.make("Lab Root G2", ca=True)  # as if it were the public one's
    monkeypatch.setenv("SSL_CERT_FILE", mint.file(mint.root.pem, company.pem))
    monkeypatch.setenv("NETCHECK_PUBLIC_CAS", mint.file(mint.root.pem))

    def look(port, **settings):
        return ask(PROBE, port, **{"server_name": "web.example", "public": True, **settings})

    look.company = company
    return look


def test_an_issuers_name_excuses_no_chain(mint, serve_tls, public):
    """A device may name its CA as a public one is named, also where what it signs has expired; a fingerprint
    proves whose the certificate is."""
    forged = mint.leaf(issuer=public.company)
    port = serve_tls(mint.context(forged, public.company)).port
    expired = serve_tls(mint.context(mint.leaf(issuer=public.company, days=(-30, -9)))).port
    for where in (port, expired):
        found = public(where, issuer="Lab Root")
        assert (found.cause, found.confidence) == ("tls.intercepted", Confidence.LIKELY)
        assert any("a name proves nothing" in sentence for sentence in found.evidence)
    pinned = public(port, fingerprint=forged.certificate.fingerprint(hashes.SHA256()).hex())
    assert pinned.verdict is Verdict.PASS
    assert "no public CA knows the chain as it was sent" in pinned.evidence


def test_a_certificate_for_another_name_needs_a_public_ca_too(mint, serve_tls, public):
    """Where any name will do, and not any CA; else the name is what is wrong, and whose CA it is, is said."""
    block = serve_tls(mint.context(mint.leaf("block.example", issuer=public.company)))
    chain, full = public(block.port, verify="chain"), public(block.port)
    assert (chain.cause, full.cause) == ("tls.untrusted", "tls.hostname_mismatch")
    for found in (chain, full):
        assert any("unknown to the bundle of public CAs" in sentence for sentence in found.evidence)
    expired = serve_tls(mint.context(mint.leaf("block.example", issuer=public.company, days=(-30, -9))))
    assert public(expired.port, verify="chain").cause == "tls.untrusted"
    site = serve_tls(mint.context(mint.leaf("site.example")))
    assert public(site.port, verify="chain").verdict is Verdict.PASS


def test_what_is_not_verified_is_told_nevertheless(mint, serve_tls, public):
    """Nobody asked who signed it; that no public CA did is evidence."""
    found = public(serve_tls(mint.context(mint.leaf(issuer=public.company))).port, verify="none")
    assert found.verdict is Verdict.PASS
    assert "no public CA knows the chain as it was sent" in found.evidence


def test_an_intermediate_that_only_this_host_has_decrypts_nothing(mint, serve_tls, ask, monkeypatch):
    """The chain is a public CA's, and works here alone: a warning."""
    middle = mint.make("Lab Intermediate", mint.root, ca=True)
    monkeypatch.setenv("SSL_CERT_FILE", mint.file(mint.root.pem, middle.pem))
    monkeypatch.setenv("NETCHECK_PUBLIC_CAS", mint.file(mint.root.pem))
    server = serve_tls(mint.context(mint.leaf(issuer=middle)))
    found = ask(PROBE, server.port, server_name="web.example", public=True)
    assert found.verdict is Verdict.PASS
    assert {caution.cause for caution in found.cautions} == {"tls.incomplete_chain"}


@pytest.fixture
def choosing(serve):
    """A server whose certificate depends on what the ClientHello says."""

    def start(own, others, minds):
        def handler(raw):
            raw.recv(1, socket.MSG_PEEK)
            time.sleep(0.05)  # it comes in one piece
            hello = raw.recv(65536, socket.MSG_PEEK)
            with (others if minds(hello) else own).wrap_socket(raw, server_side=True) as sock:
                while sock.recv(65536):
                    pass

        return serve(handler).port

    return start


def _offers_h2(hello):
    return b"\x02h2" in hello


def _offers_no_tls_1_3(hello):
    return b"\x00\x2b" not in hello or b"\x03\x04" not in hello.partition(b"\x00\x2b")[2][:12]


@pytest.mark.parametrize(
    ("minds", "words"), [(_offers_h2, "with ALPN h2"), (_offers_no_tls_1_3, "with TLS 1.2 alone")]
)
def test_a_device_that_decrypts_some_clients_alone(mint, choosing, public, minds, words):
    """It is seen by further handshakes: certain, for the check's own brought a public CA's chain."""
    good = mint.context(mint.leaf())
    forged = mint.context(mint.leaf(issuer=public.company), public.company)
    found = public(choosing(good, forged, minds))
    assert (found.cause, found.confidence) == ("tls.intercepted", Confidence.CERTAIN)
    assert words in found.summary
    assert found.facts["tls"]["known_publicly"] is False
    unknown = mint.make("Nobody's", ca=True)
    found = public(choosing(good, mint.context(mint.leaf(issuer=unknown), unknown), minds))
    assert (found.cause, found.confidence) == ("tls.intercepted", Confidence.LIKELY)
    # Not of names that are not public, nor where nothing is to be verified.
    port = choosing(good, forged, minds)
    assert public(port, public=False).verdict is Verdict.PASS
    assert public(port, verify="none").verdict is Verdict.PASS


def test_other_clients_of_an_honest_server(mint, serve, choosing, public):
    """A second certificate of a public CA, another name, or no session at all: nothing decrypts."""
    good = mint.context(mint.leaf())
    middle = mint.make("Lab Intermediate", mint.root, ca=True)
    again = public(choosing(good, mint.context(mint.leaf(issuer=middle), middle), _offers_no_tls_1_3))
    assert (again.verdict, again.cautions) == (Verdict.PASS, ())
    wrong = mint.context(mint.leaf("a.example", issuer=public.company))
    found = public(choosing(good, wrong, _offers_no_tls_1_3))
    assert found.verdict is Verdict.PASS
    assert any("for another name, by CN=Lab Root G2" in sentence for sentence in found.evidence)
    good.minimum_version = TLS13
    found = public(choosing(good, good, _offers_h2))
    assert found.verdict is Verdict.PASS
    assert any("TLS 1.2 alone fails" in sentence for sentence in found.evidence)


def test_an_intermediate_that_comes_with_one_version_alone(mint, choosing, public):
    """Who speaks the other one fails: a warning, and no device."""
    middle = mint.make("Lab Intermediate", mint.root, ca=True)
    whole, bare = (mint.context(mint.leaf(issuer=middle), *sent) for sent in ((middle,), ()))
    found = public(choosing(whole, bare, _offers_no_tls_1_3))
    assert found.verdict is Verdict.PASS
    assert [caution.cause for caution in found.cautions] == ["tls.incomplete_chain"]
    assert "TLS 1.2 alone" in found.cautions[0].text


def test_a_signature_that_is_not_of_the_ca_that_came_along(mint, serve_tls, look, public):
    """Its name is known here, so it is not that which is wrong; nor is a device proved."""
    middle = mint.make("Lab Intermediate", mint.root, ca=True)
    forger = mint.make("Lab Intermediate", ca=True)
    server = serve_tls(mint.context(mint.leaf(issuer=forger), middle))
    for found in (look(server.port), public(server.port)):
        assert (found.cause, found.confidence) == ("tls.untrusted", Confidence.CERTAIN)
        words = [found.summary, *found.evidence]
        assert any("is not signed by CN=Lab Intermediate" in text or "signature" in text for text in words)
        assert not any("not known here" in text for text in words)


def test_expiry_within_the_warning_time_is_a_caution(mint, serve_tls, look):
    """Nine days left are fewer than thirty and more than seven."""
    server = serve_tls(mint.context(mint.leaf(days=(-1, 9.5))))
    cautions = look(server.port).cautions
    assert [(caution.cause, caution.text) for caution in cautions] == [("tls.expires_soon", "9 days")]
    assert look(server.port, expires_in=7 * 86400.0).cautions == ()


def test_an_address_needs_an_address_in_the_certificate(mint, serve_tls, ask):
    """No SNI is sent for an address, and only an IP name covers it."""
    seen = []
    good, bad = mint.context(mint.leaf("127.0.0.1")), mint.context(mint.leaf("web.example"))
    good.sni_callback = lambda sock, name, context: seen.append(name)
    trusted = mint.file(mint.root.pem)
    assert ask(PROBE, serve_tls(good).port, ca_file=trusted).verdict is Verdict.PASS
    assert ask(PROBE, serve_tls(bad).port, ca_file=trusted).cause == "tls.hostname_mismatch"
    assert seen == [None]


def test_the_name_asked_for_is_sent(mint, serve_tls, look):
    """`server_name` goes out as SNI."""
    seen = []
    context = mint.context(mint.leaf())
    context.sni_callback = lambda sock, name, context: seen.append(name)
    look(serve_tls(context).port)
    assert seen == ["web.example"]


def test_ssl_cert_file_replaces_the_systems_store(mint, serve_tls, ask, monkeypatch):
    """And `ca_file` replaces that in turn."""
    server = serve_tls(mint.context(mint.leaf()))
    monkeypatch.setenv("SSL_CERT_FILE", mint.file(mint.root.pem))
    assert ask(PROBE, server.port, server_name="web.example").verdict is Verdict.PASS
    other = mint.file(mint.make("Other CA", ca=True).pem)
    found = ask(PROBE, server.port, server_name="web.example", ca_file=other)
    assert found.cause == "tls.untrusted"
    assert found.evidence[-1] == f"verified against the CAs in {other}"


@pytest.mark.parametrize(
    ("content", "words"), [(None, "can't be read"), (b"not PEM", "no certificate in PEM form")]
)
def test_a_ca_file_that_can_not_be_used_is_our_error(mint, serve_tls, look, content, words):
    """The target is not blamed for it."""
    path = "/nonexistent/ca.pem" if content is None else mint.file(content)
    found = look(serve_tls(mint.context(mint.leaf())).port, ca_file=path)
    assert (found.verdict, found.cause) == (Verdict.ERROR, "probe.unsupported")
    assert words in found.summary


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_a_required_client_certificate_is_told_in_both_versions(mint, serve_tls, look, version):
    """TLS 1.3 says so by number, after the handshake; 1.2 with a bare handshake_failure."""
    context = mint.context(mint.leaf())
    context.minimum_version = context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(mint.file(mint.root.pem))
    found = look(serve_tls(context).port)
    assert (found.cause, found.layer) == ("tls.client_certificate_required", Layer.TLS)
    assert found.confidence is (Confidence.CERTAIN if version == TLS13 else Confidence.LIKELY)


@pytest.mark.parametrize("version", [TLS12, TLS13])
def test_an_optional_client_certificate_is_no_fault(mint, serve_tls, look, version):
    """A server that asks and does not mind passes, without a long wait."""
    context = mint.context(mint.leaf())
    context.minimum_version = context.maximum_version = version
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(mint.file(mint.root.pem))
    found = look(serve_tls(context).port)
    assert found.verdict is Verdict.PASS
    assert found.facts["tls"]["client_certificate_requested"] is True


def test_the_refusal_is_waited_for_on_a_long_way(mint, serve, look):
    """Of TLS 1.3 it comes a round trip after our side is done, however long that is."""
    context = mint.context(mint.leaf())
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(mint.file(mint.root.pem))

    def far(raw):
        here, there = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(here, there, server_side=True)
        while True:
            here.write(raw.recv(65536))
            time.sleep(1.2)
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                raw.sendall(there.read())
            except ssl.SSLError:
                raw.sendall(there.read())
                return

    assert look(serve(far).port).cause == "tls.client_certificate_required"


def test_a_server_that_asks_and_hangs_up_probably_wanted_a_certificate(mint, serve, look):
    """Some servers close without an alert when no client certificate comes."""
    context = mint.context(mint.leaf())
    context.minimum_version = TLS13
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(mint.file(mint.root.pem))
    context.num_tickets = 0

    def handler(sock):
        with context.wrap_socket(sock, server_side=True):
            pass

    found = look(serve(handler).port)
    assert (found.cause, found.confidence) == ("tls.client_certificate_required", Confidence.LIKELY)


def test_an_old_server_is_a_matter_of_version(mint, serve_tls, look):
    """A server with TLS 1.0 and 1.1 only."""
    context = mint.context(mint.leaf())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    assert look(serve_tls(context).port).cause == "tls.protocol_version"


def test_a_server_hello_of_tls_1_0_is_a_matter_of_version(serve, look):
    """A server too old to know better answers with its own version."""
    hello = b"\x02\x00\x00\x26\x03\x01" + bytes(32) + b"\x00\x00\x2f\x00"
    found = look(serve(lambda sock: (sock.recv(4096), sock.sendall(_record(22, hello, b"\x03\x01")))).port)
    assert (found.cause, found.layer) == ("tls.protocol_version", Layer.TLS)


def test_no_common_cipher_can_only_be_a_refusal(mint, serve_tls, look):
    """Alert 40 before a ServerHello names nothing, so nothing is claimed."""
    context = mint.context(mint.leaf())
    context.maximum_version = TLS12
    context.set_ciphers("PSK-AES128-GCM-SHA256:@SECLEVEL=0")
    found = look(serve_tls(context).port)
    assert (found.cause, found.confidence) == ("tls.handshake_refused", Confidence.CERTAIN)
    assert found.summary.startswith("alert 40 (handshake_failure); it may be")


def test_a_weak_diffie_hellman_group_is_ours_to_refuse(mint, serve_tls, look):
    """The 1024 bits of old devices (RFC 2409 6.2): not the certificate's fault, but the key exchange's."""
    group = b"\x30\x81\x87\x02\x81\x81\x00" + OAKLEY_GROUP_2 + b"\x02\x01\x02"  # DER: prime, generator 2
    pem = b"-----BEGIN DH PARAMETERS-----\n%b-----END DH PARAMETERS-----\n" % base64.encodebytes(group)
    context = mint.context(mint.leaf(key=rsa.generate_private_key(65537, 2048)))
    context.maximum_version = TLS12
    context.set_ciphers("DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0")
    context.load_dh_params(mint.file(pem))
    found = look(serve_tls(context).port)
    assert (found.cause, found.summary) == (
        "tls.no_common_cipher",
        "the server's key exchange is too weak: dh key too small",
    )


def test_a_certificate_may_be_trusted_by_itself(mint, serve_tls, look):
    """A `ca_file` with the server's own certificate, self-signed or not, is trust enough."""
    for leaf in (mint.leaf(issuer=None), mint.leaf()):
        server = serve_tls(mint.context(leaf))
        assert look(server.port, ca_file=mint.file(leaf.pem)).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("alert", "cause"),
    [
        (70, "tls.protocol_version"),
        (71, "tls.no_common_cipher"),
        (112, "tls.handshake_refused"),
        (80, "tls.handshake_refused"),
    ],
)
def test_a_fatal_alert_is_read_by_its_number(serve, look, alert, cause):
    """The alert is told although the connection is closed right after it."""
    found = look(serve(lambda sock: (sock.recv(4096), sock.sendall(_record(21, bytes([2, alert]))))).port)
    assert (found.cause, found.layer) == (cause, Layer.TLS)
    assert f"alert {alert} (" in found.summary


def test_a_weak_cipher_is_a_caution(mint, serve_tls, look):
    """CBC and RSA key exchange still work; they are said to be weak."""
    context = mint.context(mint.leaf(key=rsa.generate_private_key(65537, 2048)))
    context.maximum_version = TLS12
    context.set_ciphers("AES128-SHA")
    found = look(serve_tls(context).port)
    assert found.verdict is Verdict.PASS
    assert [(each.cause, each.text) for each in found.cautions] == [("tls.weak", "cipher AES128-SHA")]


def _record(kind, body, version=b"\x03\x03"):
    return bytes([kind]) + version + struct.pack(">H", len(body)) + body


def _trickle(sock):
    for byte in SERVER_HELLO:
        sock.sendall(bytes([byte]))
        time.sleep(0.1)


def _flood(sock):
    while True:
        sock.sendall(_record(20, b"\x01") * 500)


def _half(sock):
    sock.recv(4096)
    sock.sendall(SERVER_HELLO)
    sock.recv(1)


@pytest.mark.parametrize(
    ("handler", "cause"),
    [
        (lambda sock: sock.recv(1) and sock.recv(65536) and sock.recv(1), "tls.timeout"),
        (_half, "tls.timeout"),
        (_trickle, "tls.timeout"),
        (lambda sock: sock.recv(4096), "tls.closed"),
        (lambda sock: (sock.recv(4096), sock.sendall(SERVER_HELLO)), "tls.closed"),
        (lambda sock: (sock.recv(4096), sock.sendall(_record(21, bytes([1, 0])))), "tls.closed"),
        (lambda sock: sock.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"), "tls.not_tls"),
        (lambda sock: (sock.recv(4096), sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")), "tls.not_tls"),
        (lambda sock: sock.sendall(b"\x00\xfe\x01garbage"), "tls.not_tls"),
        (_flood, "tls.handshake_refused"),
    ],
    ids=[
        "silent",
        "half",
        "trickle",
        "closes",
        "closes half-way",
        "close_notify",
        "ssh",
        "http",
        "garbage",
        "flood",
    ],
)
def test_a_hostile_server_ends_within_the_deadline(serve, look, handler, cause):
    """Whatever it does, the step ends at its time-out with the right cause, and not at the server's will."""
    found = look(serve(handler).port, timeout=0.8)
    assert (found.cause, found.layer) == (cause, Layer.TLS)


def test_a_reset_is_told_from_a_close(serve, look, hang_up):
    """An RST in the handshake."""
    found = look(serve(lambda sock: (sock.recv(4096), hang_up(sock))).port)
    assert found.cause == "tls.reset"


def test_another_protocol_is_named(serve, look):
    """The words say which protocol answers and quote its first line."""
    found = look(serve(lambda sock: sock.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")).port)
    assert found.summary == "the answer is not TLS: it answers as SSH: `SSH-2.0-OpenSSH_9.2`"


def test_silence_is_as_long_as_the_step(serve, look):
    """The time in the summary is the whole step's."""
    found = look(serve(_trickle).port, timeout=0.5)
    assert re.fullmatch(r"the TLS handshake did not end in 5\d\d ms", found.summary)


def test_nothing_is_left_open(mint, serve_tls, look):
    """The connection is closed at the end: the server sees it."""
    ends = []
    server = serve_tls(mint.context(mint.leaf()), lambda sock: ends.append(_end(sock)))
    look(server.port)
    server.close()
    assert ends == ["closed"]


def _end(sock: socket.socket) -> str:
    try:
        return "open" if sock.recv(1) else "closed"
    except OSError:
        return "closed"
