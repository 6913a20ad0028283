"""tls: a TLS 1.2 or 1.3 handshake (RFC 5246, RFC 8446) and the judgement of the server's certificate."""

from __future__ import annotations

import re
from dataclasses import dataclass

from probes import certificates, chains, inspectors, objections
from probes.certificates import Certificate, Fingerprint
from probes.codes import Failed
from probes.contract import Confidence, Credential, Layer, Outcome, Probe, Target, Timing
from probes.fetching import fetch, service
from probes.ladder import Ladder, is_address, look
from probes.net import trust
from probes.net.base import Connection, Network, TlsHello, TlsSession
from probes.objections import Objection
from probes.settings import BadValue, Choice, Duration, File, Flag, Text, option, shown
from probes.urls import ascii_name

LAYERS = (Layer.CONNECT, Layer.TLS)
VERIFY = ("full", "chain", "pin", "none")
# AEAD with an ephemeral key exchange, which is all that TLS 1.3 has (RFC 9325 4.1, 4.2).
MOST_URLS = 6
STRONG_CIPHER = re.compile(r"TLS_.*|(?:ECDHE|DHE)-.*(?:GCM|CCM8?|CHACHA20).*")


@dataclass(frozen=True, slots=True)
class Settings:
    """What is asked of the server's certificate."""

    server_name: str | None = option(
        Text("a host name", r"[^\s/:@]{1,253}", "vault.acme.example"),
        None,
        "the name sent as SNI and looked for in the certificate, instead of the host",
    )
    verify: str = option(
        Choice(VERIFY, "a way to verify"),
        "full",
        "`full`: chain and name; `chain`: any name; `pin`: only the fingerprint; `none`",
    )
    ca_file: str | None = option(File(), None, "trusted CAs in PEM form, in place of the system's")
    issuer: str | None = option(Text("an issuer"), None, "text that the certificate's issuer must contain")
    fingerprint: str | None = option(Fingerprint(), None, "SHA-256 that the certificate must have")
    expires_in: float = option(Duration(), 30 * 86400.0, "warn when it expires within this time")
    public: bool = option(
        Flag(),
        False,
        "a name for which only a public CA signs: another one decrypts on the way (flows to the SaaS: true,"
        " unless `ca_file` is given)",
    )
    fetch_issuer: bool = option(
        Flag(),
        False,
        "fetch a missing intermediate from where the certificate says (AIA)",
    )
    revocation: bool = option(
        Flag(), False, "ask whether the CRL and OCSP addresses of the chain are reached, by http"
    )

    def __post_init__(self) -> None:
        if self.verify == "pin" and self.fingerprint is None:
            raise BadValue("`verify: pin` needs a `fingerprint`", ("verify",))
        try:
            ascii_name(self.server_name or "")
        except UnicodeError:
            raise BadValue(f"{shown(self.server_name)} is not a host name", ("server_name",)) from None


async def run(
    target: Target,
    settings: Settings,
    timing: Timing,
    network: Network,
    credential: Credential | None = None,
) -> Outcome:
    """Connect to every address of the target and shake hands."""

    async def climb(ladder: Ladder) -> None:
        connection = await ladder.connect(target.port)
        await secure(ladder, connection, target.host, settings)

    return await look(target, timing, network, LAYERS, climb)


async def secure(
    ladder: Ladder, connection: Connection, host: str, settings: Settings, alpn: tuple[str, ...] = ()
) -> TlsSession:
    """The step `tls`: a session, its facts, and the certificate judged on the same connection."""
    name = ascii_name(settings.server_name or host)
    with ladder.step(Layer.TLS) as rung:
        hello = hello_of(name, settings, alpn)
        session = await connection.start_tls(hello, rung.until)
        chain = certificates.read(session.chain)
        ladder.certificates = session.chain
        public = chains.known_publicly(session.chain) if settings.public else None
        ladder.facts["tls"] = _facts(session, chain) | {"known_publicly": public}
        rung.detail.update(version=session.version, cipher=session.cipher)
        _prove(ladder, session, chain)
        try:
            _judge(ladder, session, chain, name, settings)
        except Failed as failed:
            raise await _missing(ladder, failed, session, chain, name, settings) from None
    _warn(ladder, session, chain, settings)
    if settings.revocation:
        await _reach_revocation(ladder, chain)
    return session


async def _missing(
    ladder: Ladder,
    failed: Failed,
    session: TlsSession,
    chain: tuple[Certificate, ...],
    name: str,
    settings: Settings,
) -> Failed:
    """The failure, or the missing intermediate that explains it, fetched from where the certificate says."""
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
    whole = (*session.chain, *missing)
    match once_complete(whole, name, settings):
        case "tls.incomplete_chain":
            return Failed("tls.incomplete_chain", without(missing), evidence=(proof,))
        case "tls.intercepted":
            return _inspected_in_part(certificates.read(whole), name, proof, settings)
    failed.evidence = (*failed.evidence, proof)
    return failed


def once_complete(whole: tuple[bytes, ...], name: str, settings: Settings) -> str:
    """The cause of what failed by a chain (DER) that is trusted here with what was missing of it.

    Of a public name that is the server's mistake only if the whole chain is a public CA's, or what is pinned;
    else something in between signs for it, or a wrong server answers.
    """
    if not settings.public or chains.known_publicly(whole):
        return "tls.incomplete_chain"
    read = certificates.read(whole)
    if (settings.issuer or settings.fingerprint) and not _expectations(read, settings):
        return "tls.incomplete_chain"
    return "tls.intercepted" if objections.covers(read[0], name) else "tls.untrusted"


def _inspected_in_part(whole: tuple[Certificate, ...], name: str, proof: str, settings: Settings) -> Failed:
    """A public name whose chain, once completed, leads to a CA that this host alone knows."""
    product = inspectors.product_of(whole)
    return Failed(
        "tls.intercepted",
        decrypted(whole, name, product),
        confidence=Confidence.CERTAIN if product else Confidence.LIKELY,
        evidence=(proof, f"by {trust.words(settings.ca_file)}, and unknown to the bundle of public CAs"),
    )


def decrypted(chain: tuple[Certificate, ...], name: str, product: str | None) -> str:
    """The words for a chain that is not the service's."""
    by = f" by {product}" if product else ""
    issuer = chain[0].facts()["issuer"]
    return f"decrypted on the way{by}: {issuer} signs for {name}, and no public CA knows it"


async def _reach_revocation(ladder: Ladder, chain: tuple[Certificate, ...]) -> None:
    """Some clients, Windows' among them, wait long for what does not answer here, and say nothing of it."""
    for url in certificates.revocation_urls(chain)[:MOST_URLS]:
        try:
            await fetch(url, ladder.network, ladder.network.now() + ladder.timing.timeout)
        except Failed as why:
            words = f"revocation is not reached at {url}: {why.summary}"
            ladder.caution(why.cause, words, Layer.TLS, service(url))
        else:
            ladder.prove(f"revocation is reached at {url}")


def hello_of(name: str, settings: Settings, alpn: tuple[str, ...] = ()) -> TlsHello:
    """What is offered; an address is never sent as SNI (RFC 6066 3)."""
    return TlsHello(None if is_address(name) else name.rstrip("."), alpn, settings.ca_file)


def _facts(session: TlsSession, chain: tuple[Certificate, ...]) -> dict[str, object]:
    return {
        "version": session.version,
        "cipher": session.cipher,
        "alpn": session.alpn,
        "chain": [certificate.facts() for certificate in chain],
        "client_certificate_requested": session.requested,
    }


def _prove(ladder: Ladder, session: TlsSession, chain: tuple[Certificate, ...]) -> None:
    ladder.prove(f"{session.version} with {session.cipher}")
    for leaf in chain[:1]:
        facts = leaf.facts()
        ladder.prove(f"certificate {facts['subject'] or 'without a subject'}, issued by {facts['issuer']}")
        ladder.prove(f"its SHA-256 is {leaf.sha256}")
    if session.requested:
        ladder.prove("it asked for a client certificate; none was sent")


def _judge(
    ladder: Ladder, session: TlsSession, chain: tuple[Certificate, ...], name: str, settings: Settings
) -> None:
    """Raises Failed for the first objection that counts; all of them are evidence."""
    now = ladder.network.time()
    asked = _expectations(chain, settings)
    named = None if settings.verify == "chain" else name
    found = objections.objections(chain, session.problems, named, now)
    if ladder.facts["tls"]["known_publicly"] is False and settings.verify != "none":
        _refuse_inspection(chain, name, asked, found, settings)
    counted = objections.in_order(asked + (found if settings.verify in ("full", "chain") else []))
    if counted:
        first, *others = counted
        evidence = [f"also: {other.text}" for other in others]
        if any(objection.cause == "tls.untrusted" for objection in found):
            evidence.append(f"verified against {trust.words(settings.ca_file)}")
            if product := inspectors.product_of(chain):
                evidence.append(f"the issuer is named as {product} names its own")
        raise Failed(first.cause, first.text, evidence=tuple(evidence))
    for objection in found:
        ladder.prove(f"not asked for (verify: {settings.verify}): {objection.text}")


def _refuse_inspection(
    chain: tuple[Certificate, ...],
    name: str,
    asked: list[Objection],
    found: list[Objection],
    settings: Settings,
) -> None:
    """Raises Failed where something on the way signs for a public name, whose chain no public CA knows.

    A device that decrypts makes a certificate for the very name that was asked for, under a CA that this
    host has been given (or should have been). One that is self-signed, or for another name, is a wrong
    server's. What is pinned and matches is known to be the service's.
    """
    causes = {objection.cause for objection in found}
    pinned = settings.issuer is not None or settings.fingerprint is not None
    if not chain or "tls.self_signed" in causes or not objections.covers(chain[0], name):
        return
    product, trusted_here = inspectors.product_of(chain), "tls.untrusted" not in causes
    if (pinned and not asked) or not (asked or product or trusted_here):
        return
    raise Failed(
        "tls.intercepted",
        decrypted(chain, name, product),
        # What is not trusted here either may be a public CA's, with an intermediate missing.
        confidence=Confidence.CERTAIN if product or (asked and trusted_here) else Confidence.LIKELY,
        evidence=(
            *(objection.text for objection in asked),
            f"the chain is {'trusted' if trusted_here else 'not trusted'} by {trust.words(settings.ca_file)},"
            " and unknown to the bundle of public CAs",
            *([f"the issuer is named as {product} names its own"] if product else []),
            *(f"also: {objection.text}" for objection in found if objection.cause != "tls.untrusted"),
        ),
    )


def _expectations(chain: tuple[Certificate, ...], settings: Settings) -> list[Objection]:
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


def _warn(ladder: Ladder, session: TlsSession, chain: tuple[Certificate, ...], settings: Settings) -> None:
    if settings.ca_file and settings.verify in ("full", "chain"):
        _warn_of_gap(ladder, session, settings.ca_file)
    left = certificates.expires_soon(chain, settings.expires_in, ladder.network.time())
    if left:
        ladder.caution("tls.expires_soon", left, Layer.TLS)
    weak = certificates.weaknesses(chain)
    if not STRONG_CIPHER.fullmatch(session.cipher):
        weak.append(f"cipher {session.cipher}")
    if weak:
        ladder.caution("tls.weak", "; ".join(weak), Layer.TLS)


def _warn_of_gap(ladder: Ladder, session: TlsSession, ca_file: str) -> None:
    """Verified, but with an intermediate that only the `ca_file` has: who knows the root alone fails."""
    missing = chains.left_out(session.chain, ca_file)
    if missing:
        text = f"{without(missing)}; it is verified only because {trust.words(ca_file)} have it"
        ladder.caution("tls.incomplete_chain", text, Layer.TLS)


def without(missing: tuple[bytes, ...]) -> str:
    """The words for a chain that lacks these intermediates (DER)."""
    named = ", ".join(one.title for one in certificates.read(missing))
    return f"the server sends no intermediate certificate: {named} is missing"


PROBE = Probe(
    name="tls",
    summary="a TLS handshake and the server's certificate",
    settings=Settings,
    layers=LAYERS,
    run=run,
)
