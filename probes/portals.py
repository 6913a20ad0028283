"""The login page of a network (a captive portal), told by a question whose right answer is known beforehand.

Such a network answers every plain request itself until somebody logs in. Asked only where a check gives the
URL, and no answer at all says nothing: a host that is offline has no portal.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from probes import urls
from probes.codes import Failed
from probes.contract import Confidence, Layer, Verdict
from probes.fetching import get
from probes.http1 import NETWORK_LOGIN, REDIRECTS, Reply, plain
from probes.http_settings import Web
from probes.ladder import Ladder
from probes.net.base import Network

# What a login page of the network explains: it answers in all names, or lets nothing else through.
BY_PORTAL = ("tcp.", "http.", "protocol.", "path.", "ws.")
# Not those of a certificate that can only be the service's own.
BY_PORTAL_IN_TLS = frozenset(
    {
        "tls.closed",
        "tls.handshake_refused",
        "tls.hostname_mismatch",
        "tls.not_tls",
        "tls.reset",
        "tls.self_signed",
        "tls.timeout",
        "tls.untrusted",
    }
)


class Told(NamedTuple):
    """What the question told. `portal`: None where the answer fits neither; `to`: the host it sends to."""

    portal: bool | None
    words: str
    to: str | None = None


async def explain(ladder: Ladder, settings: Web) -> None:
    """A failure that a login page of the network explains is that. Inside TLS that was accepted it is none:
    nobody else answers there."""
    failed = ladder.failed
    if failed is None or failed.cause == "http.captive_portal":
        return
    secured = any(step.layer is Layer.TLS and step.verdict is Verdict.PASS for step in ladder.steps)
    if secured or not (failed.cause.startswith(BY_PORTAL) or failed.cause in BY_PORTAL_IN_TLS):
        return
    told = await _told(ladder, settings)
    if told is None or not told.portal:
        return
    seen = ladder.facts.get("http") or ladder.facts.get("ws") or {}
    same = told.to is not None and urls.host_of(seen.get("location")) == told.to
    ladder.fail_as(
        Failed(
            "http.captive_portal",
            f"a login page of the network answers plain requests; here: {failed.summary}",
            evidence=(*failed.evidence, f"without the login page this would be {failed.cause}"),
            confidence=Confidence.CERTAIN if same else Confidence.LIKELY,
            signed_by=failed.signed_by,
        )
    )


async def doubt(ladder: Ladder, settings: Web) -> None:
    """Raises Failed where an answer without TLS may be the login page's, whatever it says."""
    told = await _told(ladder, settings)
    if told is not None and told.portal:
        raise Failed(
            "http.captive_portal",
            "a login page of the network answers plain requests, and this answer may be its own",
            confidence=Confidence.LIKELY,
        )


async def _told(ladder: Ladder, settings: Web) -> Told | None:
    """What the question tells; None where the check has none, goes by a proxy, or has no time left."""
    now = ladder.network.now()
    if settings.challenge is None or "proxy" in ladder.facts or now >= ladder.until:
        return None
    until = min(now + ladder.timing.timeout, ladder.until)
    told = await ask(settings.challenge, settings.challenge_body, ladder.network, until)
    ladder.prove(told.words)
    return told


async def ask(url: str, body: str | None, network: Network, until: float) -> Told:
    """Ask once. The right answer is 204, or the text `body` where one is given."""
    try:
        reply, page = await get(url, network, until)
    except Failed as error:
        return Told(None, f"the challenge {url} tells nothing: {error.summary}")
    return judged(url, body, reply, page)


def judged(url: str, body: str | None, reply: Reply, page: bytes) -> Told:
    """What an answer to the question means. A server that wants its own https, or fails, is no portal."""
    answer = f"the challenge {url} is answered {reply.status} {reply.reason}".rstrip()
    if reply.status == NETWORK_LOGIN:
        return Told(True, f"{answer}: the network wants a login")
    right = reply.status == 204 if body is None else reply.status == 200 and body.encode() in page
    if right:
        return Told(False, f"{answer}, as it should be: no login page answers this question")
    if reply.status in REDIRECTS and "location" in reply.headers:
        return _redirected(url, reply.headers["location"], answer)
    if reply.status == 200:
        return Told(True, f"{answer}, with a page that is not the known one")
    return Told(None, f"{answer}, which tells nothing of a login page")


def _redirected(url: str, location: str, answer: str) -> Told:
    asked = urlsplit(url)
    try:
        onward = urls.follow(asked, location)
    except ValueError:
        return Told(None, f"{answer}, with a redirect to what is no URL")
    host = urls.normal(onward.hostname or "")
    if host == urls.normal(asked.hostname or ""):
        return Told(None, f"{answer}, with a redirect to its own {plain(onward.geturl())}")
    return Told(True, f"{answer}, with a redirect to {plain(onward.geturl())}", host)
