"""Devices in front of a TLS server that read the ClientHello: `python -m tests.lab.middleboxes FILE`.

FILE is as for `tests.lab.listeners`. What a device does not mind it passes on to a server of its own, which
speaks TLS with the certificate in the PEM file. What it minds it resets or swallows; some say no by an alert,
and some decrypt it: a second PEM file has the certificate that they make.
"""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.lab.listeners import ALERT, Behaviour, context, http_ok, reset, silent, wrapped
from tests.lab.scenes import DOMAIN

SERVER_NAME, ALPN, SUPPORTED_VERSIONS = 0, 16, 43
TLS_1_2, TLS_1_3 = b"\x03\x03", b"\x03\x04"
LARGE = 1000  # bytes; a ClientHello has 300, with a post-quantum key share 1,500
UNRECOGNIZED_NAME, NO_PROTOCOL = 112, 120


class Hello(NamedTuple):
    """A ClientHello (RFC 8446 4.1.2): its size with its record's header, and its extensions."""

    size: int
    extensions: dict[int, bytes]

    @property
    def versions(self) -> tuple[bytes, ...]:
        """What it offers; without the extension TLS 1.2 and older."""
        listed = self.extensions.get(SUPPORTED_VERSIONS)
        if listed is None:
            return (TLS_1_2,)
        return tuple(listed[at : at + 2] for at in range(1, len(listed), 2))

    @property
    def name(self) -> str:
        """The server's name; empty: none was sent (RFC 6066 3)."""
        return self.extensions.get(SERVER_NAME, b"")[5:].decode("ascii")


class Box(NamedTuple):
    """What a device minds and does then; `strict`: the server behind knows its own name alone.

    `does` None: it decrypts.
    """

    minds: Callable[[Hello], bool]
    does: Behaviour | None
    strict: bool = False

    def ends(self, hello: Hello) -> Behaviour | None:
        """Who ends the connection at this hello, if anybody."""
        if self.does and self.minds(hello):
            return self.does
        return _alert(UNRECOGNIZED_NAME) if self.strict and not _ours(hello) else None

    def decrypts(self, hello: Hello) -> bool:
        """Whether the client gets the device's own certificate."""
        return self.does is None and self.minds(hello)


def _alert(number: int) -> Behaviour:
    async def say(reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(ALERT + bytes([number]))

    return say


def _has(version: bytes) -> Callable[[Hello], bool]:
    return lambda hello: version in hello.versions


def _ours(hello: Hello) -> bool:
    return hello.name.endswith(DOMAIN)


def _large(hello: Hello) -> bool:
    return hello.size > LARGE


def _no_alpn(hello: Hello) -> bool:
    return ALPN not in hello.extensions


def _alpn(hello: Hello) -> bool:
    return ALPN in hello.extensions


def _h2(hello: Hello) -> bool:
    return b"\x02h2" in hello.extensions.get(ALPN, b"")


def _old(hello: Hello) -> bool:
    return TLS_1_3 not in hello.versions


BOXES = {
    "box-1.3-reset": Box(_has(TLS_1_3), reset),
    "box-1.3-silent": Box(_has(TLS_1_3), silent),
    "box-1.2-reset": Box(_has(TLS_1_2), reset),
    "box-large-reset": Box(_large, reset),
    "box-large-silent": Box(_large, silent),
    "box-name-reset": Box(_ours, reset),
    "box-name-silent": Box(_ours, silent),
    "box-name-strict": Box(_ours, reset, strict=True),
    "box-no-alpn": Box(_no_alpn, _alert(NO_PROTOCOL)),
    "box-alpn": Box(_alpn, _alert(NO_PROTOCOL)),
    "box-all-silent": Box(lambda hello: True, silent),
    "box-1.2-decrypts": Box(_old, None),
    "box-h2-decrypts": Box(_h2, None),
    "box-1.2-silent": Box(_old, silent),
}


async def read_hello(reader: StreamReader) -> tuple[bytes, Hello]:
    """The first record as it came, and what it says."""
    head = await reader.readexactly(5)
    body = await reader.readexactly(int.from_bytes(head[3:]))
    return head + body, parsed(body)


def parsed(body: bytes) -> Hello:
    """A ClientHello without its record's header."""
    at = 4 + 2 + 32  # the message's header, version, random
    at += 1 + body[at]  # session
    at += 2 + int.from_bytes(body[at : at + 2])  # ciphers
    at += 1 + body[at]  # compression
    end = at + 2 + int.from_bytes(body[at : at + 2])
    at += 2
    found = {}
    while at + 4 <= end:
        kind, length = int.from_bytes(body[at : at + 2]), int.from_bytes(body[at + 2 : at + 4])
        found[kind] = body[at + 4 : at + 4 + length]
        at += 4 + length
    return Hello(5 + len(body), found)


async def behind(kind: str, pem: str) -> int:
    """The port of the server behind, on loopback."""
    server = await asyncio.start_server(wrapped(http_ok), "127.0.0.1", 0, ssl=context(kind, pem))
    port: int = server.sockets[0].getsockname()[1]
    return port


def device(box: Box, port: int, own: int) -> Behaviour:
    """Reads what the client says first, and then passes everything on, or does as it does.

    `port` of the server behind, `own` of the one that shows the device's certificate.
    """

    async def pass_on(reader: StreamReader, writer: StreamWriter) -> None:
        first, hello = await read_hello(reader)
        if end := box.ends(hello):
            await end(reader, writer)
            return
        there, back = await asyncio.open_connection("127.0.0.1", own if box.decrypts(hello) else port)
        back.write(first)
        await asyncio.gather(_copy(reader, back), _copy(there, writer))

    return pass_on


async def _copy(reader: StreamReader, writer: StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def serve(wanted: list[tuple[str, int, str, str, str | None]]) -> None:
    """Listen everywhere, and serve until the process ends."""
    for address, port, kind, pem, own_pem in wanted:
        box = BOXES[kind.split()[0]]
        server = await behind(kind, pem)
        own = await behind(kind, own_pem) if own_pem else server
        behave = wrapped(device(box, server, own))
        await asyncio.start_server(behave, address, port, backlog=64)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(Path(sys.argv[1]).read_text())))
