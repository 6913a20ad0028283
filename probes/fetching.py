"""One small answer by plain HTTP, beside a check: a certificate that was left out, a list of revoked ones, a
page that is known. Only where asked for.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from probes import causes
from probes.codes import Failed
from probes.contract import Layer, Target
from probes.http1 import Client, Reply, Request, user_agent
from probes.ladder import is_address, of_hosts
from probes.net.base import Network, NetworkFailure

PORT = 80
MOST = 64 * 1024  # bytes of an answer that are read
# An OCSP responder minds a GET without a question (RFC 6960 A.1), and is reached all the same.
ANSWERED = frozenset({400, 404, 405, 411, 415})


async def fetch(url: str, network: Network, until: float) -> bytes:
    """The file's first 64 KiB. Raises Failed with the cause of the step that did not pass."""
    reply, content = await get(url, network, until)
    if reply.status >= 400 and reply.status not in ANSWERED:
        raise Failed("http.status", f"{reply.status} {reply.reason}".strip())
    return content


def service(url: str) -> Target:
    """Who is asked."""
    parts = urlsplit(url)
    return Target(parts.hostname or "", parts.port or PORT)


async def get(url: str, network: Network, until: float) -> tuple[Reply, bytes]:
    """An answer, and the first 64 KiB of what comes with a 200. Raises Failed."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or PORT
    if parts.scheme != "http" or not host:
        raise Failed("probe.unsupported", f"only http is fetched, not {url[:80]}")
    layer = Layer.RESOLVE
    try:
        found: tuple[str, ...] = (host,)
        if not is_address(host):
            found = (await network.resolve(host, until - network.now())).addresses
        address = of_hosts(host, found)[0]
        layer = Layer.CONNECT
        connection = await network.connect(address, port, until)
        try:
            layer = Layer.PROTOCOL
            client = Client(connection)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            headers = (("host", parts.netloc), ("user-agent", user_agent()), ("accept", "*/*"))
            reply = await client.ask(Request("GET", target, headers), until)
            return reply, await client.content(reply, until, MOST) if reply.status == 200 else b""
        finally:
            connection.close()
    except NetworkFailure as error:
        raise causes.explain(layer, error) from None
