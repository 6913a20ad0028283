"""Ports that nobody uses: how they are drawn, and how few are asked."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import pytest

from netcheck.diagnosis.found import Stalled
from probes.net.base import ConnectFailed, Reply
from probes.net.scripted import Close, Pause, Reset, Script, Scripted, Silence
from probes.path import middlebox
from probes.path.middlebox import HOLD, PORTS, WAIT, Asked, ask_unused, keeps
from tests.wire.roads import scripted

TARGET = "10.20.0.9"
A = "10.1.0.1"


def asked(network: Scripted, **more: int) -> tuple[Asked, ...]:
    """The ports asked of the target, whose port 22 is in use."""
    return asyncio.run(ask_unused(TARGET, {22}, network, **more))


def test_an_honest_host_is_asked_once() -> None:
    """The first unused port that does not answer is enough."""
    network = scripted(f"{A} {TARGET}#22")
    found = asked(network)
    assert [one.reply.kind for one in found] == ["refused"]
    assert len(network.knocked) == 1


def test_a_silent_port_is_waited_for() -> None:
    """As long as the kernel's repeat may be answered, and no port is asked beside."""
    network = scripted(f"{A}!drop {TARGET}#22")
    assert [one.answers for one in asked(network)] == [False]
    assert network.now() == pytest.approx(WAIT)


def test_what_answers_for_every_port_is_asked_twice() -> None:
    """One open port drawn by chance may be a service; two are not."""
    found = asked(scripted(f"{A}!accept {TARGET}#"))
    assert [one.answers for one in found] == [True, True]
    assert len({one.port for one in found}) == 2
    assert Stalled(found).anybody
    assert not Stalled(found[:1]).anybody


def test_one_service_met_by_chance_is_no_middlebox() -> None:
    """The second port drawn shows it."""
    replies = iter([Reply("connected", 0.001), Reply("refused", 0.001)])
    found = asked(Scripted({}, replies=lambda *_: next(replies)))
    assert [one.answers for one in found] == [True, False]
    assert not Stalled(found).anybody


@pytest.mark.parametrize("kind", ["refused", "silent", "rejected", "answered", "expired"])
def test_only_a_handshake_is_an_answer(kind: str) -> None:
    """An RST or an ICMP error is what an unused port should give."""
    assert not Asked(TARGET, 40000, Reply(kind)).answers


def test_ports_in_use_are_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither those of the inventory nor one that was asked before."""
    drawn = iter([40000, 40001, 40001, 40002])

    def choice(ports: Sequence[int]) -> int:
        return next(drawn)

    monkeypatch.setattr(random, "choice", choice)
    network = scripted(f"{A}!accept {TARGET}#")
    found = asyncio.run(ask_unused(TARGET, {40000}, network))
    assert [one.port for one in found] == [40001, 40002]


def test_ports_are_high_and_not_dynamic() -> None:
    """From 49152 (RFC 6335 6) Windows has services of its own."""
    ports = {middlebox.draw(set()) for _ in range(200)}
    assert min(ports) >= PORTS.start > 30000
    assert max(ports) < 49152
    assert len(ports) > 100


def test_a_host_that_can_not_send_is_said() -> None:
    """That is no closed port."""

    def unsent(*_: object) -> Reply:
        raise ConnectFailed(101, local=True)

    with pytest.raises(ConnectFailed):
        asked(Scripted({}, replies=unsent))


@pytest.mark.parametrize(
    ("script", "kept"),
    [
        ([Silence()], True),
        ([b"SSH-2.0-x"], True),
        ([Pause(0.5), Close()], False),
        ([Pause(2 * HOLD), Close()], True),
        ([Reset()], False),
        (Silence(), None),
        (ConnectFailed(111), None),
    ],
)
def test_what_keeps_a_connection(script: Script, kept: bool | None) -> None:
    """For as long as a proxy needs to hear of the target's refusal; None where none could be made."""
    network = Scripted({(TARGET, 22): script})
    assert asyncio.run(keeps(TARGET, 22, network)) is kept
