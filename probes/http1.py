"""HTTP/1.1 (RFC 9112) by h11: a request and its reply on a connection, with bounded memory."""

from __future__ import annotations

import codecs
import functools
import re
import zlib
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

import h11

from probes.codes import Failed
from probes.net.base import Connection, NetworkFailure, PeerClosed, TimedOut
from probes.sniff import described, protocol_of

MOST_HEAD = 64 * 1024
MOST_BODY = 1024 * 1024
# All that is read for one reply: what frames a body may be far larger than what is in it.
MOST_REPLY = 4 * 1024 * 1024
# What is read of a redirect's body to use its connection again, and of any other to see that it arrives.
MOST_DRAINED = 64 * 1024
MOST_TEXT = 200
# Statuses that more than one module goes by (RFC 9110 15, RFC 6585 6).
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# An answer that asks for a login or refuses us still proves that the service is there and speaks.
REFUSALS = frozenset({401, 403})
PROXY_LOGIN = 407
NETWORK_LOGIN = 511
SWITCHED = 101
# Fields whose lines add up (RFC 9110 5.3), of those that are read here; of any other the first line counts.
LISTS = frozenset({"connection", "upgrade", "via", "sec-websocket-extensions", "sec-websocket-protocol"})
# Replies that go on for as long as the server has something to say: silence in them is no stall.
STREAMS = frozenset(
    {
        "text/event-stream",
        "multipart/x-mixed-replace",
        "application/x-ndjson",
        "application/stream+json",
        "application/json-seq",
    }
)
# Bytes that are enough to tell a protocol, and seconds of silence after which no more of them will come.
TELLING, SETTLED = 8, 2.0
CHUNK = 16 * 1024
FRAMES = frozenset({"content-length", "transfer-encoding"})

# zlib's window bits for what a Content-Encoding names (RFC 9110 8.4.1): with a gzip or a zlib header.
ENCODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


@dataclass(frozen=True, slots=True)
class Request:
    """`target` is path and query as the wire has them; `headers` in order."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """The head of a final response, or of a 101. Header names are in lower case."""

    status: int
    reason: str
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def framed(self) -> bool:
        """Whether the head tells where a body ends, and it is no stream."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return kind not in STREAMS and not self.headers.keys().isdisjoint(FRAMES)


class Client:
    """Requests on one connection, one after the other."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MOST_HEAD)
        self._opening = b""
        self._heard = 0
        self._asked = 0
        self._ended: PeerClosed | None = None
        self.body_bytes = 0

    @property
    def left_idle(self) -> bool:
        """Whether this connection took a request before, and answered the latest with nothing."""
        return self._asked > 1 and self._heard == 0

    async def ask(self, request: Request, until: float) -> Reply:
        """The reply's head; 1xx are passed over (RFC 9110 15.2), but a 101 to a request for an upgrade.

        Raises NetworkFailure, or Failed for what is no HTTP.
        """
        if self._http.our_state is h11.DONE:
            self._http.start_next_cycle()
        self._asked += 1
        self._heard = self.body_bytes = 0
        event = h11.Request(method=request.method, target=request.target, headers=list(request.headers))
        data = (self._http.send(event) or b"") + (self._http.send(h11.EndOfMessage()) or b"")
        await self._connection.send(data, until)
        while True:
            found = await self._event(until)
            if isinstance(found, h11.Response):
                return _reply(found)
            if isinstance(found, h11.InformationalResponse) and found.status_code == SWITCHED:
                return _reply(found)

    @property
    def ahead(self) -> bytes:
        """What came behind a 101: bytes of the protocol that was switched to."""
        return self._http.trailing_data[0]

    async def find(self, sought: str, reply: Reply, until: float) -> bool:
        """Whether the body, decoded, has this text in its first MiB; raises Failed where it is longer."""
        decoder = _Decoder(reply.headers.get("content-encoding", "").strip().lower())
        needle = sought.encode(_charset(reply.headers.get("content-type", "")), "replace")
        body = bytearray()
        while (data := await self._data(until)) is not None:
            start = max(0, len(body) - len(needle))
            body += decoder.decode(data, MOST_BODY + 1 - len(body))
            self.body_bytes = len(body)
            if body.find(needle, start) >= 0:
                return True
            if len(body) > MOST_BODY:
                raise Failed("http.too_large", f"`{sought[:60]}` is not in the first MiB of the body")
        return False

    async def arrive(self, reply: Reply, until: float) -> str:
        """The body, its first 64 KiB at most, where the reply frames one (RFC 9112 6.3).

        Large packets may get lost where the head's small one passed. Raises NetworkFailure where the body
        stalls or is cut short, Failed where it is malformed. A body that ends with the connection is left:
        nothing tells a whole one from a stream.
        """
        body = bytearray()
        while (
            reply.framed and self.body_bytes < MOST_DRAINED and (data := await self._data(until)) is not None
        ):
            self.body_bytes += len(data)
            body += data
        return body.decode("utf-8", "replace")

    async def content(self, reply: Reply, until: float, most: int) -> bytes:
        """The body as it travels, so much of it. Raises NetworkFailure, Failed."""
        body = bytearray()
        while len(body) < most and (data := await self._data(until)) is not None:
            body += data
        return bytes(body[:most])

    async def text(self, until: float) -> str:
        """The rest of the reply as far as it comes and is short, as it travels."""
        body = bytearray()
        try:
            while len(body) <= MOST_DRAINED and (data := await self._data(until)) is not None:
                body += data
        except (NetworkFailure, Failed):
            pass
        return body.decode("utf-8", "replace")

    async def drain(self, until: float) -> bool:
        """Read the rest of the reply if it is short; whether the connection can take another request."""
        await self.text(until)
        return self._http.their_state is h11.DONE and self._http.our_state is h11.DONE

    async def _data(self, until: float) -> bytes | None:
        """The next piece of the body, as it travels; None at its end."""
        event = await self._event(until)
        return bytes(event.data) if isinstance(event, h11.Data) else None

    async def _event(self, until: float) -> object:
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                raise self._ended or self._malformed(error) from None
            if event is not h11.NEED_DATA:
                return event
            await self._feed(until)

    async def _feed(self, until: float) -> None:
        try:
            data = await self._connection.receive(until, CHUNK)
        except PeerClosed as closed:
            self._end(closed)
            return
        except TimedOut as late:
            if self._foreign and late.idle > SETTLED:
                raise self._mismatch() from None
            raise
        if not self._opening.startswith(b"HTTP/"):
            self._recognize(data)
            if self._foreign:
                return
        self._heard += len(data)
        if self._heard > MOST_REPLY:
            raise Failed("http.too_large", f"no end of the reply in {self._heard} bytes")
        if self._http.their_state is h11.SEND_RESPONSE and self._heard > MOST_HEAD + CHUNK:
            raise self._endless_head()
        self._http.receive_data(data)

    def _end(self, closed: PeerClosed) -> None:
        """The end of the connection is the end of a body without a length (RFC 9112 6.3)."""
        if self._http.their_state is not h11.SEND_BODY:
            raise closed
        self._ended = closed
        self._http.receive_data(b"")

    @property
    def _foreign(self) -> bool:
        """The first bytes are not HTTP's."""
        return not b"HTTP/".startswith(self._opening[:5])

    def _recognize(self, data: bytes) -> None:
        """Raises Failed where the first bytes are another protocol's; a few that say nothing may go on."""
        self._opening = (self._opening + data)[:64]
        telling = len(self._opening) >= TELLING or protocol_of(self._opening)
        if self._foreign and telling:
            raise self._mismatch()

    def _mismatch(self) -> Failed:
        protocol = protocol_of(self._opening)
        if protocol == "TLS":
            return Failed("protocol.mismatch", "TLS answers where plain HTTP was asked for")
        cause = "protocol.mismatch" if protocol else "protocol.malformed"
        return Failed(cause, f"no HTTP: {described(self._opening)}")

    def _endless_head(self) -> Failed:
        return Failed("http.too_large", f"no end of the response head in {self._heard} bytes")

    def _malformed(self, error: h11.RemoteProtocolError) -> Failed:
        if error.error_status_hint == 431:
            return self._endless_head()
        words = str(error).replace("bytearray(b", "(")  # h11 quotes its buffer as Python shows it
        return Failed("protocol.malformed", f"malformed HTTP: {plain(words)}")


class _Decoder:
    """A body's Content-Encoding undone, never more than asked for."""

    def __init__(self, encoding: str) -> None:
        if encoding not in ("", "identity", *ENCODINGS):
            raise Failed("http.body_mismatch", f"the body is encoded as {plain(encoding)}, unasked")
        self._inflate = zlib.decompressobj(ENCODINGS[encoding]) if encoding in ENCODINGS else None

    def decode(self, data: bytes, limit: int) -> bytes:
        """At most `limit` bytes, which is above zero; what a bomb still holds is dropped."""
        if self._inflate is None:
            return data[:limit]
        try:
            return self._inflate.decompress(data, limit)
        except zlib.error:
            raise Failed("protocol.malformed", "the body is not compressed as its head says") from None


def _reply(response: h11.Response | h11.InformationalResponse) -> Reply:
    headers: dict[str, str] = {}
    for raw, value in response.headers:
        name, text = raw.decode("ascii"), value.decode("latin-1")
        if name in LISTS and name in headers:
            headers[name] += f", {text}"
        headers.setdefault(name, text)
    return Reply(response.status_code, plain(response.reason.decode("latin-1")), headers)


def _charset(content_type: str) -> str:
    """The charset that a Content-Type names, where Python knows it; else UTF-8."""
    found = re.search(r'charset="?([\w-]{1,40})', content_type, re.IGNORECASE)
    try:
        return codecs.lookup(found[1]).name if found else "utf-8"
    except LookupError:
        return "utf-8"


def plain(text: str) -> str:
    """A server's text made fit to show: printable, on one line, short."""
    shown = "".join(char if char.isprintable() else " " for char in text[: MOST_TEXT + 1])
    return shown if len(shown) <= MOST_TEXT else f"{shown[:MOST_TEXT]}…"


@functools.cache
def user_agent() -> str:
    """How netcheck names itself to servers."""
    try:
        return f"netcheck/{version('netcheck')} (connectivity check)"
    except PackageNotFoundError:  # the probes alone, without the application
        return "netcheck (connectivity check)"
