"""One small file by HTTP: a certificate that was left out, a list of revoked ones. Only where asked for."""

from __future__ import annotations

from urllib.parse import urlsplit

from probes import causes
from probes.codes import Failed
from probes.contract import Layer
from probes.http1 import Client, Request
from probes.net.base import Network, NetworkFailure

MOST = 64 * 1024  # as much of a file as is read
# An OCSP responder minds a GET without a question (RFC 6960 A.1), and is reached all the same.
ANSWERED = frozenset({400, 404, 405, 411, 415})


async def fetch(url: str, network: Network, until: float, user_agent: str) -> bytes:
    """The file's first 64 KiB. Raises Failed with the cause of the step that did not pass."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    if parts.scheme != "http" or not host:
        raise Failed("probe.unsupported", f"only http is fetched, not {url[:80]}")
    layer = Layer.RESOLVE
    try:
        addresses = (await network.resolve(host, until - network.now())).addresses
        layer = Layer.CONNECT
        connection = await network.connect(addresses[0], port, until)
        try:
            layer = Layer.PROTOCOL
            client = Client(connection)
            target = parts.path or "/"
            headers = (("host", parts.netloc), ("user-agent", user_agent), ("accept", "*/*"))
            reply = await client.ask(Request("GET", target, headers), until)
            if reply.status >= 400 and reply.status not in ANSWERED:
                raise Failed("http.status", f"{reply.status} {reply.reason}".strip())
            return await client.content(reply, until, MOST)
        finally:
            connection.close()
    except NetworkFailure as error:
        raise causes.explain(layer, error) from None
