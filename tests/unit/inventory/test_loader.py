"""What an inventory becomes: credentials as references, vantages, paths, the file's digest."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from netcheck.check import Accept, Contact
from netcheck.inventory import load
from netcheck.inventory.model import CredentialRef, Inventory, SecretRef, Vantage
from netcheck.inventory.problems import InventoryError
from netcheck.inventory.values import MEANING
from netcheck.plan import plan

Load = Callable[[str], Inventory]
EXAMPLES = sorted((Path(__file__).parents[3] / "inventories").glob("*.yml"))
TARGET = "targets: {a: {host: a.example, checks: [ssh]}}\n"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples(path: Path) -> None:
    """Every example in inventories/ validates and plans to checks with ids of their own."""
    checks = list(plan(load(path)))
    assert len({check.id for check in checks}) == len(checks) > 0


def test_there_are_examples() -> None:
    """The folder was found."""
    assert {path.stem for path in EXAMPLES} >= {"contract", "go-live", "blocked", "users"}


def test_contract_example() -> None:
    """The contract's example: its head, and what is planned of it."""
    inventory = load(next(path for path in EXAMPLES if path.stem == "contract"))
    assert (inventory.name, inventory.customer) == ("ACME go-live", "ACME")
    assert inventory.contacts == (Contact("Network team", "netops@acme.example", "focal point"),)
    assert inventory.networks == {"customer": ("10.0.0.0/8",), "vendor": ("203.0.113.0/24",)}
    assert inventory.vantages["dc-connector"] == Vantage(
        "dc-connector", ("vault-to-target", "connector-to-saas"), ssh="netcheck@10.1.0.9"
    )
    assert inventory.vantages["hq-users"].site == "hq"
    made = {check.id: check for check in plan(inventory)}
    assert sum(check.terms.probe == "profile" for check in made.values()) == 13
    assert "dc-connector/10.20.0.14/ssh/22" in made
    assert "dc-connector/10.20.0.15/ssh/22" not in made
    db = made["dc-connector/db01/tcp/5432"]
    assert db.terms.accept == (
        Accept(datetime.date(2026, 12, 31), "opened in CHG-4711", "network team", "tcp.filtered", "tcp/5432"),
    )
    assert made["local/saas/https/443/health"].terms.settings.path == "/health"
    assert made["hq-users/direct-rdp/tcp/3389"].terms.expect == "blocked"


def test_secrets_are_references(inventory: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way to a secret; files are absolute, seen from the inventory's folder."""
    monkeypatch.setenv("HOME", "/home/me")
    made = inventory(
        TARGET
        + """
credentials:
  a: {username: u, password: {env: SECRET}}
  b: {username: u, password: {file: secrets/pw}}
  c: {username: u, private_key: {file: ~/.ssh/id}, passphrase: {keyring: netcheck/edge}}
  d: {username: u, password: {command: "pass show 'the device'"}}
  e: {username: u, password: {command: [pass, show, x]}}
  f: {username: u, password: {prompt: true}}
  g: {username: u, private_key: {agent: me@laptop}}
"""
    )
    assert made.credentials == {
        "a": CredentialRef("a", "u", SecretRef("env", "SECRET")),
        "b": CredentialRef("b", "u", SecretRef("file", str(tmp_path / "secrets/pw"))),
        "c": CredentialRef(
            "c",
            "u",
            private_key=SecretRef("file", "/home/me/.ssh/id"),
            passphrase=SecretRef("keyring", "netcheck/edge"),
        ),
        "d": CredentialRef("d", "u", SecretRef("command", ("pass", "show", "the device"))),
        "e": CredentialRef("e", "u", SecretRef("command", ("pass", "show", "x"))),
        "f": CredentialRef("f", "u", SecretRef("prompt", "")),
        "g": CredentialRef("g", "u", private_key=SecretRef("agent", "me@laptop")),
    }
    assert set(MEANING) == {"env", "file", "keyring", "command", "prompt", "agent"}


def test_credential_only_where_one_logs_in(inventory: Load) -> None:
    """An inherited credential reaches the probes that log in."""
    made = inventory("""
        credentials: {c: {username: u, password: {env: P}}}
        targets: {a: {host: a.example, credential: c, checks: [ssh, tcp/80]}}
        """)
    assert [check.terms.credential for check in plan(made)] == ["c", None]
    assert plan(made).credentials == ("c",)
    assert plan(made, only=["probe:tcp"]).credentials == ()


def test_file_options_are_absolute(inventory: Load, tmp_path: Path) -> None:
    """A file that an option names must be there, and is seen from the inventory's folder."""
    (tmp_path / "known").write_text("")
    made = inventory("targets: {a: {host: a.example, known_hosts: known, checks: [ssh]}}")
    (check,) = plan(made)
    assert check.terms.settings.known_hosts == str(tmp_path / "known")


def test_missing_file_is_told_once(inventory: Load) -> None:
    """A missing file of a group is one problem, however many targets inherit it."""
    with pytest.raises(InventoryError) as caught:
        inventory("""
        groups: {g: {known_hosts: nowhere}}
        targets:
          a: {host: a.example, groups: [g], checks: [ssh]}
          b: {host: b.example, groups: [g], checks: [ssh]}
        """)
    assert [problem.line for problem in caught.value.problems] == [3]


def test_digest_and_path(tmp_path: Path) -> None:
    """The digest is of the bytes, the path as given; a byte order mark does not matter."""
    content = b"\xef\xbb\xbfnetcheck: 1\r\n" + TARGET.encode()
    path = tmp_path / "i.yml"
    path.write_bytes(content)
    made = load(path)
    assert (made.path, made.sha256) == (path, hashlib.sha256(content).hexdigest())


def test_run_wide_values(inventory: Load) -> None:
    """`concurrency` and `rate` of the defaults are the run's."""
    made = inventory("defaults: {concurrency: 50, rate: 10}\n" + TARGET)
    assert (made.concurrency, made.rate) == (50, 10)
    assert inventory(TARGET).concurrency is None


def test_url_check_names_its_host(inventory: Load) -> None:
    """A URL's host, port and path are the check's; the target keeps its name."""
    (check,) = plan(inventory("targets: {a: {host: a.example, checks: ['https://h.example:8443/x']}}"))
    assert (check.id, check.host, check.terms.settings.path) == ("local/a/https/8443", "h.example", "/x")


def test_bare_port_is_tcp(inventory: Load) -> None:
    """A number alone is a TCP port."""
    (check,) = plan(inventory("targets: {a: {host: a.example, checks: [8443]}}"))
    assert check.id == "local/a/tcp/8443"


def test_ipv6_target(inventory: Load) -> None:
    """A target named by its host may be an IPv6 address."""
    (check,) = plan(inventory("targets: {net: {hosts: '2001:db8::7/128', checks: [ssh]}}"))
    assert check.id == "local/2001:db8::7/ssh/22"


def test_without_the_c_parser(inventory: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML's own parser reads the same."""
    import yaml

    monkeypatch.setattr("netcheck.inventory.tree.PARSER", yaml.SafeLoader)
    assert [check.id for check in plan(inventory(TARGET))] == ["local/a/ssh/22"]
    with pytest.raises(InventoryError, match=r"inventory\.yml:3:1: not YAML: a tab; indent with spaces"):
        inventory("targets:\n\ta: 1\n")
