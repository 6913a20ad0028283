"""ws and wss: a real WebSocket (RFC 6455): the upgrade, a large message, and a ping after some silence.

What stands between a user or a Network Connector and the vault may pass HTTPS and yet strip the upgrade,
refuse it, or end what comes of it.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from probes import impostors, pages, tls, urls
from probes.codes import Failed
from probes.contract import Confidence, Layer, Probe, Target
from probes.http1 import SWITCHED, Client, Reply, Request, plain, user_agent
from probes.http_settings import Web, from_url
from probes.impostors import Standing
from probes.ladder import Ladder
from probes.net.base import Connection, NetworkFailure, PeerClosed, PeerReset, TimedOut
from probes.opening import Opening, look_opened
from probes.settings import Duration, Text, Whole, option
from probes.websocket import Talk

LAYERS = {"ws": (Layer.CONNECT, Layer.PROTOCOL), "wss": (Layer.CONNECT, Layer.TLS, Layer.PROTOCOL)}
HTTP = {"ws": "http", "wss": "https"}
ALPN = ("http/1.1",)
# Close codes by which a frame did not get through as it was sent (RFC 6455 7.4.1). Any other may be what the
# service says to a message that it does not know: it never asked for one.
ABOUT_FRAMES = frozenset({1002, 1009})
WITHOUT = "another session, without the large message, answers a ping"
# How much longer than the idle session another has to live; how many pings it gets in the time of the first,
# and the most seconds between two.
LONGER, OFTEN, APART = 1.25, 4, 1.0
SILENCE = 0.1  # seconds; what ends sooner was not idle
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
    ping_after: float = option(
        Duration(0.0),
        1.0,
        "silence before the last ping, on top of the deadline; where a session"
        " ends in it, another that is not idle is held for as long",
    )


LAST_PING = 3.0  # seconds at least for the ping after the silence, whatever the message before it took


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
            talk = Talk(connection, settings.frame)
            await self._upgraded(talk, rung.until)
            talk = await self._large(talk, rung.until)
            # The silence is asked for: it is not the server's time.
            ladder.until += settings.ping_after
            left = max(rung.until - ladder.network.now(), LAST_PING)  # what came before may have been slow
            await self._silent(talk, ladder.network.now() + left + settings.ping_after)

    async def _upgraded(self, talk: Talk, until: float) -> None:
        """Raises Failed where the upgrade is not answered as one; a plain request beside it tells why."""
        try:
            # What swallows an upgrade leaves half of the time for the request beside it.
            half = self._ladder.network.now() + (until - self._ladder.network.now()) / 2
            reply = await talk.upgrade(self._request(), self._settings.subprotocol, half)
        except (TimedOut, PeerClosed, PeerReset) as broken:
            beside = await self._beside(until)
            if beside is None:
                raise
            got = f"{beside.status} {beside.reason}".rstrip()
            words = f"the upgrade is {HOW[type(broken)]}, and a plain GET beside it gets {got}"
            evidence = (*pages.signs(beside.headers), *self._issuer())
            raise Failed(
                "ws.upgrade_blocked", words, confidence=Confidence.LIKELY, evidence=evidence
            ) from None
        except Failed as failed:
            failed.evidence = (*failed.evidence, *self._issuer())
            raise
        if reply.status != SWITCHED:
            raise await self._refused(reply, until)
        self._facts.update(status=reply.status, subprotocol=reply.headers.get("sec-websocket-protocol"))
        self._ladder.prove("the upgrade was accepted, and its Sec-WebSocket-Accept is right")

    async def _refused(self, reply: Reply, until: float) -> Failed:
        """What the refusal of an upgrade means."""
        headers = {name: plain(text) for name, text in reply.headers.items()}
        self._facts.update(
            status=reply.status, server=headers.get("server"), location=headers.get("location")
        )
        beside = await self._beside(until)
        here = frozenset({urls.normal(self._host), urls.normal(self._name)})
        failed = impostors.refused_upgrade(reply, beside, self._url.path, here, self._standing)
        failed.evidence = (f"the upgrade was answered {reply.status}", *failed.evidence, *self._issuer())
        return failed

    @property
    def _standing(self) -> Standing:
        """From where the answers are seen; never through a proxy that fetches them."""
        return impostors.standing(self._ladder.facts.get("tls"), public=self._settings.public)

    async def _beside(self, until: float) -> Reply | None:
        """A plain request for the same path on a connection of its own: the control. None: not answered."""
        try:
            reply = await Client(await self._connected(until)).ask(self._request(), until)
        except (Failed, NetworkFailure):
            return None
        self._facts["plain_status"] = reply.status
        return reply

    async def _connected(self, until: float) -> Connection:
        """A further connection, inside TLS for wss. Raises Failed, NetworkFailure."""
        connection = await self._opening.again(self._scheme, self._port, until)
        if self._scheme == "wss":
            session = await connection.start_tls(tls.hello_of(self._name, self._settings, ALPN), until)
            if session.chain != self._ladder.certificates:
                raise Failed("tls.untrusted", "another certificate than the one that was judged")
        return connection

    async def _another(self, until: float) -> Talk:
        """A session of its own. Raises Failed, NetworkFailure where there is none."""
        talk = Talk(await self._connected(until), 0)
        reply = await talk.upgrade(self._request(), self._settings.subprotocol, until)
        if reply.status != SWITCHED:
            raise Failed("ws.upgrade_blocked", f"another upgrade is answered {reply.status}")
        return talk

    async def _large(self, talk: Talk, until: float) -> Talk:
        """A ping behind a large message; the session that lives on, which may be another without the message.

        Frames keep their order: a pong proves that the message arrived, whatever the server makes of it.
        """
        settings, ladder = self._settings, self._ladder
        what = f"a message of {settings.frame} bytes" if settings.frame else "a ping"
        try:
            ended = await talk.ping(until, os.urandom(settings.frame))
        except (TimedOut, PeerClosed, PeerReset) as broken:
            ladder.prove(f"{what} is {HOW[type(broken)]}")
            if settings.frame and await self._without(until) is not None:
                ladder.prove(WITHOUT)
            raise
        if ended is None:
            if settings.frame:
                ladder.prove(f"{what} arrived: the ping behind it was answered")
            return talk
        self._facts["closed"] = ended.code
        other = await self._without(until) if settings.frame else None
        if other is None:
            if settings.frame:
                ladder.prove("no other session, without the large message, answers a ping")
            raise self._closed(f"the session is closed right after {what}: {ended}")
        ladder.prove(WITHOUT)
        if ended.code in ABOUT_FRAMES:
            raise self._closed(f"{what} does not get through, the session is closed: {ended}")
        words = f"a session that is sent {what} is closed: {ended}; one without it lives on"
        ladder.caution("protocol.closed", words)
        return other

    async def _without(self, until: float) -> Talk | None:
        """A session of its own that answers a ping, with nothing large in it; None: there is none."""
        try:
            talk = await self._another(until)
            return talk if await talk.ping(until) is None else None
        except (Failed, NetworkFailure):
            return None

    async def _silent(self, talk: Talk, until: float) -> None:
        """A ping after some silence."""
        settings, network = self._settings, self._ladder.network
        began = network.now()
        quiet = began + settings.ping_after
        try:
            ended = await talk.listen(quiet)
            pushed = talk.pushed
            if ended is None:
                await network.pause(max(0.0, quiet - network.now()))
                ended = await talk.ping(until)
        except (TimedOut, PeerClosed, PeerReset) as broken:
            raise await self._broken(broken, min(network.now() - began, settings.ping_after)) from None
        after = network.now() - began
        if ended is not None:
            self._facts["closed"] = ended.code
            words = f"the session is closed after {after:.1f} s of silence: {ended}"
            raise self._closed(words, idle=await self._outlives(after))
        self._ladder.prove(f"a ping after {settings.ping_after:g} s of silence was answered")
        if pushed:
            self._ladder.prove(f"the server itself sent {pushed} bytes in that time")
        await talk.leave(until)

    async def _broken(self, broken: NetworkFailure, after: float) -> Failed | NetworkFailure:
        """The end of a session without a word. Where a ping got no answer, no time is left to try another."""
        what = "a ping" if isinstance(broken, TimedOut) else "the session"
        words = f"after {after:.1f} s of silence {what} is {HOW[type(broken)]}; before it a ping was answered"
        if isinstance(broken, TimedOut) or await self._outlives(after):
            return Failed("path.idle_dropped", words, confidence=Confidence.LIKELY)
        self._ladder.prove(words)
        return broken

    async def _outlives(self, seconds: float) -> bool:
        """Whether a session that is not left idle lives longer than that: then it was the silence."""
        ladder, network = self._ladder, self._ladder.network
        if seconds < SILENCE:
            return False
        lasts = seconds * LONGER
        ladder.until += lasts  # asked for as well
        until = network.now() + lasts + ladder.timing.timeout
        try:
            talk = await self._another(until)
            ends = network.now() + lasts
            while (lives := await talk.ping(until) is None) and (left := ends - network.now()) > 0:
                await network.pause(min(left, seconds / OFTEN, APART))
        except (Failed, NetworkFailure):
            lives = False
        how = "lives" if lives else "does not live"
        ladder.prove(f"another session, which is not left idle, {how} for {lasts:.1f} s")
        return lives

    def _closed(self, words: str, *, idle: bool = False) -> Failed:
        """A goodbye in the server's name: its own inside TLS of the service's own, and else likely."""
        own = self._standing.of_the_service
        cause = "path.idle_dropped" if idle and not own else "protocol.closed"
        sure = Confidence.CERTAIN if own else Confidence.LIKELY
        return Failed(cause, words, confidence=sure)

    def _request(self) -> Request:
        return Request("GET", self._target(), tuple(self._headers().items()))

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
