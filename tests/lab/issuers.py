"""Further authorities of the lab by their names: products that decrypt, and private ones.

Each is a kind of certificate for `serve`: `https by-netskope` sends a leaf and the authority's own
certificate, `https by-netskope-leaf` the leaf alone. Of each there are files for `ca_file`:
`ca-KIND.pem` (itself), `root-KIND.pem` (what is above all) and `chain-KIND.pem` (both and all between).
"""

from __future__ import annotations

from typing import NamedTuple


class Issuer(NamedTuple):
    """A distinguished name (RFC 4514), and who signs it: `public`, `corporate`, another kind; None: itself.

    The vault's store has the roots `public` and `corporate`.
    """

    name: str
    under: str | None = None


ISSUERS = {
    # As each product names the authority that it makes or comes with.
    "by-netskope": Issuer(
        "1.2.840.113549.1.9.1=certadmin@netskope.com,CN=ca.acme.goskope.com,OU=a1b2c3,O=ACME,C=US",
        "corporate",
    ),
    "by-umbrella": Issuer("CN=Cisco Umbrella Secondary SubCA fra-SG,O=Cisco", "corporate"),
    "by-secure-access": Issuer("CN=Cisco Secure Access Secondary SubCA fra-SG,O=Cisco", "corporate"),
    "by-paloalto": Issuer("CN=Forward-Trust-CA,O=Palo Alto Networks,C=US"),
    "by-prisma": Issuer("CN=Forward-Trust-CA-ECDSA", "corporate"),
    "by-bluecoat": Issuer("CN=10.9.0.9,OU=4612210013,O=Blue Coat SG200 Series,ST=Some-State"),
    "by-cloud-swg": Issuer("CN=Cloud Services Root CA,O=Symantec Web Security Service,C=US", "corporate"),
    "by-sophos": Issuer("CN=Sophos SSL CA_C1B0123456789AB,OU=NSG,O=Sophos,C=GB"),
    "by-sfos": Issuer("CN=SecurityAppliance_SSL_CA", "corporate"),
    "by-checkpoint": Issuer("CN=Check Point HTTPS Inspection CA,O=ACME"),
    "by-barracuda": Issuer("CN=Barracuda Web Security Gateway,O=Barracuda Networks\\, Inc.,C=US"),
    "by-mcafee": Issuer("CN=McAfee Web Gateway,O=McAfee\\, Inc.,C=US"),
    "by-skyhigh": Issuer("CN=Skyhigh Security Web Gateway Root CA,O=Skyhigh Security", "corporate"),
    "by-trellix": Issuer("CN=Trellix Network Security SSL Intercept CA,O=Musarubra US LLC", "corporate"),
    "by-iboss": Issuer("CN=iboss Network Security,O=iboss\\, Inc.,C=US", "corporate"),
    "by-forcepoint": Issuer("CN=Forcepoint Cloud CA,O=Forcepoint LLC,C=US", "corporate"),
    "by-cato": Issuer("CN=Cato Networks Intermediate CA,O=Cato Networks", "corporate"),
    "by-cloudflare": Issuer("CN=Gateway CA - Cloudflare Managed G1 0a1b2c3d,O=Cloudflare\\, Inc.,C=US"),
    "by-squid": Issuer("CN=squid.acme.example,O=Internet Widgits Pty Ltd,ST=Some-State,C=AU"),
    "by-mitmproxy": Issuer("CN=mitmproxy,O=mitmproxy"),
    # Of no product: a company's own.
    "by-widgits": Issuer("O=Internet Widgits Pty Ltd,ST=Some-State,C=AU"),
    "by-proxy-unknown": Issuer("CN=ACME Internal Proxy CA,O=ACME"),
    "by-proxy": Issuer("CN=ACME Internal Proxy CA 2,O=ACME", "corporate"),
    "by-leaf-proxy": Issuer("CN=ACME Perimeter CA,O=ACME", "corporate"),
    # Private ones, of services and targets.
    "lab-zscaler": Issuer("CN=ACME Zscaler Lab CA,O=ACME", "corporate"),
    "lab-fortinet": Issuer("CN=ACME Fortinet Test CA,O=ACME"),
    "vendor-own": Issuer("CN=Vendor Relay CA,O=Vendor"),
    "vendor-instances": Issuer("CN=Vendor Instance CA,O=Vendor"),
    "branch": Issuer("CN=ACME Branch CA,O=ACME"),
    "plant-root": Issuer("CN=ACME Plant Root,O=ACME"),
    "plant": Issuer("CN=ACME Plant Issuing CA,O=ACME", "plant-root"),
    "plant-2": Issuer("CN=ACME Plant Issuing CA 2,O=ACME", "plant-root"),
    # Fetched from where the certificate says, and sent by nobody.
    "fetched": Issuer("CN=Lab Quiet CA", "public"),
    "fetched-company": Issuer("CN=ACME Quiet CA,O=ACME", "corporate"),
    "fetched-private": Issuer("CN=ACME Remote Issuing CA,O=ACME", "plant-root"),
}


class Access(NamedTuple):
    """Where a certificate says that more is found, on its own host by http (RFC 5280 4.2.2.1, 4.2.1.13).

    `issuer`: the kind whose certificate is there; `lists`: the host of its CRL and OCSP responder.
    """

    signer: str
    issuer: str | None = None
    lists: str | None = None


# Further kinds: certificates that say where more is. Those with an issuer are sent without it.
ACCESS = {
    "says-issuer": Access("fetched", issuer="fetched"),
    "says-wrong-issuer": Access("fetched", issuer="plant"),
    "says-missing-issuer": Access("fetched", issuer="nobody"),
    "says-company-issuer": Access("fetched-company", issuer="fetched-company"),
    "says-private-issuer": Access("fetched-private", issuer="fetched-private"),
    "says-lists": Access("middle", lists="{host}"),
    "says-lists-nowhere": Access("middle", lists="crl.{host}"),
}
