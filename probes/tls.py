"""tls: a TLS 1.2 or 1.3 handshake (RFC 5246, RFC 8446) and the judgement of the server's certificate."""

from __future__ import annotations

import re
from functools import partial

from probes import certificates, chains, interception, referred
from probes.certificates import Certificate
from probes.codes import Failed
from probes.contract import Credential, Layer, Outcome, Probe, Target, Timing
from probes.interception import Again
from probes.ladder import Ladder, is_address, look
from probes.net import trust
from probes.net.base import Connection, Network, TlsHello, TlsSession
from probes.tls_judgement import judge
from probes.tls_settings import Settings as Settings
from probes.urls import asked_name

LAYERS = (Layer.CONNECT, Layer.TLS)
# AEAD with an ephemeral key exchange, which is all that TLS 1.3 has (RFC 9325 4.1, 4.2).
STRONG_CIPHER = re.compile(r"TLS_.*|(?:ECDHE|DHE)-.*(?:GCM|CCM8?|CHACHA20).*")
# What answered one hello answers another about as fast; whoever swallows it is not waited for much longer.
LEAST_PATIENCE, PATIENCE = 2.0, 4  # seconds, and in times of the first handshake


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
        assert target.port is not None
        again = partial(ladder.connect_again, target.port)
        await secure(ladder, connection, target.host, settings, again=again)

    return await look(target, timing, network, LAYERS, climb)


async def secure(
    ladder: Ladder,
    connection: Connection,
    host: str,
    settings: Settings,
    alpn: tuple[str, ...] = (),
    again: Again | None = None,
) -> TlsSession:
    """The step `tls`: a session, its facts, and the certificate judged on the same connection.

    `again` opens further connections, on which it is seen whether other clients get another certificate.
    """
    name = asked_name(settings, host)
    first_time = "tls" not in ladder.facts  # and not where a redirect leads
    with ladder.step(Layer.TLS) as rung:
        hello, began = hello_of(name, settings, alpn), ladder.network.now()
        session = await connection.start_tls(hello, rung.until)
        took = ladder.network.now() - began
        chain = certificates.read(session.chain)
        gap, public = _standing(session, settings)
        _note(ladder, session, public)
        rung.detail.update(version=session.version, cipher=session.cipher)
        _prove(ladder, session, chain)
        try:
            passed = judge(session, chain, name, settings, public, ladder.network.time())
        except Failed as failed:
            raise await referred.explain(ladder, failed, session, name, settings) from None
        for sentence in passed:
            ladder.prove(sentence)
        ladder.identified = identifies(settings)
        if public and first_time and again is not None and settings.verify != "none":
            patience = max(LEAST_PATIENCE, PATIENCE * took)
            until = min(rung.until, ladder.network.now() + patience)
            await _see_otherwise(ladder, again, hello, session, name, settings, until)
    _warn(ladder, session, chain, settings, gap)
    if settings.revocation:
        await referred.reach_revocation(ladder, chain)
    return session


def _standing(session: TlsSession, settings: Settings) -> tuple[tuple[bytes, ...], bool | None]:
    """The intermediates that only our store has, and whether public CAs vouch for a public name's chain."""
    if not settings.public:
        return (chains.left_out(session.chain, settings.ca_file) if settings.ca_file else ()), None
    if chains.known_publicly(session.chain):
        return (), True
    gap = chains.gap(session.chain, settings.ca_file)
    return gap, bool(gap)


async def _see_otherwise(
    ladder: Ladder,
    again: Again,
    hello: TlsHello,
    first: TlsSession,
    name: str,
    settings: Settings,
    until: float,
) -> None:
    """Raises Failed where another client's handshake gets a certificate that no public CA knows."""
    source = ladder.source
    shaken = await interception.shake_otherwise(again, hello, until)
    ladder.source = source  # of the check's own connection
    for one in shaken:
        try:
            cause, words = interception.judge_otherwise(one, name, first, settings)
        except Failed:
            if one.session is not None:
                _note(ladder, one.session, False)
            raise
        if cause or one.is_odd:
            ladder.caution(cause, words, Layer.TLS)
        else:
            ladder.prove(words)


def _note(ladder: Ladder, session: TlsSession, known_publicly: bool | None) -> None:
    """The facts of the handshake that decides."""
    facts = _facts(session, certificates.read(session.chain))
    ladder.certificates = session.chain
    ladder.facts["tls"] = facts | {"known_publicly": known_publicly}


def identifies(settings: Settings) -> bool:
    """Whether a certificate that passes shows whose it is: not where its name or chain does not count."""
    return settings.verify in ("full", "pin")


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


def _warn(
    ladder: Ladder,
    session: TlsSession,
    chain: tuple[Certificate, ...],
    settings: Settings,
    gap: tuple[bytes, ...],
) -> None:
    if gap and settings.verify in ("full", "chain"):  # whoever knows the root alone fails
        store = trust.words(settings.ca_file)
        text = f"{interception.without(gap)}; it is verified only because {store} have it"
        ladder.caution("tls.incomplete_chain", text, Layer.TLS)
    left = certificates.expires_soon(chain, settings.expires_in, ladder.network.time())
    if left:
        ladder.caution("tls.expires_soon", left, Layer.TLS)
    weak = certificates.weaknesses(chain)
    if not STRONG_CIPHER.fullmatch(session.cipher):
        weak.append(f"cipher {session.cipher}")
    if weak:
        ladder.caution("tls.weak", "; ".join(weak), Layer.TLS)


PROBE = Probe(
    name="tls",
    summary="a TLS handshake and the server's certificate",
    settings=Settings,
    layers=LAYERS,
    run=run,
)
