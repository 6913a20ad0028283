"""First bytes and the protocol they tell."""

import pytest

from probes.sniff import described, is_tls, protocol_of


@pytest.mark.parametrize(
    ("opening", "name"),
    [
        (b"\x16\x03\x03\x00\x7a\x02", "TLS"),
        (b"\x15\x03\x01\x00\x02\x02\x28", "TLS"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "SSH"),
        (b"HTTP/1.1 400 Bad Request\r\n", "HTTP"),
        (b"<html><head>", "HTML without HTTP"),
        (b"220 mail.example ESMTP Postfix\r\n", "SMTP"),
        (b"220 (vsFTPd 3.0.3)\r\n", "FTP"),
        (b"220 welcome\r\n", "FTP or SMTP"),
        (b"+OK ready\r\n", "POP3"),
        (b"* OK [CAPABILITY IMAP4rev1] ready\r\n", "IMAP"),
        (b"RFB 003.008\n", "VNC"),
        (b"\x4a\x00\x00\x00\x0a8.0.36\x00", "MySQL"),
        (b"\x45\x00\x00\x00\xffj\x04Host", "MySQL"),
        (b"\x03\x00\x00\x13\x0e\xd0\x00\x00", "RDP"),
        (b"\xff\xfd\x18\xff\xfd\x20", "Telnet"),
        (b"E\x00\x00\x00\x8cSFATAL\x00", "PostgreSQL"),
        (b"-NOAUTH Authentication required.\r\n", "Redis"),
        (b"-ERR unknown command\r\n", "Redis"),
        (b"0\x84\x00\x00\x00\x10\x02\x01\x00\x78", "LDAP"),
        (b"0\x0c\x02\x01\x01\x61\x07", "LDAP"),
        (b"\x00\x00\x00\x55\xffSMB", "SMB"),
        (b"AMQP\x00\x00\x09\x01", "AMQP"),
        (b"hello there", None),
        (b"\x00\x01\x02", None),
        (b"", None),
    ],
)
def test_the_first_bytes_name_the_protocol(opening, name):
    """Each of the openings that are known, and some that tell nothing."""
    assert protocol_of(opening) == name


@pytest.mark.parametrize(
    ("opening", "possible"),
    [
        (b"", True),
        (b"\x16", True),
        (b"\x16\x03", True),
        (b"\x14\x03\x03", True),
        (b"\x16\x00", False),
        (b"S", False),
    ],
)
def test_as_far_as_they_go_bytes_can_begin_tls(opening, possible):
    """A record's type and major version decide, as soon as they are there."""
    assert is_tls(opening) is possible


@pytest.mark.parametrize(
    ("opening", "words"),
    [
        (b"SSH-2.0-x\r\nmore", "it answers as SSH: `SSH-2.0-x`"),
        (b"hello\nthere", "it begins with `hello`"),
        (b"x" * 60, f"it begins with `{'x' * 40}…`"),
        (b"\x00\x01\xff", "it begins with bytes 00 01 ff"),
        (b"\x1b[31mred", "it begins with bytes 1b 5b 33 31 6d 72 65 64"),
        (b"\r\n\r\n", "it begins with bytes 0d 0a 0d 0a"),
        (b"\n\nhello", "it begins with bytes 0a 0a 68 65 6c 6c 6f"),
    ],
)
def test_what_answers_is_quoted_fit_to_show(opening, words):
    """The first line where it is printable, else hexadecimal; never a control character."""
    assert described(opening) == words
