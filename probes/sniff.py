"""Which protocol a server speaks, by the first bytes it sends."""

from __future__ import annotations

import re

# The first that matches wins. Binary openings are those of a server, not of a client.
OPENINGS: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("TLS", re.compile(rb"[\x14-\x18]\x03[\x00-\x04]")),  # RFC 8446 5.1
    ("SSH", re.compile(rb"SSH-")),  # RFC 4253 4.2
    ("HTTP", re.compile(rb"HTTP/\d")),  # RFC 9112 4
    ("HTML without HTTP", re.compile(rb"\s*<(?:!DOCTYPE|html)", re.IGNORECASE)),
    ("SMTP", re.compile(rb"220[ -][^\r\n]*SMTP", re.IGNORECASE)),  # RFC 5321 4.2
    ("FTP", re.compile(rb"220[ -][^\r\n]*FTP", re.IGNORECASE)),  # RFC 959 5.4
    ("FTP or SMTP", re.compile(rb"[245]\d\d[ -]")),
    ("POP3", re.compile(rb"\+OK")),  # RFC 1939 3
    ("IMAP", re.compile(rb"\* (?:OK|PREAUTH|BYE)", re.IGNORECASE)),  # RFC 9051 7.1
    ("VNC", re.compile(rb"RFB \d{3}\.\d{3}")),  # RFC 6143 7.1.1
    ("MySQL", re.compile(rb"..\x00\x00(?:\x0a\d|\xff)", re.DOTALL)),  # a greeting, or "host is blocked"
    ("RDP", re.compile(rb"\x03\x00[\x00-\xff]{2}[\x02-\xff][\xd0\xf0]")),  # TPKT with X.224 (RFC 1006 6)
    ("Telnet", re.compile(rb"\xff[\xfb-\xfe]")),  # RFC 854: IAC WILL, WONT, DO, DONT
    ("PostgreSQL", re.compile(rb"E\x00\x00[\x00-\xff]{2}S[A-Z]|EFATAL")),  # an ErrorResponse
    ("Redis", re.compile(rb"-(?:ERR|NOAUTH|DENIED|MISCONF)")),
    ("LDAP", re.compile(rb"0(?:[\x05-\x7f]|\x84....|\x82..|\x81.)\x02\x01.[\x61\x78]", re.DOTALL)),
    ("SMB", re.compile(rb"\x00[\x00-\xff]{3}[\xfe\xff]SMB")),
    ("AMQP", re.compile(rb"AMQP")),
)

# As much of an opening as a message quotes.
QUOTED = 40


def protocol_of(opening: bytes) -> str | None:
    """The protocol's name, or None where the bytes tell none.

    >>> protocol_of(b"SSH-2.0-OpenSSH_9.2")
    'SSH'
    """
    return next((name for name, pattern in OPENINGS if pattern.match(opening)), None)


def is_tls(opening: bytes) -> bool:
    """Whether the bytes, as far as they go, can begin a TLS record: type 20 … 24, major version 3.

    >>> is_tls(b"\\x16"), is_tls(b"\\x16\\x03\\x01"), is_tls(b"HTTP/1.1")
    (True, True, False)
    """
    return 20 <= opening[0] <= 24 and opening[1:2] in (b"", b"\x03") if opening else True


def described(opening: bytes) -> str:
    """What answers, in words, with the first line of it.

    >>> described(b"SSH-2.0-OpenSSH_9.2\\r\\n")
    'it answers as SSH: `SSH-2.0-OpenSSH_9.2`'
    """
    name = protocol_of(opening)
    quoted = _quoted(opening)
    return f"it answers as {name}: {quoted}" if name else f"it begins with {quoted}"


def _quoted(opening: bytes) -> str:
    """The first line where it is text, else the first bytes in hexadecimal."""
    line = opening.splitlines()[0] if opening else b""
    if line and line.isascii() and line.decode("ascii").isprintable():
        text = line.decode("ascii")
        return f"`{text[:QUOTED]}…`" if len(text) > QUOTED else f"`{text}`"
    return f"bytes {opening[:12].hex(' ')}"
