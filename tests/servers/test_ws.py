"""ws and wss against WebSocket servers on loopback, and against what stands in their way."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import struct
import threading
import time

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Ping, Request

from probes.contract import Confidence, Layer, Verdict
from probes.ws import WS, WSS
from tests.servers.heads import head

PLAIN = b"HTTP/1.1 %s\r\n%sContent-Length: 2\r\n\r\nhi"


def echo(sock, most=1 << 20, idle=None, seen=None, code=1009, back=False):
    """A WebSocket server that answers pings; messages above `most` end it, silence of `idle` seconds too.

    `back`: messages come back.
    """
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
                    sock.sendall(ws.send(CloseConnection(code=code, reason="minded")))
                    drain(sock)
                    return
                if back:
                    sock.sendall(ws.send(event))
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
    assert not any("the server itself sent" in words for words in found.evidence)


def test_a_server_that_is_not_silent(serve, ask):
    """What it sends meanwhile keeps the way open, which is said."""

    def handler(sock):
        beating = threading.Timer(0.3, sock.sendall, [frame(9, b"are you there")])
        beating.start()
        echo(sock)

    found = ask(WS, serve(handler).port, ping_after=0.6)
    assert found.verdict is Verdict.PASS
    assert "the server itself sent 15 bytes in that time" in found.evidence


def test_a_session_that_one_ping_ends(serve, ask):
    """Nothing was idle: no silence was asked for."""
    pings = []

    def handler(sock):
        ws = WSConnection(ConnectionType.SERVER)
        while data := sock.recv(65536):
            ws.receive_data(data)
            for event in ws.events():
                if isinstance(event, Request):
                    sock.sendall(ws.send(AcceptConnection()))
                elif isinstance(event, Ping):
                    pings.append(event)
                    enough = (
                        CloseConnection(code=1008, reason="enough") if len(pings) == 2 else event.response()
                    )
                    sock.sendall(ws.send(enough))

    found = ask(WS, serve(handler).port, ping_after=0.0)
    assert (found.cause, "1008 enough" in found.summary) == ("protocol.closed", True)


def test_inside_tls(mint, serve_tls, ask):
    """The certificate is judged as everywhere."""
    server = serve_tls(mint.context(mint.leaf("127.0.0.1")), echo)
    found = ask(WSS, server.port, ping_after=0.0, ca_file=mint.file(mint.root.pem))
    assert found.verdict is Verdict.PASS
    assert [step.layer for step in found.steps] == [Layer.CONNECT, Layer.TLS, Layer.PROTOCOL]
    assert ask(WSS, server.port, ping_after=0.0).cause == "tls.untrusted"


def frame(opcode, data=b"", *, fin=1, reserved=0, masked=0):
    """A frame as no library writes it (RFC 6455 5.2); a mask of zeros changes no byte."""
    size = struct.pack("!B", masked << 7 | len(data)) if len(data) < 126 else b""
    size = size or struct.pack("!BH", masked << 7 | 126, len(data))
    return bytes([fin << 7 | reserved << 4 | opcode]) + size + bytes(4 * masked) + data


def goodbye(code, reason=b""):
    return frame(8, struct.pack("!H", code) + reason)


def accepted(request):
    """The right 101 to an upgrade."""
    key = re.search(r"sec-websocket-key: (\S+)", request, re.IGNORECASE)[1]
    accept = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: keep-alive\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n" % base64.b64encode(accept)
    )


def then(said):
    """A WebSocket that is accepted, these bytes behind it, and all that comes is taken in silence."""

    def handler(sock):
        sock.sendall(accepted(head(sock)) + said)
        drain(sock)

    return handler


@pytest.mark.parametrize(
    ("what", "says"),
    [
        (b"<html><title>Access denied by the firewall</title></html>", "HTML"),
        (frame(10, b"netcheck 1", masked=1), "mask"),
        (frame(2, b"abc", reserved=4), "Reserved bit"),
        (frame(5, b"abc"), "opcode"),
        (frame(1, b"\xff\xfe"), "utf-8"),
        (frame(9, b"abc", fin=0), "fragment"),
        (frame(9, b"a" * 300), "payload"),
        (frame(8, b"\x03"), "CLOSE"),
        (frame(8, struct.pack("!H", 5)), "invalid code"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "answers as HTTP"),
    ],
)
def test_what_is_no_frame(serve, ask, what, says):
    """It passed for a goodbye of the server's, and so for a session."""
    found = ask(WS, serve(then(what)).port, timeout=1.0)
    assert (found.cause, found.layer, found.confidence) == (
        "protocol.malformed",
        Layer.PROTOCOL,
        Confidence.LIKELY,
    )
    assert says in found.summary
    assert not any("1002" in words for words in found.evidence)


@pytest.mark.parametrize(("code", "reason"), [(1011, b"upstream unreachable"), (1008, b"blocked by policy")])
@pytest.mark.parametrize("settings", [{}, {"frame": 0}])
def test_a_session_that_is_closed_at_once(serve, ask, code, reason, settings):
    """With and without a message: nobody can work with that."""
    found = ask(WS, serve(then(goodbye(code, reason))).port, **settings)
    assert (found.cause, found.confidence) == ("protocol.closed", Confidence.LIKELY)
    assert f"{code} {reason.decode()}" in found.summary


def minding(code):
    """A server that ends a session with a message of more than 1,000 bytes."""
    return lambda sock: echo(sock, most=1000, code=code)


def test_a_message_that_is_too_big(serve, ask):
    """The other end says so: large messages do not get through. It is not the session itself."""
    found = ask(WS, serve(minding(1009)).port, ping_after=0.1)
    assert (found.cause, found.confidence) == ("protocol.closed", Confidence.LIKELY)
    assert "a message of 65536 bytes does not get through" in found.summary
    assert "1009 minded" in found.summary
    assert "another session, without the large message, answers a ping" in found.evidence
    assert ask(WS, serve(minding(1009)).port, ping_after=0.1, frame=0).verdict is Verdict.PASS


@pytest.mark.parametrize("code", [1003, 1007, 1008])
def test_a_message_that_the_service_does_not_know(serve, ask, code):
    """It never asked for one. Without it the session stands, which is what the pass rests on."""
    found = ask(WS, serve(minding(code)).port, ping_after=0.1)
    assert (found.verdict, [one.cause for one in found.cautions]) == (Verdict.PASS, ["protocol.closed"])
    assert f"{code} minded" in found.cautions[0].text
    assert "a ping after 0.1 s of silence was answered" in found.evidence


def test_a_goodbye_that_a_reset_follows(serve, ask, hang_up):
    """A server that minds our message closes before it has read it: its word came first."""

    def handler(sock):
        sock.sendall(accepted(head(sock)) + goodbye(1008, b"who are you"))
        time.sleep(0.2)
        hang_up(sock)

    found = ask(WS, serve(handler).port, frame=1_048_576)
    assert (found.cause, "1008 who are you" in found.summary) == ("protocol.closed", True)


def test_hints_before_the_upgrade(serve, ask):
    """RFC 9110 15.2: any number of interim answers may come before."""
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 2
    server = serve(lambda sock: (sock.sendall(early), echo(sock)))
    assert ask(WS, server.port, ping_after=0.1).verdict is Verdict.PASS


@pytest.mark.parametrize("size", [300_000, 1_048_576])
def test_a_large_message_that_comes_back(serve, ask, size):
    """An echo is as large as what was sent."""
    server = serve(lambda sock: echo(sock, back=True, most=1 << 22))
    found = ask(WS, server.port, ping_after=0.1, frame=size)
    assert (found.verdict, found.cause) == (Verdict.PASS, None)


def test_a_server_that_pushes_without_end(serve, ask):
    """It is no longer read; nothing is malformed."""

    def handler(sock):
        sock.sendall(accepted(head(sock)))
        while True:
            sock.sendall(frame(2, bytes(60_000)) * 20)

    found = ask(WS, serve(handler).port, frame=0)
    assert (found.cause, found.confidence) == ("http.too_large", Confidence.LIKELY)


@pytest.mark.parametrize("status", [b"200 OK", b"400 Bad Request", b"426 Upgrade Required"])
def test_an_upgrade_that_was_stripped(serve, ask, status):
    """The server never saw it, and answers as to any request."""
    server = serve(answering(PLAIN % (status, b"Server: nginx\r\n")))
    found = ask(WS, server.port)
    assert (found.cause, found.layer) == ("ws.upgrade_blocked", Layer.PROTOCOL)
    assert "its header server: nginx" in found.evidence


def test_an_upgrade_that_a_proxy_refuses(serve, ask):
    """A plain request for the same passes, and the headers say who refuses: of a public name, or signed."""
    server = serve(answering(PLAIN % (b"403 Forbidden", b"Server: squid/5.7\r\n")))
    signed = serve(answering(PLAIN % (b"403 Forbidden", b"X-Squid-Error: ERR_ACCESS_DENIED 0\r\n")))
    for found in (ask(WS, server.port, public=True), ask(WS, signed.port)):
        assert (found.cause, found.confidence) == ("ws.upgrade_blocked", Confidence.LIKELY)
        assert "refused by Squid: 403" in found.summary
    assert "Squid" not in ask(WS, server.port).summary  # the target may be one


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
    upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    for lines, wrong in (
        (
            upgrade + b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n",
            "its Sec-WebSocket-Accept is not the one that answers our key",
        ),
        (upgrade, "its 101 has no Sec-WebSocket-Accept"),
        (b"", "its 101 has no `Upgrade: websocket`"),
    ):
        answer = b"HTTP/1.1 101 Switching Protocols\r\n" + lines + b"\r\n"
        found = ask(WS, serve(answering(answer)).port)
        assert (found.cause, found.confidence) == ("ws.upgrade_blocked", Confidence.LIKELY)
        assert found.summary == f"what answers is no WebSocket: {wrong}"


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


def leaving(sock, patience=0.4, lives=None):
    """A server that says goodbye after so many seconds of silence, or when a session is so old."""
    ws = WSConnection(ConnectionType.SERVER)
    sock.settimeout(patience)
    began = time.monotonic()
    try:
        while data := sock.recv(65536):
            ws.receive_data(data)
            for event in ws.events():
                if isinstance(event, Request):
                    sock.sendall(ws.send(AcceptConnection()))
                elif isinstance(event, Ping):
                    sock.sendall(ws.send(event.response()))
            if lives is not None:
                sock.settimeout(max(0.01, began + lives - time.monotonic()))
    except TimeoutError:
        sock.sendall(ws.send(CloseConnection(code=1001, reason="time is up")))
        sock.settimeout(10)
        drain(sock)


def test_a_goodbye_in_silence(serve, ask):
    """A session is ended for its idleness where another that is not idle lives longer; else it is closed."""
    found = ask(WS, serve(leaving).port, ping_after=2.0)
    assert (found.cause, found.confidence) == ("path.idle_dropped", Confidence.LIKELY)
    assert "closed after 0.4 s of silence: 1001 time is up" in found.summary
    found = ask(WS, serve(lambda sock: leaving(sock, lives=0.4)).port, ping_after=2.0)
    assert (found.cause, found.confidence) == ("protocol.closed", Confidence.LIKELY)
    assert "1001 time is up" in found.summary


def test_a_goodbye_of_the_services_own(mint, serve_tls, ask, monkeypatch):
    """Inside TLS with a chain that public CAs know nobody else can have said it."""
    roots = mint.file(mint.root.pem)
    monkeypatch.setenv("NETCHECK_PUBLIC_CAS", roots)
    server = serve_tls(mint.context(mint.leaf("127.0.0.1")), leaving)
    found = ask(WSS, server.port, ping_after=2.0, ca_file=roots, public=True)
    assert (found.cause, found.confidence) == ("protocol.closed", Confidence.CERTAIN)


def test_an_end_in_silence_that_is_not_its_fault(serve, ask):
    """Sessions that last so long, idle or not, are not forgotten by anything."""

    def cut(sock):
        closing = threading.Timer(0.4, sock.shutdown, [socket.SHUT_RDWR])
        closing.start()
        echo(sock)

    found = ask(WS, serve(cut).port, ping_after=2.0)
    assert found.cause == "protocol.closed"
    assert any(
        "the session is hung up on; before it a ping was answered" in words for words in found.evidence
    )


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (PLAIN % (b"403 Forbidden", b"Server: Barracuda WAF\r\n"), "http.status"),
        (PLAIN % (b"503 Unavailable", b"Server: Zscaler/6.2\r\n"), "http.server_error"),
        (PLAIN % (b"407 Proxy Authentication Required", b""), "http.status"),
    ],
)
def test_a_refusal_of_the_services_own(mint, serve_tls, ask, monkeypatch, answer, cause):
    """Whatever product guards it: inside TLS with a chain that public CAs know, it is the service's."""
    roots = mint.file(mint.root.pem)
    monkeypatch.setenv("NETCHECK_PUBLIC_CAS", roots)
    server = serve_tls(mint.context(mint.leaf("127.0.0.1")), answering(answer))
    found = ask(WSS, server.port, ca_file=roots, public=True)
    assert (found.cause, found.confidence) == (cause, Confidence.CERTAIN)
    assert "the service refuses the upgrade itself" in found.summary


def test_another_protocol_answers(serve, ask):
    """Its first bytes say which."""
    found = ask(WS, serve(lambda sock: (head(sock), sock.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"))).port)
    assert (found.cause, found.layer) == ("protocol.mismatch", Layer.PROTOCOL)


def test_a_session_that_silence_ends(serve, ask):
    """A ping before it was answered, the one behind it was not."""
    server = serve(lambda sock: echo(sock, idle=0.5))
    found = ask(WS, server.port, ping_after=1.0)
    assert (found.cause, found.confidence) == ("path.idle_dropped", Confidence.LIKELY)
