"""http and https: a request, redirects on the same host, and the judgement of the answer (RFC 9110)."""

from __future__ import annotations

import functools
import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import SplitResult

from probes import impostors, portals, proxy, tls, urls
from probes.codes import Failed
from probes.contract import Layer, Probe, Target
from probes.http1 import PROXY_LOGIN, REDIRECTS, REFUSALS, Client, Reply, Request, plain, user_agent
from probes.http_settings import Settings, from_url
from probes.impostors import Standing
from probes.ladder import Ladder
from probes.net.base import Connection, PeerClosed, PeerReset
from probes.ntp import TOTP, breaks, offset_words
from probes.opening import Opening, look_opened
from probes.settings import shown

LAYERS = {"http": (Layer.CONNECT, Layer.PROTOCOL), "https": (Layer.CONNECT, Layer.TLS, Layer.PROTOCOL)}
SKEWED = TOTP + 2.0  # seconds: a Date names whole ones, and the answer took its time
ALPN = ("http/1.1",)
# A year before 1000, which is read as one of two digits (RFC 5322 4.3): no date at all. Zones have a sign.
NO_YEAR = re.compile(r"(?<![\d+-])0\d{3}\b")
# How nginx, Apache and Go say that a request in clear came to a TLS port.
WANTS_TLS = re.compile(
    r"plain HTTP request was sent to HTTPS|speaking plain HTTP to an SSL|HTTP request to an HTTPS server",
    re.I,
)


class Visit:
    """One climb: the request, and the redirects that follow from it, on one address."""

    def __init__(
        self, ladder: Ladder, scheme: str, target: Target, settings: Settings, opening: Opening
    ) -> None:
        self.ladder = ladder
        self.opening = opening
        self.settings = settings
        self.host = target.host
        self.name = urls.ascii_name(settings.server_name or target.host)
        port = urls.PORTS[scheme] if target.port is None else target.port
        self.url = urls.url(scheme, self.name, port, settings.path)
        self.method = settings.method
        self.followed: list[str] = []
        self.facts: dict[str, Any] = {}
        self.certificate_wanted = False

    async def climb(self) -> None:
        """Connect, TLS for https, then request after request until one is no redirect."""
        connection = await self.opening.first(self.url.scheme, self._port)
        if self.url.scheme == "https":
            await self._secure(connection)
        with self.ladder.step(Layer.PROTOCOL) as rung:
            self.client = Client(connection)
            await self._converse(rung.until)
            rung.detail["status"] = self.facts["status"]
            if self.url.scheme == "http" and self.settings.body is None:  # which only the service has
                await portals.doubt(self.ladder, self.settings)

    async def _converse(self, until: float) -> None:
        while True:
            reply = await self._ask(until)
            self._learn(reply)
            onward = self._onward(reply)
            if onward is None:
                return await self._judge(reply, until)
            reusable = urls.origin(onward) == urls.origin(self.url) and await self.client.drain(until)
            self._turn(onward, reply.status)
            if not reusable:
                await self._reconnect(until)

    async def _ask(self, until: float) -> Reply:
        try:
            return await self.client.ask(self._request(), until)
        except (PeerClosed, PeerReset):
            if not self.client.left_idle:
                raise
        await self._reconnect(until)  # a server may close an idle connection at any time (RFC 9112 9.3.1)
        return await self.client.ask(self._request(), until)

    def _onward(self, reply: Reply) -> SplitResult | None:
        """Where the reply sends us, if that is to be followed. Raises Failed for another host, and for what
        no service says of itself."""
        if (wanted := impostors.wants_login(reply, self._standing)) is not None:
            if reply.status == PROXY_LOGIN and self.opening.relays(self.url.scheme):
                assert self.opening.way is not None
                named = plain(self.url.geturl())
                wanted = proxy.refusal(self.opening.way, reply.status, reply.reason, reply.headers, named)
            raise wanted
        location = reply.headers.get("location")
        listed = self.settings.status is not None and reply.status in self.settings.status
        if reply.status not in REDIRECTS or not location or listed or not self.settings.redirects:
            return None
        try:
            onward = urls.follow(self.url, location)
            known = onward.scheme in urls.PORTS and self._same_host(onward.hostname or "")
        except ValueError:
            raise Failed("protocol.malformed", f"redirected to what is no URL: {plain(location)}") from None
        if not known:
            raise impostors.redirected(reply, onward, self._standing)
        return onward

    @property
    def _standing(self) -> Standing:
        """From where the answers are seen."""
        scheme = self.url.scheme
        tls_facts = self.ladder.facts.get("tls") if scheme == "https" else None
        relayed = self.opening.relays(scheme)
        return impostors.standing(tls_facts, public=self.settings.public, relayed=relayed)

    def _same_host(self, host: str) -> bool:
        return urls.normal(host) in {urls.normal(self.host), urls.normal(self.name)}

    def _turn(self, onward: SplitResult, status: int) -> None:
        """Take the redirect. Raises Failed where it was taken before, or is one too many."""
        self.followed.append(self.url.geturl())
        self.facts["redirects"] = [plain(url) for url in self.followed]
        if onward.geturl() in self.followed:
            raise Failed("http.redirect_loop", f"redirected to {plain(onward.geturl())} again")
        if len(self.followed) > self.settings.redirects:
            raise Failed("http.redirect_loop", f"more than {self.settings.redirects} redirects")
        self.url = onward
        if status == 303 or (self.method == "POST" and status in (301, 302)):  # RFC 9110 15.4
            self.method = "HEAD" if self.method == "HEAD" else "GET"

    async def _reconnect(self, until: float) -> None:
        """A connection to where the redirect leads, on the same address."""
        try:
            connection = await self.opening.again(self.url.scheme, self._port, until)
        except Failed as failed:
            failed.evidence = (*failed.evidence, f"it was on the way to {plain(self.url.geturl())}")
            raise
        if self.url.scheme == "https":
            await self._secure(connection)
        self.client = Client(connection)

    async def _secure(self, connection: Connection) -> None:
        again = functools.partial(self.opening.again, self.url.scheme, self._port)
        session = await tls.secure(self.ladder, connection, self.host, self.settings, ALPN, again)
        self.certificate_wanted = session.requested

    @property
    def _port(self) -> int:
        return urls.port_of(self.url)

    def _request(self) -> Request:
        ours = {
            "host": self.url.netloc,
            "user-agent": user_agent(),
            "accept": "*/*",
            "accept-encoding": "identity",
        }
        if self.method == "POST":
            ours["content-length"] = "0"
        theirs = {name.lower(): text for name, text in (self.settings.headers or {}).items()}
        target = self.url.path + (f"?{self.url.query}" if self.url.query else "")
        if self.opening.relays(self.url.scheme):
            target = f"{self.url.scheme}://{self.url.netloc}{target}"
        return Request(self.method, target, tuple((ours | theirs).items()))

    def _learn(self, reply: Reply) -> None:
        self.facts.update(
            url=plain(self.url.geturl()),
            status=reply.status,
            reason=reply.reason,
            server=plain(reply.headers["server"]) if "server" in reply.headers else None,
            location=plain(reply.headers["location"]) if "location" in reply.headers else None,
            clock_offset_s=self._clock_offset(reply),
        )
        self.facts.setdefault("redirects", [])
        self.ladder.facts["http"] = self.facts

    def _clock_offset(self, reply: Reply) -> float | None:
        """By how many seconds the server's clock is ahead; None where none is told, or by a copy."""
        copied = "age" in reply.headers or "hit" in reply.headers.get("x-cache", "").lower()
        named = reply.headers.get("date", "")
        if copied or not named or NO_YEAR.search(named):
            return None
        try:
            date = parsedate_to_datetime(named)
        except (TypeError, ValueError, OverflowError):
            return None
        if date.tzinfo is None:  # asctime's form, which has no zone and means UTC (RFC 9110 5.6.7)
            date = date.replace(tzinfo=UTC)
        # It names the second that had begun (RFC 9110 6.6.1), some time ago.
        return round(date.timestamp() + 0.5 - self.ladder.network.time(), 1)

    async def _judge(self, reply: Reply, until: float) -> None:
        """The final answer against what the settings accept."""
        answer = f"{self.method} {plain(self.url.path)} answered {reply.status} {reply.reason}".rstrip()
        if not _accepted(reply.status, self.settings.status):
            raise await self._refusal(reply, answer, until)
        self.ladder.prove(answer)
        if self._standing.relayed:
            self.ladder.prove(_fetched(reply))
        offset = self.facts["clock_offset_s"]
        if offset is not None and abs(offset) > SKEWED:
            self.ladder.caution("clock.skew", f"its Date says that {offset_words(offset)}{breaks(offset)}")
        try:
            found = await self._read(reply, answer, until)
        finally:
            self.facts["body_bytes"] = self.client.body_bytes
        if not found:
            raise Failed(
                "http.body_mismatch", f"{shown(self.settings.body)} is not in the body", evidence=(answer,)
            )

    async def _read(self, reply: Reply, answer: str, until: float) -> bool:
        """See the body arrive; whether it has the text that it must have. A device may say 403, or 200."""
        if self.settings.body is not None:
            return await self.client.find(self.settings.body, reply, until)
        words = await self.client.arrive(reply, until)
        between = impostors.page(reply, answer, words, self._standing)
        if between is not None:
            raise between
        return True

    async def _refusal(self, reply: Reply, answer: str, until: float) -> Failed:
        """What an answer that is not accepted means; a 400's own words may say more than its number."""
        words = await self.client.text(until)
        between = impostors.page(reply, answer, words, self._standing)
        if between is not None:
            return between
        if reply.status >= 500:
            return Failed("http.server_error", answer)
        if self.url.scheme == "http" and WANTS_TLS.search(words):
            return Failed(
                "protocol.mismatch", "the server wants TLS on this port, and says so", evidence=(answer,)
            )
        if self.certificate_wanted and "certificate" in words:
            cause = "tls.client_certificate_required"
            return Failed(
                cause, "it asked for a client certificate and refuses to go on without", evidence=(answer,)
            )
        return Failed("http.status", answer)


def _accepted(status: int, wanted: tuple[int, ...] | None) -> bool:
    return status < 400 or status in REFUSALS if wanted is None else status in wanted


def _fetched(reply: Reply) -> str:
    """A pass without TLS through a proxy rests on its word."""
    if "via" in reply.headers:
        return f"the proxy fetched it, and says who passed it on: via {plain(reply.headers['via'])}"
    return (
        "the proxy fetched it, and nothing in its head says that it was passed on: it may be the proxy's own"
    )


HTTP = Probe(
    name="http",
    summary="an HTTP request without TLS, and what answers it",
    settings=Settings,
    layers=LAYERS["http"],
    run=functools.partial(look_opened, Visit, "http", LAYERS["http"]),
    default_port=80,
    from_url=from_url,
)

HTTPS = Probe(
    name="https",
    summary="TLS with the certificate's judgement, an HTTP request, and what answers it",
    settings=Settings,
    layers=LAYERS["https"],
    run=functools.partial(look_opened, Visit, "https", LAYERS["https"]),
    default_port=443,
    from_url=from_url,
)
