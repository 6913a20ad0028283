"""What the self-test of the trace finds on loopback, and what it says where the system can't."""

from __future__ import annotations

import socket
import sys

import pytest

from probes.net import errqueue
from probes.net.base import Icmp
from probes.path import selftest

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the error queue is Linux's")


@linux
def test_linux_can() -> None:
    """On loopback alone: errors reach the queue, a TTL can be set and a floor kept."""
    assert selftest.trace_possible() is None
    assert selftest.no_floor(4) is None
    assert selftest.no_counts() is None


@linux
def test_ipv6_is_asked_on_its_own() -> None:
    """Where there is an IPv6 loopback it can, else the reason names the family."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        assert "IPv6" in (selftest.no_error_queue(6) or "")
    else:
        assert selftest.no_error_queue(6) is None


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_elsewhere_it_says_so(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No option of another meaning is set there: the number alone is not asked."""
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(errqueue, "listen", lambda *_: pytest.fail("an option was set"))
    assert platform in (selftest.trace_possible() or "")
    assert platform in (selftest.no_reach(6) or "")
    assert platform in (selftest.no_floor(6) or "")


@linux
def test_silence_is_no_proof_of_a_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """An old kernel, or a rule that drops ICMP: asked again, then believed."""
    asked = []
    monkeypatch.setattr(errqueue, "read", lambda sock: asked.append(sock))
    monkeypatch.setattr(selftest, "WAIT", 0.0)
    assert selftest.trace_possible() == "a closed port on 127.0.0.1 sent no ICMP error within 0.0 s"
    assert len(asked) == selftest.TRIES


@linux
def test_another_error_is_not_the_one_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule of this host that rejects the datagram proves nothing of the closed port."""
    monkeypatch.setattr(errqueue, "read", lambda sock: (Icmp(4, 3, 13, "127.0.0.1", own=True), 113))
    assert "type 3 code 13" in (selftest.trace_possible() or "")
