"""Whether a chain of certificates leads to a CA that some store has: computed here, nothing is sent.

TLS itself was verified on the connection; this asks the same chain other questions. Would the public know
it? Does it verify once a missing intermediate is added (RFC 5280 6)? Dates are left out: they have causes of
their own, and a chain that expired comes from the same CA as before.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Sequence

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import crypto

from probes import certificates
from probes.net import trust

# X509_V_FLAG_NO_CHECK_TIME (openssl/x509_vfy.h), for which pyOpenSSL has no name.
NO_CHECK_TIME = 0x200000
MOST_MISSING = 3  # intermediates in a row


def known_publicly(chain: Sequence[bytes]) -> bool:
    """Whether the CAs that browsers ship vouch for this chain (DER, leaf first)."""
    return _leads(chain, (), trust.public_file(), None)


def completed_by(chain: Sequence[bytes], extra: Iterable[bytes], ca_file: str | None) -> tuple[bytes, ...]:
    """Which of the extra certificates (DER) the chain needs to lead to a CA in use; empty: none makes it.

    `ca_file` as in the `tls` probe: the CAs in use are its own, or else the system's.
    """
    store = trust.store(ca_file)
    if _leads(chain, (), *store):
        return ()
    by_subject = {each.subject: each for each in certificates.parsed(extra)}
    sent = certificates.parsed(chain)
    needed: list[bytes] = []
    last = sent[-1] if sent else None
    while last is not None and len(needed) < MOST_MISSING:
        issuer = by_subject.get(last.issuer)
        if issuer is None:
            return ()
        needed.append(issuer.public_bytes(Encoding.DER))
        if _leads(chain, needed, *store):
            return tuple(needed)
        last = issuer
    return ()


def _leads(
    chain: Sequence[bytes], extra: Iterable[bytes], ca_file: str | None, ca_folder: str | None
) -> bool:
    leaf, *others = [crypto.X509.from_cryptography(each) for each in certificates.parsed(chain)] or (None,)
    if leaf is None:
        return False
    between = [*others, *(crypto.X509.from_cryptography(each) for each in certificates.parsed(extra))]
    modified = os.stat(ca_file).st_mtime_ns if ca_file and os.path.exists(ca_file) else 0
    context = crypto.X509StoreContext(_store(ca_file, ca_folder, modified), leaf, between)
    try:
        context.verify_certificate()
    except crypto.X509StoreContextError:
        return False
    return True


@functools.lru_cache(maxsize=16)
def _store(ca_file: str | None, ca_folder: str | None, modified: int) -> crypto.X509Store:
    """Reading a bundle takes some 20 ms; `modified` has it read anew where it changed."""
    store = crypto.X509Store()
    if ca_file or ca_folder:
        store.load_locations(ca_file, ca_folder)
    store.set_flags(NO_CHECK_TIME)
    return store
