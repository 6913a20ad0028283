"""http and https: a request, redirects on the same host, and the judgement of the answer (RFC 9110)."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import SplitResult

from probes import pages, portals, proxy, tls, urls
from probes.codes import Failed
from probes.contract import Confidence, Layer, Probe, Target
from probes.http1 import Client, Reply, Request, plain
from probes.http_settings import Settings, from_url
from probes.ladder import Ladder, Stopped
from probes.net.base import Connection, PeerClosed, PeerReset
from probes.ntp import TOTP, breaks, offset_words
from probes.opening import Opening, look_opened
from probes.settings import shown

LAYERS = {"http": (Layer.CONNECT, Layer.PROTOCOL), "https": (Layer.CONNECT, Layer.TLS, Layer.PROTOCOL)}
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# An answer that asks for a login or refuses us still proves that the service is there and speaks.
LOGIN = frozenset({401, 403})
# Fields of an answer that a hop wrote itself. A `Via` it adds to all that it passes on, and a `Server` may be
# the target's own.
WRITTEN = ("x-squid-error", "proxy-agent", "proxy-status")
SKEWED = TOTP + 2.0  # seconds: a Date names whole ones, and the answer took its time
PASSED_ON = ("via", "x-cache", "x-bluecoat-via")
PROXY_LOGIN = 407
# What a login page of the network explains: it answers in all names, or lets nothing else through.
BY_PORTAL = ("tcp.", "http.", "protocol.", "path.")
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
ALPN = ("http/1.1",)
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
        """The visit, and what a login page of the network has to do with it."""
        try:
            await self._visit()
        except Stopped:
            await self._by_portal()
            raise

    async def _visit(self) -> None:
        """Connect, TLS for https, then request after request until one is no redirect."""
        connection = await self.opening.first(self.url.scheme, self._port)
        if self.url.scheme == "https":
            await self._secure(connection)
        with self.ladder.step(Layer.PROTOCOL) as rung:
            self.client = Client(connection)
            await self._converse(rung.until)
            rung.detail["status"] = self.facts["status"]
            await self._not_by_portal()

    async def _challenge(self) -> portals.Told | None:
        """What the question for a login page tells; None where the check has none, or goes by a proxy."""
        url, network = self.settings.challenge, self.ladder.network
        if url is None or self.opening.way is not None:
            return None
        until = network.now() + self.ladder.timing.timeout
        told = await portals.ask(url, self.settings.challenge_body, network, until, user_agent())
        self.ladder.prove(told.words)
        return told

    async def _by_portal(self) -> None:
        """A failure that a login page of the network explains is that."""
        failed = self.ladder.failed
        if failed is None or failed.cause == "http.captive_portal":
            return
        secured = self.url.scheme == "https" and self.ladder.steps[-1].layer is Layer.PROTOCOL
        may_be = failed.cause.startswith(BY_PORTAL) or failed.cause in BY_PORTAL_IN_TLS
        if secured or not may_be:  # inside TLS that was accepted nobody else answers
            return
        told = await self._challenge()
        if told is None or not told.portal:
            return
        away = failed.cause == "http.redirected_away" and told.to is not None
        same = away and urls.host_of(self.facts["location"]) == told.to
        self.ladder.fail_as(
            Failed(
                "http.captive_portal",
                f"a login page of the network answers plain requests; here: {failed.summary}",
                evidence=(*failed.evidence, f"without the login page this would be {failed.cause}"),
                confidence=Confidence.CERTAIN if same else Confidence.LIKELY,
                signed_by=failed.signed_by,
            )
        )

    async def _not_by_portal(self) -> None:
        """Raises Failed where an answer without TLS may be the login page's, whatever it says."""
        if self.url.scheme == "https" or self.settings.body is not None:  # which only the service has
            return
        told = await self._challenge()
        if told is not None and told.portal:
            raise Failed(
                "http.captive_portal",
                "a login page of the network answers plain requests, and this answer may be its own",
                confidence=Confidence.LIKELY,
            )

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
        if (wanted := wants_login(reply.status, reply.reason, reply.headers)) is not None:
            if reply.status == PROXY_LOGIN and self.opening.way is not None:
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
            raise self._away(reply, onward)
        return onward

    def _away(self, reply: Reply, onward: SplitResult) -> Failed:
        """To another host: the service's own login, or a filter's page that says what it blocks."""
        answer = f"{reply.status} redirects to {plain(onward.geturl())}"
        signed = self._signed(reply)
        named = signed or (pages.sent_to(onward.hostname or "") if self.settings.public else None)
        if named is None or self._of_the_service:
            return Failed("http.redirected_away", answer)
        return Failed(
            "http.blocked_by_proxy",
            f"{named} answers in the service's place: {answer}",
            confidence=Confidence.CERTAIN if signed and self._relayed else Confidence.LIKELY,
            evidence=pages.signs(reply.headers),
        )

    @property
    def _relayed(self) -> bool:
        return self.opening.relays(self.url.scheme)

    @property
    def _of_the_service(self) -> bool:
        """Whether only the service can have answered: inside TLS with a chain that public CAs know."""
        seen = self.ladder.facts.get("tls") or {}
        return self.url.scheme == "https" and bool(seen.get("known_publicly"))

    def _signed(self, reply: Reply) -> str | None:
        """The product that says in the head of an answer that it wrote it."""
        return pages.product_of({name: reply.headers[name] for name in WRITTEN if name in reply.headers})

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
        session = await tls.secure(self.ladder, connection, self.host, self.settings, ALPN)
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
        """By how many seconds the server's clock is ahead; None where its answer may be a copy."""
        copied = "age" in reply.headers or "hit" in reply.headers.get("x-cache", "").lower()
        if "date" not in reply.headers or copied:
            return None
        try:
            date = parsedate_to_datetime(reply.headers["date"])
        except (TypeError, ValueError):
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
        between = self._by_device(reply, answer, words)
        if between is not None:
            raise between
        return True

    async def _refusal(self, reply: Reply, answer: str, until: float) -> Failed:
        """What an answer that is not accepted means; a 400's own words may say more than its number."""
        words = await self.client.text(until)
        between = self._by_device(reply, answer, words)
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

    def _by_device(self, reply: Reply, answer: str, words: str) -> Failed | None:
        """What a device on the way answers in the service's name; None where nothing shows one.

        A page inside TLS that only the service can have is its own. What a product writes into its pages
        proves little of a target, which may be that very product; and what a proxy passed on (`Via`) is of
        whoever stands behind it.
        """
        if self._of_the_service:
            return None
        signed = self._signed(reply)
        own = {name: text for name, text in reply.headers.items() if name not in PASSED_ON}
        by_proxy = self._relayed and "via" not in reply.headers
        named = signed or (pages.product_of(own, words) if by_proxy or self.settings.public else None)
        unnamed = by_proxy and "server" not in reply.headers and reply.status in proxy.ONWARD
        if reply.status >= 500 and (named or unnamed):
            who = named or "the proxy"
            return Failed(
                "proxy.refused",
                f"{who} can't get there itself: {answer}",
                confidence=Confidence.LIKELY,
                evidence=pages.signs(reply.headers),
            )
        if named is None or (reply.status < 400 and not signed and not pages.FORBIDS.search(words)):
            return None
        return Failed(
            "http.blocked_by_proxy",
            f"{named} answers in the service's place: {answer}",
            confidence=Confidence.CERTAIN if signed and self._relayed else Confidence.LIKELY,
            evidence=pages.signs(reply.headers),
        )


def wants_login(status: int, reason: str, headers: Mapping[str, str]) -> Failed | None:
    """What no service says of itself: that the network, or a proxy, wants a login first."""
    answer = f"{status} {reason}".rstrip()
    if status == portals.LOGIN:
        words = f"the network wants a login first: {answer}"
        return Failed("http.captive_portal", words, evidence=pages.signs(headers))
    if status == PROXY_LOGIN:
        words = f"something on the way answers as a proxy that wants a login: {answer}"
        return Failed(
            "proxy.auth_required", words, evidence=pages.signs(headers), confidence=Confidence.LIKELY
        )
    return None


def _accepted(status: int, wanted: tuple[int, ...] | None) -> bool:
    return status < 400 or status in LOGIN if wanted is None else status in wanted


@functools.cache
def user_agent() -> str:
    """How netcheck names itself to servers."""
    try:
        return f"netcheck/{version('netcheck')} (connectivity check)"
    except PackageNotFoundError:  # the probes alone, without the application
        return "netcheck (connectivity check)"


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
