"""Reading what an SSH server says in clear, algorithm lists, and host keys; no network."""

from __future__ import annotations

import base64
import hmac
import struct
from dataclasses import replace

import pytest

from probes.codes import Failed
from probes.settings import BadValue, options_of
from probes.ssh import Settings
from probes.ssh.algorithms import agree, key_types, known_first, of_type, profile, profile_names, weaknesses
from probes.ssh.hostkeys import (
    ELIDED,
    Expectation,
    HostKey,
    KnownHosts,
    Pin,
    Standing,
    expected,
    key_type,
    parse,
)
from probes.ssh.wire import Disconnect, identification, opening

OPENSSH = profile("openssh")
LINE = b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n"


def packet(payload: bytes) -> bytes:
    padding = 8 - (len(payload) + 5) % 8 + 8
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


def kexinit(*lists: bytes) -> bytes:
    return packet(
        b"\x14" + bytes(16) + b"".join(struct.pack(">I", len(each)) + each for each in lists) + bytes(5)
    )


LISTS = (b"curve25519-sha256,ext-info-s,kex-strict-s-v00@openssh.com", b"ssh-ed25519", *[b"aes128-ctr"] * 2)
OFFER = kexinit(*LISTS, b"hmac-sha2-256", b"hmac-sha2-512", b"none", b"none", b"", b"")


def key(kind: str, body: bytes = b"x") -> HostKey:
    return HostKey(kind, struct.pack(">I", len(kind)) + kind.encode() + body)


def line(host_key: HostKey) -> str:
    return f"{host_key.type} {base64.b64encode(host_key.blob).decode()}"


def test_the_identification_is_found_after_lines_of_text():
    """Its place is told too, so that the bytes from there on can be handed on."""
    data = b"Authorized use only\r\n\r\n" + LINE + b"\x00\x00"
    found = identification(data)
    assert found is not None
    assert (found.line, found.protocol) == ("SSH-2.0-OpenSSH_9.2p1 Debian", "2.0")
    assert found.software == "OpenSSH_9.2p1"
    assert found.before == ("Authorized use only", "")
    assert data[found.start : found.end] == LINE


@pytest.mark.parametrize("length", range(len(LINE)))
def test_an_incomplete_identification_is_waited_for(length):
    """However the bytes are cut."""
    assert identification(LINE[:length]) is None


@pytest.mark.parametrize("length", range(0, len(OFFER), 7))
def test_an_incomplete_offer_is_waited_for(length):
    """However the bytes are cut."""
    assert opening(OFFER[:length]) is None


def test_the_offer_is_read_without_the_markers_of_extensions():
    """ext-info and kex-strict are no methods of key exchange."""
    offer = opening(OFFER + b"more")
    assert offer.kex == ("curve25519-sha256",)
    assert (offer.mac_to_server, offer.mac_to_client) == (("hmac-sha2-256",), ("hmac-sha2-512",))


def test_a_goodbye_instead_of_the_offer_is_read():
    """With its number and words."""
    assert opening(packet(b"\x01" + struct.pack(">II", 2, 4) + b"bye!" + bytes(4))) == Disconnect(2, "bye!")


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x00\x00\x02\x01" + bytes(9),  # shorter than its own padding needs
        b"\x00\x01\x00\x00\x04" + bytes(9),  # longer than any KEXINIT
        packet(b"\x14" + bytes(16) + struct.pack(">I", 900) + b"curve25519-sha256"),
        packet(b"\x14" + bytes(16) + struct.pack(">I", 2) + b"\xff\xfe" + bytes(40)),
        packet(b"\x32"),
    ],
)
def test_what_is_no_offer_is_malformed(data):
    """Lengths that don't fit, names that are no ASCII, another message."""
    with pytest.raises(Failed) as failed:
        opening(data)
    assert failed.value.cause == "protocol.malformed"


def test_each_kind_is_negotiated_and_the_missing_ones_are_named():
    """The client's order decides (RFC 4253 7.1)."""
    server = replace(
        OPENSSH, kex=("curve25519-sha256", "mlkem768x25519-sha256"), cipher_to_server=("aes256-ctr",)
    )
    agreement = agree(OPENSSH, replace(server, mac_to_client=("hmac-md5",), cipher_to_client=("aes128-ctr",)))
    assert agreement.chosen["kex"] == "mlkem768x25519-sha256"
    assert agreement.chosen["cipher_to_server"] == "aes256-ctr"
    assert agreement.missing == ("mac_to_client",)


def test_a_cipher_that_authenticates_needs_no_mac():
    """So no common MAC is no fault."""
    server = replace(OPENSSH, mac_to_server=("hmac-md5",), mac_to_client=())
    agreement = agree(OPENSSH, server)
    assert agreement.missing == ()
    assert "mac_to_server" not in agreement.chosen


def test_weak_algorithms_are_named_once_for_both_directions():
    """Only what would be negotiated counts, not what is also offered."""
    legacy = profile("legacy")
    modern = agree(legacy, legacy)
    assert weaknesses(modern) == []
    old = replace(
        legacy, host_key=("ssh-rsa",), cipher_to_server=("3des-cbc",), cipher_to_client=("3des-cbc",)
    )
    assert weaknesses(agree(legacy, old)) == ["host key ssh-rsa", "cipher 3des-cbc"]


def test_every_profile_is_complete_and_openssh_is_the_default():
    """No list is empty, none has a name twice."""
    assert profile_names()[0] == Settings().ssh_profile == "openssh"
    for name in profile_names():
        for names in (profile(name).kex, profile(name).host_key, profile(name).cipher_to_server):
            assert names
            assert len(set(names)) == len(names)


def test_known_types_of_host_key_come_first():
    """An RSA key is known, so its algorithms are asked for first, in the profile's order."""
    names = known_first(OPENSSH, frozenset({"ssh-rsa"})).host_key
    assert [key_type(name) for name in names[:4]] == ["ssh-rsa"] * 4
    assert sorted(names) == sorted(OPENSSH.host_key)
    assert key_types(OPENSSH, replace(OPENSSH, host_key=("rsa-sha2-512", "rsa-sha2-256"))) == ("ssh-rsa",)
    assert all(key_type(name) == "ssh-ed25519" for name in of_type(OPENSSH, "ssh-ed25519").host_key)


KEY, OTHER, RSA = key("ssh-ed25519"), key("ssh-ed25519", b"y"), key("ssh-rsa")


@pytest.mark.parametrize(
    ("expectation", "standing"),
    [
        (Expectation(), Standing.NOT_COMPARED),
        (Expectation((KEY.fingerprint,)), Standing.VERIFIED),
        (Expectation((OTHER.fingerprint, line(KEY))), Standing.VERIFIED),
        (Expectation((OTHER.fingerprint,)), Standing.OTHER),
        (Expectation((line(RSA),)), Standing.OTHER),
        (Expectation(keys=(OTHER, KEY), known_hosts="f"), Standing.VERIFIED),
        (Expectation(keys=(OTHER,), known_hosts="f"), Standing.OTHER),
        (Expectation(keys=(RSA,), known_hosts="f"), Standing.UNKNOWN),
        (Expectation(known_hosts="f"), Standing.UNKNOWN),
        (Expectation((KEY.fingerprint,), revoked=(KEY,), known_hosts="f"), Standing.REVOKED),
    ],
)
def test_a_host_key_is_compared_with_what_is_known(expectation, standing):
    """A key of another type only is unknown in known_hosts, and a mismatch where it was pinned."""
    assert expectation.standing(KEY) is standing


def hashed(name: str) -> str:
    salt = b"0123456789abcdefghij"
    digest = hmac.digest(salt, name.encode(), "sha1")
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


@pytest.mark.parametrize(
    ("names", "host", "address", "port", "found"),
    [
        ("db01", "db01", "10.0.0.1", 22, True),
        ("DB01,10.0.0.9", "db01", "10.0.0.1", 22, True),
        ("10.0.0.1", "db01", "10.0.0.1", 22, True),
        ("[db01]:2222", "db01", "10.0.0.1", 2222, True),
        ("[db01]:2222", "db01", "10.0.0.1", 22, False),
        ("db01", "db01", "10.0.0.1", 2222, True),
        ("*.acme.example,!db01.acme.example", "db02.acme.example", "10.0.0.1", 22, True),
        ("*.acme.example,!db01.acme.example", "db01.acme.example", "10.0.0.1", 22, False),
        ("db0?", "db01", "10.0.0.1", 22, True),
        ("[*]:2222", "db01", "10.0.0.1", 2222, True),
        (hashed("db01"), "db01", "10.0.0.1", 22, True),
        (hashed("[db01]:2222"), "db01", "10.0.0.1", 2222, True),
        (hashed("db02"), "db01", "10.0.0.1", 22, False),
        ("|1|nonsense", "db01", "10.0.0.1", 22, False),
    ],
)
def test_known_hosts_names_a_host_in_many_ways(names, host, address, port, found):
    """As sshd(8) describes them."""
    entries = KnownHosts(parse(f"# a comment\n{names} {line(KEY)} root@db01\n")).of(host, address, port)
    assert bool(entries) is found


def test_lines_that_hold_no_key_are_passed_over():
    """As OpenSSH does it; markers are kept apart from names, several keys of a host are all kept."""
    text = f"db01 ssh-ed25519 ????\n\ndb01\n@revoked\n, {line(KEY)}\ndb01 ssh-rsa {line(KEY).split()[1]}\n"
    text += (
        f"db01 {line(KEY)}\ndb01 {line(OTHER)}\n@revoked db01 {line(RSA)}\n@cert-authority * {line(RSA)}\n"
    )
    entries = KnownHosts(parse(text)).of("db01", "10.0.0.1", 22)
    assert [entry.marker for entry in entries] == [None, None, "@revoked", "@cert-authority"]


def test_a_known_hosts_file_that_is_not_there_knows_nobody(tmp_path):
    """As with OpenSSH, whose users have none at first."""
    known = expected((), str(tmp_path / "absent"), "db01", "10.0.0.1", 22)
    assert known.standing(KEY) is Standing.UNKNOWN


def test_a_known_hosts_file_is_read_again_when_it_changes(tmp_path):
    """And only then."""
    path = tmp_path / "known_hosts"
    path.write_text(f"db01 {line(OTHER)}\n")
    assert expected((), str(path), "db01", "10.0.0.1", 22).standing(KEY) is Standing.OTHER
    path.write_text(f"db01 {line(OTHER)}\ndb01 {line(KEY)}\n")
    assert expected((), str(path), "db01", "10.0.0.1", 22).standing(KEY) is Standing.VERIFIED


def test_a_pin_is_read_in_its_shortest_form():
    """Padding and comments say nothing."""
    assert Pin().read(KEY.fingerprint + "=") == KEY.fingerprint
    assert Pin().read(f" {line(KEY)} root@db01 ") == line(KEY)
    assert options_of(Settings)["host_key"].kind.read(KEY.fingerprint) == (KEY.fingerprint,)


@pytest.mark.parametrize(
    "value", ["SHA256:short", "MD5:aa:bb", "ssh-rsa AAAA", line(KEY).replace("ssh-", "shh-"), 7]
)
def test_what_is_no_host_key_is_refused_with_the_two_forms_that_are(value):
    """A key line whose type is not its key's is refused, too."""
    with pytest.raises(BadValue, match="is not a host key: use `SHA256:…`"):
        Pin().read(value)


def test_a_fingerprint_still_to_be_filled_in_is_no_mismatch() -> None:
    """`SHA256:…`, as manuals print it, is nothing to compare with, and is said to be missing."""
    known = expected((ELIDED,), None, "db01", "10.0.0.5", 22)
    key = HostKey("ssh-ed25519", b"key")
    assert (known.pins, known.standing(key)) == ((), Standing.UNKNOWN)
