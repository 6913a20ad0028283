"""Servers that are no SSH, or a bad one: each ends within its deadline with the cause that was seen."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time

import pytest

from probes.contract import Layer, Verdict
from probes.ssh.wire import KEXINIT

IDENTIFICATION = b"SSH-2.0-Test_1.0\r\n"


def packet(payload: bytes) -> bytes:
    """An SSH packet in clear (RFC 4253 6)."""
    padding = 8 - (len(payload) + 5) % 8 + 8
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


def kexinit(*lists: bytes) -> bytes:
    """A KEXINIT packet of these eight lists."""
    body = b"".join(struct.pack(">I", len(names)) + names for names in (*lists, b"", b""))
    return packet(bytes([KEXINIT]) + os.urandom(16) + body + bytes(5))


MODERN = kexinit(
    b"curve25519-sha256",
    b"ssh-ed25519",
    *[b"aes128-ctr"] * 2,
    *[b"hmac-sha2-256"] * 2,
    *[b"none"] * 2,
)


def says(*parts: bytes, stay: bool = False, reset: bool = False):
    """A server that reads our first bytes, says these and then stays, closes or resets."""

    def handler(connection: socket.socket) -> None:
        connection.recv(64)
        for part in parts:
            connection.sendall(part)
        if reset:
            time.sleep(0.05)  # let what was said arrive: a reset would overtake it
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        if not stay:
            connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):  # until the probe hangs up
            pass

    return handler


def packets(count: int, payload: bytes) -> bytes:
    return packet(payload) * count


@pytest.mark.parametrize(
    ("handler", "cause", "words"),
    [
        (says(), "protocol.closed", "closed after 0 bytes"),
        (says(reset=True), "protocol.reset", "reset after 0 bytes"),
        (says(IDENTIFICATION), "protocol.closed", "closed after 18 bytes"),
        (says(IDENTIFICATION, reset=True), "protocol.reset", "reset after 18 bytes"),
        (says(stay=True), "protocol.silent", "silence"),
        (says(IDENTIFICATION, stay=True), "protocol.silent", "silence"),
        (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "protocol.mismatch", "HTTP"),
        (says(b"220 mail.acme.example ESMTP\r\n", stay=True), "protocol.mismatch", "SMTP"),
        (says(b"\x15\x03\x01\x00\x02\x02\x28"), "protocol.mismatch", "TLS"),
        (says(b"SSH-1.5-Cisco-1.25\r\n", stay=True), "protocol.mismatch", "SSH-1 only"),
        (says(b"\x00\x01\x02\xfe\xdc\xba\x98" * 9, stay=True), "protocol.malformed", "not SSH"),
        (says(b"SSH-nonsense\r\n", stay=True), "protocol.malformed", "SSH-nonsense"),
        (says(b"x" * 5000, stay=True), "protocol.malformed", "1024 bytes"),
        (says(b"welcome\r\n" * 60, stay=True), "protocol.malformed", "no identification"),
        (says(IDENTIFICATION, b"\xff" * 64, stay=True), "protocol.malformed", "a packet of"),
        (says(IDENTIFICATION, packet(b"\x1f" + bytes(20)), stay=True), "protocol.malformed", "message 31"),
        (
            says(IDENTIFICATION, packet(bytes([KEXINIT]) + bytes(30)), stay=True),
            "protocol.malformed",
            "lists",
        ),
        (
            says(IDENTIFICATION, packets(3000, b"\x02" + bytes(40)), stay=True),
            "protocol.malformed",
            "no KEXINIT",
        ),
        (says(b"Exceeded MaxStartups\r\n"), "ssh.too_many_sessions", "Exceeded MaxStartups"),
        (says(b"Not allowed at this time\r\n"), "protocol.closed", "closed"),
        (
            says(IDENTIFICATION, packet(b"\x01" + struct.pack(">II", 12, 4) + b"full" + bytes(4))),
            "ssh.too_many_sessions",
            "full",
        ),
        (says(IDENTIFICATION, MODERN), "protocol.closed", "closed after"),
        (says(IDENTIFICATION, MODERN, reset=True), "protocol.reset", "reset after"),
        (says(IDENTIFICATION, MODERN, stay=True), "protocol.silent", "silence"),
        (
            says(IDENTIFICATION, MODERN, packet(b"\x1f" + bytes(90)), stay=True),
            "protocol.malformed",
            "key exchange",
        ),
        (says(IDENTIFICATION, MODERN, b"\xff" * 90, stay=True), "protocol.malformed", "key exchange"),
    ],
)
def test_the_cause_is_what_the_target_did(look_at_server, handler, cause, words):
    """The step is `protocol`, the summary says what came back."""
    ascent = look_at_server(handler, timeout=0.8)
    assert (ascent.verdict, ascent.cause, ascent.layer) == (Verdict.FAIL, cause, Layer.PROTOCOL)
    assert words in ascent.summary


def test_the_words_before_a_hang_up_are_evidence(look_at_server):
    """OpenSSH says so when it punishes an address; only MaxStartups is called too many sessions."""
    ascent = look_at_server(says(b"Not allowed at this time\r\n"))
    assert "before that it said: Not allowed at this time" in ascent.evidence


def test_an_endless_banner_is_given_up_after_64_kib(look_at_server):
    """Memory stays bounded however fast it talks."""
    sent = 0

    def chatter(connection: socket.socket) -> None:
        nonlocal sent
        while sent < 1 << 24:
            sent += connection.send(b"n" * 900 + b"\r\n")

    ascent = look_at_server(chatter)
    assert ascent.cause == "protocol.malformed"
    assert sent < 1 << 24


@pytest.mark.parametrize("ahead", [b"", MODERN])
def test_endless_ignored_messages_are_given_up(look_at_server, ahead):
    """Before the offer and after it: neither time nor memory is spent on them."""
    sent = 0

    def chatter(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(IDENTIFICATION + ahead)
        while sent < 1 << 26:
            sent += connection.send(packets(50, b"\x02" + bytes(1000)))

    ascent = look_at_server(chatter, timeout=5.0)
    assert (ascent.cause, ascent.layer) == ("protocol.malformed", Layer.PROTOCOL), ascent.summary
    assert sent < 1 << 24


@pytest.mark.parametrize("words", [IDENTIFICATION, IDENTIFICATION + MODERN])
def test_silence_behind_a_whole_message_is_silence(look_at_server, words):
    """However late that message came: of the next one nothing did."""

    def late(connection: socket.socket) -> None:
        time.sleep(0.5)
        connection.sendall(words)
        while connection.recv(4096):
            pass

    ascent = look_at_server(late, timeout=0.8)
    assert ascent.cause == "protocol.silent", ascent.summary
    assert f"after {len(words)} bytes silence for " in ascent.summary


def test_thousands_of_names_are_cut_in_words(look_at_server):
    """Whoever reads the summary or the evidence gets some of them; the facts have all."""
    names = [f"kex{number}" for number in range(3900)]
    offer = kexinit(",".join(names).encode(), *[b"x" * 500] * 7)
    ascent = look_at_server(says(IDENTIFICATION, offer, stay=True))
    assert ascent.cause == "ssh.no_common_algorithm"
    assert len(ascent.summary) < 1000
    assert "and 3870 more" in ascent.summary
    assert max(map(len, ascent.evidence)) < 3000
    assert ascent.facts["offered"]["kex"] == names


def test_one_byte_at_a_time_is_slow_and_not_silent(look_at_server):
    """It kept coming, too slowly to make a message."""

    def trickle(connection: socket.socket) -> None:
        for byte in IDENTIFICATION:
            connection.sendall(bytes([byte]))
            time.sleep(0.1)

    assert look_at_server(trickle, timeout=0.8).cause == "protocol.slow"


def test_lines_before_the_identification_are_allowed(look_at_server):
    """A legal notice ahead (RFC 4253 4.2), in any encoding; IGNORE and DEBUG before the offer, too."""
    notice = "Zugriff nur für Befugte\r\n".encode("latin-1") * 5
    ahead = packet(b"\x02" + bytes(9)) + packet(b"\x04" + bytes(9))
    ascent = look_at_server(says(notice, b"SSH-1.99-Old_1.0 comment\n", ahead, MODERN))
    assert ascent.facts["identification"] == "SSH-1.99-Old_1.0 comment"
    assert ascent.facts["agreed"]["kex"] == "curve25519-sha256"


def test_we_speak_first_and_say_who_we_are(look_at_server):
    """The identification is sent before the server's is seen, with our own name."""
    heard = b""

    def listen(connection: socket.socket) -> None:
        nonlocal heard
        heard = connection.recv(64)

    look_at_server(listen)
    assert heard.startswith(b"SSH-2.0-netcheck_")
    assert heard.endswith(b"\r\n")


def test_a_server_that_waits_for_our_offer_gets_it(look_at_server):
    """Cisco's and AudioCodes' SSH say nothing after the identification until the client has offered."""

    def waits(connection: socket.socket) -> None:
        connection.sendall(IDENTIFICATION)
        heard = b""
        while b"kex-strict-c" not in heard:
            heard += connection.recv(4096)
        connection.sendall(MODERN)
        connection.recv(4096)

    assert look_at_server(waits).facts["agreed"]["kex"] == "curve25519-sha256"


def test_words_before_a_hang_up_are_heard_although_we_have_something_to_say(look_at_server):
    """A server that closes on unread bytes resets the connection, and its words would be lost."""

    def turns_away(connection: socket.socket) -> None:
        connection.sendall(b"Exceeded MaxStartups\r\n")

    assert {look_at_server(turns_away).cause for _ in range(20)} == {"ssh.too_many_sessions"}


def test_a_run_that_is_cancelled_leaves_nothing_behind(climb_on, listening):
    """The connection is shut at once, and the library's thread ends with it."""

    def stays(connection: socket.socket) -> None:
        connection.sendall(IDENTIFICATION + MODERN)
        while connection.recv(4096):
            pass

    async def give_up(port: int) -> None:
        async with asyncio.timeout(0.4):
            await climb_on(port, 30.0)

    with listening(stays) as port, pytest.raises(TimeoutError):
        asyncio.run(give_up(port))
