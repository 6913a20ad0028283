"""ws and wss against WebSocket servers on loopback, and against what stands in their way."""

from __future__ import annotations

import time

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Ping, Request

from probes.contract import Confidence, Layer, Verdict
from probes.ws import WS, WSS
from tests.servers.heads import head

PLAIN = b"HTTP/1.1 %s\r\n%sContent-Length: 2\r\n\r\nhi"


def echo(sock, most=1 << 20, idle=None, seen=None):
    """A WebSocket server that answers pings; messages above `most` end it, silence of `idle` seconds too."""
    ws = WSConnection(ConnectionType.SERVER)
    sock.settimeout(idle or 10)
    size = 0
    while data := sock.recv(65536):
        ws.receive_data(data)
        for event in ws.events():
            if isinstance(event, Request):
                sock.sendall(ws.send(AcceptConnection()))
            elif isinstance(event, BytesMessage):
                size += len(event.data)
                if seen is not None:
                    seen.append(len(event.data))
                if size > most:
                    sock.sendall(ws.send(CloseConnection(code=1009, reason="too big")))
                    drain(sock)
                    return
            elif isinstance(event, Ping):
                sock.sendall(ws.send(event.response()))
            elif isinstance(event, CloseConnection):
                sock.sendall(ws.send(event.response()))
                return


def drain(sock):
    """Take what still comes: to close upon it would be an RST."""
    while sock.recv(65536):
        pass


def answering(upgraded, plain=PLAIN % (b"200 OK", b"")):
    """A server that answers an upgrade in its own way, and a plain request otherwise."""

    def handler(sock):
        answer = upgraded if "pgrade" in head(sock) else plain
        if callable(answer):
            answer(sock)
        else:
            sock.sendall(answer)

    return handler


def test_a_whole_session(serve, ask):
    """The upgrade, 64 kB, a ping behind them, one after silence, and a goodbye."""
    seen = []
    server = serve(lambda sock: echo(sock, seen=seen))
    found = ask(WS, server.port, ping_after=0.2)
    assert (found.verdict, found.layer) == (Verdict.PASS, None)
    assert sum(seen) == 65_536
    assert found.facts["ws"]["status"] == 101
    assert "a ping after 0.2 s of silence was answered" in found.evidence


def test_inside_tls(mint, serve_tls, ask):
    """The certificate is judged as everywhere."""
    server = serve_tls(mint.context(mint.leaf("127.0.0.1")), echo)
    found = ask(WSS, server.port, ping_after=0.0, ca_file=mint.file(mint.root.pem))
    assert found.verdict is Verdict.PASS
    assert [step.layer for step in found.steps] == [Layer.CONNECT, Layer.TLS, Layer.PROTOCOL]
    assert ask(WSS, server.port, ping_after=0.0).cause == "tls.untrusted"


def test_a_server_that_minds_the_message_is_there(serve, ask):
    """It says so by its close code: what was sent arrived."""
    server = serve(lambda sock: echo(sock, most=1000))
    found = ask(WS, server.port)
    assert found.verdict is Verdict.PASS
    assert "the server closed the session after a message of 65536 bytes: 1009 too big" in found.evidence


@pytest.mark.parametrize("status", [b"200 OK", b"400 Bad Request", b"426 Upgrade Required"])
def test_an_upgrade_that_was_stripped(serve, ask, status):
    """The server never saw it, and answers as to any request."""
    server = serve(answering(PLAIN % (status, b"Server: nginx\r\n")))
    found = ask(WS, server.port)
    assert (found.cause, found.layer) == ("ws.upgrade_blocked", Layer.PROTOCOL)
    assert "its header server: nginx" in found.evidence


def test_an_upgrade_that_a_proxy_refuses(serve, ask):
    """A plain request for the same passes, and the headers say who refuses."""
    server = serve(answering(PLAIN % (b"403 Forbidden", b"Server: squid/5.7\r\n")))
    found = ask(WS, server.port)
    assert (found.cause, found.confidence) == ("ws.upgrade_blocked", Confidence.CERTAIN)
    assert "refused by Squid: 403" in found.summary


@pytest.mark.parametrize(
    ("status", "cause"), [(b"404 Not Found", "http.status"), (b"502 Bad Gateway", "http.server_error")]
)
def test_a_path_that_answers_so_to_anything(serve, ask, status, cause):
    """It is not the upgrade: the plain request beside it gets the same."""
    server = serve(answering(PLAIN % (status, b""), PLAIN % (status, b"")))
    assert ask(WS, server.port).cause == cause


@pytest.mark.parametrize("how", [lambda sock: time.sleep(1.5), lambda sock: None])
def test_an_upgrade_that_is_swallowed(serve, ask, how):
    """Silence or a hang-up, and only for the upgrade: likely something between."""
    found = ask(WS, serve(answering(how)).port, timeout=1.0)
    assert (found.cause, found.confidence) == ("ws.upgrade_blocked", Confidence.LIKELY)


def test_a_silent_server_is_silent(serve, ask):
    """The plain request beside it gets nothing either."""
    found = ask(WS, serve(lambda sock: time.sleep(1.5)).port, timeout=1.0)
    assert found.cause == "protocol.silent"


def test_an_upgrade_that_somebody_else_accepted(serve, ask):
    """101 without the right Sec-WebSocket-Accept (RFC 6455 4.1): from a cache, or no WebSocket at all."""
    answer = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"
    )
    found = ask(WS, serve(answering(answer)).port)
    assert (found.cause, found.confidence) == ("ws.upgrade_blocked", Confidence.LIKELY)
    assert "no WebSocket" in found.summary
    assert "its Sec-WebSocket-Accept is not the one that answers our key" in found.evidence


@pytest.mark.parametrize(
    ("upgraded", "plain", "cause"),
    [
        (PLAIN % (b"401 Unauthorized", b"Server: nginx\r\n"), b"200 OK", "http.status"),
        (PLAIN % (b"404 Not Found", b""), b"200 OK", "http.status"),
        (PLAIN % (b"511 Network Authentication Required", b""), b"200 OK", "http.captive_portal"),
        (PLAIN % (b"407 Proxy Authentication Required", b""), b"200 OK", "proxy.auth_required"),
        (PLAIN % (b"403 No", b"Server: nginx\r\n"), b"200 OK", "ws.upgrade_blocked"),
        (PLAIN % (b"302 Found", b"Location: https://sso.example/\r\n"), b"302 Found", "http.redirected_away"),
        (PLAIN % (b"302 Found", b"Location: /login\r\n"), b"302 Found", "http.status"),
        (PLAIN % (b"403 No", b"Server: Zscaler/6.2\r\n"), b"403 No", "http.blocked_by_proxy"),
    ],
)
def test_whose_refusal_it_is(serve, ask, upgraded, plain, cause):
    """The service's own words are its own, and one answer of nobody's is no proof."""
    found = ask(WS, serve(answering(upgraded, PLAIN % (plain, b""))).port, public=True)
    assert found.cause == cause
    assert found.confidence is Confidence.LIKELY or cause not in (
        "ws.upgrade_blocked",
        "http.blocked_by_proxy",
    )


def test_a_large_message_that_is_cut(serve, ask):
    """What happened to it, and that a session without it stands."""

    def handler(sock):
        sock.settimeout(5)
        ws, came = WSConnection(ConnectionType.SERVER), 0
        while came < 20_000 and (data := sock.recv(65536)):
            came += len(data)
            ws.receive_data(data)
            for event in ws.events():
                if isinstance(event, Request):
                    sock.sendall(ws.send(AcceptConnection()))
                elif isinstance(event, Ping):
                    sock.sendall(ws.send(event.response()))

    found = ask(WS, serve(handler).port)
    assert found.cause in ("protocol.reset", "protocol.closed")
    assert "another session, without the large message, answers a ping" in found.evidence


def test_a_server_that_says_goodbye_in_silence(serve, ask):
    """Its own words, and nothing that was dropped on the way."""

    def handler(sock):
        ws = WSConnection(ConnectionType.SERVER)
        sock.settimeout(0.5)
        try:
            while data := sock.recv(65536):
                ws.receive_data(data)
                for event in ws.events():
                    if isinstance(event, Request):
                        sock.sendall(ws.send(AcceptConnection()))
                    elif isinstance(event, Ping):
                        sock.sendall(ws.send(event.response()))
        except TimeoutError:
            sock.sendall(ws.send(CloseConnection(code=1001, reason="idle")))
            sock.settimeout(10)
            drain(sock)

    found = ask(WS, serve(handler).port, ping_after=1.0)
    assert found.verdict is Verdict.PASS
    assert "the server closed the session after less than 1 s of silence: 1001 idle" in found.evidence


def test_another_protocol_answers(serve, ask):
    """Its first bytes say which."""
    found = ask(WS, serve(lambda sock: (head(sock), sock.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"))).port)
    assert (found.cause, found.layer) == ("protocol.mismatch", Layer.PROTOCOL)


def test_a_session_that_silence_ends(serve, ask):
    """A ping before it was answered, the one behind it was not."""
    server = serve(lambda sock: echo(sock, idle=0.5))
    found = ask(WS, server.port, ping_after=1.0)
    assert (found.cause, found.confidence) == ("path.idle_dropped", Confidence.LIKELY)
