"""The lab's devices read a ClientHello as it is meant."""

from __future__ import annotations

import ssl

import pytest

from tests.lab.middleboxes import BOXES, TLS_1_2, TLS_1_3, UNRECOGNIZED_NAME, Hello, parsed


def hello(name: str | None = None, *, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> Hello:
    """What OpenSSL says first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.maximum_version = newest
    here, there = ssl.MemoryBIO(), ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(here, there, server_hostname=name).do_handshake()
    return parsed(there.read()[5:])


def test_the_name() -> None:
    """None is sent where none is known."""
    assert hello("web.lab.test").name == "web.lab.test"
    assert not hello().name


def test_the_versions() -> None:
    """Those that are offered, be there an extension or none."""
    assert hello().versions == (TLS_1_3, TLS_1_2)
    assert hello(newest=ssl.TLSVersion.TLSv1_2).versions == (TLS_1_2,)


def test_who_ends_it() -> None:
    """The device at what it minds; else the server behind, if it knows its own name alone."""
    box = BOXES["box-name-strict"]
    assert box.ends(hello("web.lab.test")) is box.does
    assert box.ends(hello("web.example")) not in (None, box.does)
    assert BOXES["box-name-reset"].ends(hello("web.example")) is None
    assert UNRECOGNIZED_NAME == ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
