"""http and https: a request, redirects on the same host, and the judgement of the answer (RFC 9110)."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import SplitResult, urlsplit

from probes import causes, tls, urls
from probes.causes import Failed
from probes.contract import Credential, Layer, Outcome, Probe, Target, Timing
from probes.http1 import Client, Reply, Request, plain
from probes.ladder import Ladder, look
from probes.net.base import Connection, Network, NetworkFailure, PeerClosed, PeerReset
from probes.settings import BadValue, Choice, Listing, Text, TextMap, Whole, option, shown

LAYERS = {"http": (Layer.CONNECT, Layer.PROTOCOL), "https": (Layer.CONNECT, Layer.TLS, Layer.PROTOCOL)}
METHODS = ("GET", "HEAD", "OPTIONS", "POST")
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# An answer that asks for a login or refuses us still proves that the service is there and speaks.
LOGIN = frozenset({401, 403})
ALPN = ("http/1.1",)

SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})
FRAMING_HEADERS = frozenset({"content-length", "transfer-encoding", "connection", "upgrade"})


@dataclass(frozen=True, slots=True)
class Headers(TextMap):
    """Header fields to send: no line breaks, nothing that frames the message, no secrets."""

    def read(self, value: Any) -> dict[str, str]:
        headers = TextMap.read(self, value)
        for name, text in headers.items():
            if not isinstance(name, str) or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
                raise BadValue(f"{shown(name)} is not a header's name", (name,))
            if name.lower() in SECRET_HEADERS:
                raise BadValue(f"secret in clear text: this probe sends no header `{name}`", (name,))
            if name.lower() in FRAMING_HEADERS:
                raise BadValue(f"the header `{name}` is netcheck's to set", (name,))
            if not re.fullmatch(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?|", text):
                raise BadValue(
                    f"the header `{name}` has a line break or another character that can't travel", (name,)
                )
        return headers


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy's URL, without a user or password."""

    def read(self, value: Any) -> str:
        if isinstance(value, str) and "@" in value:
            raise BadValue("secret in clear text: a proxy's URL takes no user and password")
        if not isinstance(value, str) or not re.fullmatch(r"(?:https?|socks5h?)://[^\s/]+/?", value):
            raise BadValue(
                f"{shown(value)} is not a proxy's URL (for example `http://proxy.acme.example:3128`)"
            )
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^(?:https?|socks5h?)://[^\s/@]+/?$"}


@dataclass(frozen=True, slots=True)
class Settings(tls.Settings):
    """What is sent and what must come back. For `http`, TLS counts where a redirect leads to https."""

    path: str = option(Text("a path", r"/[^\s\x00-\x1f\x7f]*", "/health"), "/", "path and query to ask for")
    method: str = option(Choice(METHODS, "a method"), "GET", "the request's method")
    headers: Mapping[str, str] | None = option(Headers(), None, "header fields to send, by name")
    status: tuple[int, ...] | None = option(
        Listing(Whole(100, 599, "an HTTP status")), None, "accepted status codes; else below 400, 401 and 403"
    )
    body: str | None = option(Text(), None, "text that must be in the first MiB of the body")
    redirects: int = option(Whole(0, 50), 10, "redirects to follow on the same host; 0: none is followed")
    proxy: str | None = option(Proxy(), None, "the proxy to go through")

    def __post_init__(self) -> None:
        tls.Settings.__post_init__(self)
        if self.body is not None and self.method == "HEAD":
            raise BadValue("`body` can't be looked for with `method: HEAD`", ("body",))


def from_url(url: str) -> dict[str, str]:
    """Path and query of the URL, where it has any.

    >>> from_url("https://acme.example/health?full=1"), from_url("https://acme.example/")
    ({'path': '/health?full=1'}, {})
    """
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return {} if path == "/" else {"path": path}


class Visit:
    """One climb: the request, and the redirects that follow from it, on one address."""

    def __init__(self, ladder: Ladder, scheme: str, target: Target, settings: Settings) -> None:
        self.ladder = ladder
        self.settings = settings
        self.host = target.host
        self.name = urls.ascii_name(settings.server_name or target.host)
        port = urls.PORTS[scheme] if target.port is None else target.port
        self.url = urls.url(scheme, self.name, port, settings.path)
        self.method = settings.method
        self.followed: list[str] = []
        self.facts: dict[str, Any] = {}

    async def climb(self) -> None:
        """Connect, TLS for https, then request after request until one is no redirect."""
        if self.settings.proxy:
            with self.ladder.step(Layer.CONNECT):
                raise Failed("probe.unsupported", "proxies: not available yet")
        connection = await self.ladder.connect(self._port)
        if self.url.scheme == "https":
            await self._secure(connection)
        with self.ladder.step(Layer.PROTOCOL) as rung:
            self.client = Client(connection)
            await self._converse(rung.until)
            rung.detail["status"] = self.facts["status"]

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
        """Where the reply sends us, if that is to be followed. Raises Failed for another host."""
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
            raise Failed("http.redirected_away", f"{reply.status} redirects to {plain(onward.geturl())}")
        return onward

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
        assert self.ladder.address is not None
        try:
            connection = await self.ladder.network.connect(self.ladder.address, self._port, until)
        except NetworkFailure as error:
            failed = causes.explain(Layer.CONNECT, error)
            failed.evidence = (*failed.evidence, f"it was on the way to {plain(self.url.geturl())}")
            raise failed from None
        self.ladder.keep(connection)
        if self.url.scheme == "https":
            await self._secure(connection)
        self.client = Client(connection)

    async def _secure(self, connection: Connection) -> None:
        await tls.secure(self.ladder, connection, self.host, self.settings, ALPN)

    @property
    def _port(self) -> int:
        return urls.port_of(self.url)

    def _request(self) -> Request:
        ours = {
            "host": self.url.netloc,
            "user-agent": _user_agent(),
            "accept": "*/*",
            "accept-encoding": "identity",
        }
        if self.method == "POST":
            ours["content-length"] = "0"
        theirs = {name.lower(): text for name, text in (self.settings.headers or {}).items()}
        target = self.url.path + (f"?{self.url.query}" if self.url.query else "")
        return Request(self.method, target, tuple((ours | theirs).items()))

    def _learn(self, reply: Reply) -> None:
        self.facts.update(
            url=plain(self.url.geturl()),
            status=reply.status,
            reason=reply.reason,
            server=plain(reply.headers["server"]) if "server" in reply.headers else None,
            location=plain(reply.headers["location"]) if "location" in reply.headers else None,
        )
        self.facts.setdefault("redirects", [])
        self.ladder.facts["http"] = self.facts

    async def _judge(self, reply: Reply, until: float) -> None:
        """The final answer against what the settings accept."""
        answer = f"{self.method} {plain(self.url.path)} answered {reply.status} {reply.reason}".rstrip()
        if not _accepted(reply.status, self.settings.status):
            cause = "http.server_error" if reply.status >= 500 else "http.status"
            raise Failed(cause, answer)
        self.ladder.prove(answer)
        if self.settings.body is not None:
            found = await self.client.find(self.settings.body, reply, until)
            self.facts["body_bytes"] = self.client.body_bytes
            if not found:
                raise Failed(
                    "http.body_mismatch",
                    f"{shown(self.settings.body)} is not in the body",
                    evidence=(answer,),
                )


def _accepted(status: int, wanted: tuple[int, ...] | None) -> bool:
    return status < 400 or status in LOGIN if wanted is None else status in wanted


@functools.cache
def _user_agent() -> str:
    try:
        return f"netcheck/{version('netcheck')} (connectivity check)"
    except PackageNotFoundError:  # the probes alone, without the application
        return "netcheck (connectivity check)"


async def _run(
    scheme: str,
    target: Target,
    settings: Settings,
    timing: Timing,
    network: Network,
    credential: Credential | None = None,
) -> Outcome:
    """Ask every address of the target."""

    async def climb(ladder: Ladder) -> None:
        await Visit(ladder, scheme, target, settings).climb()

    return await look(target, timing, network, LAYERS[scheme], climb)


HTTP = Probe(
    name="http",
    summary="an HTTP request without TLS, and what answers it",
    settings=Settings,
    layers=LAYERS["http"],
    run=functools.partial(_run, "http"),
    default_port=80,
    from_url=from_url,
)

HTTPS = Probe(
    name="https",
    summary="TLS with the certificate's judgement, an HTTP request, and what answers it",
    settings=Settings,
    layers=LAYERS["https"],
    run=functools.partial(_run, "https"),
    default_port=443,
    from_url=from_url,
)
