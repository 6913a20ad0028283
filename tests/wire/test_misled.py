"""Names that lead to a stranger: by a server that invents answers, or as a `dns` check of the run finds."""

import asyncio
import errno
from collections.abc import Callable
from typing import Any

import dns.message
import pytest

from netcheck.check import Check
from netcheck.record import CheckRecord, RunRecord
from probes import dns as dns_probe
from probes import misled
from probes.contract import Ascent, Confidence, Layer, Step, Verdict
from probes.net import dnswire, lookup
from probes.net.base import ConnectFailed, Invented, LookupFailed, Resolution
from probes.net.dnswire import StubConfig
from probes.net.scripted import Scripted
from probes.net.threads import Threads
from tests.wire.test_dns import ONE, Server, inventive, server

Checks = Callable[..., Check]
Runs = Callable[..., RunRecord]

DB, WEB, PAGE = "db.acme.example", "web.acme.example", "198.18.0.5"
REFUSED = ConnectFailed(errno.ECONNREFUSED)
INVENTED = Invented((PAGE,), "10.0.0.53")


def rewritten(script: Any, host: str = DB, *addresses: str) -> Scripted:
    """A network whose server rewrites "no such name" to a page of its own, where this happens."""
    found = Resolution(addresses or (PAGE,), invented=INVENTED)
    return Scripted({(PAGE, 22): script, ("10.0.0.5", 22): []}, {host: found})


def only(record: RunRecord) -> CheckRecord:
    [check] = record.checks
    return check


@pytest.mark.parametrize("script", [REFUSED, []])
def test_a_stranger_answers_for_a_name_that_does_not_exist(check: Checks, run: Runs, script: Any) -> None:
    """Whether it refuses or takes the connection: neither is the target's answer."""
    record = only(run([check(DB)], rewritten(script)))
    assert (record.verdict, record.cause, record.layer) == (Verdict.FAIL, "dns.hijacked", Layer.RESOLVE)
    assert record.responsible == "customer"
    steps = [(step.layer, step.verdict) for step in record.steps]
    assert steps == [(Layer.RESOLVE, Verdict.FAIL), (Layer.CONNECT, Verdict.SKIP)]
    assert "so are names that do not exist" in record.summary


def test_an_address_of_its_own_is_the_target_s(check: Checks, run: Runs) -> None:
    """The server invents for others, and knows this name."""
    assert only(run([check(DB)], rewritten([], DB, "10.0.0.5"))).verdict is Verdict.PASS


def test_a_flow_that_must_be_blocked_is_not_shown_so_by_a_stranger(check: Checks, run: Runs) -> None:
    """Neither the page's refusal nor its open port tells of the target."""
    for script in (REFUSED, []):
        record = only(run([check(DB, expect="blocked")], rewritten(script)))
        assert (record.verdict, record.cause) == (Verdict.ERROR, "dns.hijacked")


def test_who_proves_to_be_the_target_is_it() -> None:
    """A proxy by names gives every name its own address, and leads on to each."""
    proved = Ascent(PAGE, Verdict.PASS, (Step(Layer.CONNECT, Verdict.PASS),), identified=True)
    found = Resolution((PAGE,), invented=INVENTED)
    told = misled.by_invention(DB, found, Step(Layer.RESOLVE, Verdict.PASS), proved)
    assert (told.verdict, told.address) == (Verdict.PASS, PAGE)
    assert [caution.cause for caution in told.cautions] == ["dns.hijacked"]


def looked_up(
    monkeypatch: pytest.MonkeyPatch, system: Callable[[str], tuple[str, ...]], *hosts: str
) -> tuple[list[Resolution], list[str]]:
    """What these names resolve to, all at once, and what the system was asked for."""
    asked: list[str] = []

    def noting(host: str) -> tuple[str, ...]:
        asked.append(host)
        return system(host)

    monkeypatch.setattr(lookup, "_system", noting)
    monkeypatch.setattr(dnswire, "system_config", lambda: StubConfig((ONE,), (), 1))

    async def main() -> list[Resolution]:
        found = lookup.Lookup(Scripted({}), Threads())
        return await asyncio.gather(*(found.resolve(host, 1.0) for host in hosts))

    return asyncio.run(main()), asked


def test_a_name_that_can_not_exist_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All names of a pass share it; its answer, and by whom, goes with each."""
    found, asked = looked_up(monkeypatch, lambda host: (PAGE,), DB, WEB)
    assert [one.invented for one in found] == [Invented((PAGE,), "10.0.0.53")] * 2
    assert len([name for name in asked if name.endswith(".invalid.")]) == 1


def test_an_honest_system_invents_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that there is no such name."""

    def system(host: str) -> tuple[str, ...]:
        if host.endswith(".invalid."):
            raise OSError("no such name")
        return ("10.0.0.5",)

    found, _ = looked_up(monkeypatch, system, DB)
    assert found == [Resolution(("10.0.0.5",), found[0].duration)]


def test_a_name_of_the_hosts_file_asks_no_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Whatever the servers invent, it is not by them."""
    (tmp_path / "hosts").write_text(f"10.0.0.5 {DB}\n")
    monkeypatch.setattr(lookup, "HOSTS", tmp_path / "hosts")
    found, asked = looked_up(monkeypatch, lambda host: ("10.0.0.5",), DB)
    assert (found[0].listed, asked) == (True, [DB])


def named(check: Checks, host: str, *addresses: str) -> Check:
    """A `dns` check that expects these addresses."""
    settings = dns_probe.Settings(addresses=addresses, resolvers=(ONE,))
    return check(host, None, probe="dns", settings=settings)


def test_what_fails_at_an_address_that_is_not_expected_is_the_name(check: Checks, run: Runs) -> None:
    """A service is not to be started where it never was; a check of another name keeps its cause."""
    says = server({f"{DB}.": ["10.0.0.9"], f"{WEB}.": ["10.0.0.7"]})
    network = Scripted(
        {("10.0.0.9", 22): REFUSED, ("10.0.0.7", 22): REFUSED},
        {DB: ("10.0.0.9",), WEB: ("10.0.0.7",)},
        datagrams={ONE: says},
    )
    blocked = check(DB, 3389, expect="blocked")
    checks = [named(check, DB, "10.0.0.5"), check(DB), named(check, WEB, "10.0.0.7"), check(WEB), blocked]
    found = {record.id: record for record in run(checks, network).checks}
    told = found[f"local/{DB}/tcp/22"]
    assert (told.verdict, told.cause, told.layer) == (Verdict.FAIL, "dns.mismatch", Layer.RESOLVE)
    assert told.confidence is Confidence.LIKELY
    assert f"which local/{DB}/dns/- finds wrong" in told.summary
    assert "tcp.refused" in " ".join(told.evidence)
    assert found[f"local/{WEB}/tcp/22"].cause == "tcp.refused"
    untold = found[f"local/{DB}/tcp/3389"]
    assert (untold.verdict, untold.cause) == (Verdict.ERROR, "dns.mismatch")
    assert ("10.0.0.9", 22) in network.connected


def test_one_finding_for_all_that_a_wrong_name_breaks(check: Checks, run: Runs) -> None:
    """The name is what is to be corrected, and nothing at the stranger's."""
    network = Scripted({}, {DB: ("10.0.0.9",)}, datagrams={ONE: server({f"{DB}.": ["10.0.0.9"]})})
    record = run([named(check, DB, "10.0.0.5"), check(DB), check(DB, 5432)], network)
    [finding] = record.summary.findings
    assert (finding.cause, len(finding.checks)) == ("dns.mismatch", 3)


def rotating() -> Server:
    """A server that gives each name another address of one network, whether it exists or not."""
    given: dict[str, str] = {}

    def answer(datagram: bytes) -> bytes:
        name = dns.message.from_wire(datagram).question[0].name.to_text()
        address = given.setdefault(name, f"198.18.0.{len(given) + 1}")
        return server({name: [address]})(datagram)

    return answer


def test_a_server_that_invents_another_address_each_time(check: Checks, run: Runs) -> None:
    """Ours is one of the network from which they are drawn; likely, for it may be known all the same."""
    free = check(DB, None, probe="dns", settings=dns_probe.Settings(resolvers=(ONE,)))
    record = only(run([free], Scripted({}, datagrams={ONE: rotating()})))
    assert (record.cause, record.confidence) == ("dns.hijacked", Confidence.LIKELY)
    assert "another address of that network" in record.summary


def test_an_expected_address_that_is_given_for_anything_too(check: Checks, run: Runs) -> None:
    """A device that answers for what does not exist with its own address may itself be the target."""
    network = Scripted({}, datagrams={ONE: inventive({}, "10.0.0.1")})
    record = only(run([named(check, DB, "10.0.0.1")], network))
    assert record.verdict is Verdict.PASS
    assert "is given for anything" in " ".join(record.evidence)


def test_a_lookup_that_fails_has_no_address(check: Checks, run: Runs) -> None:
    """It stays what it is."""
    network = Scripted({}, {DB: LookupFailed("nxdomain", "NXDOMAIN")})
    assert only(run([check(DB)], network)).cause == "dns.nxdomain"
