"""What is wrong with a certificate chain, in causes and words.

The order of judgement is OpenSSL's own (x509_vfy.c): the chain's trust, then weak keys and signatures,
then the name, then the dates. A missing intermediate and a private CA look the same from here: both
are `tls.untrusted`, and the words say both.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from cryptography import x509

from probes import certificates
from probes.certificates import MOST_TEXT, Certificate, days_words, iso
from probes.ladder import is_address


class Number(IntEnum):
    """OpenSSL's verification errors that have words of their own (x509_vfy.h)."""

    UPPER_MISSING = 2
    NOT_YET_VALID = 9
    EXPIRED = 10
    SELF_SIGNED = 18
    ROOT_UNTRUSTED = 19
    ISSUER_MISSING = 20
    NOTHING_VERIFIED = 21
    KEY_WEAK = 66
    CA_KEY_WEAK = 67
    HASH_WEAK = 68


# Perhaps an intermediate was left out.
LACKING = frozenset({Number.UPPER_MISSING, Number.ISSUER_MISSING, Number.NOTHING_VERIFIED})
# Any other error means that the chain can't be trusted.
CAUSES: dict[int, str] = {
    Number.SELF_SIGNED: "tls.self_signed",
    Number.KEY_WEAK: "tls.certificate_unacceptable",
    Number.CA_KEY_WEAK: "tls.certificate_unacceptable",
    Number.HASH_WEAK: "tls.certificate_unacceptable",
    Number.NOT_YET_VALID: "tls.not_yet_valid",
    Number.EXPIRED: "tls.expired",
}
ORDER = (
    "tls.self_signed",
    "tls.untrusted",
    "tls.certificate_unacceptable",
    "tls.hostname_mismatch",
    "tls.not_yet_valid",
    "tls.expired",
)


@dataclass(frozen=True, slots=True)
class Objection:
    """One thing that is wrong: its cause and the words for it."""

    cause: str
    text: str


def objections(
    chain: Sequence[Certificate], problems: Sequence[tuple[int, int, str]], name: str | None, now: float
) -> list[Objection]:
    """All that is wrong, the one that decides first. `name` None: the name does not matter.

    `problems` are OpenSSL's, as `probes.net.base.TlsSession` has them.
    """
    found = [_objection(chain, *problem, now) for problem in problems if not _said(problem, problems)]
    if not chain:
        found.append(Objection("tls.certificate_unacceptable", "the certificate can't be read"))
    elif name is not None:
        found += _name_objections(chain[0], name)
    return in_order(found)


def in_order(found: Iterable[Objection]) -> list[Objection]:
    """Each objection once, the one that decides first."""
    return sorted(dict.fromkeys(found), key=lambda objection: ORDER.index(objection.cause))


def is_trusted(problems: Iterable[tuple[int, int, str]]) -> bool:
    """Whether the chain leads to a CA in use, whatever else is wrong with it."""
    return not any(
        CAUSES.get(number, "tls.untrusted") in ("tls.untrusted", "tls.self_signed")
        for number, _, _ in problems
    )


def _said(problem: tuple[int, int, str], problems: Sequence[tuple[int, int, str]]) -> bool:
    """OpenSSL's "nothing verified" only repeats a missing issuer."""
    return problem[0] == Number.NOTHING_VERIFIED and any(
        number == Number.ISSUER_MISSING for number, _, _ in problems
    )


def _objection(chain: Sequence[Certificate], number: int, depth: int, words: str, now: float) -> Objection:
    known = chain[depth] if depth < len(chain) else None
    whose = "the certificate" if depth == 0 else f"certificate {depth + 1} of the chain"
    match number:
        case Number.SELF_SIGNED:
            text = f"self-signed: {known.title if known else 'unreadable'}"
        case Number.ISSUER_MISSING | Number.NOTHING_VERIFIED:
            text = _missing_issuer(chain)
        case Number.ROOT_UNTRUSTED:
            text = f"the chain ends in a CA that is not trusted here: {_issuer(chain)}"
        case Number.KEY_WEAK | Number.CA_KEY_WEAK | Number.HASH_WEAK:
            text = f"{whose}: {words}{_weakness(known)}"
        case Number.EXPIRED:
            text = f"{whose} expired{_since(known, now)}"
        case Number.NOT_YET_VALID:
            text = f"{whose} is not valid yet" + (f", only from {iso(known.not_before)}" if known else "")
        case _:
            text = f"{whose}: {words}"
    return Objection(CAUSES.get(number, "tls.untrusted"), text)


def _since(certificate: Certificate | None, now: float) -> str:
    """How long ago it expired; nothing where the chain that was sent has another certificate there."""
    left = certificate.days_left(now) if certificate else 0
    return (
        f" {days_words(-left)} ago, on {certificate.not_after:%Y-%m-%d}" if certificate and left < 0 else ""
    )


def _missing_issuer(chain: Sequence[Certificate]) -> str:
    """The issuer that is not known, or is: it has been sent, and did not sign."""
    if not chain:
        return "issuer not known here: unreadable"
    top = certificates.top(chain)
    if any(certificates.is_missigned(top.parsed, one.parsed) for one in chain if one is not top):
        issuer = top.issuer[:MOST_TEXT]
        return (
            f"{top.title} is not signed by {issuer}, whose certificate came with it: the signature is forged,"
            " or of another key of that CA"
        )
    return f"issuer not known here: {top.issuer[:MOST_TEXT]}; a private CA, or a missing intermediate"


def _issuer(chain: Sequence[Certificate]) -> str:
    return chain[-1].issuer[:MOST_TEXT] if chain else "unreadable"


def _weakness(certificate: Certificate | None) -> str:
    weakness = certificate.weakness if certificate else None
    return f" ({weakness})" if weakness else ""


def _name_objections(leaf: Certificate, name: str) -> list[Objection]:
    if covers(leaf, name):
        return []
    names = ", ".join(leaf.names[:5]) + (", …" if len(leaf.names) > 5 else "")
    only = f"for {names[:MOST_TEXT]}" if names else "without a name for hosts (subjectAltName)"
    return [Objection("tls.hostname_mismatch", f"the certificate is {only}, not for {name}")]


def covers(leaf: Certificate, name: str) -> bool:
    """Whether the certificate is for this host name or address (RFC 9525)."""
    from service_identity import CertificateError, VerificationError
    from service_identity import cryptography as identity

    address = name.partition("%")[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if is_address(address):
                identity.verify_certificate_ip_address(leaf.parsed, address)
            else:
                identity.verify_certificate_hostname(leaf.parsed, name.removesuffix("."))
        except (VerificationError, CertificateError, ValueError, x509.DuplicateExtension):
            return False
    return True
