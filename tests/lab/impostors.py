"""What answers in another's name: block pages, login pages of a network, and what spoils WebSockets. Fakes.

Kinds of `serve`, with a certificate's kind behind it for TLS (`page-zscaler inspected-cloud`): the names of
ANSWERS, each one answer to whatever is asked, and those of REFUSALS and UPGRADES, which answer a plain
request with 200 and an upgrade in a way of their own.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Ping, Request

Behaviour = Callable[[StreamReader, StreamWriter], Awaitable[None]]
FOREVER = 3600.0
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 1.3
LINGER_0 = struct.pack("ii", 1, 0)
MUCH = 32 * 1024  # bytes of frames that pass before something cuts them


def answer(status: str, *lines: str, body: str = "") -> bytes:
    """One answer as the wire has it."""
    page = body.encode()
    head = "\r\n".join((f"HTTP/1.1 {status}", *lines, f"Content-Length: {len(page)}", "", ""))
    return head.encode("latin-1") + page


def page(title: str, text: str) -> str:
    return f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>"


HTML = "Content-Type: text/html"
LOGIN = page("Welcome to ACME Guest Wi-Fi", "Accept the terms of use to go online.")
ANSWERS = {
    # Filters' pages in the place of a service.
    "page-zscaler": answer(
        "403 Forbidden",
        "Server: Zscaler/6.2",
        HTML,
        body=page("Website blocked", "Not allowed to browse this category. Your organization uses Zscaler."),
    ),
    "page-fortinet": answer(
        "200 OK", HTML, body=page("Web Page Blocked!", "FortiGuard Web Filtering: category Newly Registered.")
    ),
    "page-bluecoat": answer(
        "403 Forbidden",
        "Server: BlueCoat-Security-Appliance",
        HTML,
        body=page("Access Denied (content_filter_denied)", "Your request was denied by policy."),
    ),
    "page-umbrella": answer("302 Found", "Location: https://block.opendns.com/main?url=8080&type=policy"),
    "page-nobody": answer("403 Forbidden", HTML, body=page("Access Denied", "Ask your administrator.")),
    "page-nobody-200": answer("200 OK", HTML, body=page("Access Denied", "Ask your administrator.")),
    # A service's own answers that look like such.
    "own-403": answer(
        "403 Forbidden", "Server: nginx", HTML, body=page("403 Forbidden", "Log in to see this page.")
    ),
    "own-words": answer(
        "200 OK",
        "Server: nginx",
        HTML,
        body=page(
            "Audit of sessions",
            "Access denied for 3 users, 2 sessions blocked. Targets: FortiGate (Fortinet), Zscaler, Sophos.",
        ),
    ),
    "own-login": answer("302 Found", "Server: nginx", "Location: https://sso.lab.test/login?back=vault"),
    "own-https": answer("301 Moved Permanently", "Server: nginx", "Location: https://{host}/"),
    "own-product": answer(
        "403 Forbidden", "Server: FortiGate", HTML, body=page("Access denied", "Fortinet FortiGate: log in.")
    ),
    "wants-proxy-login": answer("407 Proxy Authentication Required", "Proxy-Authenticate: Negotiate"),
    # Login pages of a network, and right answers to the question for one.
    "portal-302": answer("302 Found", "Location: http://login.guest.test/start", HTML),
    "portal-200": answer("200 OK", HTML, body=LOGIN),
    "portal-511": answer("511 Network Authentication Required", HTML, body=LOGIN),
    "right-204": answer("204 No Content").replace(b"Content-Length: 0\r\n", b""),
    "right-200": answer("200 OK", "Content-Type: text/plain", body="lab online\n"),
    "right-404": answer("404 Not Found", body="no such page"),
    # What refuses an upgrade as it refuses everything, or says that only upgrades are served.
    "only-upgrades": answer("426 Upgrade Required", "Upgrade: websocket"),
    "wants-login": answer("401 Unauthorized", "Server: nginx", "WWW-Authenticate: Bearer"),
}
REFUSALS = {
    "ws-no-200": answer("200 OK", "Server: Apache", body="ok"),
    "ws-no-400": answer("400 Bad Request", "Server: nginx", body="bad"),
    "ws-no-426": answer("426 Upgrade Required", "Server: envoy"),
    "ws-no-403": answer("403 Forbidden", "Server: nginx", body="no"),
    "ws-no-401": answer("401 Unauthorized", "Server: nginx", "WWW-Authenticate: Bearer"),
    "ws-no-bluecoat": ANSWERS["page-bluecoat"],
    "ws-no-511": ANSWERS["portal-511"],
}


def saying(text: bytes) -> Behaviour:
    """The same answer to all; `{host}` in it is the name that was asked for."""

    async def behave(reader: StreamReader, writer: StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked = re.search(rb"^host:\s*([^\s:]+)", head, re.IGNORECASE | re.MULTILINE)
        writer.write(text.replace(b"{host}", asked[1] if asked else b""))

    return behave


def upgrading(behave: Callable[[bytes, StreamReader, StreamWriter], Awaitable[None]]) -> Behaviour:
    """A server that answers plain requests, and an upgrade in this way; `head` is what asks for it."""

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"upgrade: websocket" in head.lower():
            await behave(head, reader, writer)
        else:
            writer.write(answer("200 OK", "Server: nginx", body="ok"))

    return serve


def refusing(text: bytes) -> Behaviour:
    async def behave(head: bytes, reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(text)

    return upgrading(behave)


def accepted(head: bytes, wrong: bool = False) -> bytes:
    """101 with the Sec-WebSocket-Accept that the request asks for, or that of another's request."""
    asked = re.search(rb"sec-websocket-key:\s*(\S+)", head, re.IGNORECASE)
    key = b"another" if wrong or asked is None else asked[1]
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
    lines = ("Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {accept}", "", "")
    return "\r\n".join(("HTTP/1.1 101 Switching Protocols", *lines)).encode()


async def wrong_accept(head: bytes, reader: StreamReader, writer: StreamWriter) -> None:
    writer.write(accepted(head, wrong=True))
    await asyncio.sleep(FOREVER)


async def then_silence(head: bytes, reader: StreamReader, writer: StreamWriter) -> None:
    """Takes all that comes, and says nothing."""
    writer.write(accepted(head))
    while await reader.read(65536):
        pass


async def then_close(head: bytes, reader: StreamReader, writer: StreamWriter) -> None:
    writer.write(accepted(head))


async def then_page(head: bytes, reader: StreamReader, writer: StreamWriter) -> None:
    """A page where frames are due."""
    writer.write(accepted(head) + page("Access denied", "Ask your administrator.").encode())
    await writer.drain()
    while await reader.read(65536):
        pass


async def then_goodbye(head: bytes, reader: StreamReader, writer: StreamWriter) -> None:
    """Ends the session (1011) as soon as it stands."""
    reason = b"upstream unreachable"
    writer.write(accepted(head) + bytes([0x88, 2 + len(reason)]) + struct.pack("!H", 1011) + reason)
    await writer.drain()
    while await reader.read(65536):
        pass


async def cut(head: bytes, reader: StreamReader, writer: StreamWriter) -> None:
    """Resets the connection once more than 32 kB of frames have come."""
    await _talk(head, reader, writer, most=MUCH)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
    writer.transport.abort()


async def leaves(head: bytes, reader: StreamReader, writer: StreamWriter) -> None:
    """Says goodbye (1001) to a session that is silent for a second."""
    await _talk(head, reader, writer, patience=1.0)


async def too_big(head: bytes, reader: StreamReader, writer: StreamWriter) -> None:
    """Ends the session with 1009 where more than 32 kB come."""
    ws = await _talk(head, reader, writer, most=MUCH)
    writer.write(ws.send(CloseConnection(code=1009, reason="too big")))
    await writer.drain()
    while await reader.read(65536):
        pass


async def _talk(
    head: bytes,
    reader: StreamReader,
    writer: StreamWriter,
    most: int | None = None,
    patience: float | None = None,
) -> WSConnection:
    """A session that answers pings, until it is over or so many bytes have come."""
    ws, came = WSConnection(ConnectionType.SERVER), 0
    ws.receive_data(head)
    while most is None or came <= most:
        for event in ws.events():
            if isinstance(event, Request):
                writer.write(ws.send(AcceptConnection()))
            elif isinstance(event, (Ping, CloseConnection)):
                writer.write(ws.send(event.response()))
            if isinstance(event, CloseConnection):
                return ws
        await writer.drain()
        try:
            data = await asyncio.wait_for(reader.read(65536), patience)
        except TimeoutError:
            writer.write(ws.send(CloseConnection(code=1001, reason="idle")))
            return ws
        if not data:
            return ws
        came += len(data)
        ws.receive_data(data)
    return ws


UPGRADES = {
    "ws-wrong-accept": wrong_accept,
    "ws-then-silence": then_silence,
    "ws-then-close": then_close,
    "ws-then-page": then_page,
    "ws-then-goodbye": then_goodbye,
    "ws-cut": cut,
    "ws-leaves": leaves,
    "ws-too-big": too_big,
}
BEHAVIOURS: dict[str, Behaviour] = {
    **{name: saying(text) for name, text in ANSWERS.items()},
    **{name: refusing(text) for name, text in REFUSALS.items()},
    **{name: upgrading(behave) for name, behave in UPGRADES.items()},
}
