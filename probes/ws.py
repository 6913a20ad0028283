"""ws and wss: a real WebSocket (RFC 6455): the upgrade, a large message, and a ping after some silence.

What stands between a user or a Network Connector and the vault may pass HTTPS and yet strip the upgrade,
refuse it, or end what comes of it. The frames are wsproto's.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    RejectConnection,
    Request,
)
from wsproto.utilities import RemoteProtocolError

from probes import http, impostors, pages, tls, urls
from probes.codes import Failed
from probes.contract import Confidence, Layer, Probe, Target
from probes.http1 import Client, plain, user_agent
from probes.http1 import Request as Plain
from probes.http_settings import Web, from_url
from probes.ladder import Ladder
from probes.net.base import Connection, NetworkFailure, PeerClosed, PeerReset, TimedOut
from probes.opening import Opening, look_opened
from probes.settings import Duration, Text, Whole, option
from probes.sniff import described

LAYERS = {"ws": (Layer.CONNECT, Layer.PROTOCOL), "wss": (Layer.CONNECT, Layer.TLS, Layer.PROTOCOL)}
HTTP = {"ws": "http", "wss": "https"}
CHUNK = 16 * 1024
MOST_ANSWER = 256 * 1024
ALPN = ("http/1.1",)
# The server never saw the upgrade, and answers as to any request: nobody says so of a path that is not there.
STRIPPED = frozenset({400, 426})
# It wants a login of its own, or has nothing there: no proxy or firewall says so of an upgrade.
OF_THE_SERVICE = frozenset({401, 404, 405, 410})
TOKEN = b"netcheck"
HOW = {TimedOut: "not answered", PeerClosed: "hung up on", PeerReset: "reset"}


@dataclass(frozen=True, slots=True)
class Settings(Web):
    """What is asked for, and what goes over the connection."""

    subprotocol: str | None = option(
        Text("a subprotocol", r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"), None, "the Sec-WebSocket-Protocol to offer"
    )
    frame: int = option(
        Whole(0, 1_048_576), 65_536, "bytes of one binary message that is sent; 0: none is sent"
    )
    ping_after: float = option(Duration(0.0), 1.0, "silence before the last ping, on top of the deadline")


class Talk:
    """One WebSocket on one connection, event by event."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._ws = WSConnection(ConnectionType.CLIENT)
        self._opening = b""
        self._heard = 0

    async def upgrade(self, request: Request, until: float) -> AcceptConnection | RejectConnection:
        """The answer to the upgrade. Raises NetworkFailure; Failed for what is no answer to it."""
        await self._connection.send(self._ws.send(request), until)
        try:
            answer: AcceptConnection | RejectConnection = await self._next(
                (AcceptConnection, RejectConnection), until
            )
            return answer
        except RemoteProtocolError as error:
            words = f"what answers is no WebSocket: {plain(str(error))}"
            wrong = "accept" in str(error).lower()
            why = ("its Sec-WebSocket-Accept is not the one that answers our key",) if wrong else ()
            raise Failed("ws.upgrade_blocked", words, evidence=why, confidence=Confidence.LIKELY) from None

    async def send(self, event: Event, until: float) -> None:
        await self._connection.send(self._ws.send(event), until)

    async def answer_to_ping(self, until: float) -> CloseConnection | None:
        """Ping, and wait for its pong; what the server ends the session with, if it does."""
        await self.send(Ping(TOKEN), until)
        while True:
            found = await self._next((Pong, CloseConnection), until)
            if isinstance(found, CloseConnection):
                return found
            if bytes(found.payload) == TOKEN:
                return None

    async def leave(self, until: float) -> None:
        """Say goodbye; nobody waits for the answer."""
        await self.send(CloseConnection(code=1000), until)

    async def _next(self, kinds: tuple[type, ...], until: float) -> Any:
        """The next event of these kinds; pings are answered on the way."""
        while True:
            for event in self._events():
                if isinstance(event, Ping):
                    await self.send(event.response(), until)
                elif isinstance(event, kinds):
                    return event
            data = await self._connection.receive(until, CHUNK)
            self._opening = (self._opening + data)[:64]
            if not self._heard and not b"HTTP/".startswith(self._opening[:5]):
                raise Failed("protocol.mismatch", f"no HTTP: {described(self._opening)}")
            self._heard += len(data)
            if self._heard > MOST_ANSWER:
                raise Failed("protocol.malformed", f"{self._heard} bytes without what was waited for")
            self._ws.receive_data(data)

    def _events(self) -> Iterator[Event]:
        return self._ws.events()


class Visit:
    """One climb of one address."""

    def __init__(
        self, ladder: Ladder, scheme: str, target: Target, settings: Settings, opening: Opening
    ) -> None:
        self._ladder = ladder
        self._scheme = scheme
        self._settings = settings
        self._opening = opening
        self._name = urls.ascii_name(settings.server_name or target.host)
        self._host = target.host
        self._port = target.port or http_port(scheme)
        self._url = urls.url(HTTP[scheme], self._name, self._port, settings.path)
        self._facts: dict[str, Any] = {"url": f"{scheme}://{self._url.netloc}{plain(settings.path)}"}

    async def climb(self) -> None:
        """Connect, TLS for wss, upgrade, then the frames."""
        ladder, settings = self._ladder, self._settings
        # By its own scheme: through a proxy a WebSocket is always a tunnel (RFC 6455 4.1).
        connection = await self._opening.first(self._scheme, self._port)
        if self._scheme == "wss":
            again = functools.partial(self._opening.again, self._scheme, self._port)
            await tls.secure(ladder, connection, self._host, settings, ALPN, again)
        with ladder.step(Layer.PROTOCOL) as rung:
            ladder.facts["ws"] = self._facts
            talk = Talk(connection)
            await self._upgraded(talk, rung.until)
            # The silence is asked for: it is not the server's time.
            until = rung.until + settings.ping_after
            ladder.until += settings.ping_after
            await self._frames(talk, rung.until, until)

    async def _upgraded(self, talk: Talk, until: float) -> None:
        """Raises Failed where the upgrade is not answered as one; a plain request beside it tells why."""
        try:
            # What swallows an upgrade leaves half of the time for the request beside it.
            half = self._ladder.network.now() + (until - self._ladder.network.now()) / 2
            answer = await talk.upgrade(self._request(), half)
        except (TimedOut, PeerClosed, PeerReset) as broken:
            beside = await self._beside(until)
            if beside is None:
                raise
            words = f"the upgrade is {HOW[type(broken)]}, and a plain GET beside it gets {beside.words}"
            evidence = (*beside.signs, *self._issuer())
            raise Failed(
                "ws.upgrade_blocked", words, confidence=Confidence.LIKELY, evidence=evidence
            ) from None
        except Failed as failed:
            failed.evidence = (*failed.evidence, *self._issuer())
            raise
        if isinstance(answer, RejectConnection):
            raise await self._refused(answer, until)
        self._facts.update(status=101, subprotocol=answer.subprotocol)
        self._ladder.prove("the upgrade was accepted, and its Sec-WebSocket-Accept is right")

    async def _refused(self, answer: RejectConnection, until: float) -> Failed:
        """What the refusal of an upgrade means."""
        headers = {
            name.decode("ascii").lower(): plain(value.decode("latin-1")) for name, value in answer.headers
        }
        status = answer.status_code
        self._facts.update(status=status, server=headers.get("server"), location=headers.get("location"))
        evidence = (f"the upgrade was answered {status}", *pages.signs(headers), *self._issuer())
        if (wanted := impostors.wants_login(status, "", headers)) is not None:
            wanted.evidence = evidence
            return wanted
        product = impostors.product_of(headers) or pages.sent_to(urls.host_of(headers.get("location")) or "")
        by = f" by {product}" if product else ""
        # One answer alone does not show whether the service itself gives it.
        sure = Confidence.CERTAIN if product else Confidence.LIKELY
        if status < 300 or status in STRIPPED:
            words = f"the upgrade was taken for a plain request{by}: {status}"
            return Failed("ws.upgrade_blocked", words, evidence=evidence, confidence=sure)
        beside = await self._beside(until)
        if beside is not None and beside.status == status:
            return self._same_to_all(status, headers.get("location"), product, evidence)
        plain_one = f", and a plain GET beside it gets {beside.words}" if beside else ""
        if status in OF_THE_SERVICE and product is None:
            cause = "http.status"
            words = f"the service refuses the upgrade itself: {status}{plain_one}"
            return Failed(cause, words, evidence=evidence, confidence=Confidence.LIKELY)
        words = f"the upgrade is refused{by}: {status}{plain_one}"
        return Failed("ws.upgrade_blocked", words, evidence=evidence, confidence=sure)

    def _same_to_all(
        self, status: int, location: str | None, product: str | None, evidence: tuple[str, ...]
    ) -> Failed:
        """It is not about the upgrade: the path, the service, or a page in its place."""
        words = f"{self._url.path} answers {status}, with and without an upgrade"
        seen = self._ladder.facts.get("tls") or {}
        if product is not None and self._settings.public and not seen.get("known_publicly"):
            words = f"{product} answers in the service's place: {words}"
            return Failed("http.blocked_by_proxy", words, evidence=evidence, confidence=Confidence.LIKELY)
        away = urls.host_of(location) if status in http.REDIRECTS else None
        if away is not None and away not in {urls.normal(self._host), urls.normal(self._name)}:
            words = f"{words}, and redirects to {plain(location or '')}"
            return Failed("http.redirected_away", words, evidence=evidence)
        return Failed("http.server_error" if status >= 500 else "http.status", words, evidence=evidence)

    async def _beside(self, until: float) -> Beside | None:
        """A plain request for the same path on a connection of its own: the control. None: not answered."""
        ladder = self._ladder
        try:
            connection = await self._connected(until)
            request = Plain("GET", self._target(), tuple(self._headers().items()))
            reply = await Client(connection).ask(request, until)
        except (Failed, NetworkFailure):
            return None
        ladder.facts["ws"]["plain_status"] = reply.status
        return Beside(reply.status, f"{reply.status} {reply.reason}".strip(), pages.signs(reply.headers))

    async def _connected(self, until: float) -> Connection:
        """A further connection, inside TLS for wss. Raises Failed, NetworkFailure."""
        connection = await self._opening.again(self._scheme, self._port, until)
        if self._scheme == "wss":
            await connection.start_tls(tls.hello_of(self._name, self._settings, ALPN), until)
        return connection

    async def _frames(self, talk: Talk, until: float, later: float) -> None:
        """A large message, a ping behind it, then a ping after some silence."""
        settings, ladder = self._settings, self._ladder
        what = f"a message of {settings.frame} bytes" if settings.frame else "a ping"
        try:
            if settings.frame:
                await talk.send(BytesMessage(os.urandom(settings.frame)), until)
            ended = await talk.answer_to_ping(until)
        except (TimedOut, PeerClosed, PeerReset) as broken:
            ladder.prove(f"{what} is {HOW[type(broken)]}")
            if settings.frame and await self._stands(until):
                ladder.prove("another session, without the large message, answers a ping")
            raise
        if ended is not None:
            self._closed(ended, what)
            return
        if settings.frame:
            ladder.prove(f"a message of {settings.frame} bytes arrived: the ping behind it was answered")
        await ladder.network.pause(settings.ping_after)
        try:
            ended = await talk.answer_to_ping(later)
        except (TimedOut, PeerClosed, PeerReset) as broken:
            silence = f"after {settings.ping_after:g} s of silence"
            words = f"{silence} a ping is {HOW[type(broken)]}; before it one was answered"
            raise Failed("path.idle_dropped", words, confidence=Confidence.LIKELY) from None
        if ended is not None:
            self._closed(ended, f"less than {settings.ping_after:g} s of silence")
            return
        ladder.prove(f"a ping after {settings.ping_after:g} s of silence was answered")
        await talk.leave(later)

    def _closed(self, ended: CloseConnection, after: str) -> None:
        """The server itself says goodbye: what was sent before has arrived."""
        code, reason = int(ended.code), plain(ended.reason or "")
        self._ladder.prove(f"the server closed the session after {after}: {code} {reason}".rstrip())
        self._facts["closed"] = code

    async def _stands(self, until: float) -> bool:
        """Whether a session of its own answers a ping, with nothing large in it."""
        try:
            talk = Talk(await self._connected(until))
            answer = await talk.upgrade(self._request(), until)
            return isinstance(answer, AcceptConnection) and await talk.answer_to_ping(until) is None
        except (Failed, NetworkFailure):
            return False

    def _request(self) -> Request:
        ours = [
            (name.encode(), text.encode("latin-1"))
            for name, text in self._headers().items()
            if name != "host"
        ]
        offered = [self._settings.subprotocol] if self._settings.subprotocol else []
        return Request(host=self._url.netloc, target=self._target(), extra_headers=ours, subprotocols=offered)

    def _target(self) -> str:
        return self._url.path + (f"?{self._url.query}" if self._url.query else "")

    def _headers(self) -> dict[str, str]:
        ours = {"host": self._url.netloc, "user-agent": user_agent()}
        return ours | {name.lower(): text for name, text in (self._settings.headers or {}).items()}

    def _issuer(self) -> tuple[str, ...]:
        """Whose certificate was seen: a device that decrypts is often the one that strips."""
        seen = self._ladder.facts.get("tls") or {}
        if not seen.get("chain"):
            return ()
        issuer = f"the certificate's issuer is {seen['chain'][0]['issuer']}"
        whose = ", which public CAs know: the service's own side answers" if seen["known_publicly"] else ""
        return (f"{issuer}{whose}",)


@dataclass(frozen=True, slots=True)
class Beside:
    """What a plain request got."""

    status: int
    words: str
    signs: tuple[str, ...]


def http_port(scheme: str) -> int:
    """The protocol's own port (RFC 6455 3)."""
    return urls.PORTS[HTTP[scheme]]


def _probe(scheme: str, summary: str) -> Probe:
    run: Callable[..., Any] = functools.partial(look_opened, Visit, scheme, LAYERS[scheme])
    return Probe(
        name=scheme,
        summary=summary,
        settings=Settings,
        layers=LAYERS[scheme],
        run=run,
        default_port=http_port(scheme),
        from_url=from_url,
    )


WS = _probe("ws", "a WebSocket without TLS: the upgrade, a large message, a ping after silence")
WSS = _probe("wss", "TLS and a WebSocket: the upgrade, a large message, a ping after silence")
