"""The demo: every broken device of the lab gets its intended cause, and the last lines help on."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import dns.rcode
import pytest

from netcheck import exitcodes
from netcheck.cli import main
from netcheck.demo.certificates import Authority
from netcheck.demo.dns import DnsServer
from netcheck.demo.lab import BROKEN, Lab
from netcheck.demo.listener import Listener, Unresponsive, closed_port, silence
from netcheck.demo.web import tls_web_server, web_server


@dataclass(frozen=True)
class Shown:
    """One run of the demo."""

    status: int
    out: str
    err: str
    record: dict[str, Any]
    inventory: Path

    def cause_of(self, target: str, number: int = 0) -> str | None:
        found = [check["cause"] for check in self.record["checks"] if check["target"] == target]
        return found[number]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """The whole command, once, with its history in a folder of its own."""
    folder = tmp_path_factory.mktemp("state")
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(["demo", "-o", str(folder / "run.json")])
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return Shown(
        status, out.getvalue(), err.getvalue(), record, folder / "netcheck" / "demo" / "inventory.yml"
    )


def test_the_demo_shows_what_it_should(demo: Shown) -> None:
    """Status 0 and no complaint, although most checks fail: they were built to."""
    assert demo.err == ""
    assert demo.status == exitcodes.OK
    counts = demo.record["summary"]
    assert (counts["fail"], counts["warn"]) == (len(BROKEN) - 1, 1)
    assert counts["pass"] == counts["checks"] - len(BROKEN) > 0


@pytest.mark.parametrize(
    ("target", "number", "cause"),
    [
        ("web01", 0, None),
        ("web02", 0, None),
        ("db01", 0, None),
        ("db01", 1, "tcp.refused"),
        ("db01", 2, "tcp.filtered"),
        ("db02", 0, "auth.failed"),
        ("app01", 0, "protocol.mismatch"),
        ("sw-core-1", 0, "ssh.no_common_algorithm"),
        ("sw-core-2", 0, "ssh.host_key_mismatch"),
        ("fw-dmz", 0, "protocol.closed"),
        ("ups-1", 0, "protocol.silent"),
        ("vcenter", 0, "tls.expired"),
        ("ilo-7", 0, "tls.hostname_mismatch"),
        ("vault", 0, "tls.expires_soon"),
        ("vault-name", 0, None),
        ("erp-name", 0, "dns.mismatch"),
        ("old-name", 0, "dns.nxdomain"),
        ("direct-rdp", 0, "policy.unexpectedly_open"),
    ],
)
def test_every_device_gets_its_cause(demo: Shown, target: str, number: int, cause: str | None) -> None:
    """The cause that the device was broken for; a sound one passes."""
    assert demo.cause_of(target, number) == cause


def test_a_login_is_a_real_one(demo: Shown) -> None:
    """web01 passes up to the auth step, by the password in the file."""
    steps = next(check["steps"] for check in demo.record["checks"] if check["target"] == "web01")
    assert ("auth", "pass") in [(step["step"], step["verdict"]) for step in steps]


def test_the_last_lines_tell_what_to_try_next(demo: Shown) -> None:
    """Commands that can be typed as they stand, with the inventory's path."""
    last = demo.out.rsplit("What to try next", 1)[1]
    assert f"netcheck plan --origins {demo.inventory}" in last
    assert "netcheck explain " in last
    assert "netcheck init" in last


def test_the_inventory_stays_and_holds_no_secret(demo: Shown) -> None:
    """It can be read afterwards; the passwords are in files of their own, for this user only."""
    text = demo.inventory.read_text(encoding="utf-8")
    password = demo.inventory.with_name("linux.password")
    assert "# " in text
    assert password.read_text(encoding="utf-8") not in text
    assert password.stat().st_mode & 0o077 == 0


def test_a_surprise_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the lab shows something else than it was built for, the demo says so and its status is 1."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(Lab, "intended", lambda self: {})
    assert main(["demo", "--only", "old-name", "--no-history"]) == exitcodes.FAILED
    complaint = capsys.readouterr().err
    assert "local/old-name/dns/- was built to show a pass, and showed dns.nxdomain" in complaint


def test_the_lab_cleans_up_when_it_cannot_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that can't start stops those that have, and is one clear error."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def refuse(address: str) -> int:
        raise OSError(99, "Cannot assign requested address")

    monkeypatch.setattr("netcheck.demo.lab.closed_port", refuse)
    assert main(["demo"]) == exitcodes.USAGE


@pytest.fixture(scope="module")
def resolver():
    with contextlib.closing(
        DnsServer("127.0.0.2", {"db01.acme.example": ["10.20.0.15", "fd00::15"]})
    ) as server:
        yield server


@pytest.mark.parametrize(
    ("name", "kind", "answer", "code"),
    [
        ("db01.acme.example", "A", ["10.20.0.15"], dns.rcode.NOERROR),
        ("db01.acme.example", "AAAA", ["fd00::15"], dns.rcode.NOERROR),
        ("db01.acme.example", "MX", [], dns.rcode.NOERROR),
        ("db02.acme.example", "A", [], dns.rcode.NXDOMAIN),
    ],
)
@pytest.mark.parametrize("ask", [dns.query.udp, dns.query.tcp])
def test_the_dns_server_answers(
    resolver: DnsServer, ask: Any, name: str, kind: str, answer: list[str], code: int
) -> None:
    """Over UDP and TCP alike: the addresses, an empty answer, or no such name."""
    reply = ask(dns.message.make_query(name, kind), resolver.address, port=resolver.port, timeout=5)
    assert [record.to_text() for rrset in reply.answer for record in rrset] == answer
    assert reply.rcode() == code


def test_the_dns_server_survives_garbage(resolver: DnsServer) -> None:
    """What is no question gets no answer, and the next question does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"\x00garbage", (resolver.address, resolver.port))
    query = dns.message.make_query("db01.acme.example", "A")
    assert dns.query.udp(query, resolver.address, port=resolver.port, timeout=5).answer


def test_a_closed_listener_ends_its_conversations() -> None:
    """A client that waits for a silent server sees the end when the lab stops."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(b"!")
        silence(connection)

    server = Listener("127.0.0.1", talk)
    with socket.create_connection((server.address, server.port), timeout=5) as client:
        assert client.recv(10) == b"!"
        server.close()
        assert client.recv(10) == b""


def test_a_closed_port_refuses() -> None:
    """Nothing listens there."""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", closed_port("127.0.0.1")), timeout=5)


def test_an_unresponsive_port_is_silent() -> None:
    """A SYN to a full queue gets no answer: the connection stays in progress."""
    with contextlib.closing(Unresponsive("127.0.0.1")) as server, pytest.raises(TimeoutError):
        socket.create_connection((server.address, server.port), timeout=0.2)


@pytest.mark.parametrize(
    ("request_", "status"),
    [(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200"), (b"SSH-2.0-x\r\n", b"HTTP/1.1 400")],
)
def test_the_web_server_answers_as_real_ones_do(request_: bytes, status: bytes) -> None:
    """A page for a request, a 400 at the first line of anything else."""
    with (
        contextlib.closing(web_server("127.0.0.1")) as server,
        socket.create_connection((server.address, server.port), timeout=5) as client,
    ):
        client.sendall(request_)
        assert client.recv(4096).startswith(status)


@pytest.mark.parametrize(
    ("days", "name", "words"),
    [(30, "a.example", None), (-1, "a.example", "expired"), (30, "b.example", "match|mismatch")],
)
def test_certificates_are_what_was_asked_for(days: int, name: str, words: str | None) -> None:
    """Python's own verification accepts the good one, and names what is wrong with the others."""
    authority = Authority("test CA")
    context = ssl.create_default_context(cadata=authority.pem.decode())
    with (
        contextlib.closing(tls_web_server("127.0.0.1", authority.issue("a.example", days=days))) as server,
        socket.create_connection((server.address, server.port), timeout=5) as client,
        contextlib.ExitStack() as refused,
    ):
        if words:
            refused.enter_context(pytest.raises(ssl.SSLCertVerificationError, match=words))
        with context.wrap_socket(client, server_hostname=name) as inside:
            assert inside.version() == "TLSv1.3"
