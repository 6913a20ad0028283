"""The judgement of a server's certificate: what is wrong with it, whose it is, what the inventory expects."""

from __future__ import annotations

from collections.abc import Sequence

from probes import interception, objections
from probes.certificates import Certificate
from probes.codes import Failed
from probes.net import trust
from probes.net.base import TlsSession
from probes.objections import Objection
from probes.tls_settings import Settings

NOT_PUBLIC = "no public CA knows the chain as it was sent"
WHO_REPLACED = (
    "public CAs sign for this name: whether something on the way replaced the certificate is to be found out"
    " before its CA is declared as `ca_file`"
)


def judge(
    session: TlsSession,
    chain: Sequence[Certificate],
    name: str,
    settings: Settings,
    known_publicly: bool | None,
    now: float,
) -> list[str]:
    """Raises Failed for the first objection that counts, with the others; gives those that don't count.

    `known_publicly` None: not a public name, for which any CA will do that this host trusts.
    """
    asked = expectations(chain, settings)
    found = objections.objections(chain, session.problems, None if settings.verify == "chain" else name, now)
    foreign = known_publicly is False and not interception.is_proved(chain, settings)
    if foreign and settings.verify != "none":
        interception.refuse(chain, name, asked, found, settings)
    if foreign and settings.verify == "chain" and objections.is_trusted(session.problems):
        found = objections.in_order([_known_here_alone(chain, settings), *found])
    counted = objections.in_order(asked + (found if settings.verify in ("full", "chain") else []))
    if counted:
        first, *others = counted
        evidence = [f"also: {other.text}" for other in others]
        if foreign:
            evidence += interception.whose(chain, objections.is_trusted(session.problems), settings)
        elif any(objection.cause == "tls.untrusted" for objection in found):
            evidence += interception.named(chain, settings)
        if foreign and first.cause == "tls.untrusted":
            evidence.append(WHO_REPLACED)
        raise Failed(first.cause, first.text, evidence=tuple(evidence))
    passed = [f"not asked for (verify: {settings.verify}): {objection.text}" for objection in found]
    return passed if known_publicly is not False else [*passed, NOT_PUBLIC]


def _known_here_alone(chain: Sequence[Certificate], settings: Settings) -> Objection:
    """A certificate for another name, which does not matter, under a CA that vouches for no public name."""
    issuer = chain[0].facts()["issuer"] if chain else "an unreadable one"
    text = f"no public CA knows {issuer}, which only {trust.words(settings.ca_file)} vouch for"
    return Objection("tls.untrusted", text)


def expectations(chain: Sequence[Certificate], settings: Settings) -> list[Objection]:
    """What the inventory says of this one certificate, and is not so."""
    leaf = chain[0] if chain else None
    found = []
    if settings.fingerprint and (leaf is None or leaf.sha256 != settings.fingerprint):
        came = leaf.sha256 if leaf else "no readable certificate"
        found.append(f"the fingerprint is not the expected {settings.fingerprint}: {came} came")
    if settings.issuer and (leaf is None or settings.issuer.casefold() not in leaf.issuer.casefold()):
        came = leaf.facts()["issuer"] if leaf else "no readable certificate"
        found.append(f"the issuer is not the expected `{settings.issuer}`: {came}")
    return [Objection("tls.untrusted", text) for text in found]
