"""From where a flow is checked, and when the place may not speak for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netcheck.inventory.model import Inventory
from netcheck.plan import plan

Load = Callable[[str], Inventory]


def origins(inventory: Inventory) -> list[tuple[str, str, str | None]]:
    """(vantage, origin, cause of being stopped) of each check."""
    return [
        (check.terms.vantage, check.terms.origin, check.terms.stopped[0] if check.terms.stopped else None)
        for check in plan(inventory)
    ]


TARGET = "targets: {a: {host: a.example, checks: [ssh]}}\n"


@pytest.mark.parametrize(
    ("vantages", "expected"),
    [
        ("", ("local", "assumed", None)),
        ("vantages: {local: {stands_for: [vault-to-target]}}", ("local", "declared", None)),
        (
            "vantages: {local: {stands_for: [user-to-saas]}}",
            ("local", "assumed", "vantage.not_the_origin"),
        ),
        (
            "vantages: {dc: {ssh: u@dc, stands_for: [vault-to-target]}}",
            ("dc", "declared", "probe.unsupported"),
        ),
        ("vantages: {dc: {ssh: u@dc, stands_for: [user-to-saas]}}", ("local", "assumed", None)),
        ("vantages: {local: }", ("local", "assumed", None)),
    ],
)
def test_without_from(inventory: Load, vantages: str, expected: tuple[str, str, str | None]) -> None:
    """Every vantage that stands for the flow; if none does, `local`."""
    assert origins(inventory(f"{vantages}\n{TARGET}")) == [expected]


def test_all_that_stand_for_it(inventory: Load) -> None:
    """Two vantages that stand for the flow make two checks."""
    text = """
vantages:
  local: {stands_for: [vault-to-target]}
  dc: {cluster: "tls://s:1", stands_for: vault-to-target}
"""
    assert origins(inventory(text + TARGET)) == [
        ("local", "declared", None),
        ("dc", "declared", "probe.unsupported"),
    ]


def test_from(inventory: Load) -> None:
    """A named vantage is declared; one that stands for other flows can't speak for this one."""
    text = """
    vantages: {dc: {ssh: u@dc, stands_for: [user-to-saas]}}
    targets:
      a: {host: a.example, from: local, checks: [ssh]}
      b: {host: b.example, from: [dc, dc], checks: [ssh]}
    """
    assert origins(inventory(text)) == [
        ("local", "declared", None),
        ("dc", "declared", "vantage.not_the_origin"),
    ]


def test_what_it_says(inventory: Load) -> None:
    """The reason names the vantage and what is in the way."""
    text = "vantages: {dc: {ssh: u@dc}, hq: {ssh: u@hq, stands_for: [user-to-saas]}}\n"
    target = "targets: {a: {host: a.example, from: [dc, hq], checks: [ssh]}}"
    assert [check.terms.stopped for check in plan(inventory(text + target))] == [
        ("probe.unsupported", "vantage `dc` is reached by ssh: not available yet"),
        ("vantage.not_the_origin", "vantage `hq` stands for user-to-saas, not for vault-to-target"),
    ]


def test_a_vantages_proxy(inventory: Load) -> None:
    """It is the checks' that can go through one; a group, target or check that says otherwise is nearer."""
    text = """
vantages: {local: {proxy: "http://proxy.acme.example:3128"}}
defaults: {proxy: env}
groups: {inside: {proxy: none}}
targets:
  saas: {host: acme.vault.example, checks: [https, ssh, {probe: wss, proxy: "socks5://10.0.0.9"}]}
  web:  {host: web.acme.example, groups: [inside], checks: [https]}
"""
    found = {check.id: check.terms for check in plan(inventory(text))}
    proxies = {name: getattr(terms.settings, "proxy", "no proxy") for name, terms in found.items()}
    assert proxies == {
        "local/saas/https/443": "http://proxy.acme.example:3128",
        "local/saas/ssh/22": "no proxy",
        "local/saas/wss/443": "socks5://10.0.0.9",
        "local/web/https/443": "none",
    }
    assert found["local/saas/https/443"].origins["proxy"] == ("vantage local", 3)
    assert found["local/web/https/443"].origins["proxy"] == ("group inside", 5)


def test_a_ca_of_the_companys_declares_no_vendors(inventory: Load) -> None:
    """In `defaults` it is for targets; nearer to the service it is the service's own."""
    text = """
defaults: {ca_file: /dev/null}
groups: {private: {ca_file: /dev/null}}
targets:
  saas: {host: a.vault.example, flow: user-to-saas, checks: [https]}
  own:  {host: b.vault.example, flow: user-to-saas, groups: [private], checks: [https]}
  wiki: {host: wiki.acme.example, checks: [https]}
"""
    found = {check.target: check.terms.settings.public for check in plan(inventory(text))}
    assert found == {"saas": True, "own": False, "wiki": False}
