"""What an SSH server says before any cryptography: its identification and its KEXINIT.

RFC 4253: 4.2 (identification), 6 (packets), 7.1 (algorithm negotiation), 11.1 (disconnect). Every
function takes all bytes that came so far and answers None while they are not enough; bytes that can't
become SSH raise `protocol.malformed`.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
from collections.abc import Iterator
from dataclasses import astuple, dataclass

from probes.codes import Failed

# A software version has neither blanks nor minus signs (RFC 4253 4.2).
IDENTIFICATION = "SSH-2.0-netcheck_" + importlib.metadata.version("netcheck").replace("-", "_")

# The rule is 255 bytes; some devices send a whole legal notice as one line before it.
LONGEST_LINE = 1024
MOST_LINES = 50
MOST_BYTES = 65536
LONGEST_PACKET = 35000

# No text of any encoding has these: a binary protocol speaks.
NOT_TEXT = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]")

DISCONNECT, KEXINIT = 1, 20
ANY_TIME = frozenset({2, 3, 4})  # IGNORE, UNIMPLEMENTED, DEBUG (RFC 4253 11)

# Names in the key exchange list that announce an extension and are no method (RFC 8308 2.1, Terrapin).
MARKERS = re.compile(r"ext-info-.*|kex-strict-.*")
OUR_MARKERS = ("ext-info-c", "kex-strict-c-v00@openssh.com")


@dataclass(frozen=True, slots=True)
class Identification:
    """The server's first words. `before` are lines that came ahead; `start`, `end` where the line lies."""

    line: str
    protocol: str
    software: str
    before: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Algorithms:
    """Names a side offers, most wanted first, per kind and direction as KEXINIT has them."""

    kex: tuple[str, ...]
    host_key: tuple[str, ...]
    cipher_to_server: tuple[str, ...]
    cipher_to_client: tuple[str, ...]
    mac_to_server: tuple[str, ...]
    mac_to_client: tuple[str, ...]
    compression_to_server: tuple[str, ...]
    compression_to_client: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The server's goodbye: a reason's number and its own words."""

    reason: int
    text: str


TOO_MANY_CONNECTIONS = 12  # RFC 4253 11.1


def farewell(goodbye: Disconnect) -> Failed:
    """The finding that the server said in so many words why it does not go on."""
    words = f"it says goodbye: {goodbye.text or 'no reason given'} (disconnect {goodbye.reason})"
    busy = goodbye.reason == TOO_MANY_CONNECTIONS
    return Failed("ssh.too_many_sessions" if busy else "protocol.closed", words)


def malformed(what: str) -> Failed:
    """The finding that these bytes are not SSH."""
    return Failed("protocol.malformed", f"not SSH: {what}")


def identification(data: bytes) -> Identification | None:
    """The identification line, once it is complete.

    >>> identification(b"Authorized use only\\r\\nSSH-2.0-OpenSSH_9.2p1\\r\\n").software
    'OpenSSH_9.2p1'
    """
    before: list[str] = []
    start = 0
    while (newline := data.find(b"\n", start)) >= 0:
        line = _text(data[start:newline])
        if line.startswith("SSH-"):
            return _parsed(line, tuple(before), start, newline + 1)
        before.append(line)
        start = newline + 1
        if len(before) > MOST_LINES or start > MOST_BYTES:
            raise malformed(f"{len(before)} lines, {start} bytes, and no identification among them")
    _text(data[start:])
    return None


def lines_before(data: bytes) -> tuple[str, ...]:
    """What the server said, as lines, where no identification came."""
    return tuple(line for line in data.decode("utf-8", "replace").splitlines() if line.strip())


def _text(line: bytes) -> str:
    if found := NOT_TEXT.search(line):
        raise malformed(f"byte 0x{found[0][0]:02x} where the identification belongs ({line[:24]!r})")
    if len(line) > LONGEST_LINE:
        raise malformed(f"a line of more than {LONGEST_LINE} bytes where the identification belongs")
    return line.decode("utf-8", "replace").rstrip("\r")


def _parsed(line: str, before: tuple[str, ...], start: int, end: int) -> Identification:
    found = re.fullmatch(r"SSH-([^-\s]+)-(\S*)(?: .*)?", line)
    if found is None or not line.isascii():
        raise malformed(f"identification {line[:60]!r}")
    return Identification(line, found[1], found[2], before, start, end)


def opening(data: bytes) -> Algorithms | Disconnect | None:
    """The server's offer from the packets after its identification, or its goodbye."""
    for payload in _payloads(data):
        if payload[0] == KEXINIT:
            return _offer(payload)
        if payload[0] == DISCONNECT:
            return disconnect(payload)
        if payload[0] not in ANY_TIME:
            raise malformed(f"message {payload[0]} where the KEXINIT belongs")
    if len(data) > MOST_BYTES:
        raise malformed(f"{len(data)} bytes after the identification and no KEXINIT among them")
    return None


def disconnect(payload: bytes) -> Disconnect:
    """SSH_MSG_DISCONNECT."""
    reason = int.from_bytes(payload[1:5], "big")
    length = int.from_bytes(payload[5:9], "big")
    return Disconnect(reason, payload[9 : 9 + min(length, 255)].decode("utf-8", "replace"))


def _payloads(data: bytes) -> Iterator[bytes]:
    """The complete packets, each without length and padding."""
    at = 0
    while len(data) - at >= 5:
        length, padding = int.from_bytes(data[at : at + 4], "big"), data[at + 4]
        if not padding + 2 <= length <= LONGEST_PACKET:
            raise malformed(f"a packet of {length} bytes, {padding} of them padding")
        if len(data) - at - 4 < length:
            return
        yield data[at + 5 : at + 4 + length - padding]
        at += 4 + length


def _offer(payload: bytes) -> Algorithms:
    """The name-lists of a KEXINIT; the cookie (16 bytes) and the languages say nothing to us."""
    lists: list[tuple[str, ...]] = []
    at = 17
    for _ in range(8):
        length = int.from_bytes(payload[at : at + 4], "big")
        names = payload[at + 4 : at + 4 + length]
        if len(payload) < at + 4 or len(names) < length or not names.isascii():
            raise malformed("a KEXINIT whose lists don't fit into it")
        lists.append(tuple(name for name in names.decode().split(",") if name))
        at += 4 + length
    return Algorithms(tuple(name for name in lists[0] if not MARKERS.fullmatch(name)), *lists[1:])


def kexinit(offer: Algorithms) -> bytes:
    """Our own KEXINIT message, to be sent as a `packet`."""
    lists = (offer.kex + OUR_MARKERS, *astuple(offer)[1:], (), ())  # the last: no languages
    return bytes([KEXINIT]) + os.urandom(16) + b"".join(map(_name_list, lists)) + bytes(5)


def _name_list(names: tuple[str, ...]) -> bytes:
    text = ",".join(names).encode()
    return len(text).to_bytes(4, "big") + text


def packet(payload: bytes) -> bytes:
    """The message as it goes over the wire before there are keys: a multiple of 8 bytes."""
    padding = 4 + -(len(payload) + 9) % 8
    return (len(payload) + padding + 1).to_bytes(4, "big") + bytes([padding]) + payload + bytes(padding)
