"""SSH servers beyond a plain OpenSSH: with a key of their own, full, late, or choosy about algorithms.

Kinds of `serve`. Real ones: `ssh-key NAME` (OpenSSH whose only host key is NAME: scenes that name the same
have the same; `{key-NAME}` is its fingerprint), `ssh-full` (OpenSSH with MaxStartups 1, whose one place
another client holds), `ssh-single` (the same, and nobody there).

Before a real OpenSSH on the place's own loopback stand: `ssh-refuses NAME` (ends the connection where the
algorithm NAME is agreed on; `any`: whatever is; `no-words`: as soon as we introduced ourselves),
`ssh-refuses-new NAME` (the same, and sntrup761 is offered too), `ssh-says-no NAME` (as `ssh-refuses`, by a
DISCONNECT that says why), `ssh-hangs NAME` (says nothing more instead), `ssh-late SECONDS` (says nothing for
so long), `ssh-turns` (turns every other connection away, as MaxStartups does it by chance).

`python -m tests.lab.sshds FILE` serves these and holds the places; FILE is JSON, a list of
[address, port, words of the kind].
"""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path

from probes.ssh.algorithms import agree
from probes.ssh.wire import identification, opening, packet
from tests.lab.listeners import FOREVER, too_many, wrapped

# Each of its own: what one scene's clients do must not count for another's.
OPENSSH = {
    "ssh-key": "",
    "ssh-full": "MaxStartups 1\nLoginGraceTime 0",
    "ssh-single": "MaxStartups 1",
}
BEFORE = ("ssh-refuses", "ssh-refuses-new", "ssh-says-no", "ssh-hangs", "ssh-late", "ssh-turns")
KEX = "curve25519-sha256,ecdh-sha2-nistp256,diffie-hellman-group14-sha256"
# The OpenSSH behind them, by port of the place's own loopback.
BEHIND = {
    9022: f"KexAlgorithms {KEX}\nCiphers aes128-gcm@openssh.com,aes256-ctr",
    9023: f"KexAlgorithms sntrup761x25519-sha512@openssh.com,{KEX}",
}
PLAIN, NEW = BEHIND
NOTHING = ""  # is refused
SOON = 0.05


def disconnect(reason: int, words: str) -> bytes:
    """An SSH_MSG_DISCONNECT in clear (RFC 4253 11.1)."""
    text = words.encode()
    return packet(bytes([1]) + reason.to_bytes(4, "big") + len(text).to_bytes(4, "big") + text + bytes(4))


SAYS_NO = disconnect(3, "no such group here")


async def refuses(
    port: int,
    refused: str,
    reader: StreamReader,
    writer: StreamWriter,
    *,
    last: bytes = b"",
    stays: bool = False,
) -> None:
    """Passes everything on both ways, until both lists are known and the refused algorithm is agreed on.

    Then it says its `last` words, and ends the connection or `stays` without a word.
    """
    behind, to_behind = await asyncio.open_connection("127.0.0.1", port)
    heard: dict[str, bytes] = {"client": b"", "server": b""}

    async def pass_on(whose: str, source: StreamReader, sink: StreamWriter) -> None:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
            if not agreed:
                heard[whose] += data
                agreed.update(_agreed(heard["client"], heard["server"]))
            if agreed & {refused} or (agreed and refused == "any"):
                return
            if refused == "no-words" and heard["client"]:
                return

    agreed: set[str] = set()
    ways = {
        asyncio.ensure_future(pass_on("client", reader, to_behind)),
        asyncio.ensure_future(pass_on("server", behind, writer)),
    }
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        if agreed & {refused} and (last or stays):
            with suppress(OSError):
                writer.write(last)
                while stays and await reader.read(4096):
                    pass
        to_behind.close()
        with suppress(OSError):
            await to_behind.wait_closed()


def _agreed(client: bytes, server: bytes) -> set[str]:
    """The algorithms on which both agree; none where the lists of one have not come yet."""
    lists = []
    for data in (client, server):
        hello = identification(data)
        lists.append(opening(data[hello.end :]) if hello else None)
    if None in lists:
        return set()
    return set(agree(*lists).chosen.values())  # type: ignore[arg-type]


async def late(seconds: float, reader: StreamReader, writer: StreamWriter) -> None:
    await asyncio.sleep(seconds)
    await refuses(PLAIN, NOTHING, reader, writer)


async def turns(counter: Iterable[int], reader: StreamReader, writer: StreamWriter) -> None:
    if next(iter(counter)) % 2:
        await refuses(PLAIN, NOTHING, reader, writer)
    else:
        await too_many(reader, writer)


async def hold(address: str, port: int) -> None:
    """Be the one client that has not logged in yet, and stay it."""
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection(address, port)
            while await reader.read(4096):
                pass
            writer.close()
        await asyncio.sleep(SOON)


async def serve(wanted: list[tuple[str, int, str]]) -> None:
    """Listen everywhere, hold what is to be held, and serve until the process ends."""
    holding = []
    for address, port, words in wanted:
        kind, _, value = words.partition(" ")
        if kind == "ssh-full":
            holding.append(asyncio.ensure_future(hold(address, port)))
            continue
        behave = {
            "ssh-refuses": partial(refuses, PLAIN, value),
            "ssh-refuses-new": partial(refuses, NEW, value),
            "ssh-says-no": partial(refuses, PLAIN, value, last=SAYS_NO),
            "ssh-hangs": partial(refuses, PLAIN, value, stays=True),
            "ssh-late": partial(late, float(value) if kind == "ssh-late" else 0.0),
            "ssh-turns": partial(turns, count()),
        }[kind]
        await asyncio.start_server(wrapped(behave), address, port, backlog=64)
    await asyncio.sleep(FOREVER)


if __name__ == "__main__":
    asyncio.run(serve(json.loads(Path(sys.argv[1]).read_text())))
