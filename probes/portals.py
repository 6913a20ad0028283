"""The login page of a network (a captive portal), told by a question whose right answer is known beforehand.

Such a network answers every plain request itself until somebody logs in. Asked only where a check gives the
URL, and no answer at all says nothing: a host that is offline has no portal.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from probes import causes, urls
from probes.codes import Failed
from probes.contract import Layer
from probes.http1 import Client, Reply, Request, plain
from probes.ladder import is_address
from probes.net.base import Network, NetworkFailure

LOGIN = 511  # Network Authentication Required (RFC 6585 6): no service's own answer
REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST = 16 * 1024  # bytes of an answer in which the known text stands


class Told(NamedTuple):
    """What the question told. `portal`: None where the answer fits neither; `to`: the host it sends to."""

    portal: bool | None
    words: str
    to: str | None = None


async def ask(url: str, body: str | None, network: Network, until: float, user_agent: str) -> Told:
    """Ask once. The right answer is 204, or the text `body` where one is given."""
    parts = urlsplit(url)
    layer = Layer.RESOLVE
    try:
        address = parts.hostname or ""
        if not is_address(address):
            address = (await network.resolve(address, until - network.now())).addresses[0]
        layer = Layer.CONNECT
        connection = await network.connect(address, urls.port_of(parts), until)
        try:
            layer = Layer.PROTOCOL
            client = Client(connection)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            headers = (("host", parts.netloc), ("user-agent", user_agent), ("accept", "*/*"))
            reply = await client.ask(Request("GET", target, headers), until)
            page = await client.content(reply, until, MOST) if reply.status == 200 else b""
            return judged(url, body, reply, page)
        finally:
            connection.close()
    except NetworkFailure as error:
        return Told(None, _nothing(url, causes.explain(layer, error).summary))
    except Failed as error:
        return Told(None, _nothing(url, error.summary))


def _nothing(url: str, why: str) -> str:
    return f"the challenge {url} tells nothing: {why}"


def judged(url: str, body: str | None, reply: Reply, page: bytes) -> Told:
    """What an answer to the question means. A server that wants its own https, or fails, is no portal."""
    answer = f"the challenge {url} is answered {reply.status} {reply.reason}".rstrip()
    if reply.status == LOGIN:
        return Told(True, f"{answer}: the network wants a login")
    right = reply.status == 204 if body is None else reply.status == 200 and body.encode() in page
    if right:
        return Told(False, f"{answer}, as it should be: no login page of the network is in between")
    if reply.status in REDIRECTS and "location" in reply.headers:
        return _redirected(url, reply.headers["location"], answer)
    if reply.status == 200:
        return Told(True, f"{answer}, with a page that is not the known one")
    return Told(None, f"{answer}, which tells nothing of a login page")


def _redirected(url: str, location: str, answer: str) -> Told:
    asked = urlsplit(url)
    try:
        onward = urls.follow(asked, location)
    except ValueError:
        return Told(None, f"{answer}, with a redirect to what is no URL")
    host = urls.normal(onward.hostname or "")
    if host == urls.normal(asked.hostname or ""):
        return Told(None, f"{answer}, with a redirect to its own {plain(onward.geturl())}")
    return Told(True, f"{answer}, with a redirect to {plain(onward.geturl())}", host)
