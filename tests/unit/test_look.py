"""One look: what a probe does wrong stays its own."""

import asyncio
from typing import Any

import pytest

from netcheck import registry
from netcheck.check import Check, Terms
from netcheck.look import Looker, beside_direct
from probes import tcp
from probes.contract import Ascent, Layer, Outcome, Probe, Timing, Verdict
from probes.net.scripted import Scripted

CHECK = Check(
    "a", "10.0.0.1", Terms("local", "assumed", "vault-to-target", "third", 22, tcp.Settings(), Timing())
)


def third_party(monkeypatch: pytest.MonkeyPatch, run: Any) -> None:
    """Every probe is one with this function."""
    probe = Probe("third", "", tcp.Settings, (), run)
    monkeypatch.setattr(registry, "get", lambda name: probe)


def test_a_probe_that_cancels_itself_has_crashed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cancellation that nobody asked for would end the worker and lose its check."""

    async def run(*_: Any) -> Outcome:
        raise asyncio.CancelledError

    third_party(monkeypatch, run)
    outcome = asyncio.run(Looker(Scripted({}))(CHECK))
    assert (outcome.ascents[0].verdict, outcome.ascents[0].cause) == (Verdict.ERROR, "probe.crashed")


def test_the_end_of_the_run_ends_the_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cancellation from outside goes through."""

    async def run(*_: Any) -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    third_party(monkeypatch, run)

    async def scene() -> None:
        look = asyncio.ensure_future(Looker(Scripted({}))(CHECK))
        await asyncio.sleep(0)
        look.cancel()
        await look

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(scene())


def test_a_crash_is_told_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exception's words go through the redaction, and are short."""

    async def run(*_: Any) -> Outcome:
        raise ValueError("hunter2 " + "x" * 1000)

    third_party(monkeypatch, run)
    look = Looker(Scripted({}), redact=lambda text: text.replace("hunter2", "****"))
    [ascent] = asyncio.run(look(CHECK)).ascents
    assert ascent.summary.startswith("ValueError: **** xxx")
    assert len(ascent.summary) == 300


@pytest.mark.parametrize(("every", "fails"), [(False, False), (True, True)])
def test_each_address_must_work_directly_where_each_counts(every: bool, fails: bool) -> None:
    """A Network Connector needs every instance; one that only the proxy reaches fails for its own reason."""
    good = Ascent("203.0.113.1", Verdict.PASS, ())
    dead = Ascent("203.0.113.2", Verdict.FAIL, (), "tcp.filtered", Layer.CONNECT, summary="silence")
    proxied = Outcome(None, (good._replace(address="10.0.0.9", facts={"proxy": "http://10.0.0.9:3128"}),))
    found = beside_direct(proxied, Outcome(None, (good, dead)), every)
    assert any(one.verdict is Verdict.FAIL for one in found.ascents) is fails
    if fails:
        assert found.ascents[0] == good
        assert found.ascents[1].facts["works_through"] == "http://10.0.0.9:3128"
