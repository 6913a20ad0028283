"""Login pages of a network, told by a question whose right answer is known; and pages of filters."""

from __future__ import annotations

import time

import pytest

from probes.contract import Confidence, Layer, Verdict
from probes.http import HTTP, HTTPS
from probes.settings import BadValue, options_of
from tests.servers.heads import head

LOGIN = b"HTTP/1.1 302 Found\r\nLocation: http://login.guest.example/\r\nContent-Length: 0\r\n\r\n"
OTHER = LOGIN.replace(b"login.guest", b"sso.acme")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
RIGHT = b"HTTP/1.1 204 No Content\r\n\r\n"
NETWORK_LOGIN = b"HTTP/1.1 511 Network Authentication Required\r\nContent-Length: 0\r\n\r\n"


def saying(text):
    return lambda sock: (head(sock), sock.sendall(text))


@pytest.fixture
def question(serve):
    """A server that gives this answer; its URL."""

    def start(text):
        handler = text if callable(text) else saying(text)
        return f"http://127.0.0.1:{serve(handler).port}/generate_204"

    return start


@pytest.mark.parametrize(
    ("service", "answer", "cause", "confidence"),
    [
        (LOGIN, LOGIN, "http.captive_portal", Confidence.CERTAIN),
        (OTHER, LOGIN, "http.captive_portal", Confidence.LIKELY),
        (OTHER, NETWORK_LOGIN, "http.captive_portal", Confidence.LIKELY),
        (OK, OK, "http.captive_portal", Confidence.LIKELY),
        (OK, RIGHT, None, Confidence.CERTAIN),
        (OTHER, RIGHT, "http.redirected_away", Confidence.CERTAIN),
        (OK, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", None, Confidence.CERTAIN),
        (OK, b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", None, Confidence.CERTAIN),
        (OK, lambda sock: None, None, Confidence.CERTAIN),
        (OK, lambda sock: time.sleep(1.2), None, Confidence.CERTAIN),
    ],
)
def test_what_the_question_tells(serve, question, ask, service, answer, cause, confidence):
    """A login page answers in every name; what fails, or says nothing, is none."""
    found = ask(HTTP, serve(saying(service)).port, challenge=question(answer), timeout=1.0)
    assert (found.verdict is Verdict.PASS, found.cause) == (cause is None, cause)
    assert found.confidence is confidence
    assert any("the challenge http://127.0.0.1" in words for words in found.evidence)


def test_its_own_https_is_no_portal(serve, question, ask):
    """A server that wants to be asked inside TLS sends to its own name."""
    onward = b"HTTP/1.1 301 Moved\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"
    found = ask(HTTP, serve(saying(OTHER)).port, challenge=question(onward))
    assert found.cause == "http.redirected_away"


def test_a_page_that_is_known(serve, question, ask):
    """Some answer with a text and not with 204."""
    target = serve(saying(OK))
    known = {"challenge": question(OK), "challenge_body": "hi"}
    assert ask(HTTP, target.port, **known).verdict is Verdict.PASS
    wrong = known | {"challenge_body": "ho"}
    assert ask(HTTP, target.port, **wrong).cause == "http.captive_portal"
    # What only the service can say came from it: a network lets some names through.
    assert ask(HTTP, target.port, **wrong, body="hi").verdict is Verdict.PASS


def test_a_connection_that_does_not_come_about(serve, question, ask):
    """Until somebody logs in, a network lets nothing else pass; the step stays the one that failed."""
    gone = serve(lambda sock: None)
    gone.close()
    found = ask(HTTPS, gone.port, challenge=question(LOGIN))
    assert (found.cause, found.layer, found.confidence) == (
        "http.captive_portal",
        Layer.CONNECT,
        Confidence.LIKELY,
    )
    assert found.steps[0].cause == "http.captive_portal"
    assert "without the login page this would be tcp.refused" in found.evidence
    assert ask(HTTPS, gone.port, challenge=question(RIGHT)).cause == "tcp.refused"


def test_inside_tls(mint, serve_tls, question, ask):
    """Another's certificate may be the login page's; what comes inside the service's own is its own."""
    roots = mint.file(mint.root.pem)
    wrong = serve_tls(mint.context(mint.leaf("login.guest.example")), saying(LOGIN))
    found = ask(HTTPS, wrong.port, ca_file=roots, challenge=question(LOGIN))
    assert (found.cause, found.layer) == ("http.captive_portal", Layer.TLS)
    broken = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"
    right = serve_tls(mint.context(mint.leaf("127.0.0.1")), saying(broken))
    assert ask(HTTPS, right.port, ca_file=roots, challenge=question(LOGIN)).cause == "http.server_error"


def test_the_question_has_no_time_of_its_own(serve, question, ask):
    """Beyond the deadline of the look nothing is asked."""
    target = serve(lambda sock: time.sleep(5))
    asked = serve(lambda sock: time.sleep(5))
    began = time.monotonic()
    found = ask(HTTP, target.port, challenge=f"http://127.0.0.1:{asked.port}/", timeout=1.0, deadline=1.5)
    assert found.cause == "protocol.silent"
    assert time.monotonic() - began < 1.9


def test_nobody_is_asked_without_need(mint, serve, serve_tls, ask):
    """Where the service answers inside TLS of its own, and through a proxy."""
    asked = serve(saying(LOGIN))
    url = f"http://127.0.0.1:{asked.port}/"
    right = serve_tls(mint.context(mint.leaf("127.0.0.1")), saying(OK))
    found = ask(HTTPS, right.port, ca_file=mint.file(mint.root.pem), challenge=url)
    assert found.verdict is Verdict.PASS
    between = serve(saying(OTHER))
    found = ask(HTTP, 80, host="target.invalid", proxy=f"http://127.0.0.1:{between.port}", challenge=url)
    assert found.cause == "http.redirected_away"
    assert asked.accepted == 0


@pytest.mark.parametrize(
    "url", ["https://a.example/", "a.example", "http://user@a.example/", "http://", "http://a:0/", 7]
)
def test_what_is_no_question(url):
    """Plain http, without a user."""
    with pytest.raises(BadValue):
        options_of(HTTP.settings)["challenge"].kind.read(url)


def test_an_answer_without_a_question():
    with pytest.raises(BadValue, match="missing"):
        HTTP.settings(challenge_body="hi")


OF_ANY_SERVER = ("http.redirected_away", "http.server_error")
PAGE = b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s"


def page(status, title, text, head_line=b""):
    body = b"<html><title>%s</title><p>%s</p></html>" % (title, text)
    return PAGE % (status, head_line, len(body), body)


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (page(b"200 OK", b"Web Page Blocked!", b"FortiGuard: category Games"), "http.blocked_by_proxy"),
        (page(b"200 OK", b"Sessions", b"Fortinet: access denied, 3 blocked"), None),
        (page(b"403 Forbidden", b"403 Forbidden", b"Log in. Works with Zscaler."), None),
        (page(b"403 No", b"Blocked", b"sorry", b"Server: Zscaler/6.2\r\n"), "http.blocked_by_proxy"),
        (page(b"200 OK", b"Blocked", b"ask your administrator"), None),
        (OTHER.replace(b"sso.acme.example", b"block.opendns.com"), "http.blocked_by_proxy"),
        (OTHER, "http.redirected_away"),
        (page(b"503 No", b"Error", b"", b"X-Squid-Error: ERR_CONNECT_FAIL 111\r\n"), "proxy.refused"),
        (page(b"503 No", b"Error", b"", b"Via: 1.1 gw (squid/5.7)\r\n"), "http.server_error"),
        (page(b"407 No", b"Login", b""), "proxy.auth_required"),
    ],
)
def test_pages_in_a_public_services_place(serve, ask, answer, cause):
    """A product's name in a text is anybody's: it tells in the head, or under a title that forbids."""
    found = ask(HTTP, serve(saying(answer)).port, public=True)
    assert found.cause == cause
    assert found.confidence is Confidence.LIKELY or cause in (None, *OF_ANY_SERVER)


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (
            page(b"503 No", b"Error", b"", b"Server: nginx\r\nVia: 1.1 gw (squid/5.7)\r\n"),
            "http.server_error",
        ),
        (page(b"500 No", b"Error", b"", b"X-Squid-Error: ERR_CANNOT_FORWARD 0\r\n"), "proxy.refused"),
        (page(b"403 No", b"Access denied", b"Sophos", b"Via: 1.1 gw (squid/5.7)\r\n"), None),
        (page(b"403 No", b"Access denied", b"Sophos"), "http.blocked_by_proxy"),
        (
            LOGIN.replace(b"Content-Length", b"X-Squid-Error: 403 Access Denied\r\nContent-Length"),
            "http.blocked_by_proxy",
        ),
    ],
)
def test_what_a_proxy_passed_on_is_not_its_own(serve, ask, answer, cause):
    """It adds itself to `Via`; its own errors bear its mark."""
    between = serve(saying(answer))
    found = ask(HTTP, 80, host="target.invalid", proxy=f"http://127.0.0.1:{between.port}")
    assert found.cause == cause
