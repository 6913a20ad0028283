"""One WebSocket on one connection (RFC 6455). The upgrade is HTTP's; the frames are wsproto's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from wsproto.connection import Connection as Frames
from wsproto.connection import ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong
from wsproto.utilities import generate_accept_token, generate_nonce

from probes.codes import Failed
from probes.contract import Confidence
from probes.http1 import SWITCHED, Client, Reply, Request, plain
from probes.net.base import Connection, NetworkFailure, PeerClosed, PeerReset, TimedOut
from probes.sniff import described

CHUNK = 16 * 1024
# What a server may push while one thing is waited for, on top of an echo of what it was sent.
MOST_PUSHED = 8 * 1024 * 1024


class Goodbye(NamedTuple):
    """A close frame, as the other end sent it (RFC 6455 5.5.1)."""

    code: int
    reason: str

    def __str__(self) -> str:
        return f"{self.code} {self.reason}".rstrip()


class Endless(Failed):
    """It pushes more than is read, and what is waited for is not among it."""

    def __init__(self, pushed: int) -> None:
        words = f"{pushed} bytes of messages came, and no answer to a ping among them"
        super().__init__("http.too_large", words, confidence=Confidence.LIKELY)


class Talk:
    """One WebSocket, event by event. `most`: bytes that are read for one thing that is waited for."""

    def __init__(self, connection: Connection, echoed: int) -> None:
        self._connection = connection
        self._most = echoed + MOST_PUSHED
        self._frames = Frames(ConnectionType.CLIENT)
        self._latest = b""
        self.pushed = 0  # bytes that came for what was waited for last
        self._pings = 0

    async def upgrade(self, request: Request, subprotocol: str | None, until: float) -> Reply:
        """The answer to the upgrade. Raises NetworkFailure; Failed for what is no answer to it."""
        key = generate_nonce()
        ours = [
            ("upgrade", "websocket"),
            ("connection", "Upgrade"),
            ("sec-websocket-key", key.decode()),
            ("sec-websocket-version", "13"),
        ]
        if subprotocol is not None:
            ours.append(("sec-websocket-protocol", subprotocol))
        client = Client(self._connection)
        reply = await client.ask(replace(request, headers=(*request.headers, *ours)), until)
        if reply.status == SWITCHED:
            if (wrong := objection(reply, key, subprotocol)) is not None:
                words = f"what answers is no WebSocket: {wrong}"
                raise Failed("ws.upgrade_blocked", words, confidence=Confidence.LIKELY)
            self._take(client.ahead)
        return reply

    async def ping(self, until: float, behind: bytes = b"") -> Goodbye | None:
        """Ping, behind a binary message in one frame, and wait for the pong; what the server ends the session
        with, if it does."""
        self._pings += 1
        token = b"netcheck %d" % self._pings
        try:
            if behind:
                await self._send(BytesMessage(behind), until)
            await self._send(Ping(token), until)
        except (PeerClosed, PeerReset):
            if (said := await self._said(until)) is None:
                raise
            return said
        while True:
            found = await self._next(until)
            if isinstance(found, Goodbye):
                return found
            if bytes(found.payload) == token:
                return None

    async def listen(self, until: float) -> Goodbye | None:
        """Say nothing until then but pongs; what the server ends the session with, if it does.

        None comes early where it pushes so much that it is no longer read.
        """
        try:
            while not isinstance(found := await self._next(until), Goodbye):
                pass  # a pong that nobody asked for (RFC 6455 5.5.3)
            return found
        except (TimedOut, Endless):
            return None

    async def _said(self, until: float) -> Goodbye | None:
        """The close frame that came before what we sent met the end of the connection."""
        try:
            while not isinstance(found := await self._next(until), Goodbye):
                pass
            return found
        except (NetworkFailure, Failed):
            return None

    async def leave(self, until: float) -> None:
        """Say goodbye; nobody waits for the answer."""
        await self._send(CloseConnection(code=1000), until)

    async def _send(self, event: Event, until: float) -> None:
        await self._connection.send(self._frames.send(event), until)

    async def _next(self, until: float) -> Pong | Goodbye:
        """The next pong, or the end; pings are answered on the way, and messages passed over."""
        self.pushed = 0
        while True:
            for event in self._events():
                if isinstance(event, Ping):
                    await self._send(event.response(), until)
                elif isinstance(event, Pong):
                    return event
                elif isinstance(event, CloseConnection):
                    return Goodbye(int(event.code), plain(event.reason or ""))
            self._take(await self._connection.receive(until, CHUNK))

    def _take(self, data: bytes) -> None:
        self._latest = data[:64] or self._latest
        self.pushed += len(data)
        if self.pushed > self._most:
            raise Endless(self.pushed)
        self._frames.receive_data(data)

    def _events(self) -> Iterator[Event]:
        """What came. Raises Failed where it is no frame that a server may send: wsproto calls that a close,
        with a code of its own, and goes on as if the session were open."""
        for event in self._frames.events():
            if isinstance(event, CloseConnection) and self._frames.state is ConnectionState.OPEN:
                wrong = f"what comes after the upgrade is no WebSocket frame: {plain(event.reason or '')}"
                words = f"{wrong}; {described(self._latest)}"
                raise Failed("protocol.malformed", words, confidence=Confidence.LIKELY)
            yield event


def objection(reply: Reply, key: bytes, subprotocol: str | None) -> str | None:
    """What is wrong with a 101 (RFC 6455 4.1); None where nothing is."""
    headers = reply.headers
    for name, token in (("upgrade", "websocket"), ("connection", "upgrade")):
        if token not in _tokens(headers.get(name, "").lower()):
            return f"its 101 has no `{name.capitalize()}: {token}`"
    if "sec-websocket-accept" not in headers:
        return "its 101 has no Sec-WebSocket-Accept"
    if headers["sec-websocket-accept"].strip().encode("latin-1") != generate_accept_token(key):
        return "its Sec-WebSocket-Accept is not the one that answers our key"
    if extensions := headers.get("sec-websocket-extensions", "").strip():
        return f"its 101 takes up an extension that was not offered: {plain(extensions)}"
    chosen = headers.get("sec-websocket-protocol")
    if chosen is not None and chosen != subprotocol:
        return f"its 101 chooses a subprotocol that was not offered: {plain(chosen)}"
    return None


def _tokens(text: str) -> set[str]:
    return {token.strip() for token in text.split(",")}
