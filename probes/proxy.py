"""A way through an explicit proxy, and why it is closed: HTTP CONNECT (RFC 9110 9.3.6) or SOCKS5 (RFC 1928).

The ladder then stands on the proxy's address; who the target is, the proxy is told by name, for it resolves
names itself. No user or password is ever sent: a proxy that wants one says so, and that is the finding.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

import h11

from probes import causes, certificates, objections, pages
from probes.codes import Failed
from probes.contract import Ascent, Confidence, Layer, Outcome, Target, Timing
from probes.http1 import PROXY_LOGIN, plain
from probes.ladder import Climb, Ladder, is_address, look
from probes.net import trust
from probes.net.base import (
    ConnectFailed,
    Connection,
    Network,
    NetworkFailure,
    PeerClosed,
    PeerReset,
    TimedOut,
    TlsHello,
)
from probes.sniff import described

PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
# What a SOCKS server answers (RFC 1928 6), and whether it is its policy rather than the way onward.
REPLIES = {
    1: "general failure",
    2: "not allowed by its ruleset",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
    7: "command not supported",
    8: "address type not supported",
}
ALPN = ("http/1.1",)
BY_RULE, SOCKS_ONWARD = 2, frozenset({1, 3, 4, 5, 6})
NO_AUTHENTICATION, NONE_ACCEPTED = 0, 0xFF
SOCKS = 5
ADDRESS_LENGTHS = {1: 4, 4: 16}  # by their type; a name says its own
NAME = 3
MOST_ANSWER = 16 * 1024  # bytes of an answer to CONNECT
ONWARD = frozenset({502, 503, 504})  # the proxy itself could not get there, or says so
NO_TUNNELS = frozenset({400, 404, 405, 501})  # what a web server says to CONNECT
EITHER = "whether the target is down or the proxy's own way there is closed, its answer does not tell"


class Way(NamedTuple):
    """A proxy. `scheme` is a key of PORTS."""

    scheme: str
    host: str
    port: int

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


def way(url: str) -> Way:
    """The proxy that a URL names, without the user and password that it may have.

    Raises ValueError where it names none that can be gone through: another scheme, no host, no such port.

    >>> way("http://proxy.acme.example:3128")
    Way(scheme='http', host='proxy.acme.example', port=3128)
    """
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("no URL of a proxy that is known")  # its words may hold a password
    return Way(parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme])


def from_environment(scheme: str, host: str) -> Way | None:
    """The proxy that programs of this host would use for the target, by HTTPS_PROXY, HTTP_PROXY and NO_PROXY.

    Python's own reading of them, which most programs share: lower case wins, suffixes of names count. Raises
    ValueError where it can't be gone through.
    """
    from urllib import request

    found = request.getproxies_environment()
    if request.proxy_bypass_environment(host, found):  # type: ignore[attr-defined]
        return None
    named = found.get({"ws": "http", "wss": "https"}.get(scheme, scheme)) or found.get("all")
    if not named:
        return None
    return way(named if "://" in named else f"http://{named}")


async def look_through(
    through: Way, timing: Timing, network: Network, layers: tuple[Layer, ...], climb: Climb
) -> Outcome:
    """Climb one ladder on each address of the proxy. Its name not being resolved is the proxy's failure."""
    outcome = await look(Target(through.host, through.port), timing, network, layers, climb)
    if outcome.resolve is None or outcome.resolve.cause is None:
        return outcome
    return outcome._replace(ascents=tuple(_unresolved(one, through) for one in outcome.ascents))


def _unresolved(ascent: Ascent, through: Way) -> Ascent:
    return ascent._replace(
        cause="proxy.unreachable",
        layer=Layer.CONNECT,
        facts={**ascent.facts, "proxy": through.url},
        summary=f"the proxy {through.host} is not found: {ascent.summary}",
        evidence=(*ascent.evidence, f"its lookup is {ascent.cause}"),
    )


async def connect(ladder: Ladder, through: Way, host: str, port: int) -> Connection:
    """The step `connect`: to the proxy, and through it to the target."""
    with ladder.step(Layer.CONNECT) as rung:
        connection = await reach(ladder, through, rung.until)
        await tunnel(ladder, connection, through, host, port, rung.until)
    note(ladder, through)
    return connection


def note(ladder: Ladder, through: Way) -> None:
    """What is seen from here on is seen through the proxy."""
    ladder.prove(f"through the proxy {through.url}")


async def reach(ladder: Ladder, through: Way, until: float) -> Connection:
    """A connection to the proxy itself, inside TLS for `https`. Raises Failed `proxy.unreachable`."""
    assert ladder.address is not None
    ladder.port = through.port
    ladder.facts["proxy"] = through.url
    try:
        connection = await ladder.network.connect(ladder.address, through.port, until)
    except (ConnectFailed, TimedOut) as error:
        ladder.source = error.source
        failed = causes.explain(Layer.CONNECT, error)
        raise Failed(
            "proxy.unreachable" if failed.cause.startswith("tcp.") else failed.cause,
            f"the proxy {through.url} can't be reached: {failed.summary}",
            evidence=(*failed.evidence, f"the connection to it is {failed.cause}"),
            confidence=failed.confidence,
            signed_by=failed.signed_by,
        ) from None
    ladder.source = connection.source
    ladder.keep(connection)
    if through.scheme == "https":
        await _secure(ladder, connection, through, until)
        connection.received = 0  # of what is asked there
    return connection


async def _secure(ladder: Ladder, connection: Connection, through: Way, until: float) -> None:
    """TLS with the proxy, by the system's trust: `ca_file` is for the target behind it."""
    now = ladder.network.time()
    name = None if is_address(through.host) else through.host
    try:
        session = await connection.start_tls(TlsHello(name, ALPN), until)
    except NetworkFailure as error:
        failed = causes.explain(Layer.TLS, error)
        ladder.facts["proxy_tls"] = failed.cause
        hint = "; is it `http://`?" if failed.cause == "tls.not_tls" else ""
        raise Failed(
            "proxy.unreachable",
            f"no TLS with the proxy {through.url}: {failed.summary}{hint}",
            evidence=(*failed.evidence, f"the handshake with it is {failed.cause}"),
            confidence=failed.confidence,
        ) from None
    chain = certificates.read(session.chain)
    for first in objections.in_order(objections.objections(chain, session.problems, through.host, now))[:1]:
        ladder.facts["proxy_tls"] = first.cause
        raise Failed(
            "proxy.unreachable",
            f"the certificate of the proxy {through.url} is not accepted: {first.text}",
            evidence=(f"its certificate is {first.cause}, verified against {trust.words(None)}",),
        )


async def tunnel(
    ladder: Ladder, connection: Connection, through: Way, host: str, port: int, until: float
) -> None:
    """Have the proxy connect to the target; what is received counts from there. Raises Failed `proxy.*`."""
    began = ladder.network.now()
    try:
        if through.scheme.startswith("socks5"):
            await _socks(connection, through, host, port, until)
        else:
            await _http(connection, through, host, port, until)
    except (PeerClosed, PeerReset) as broken:
        how = "closed" if isinstance(broken, PeerClosed) else "reset"
        words = f"the proxy {through.url} {how} the connection when asked for {host}:{port}"
        raise Failed("proxy.refused", words, confidence=Confidence.LIKELY) from None
    except TimedOut:
        said = f"only {connection.received} bytes of an answer" if connection.received else "nothing"
        took = ladder.network.now() - began
        words = f"the proxy {through.url} said {said} in {took:.1f} s when asked for {host}:{port}"
        raise Failed("proxy.refused", words, confidence=Confidence.LIKELY) from None
    connection.received = 0


async def _http(connection: Connection, through: Way, host: str, port: int, until: float) -> None:
    """CONNECT, byte by byte as far as the answer's head goes: what follows it is the target's."""
    named = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    speaker = h11.Connection(h11.CLIENT)
    request = h11.Request(method="CONNECT", target=named, headers=[("host", named)])
    data = (speaker.send(request) or b"") + (speaker.send(h11.EndOfMessage()) or b"")
    await connection.send(data, until)
    try:
        opening = b""
        while not isinstance(event := speaker.next_event(), h11.Response):
            if event is h11.NEED_DATA:
                data = await connection.receive(until, 1)
                opening = (opening + data)[:64]
                if not b"HTTP/".startswith(opening[:5]):
                    data += await connection.receive(until, 64)
                    raise Failed("proxy.refused", f"no HTTP proxy at {through.url}: {described(data)}")
                if connection.received > MOST_ANSWER:
                    words = f"{through.url} answers CONNECT without an end: {connection.received} bytes"
                    raise Failed("proxy.refused", words)
                speaker.receive_data(data)
    except h11.RemoteProtocolError:
        raise Failed("proxy.refused", f"{through.url} does not answer as an HTTP proxy") from None
    if 200 <= event.status_code < 300:
        return
    headers = {name.decode("ascii"): plain(value.decode("latin-1")) for name, value in event.headers}
    raise refusal(through, event.status_code, plain(event.reason.decode("latin-1")), headers, named)


def refusal(through: Way, status: int, reason: str, headers: Mapping[str, str], named: str) -> Failed:
    """What an HTTP proxy's own answer means."""
    answer = f"{status} {reason}".strip()
    evidence = (f"the proxy {through.url} answered {answer} for {named}", *pages.signs(headers))
    if status == PROXY_LOGIN:
        wants = headers.get("proxy-authenticate", "").partition(" ")[0]
        how = f" ({wants})" if wants else ""
        words = f"the proxy {through.url} wants a login{how}"
        return Failed("proxy.auth_required", words, evidence=evidence)
    if status in NO_TUNNELS:
        words = f"{through.url} does not take CONNECT, so it may be no proxy: {answer}"
        return Failed("proxy.refused", words, evidence=evidence, confidence=Confidence.LIKELY)
    if status >= 500:
        words = f"the proxy {through.url} can't reach {named} itself: {answer}"
        return Failed("proxy.refused", words, evidence=(*evidence, EITHER), confidence=Confidence.LIKELY)
    return Failed("proxy.refused", f"the proxy {through.url} refuses {named}: {answer}", evidence=evidence)


async def _socks(connection: Connection, through: Way, host: str, port: int, until: float) -> None:
    await connection.send(bytes([SOCKS, 1, NO_AUTHENTICATION]), until)
    try:
        version, method = await _exactly(connection, 2, until)
    except TimedOut as late:
        words = f"{through.url} does not answer a SOCKS greeting in {late.elapsed:.1f} s: is it `http://`?"
        raise Failed("proxy.refused", words, confidence=Confidence.LIKELY) from None
    if version != SOCKS:
        raise Failed("proxy.refused", f"{through.url} is no SOCKS5 proxy: it answers with byte {version}")
    if method == NONE_ACCEPTED:
        raise Failed("proxy.auth_required", f"the proxy {through.url} accepts nobody without a login")
    if method != NO_AUTHENTICATION:
        raise _malformed(through, f"it chooses method {method}, which was not offered")
    await connection.send(b"\x05\x01\x00" + _destination(host) + struct.pack("!H", port), until)
    version, code, _, kind = await _exactly(connection, 4, until)
    if version != SOCKS:
        raise _malformed(through, f"it begins with byte {version}")
    if code:
        onward = code in SOCKS_ONWARD
        can = f"can't reach {host}:{port} itself" if onward else f"refuses {host}:{port}"
        raise Failed(
            "proxy.refused",
            f"the proxy {through.url} {can}: {REPLIES.get(code, f'reply {code}')}",
            evidence=(EITHER,) if onward else (),
            confidence=Confidence.CERTAIN if code == BY_RULE else Confidence.LIKELY,
        )
    if kind != NAME and kind not in ADDRESS_LENGTHS:
        raise _malformed(through, f"it has an address of type {kind}, which there is none of")
    length = ADDRESS_LENGTHS.get(kind) or (await _exactly(connection, 1, until))[0]
    await _exactly(connection, length + 2, until)


def _malformed(through: Way, wrong: str) -> Failed:
    return Failed("proxy.refused", f"{through.url} gives an answer that is not SOCKS5's: {wrong}")


def _destination(host: str) -> bytes:
    """The target as SOCKS has it: an address, or a name for the proxy to resolve."""
    if is_address(host):
        import ipaddress

        packed = ipaddress.ip_address(host.partition("%")[0]).packed
        return bytes([1 if len(packed) == 4 else 4]) + packed
    name = host.encode("ascii")
    return bytes([3, len(name)]) + name


async def _exactly(connection: Connection, count: int, until: float) -> bytes:
    found = b""
    while len(found) < count:
        found += await connection.receive(until, count - len(found))
    return found
