"""Is it something in the ClientHello? Handshakes that differ from the one that failed in one thing each.

What stands on the way reads the ClientHello: its name, its versions, its size. A certificate is not judged
here; that a session came about is enough.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace

from probes import causes
from probes.codes import Failed
from probes.contract import Layer
from probes.net.base import Network, NetworkFailure, TlsHello
from probes.variation import Variation


async def vary(
    address: str, port: int, hello: TlsHello, network: Network, timeout: float
) -> tuple[Variation, ...]:
    """The same handshake again, each time with one thing changed; all beside each other, for most wait."""
    return await _shake_all(address, port, _variations(hello), network, timeout)


async def versions(
    address: str, port: int, hello: TlsHello, network: Network, timeout: float
) -> tuple[Variation, ...]:
    """The same handshake with each version of TLS alone: other clients have no more than one."""
    return await _shake_all(address, port, _versions(hello), network, timeout)


Other = tuple[str, str | None, TlsHello]  # what is varied, to which value, and the hello that comes of it


def _versions(hello: TlsHello) -> list[Other]:
    return [("tls_version", one, replace(hello, only=one)) for one in ("TLSv1.2", "TLSv1.3")]


def _variations(hello: TlsHello) -> list[Other]:
    found: list[Other] = [*_versions(hello), ("client_hello", "small", replace(hello, small=True))]
    if hello.server_name is not None:
        other = f"{secrets.token_hex(6)}.invalid"
        found.append(("server_name", None, replace(hello, server_name=None)))
        found.append(("server_name", other, replace(hello, server_name=other)))
    alpn = () if hello.alpn else ("http/1.1",)
    found.append(("alpn", ", ".join(alpn) or None, replace(hello, alpn=alpn)))
    return found


async def _shake_all(
    address: str, port: int, variations: list[Other], network: Network, timeout: float
) -> tuple[Variation, ...]:
    asked = (_shake(address, port, *one, network, timeout) for one in variations)
    return tuple(await asyncio.gather(*asked))


async def _shake(
    address: str,
    port: int,
    varied: str,
    value: str | None,
    hello: TlsHello,
    network: Network,
    timeout: float,
) -> Variation:
    layer, until = Layer.CONNECT, network.now() + timeout
    try:
        connection = await network.connect(address, port, until)
        try:
            layer, until = Layer.TLS, network.now() + timeout
            session = await connection.start_tls(hello, until)
        finally:
            connection.close()
    except NetworkFailure as error:
        failed = causes.explain(layer, error)
        alone = hello.only is not None and failed.cause == "tls.protocol_version"
        words = f"the server refuses {hello.only}" if alone else failed.summary
        return Variation(varied, value, failed.cause, words)
    except Failed as failed:  # our own trust store
        return Variation(varied, value, failed.cause, failed.summary)
    return Variation(varied, value, None, f"a session by {session.version} with {session.cipher}")
