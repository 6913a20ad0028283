"""A whole run on a scripted network: second look, inheritance, blocked flows, crashes, interruption."""

import asyncio
import datetime
import errno
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest

from netcheck import registry
from netcheck.check import Accept, Check
from netcheck.engine import Engine
from netcheck.record import CheckRecord, RunRecord
from probes import http
from probes.contract import Confidence, Layer, Outcome, Probe, Verdict
from probes.net.base import ConnectFailed, Icmp, Reply
from probes.net.scripted import Scripted, Silence

Checks = Callable[..., Check]
Runs = Callable[..., RunRecord]

DARK = Silence()
REJECTED = ConnectFailed(errno.EHOSTUNREACH, icmp=Icmp(4, 3, 13, "10.1.0.1"))


def by_target(run: RunRecord) -> dict[str, CheckRecord]:
    """The records by their target."""
    return {record.target: record for record in run.checks}


def subnet(count: int, script: Any, port: int = 22) -> dict[tuple[str, int], Any]:
    """So many hosts of 10.0.0.0/24 with one script."""
    return {(f"10.0.0.{number}", port): script for number in range(1, count + 1)}


def test_silence_seen_twice_is_certain(check: Checks, run: Runs) -> None:
    """One look at silence is likely, two are certain; both are counted."""
    record = by_target(run([check("10.0.0.1")], Scripted(subnet(1, DARK))))["10.0.0.1"]
    assert (record.verdict, record.cause, record.layer) == (Verdict.FAIL, "tcp.filtered", Layer.CONNECT)
    assert (record.confidence, record.attempts) == (Confidence.CERTAIN, 2)


def test_without_retries_silence_is_only_likely(check: Checks, run: Runs) -> None:
    """`retries: 0` leaves the second look out."""
    network = Scripted(subnet(1, DARK))
    record = by_target(run([check("10.0.0.1", retries=0)], network))["10.0.0.1"]
    assert (record.confidence, record.attempts) == (Confidence.LIKELY, 1)
    assert len(network.connected) == 1


def test_what_passes_on_the_second_look_is_unstable(check: Checks, run: Runs) -> None:
    """It works now: a warn that keeps what the first look saw."""
    record = by_target(run([check("10.0.0.1")], Scripted(subnet(1, DARK)), Scripted(subnet(1, []))))[
        "10.0.0.1"
    ]
    assert (record.verdict, record.cause) == (Verdict.WARN, "path.unstable")
    assert "no answer to 3 SYNs" in record.summary


def test_three_of_a_class_are_looked_at_again(check: Checks, run: Runs) -> None:
    """The others inherit, likely, and name a representative."""
    first = Scripted({**subnet(10, DARK), ("10.9.0.1", 22): []})  # another network answers
    second = Scripted(subnet(10, DARK))
    checks = [check(f"10.0.0.{number}") for number in range(1, 11)]
    found = by_target(run([*checks, check("10.9.0.1")], first, second))
    assert sorted(second.connected) == [("10.0.0.1", 22), ("10.0.0.10", 22), ("10.0.0.5", 22)]
    assert found["10.0.0.5"].confidence is Confidence.CERTAIN
    assert found["10.0.0.7"].confidence is Confidence.LIKELY
    assert "local/10.0.0.1/tcp/22" in " ".join(found["10.0.0.7"].evidence)


def test_what_all_representatives_show_is_inherited_with_its_words(check: Checks, run: Runs) -> None:
    """First silence everywhere, then a rejection of each representative: the rest names it as evidence.

    Its summary may become a finding's sentence, which speaks of no host outside.
    """
    second = Scripted(subnet(10, REJECTED))
    found = by_target(
        run([check(f"10.0.0.{number}") for number in range(1, 11)], Scripted(subnet(10, DARK)), second)
    )
    rest = found["10.0.0.7"]
    assert (rest.cause, rest.confidence) == ("tcp.rejected", Confidence.LIKELY)
    assert "one of its kind, looked at again: ICMP 3/13" in rest.summary
    assert "10.0.0.1/tcp" not in rest.summary
    assert any("local/10.0.0.1/tcp/22 was: ICMP 3/13" in proof for proof in rest.evidence)


def test_a_representative_that_passes_puts_the_rest_to_the_test(check: Checks, run: Runs) -> None:
    """Where representatives disagree nobody inherits: every member is looked at itself."""
    second = Scripted({**subnet(10, DARK), ("10.0.0.5", 22): [], ("10.0.0.7", 22): []})
    checks = [check(f"10.0.0.{number}") for number in range(1, 11)]
    first = Scripted({**subnet(10, DARK), ("10.9.0.1", 22): []})  # another network answers
    found = by_target(run([*checks, check("10.9.0.1")], first, second))
    unstable = [target for target, record in found.items() if record.cause == "path.unstable"]
    assert unstable == ["10.0.0.5", "10.0.0.7"]
    assert {found[f"10.0.0.{number}"].confidence for number in (2, 3, 9)} == {Confidence.CERTAIN}


@pytest.mark.parametrize("order", [(DARK, REJECTED), (REJECTED, DARK)])
def test_an_answer_tells_more_than_silence(check: Checks, run: Runs, order: tuple[Any, Any]) -> None:
    """Whenever the ICMP error was heard, it is kept: routers send few of them."""
    networks = [Scripted(subnet(1, script)) for script in order]
    record = by_target(run([check("10.0.0.1")], *networks))["10.0.0.1"]
    assert (record.cause, record.confidence) == ("tcp.rejected", Confidence.LIKELY)
    assert record.where is not None
    assert (record.where.relation, record.where.address) == ("at", "10.1.0.1")


def test_near_an_icmp_error_silence_is_not_inherited(check: Checks, run: Runs) -> None:
    """Ten silent hosts beside one that was rejected are all looked at again."""
    servers = {**subnet(10, DARK), ("10.0.0.11", 22): REJECTED}
    second = Scripted(servers)
    run([check(f"10.0.0.{number}") for number in range(1, 12)], Scripted(servers), second)
    assert len(set(second.connected)) == 11


def test_silence_of_a_host_that_is_down_is_only_likely(check: Checks, run: Runs) -> None:
    """A check with a short timeout gives up before the router says that the host is down."""
    down = ConnectFailed(errno.EHOSTUNREACH, icmp=Icmp(4, 3, 1, "10.1.0.1"), elapsed=3.1)
    servers = {("10.0.0.1", 22): down, ("10.0.0.1", 23): DARK, ("10.0.0.2", 23): DARK}
    checks = [check("10.0.0.1"), check("10.0.0.1", 23), check("10.0.0.2", 23)]
    began: list[float] = []

    def tried(_: str, port: int, ttl: int | None, *__: object) -> Reply:
        """All that waits for the host is given up at one moment."""
        if port != 22 or ttl is not None:
            return Reply("silent")
        began.append(second.now())
        return Reply("rejected", 3.1 - (began[-1] - began[0]), down.icmp)

    second = Scripted(servers, replies=tried)
    records = list(run(checks, Scripted(servers), second).checks)
    assert [(record.cause, record.confidence) for record in records] == [
        ("tcp.host_down", Confidence.LIKELY),
        ("tcp.filtered", Confidence.LIKELY),
        ("tcp.filtered", Confidence.LIKELY),
    ]


def test_blocked_is_certain_only_beside_a_sign_of_life(check: Checks, run: Runs) -> None:
    """Silence is a pass; without another answer of that host it may as well be down."""
    servers = {("10.0.0.1", 3389): DARK, ("10.0.0.1", 22): [], ("10.0.0.2", 3389): DARK}
    checks = [
        check("10.0.0.1", 3389, expect="blocked"),
        check("10.0.0.1", 22),
        check("10.0.0.2", 3389, expect="blocked"),
    ]
    records = list(run(checks, Scripted(servers)).checks)
    assert [(record.verdict, record.confidence) for record in records] == [
        (Verdict.PASS, Confidence.CERTAIN),
        (Verdict.PASS, Confidence.CERTAIN),
        (Verdict.PASS, Confidence.LIKELY),
    ]


@pytest.mark.parametrize(
    ("script", "verdict", "cause"),
    [
        ([], Verdict.FAIL, "policy.unexpectedly_open"),
        (ConnectFailed(errno.ECONNREFUSED), Verdict.WARN, "policy.not_filtered"),
        (REJECTED, Verdict.PASS, None),
        (
            ConnectFailed(errno.ECONNREFUSED, icmp=Icmp(4, 3, 3, "10.0.0.1")),
            Verdict.WARN,
            "policy.not_filtered",
        ),
        (
            ConnectFailed(errno.ENETUNREACH, icmp=Icmp(4, 3, 0, "10.0.0.1")),
            Verdict.WARN,
            "policy.not_filtered",
        ),
        (ConnectFailed(errno.ENETUNREACH, local=True), Verdict.ERROR, "tcp.no_route"),
        (
            ConnectFailed(errno.EHOSTUNREACH, icmp=Icmp(4, 3, 1, "10.1.0.1"), elapsed=3.1),
            Verdict.ERROR,
            "tcp.host_down",
        ),
        (
            ConnectFailed(errno.EHOSTUNREACH, icmp=Icmp(4, 3, 1, "10.0.0.1"), elapsed=3.1),
            Verdict.ERROR,
            "tcp.host_down",
        ),
    ],
)
def test_what_blocked_means(
    check: Checks, run: Runs, script: Any, verdict: Verdict, cause: str | None
) -> None:
    """Open fails, the target's own refusal warns, a rejection on the way passes, no way is an error."""
    checks = [check("10.0.0.1", 3389, expect="blocked")]
    record = next(iter(run(checks, Scripted({("10.0.0.1", 3389): script})).checks))
    assert (record.verdict, record.cause) == (verdict, cause)


def test_a_name_is_blocked_only_at_every_address(check: Checks, run: Runs) -> None:
    """One silent address says nothing of another that can't be judged."""
    dead = ConnectFailed(errno.EHOSTUNREACH, icmp=Icmp(4, 3, 1, "10.1.0.1"), elapsed=3.1)
    network = Scripted({("10.0.0.1", 22): DARK, ("10.0.0.2", 22): dead}, {"vip": ("10.0.0.1", "10.0.0.2")})
    record = by_target(run([check("vip", expect="blocked")], network))["vip"]
    assert (record.verdict, record.cause, record.address) == (Verdict.ERROR, "tcp.host_down", "10.0.0.2")


def test_some_dead_addresses_warn_or_fail(check: Checks, run: Runs) -> None:
    """One good address is a warn; where every address counts it is a fail."""
    network = Scripted({("10.0.0.1", 22): []}, {"vip": ("10.0.0.1", "10.0.0.2")})
    warned, failed = run([check("vip"), check("vip", every_address=True)], network).checks
    assert (warned.verdict, warned.cause) == (Verdict.WARN, "path.some_addresses_dead")
    assert (failed.verdict, failed.cause) == (Verdict.FAIL, "path.some_addresses_dead")
    assert [one.verdict for one in warned.addresses] == [Verdict.PASS, Verdict.FAIL]


@pytest.mark.parametrize(
    ("script", "verdict", "cause"),
    [([], Verdict.WARN, "path.unstable"), (DARK, Verdict.FAIL, "path.some_addresses_dead")],
)
def test_a_dead_address_that_counts_is_looked_at_again(
    check: Checks, run: Runs, script: Any, verdict: Verdict, cause: str
) -> None:
    """Where every address counts, one that was silent for a moment is no failure."""
    names = {"vip": ("10.0.0.1", "10.0.0.2")}
    first, second = (Scripted({("10.0.0.1", 22): [], ("10.0.0.2", 22): one}, names) for one in (DARK, script))
    (record,) = run([check("vip", every_address=True)], first, second).checks
    assert (record.verdict, record.cause, record.attempts) == (verdict, cause, 2)
    assert record.confidence is Confidence.CERTAIN


def test_what_could_not_be_checked_does_not_hide_a_failure(check: Checks, run: Runs) -> None:
    """Of two addresses one was refused and one stopped here: the refusal is the verdict."""
    here = ConnectFailed(errno.EACCES, local=True)
    network = Scripted({("10.0.0.1", 22): here}, {"vip": ("10.0.0.1", "10.0.0.2")})
    (record,) = run([check("vip")], network).checks
    assert (record.verdict, record.cause) == (Verdict.FAIL, "tcp.refused")


def test_an_accepted_failure_stays_a_failure(check: Checks, run: Runs) -> None:
    """It is counted as accepted until its day is over, and not in the findings."""
    today, yesterday = datetime.date(2026, 11, 24), datetime.date(2026, 11, 23)
    holds = Accept(today, "CHG-1", "ops", "tcp.refused")
    over = Accept(yesterday, "CHG-2", "ops", "tcp.refused")
    other = Accept(today, "CHG-3", "ops", "tcp.filtered")
    checks = [check(host, accept=(one,)) for host, one in (("a", holds), ("b", over), ("c", other))]
    result = run(checks, Scripted({}, dict.fromkeys("abc", ("10.0.0.1",))))
    assert [record.verdict for record in result.checks] == [Verdict.FAIL] * 3
    assert [record.accepted is not None for record in result.checks] == [True, False, False]
    assert result.summary.accepted == 1
    assert [finding.checks for finding in result.summary.findings] == [("local/b/tcp/22", "local/c/tcp/22")]


def test_a_crash_is_an_error_and_the_rest_goes_on(
    check: Checks, run: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tool's own bug is never the target's failure."""

    async def crash(*_: Any, **__: Any) -> Outcome:
        raise ZeroDivisionError("oops")

    broken = Probe("broken", "", type("Settings", (), {}), (), crash)
    real = registry.get
    monkeypatch.setattr(registry, "get", lambda name: broken if name == "broken" else real(name))
    first, second = run(
        [check("10.0.0.1", probe="broken"), check("10.0.0.1")], Scripted(subnet(1, []))
    ).checks
    assert (first.verdict, first.cause) == (Verdict.ERROR, "probe.crashed")
    assert "ZeroDivisionError: oops" in first.summary
    assert second.verdict is Verdict.PASS


def test_stopped_checks_send_nothing(check: Checks, run: Runs) -> None:
    """What is planned as not to be sent has its reason as its cause."""
    network = Scripted({})
    checks = [
        check("10.0.0.1", stopped=("probe.unsupported", "not available yet")),
        check("10.0.0.1", stopped=("vantage.not_the_origin", "local stands for user-to-saas")),
    ]
    assert [(one.verdict, one.summary) for one in run(checks, network).checks] == [
        (Verdict.SKIP, "not available yet"),
        (Verdict.ERROR, "local stands for user-to-saas"),
    ]
    assert network.connected == []


def test_findings_group_by_cause_and_place(check: Checks, run: Runs) -> None:
    """One finding a cause and place, the widest first."""
    servers: dict[tuple[str, int], Any] = {**subnet(3, REJECTED), ("10.9.0.1", 22): DARK}
    checks = [check("10.9.0.1"), *(check(f"10.0.0.{number}") for number in (1, 2, 3))]
    found = run(checks, Scripted(servers)).summary.findings
    assert [(one.cause, len(one.checks), one.where is not None) for one in found] == [
        ("tcp.rejected", 3, True),
        ("tcp.filtered", 1, False),
    ]


def test_a_lost_check_is_a_bug_and_no_green_run(
    check: Checks, run: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it came about: a run without a verdict for each planned check is no run."""
    monkeypatch.setattr(Engine, "_first_look", lambda *_: None)
    with pytest.raises(RuntimeError, match="2 of 2 checks have no verdict"):
        run([check("10.0.0.1"), check("10.0.0.2")], Scripted({}))


def test_an_interrupted_run_keeps_what_was_finished(check: Checks) -> None:
    """Interrupted in the first pass: finished checks are there, the others are not."""
    from netcheck.diagnosis.write import Writer
    from netcheck.engine import Engine
    from netcheck.limits import Limits
    from netcheck.look import Looker
    from netcheck.record import RunHead

    class Hanging(Scripted):
        async def connect(self, address: str, port: int, until: float) -> Any:
            if address == "10.0.0.2":
                engine.interrupt()
                await asyncio.Event().wait()
            return await super().connect(address, port, until)

    head = RunHead("01J", "0", None, None, 0.0, "tester", "linux", False, {})
    checks = [check("10.0.0.1"), check("10.0.0.2"), check("10.0.0.3")]

    async def main() -> RunRecord:
        nonlocal engine
        writer = Writer(datetime.date(2026, 11, 24))
        engine = Engine(head, checks, Looker, writer, Limits(1), network=lambda _: Hanging(subnet(3, [])))
        return await engine.run(3)

    engine: Engine
    result = asyncio.run(main())
    assert [record.target for record in result.checks] == ["10.0.0.1"]
    assert result.summary.interrupted


def dated(offset: float) -> list[bytes]:
    """A web server whose clock is ahead by so much of the scripted network's."""
    date = formatdate(1_000_000_000 + offset, usegmt=True)
    return [f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n".encode()]


@pytest.mark.parametrize(
    ("offsets", "who", "advice"),
    [
        ((600, 0, 0), "customer", "Set the clock of 10.0.0.1 by NTP"),
        ((600, 600, 600), "operator", "Set this host's clock by NTP"),
        ((600,), "undetermined", "Compare both clocks with a third"),
    ],
)
def test_a_clock_that_differs_waits_for_the_others(
    check: Checks, run: Runs, offsets: tuple[float, ...], who: str, advice: str
) -> None:
    """A warning of the first check is compared with what later ones answer."""
    servers = {(f"10.0.0.{n}", 80): dated(offset) for n, offset in enumerate(offsets, 1)}
    asked = [check(host, port, probe="http", settings=http.HTTP.settings()) for host, port in servers]
    record = by_target(run(asked, Scripted(servers)))["10.0.0.1"]
    assert (record.verdict, record.cause, record.responsible) == (Verdict.WARN, "clock.skew", who)
    assert (record.advice or "").startswith(advice)


def test_one_server_of_many_names_does_not_outvote_this_host(check: Checks, run: Runs) -> None:
    """Three targets of one address are one clock."""
    names = ("a.example", "b.example", "c.example")
    network = Scripted({("10.0.0.1", 80): dated(3600)}, dict.fromkeys(names, ("10.0.0.1",)))
    done = run([check(name, 80, probe="http", settings=http.HTTP.settings()) for name in names], network)
    assert done.head.vantages["local"].clock_offset is None
    assert {record.responsible for record in done.checks} == {"undetermined"}


def test_the_environments_proxy_is_told_without_its_password(
    check: Checks, run: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails directly is tried through it as well, and both stand in what people attach to a ticket."""
    monkeypatch.setenv("https_proxy", "http://bob:hunter2@10.0.0.9:3128")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    asked = check("10.0.0.1", 443, probe="https", settings=http.HTTPS.settings())
    record = by_target(run([asked], Scripted({("10.0.0.1", 443): DARK, ("10.0.0.9", 3128): DARK})))[
        "10.0.0.1"
    ]
    [control] = [one for one in record.controls if one.varied == "proxy"]
    assert control.value == "http://10.0.0.9:3128"
    assert "hunter2" not in repr(record)
