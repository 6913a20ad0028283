"""Products that decrypt, by the names of the CAs that they sign with."""

from __future__ import annotations

from dataclasses import replace

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from probes import certificates, inspectors
from probes.certificates import Certificate
from tests.lab.issuers import ISSUERS

PRODUCTS = {
    "by-netskope": "Netskope",
    "by-umbrella": "Cisco Umbrella",
    "by-secure-access": "Cisco Secure Access",
    "by-paloalto": "Palo Alto Networks",
    "by-prisma": "Palo Alto Networks",
    "by-bluecoat": "Blue Coat ProxySG",
    "by-cloud-swg": "Symantec (Broadcom) Cloud SWG",
    "by-sophos": "Sophos",
    "by-sfos": "Sophos",
    "by-checkpoint": "Check Point",
    "by-barracuda": "Barracuda",
    "by-mcafee": "Skyhigh (McAfee) Web Gateway",
    "by-skyhigh": "Skyhigh (McAfee) Web Gateway",
    "by-trellix": "Trellix",
    "by-iboss": "iboss",
    "by-forcepoint": "Forcepoint",
    "by-cato": "Cato Networks",
    "by-cloudflare": "Cloudflare Gateway",
    "by-squid": "Squid",
    "by-mitmproxy": "mitmproxy",
}
NOBODYS = (
    "CN=Symantec Class 3 Secure Server CA - G4,O=Symantec Corporation,C=US",  # has been a public CA
    "CN=DigiCert Global G2 TLS RSA SHA256 2020 CA1,O=DigiCert Inc,C=US",
    "O=Internet Widgits Pty Ltd,ST=Some-State,C=AU",
    "CN=ACME Forward Planning CA,O=ACME",
    "CN=Cloudflare Inc ECC CA-3,O=Cloudflare\\, Inc.,C=US",
    "CN=Trend Micro CA,O=Trend Micro Inc,C=US",  # has been a public CA too
    "CN=Lightspeed Commerce Issuing CA,O=Lightspeed Commerce",
    "CN=The Fiddler on the Roof CA,O=Fiddler Theatre",
    "CN=Trellix Garden Supplies CA,O=Trellix Garden",
)


def signed_by(name: str) -> tuple[Certificate]:
    """A leaf whose issuer has this name; the rest of it is anybody's."""
    pem = trustme.CA().issue_cert("web.example").cert_chain_pems[0].bytes()
    [leaf] = certificates.read([x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)])
    issuer = x509.Name.from_rfc4514_string(name).rfc4514_string(certificates.WORDS)
    return (replace(leaf, issuer=issuer),)


@pytest.mark.parametrize(
    ("name", "product"),
    [
        ("CN=DO_NOT_TRUST_FiddlerRoot,O=DO_NOT_TRUST,OU=Created by http://www.fiddler2.com", "Fiddler"),
        ("CN=Fiddler Root Certificate Authority,O=Progress Telerik Fiddler", "Fiddler"),
        ("CN=Lightspeed Rocket,O=Lightspeed Systems", "Lightspeed"),
        ("CN=InterScan Web Security Virtual Appliance,O=Trend Micro", "Trend Micro"),
        ("CN=Trend Micro Web Security CA,O=Trend Micro", "Trend Micro"),
    ],
)
def test_a_product_whose_maker_is_named_like_others(name: str, product: str) -> None:
    """By more than the maker's name."""
    assert inspectors.product_of(signed_by(name)) == product


@pytest.mark.parametrize(("kind", "product"), PRODUCTS.items())
def test_a_product_is_told_by_its_issuer(kind: str, product: str) -> None:
    """By the name that it gives its own CA."""
    assert inspectors.product_of(signed_by(ISSUERS[kind].name)) == product


@pytest.mark.parametrize("name", NOBODYS)
def test_others_are_no_product(name: str) -> None:
    """Public CAs of the same makers, and names that only resemble one."""
    assert inspectors.product_of(signed_by(name)) is None


def test_an_address_of_mail_is_named_as_such() -> None:
    """RFC 4514 has no word for it, and some products sign with one."""
    [leaf] = signed_by(ISSUERS["by-netskope"].name)
    assert leaf.issuer.startswith("emailAddress=certadmin@netskope.com,CN=")
