"""Whether a chain of certificates leads to a CA that some store has: computed here, nothing is sent.

TLS itself was verified on the connection; this asks the same chain other questions. Would the public know
it? Does it verify once a missing intermediate is added (RFC 5280 6)? Dates are left out: they have causes of
their own, and a chain that expired comes from the same CA as before.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import crypto

from probes import certificates
from probes.net import trust

# X509_V_FLAG_NO_CHECK_TIME (openssl/x509_vfy.h), for which pyOpenSSL has no name.
NO_CHECK_TIME = 0x200000
MOST_MISSING = 3  # intermediates in a row


def known_publicly(chain: Sequence[bytes]) -> bool:
    """Whether the CAs that browsers ship vouch for this chain (DER, leaf first)."""
    return _leads(chain, (), _store(*_place(trust.public_file(), None)))


def completed_by(chain: Sequence[bytes], extra: Iterable[bytes], ca_file: str | None) -> tuple[bytes, ...]:
    """Which of the extra certificates (DER) the chain needs to lead to a CA in use; empty: none makes it.

    `ca_file` as in the `tls` probe: the CAs in use are its own, or else the system's.
    """
    return _needed(chain, certificates.parsed(extra), _store(*_place(*trust.store(ca_file))))


def left_out(chain: Sequence[bytes], ca_file: str) -> tuple[bytes, ...]:
    """The intermediates (DER) in this CA file without which the chain leads to none of its roots.

    Its roots are those that no other one of the file signed: a file with an issuing CA alone trusts that one.
    """
    file, _, modified = _place(os.path.expanduser(ca_file), None)
    roots, between = _parted(file or "", modified)
    return _needed(chain, between, roots)


def _needed(
    chain: Sequence[bytes], extra: Sequence[x509.Certificate], store: crypto.X509Store
) -> tuple[bytes, ...]:
    """Which of the extra certificates the chain needs; empty also where it needs none."""
    if _leads(chain, (), store):
        return ()
    by_subject = {each.subject: each for each in extra}
    sent = certificates.parsed(chain)
    needed: list[bytes] = []
    last = sent[-1] if sent else None
    while last is not None and len(needed) < MOST_MISSING:
        issuer = by_subject.get(last.issuer)
        if issuer is None:
            return ()
        needed.append(issuer.public_bytes(Encoding.DER))
        if _leads(chain, needed, store):
            return tuple(needed)
        last = issuer
    return ()


def _leads(chain: Sequence[bytes], extra: Iterable[bytes], store: crypto.X509Store) -> bool:
    leaf, *others = [crypto.X509.from_cryptography(each) for each in certificates.parsed(chain)] or (None,)
    if leaf is None:
        return False
    between = [*others, *(crypto.X509.from_cryptography(each) for each in certificates.parsed(extra))]
    try:
        crypto.X509StoreContext(store, leaf, between).verify_certificate()
    except crypto.X509StoreContextError:
        return False
    return True


def _place(ca_file: str | None, ca_folder: str | None) -> tuple[str | None, str | None, int]:
    """A store's file and folder, and when the file was modified: it is read anew where it changed."""
    return ca_file, ca_folder, os.stat(ca_file).st_mtime_ns if ca_file and os.path.exists(ca_file) else 0


@functools.lru_cache(maxsize=16)
def _store(ca_file: str | None, ca_folder: str | None, modified: int) -> crypto.X509Store:
    """Reading a bundle takes some 20 ms."""
    store = _empty_store()
    if ca_file or ca_folder:
        store.load_locations(ca_file, ca_folder)
    return store


@functools.lru_cache(maxsize=16)
def _parted(ca_file: str, modified: int) -> tuple[crypto.X509Store, tuple[x509.Certificate, ...]]:
    """The roots of a CA file, and the certificates that others of it signed."""
    with open(ca_file, "rb") as file:
        held = certificates.parsed(certificates.from_file(file.read()))
    between = tuple(each for each in held if any(_signed(each, by) for by in held if by != each))
    store = _empty_store()
    for root in held:
        if root not in between:
            store.add_cert(crypto.X509.from_cryptography(root))
    return store, between


def _signed(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _empty_store() -> crypto.X509Store:
    """A CA in it is trusted whether or not it signed itself, as in a handshake (`probes.net.tls`)."""
    store = crypto.X509Store()
    store.set_flags(NO_CHECK_TIME | crypto.X509StoreFlags.PARTIAL_CHAIN)
    return store
