"""What certificates refer to, fetched: the issuer that a server left out, and lists of what was revoked."""

from __future__ import annotations

from collections.abc import Sequence

from probes import certificates, chains, interception, objections
from probes.certificates import Certificate
from probes.codes import Failed
from probes.contract import Layer
from probes.fetching import fetch, service
from probes.ladder import Ladder
from probes.net.base import TlsSession
from probes.tls_settings import Settings

MOST_URLS = 6


async def explain(
    ladder: Ladder, failed: Failed, session: TlsSession, name: str, settings: Settings
) -> Failed:
    """The failure, or the missing intermediate that explains it, fetched from where the certificate says."""
    chain = certificates.read(session.chain)
    url = certificates.issuer_url(chain[-1]) if chain else None
    lacking = any(number in objections.LACKING for number, _, _ in session.problems)
    explained = lacking and failed.cause in ("tls.untrusted", "tls.intercepted")
    if not settings.fetch_issuer or not explained or url is None:
        return failed
    try:
        until = ladder.network.now() + ladder.timing.timeout
        found = certificates.from_file(await fetch(url, ladder.network, until))
    except Failed as why:
        failed.evidence = (*failed.evidence, f"its issuer can't be fetched from {url}: {why.summary}")
        return failed
    missing = chains.completed_by(session.chain, found, settings.ca_file)
    if not missing:
        what = "does not complete the chain" if found else "is no certificate"
        failed.evidence = (*failed.evidence, f"what is at {url}, as its issuer, {what}")
        return failed
    proof = f"fetched from {url}, with which the chain is trusted"
    told = interception.completed(session.chain, missing, proof, name, settings)
    if told.cause is None:
        failed.evidence = (*failed.evidence, *told.evidence)
        return failed
    return Failed(told.cause, told.summary, confidence=told.confidence, evidence=told.evidence)


async def reach_revocation(ladder: Ladder, chain: Sequence[Certificate]) -> None:
    """Some clients, Windows' among them, wait long for what does not answer here, and say nothing of it."""
    for url in certificates.revocation_urls(chain)[:MOST_URLS]:
        try:
            await fetch(url, ladder.network, ladder.network.now() + ladder.timing.timeout)
        except Failed as why:
            words = f"revocation is not reached at {url}: {why.summary}"
            ladder.caution(why.cause, words, Layer.TLS, service(url))
        else:
            ladder.prove(f"revocation is reached at {url}")
