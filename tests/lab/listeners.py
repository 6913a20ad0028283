"""Servers that misbehave, each a few lines: `python -m tests.lab.listeners FILE` serves them all.

FILE is JSON: a list of [address, port, kind, PEM file or null]. Prints `ready` once all listen.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import socket
import ssl
import struct
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Ping, Request

from tests.lab import impostors

Behaviour = Callable[[StreamReader, StreamWriter], Awaitable[None]]
FOREVER = 3600.0
# TLS 1.2 records: a fatal alert with its number; a ServerHello's header that promises 512 bytes.
ALERT = b"\x15\x03\x03\x00\x02\x02"
HALF_HELLO = b"\x16\x03\x03\x02\x00\x02\x00\x01\xfc\x03\x03"
LINGER_0 = struct.pack("ii", 1, 0)


async def silent(reader: StreamReader, writer: StreamWriter) -> None:
    await asyncio.sleep(FOREVER)


async def close(reader: StreamReader, writer: StreamWriter) -> None:
    return


async def reset(reader: StreamReader, writer: StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
    writer.transport.abort()


async def close_after_request(reader: StreamReader, writer: StreamWriter) -> None:
    await reader.read(4096)


async def reset_after_request(reader: StreamReader, writer: StreamWriter) -> None:
    await reader.read(4096)
    await reset(reader, writer)


async def garbage(reader: StreamReader, writer: StreamWriter) -> None:
    writer.write(os.urandom(64).replace(b"\n", b"\xff") * 64)
    await asyncio.sleep(FOREVER)


async def trickle(reader: StreamReader, writer: StreamWriter) -> None:
    """One byte a second: a beginning that could be SSH or HTTP for ever."""
    while True:
        writer.write(b"x")
        await asyncio.sleep(1)


async def ssh_trickle(reader: StreamReader, writer: StreamWriter) -> None:
    for byte in b"SSH-2.0-Slow" + b"_" * 200:
        writer.write(bytes([byte]))
        await asyncio.sleep(1)


async def smtp(reader: StreamReader, writer: StreamWriter) -> None:
    writer.write(b"220 mail.lab.test ESMTP ready\r\n")
    await asyncio.sleep(FOREVER)


async def ssh_then_reset(reader: StreamReader, writer: StreamWriter) -> None:
    writer.write(b"SSH-2.0-Lab_1.0\r\n")
    await reader.read(256)
    await reset(reader, writer)


async def ssh_then_close(reader: StreamReader, writer: StreamWriter) -> None:
    writer.write(b"SSH-2.0-Lab_1.0\r\n")
    await reader.read(256)


async def ssh_then_silent(reader: StreamReader, writer: StreamWriter) -> None:
    writer.write(b"SSH-2.0-Lab_1.0\r\n")
    await asyncio.sleep(FOREVER)


async def ssh_endless(reader: StreamReader, writer: StreamWriter) -> None:
    """Lines before the identification (RFC 4253 4.2 allows some), never the identification."""
    while True:
        writer.write(b"welcome to this device\r\n" * 100)
        await writer.drain()


async def too_many(reader: StreamReader, writer: StreamWriter) -> None:
    """What OpenSSH says past MaxStartups."""
    writer.write(b"Exceeded MaxStartups\r\n")


async def tls_alert_40(reader: StreamReader, writer: StreamWriter) -> None:
    await reader.read(4096)
    writer.write(ALERT + bytes([40]))


async def tls_alert_70(reader: StreamReader, writer: StreamWriter) -> None:
    await reader.read(4096)
    writer.write(ALERT + bytes([70]))


async def tls_half(reader: StreamReader, writer: StreamWriter) -> None:
    await reader.read(4096)
    writer.write(HALF_HELLO)
    await asyncio.sleep(FOREVER)


async def http_endless(reader: StreamReader, writer: StreamWriter) -> None:
    await reader.read(4096)
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Filler: 0123456789abcdef\r\n" * 100)
        await writer.drain()


@cache
def bomb() -> bytes:
    return gzip.compress(bytes(64_000_000))


async def http_bomb(reader: StreamReader, writer: StreamWriter) -> None:
    """64 MB of zeros in 64 kB of gzip, then again, without an end."""
    await reader.read(4096)
    block = bomb()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"%x\r\n%b\r\n" % (len(block), block))
        await writer.drain()


async def http_ok(reader: StreamReader, writer: StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


async def http_late(reader: StreamReader, writer: StreamWriter) -> None:
    """An answer that comes after eight seconds."""
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(8)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


requests, turns = count(1), count(1)


async def http_in_parts(reader: StreamReader, writer: StreamWriter) -> None:
    """A head that fits any packet, and a moment later a body that fills some."""
    await reader.read(4096)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n")
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.write(b"lab says hello\n" * 2000)
    await writer.drain()
    await asyncio.sleep(FOREVER)


async def every_third(reader: StreamReader, writer: StreamWriter) -> None:
    """Answers one request of three; the others wait for ever."""
    await reader.readuntil(b"\r\n\r\n")
    if next(requests) % 3:
        await asyncio.sleep(FOREVER)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


async def every_other(reader: StreamReader, writer: StreamWriter) -> None:
    """A pool of two that take connections in turn, of which one answers and one waits for ever."""
    waits = next(turns) % 2
    await reader.readuntil(b"\r\n\r\n")
    if waits:
        await asyncio.sleep(FOREVER)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


async def reset_later(reader: StreamReader, writer: StreamWriter) -> None:
    """A server that resets idle connections, after two seconds."""
    with suppress(TimeoutError):
        await asyncio.wait_for(reader.read(1), 2)
    await reset(reader, writer)


async def close_later(reader: StreamReader, writer: StreamWriter) -> None:
    """A server that ends idle connections itself, after two seconds."""
    with suppress(TimeoutError):
        await asyncio.wait_for(reader.read(1), 2)


async def websocket(reader: StreamReader, writer: StreamWriter) -> None:
    """A WebSocket server that answers pings; to a plain request it says 200."""
    head = await reader.readuntil(b"\r\n\r\n")
    if b"upgrade: websocket" not in head.lower():
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        return
    ws = WSConnection(ConnectionType.SERVER)
    ws.receive_data(head)
    while True:
        for event in ws.events():
            if isinstance(event, Request):
                writer.write(ws.send(AcceptConnection()))
            elif isinstance(event, Ping):
                writer.write(ws.send(event.response()))
            elif isinstance(event, CloseConnection):
                writer.write(ws.send(event.response()))
                return
        await writer.drain()
        data = await reader.read(65536)
        if not data:
            return
        ws.receive_data(data)


# Kinds of TLS servers, and the certificate of each.
TLS = {
    "mtls": "good",
    "mtls-1.2": "good",
    "tls-cbc": "good",
    "tls-weak-key": "weak-key",
    "tls-silent": "good",
}
BEHAVIOURS: dict[str, Behaviour] = {
    "accept": silent,  # for checks that ask for no more than an open port
    "silent": silent,
    "close": close,
    "reset": reset,
    "close-after-request": close_after_request,
    "reset-after-request": reset_after_request,
    "garbage": garbage,
    "trickle": trickle,
    "ssh-trickle": ssh_trickle,
    "smtp": smtp,
    "ssh-then-reset": ssh_then_reset,
    "ssh-then-close": ssh_then_close,
    "ssh-then-silent": ssh_then_silent,
    "ssh-endless": ssh_endless,
    "too-many": too_many,
    "tls-alert-40": tls_alert_40,
    "tls-alert-70": tls_alert_70,
    "tls-half": tls_half,
    "http-endless": http_endless,
    "http-bomb": http_bomb,
    "http-late": http_late,
    "http-in-parts": http_in_parts,
    "every-third": every_third,
    "every-other": every_other,
    "close-later": close_later,
    "websocket": websocket,
    "reset-later": reset_later,
    **dict.fromkeys(TLS, http_ok),
    "tls-silent": silent,
    **impostors.BEHAVIOURS,
}


def wrapped(behave: Behaviour) -> Behaviour:
    """The behaviour, then a plain close; a peer that goes away is nobody's error.

    What the peer has sent is read to its end: closing with bytes unread would reset the connection.
    """

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await behave(reader, writer)
            if writer.can_write_eof() and not writer.is_closing():
                writer.write_eof()
                await reader.read()
            writer.close()
            await writer.wait_closed()

    return serve


def context(kind: str, pem: str | None) -> ssl.SSLContext | None:
    """The TLS context of the kinds that speak it; of `mtls` it wants a certificate that nobody has."""
    if pem is None:
        return None
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.set_ciphers("ECDHE-ECDSA-AES128-SHA" if kind == "tls-cbc" else "DEFAULT@SECLEVEL=0")
    found.load_cert_chain(pem)
    if kind in ("mtls-1.2", "tls-cbc"):
        found.maximum_version = ssl.TLSVersion.TLSv1_2
    if kind.startswith("mtls"):
        found.load_verify_locations(pem)
        found.verify_mode = ssl.CERT_REQUIRED
    return found


async def serve(wanted: list[tuple[str, int, str, str | None]]) -> None:
    """Listen everywhere, say so, and serve until the process ends."""
    for address, port, kind, pem in wanted:
        behave = wrapped(BEHAVIOURS[kind.split()[0]])
        await asyncio.start_server(behave, address, port, ssl=context(kind, pem), backlog=64)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(Path(sys.argv[1]).read_text())))
