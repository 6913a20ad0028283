"""Handshakes that differ in one thing, against servers that mind it."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from netcheck.diagnosis.greeted import greeted
from netcheck.diagnosis.greeted import varied as experiment
from netcheck.diagnosis.judgement import Judgement
from probes.contract import Ascent, Confidence, Layer, Verdict
from probes.hellos import vary
from probes.net.base import TlsHello
from probes.net.real import SystemNetwork
from probes.variation import Variation

# A fatal alert 112 in a record of TLS 1.2.
UNRECOGNIZED_NAME = b"\x15\x03\x03\x00\x02\x02\x70"


def varied(port: int, name: str | None = "web.example") -> tuple[Variation, ...]:
    async def go() -> tuple[Variation, ...]:
        return await vary("127.0.0.1", port, TlsHello(name), SystemNetwork(), 1.5)

    return asyncio.run(go())


def told(hellos: tuple[Variation, ...], cause: str = "tls.reset") -> str:
    """What follows for a handshake that was reset, or ended so."""
    main = Ascent("127.0.0.1", Verdict.FAIL, (), cause, Layer.TLS, summary="reset")
    judged = Judgement(Verdict.FAIL, cause, Layer.TLS, Confidence.CERTAIN, "reset", main, ())
    return greeted(judged, hellos).summary


def large(data: bytes) -> bool:
    """Whether a ClientHello is larger than what old devices expect."""
    return len(data) > 600


@pytest.fixture
def picky(mint, serve, hang_up):
    """A server that resets whoever says what it minds."""
    context = mint.context(mint.leaf("web.example"))

    def start(minds):
        def handler(raw):
            data = raw.recv(65536, 2)  # MSG_PEEK
            if minds(data):
                hang_up(raw)
                return
            with context.wrap_socket(raw, server_side=True) as sock:
                sock.recv(1)

        return serve(handler)

    return start


def test_a_name_that_is_minded(picky):
    """Every handshake with it fails, and those without, or with another name, work."""
    found = varied(picky(lambda data: b"web.example" in data).port)
    assert all(one.works for one in found if one.varied == "server_name")
    assert not any(one.works for one in found if one.varied != "server_name")
    assert "goes by the name" in told(found)


def test_a_refusal_is_an_answer_where_there_was_none(serve, hang_up):
    """A server that knows its own name alone says no to all others, so theirs arrive; this one's does not."""

    def strict(raw):
        if b"web.example" in raw.recv(65536, 2):  # MSG_PEEK
            hang_up(raw)
            return
        raw.recv(65536)
        raw.sendall(UNRECOGNIZED_NAME)

    found = varied(serve(strict).port)
    assert not any(one.works for one in found)
    assert "goes by the name" in told(found)
    assert told(found, "tls.handshake_refused") == "reset"


def test_a_protocol_that_is_missed(picky):
    """Some servers speak to nobody who does not name a protocol (ALPN)."""
    found = varied(picky(lambda data: b"http/1.1" not in data).port)
    assert told(found) == "reset; with ALPN http/1.1 it is answered"


def test_a_large_hello_that_is_minded(picky):
    """A classical key exchange fits into a small packet."""
    found = varied(picky(large).port)
    assert ("client_hello", True) in {(one.varied, one.works) for one in found}
    assert "a small ClientHello is answered" in told(found)


def test_a_server_with_one_version(mint, serve_tls):
    """That is no failure by itself; what it shows is said where the other one is all that is offered."""
    context = mint.context(mint.leaf("web.example"))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    found = {(one.varied, one.value): one.works for one in varied(serve_tls(context).port)}
    assert found["tls_version", "TLSv1.2"]
    assert not found["tls_version", "TLSv1.3"]


def test_what_fails_always_depends_on_nothing(serve, hang_up):
    """Each variation is a control, and none explains it."""
    found = varied(serve(hang_up).port)
    assert told(found) == "reset"
    assert [control.verdict for control in experiment(found).controls] == [Verdict.FAIL] * len(found)


def test_an_address_has_no_name_to_vary(picky):
    """RFC 6066 3: no SNI for addresses."""
    found = varied(picky(lambda data: False).port, None)
    assert "server_name" not in {one.varied for one in found}
