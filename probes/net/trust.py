"""Whom this host trusts: where the CA certificates are that a TLS peer is verified against."""

from __future__ import annotations

import os
import ssl


def store(ca_file: str | None) -> tuple[str | None, str | None]:
    """The file and the hashed folder of CAs. A file that is named replaces everything else."""
    named = ca_file or os.environ.get("SSL_CERT_FILE")
    if named:
        return os.path.expanduser(named), None
    paths = ssl.get_default_verify_paths()
    return paths.cafile, paths.capath


def public_file() -> str:
    """The bundle of CAs that browsers trust, as Mozilla keeps it: what anybody would know.

    `NETCHECK_PUBLIC_CAS` names another one, as tests do.
    """
    named = os.environ.get("NETCHECK_PUBLIC_CAS")
    if named:
        return os.path.expanduser(named)
    import certifi

    return certifi.where()


def words(ca_file: str | None) -> str:
    """The store in use, as evidence names it."""
    if ca_file:
        return f"the CAs in {ca_file}"
    file, folder = store(None)
    if file and os.environ.get("SSL_CERT_FILE"):
        return f"the CAs in {file} (SSL_CERT_FILE)"
    if file or (folder and os.listdir(folder)):
        return f"this host's CAs in {file or folder}"
    return "no CA at all: this host has none installed (Debian's package ca-certificates)"
