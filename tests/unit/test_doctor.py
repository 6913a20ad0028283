"""What `doctor` says of a machine: this one, one without a way out, a Mac, a Windows host."""

from __future__ import annotations

import ctypes
import json
import platform
import sys
from pathlib import Path

import pytest

from netcheck import cli, exitcodes
from netcheck.doctor import clock, examine, host, network
from netcheck.doctor.ability import Ability, State
from probes.net import dnswire
from probes.path import selftest

NAMES = {
    *("system", "probes", "privilege", "ICMP errors, IPv4", "ICMP errors, IPv6", "trace", "who sent an RST"),
    *("packet counts", "IPv4", "IPv6", "resolvers", "open files", "local ports", "clock", "trusted CAs"),
    *("history", "screen", "keyring", "scapy"),
}


@pytest.fixture(params=["darwin", "win32"])
def not_linux(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A system with neither /proc nor adjtimex nor resource limits nor Linux's socket options."""
    monkeypatch.setattr(sys, "platform", request.param)
    monkeypatch.setattr(platform, "system", lambda: "Another")
    monkeypatch.setattr(dnswire, "system_config", lambda: dnswire.StubConfig((("10.0.0.53", 53),), (), 1))
    monkeypatch.setitem(sys.modules, "resource", None)
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())
    monkeypatch.setattr(host, "STATUS", tmp_path / "none")
    monkeypatch.setattr(host, "PORTS", tmp_path / "none")
    monkeypatch.setattr(network, "ROUTES", {4: tmp_path / "none", 6: tmp_path / "none"})
    return str(request.param)


def by_name() -> dict[str, Ability]:
    return {ability.name: ability for ability in examine()}


def test_every_ability_is_told_once() -> None:
    """Each has words; what lacks says how to get it, or why that can't be said."""
    found = list(examine())
    assert sorted(ability.name for ability in found) == sorted(NAMES)
    assert all(ability.found and ability.means for ability in found)
    assert all(ability.remedy is None for ability in found if ability.state is State.YES)
    assert all(ability.remedy for ability in found if ability.state is State.NO)


def test_another_system_is_told_so_and_does_not_crash(
    not_linux: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 3: netcheck is made for Linux; every other line is still there."""
    assert cli.main(["doctor"]) == exitcodes.INCOMPLETE
    page = capsys.readouterr().out
    assert "Not every check can be made here: system" in page
    assert not_linux in page
    found = by_name()
    assert set(found) == NAMES
    assert found["trace"].state is State.NO
    assert found["trace"].remedy == network.LINUX
    assert found["open files"].state is State.NO
    assert found["clock"].state is State.PARTLY


def test_a_machine_without_any_way_out_can_t_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two families either will do; without both something needed is missing."""
    ways = {4: "10.9.0.7", 6: None}
    monkeypatch.setattr(network, "_source", ways.get)
    monkeypatch.setattr(network, "_routes", lambda table: False)
    assert [ability.missing for ability in network.ways_out()] == [False, False]
    ways[4] = None
    assert [ability.missing for ability in network.ways_out()] == [True, True]


ROUTE4 = "Iface\tDestination\tGateway\neth0\t0014000A\t00000000\n"
ROUTE6 = f"fd{'0' * 30} 40 {'0' * 32} 00 {'0' * 32} 00000100 00000001 00000000 00000001 eth0\n"
LINK = f"fe80{'0' * 28} 40 {'0' * 32} 00 {'0' * 32} 00000100 00000001 00000000 00000001 eth0\n"


@pytest.mark.parametrize(
    ("version", "table", "state"),
    [
        (4, ROUTE4, State.PARTLY),
        (4, ROUTE4.partition("\n")[0], State.NO),
        (6, ROUTE6, State.PARTLY),
        (6, LINK, State.NO),
        (6, LINK.replace("eth0", "lo"), State.NO),
    ],
)
def test_ways_to_some_networks_are_a_part(
    version: int, table: str, state: State, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A route without a default one reaches some targets; loopback and a link alone reach none."""
    (tmp_path / "route").write_text(table)
    monkeypatch.setattr(network, "ROUTES", {4: tmp_path / "route", 6: tmp_path / "six"})
    if version == 6:
        monkeypatch.setattr(network, "ROUTES", {4: tmp_path / "four", 6: tmp_path / "route"})
    monkeypatch.setattr(network, "_source", lambda version: None)
    assert network.way_out(version).state is state


@pytest.mark.parametrize(
    ("reading", "state"),
    [(clock.Reading(True, 0.012), State.YES), (clock.Reading(False, 16.0), State.NO)],
)
def test_the_clock(reading: clock.Reading, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel knows whether something keeps it right."""
    monkeypatch.setattr(clock, "read", lambda: reading)
    ability = host.clock()
    assert ability.state is state
    assert ("12 ms" in ability.found) is (state is State.YES)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="adjtimex is Linux's")
def test_the_kernel_s_clock_is_read() -> None:
    """The struct is laid out right: an error bound of sense, and no exception."""
    assert 0 <= clock.read().most < 1e6


@pytest.mark.parametrize(("capabilities", "state"), [("2000", State.YES), ("1fff", State.NO)])
def test_privilege(capabilities: str, state: State, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """CAP_NET_RAW is bit 13 of the effective set, whoever the user is."""
    (tmp_path / "status").write_text(f"Name:\tx\nCapEff:\t{capabilities}\n")
    monkeypatch.setattr(host, "STATUS", tmp_path / "status")
    assert host.privilege().state is state


def test_few_descriptors_are_slower_and_as_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """The room that the limit leaves is named."""
    monkeypatch.setattr(host, "raise_descriptor_limit", lambda: 96)
    ability = host.connections()
    assert (ability.state, ability.missing) == (State.PARTLY, False)
    assert "96 connections" in ability.found


def test_no_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """No server is asked to find that out."""
    monkeypatch.setattr(dnswire, "system_config", lambda: dnswire.StubConfig((), (), 1))
    assert network.resolvers().state is State.NO


def test_a_folder_of_somebody_else_keeps_no_history(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a path that goes through a file."""
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/version/state")
    assert host.history().state is State.NO


def test_a_probe_that_can_t_be_loaded_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named with its reason, and the status is 3."""
    monkeypatch.setattr(host, "_broken", lambda name: "probe `ssh`: no paramiko" if name == "ssh" else None)
    ability = host.all_probes()
    assert ability.missing
    assert ability.found == "probe `ssh`: no paramiko"


def test_no_trace_without_an_error_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is the self-test's own, and the checks can be made all the same."""
    monkeypatch.setattr(selftest, "no_error_queue", lambda version: "nothing came back")
    assert network.trace().found == "nothing came back"
    assert not network.trace().missing


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    """One document with every ability, a missing remedy as null."""
    assert cli.main(["doctor", "--format", "json"]) == exitcodes.OK
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "netcheck/doctor/1"
    assert {ability["name"] for ability in document["abilities"]} == NAMES
    assert document["abilities"][0]["remedy"] is None
