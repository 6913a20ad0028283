"""http and https against real servers on loopback: plain answers, redirects, bodies and hostile peers."""

from __future__ import annotations

import gzip
import re
import socket
import ssl
import time
import zlib
from email.utils import formatdate

import pytest

from probes.contract import Layer, Verdict
from probes.http import HTTP, HTTPS
from probes.settings import BadValue, options_of
from tests.servers.heads import head

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: lab\r\n\r\nhello"


@pytest.fixture
def answer(serve):
    """A server that gives each request the next of these replies, and remembers the requests."""

    def start(*replies, close=False):
        requests = []

        def handler(sock):
            while request := head(sock):
                requests.append(request)
                sock.sendall(replies[min(len(requests), len(replies)) - 1])
                if close:
                    return

        server = serve(handler)
        server.requests = requests
        return server

    return start


def redirect(to, status=302, more=b""):
    return f"HTTP/1.1 {status} Found\r\nLocation: {to}\r\nContent-Length: 0\r\n".encode() + more + b"\r\n"


def reply(status, body=b"", more=b""):
    return b"HTTP/1.1 %d Text\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), more, body)


def test_an_answer_is_a_pass_with_its_facts(answer, ask):
    """Status, reason and server are recorded; the target's own bytes are the evidence."""
    server = answer(OK)
    found = ask(HTTP, server.port)
    assert (found.verdict, [step.layer for step in found.steps]) == (
        Verdict.PASS,
        [Layer.CONNECT, Layer.PROTOCOL],
    )
    http = found.facts["http"]
    assert (http["status"], http["reason"], http["server"], http["redirects"]) == (200, "OK", "lab", [])
    assert "GET / answered 200 OK" in found.evidence


def test_the_request_says_who_asks_for_what(answer, ask):
    """Host with its port, a user agent that a server's log explains, and the headers that were asked for."""
    server = answer(OK)
    ask(HTTP, server.port, path="/a b?c=d%20e", headers={"X-Lab": "1"}, server_name="web.example")
    lines = server.requests[0].split("\r\n")
    assert lines[0] == "GET /a%20b?c=d%20e HTTP/1.1"
    headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
    assert headers["host"] == f"web.example:{server.port}"
    assert headers["user-agent"].startswith("netcheck")
    assert headers["user-agent"].endswith("(connectivity check)")
    assert headers["x-lab"] == "1"


def test_an_ipv6_host_is_in_brackets(serve, ask):
    """RFC 9110 7.2."""
    requests = []
    server = serve(lambda sock: (requests.append(head(sock)), sock.sendall(OK)), "::1")
    assert ask(HTTP, server.port, host="::1").verdict is Verdict.PASS
    assert f"host: [::1]:{server.port}\r\n" in requests[0].lower()


@pytest.mark.parametrize(
    ("status", "wanted", "cause"),
    [
        (204, None, None),
        (304, None, None),
        (401, None, None),
        (403, None, None),
        (404, None, "http.status"),
        (500, None, "http.server_error"),
        (503, (200,), "http.server_error"),
        (503, (503,), None),
        (200, (204, 301), "http.status"),
        (302, (302,), None),
    ],
)
def test_the_status_decides(answer, ask, status, wanted, cause):
    """Below 400, 401 and 403 pass, unless a list says which."""
    found = ask(
        HTTP, answer(redirect("/x", status)).port, status=wanted, redirects=0 if status == 304 else 10
    )
    assert found.cause == cause
    assert found.facts["http"]["status"] == status


def test_interim_answers_are_passed_over(answer, ask):
    """100 and 103 come before the final head."""
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    assert ask(HTTP, answer(early + OK).port).facts["http"]["status"] == 200


def test_a_redirect_on_the_same_host_keeps_the_connection(answer, ask):
    """Short bodies are read, fragments dropped; one connection takes all requests."""
    moved = reply(301, b"moved", b"Location: two?x=1#part\r\n")
    server = answer(redirect("/one"), moved, OK)
    found = ask(HTTP, server.port)
    assert [request.split()[1] for request in server.requests] == ["/", "/one", "/two?x=1"]
    assert server.accepted == 1
    root = f"http://127.0.0.1:{server.port}"
    assert found.facts["http"]["redirects"] == [f"{root}/", f"{root}/one"]


def test_a_redirect_from_a_server_that_closes_takes_a_new_connection(answer, ask):
    """`Connection: close`, and the same without a word."""
    said = answer(redirect("/one", more=b"Connection: close\r\n"), OK, close=True)
    unsaid = answer(redirect("/one"), OK, close=True)
    for server in (said, unsaid):
        assert ask(HTTP, server.port).verdict is Verdict.PASS
        assert server.accepted == 2


def test_a_redirect_to_https_is_followed_through_tls(answer, mint, serve_tls, ask):
    """On another port of the same host, with the certificate judged."""
    secure = serve_tls(mint.context(mint.leaf("127.0.0.1")), lambda sock: (head(sock), sock.sendall(OK)))
    server = answer(redirect(f"https://127.0.0.1:{secure.port}/in"))
    found = ask(HTTP, server.port, ca_file=mint.file(mint.root.pem))
    assert [step.layer for step in found.steps] == [Layer.CONNECT, Layer.TLS, Layer.PROTOCOL]
    assert found.facts["tls"]["version"] == "TLSv1.3"
    assert found.facts["http"]["url"] == f"https://127.0.0.1:{secure.port}/in"
    distrusted = ask(HTTP, server.port, ca_file=mint.file(mint.make("Other", ca=True).pem))
    assert (distrusted.cause, distrusted.layer) == ("tls.untrusted", Layer.TLS)


def test_a_redirect_to_a_closed_port_names_the_way(answer, ask):
    """The refusal is the next port's, and the evidence says how we came there."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    found = ask(HTTP, answer(redirect(f"http://127.0.0.1:{port}/")).port)
    assert (found.cause, found.layer) == ("tcp.refused", Layer.PROTOCOL)
    assert found.evidence == (f"it was on the way to http://127.0.0.1:{port}/",)


@pytest.mark.parametrize("to", ["http://login.example/", "ftp://127.0.0.1/", "https://127.0.0.2/"])
def test_a_redirect_to_another_host_is_not_followed(answer, ask, to):
    """It is the finding, and says where to."""
    found = ask(HTTP, answer(redirect(to)).port)
    assert (found.cause, found.summary) == ("http.redirected_away", f"302 redirects to {to}")
    assert ask(HTTP, answer(redirect(to)).port, redirects=0).verdict is Verdict.PASS


def test_redirects_in_a_circle_and_without_end_are_loops(answer, ask):
    """Seen before, or one too many."""
    circle = ask(HTTP, answer(redirect("/a"), redirect("/b"), redirect("/a")).port)
    assert (circle.cause, len(circle.facts["http"]["redirects"])) == ("http.redirect_loop", 3)
    endless = answer(*(redirect(f"/{count}") for count in range(20)))
    found = ask(HTTP, endless.port, redirects=4)
    assert (found.cause, found.summary) == ("http.redirect_loop", "more than 4 redirects")
    assert len(endless.requests) == 5


def test_a_post_becomes_a_get_where_the_rfc_says_so(answer, ask):
    """303 always, 307 never (RFC 9110 15.4)."""
    server = answer(redirect("/a", 307), redirect("/b", 303), OK)
    ask(HTTP, server.port, method="POST")
    assert [request.split()[0] for request in server.requests] == ["POST", "POST", "GET"]


@pytest.mark.parametrize(
    ("response", "cause"),
    [
        (OK, None),
        (reply(200, b"other"), "http.body_mismatch"),
        (reply(200, gzip.compress(b"say hello"), b"Content-Encoding: gzip\r\n"), None),
        (reply(200, zlib.compress(b"say hello"), b"Content-Encoding: deflate\r\n"), None),
        (reply(200, b"say hello", b"Content-Encoding: gzip\r\n"), "protocol.malformed"),
        (reply(200, b"say hello", b"Content-Encoding: br\r\n"), "http.body_mismatch"),
        (reply(200, gzip.compress(bytes(50_000_000)), b"Content-Encoding: gzip\r\n"), "http.too_large"),
        (reply(200, bytes(1_048_576) + b"hello"), "http.too_large"),
        (reply(200, bytes(1_048_571) + b"hello"), None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "protocol.malformed"),
    ],
    ids=[
        "there",
        "missing",
        "gzip",
        "deflate",
        "not gzip",
        "br",
        "bomb",
        "long",
        "last",
        "chunked",
        "bad chunk",
    ],
)
def test_a_text_is_looked_for_in_the_decoded_body(answer, ask, response, cause):
    """In the first MiB, whatever the encoding, in bounded memory."""
    found = ask(HTTP, answer(response, close=True).port, body="hello")
    assert found.cause == cause


def test_a_body_without_length_ends_with_the_connection(answer, ask):
    """RFC 9112 6.3; one that is cut short is closed too soon."""
    whole = answer(b"HTTP/1.0 200 OK\r\n\r\nhello", close=True)
    cut = answer(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhel", close=True)
    assert ask(HTTP, whole.port, body="hello").facts["http"]["body_bytes"] == 5
    assert ask(HTTP, cut.port, body="hello").cause == "protocol.closed"


@pytest.mark.parametrize(
    "start",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhel",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 50\r\n\r\n",
    ],
    ids=["length", "chunked", "login"],
)
def test_a_body_that_stalls_is_silence_after_so_many_bytes(answer, ask, start):
    """The head has come, and what must follow gets lost: so large packets are found out."""
    found = ask(HTTP, answer(start).port, timeout=0.6)
    assert (found.verdict, found.cause, found.layer) == (Verdict.FAIL, "protocol.silent", Layer.PROTOCOL)
    assert found.summary.startswith(f"after {len(start)} bytes silence for ")
    assert found.facts["http"]["body_bytes"] == (3 if start.endswith(b"hel") else 0)
    assert found.evidence[0].startswith("GET / answered ")


def test_a_body_that_is_cut_short_is_closed_too_soon(answer, ask):
    """Though nothing is looked for in it."""
    cut = answer(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhel", close=True)
    found = ask(HTTP, cut.port)
    assert (found.cause, found.summary) == ("protocol.closed", "closed after 42 bytes")


@pytest.mark.parametrize(
    ("method", "start"),
    [
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (
            "GET",
            b"HTTP/1.1 200 OK\r\nContent-Type: Multipart/X-Mixed-Replace; boundary=x\r\n"
            b"Content-Length: 999\r\n\r\n",
        ),
        ("GET", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhel"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"),
    ],
    ids=["events", "camera", "until close", "none", "head"],
)
def test_a_body_that_may_never_end_is_not_waited_for(answer, ask, method, start):
    """A stream is silent while there is nothing to say, and some replies have no body at all."""
    assert ask(HTTP, answer(start).port, timeout=0.6, method=method).verdict is Verdict.PASS


def test_a_long_body_is_read_in_part(serve, ask):
    """Its first 64 KiB show that large packets pass; then it may stall."""

    def handler(sock):
        head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n" + b"x" * 70_000)
        sock.recv(1)

    found = ask(HTTP, serve(handler).port, timeout=1.0)
    assert found.verdict is Verdict.PASS
    assert 64 * 1024 <= found.facts["http"]["body_bytes"] <= 80 * 1024


def test_the_charset_of_the_head_counts(answer, ask):
    """An umlaut in Latin-1."""
    server = answer(reply(200, "grün".encode("latin-1"), b"Content-Type: text/html; charset=ISO-8859-1\r\n"))
    assert ask(HTTP, server.port, body="grün").verdict is Verdict.PASS


def _drip(sock):
    head(sock)
    for byte in OK:
        sock.sendall(bytes([byte]))
        time.sleep(0.05)


def _endless_head(sock):
    head(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        sock.sendall(b"X-Filler: " + b"x" * 1000 + b"\r\n")


def _endless_line(sock):
    head(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        sock.sendall(b"x" * 10000)


def _endless_interim(sock):
    head(sock)
    while True:
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


def _endless_framing(sock):
    head(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        sock.sendall(b"1;" + b"x" * 30_000 + b"\r\ny\r\n")


def _endless_body(sock):
    head(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        sock.sendall(bytes(65536))


@pytest.mark.parametrize(
    ("handler", "cause"),
    [
        (lambda sock: (head(sock), sock.recv(1)), "protocol.silent"),
        (_drip, "protocol.slow"),
        (lambda sock: head(sock), "protocol.closed"),
        (lambda sock: (head(sock), sock.sendall(b"HTTP/1.1 200 OK\r\nServ")), "protocol.closed"),
        (lambda sock: (head(sock), sock.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")), "protocol.mismatch"),
        (lambda sock: (head(sock), sock.sendall(b"\x15\x03\x01\x00\x02\x02\x46")), "protocol.mismatch"),
        (lambda sock: (head(sock), sock.sendall(b"HTTP/1.1 banana\r\n\r\n")), "protocol.malformed"),
        (lambda sock: (head(sock), sock.sendall(b"HTTP/1.1 200 OK\r\nhuh\r\n\r\n")), "protocol.malformed"),
        (_endless_head, "http.too_large"),
        (_endless_line, "http.too_large"),
        (_endless_interim, "http.too_large"),
        (_endless_body, "http.too_large"),
        (_endless_framing, "http.too_large"),
    ],
    ids=[
        "silent", "drip", "closes", "closes half-way", "ssh", "tls", "no status", "no colon",
        "endless head", "endless line", "endless interim", "endless body", "endless framing",
    ],
)  # fmt: skip
def test_a_hostile_server_ends_within_the_deadline(serve, ask, handler, cause):
    """Whatever it does, the step ends at its time-out with the right cause, and not at the server's will."""
    found = ask(HTTP, serve(handler).port, timeout=0.8, body="hello")
    assert (found.cause, found.layer) == (cause, Layer.PROTOCOL)


def test_a_reset_is_told_from_a_close(serve, ask, hang_up):
    """An RST in place of an answer."""
    assert ask(HTTP, serve(lambda sock: (head(sock), hang_up(sock))).port).cause == "protocol.reset"


def test_another_protocol_is_named(serve, ask):
    """SSH, and TLS by the alert with which it answers a request in clear."""
    ssh = ask(HTTP, serve(lambda sock: (head(sock), sock.sendall(b"SSH-2.0-lab\r\n"))).port)
    assert ssh.summary == "no HTTP: it answers as SSH: `SSH-2.0-lab`"
    tls = ask(HTTP, serve(lambda sock: (head(sock), sock.sendall(b"\x15\x03\x03\x00\x02\x02\x0a"))).port)
    assert (tls.cause, tls.summary) == ("protocol.mismatch", "TLS answers where plain HTTP was asked for")


def test_what_a_server_says_is_made_fit_to_show(answer, ask):
    """Escape sequences and long texts don't reach the record."""
    found = ask(
        HTTP,
        answer(b"HTTP/1.1 200 OK\r\nServer: \x80\x9b" + b"x" * 500 + b"\r\nContent-Length: 0\r\n\r\n").port,
    )
    assert len(found.facts["http"]["server"]) == 201
    assert found.facts["http"]["server"].isprintable()


def test_https_is_one_ladder(mint, serve_tls, ask):
    """Connect, TLS and the answer on one connection, with HTTP/1.1 agreed on."""
    context = mint.context(mint.leaf("127.0.0.1"))
    context.set_alpn_protocols(["h2", "http/1.1"])
    server = serve_tls(context, lambda sock: (head(sock), sock.sendall(OK)))
    found = ask(HTTPS, server.port, ca_file=mint.file(mint.root.pem), body="hello")
    assert found.verdict is Verdict.PASS
    assert [step.layer for step in found.steps] == [Layer.CONNECT, Layer.TLS, Layer.PROTOCOL]
    assert found.facts["tls"]["alpn"] == "http/1.1"
    assert server.accepted == 1


def test_https_sends_no_request_to_an_untrusted_server(mint, serve_tls, ask):
    """The ladder stops at the certificate; the answer's step is skipped."""
    asked = []
    server = serve_tls(mint.context(mint.leaf("127.0.0.1")), lambda sock: asked.append(head(sock)))
    found = ask(HTTPS, server.port)
    server.close()
    assert [(step.layer, step.verdict) for step in found.steps][1:] == [
        (Layer.TLS, Verdict.FAIL),
        (Layer.PROTOCOL, Verdict.SKIP),
    ]
    assert asked in ([], [""])


def test_a_failure_inside_tls_is_the_protocols(mint, serve_tls, ask):
    """A server that closes in place of an answer, after a good handshake."""
    server = serve_tls(mint.context(mint.leaf("127.0.0.1")), lambda sock: head(sock))
    found = ask(HTTPS, server.port, ca_file=mint.file(mint.root.pem))
    assert (found.cause, found.layer) == ("protocol.closed", Layer.PROTOCOL)


@pytest.mark.parametrize(
    "words",
    [b"The plain HTTP request was sent to HTTPS port", b"Client sent an HTTP request to an HTTPS server."],
)
def test_a_server_that_says_it_wants_tls_is_believed(answer, ask, words):
    """Some answer a request in clear on their TLS port in clear."""
    found = ask(HTTP, answer(reply(400, words)).port)
    assert (found.cause, found.summary) == (
        "protocol.mismatch",
        "the server wants TLS on this port, and says so",
    )


def test_a_client_certificate_may_be_missed_only_in_the_answer(mint, serve_tls, ask):
    """nginx completes the handshake and answers 400; a server that asked for none has another reason."""
    refusal = reply(400, b"No required SSL certificate was sent")
    for wanted, cause in ((True, "tls.client_certificate_required"), (False, "http.status")):
        context = mint.context(mint.leaf("127.0.0.1"))
        if wanted:
            context.verify_mode = ssl.CERT_OPTIONAL
            context.load_verify_locations(mint.file(mint.root.pem))
        server = serve_tls(context, lambda sock: (head(sock), sock.sendall(refusal)))
        found = ask(HTTPS, server.port, ca_file=mint.file(mint.root.pem))
        assert (found.cause, found.layer) == (cause, Layer.PROTOCOL)


def test_a_few_bytes_that_say_nothing_are_waited_on(serve, ask):
    """Trickled they are slow; followed by silence they are what came."""

    def trickle(sock):
        for _ in range(100):
            sock.sendall(b"x")
            time.sleep(0.2)

    assert ask(HTTP, serve(trickle).port, timeout=0.9).cause == "protocol.slow"
    blip = ask(HTTP, serve(lambda sock: (sock.sendall(b"xx"), head(sock), sock.recv(1))).port, timeout=2.2)
    assert (blip.cause, blip.summary) == ("protocol.malformed", "no HTTP: it begins with `xx`")


def test_endless_session_tickets_end(mint, serve_tls, ask):
    """Inside TLS a server may keep us busy without a byte of an answer (RFC 8446 4.6.1)."""
    context = mint.context(mint.leaf("127.0.0.1"))
    context.num_tickets = 5000
    server = serve_tls(context, lambda sock: head(sock))
    found = ask(HTTPS, server.port, ca_file=mint.file(mint.root.pem))
    assert (found.cause, found.layer) == ("protocol.malformed", Layer.PROTOCOL)
    assert "nothing but handshake messages" in found.summary


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("path", "health", "`health` is not a path (for example `/health`)"),
        ("path", "/a\r\nX: y", "`/a X: y` is not a path (for example `/health`)"),
        (
            "headers",
            {"X": "a\r\nY: b"},
            "the header `X` has a line break or another character that can't travel",
        ),
        ("headers", {"X Y": "a"}, "`X Y` is not a header's name"),
        (
            "headers",
            {"Authorization": "Bearer 1"},
            "secret in clear text: this probe sends no header `Authorization`",
        ),
        (
            "headers",
            {"X-Vault-Token": "hvs.1"},
            "secret in clear text: this probe sends no header `X-Vault-Token`",
        ),
        ("headers", {"Content-Length": "1"}, "the header `Content-Length` is netcheck's to set"),
        ("proxy", "http://me:pw@proxy", "secret in clear text: a proxy's URL takes no user and password"),
        (
            "proxy",
            "proxy",
            "`proxy` is not a proxy's URL (`http://proxy.acme.example:3128`, `https://…`, `socks5://…`),"
            " `env` or `none`",
        ),
        ("status", [99], "`99` is not an HTTP status: 100 to 599"),
        ("method", "get", "`get` is not a method: `GET`, `HEAD`, `OPTIONS`, `POST`"),
        ("fingerprint", "abcd", "`abcd` is not a SHA-256 fingerprint: 64 hex digits, or `SHA256:…`"),
    ],
)
def test_a_wrong_option_is_refused(name, value, message):
    """Each in its own words; no secret is repeated."""
    with pytest.raises(BadValue) as caught:
        options_of(HTTP.settings)[name].kind.read(value)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"verify": "pin"}, "`verify: pin` needs a `fingerprint`"),
        ({"server_name": "bü..cher"}, "`bü..cher` is not a host name"),
        ({"method": "HEAD", "body": "x"}, "`body` can't be looked for with `method: HEAD`"),
    ],
)
def test_options_that_do_not_go_together_are_refused(settings, message):
    """What one option asks of another."""
    with pytest.raises(BadValue, match=re.escape(message)):
        HTTP.settings(**settings)


@pytest.mark.parametrize(
    ("fields", "offset"),
    [
        ("Date: {gmt}", -600),
        ("Date: {asctime}", -600),
        ("Date: {gmt}\r\nAge: 600", None),
        ("Date: {gmt}\r\nX-Cache: HIT", None),
        ("Date: {gmt}\r\nX-Cache: MISS", -600),
        ("Date: some day", None),
        ("Date: Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Date: Mon, 01 Jan 2024 00:00:00 +9999999999999999999", None),
        ("Date: Mon, 01 Jan 0000 00:00:00 GMT", None),
        ("X-None: 0", None),
    ],
)
def test_the_clock_of_a_server(answer, ask, monkeypatch, fields, offset):
    """Its Date, which means UTC wherever we are, unless the answer is a copy."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        then = time.time() - 600
        shown = fields.format(gmt=formatdate(then, usegmt=True), asctime=time.asctime(time.gmtime(then)))
        reply = f"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{shown}\r\n\r\n".encode()
        found = ask(HTTP, answer(reply).port).facts["http"]["clock_offset_s"]
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
    assert found is offset is None or abs(found - offset) < 3
