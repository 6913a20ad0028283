"""A run made by hand with every verdict and peculiarity, for the renderers, the codec and the journal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from netcheck.check import Contact
from netcheck.record import (
    Accepted,
    AddressRecord,
    CheckRecord,
    Control,
    Finding,
    Place,
    RunHead,
    RunRecord,
    Summary,
    Trace,
    VantageRecord,
    Warned,
)
from probes.contract import Confidence, Layer, Step, Verdict
from probes.net.base import Source
from probes.path.route import Hop

STARTED = 1795467600.125  # 2026-11-23T21:00:00.125Z
UNIX_TEAM = Contact("Unix team", "unix@acme.example")


@pytest.fixture
def a_check() -> Callable[..., CheckRecord]:
    """Makes a plain passing check, changed as asked."""
    return check


@pytest.fixture
def a_run() -> Callable[..., RunRecord]:
    """Makes a run of the checks given, with its counts."""
    return run_of


@pytest.fixture
def run_record() -> RunRecord:
    """Every verdict, and what is peculiar: hostile text, several addresses, acceptance, blocked, a trace."""
    return run_of(*_checks(), findings=_findings())


def check(**changes: Any) -> CheckRecord:
    values: dict[str, Any] = {
        "name": None,
        "vantage": "dc-connector",
        "origin": "declared",
        "flow": "vault-to-target",
        "target": "db01",
        "groups": ("linux-servers",),
        "tags": (),
        "owner": None,
        "host": "db01.acme.example",
        "address": "10.20.0.15",
        "source": Source("10.9.0.7", 51234),
        "probe": "ssh",
        "port": 22,
        "expect": "reachable",
        "verdict": Verdict.PASS,
        "cause": None,
        "layer": None,
        "confidence": Confidence.CERTAIN,
        "responsible": None,
        "summary": "passed in 81 ms",
        "evidence": ("OpenSSH_9.2 identified itself",),
        "advice": None,
        "warnings": (),
        "accepted": None,
        "started": STARTED,
        "duration": 0.081,
        "attempts": 1,
        "steps": (
            Step(Layer.RESOLVE, Verdict.PASS, None, 0.0012, {"addresses": ["10.20.0.15"]}),
            Step(Layer.CONNECT, Verdict.PASS, None, 0.0009),
            Step(Layer.PROTOCOL, Verdict.PASS, None, 0.078),
        ),
        **changes,
    }
    port = "-" if values["port"] is None else values["port"]
    name = f"/{values['name']}" if values["name"] else ""
    check_id = f"{values['vantage']}/{values['target']}/{values['probe']}/{port}{name}"
    return CheckRecord(id=check_id, **values)


def run_of(*checks: CheckRecord, findings: tuple[Finding, ...] = (), **changes: Any) -> RunRecord:
    head = RunHead(
        id="01KAS0XW3D8GQ4ZB7TN5RMVYHC",
        version="0.1.0",
        inventory="inventory.yml",
        inventory_sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        started=STARTED,
        host="jump01",
        platform="linux",
        privileged=False,
        vantages={
            "dc-connector": VantageRecord("10.1.0.9", ("vault-to-target", "connector-to-saas"), 0.012),
            "local": VantageRecord("jump01"),
        },
        name="ACME go-live",
        customer="ACME",
        contacts=(Contact("Network team", "netops@acme.example", "focal point"),),
    )
    summary = Summary(finished=STARTED + 5.6, findings=findings)
    for one in checks:
        summary.add(one)
    return RunRecord(head._replace(**changes), checks, summary)


def _checks() -> tuple[CheckRecord, ...]:
    return (*_passes(), *_failures(), *_undecided())


def _passes() -> tuple[CheckRecord, ...]:
    return (
        check(target="web01.dmz.acme.example", host="web01.dmz.acme.example", groups=("web", "dmz")),
        check(target="web02.dmz.acme.example", host="web02.dmz.acme.example", groups=("web", "dmz")),
        check(probe="dns", port=None, duration=0.0042, source=None),
        check(
            target="direct-rdp",
            host="10.20.0.30",
            address="10.20.0.30",
            vantage="local",
            origin="assumed",
            flow="user-to-target",
            probe="tcp",
            port=3389,
            expect="blocked",
            summary="blocked: no answer to 3 SYNs in 5.0 s",
            source=Source("2001:db8::7", 40000),
            confidence=Confidence.LIKELY,
            evidence=("no answer to 3 SYNs in 5.0 s", "tcp/22 of the same host answers | so it is alive"),
            controls=(Control("port", 22, Verdict.PASS, "answers"),),
            duration=5.0,
        ),
    )


def _failures() -> tuple[CheckRecord, ...]:
    silent = check(
        probe="tcp",
        port=5432,
        owner=UNIX_TEAM,
        tags=("db", "critical"),
        verdict=Verdict.FAIL,
        cause="tcp.filtered",
        layer=Layer.CONNECT,
        responsible="customer",
        summary="no answer to 3 SYNs in 5.0 s",
        evidence=("3 SYNs unanswered in 5.0 s, twice", "hop 10.1.0.1 answers, nothing after it"),
        advice="Open tcp/5432 from 10.9.0.7 to 10.20.0.15.",
        duration=5.0021,
        attempts=2,
        steps=(
            Step(Layer.RESOLVE, Verdict.PASS, None, 0.0012, {"addresses": ["10.20.0.15"]}),
            Step(Layer.CONNECT, Verdict.FAIL, "tcp.filtered", 5.0009),
        ),
        trace=Trace(
            "tcp-ttl",
            (Hop(1, "10.1.0.1", "fw1.acme.example", 0.0003), Hop(2)),
            owners=("customer", None),
        ),
        where=Place("after", "10.1.0.1"),
    )
    accepted = silent._replace(
        id="dc-connector/db02/tcp/5432",
        target="db02",
        host="db02.acme.example",
        address="10.20.0.16",
        accepted=Accepted("2026-12-31", "opened in CHG-4711", "network team"),
        trace=None,
        where=Place("at", "10.1.0.1", "10.2.0.1"),
    )
    hostile = check(
        target="old-switch",
        host="10.0.0.2",
        address="10.0.0.2",
        verdict=Verdict.FAIL,
        cause="protocol.mismatch",
        layer=Layer.PROTOCOL,
        responsible="customer",
        summary="\x1b[31m<b>HTTP</b>\x07 answers | \x9b2J *not* SSH\r\n",
        evidence=("=cmd|' /C calc'!A0", "first bytes: HTTP/1.1 \x00\ud800 \u202e400"),
        advice="Find what listens on port 22 <here>.",
        facts={"banner": "\x1b]0;owned\x07 Ünïcode \ud800"},
    )
    return silent, accepted, hostile


def _undecided() -> tuple[CheckRecord, ...]:
    step = Step(Layer.CONNECT, Verdict.FAIL, "tcp.refused", 0.001)
    return (
        check(
            target="saas",
            host="acme.vault.example",
            vantage="local",
            flow="user-to-saas",
            origin="assumed",
            groups=(),
            address="203.0.113.10",
            probe="https",
            port=443,
            name="health",
            verdict=Verdict.WARN,
            cause="path.some_addresses_dead",
            layer=Layer.CONNECT,
            responsible="vendor",
            summary="1 of 2 addresses refuses",
            evidence=("203.0.113.11 answers with RST",),
            advice="Ask the vendor to take 203.0.113.11 out of DNS.",
            warnings=(Warned("tls.expires_soon", "9 days"), Warned(None, "2 addresses were not tried")),
            addresses=(
                AddressRecord("203.0.113.10", Verdict.PASS, None, None, "", 0.11),
                AddressRecord(
                    "203.0.113.11", Verdict.FAIL, "tcp.refused", Layer.CONNECT, "RST", 0.001, (step,)
                ),
                AddressRecord("2001:db8::a", Verdict.SKIP, None, None, "no route to it", None),
            ),
            samples={"count": 2, "rtt_ms": [1.5, 2.5]},
            settings={"path": "/health", "status": [200]},
            facts={"tls": {"version": "TLSv1.3"}},
        ),
        check(
            target="edge",
            probe="ssh",
            verdict=Verdict.SKIP,
            cause="credential.missing",
            layer=Layer.AUTH,
            responsible="operator",
            summary="edge (~/.ssh/id_ed25519 does not exist)",
            evidence=(),
            started=None,
            duration=None,
            address=None,
            source=None,
            steps=(),
            attempts=0,
        ),
        check(
            target="lab",
            probe="tcp",
            port=1,
            verdict=Verdict.ERROR,
            cause="probe.crashed",
            layer=Layer.VANTAGE,
            confidence=Confidence.UNDETERMINED,
            responsible="undetermined",
            summary="ZeroDivisionError",
            evidence=("Traceback (most recent call last):\n  File x",),
        ),
    )


def _findings() -> tuple[Finding, ...]:
    return (
        Finding(
            cause="tcp.filtered",
            responsible="customer",
            where=Place("after", "10.1.0.1"),
            summary="tcp/5432 to db01 and db02 in 10.20.0.0/24 is lost after 10.1.0.1; dns of db01 passes",
            advice="Open the flows below on 10.1.0.1 or what follows it.\n"
            "tcp/5432 from 10.9.0.7 to 10.20.0.15 (Unix team)\n"
            "tcp/5432 from 10.9.0.7 to 10.20.0.16 (Network team)",
            owners=(UNIX_TEAM, Contact("Network team")),
            checks=("dc-connector/db01/tcp/5432", "dc-connector/db02/tcp/5432"),
        ),
        Finding(
            cause="probe.crashed",
            responsible="undetermined",
            where=None,
            summary="ZeroDivisionError in <tcp> | \x1b[2J",
            advice="Report it with the *evidence* of the record.",
            owners=(),
            checks=("dc-connector/lab/tcp/1",),
            confidence=Confidence.UNDETERMINED,
        ),
    )
