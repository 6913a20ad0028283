"""`validate`, `plan` and `init` as a user calls them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from netcheck.cli import main

TEXT = """netcheck: 1
defaults: {timeout: 4s}
groups: {dmz: {timeout: 8s}}
targets:
  web:
    hosts: "web[1-2]"
    groups: [dmz]
    checks:
      - {probe: https, path: /health, status: [200]}
      - {probe: tcp, port: 23, expect: blocked, name: telnet}
  db: {host: db.example, profile: linux, checks: [dns]}
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("inventory.yml").write_text(TEXT)
    return "inventory.yml"


def test_validate(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A good inventory is counted; a bad one beside it is reported, and the status is 2."""
    Path("bad.yml").write_text("netcheck: 1\n")
    assert main(["validate", path]) == 0
    assert capsys.readouterr().out == "inventory.yml: 6 checks of 3 targets, valid\n"
    assert main(["validate", "bad.yml", path]) == 2
    shown = capsys.readouterr()
    assert shown.out == "inventory.yml: 6 checks of 3 targets, valid\n"
    assert shown.err.startswith("bad.yml:1:1: an inventory needs `targets`")


def test_plan_table(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One row a check; what is not sent says why."""
    assert main(["plan", path]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["target", "check", "host", "from", "flow", "timeout", "note"]
    assert lines[2][:6] == ["web1", "https/443", "web1", "local", "(assumed)", "vault-to-target"]
    assert lines[2][6:] == ["8s", "path", "/health;", "status", "200"]
    assert lines[3][1:3] == ["tcp/23", "telnet"]
    assert lines[3][-2:] == ["expect", "blocked"]
    assert " ".join(lines[7]).endswith("probe.unsupported: profile `linux`: not available yet")
    assert lines[-1] == ["6", "checks,", "1", "of", "them", "without", "sending", "anything"]


def test_plan_origins(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`-v` shows each value with where it came from."""
    assert main(["plan", path, "-v", "--only", "web1,probe:https"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "local/web1/https/443  web1"
    assert "    timeout 8s (group dmz, line 3)" in lines
    assert "    path /health (check, line 9)" in lines
    assert "    retries 1 (built-in)" in lines
    assert "    from local (nobody declared another)" in lines
    assert "    verify full (built-in)" in lines
    assert "    expires_in 30d (built-in)" in lines
    assert not [line for line in lines if "  (" in line.strip()], "an option without a value is left out"


def test_plan_json(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON has every check with its settings, origins and the reason why it is stopped."""
    assert main(["plan", path, "--format", "json", "--timeout", "1500ms"]) == 0
    checks = json.loads(capsys.readouterr().out)
    assert [check["id"] for check in checks][:2] == ["local/web1/https/443", "local/web1/tcp/23/telnet"]
    assert checks[0]["settings"] == {"path": "/health", "status": [200]}
    assert checks[0]["timeout_s"] == 1.5
    assert checks[0]["origins"]["timeout"] == {"level": "--timeout", "line": None}
    assert checks[0]["groups"] == ["dmz", "web"]
    assert checks[1]["expect"] == "blocked"
    assert checks[-1]["stopped"] == {
        "cause": "probe.unsupported",
        "why": "profile `linux`: not available yet",
    }


def test_plan_selects_nothing(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A selection that matches nothing is status 2."""
    assert main(["plan", path, "--only", "tag:none"]) == 2
    assert capsys.readouterr().err == ("netcheck: --only `tag:none` selects nothing; nothing was checked\n")


def test_init(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The starter validates as it stands, names its schema, and is not overwritten."""
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    text = Path("inventory.yml").read_text()
    assert text.startswith("# yaml-language-server: $schema=netcheck.schema.json\n")
    assert json.loads(Path("netcheck.schema.json").read_text())["title"] == "netcheck inventory"
    assert sorted(os.listdir()) == ["inventory.yml", "netcheck.schema.json"]
    assert main(["validate", "inventory.yml"]) == 0
    assert capsys.readouterr().out.endswith("inventory.yml: 17 checks of 15 targets, valid\n")
    Path("inventory.yml").write_text("mine")
    assert main(["init"]) == 2
    assert capsys.readouterr().err == ("netcheck init: inventory.yml is there already; name another file\n")
    assert Path("inventory.yml").read_text() == "mine"
    assert main(["init", "second.yml"]) == 0


def test_init_to_stdout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`-` is stdout: the inventory alone is printed, and no file is made."""
    monkeypatch.chdir(tmp_path)
    assert main(["init", "-"]) == 0
    assert "\nnetcheck: 1 " in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_init_leaves_others_alone(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A schema file that is not netcheck's is not overwritten, and then nothing is written."""
    Path("netcheck.schema.json").write_text("{}")
    assert main(["init", "new.yml"]) == 2
    assert "netcheck.schema.json is there already" in capsys.readouterr().err
    assert sorted(os.listdir()) == ["inventory.yml", "netcheck.schema.json"]


def test_init_without_a_folder(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that is not there is said to be so."""
    assert main(["init", "nowhere/new.yml"]) == 2
    assert capsys.readouterr().err == (
        "netcheck init: nowhere/new.yml can't be written: No such file or directory\n"
    )
