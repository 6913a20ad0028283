"""Whether something on the way decrypts, told by whose certificate comes for a public name.

A device that decrypts makes a certificate for the very name that was asked for, under a CA that this host
has been given (or should have been), and that no browser ships with. It may choose by the ClientHello whom
it does that to. A CA's name proves nothing: anybody can give it to one of his own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from probes import causes, certificates, chains, inspectors, objections
from probes.certificates import Certificate
from probes.codes import Failed
from probes.contract import Confidence, Layer
from probes.net import trust
from probes.net.base import Connection, NetworkFailure, TlsHello, TlsSession
from probes.objections import Objection
from probes.tls_settings import Settings

# What opens one more connection to the same service, until a time of the network's clock.
Again = Callable[[float], Awaitable[Connection]]

BROWSERS = ("h2", "http/1.1")
ONLY_A_NAME = (
    "the issuer bears the expected name, and a name proves nothing: a private CA of the service's is declared"
    " by `fingerprint`, `ca_file` or `public: false`"
)


def decrypted(chain: Sequence[Certificate], name: str, how: str = "") -> str:
    """The words for a chain that is not the service's; `how` it was asked for."""
    product = inspectors.product_of(chain)
    by = f" by {product}" if product else ""
    issuer = chain[0].facts()["issuer"]
    return f"decrypted on the way{by}{how}: {issuer} signs for {name}, and no public CA knows it"


def is_proved(chain: Sequence[Certificate], settings: Settings) -> bool:
    """Whether the certificate is known to be the service's: by its fingerprint, which nobody can copy."""
    return settings.fingerprint is not None and bool(chain) and chain[0].sha256 == settings.fingerprint


def refuse(
    chain: Sequence[Certificate],
    name: str,
    asked: Sequence[Objection],
    found: Sequence[Objection],
    settings: Settings,
) -> None:
    """Raises Failed where something on the way signs for a public name, whose chain no public CA knows.

    `asked`: what the inventory expects and is not so; `found`: all else that is wrong. A certificate that is
    self-signed, or for another name, is a wrong server's.
    """
    known = {objection.cause for objection in found}
    if not chain or "tls.self_signed" in known or not objections.covers(chain[0], name):
        return
    product, trusted_here = inspectors.product_of(chain), "tls.untrusted" not in known
    if is_proved(chain, settings) or not (asked or product or trusted_here):
        return
    raise Failed(
        "tls.intercepted",
        decrypted(chain, name),
        # What is not trusted here either may be a public CA's, with an intermediate missing.
        confidence=Confidence.CERTAIN if product or (asked and trusted_here) else Confidence.LIKELY,
        evidence=(
            *(objection.text for objection in asked),
            *whose(chain, trusted_here, settings),
            *((ONLY_A_NAME,) if settings.issuer and not asked else ()),
            *(f"also: {objection.text}" for objection in found if objection.cause != "tls.untrusted"),
        ),
    )


def whose(chain: Sequence[Certificate], trusted_here: bool, settings: Settings) -> tuple[str, ...]:
    """Who knows a chain that no public CA does, as evidence."""
    known = "trusted" if trusted_here else "not trusted"
    words = trust.words(settings.ca_file)
    return (
        f"the chain is {known} by {words}, and unknown to the bundle of public CAs",
        *_product(chain),
    )


def named(chain: Sequence[Certificate], settings: Settings) -> tuple[str, ...]:
    """Against whom a chain was verified that leads to nobody, as evidence."""
    return (f"verified against {trust.words(settings.ca_file)}", *_product(chain))


def _product(chain: Sequence[Certificate]) -> tuple[str, ...]:
    product = inspectors.product_of(chain)
    return (f"the issuer is named as {product} names its own",) if product else ()


class Completed(NamedTuple):
    """What becomes of a failure whose chain is trusted once something is added: its cause; None: the same."""

    cause: str | None
    summary: str
    confidence: Confidence
    evidence: tuple[str, ...]


def completed(
    chain: tuple[bytes, ...], missing: tuple[bytes, ...], proof: str, name: str, settings: Settings
) -> Completed:
    """The true name of what failed by a chain (DER) that is trusted here with what was missing of it.

    Of a public name that is the server's mistake only if the whole chain is a public CA's, or the certificate
    is the one that is pinned; else something in between signs for it, or a wrong server answers.
    """
    whole = (*chain, *missing)
    read = certificates.read(whole)
    if not settings.public or chains.known_publicly(whole) or is_proved(read, settings):
        return Completed("tls.incomplete_chain", without(missing), Confidence.CERTAIN, (proof,))
    evidence = (proof, *whose(read, True, settings))
    if not objections.covers(read[0], name):
        return Completed(None, "", Confidence.UNDETERMINED, evidence)
    sure = Confidence.CERTAIN if inspectors.product_of(read) else Confidence.LIKELY
    return Completed("tls.intercepted", decrypted(read, name), sure, evidence)


def without(missing: Sequence[bytes]) -> str:
    """The words for a chain that lacks these intermediates (DER)."""
    named = ", ".join(one.title for one in certificates.read(missing))
    return f"the server sends no intermediate certificate: {named} is missing"


class Shaken(NamedTuple):
    """A further handshake: how it differs, and its session, or why there is none."""

    how: str
    session: TlsSession | None
    why_not: str = ""
    cause: str | None = None

    @property
    def is_odd(self) -> bool:
        """Whether there is none though the server did not just say that it has no such version."""
        return self.session is None and self.cause != "tls.protocol_version"


async def shake_otherwise(again: Again, hello: TlsHello, until: float) -> list[Shaken]:
    """The handshakes of other clients with the same service, beside each other: TLS 1.2, and a browser's."""
    others = {
        "with TLS 1.2 alone": replace(hello, only="TLSv1.2"),
        f"with ALPN {', '.join(BROWSERS)}, as browsers have it,": replace(hello, alpn=BROWSERS),
    }
    return await asyncio.gather(*(_shake(again, how, one, until) for how, one in others.items()))


async def _shake(again: Again, how: str, hello: TlsHello, until: float) -> Shaken:
    try:
        connection = await again(until)
        try:
            return Shaken(how, await connection.start_tls(hello, until))
        finally:
            connection.close()
    except NetworkFailure as error:
        failed = causes.explain(Layer.TLS, error)
    except Failed as why:
        failed = why
    return Shaken(how, None, failed.summary, failed.cause)


def judge_otherwise(one: Shaken, name: str, first: TlsSession, settings: Settings) -> tuple[str | None, str]:
    """What a further handshake shows beside a first one whose chain public CAs know: in words, with the cause
    of a warning where it deserves one.

    Raises Failed where another certificate for the same name came, whose chain they don't know.
    """
    if one.session is None:
        return None, f"a handshake {one.how} fails: {one.why_not}"
    sent = one.session.chain
    chain = certificates.read(sent)
    if chains.known_publicly(sent):
        return None, f"a handshake {one.how} brings a chain that public CAs know as well"
    if not chain:
        return None, f"a handshake {one.how} brings a certificate that can't be read"
    # A server with two certificates may have left out an intermediate of one, and sent it with the other.
    if chains.known_publicly((*sent, *first.chain[1:])) or chains.gap(sent, settings.ca_file):
        return "tls.incomplete_chain", f"a handshake {one.how} brings a chain that lacks an intermediate"
    issuer = chain[0].facts()["issuer"]
    if not objections.covers(chain[0], name):
        return None, f"a handshake {one.how} brings a certificate for another name, by {issuer}"
    trusted_here = objections.is_trusted(one.session.problems)
    sure = trusted_here or inspectors.product_of(chain)
    raise Failed(
        "tls.intercepted",
        decrypted(chain, name, f" {one.how.rstrip(',')}"),
        confidence=Confidence.CERTAIN if sure else Confidence.LIKELY,
        evidence=(
            *whose(chain, trusted_here, settings),
            "the check's own handshake with the same address brings a chain that public CAs know",
        ),
    )
