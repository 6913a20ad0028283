"""`netcheck diagnose` and `netcheck doctor` as a user calls them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Done = subprocess.CompletedProcess[str]
Netcheck = Callable[..., Done]
Inventory = Callable[..., str]


def test_a_target_where_all_is_well(netcheck: Netcheck, inventory: Inventory, open_port: int) -> None:
    """Exit 0, a short page that says so, nothing on stderr."""
    name = inventory(f"  a: {{host: 127.0.0.1, checks: [{{probe: tcp, port: {open_port}, retries: 0}}]}}")
    done = netcheck("diagnose", name, "a")
    assert (done.returncode, done.stderr) == (0, "")
    assert "all is well: 1 check made" in done.stdout
    assert "Ask" not in done.stdout


def test_a_failure_has_its_story(netcheck: Netcheck, inventory: Inventory, closed_port: int) -> None:
    """Exit 1; the cause, the layer where it stopped, and a text to forward. Other targets are left alone."""
    name = inventory(
        f"  a: {{host: 127.0.0.1, checks: [tcp/{closed_port}]}}\n"
        f"  b: {{host: 127.0.0.2, checks: [tcp/{closed_port}]}}"
    )
    done = netcheck("diagnose", name, "a")
    assert done.returncode == 1
    assert f"tcp/{closed_port}  ✗ fail  tcp.refused" in done.stdout
    assert "connect ✗" in done.stdout
    assert "\nAsk        “Please start the service" in done.stdout
    assert "127.0.0.2" not in done.stdout


def test_an_address_is_a_target(netcheck: Netcheck, inventory: Inventory, closed_port: int) -> None:
    """Of an entry with many hosts, the one that is named."""
    name = inventory(f'  many: {{hosts: "127.0.0.[1-9]", checks: [tcp/{closed_port}]}}')
    done = netcheck("diagnose", name, "127.0.0.4", "--format", "json")
    assert [check["id"] for check in json.loads(done.stdout)["checks"]] == [
        f"local/127.0.0.4/tcp/{closed_port}"
    ]


def test_urls_need_no_inventory(netcheck: Netcheck, open_port: int, closed_port: int) -> None:
    """Several of one host are one page; what works is named beside what does not."""
    done = netcheck("diagnose", f"tcp://127.0.0.1:{closed_port}", f"tcp://127.0.0.1:{open_port}")
    assert done.returncode == 1
    assert done.stdout.startswith("127.0.0.1 · from local (")
    assert f"tcp/{open_port}" in done.stdout


def test_files_and_history_are_as_in_run(
    netcheck: Netcheck, inventory: Inventory, closed_port: int, tmp_path: Path
) -> None:
    """`-o x.txt` is the page, `-o x.json` the record; the run can be found again."""
    name = inventory(f"  a: {{host: 127.0.0.1, checks: [tcp/{closed_port}]}}")
    done = netcheck("diagnose", name, "a", "--quiet", "-o", "x.txt", "-o", "x.json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "\nAsk        “Please" in (tmp_path / "x.txt").read_text(encoding="utf-8")
    run = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    found = netcheck("report", "last", "--format", "json")
    assert json.loads(found.stdout)["run"]["id"] == run["run"]["id"]


def test_idle(netcheck: Netcheck, inventory: Inventory, open_port: int) -> None:
    """What the way allows is in the page; that it takes a while is said beforehand."""
    name = inventory(f"  a: {{host: 127.0.0.1, checks: [{{probe: tcp, port: {open_port}, retries: 0}}]}}")
    done = netcheck("diagnose", name, "a", "--idle", "1s")
    assert (done.returncode, done.stderr) == (0, "netcheck: leaves connections idle for up to 1 s\n")
    assert "idle connections live for 1 s at least" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["inventory.yml", "db01", "--idle", "0s"], "`0s` is too short"),
        (["inventory.yml"], "it takes an inventory and one target of it; inventory.yml has db01"),
        (["inventory.yml", "db1"], "there is no target `db1`; did you mean `db01`?"),
        (["inventory.yml", "db01", "db01"], "it takes an inventory and one target of it"),
        (["inventory.yml", "db01", "--only", "probe:ssh"], "selects nothing"),
        (["missing.yml", "db01"], "missing.yml"),
        (["tcp://127.0.0.1:9", "tcp://127.0.0.2:9"], "one host at a time, not at 127.0.0.1, 127.0.0.2"),
        (["tcp://127.0.0.1:9", "db01"], "db01"),
    ],
)
def test_usage_errors_are_two(
    netcheck: Netcheck, inventory: Inventory, words: list[str], message: str
) -> None:
    """One clear line on stderr; nothing is checked."""
    inventory("  db01: {host: 127.0.0.1, checks: [tcp/9]}")
    done = netcheck("diagnose", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor(netcheck: Netcheck) -> None:
    """Exit 0 or 3, every ability with yes, partly or no, and what follows."""
    done = netcheck("doctor")
    assert done.returncode in (0, 3)
    assert done.stderr == ""
    assert "\ntrace " in done.stdout
    assert "→" in done.stdout


def test_the_versions_of_tls(netcheck: Netcheck, inventory: Inventory, old_tls_port: int) -> None:
    """A client with one of them alone may fail where ours, with both, does not."""
    name = inventory(
        f"  a: {{host: 127.0.0.1, checks: [{{probe: tls, port: {old_tls_port}, verify: none}}]}}"
    )
    done = netcheck("diagnose", name, "a", "--format", "json")
    [check] = json.loads(done.stdout)["checks"]
    assert check["verdict"] == "pass"
    controls = {control["value"]: control["verdict"] for control in check["controls"]}
    assert controls == {"TLSv1.2": "pass", "TLSv1.3": "fail"}
    assert any(words.startswith("with TLSv1.3 alone: ") for words in check["evidence"])
