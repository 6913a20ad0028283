"""Requests through a proxy: CONNECT, absolute form and SOCKS5, against proxies on loopback."""

from __future__ import annotations

import re
import select
import socket
import struct
import threading
import time

import pytest

from netcheck.diagnosis.ascents import unconnected
from probes import proxy
from probes.contract import Confidence, Layer, Verdict
from probes.http import HTTP, HTTPS
from probes.ws import WS
from tests.servers.heads import head

FORBIDDING = b"HTTP/1.1 200 OK\r\nContent-Length: 28\r\n\r\n<title>Access Denied</title>"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


def joined(one, other):
    """Copy bytes both ways until either ends."""

    def copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    back = threading.Thread(target=copy, args=(other, one), daemon=True)
    back.start()
    copy(one, other)
    back.join(10)


@pytest.fixture
def http_proxy(serve):
    """An HTTP proxy that allows everything, or answers each request with `refusal`; it keeps the requests."""

    def start(refusal=None):
        asked = []

        def handler(sock):
            request = head(sock)
            asked.append(request)
            method, target, _ = request.split(" ", 2)
            if refusal is not None:
                sock.sendall(refusal)
                return
            where = target if method == "CONNECT" else target.split("/")[2]
            host, _, port = where.rpartition(":")
            with socket.create_connection((host, int(port)), 5) as onward:
                if method == "CONNECT":
                    sock.sendall(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 lab\r\n\r\n")
                else:
                    onward.sendall(request.encode("latin-1"))
                joined(sock, onward)

        server = serve(handler)
        server.asked = asked
        return server

    return start


def relayed(secured, plain):
    """Copy bytes both ways between a TLS socket, which no two threads may use, and a plain one."""
    while True:
        ready = [secured] if secured.pending() else select.select([secured, plain], [], [], 10)[0]
        for one, other in ((secured, plain), (plain, secured)):
            if one in ready:
                data = one.recv(65536)
                if not data:
                    return
                other.sendall(data)


@pytest.fixture
def tls_front(serve_tls):
    """TLS in front of another server: what a proxy of `https://` is."""

    def start(context, server):
        def handler(secured):
            with socket.create_connection(("127.0.0.1", server.port), 5) as plain:
                relayed(secured, plain)

        return serve_tls(context, handler)

    return start


@pytest.fixture
def socks_proxy(serve):
    """A SOCKS5 proxy that wants this method and answers with this code."""

    def start(method=0, code=0):
        def handler(sock):
            sock.recv(2)
            sock.recv(1)
            sock.sendall(bytes([5, method]))
            if method == 0xFF:
                return
            _, _, _, kind = sock.recv(4)
            host = sock.recv(sock.recv(1)[0]).decode() if kind == 3 else socket.inet_ntoa(sock.recv(4))
            (port,) = struct.unpack("!H", sock.recv(2))
            sock.sendall(bytes([5, code, 0, 1]) + bytes(6))
            if code == 0:
                with socket.create_connection((host, port), 5) as onward:
                    joined(sock, onward)

        return serve(handler)

    return start


def through(server, scheme="http"):
    return f"{scheme}://127.0.0.1:{server.port}"


def test_https_goes_through_connect(mint, serve_tls, http_proxy, ask):
    """One connection to the proxy, named by CONNECT; TLS is the target's own, and judged."""
    target = serve_tls(mint.context(mint.leaf("127.0.0.1")), lambda sock: (head(sock), sock.sendall(OK)))
    between = http_proxy()
    found = ask(HTTPS, target.port, ca_file=mint.file(mint.root.pem), proxy=through(between))
    assert (found.verdict, found.cause) == (Verdict.PASS, None)
    assert between.asked[0].startswith(f"CONNECT 127.0.0.1:{target.port} HTTP/1.1")
    assert found.port == between.port
    assert found.facts["proxy"] == through(between)
    assert f"through the proxy {through(between)}" in found.evidence


def test_http_asks_the_proxy_in_absolute_form(serve, http_proxy, ask):
    """RFC 9112 3.2.2: proxies rarely allow CONNECT to port 80."""
    target = serve(lambda sock: (head(sock), sock.sendall(OK)))
    between = http_proxy()
    found = ask(HTTP, target.port, path="/health?x=1", proxy=through(between))
    assert found.verdict is Verdict.PASS
    assert between.asked[0].startswith(f"GET http://127.0.0.1:{target.port}/health?x=1 HTTP/1.1")


def test_a_proxy_inside_tls(mint, serve_tls, http_proxy, tls_front, ask, monkeypatch):
    """TLS with the proxy by the system's trust, and within it the target's own by `ca_file`."""
    proxys, targets = mint.make("Proxy Root", ca=True), mint.root
    monkeypatch.setenv("SSL_CERT_FILE", mint.file(proxys.pem))
    target = serve_tls(mint.context(mint.leaf("127.0.0.1")), lambda sock: (head(sock), sock.sendall(OK)))
    between = http_proxy()
    front = tls_front(mint.context(mint.leaf("127.0.0.1", issuer=proxys)), between)
    found = ask(HTTPS, target.port, ca_file=mint.file(targets.pem), proxy=through(front, "https"))
    assert (found.verdict, found.cause) == (Verdict.PASS, None)
    assert between.asked[0].startswith(f"CONNECT 127.0.0.1:{target.port} HTTP/1.1")
    assert len(found.facts["tls"]["chain"]) == 1


def test_http_through_a_proxy_inside_tls(mint, serve, http_proxy, tls_front, ask, monkeypatch):
    """The absolute form as well."""
    monkeypatch.setenv("SSL_CERT_FILE", mint.file(mint.root.pem))
    target = serve(lambda sock: (head(sock), sock.sendall(OK)))
    between = http_proxy()
    front = tls_front(mint.context(mint.leaf("127.0.0.1")), between)
    found = ask(HTTP, target.port, proxy=through(front, "https"))
    assert found.verdict is Verdict.PASS
    assert between.asked[0].startswith(f"GET http://127.0.0.1:{target.port}/ HTTP/1.1")


def test_a_proxy_whose_certificate_is_not_accepted(mint, serve_tls, ask):
    """Programs refuse it too: the way to the target ends there, and nothing is said of the target."""
    front = serve_tls(mint.context(mint.leaf("127.0.0.1")))
    found = ask(HTTPS, 443, host="target.invalid", proxy=through(front, "https"))
    assert (found.cause, found.layer) == ("proxy.unreachable", Layer.CONNECT)
    assert "the certificate of the proxy" in found.summary
    assert any("tls.untrusted" in words for words in found.evidence)


def test_a_proxy_without_the_tls_it_should_have(serve, ask):
    """A plain proxy named `https://`."""
    plain = serve(lambda sock: (sock.recv(4096), sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")))
    found = ask(HTTPS, 443, host="target.invalid", proxy=through(plain, "https"))
    assert (found.cause, found.layer) == ("proxy.unreachable", Layer.CONNECT)
    assert "the handshake with it is tls.not_tls" in found.evidence
    assert "is it `http://`?" in found.summary
    assert not unconnected(found)  # there is a way to it: none is traced


def test_a_websocket_without_tls_is_tunnelled(serve, http_proxy, ask):
    """RFC 6455 4.1: also where a plain request would be sent in absolute form."""
    target = serve(lambda sock: (head(sock), sock.sendall(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")))
    between = http_proxy()
    assert ask(WS, target.port, proxy=through(between)).cause == "http.status"
    assert [request.split(" ")[0] for request in between.asked] == ["CONNECT", "CONNECT"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_socks_is_told_the_target(serve, socks_proxy, ask, host):
    """An address as such, a name for the proxy to resolve."""
    target = serve(lambda sock: (head(sock), sock.sendall(OK)))
    found = ask(HTTP, target.port, host=host, proxy=through(socks_proxy(), "socks5"))
    assert found.verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("answer", "cause", "words"),
    [
        (
            b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Negotiate\r\n\r\n",
            "proxy.auth_required",
            "wants a login (Negotiate)",
        ),
        (b"HTTP/1.1 403 Forbidden\r\nX-Squid-Error: ERR_ACCESS_DENIED 0\r\n\r\n", "proxy.refused", "403"),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "proxy.refused", "can't reach"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "proxy.refused", "answers as SSH"),
        (b"", "proxy.refused", "closed the connection"),
    ],
)
def test_why_a_tunnel_is_refused(http_proxy, ask, answer, cause, words):
    """The proxy's own answer, at the step that connects; the target was not reached."""
    found = ask(HTTPS, 443, host="target.invalid", proxy=through(http_proxy(answer)))
    assert (found.verdict, found.cause, found.layer) == (Verdict.FAIL, cause, Layer.CONNECT)
    assert words in found.summary
    assert (found.confidence is Confidence.LIKELY) is (answer.startswith(b"HTTP/1.1 503") or not answer)


@pytest.mark.parametrize(
    ("method", "code", "cause", "confidence"),
    [
        (0xFF, 0, "proxy.auth_required", Confidence.CERTAIN),
        (0, 2, "proxy.refused", Confidence.CERTAIN),
        (0, 4, "proxy.refused", Confidence.LIKELY),
        (0, 7, "proxy.refused", Confidence.LIKELY),
    ],
)
def test_why_socks_refuses(socks_proxy, ask, method, code, cause, confidence):
    """RFC 1928 3 and 6."""
    found = ask(HTTPS, 443, host="target.invalid", proxy=through(socks_proxy(method, code), "socks5h"))
    assert (found.cause, found.confidence, found.layer) == (cause, confidence, Layer.CONNECT)


def test_a_proxy_that_is_not_there(ask, serve):
    """Nobody listens: the proxy's fault, with what its connection met."""
    gone = serve(lambda sock: None)
    gone.close()
    found = ask(HTTPS, 443, host="target.invalid", proxy=through(gone))
    assert (found.cause, found.layer) == ("proxy.unreachable", Layer.CONNECT)
    assert "the connection to it is tcp.refused" in found.evidence


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (b"HTTP/1.1 407 Login\r\nContent-Length: 0\r\n\r\n", "proxy.auth_required"),
        (
            b"HTTP/1.1 403 Forbidden\r\nServer: squid/5.7\r\nX-Squid-Error: ERR_ACCESS_DENIED 0\r\n"
            b"Content-Length: 2\r\n\r\nno",
            "http.blocked_by_proxy",
        ),
        (
            b"HTTP/1.1 403 Forbidden\r\nServer: nginx\r\nVia: 1.1 gw (squid/5.7)\r\n"
            b"Content-Length: 2\r\n\r\nno",
            None,
        ),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", "http.blocked_by_proxy"),
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno", "http.blocked_by_proxy"),
        (b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno", None),
        (b"HTTP/1.1 403 Forbidden\r\nServer: nginx\r\nContent-Length: 2\r\n\r\nno", None),
        (FORBIDDING, "http.blocked_by_proxy"),
        (FORBIDDING.replace(b"200 OK", b"403 No\r\nServer: web"), "http.blocked_by_proxy"),
        (FORBIDDING.replace(b"200 OK", b"200 OK\r\nVia: 1.1 gw"), None),
        (b"HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 0\r\n\r\n", "proxy.refused"),
        (b"HTTP/1.1 404 Not Found\r\nVia: 1.1 lab\r\nContent-Length: 0\r\n\r\n", "http.status"),
    ],
)
def test_what_a_proxy_answers_itself(http_proxy, ask, answer, cause):
    """Without TLS its page looks like the target's: its own marks tell, and a Via is none.

    A refusal without a sign that it was passed on is no sign of life of the target.
    """
    found = ask(HTTP, 80, host="target.invalid", proxy=through(http_proxy(answer)))
    assert (found.verdict, found.cause) == (Verdict.FAIL if cause else Verdict.PASS, cause)
    if cause == "http.blocked_by_proxy":
        assert found.confidence is (Confidence.CERTAIN if b"Squid" in answer else Confidence.LIKELY)


def test_a_pass_on_the_word_of_a_proxy(http_proxy, ask):
    """Whether it was passed on is said."""
    via = OK.replace(b"\r\n", b"\r\nVia: 1.1 gw\r\n", 1)
    for answer, words in ((OK, "nothing in its head says that it was passed on"), (via, "via 1.1 gw")):
        found = ask(HTTP, 80, host="target.invalid", proxy=through(http_proxy(answer)))
        assert found.verdict is Verdict.PASS
        assert any(words in sentence for sentence in found.evidence)


TUNNEL = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.parametrize(
    ("probe", "then", "cause", "words"),
    [
        (HTTPS, lambda sock: None, "tls.closed", "after 0 bytes"),
        (HTTPS, lambda sock: time.sleep(1.5), "tls.timeout", "did not end"),
        (WS, lambda sock: time.sleep(1.5), "protocol.silent", "connected, then silence"),
        (WS, lambda sock: None, "protocol.closed", "after 0 bytes"),
    ],
)
@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_the_proxys_bytes_are_not_the_targets(serve, ask, probe, then, cause, words, scheme):
    """What is received counts from the end of its own answer, however slowly that came."""

    def handler(sock):
        if scheme == "http":
            head(sock)
            for part in (TUNNEL[:-4], TUNNEL[-4:]):
                sock.sendall(part)
                time.sleep(0.2)
        else:
            sock.recv(100)
            sock.sendall(b"\x05\x00")
            sock.recv(100)
            sock.sendall(b"\x05\x00\x00\x01" + bytes(6))
        sock.settimeout(2)
        sock.recv(4096)
        then(sock)

    found = ask(probe, 443, host="target.invalid", proxy=through(serve(handler), scheme), timeout=1.0)
    assert (found.cause, found.layer is Layer.CONNECT) == (cause, False)
    assert words in found.summary


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([b"\x05\x02"], "it chooses method 2"),
        ([b"\x05\x00", b"\x04\x00\x00\x01" + bytes(6)], "it begins with byte 4"),
        ([b"\x05\x00", b"\x05\x00\x00\x7f" + bytes(200)], "an address of type 127"),
    ],
)
def test_what_is_no_socks(serve, ask, answers, words):
    """RFC 1928 3 and 6."""

    def handler(sock):
        for answer in answers:
            sock.recv(100)
            sock.sendall(answer)
        sock.recv(100)

    found = ask(HTTPS, 443, host="target.invalid", proxy=through(serve(handler), "socks5h"))
    assert (found.cause, found.layer) == ("proxy.refused", Layer.CONNECT)
    assert words in found.summary


def test_a_proxy_that_talks_without_answering(serve, ask):
    """How long, and what, is said: it was not silent."""

    def hints(sock, pause):
        head(sock)
        while True:
            sock.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")
            time.sleep(pause)

    slow, fast = serve(lambda sock: hints(sock, 0.1)), serve(lambda sock: hints(sock, 0))
    found = ask(HTTPS, 443, host="target.invalid", proxy=through(slow), timeout=1.0)
    assert found.cause == "proxy.refused"
    assert re.search(r"said only \d+ bytes of an answer in 1\.0 s", found.summary)
    found = ask(HTTPS, 443, host="target.invalid", proxy=through(fast), timeout=3.0)
    assert (found.cause, "without an end" in found.summary) == ("proxy.refused", True)


def test_a_page_of_the_target_is_its_own(serve, ask):
    """Without a proxy a product's words may be the target's: it may be that very product."""
    page = b"<title>FortiGate</title> Fortinet"
    answer = b"HTTP/1.1 403 Forbidden\r\nServer: FortiGate\r\nContent-Length: %d\r\n\r\n%s" % (
        len(page),
        page,
    )
    target = serve(lambda sock: (head(sock), sock.sendall(answer)))
    found = ask(HTTP, target.port, status=[200])
    assert found.cause == "http.status"


def test_a_network_that_wants_a_login(serve, ask):
    """RFC 6585 6: no service says so of itself."""
    answer = b"HTTP/1.1 511 Network Authentication Required\r\nContent-Length: 0\r\n\r\n"
    target = serve(lambda sock: (head(sock), sock.sendall(answer)))
    assert ask(HTTP, target.port).cause == "http.captive_portal"


def test_the_environments_proxy(monkeypatch):
    """As most programs read it: lower case first, NO_PROXY by suffix, a missing scheme is http."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "proxy.acme.example:3128")
    monkeypatch.setenv("NO_PROXY", ".internal.example,10.0.0.5")
    way = proxy.Way("http", "proxy.acme.example", 3128)
    assert proxy.from_environment("https", "acme.vault.example") == way
    assert proxy.from_environment("wss", "acme.vault.example") == way
    assert proxy.from_environment("https", "db.internal.example") is None
    assert proxy.from_environment("http", "acme.vault.example") is None


@pytest.mark.parametrize(
    "named", ["foo://proxy.acme.example", "socks4://h:1080", "http://h:99999", "http://", "http://me:pw@h:x"]
)
def test_an_environment_that_names_no_proxy(monkeypatch, ask, named):
    """Said of the environment, and without its words, which may hold a password."""
    monkeypatch.setenv("https_proxy", named)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    found = ask(HTTPS, 443, host="target.invalid", proxy="env")
    assert (found.verdict, found.cause) == (Verdict.ERROR, "probe.unsupported")
    assert named not in found.summary


def test_a_socks_proxy_that_does_not_answer(serve, ask):
    """The greeting alone is silent to a program that waits for HTTP: nothing was asked yet."""
    mute = serve(lambda sock: (sock.recv(64), sock.recv(64)))
    found = ask(HTTPS, 443, host="target.invalid", proxy=through(mute, "socks5"), timeout=1.0)
    assert found.cause == "proxy.refused"
    assert "does not answer a SOCKS greeting" in found.summary
