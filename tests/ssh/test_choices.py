"""Algorithms that are offered and refused; servers with one place: whole runs against OpenSSH."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import functools
from collections.abc import Callable
from typing import Any

import pytest

from netcheck.check import Check, Terms
from netcheck.diagnosis.write import Writer
from netcheck.engine import Depth, Engine
from netcheck.limits import Limits
from netcheck.look import Looker
from netcheck.record import CheckRecord, RunHead, VantageRecord
from probes import ssh
from probes.contract import Confidence, Timing, Verdict
from tests.lab.listeners import wrapped
from tests.lab.sshds import disconnect, refuses

TODAY = datetime.date(2026, 11, 24)
HEAD = RunHead("01J", "0", None, None, 0.0, "tester", "linux", False, {"local": VantageRecord("tester")})
KEX = "KexAlgorithms curve25519-sha256,ecdh-sha2-nistp256"
GCM = "Ciphers aes128-gcm@openssh.com,aes256-ctr"


async def run(port: int, names: tuple[str, ...] = ("device",), **settings: Any) -> list[CheckRecord]:
    """A run's records of as many targets, all of them at this port of 127.0.0.1."""
    asked = ssh.Settings(**settings)
    terms = Terms("local", "assumed", "vault-to-target", "ssh", port, asked, Timing(2.0, 8.0))
    checks = [Check(name, "127.0.0.1", terms) for name in names]
    engine = Engine(HEAD, checks, Looker, Writer(TODAY), Limits(), depth=Depth(trace=False))
    return (await engine.run(len(checks))).checks


async def before(behind: int, refused: str, **how: Any) -> CheckRecord:
    """The record of a server that offers this algorithm, and ends the connection where it is agreed on: see
    `tests.lab.sshds.refuses`."""
    served: list[asyncio.Task[None] | None] = []
    behave = wrapped(functools.partial(refuses, behind, refused, **how))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())
        await behave(reader, writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        (record,) = await run(server.sockets[0].getsockname()[1])
        await asyncio.gather(*filter(None, served))
    return record


@pytest.mark.parametrize(
    ("refused", "words", "varied"),
    [
        ("curve25519-sha256", "key exchange: it offers curve25519-sha256", "kex"),
        ("aes128-gcm@openssh.com", "cipher: it offers aes128-gcm@openssh.com", "cipher"),
        ("ssh-ed25519", "host key: it offers ssh-ed25519", "host_key"),
    ],
)
def test_what_is_offered_and_refused(sshd: Callable[..., Any], refused: str, words: str, varied: str) -> None:
    """Another works where this one does not, twice: the device can't do what it lists."""
    server = sshd(KEX, GCM, host_keys=("ed25519", "rsa"))
    record = asyncio.run(before(server.port, refused))
    assert (record.verdict, record.cause) == (Verdict.FAIL, "ssh.no_common_algorithm")
    assert record.confidence is Confidence.CERTAIN
    assert record.summary.startswith(f"{words}, and ends the connection when that is chosen; with ")
    assert any("target " in line and "vault " in line for line in record.evidence)
    assert [one.verdict for one in record.controls if one.varied == varied][-1] is Verdict.PASS


@pytest.mark.parametrize("reason", [2, 3])
def test_a_refusal_in_words_is_one(sshd: Callable[..., Any], reason: int) -> None:
    """A DISCONNECT once the algorithm is agreed on is as good as a hang-up; its words are evidence."""
    last = disconnect(reason, "no such group here")
    record = asyncio.run(before(sshd(KEX, GCM).port, "curve25519-sha256", last=last))
    assert (record.cause, record.confidence) == ("ssh.no_common_algorithm", Confidence.CERTAIN)
    assert f"no such group here (disconnect {reason})" in " ".join(record.evidence)


def test_a_target_that_falls_silent_refuses_too(sshd: Callable[..., Any]) -> None:
    """It neither answers nor ends the connection where this one is chosen, and goes on with others."""
    record = asyncio.run(before(sshd(KEX, GCM).port, "curve25519-sha256", stays=True))
    assert (record.cause, record.confidence) == ("ssh.no_common_algorithm", Confidence.CERTAIN), (
        record.summary
    )
    assert "it offers curve25519-sha256, and says nothing more when that is chosen" in record.summary


def test_who_ends_every_key_exchange_refuses_none(sshd: Callable[..., Any]) -> None:
    """Whatever is chosen: then it is no matter of algorithms, and what was tried is said."""
    record = asyncio.run(before(sshd(KEX, GCM).port, "any"))
    assert (record.verdict, record.cause) == (Verdict.FAIL, "protocol.closed")
    assert "with the key exchange ecdh-sha2-nistp256 instead of curve25519-sha256: closed" in " ".join(
        record.evidence
    )


def test_what_the_vault_would_not_choose_is_not_its_failure(sshd: Callable[..., Any]) -> None:
    """OpenSSH would choose sntrup761, which our library lacks: whether that works is not known."""
    server = sshd("KexAlgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256,ecdh-sha2-nistp256")
    record = asyncio.run(before(server.port, "curve25519-sha256"))
    assert (record.cause, record.confidence) == ("protocol.closed", Confidence.LIKELY)
    assert "the vault would choose sntrup761x25519-sha512@openssh.com" in " ".join(record.evidence)


def test_a_server_with_one_place_is_asked_by_one_at_a_time(sshd: Callable[..., Any]) -> None:
    """Several targets at one sshd: a run does not turn itself away."""
    server = sshd("MaxStartups 1")
    records = asyncio.run(run(server.port, ("one", "other", "third", "fourth")))
    assert [record.cause for record in records] == [None] * 4


def test_each_type_of_key_is_asked_for_when_the_one_before_has_ended(sshd: Callable[..., Any]) -> None:
    """A bare fingerprint of the last type, and one place."""
    server = sshd("MaxStartups 1", host_keys=("ed25519", "ecdsa", "rsa"))
    (record,) = asyncio.run(run(server.port, host_key=(server.fingerprint("ssh-rsa"),)))
    assert (record.verdict, record.cause) == (Verdict.PASS, None), record.summary
