"""Whether a chain of certificates leads to a CA that some store has: computed here, nothing is sent.

TLS itself was verified on the connection; this asks the same chain other questions. Would the public know
it? Does it verify once a missing intermediate is added (RFC 5280 6)? Dates are left out: they have causes of
their own, and a chain that expired comes from the same CA as before.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Mapping, Sequence

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import crypto

from probes import certificates
from probes.net import trust

# X509_V_FLAG_NO_CHECK_TIME (openssl/x509_vfy.h), for which pyOpenSSL has no name.
NO_CHECK_TIME = 0x200000
MOST_MISSING = 3  # intermediates in a row
MOST_WAYS = 64  # up from one certificate, where CAs of one name and key were signed by several


def known_publicly(chain: Sequence[bytes]) -> bool:
    """Whether the CAs that browsers ship vouch for this chain (DER, leaf first)."""
    return _leads(chain, (), _store(*_place(trust.public_file(), None)))


def gap(chain: Sequence[bytes], ca_file: str | None) -> tuple[bytes, ...]:
    """The intermediates (DER) that a public CA's chain lacks and the CAs in use have; else empty."""
    held = _verified(chain, _store(*_place(*trust.store(ca_file))))
    missing = [one for one in certificates.parsed(held) if one.subject != one.issuer]
    lacking = tuple(der for one in missing if (der := one.public_bytes(Encoding.DER)) not in chain)
    return lacking if lacking and known_publicly((*chain, *lacking)) else ()


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
    chain: Sequence[bytes], extra: Iterable[x509.Certificate], store: crypto.X509Store
) -> tuple[bytes, ...]:
    """Which of the extra certificates the chain needs; empty also where it needs none.

    Several CAs may bear one name: forged ones beside the right one, or one that several others signed.
    """
    sent = certificates.read(chain)
    if not sent or _leads(chain, (), store):
        return ()
    last = certificates.top(sent).parsed
    by_subject: dict[x509.Name, list[x509.Certificate]] = {}
    for each in extra:
        by_subject.setdefault(each.subject, []).append(each)
    ways: list[tuple[x509.Certificate, ...]] = [()]
    for _ in range(MOST_MISSING):
        grown = [(*way, by) for way in ways for by in _signers(way[-1] if way else last, by_subject)]
        ways = grown[:MOST_WAYS]
        for way in ways:
            needed = tuple(each.public_bytes(Encoding.DER) for each in way)
            if _leads(chain, needed, store):
                return needed
    return ()


def _signers(
    certificate: x509.Certificate, by_subject: Mapping[x509.Name, Sequence[x509.Certificate]]
) -> list[x509.Certificate]:
    named = by_subject.get(certificate.issuer, ())
    return [each for each in named if each != certificate and certificates.is_signed(certificate, each)]


def _leads(chain: Sequence[bytes], extra: Iterable[bytes], store: crypto.X509Store) -> bool:
    return bool(_verified((*chain, *extra), store))


def _verified(chain: Sequence[bytes], store: crypto.X509Store) -> tuple[bytes, ...]:
    """The chain (DER) as it was verified, up to a CA of the store; empty: it leads to none."""
    leaf, *others = [crypto.X509.from_cryptography(each) for each in certificates.parsed(chain)] or (None,)
    if leaf is None:
        return ()
    try:
        found = crypto.X509StoreContext(store, leaf, others).get_verified_chain()
    except crypto.X509StoreContextError:
        return ()
    return tuple(crypto.dump_certificate(crypto.FILETYPE_ASN1, each) for each in found)


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
    between = tuple(
        each for each in held if any(certificates.is_signed(each, by) for by in held if by != each)
    )
    store = _empty_store()
    for root in held:
        if root not in between:
            store.add_cert(crypto.X509.from_cryptography(root))
    return store, between


def _empty_store() -> crypto.X509Store:
    """A CA in it is trusted whether or not it signed itself, as in a handshake (`probes.net.tls`)."""
    store = crypto.X509Store()
    store.set_flags(NO_CHECK_TIME | crypto.X509StoreFlags.PARTIAL_CHAIN)
    return store
