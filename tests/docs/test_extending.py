"""The Python code in docs/extending.md works as it stands."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
PROBE, TEST, ALONE, API = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """The probe's module, as if it were installed (a dataclass looks its module up by name)."""
    made = types.ModuleType("netcheck_redis")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    exec(compile(PROBE, "netcheck_redis.py", "exec"), made.__dict__)
    return made


def test_the_probe_and_its_test(module: types.ModuleType) -> None:
    """The assertions that the page shows hold, and the probe explains itself."""
    from netcheck.explain import probe

    exec(compile(TEST, "test_netcheck_redis.py", "exec"), {})
    assert probe.options(module.PROBE) == [
        ("protected", "it must ask for a password (true or false; default false)")
    ]


def test_a_probe_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """A look from Python, without an inventory."""
    exec(compile(ALONE, "alone.py", "exec"), {})
    assert capsys.readouterr().out == "tcp.refused\n"


def test_the_api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A run from Python, with a selection."""
    (tmp_path / "inventory.yml").write_text(
        "netcheck: 1\n"
        "groups: {dmz: {checks: [tcp/9]}}\n"
        "targets:\n"
        "  web01: {host: 127.0.0.1, groups: [dmz]}\n"
        "  web02: {host: 127.0.0.1, checks: [tcp/9]}\n"
    )
    monkeypatch.chdir(tmp_path)
    exec(compile(API, "api.py", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:3] for line in lines] == [["local/web01/tcp/9", "fail", "tcp.refused"]]
