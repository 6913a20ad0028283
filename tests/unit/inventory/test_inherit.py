"""Inheritance: the nearest wins, tags and checks add up, and each value keeps its origin."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netcheck.check import Check, Contact, Origin
from netcheck.inventory.model import Inventory
from netcheck.plan import plan

Load = Callable[[str], Inventory]


def checks(inventory: Inventory) -> dict[str, Check]:
    return {check.id: check for check in plan(inventory)}


def test_worked_example(inventory: Load) -> None:
    """The example in the module's docstring."""
    found = checks(
        inventory("""
        defaults: {timeout: 5s, tags: [golive]}
        groups:   {dmz: {timeout: 8s, tags: [dmz], checks: [ssh]}}
        targets:  {web: {host: web.example, groups: [dmz], checks: [tcp/80, {probe: ssh, timeout: 2s}]}}
        """)
    )
    assert {id_: check.terms.timing.timeout for id_, check in found.items()} == {
        "local/web/ssh/22": 2.0,
        "local/web/tcp/80": 8.0,
    }
    assert found["local/web/ssh/22"].terms.origins["timeout"] == Origin("check", 5)
    assert found["local/web/tcp/80"].terms.origins["timeout"] == Origin("group dmz", 4)
    assert all(check.terms.tags == ("golive", "dmz") for check in found.values())


def test_later_group_wins(inventory: Load) -> None:
    """Groups count in the order in which a target lists them."""
    text = """
    groups: {slow: {timeout: 20s}, fast: {timeout: 1s}}
    targets:
      a: {host: a.example, groups: [slow, fast], checks: [ssh]}
      b: {host: b.example, groups: [fast, slow], checks: [ssh]}
    """
    assert [check.terms.timing.timeout for check in plan(inventory(text))] == [1.0, 20.0]
    assert [check.terms.timing.deadline for check in plan(inventory(text))] == [4.0, 80.0]


def test_built_in_values(inventory: Load) -> None:
    """What nobody says: 5 s, one retry, reachable, and no origin in the file."""
    (check,) = plan(inventory("targets: {a: {host: a.example, checks: [ssh]}}"))
    terms = check.terms
    assert (terms.timing.timeout, terms.timing.deadline, terms.retries) == (5.0, 20.0, 1)
    assert (terms.expect, terms.flow, terms.every_address) == ("reachable", "vault-to-target", False)
    assert terms.origins == {}


def test_options_at_any_level(inventory: Load) -> None:
    """An option above the checks reaches the checks whose probe has it, and only those."""
    found = checks(
        inventory("""
        defaults: {verify: chain}
        targets:
          a: {host: a.example, checks: [tcp/443, tls/443, {probe: https, verify: none}]}
        """)
    )
    assert found["local/a/tls/443"].terms.settings.verify == "chain"
    assert found["local/a/https/443"].terms.settings.verify == "none"
    assert found["local/a/tls/443"].terms.origins["verify"] == Origin("defaults", 3)
    assert "verify" not in found["local/a/tcp/443"].terms.origins


def test_replaced_whole(inventory: Load) -> None:
    """`owner` and `accept` of a nearer level replace those of a further one, all of them."""
    (check,) = plan(
        inventory("""
        groups:
          g:
            owner: {name: Unix team, email: unix@acme.example}
            accept: [{until: 2030-01-01, reason: one, by: me}, {until: 2030-01-02, reason: two, by: me}]
        targets:
          a:
            host: a.example
            groups: [g]
            checks: [ssh]
            owner: {name: Somebody}
            accept: [{until: 2030-01-03, reason: three, by: me}]
        """)
    )
    assert check.terms.owner == Contact("Somebody")
    assert [accept.reason for accept in check.terms.accept] == ["three"]


def test_hosts_are_in_a_group_of_their_entry(inventory: Load) -> None:
    """The entry's name is a label, and a group where `groups` defines it."""
    text = """
    groups: {web: {timeout: 9s}}
    targets:
      web: {hosts: "web[1-2]", checks: [ssh]}
      app: {hosts: "app[1-2]", checks: [ssh]}
    """
    found = [
        (check.target, check.terms.groups, check.terms.timing.timeout) for check in plan(inventory(text))
    ]
    assert found == [
        ("web1", ("web",), 9.0),
        ("web2", ("web",), 9.0),
        ("app1", ("app",), 5.0),
        ("app2", ("app",), 5.0),
    ]


def test_same_check_from_two_vantages(inventory: Load) -> None:
    """Another vantage makes another id: both checks stay."""
    found = checks(
        inventory("""
        vantages: {hq: {ssh: u@hq.example}}
        targets:
          a:
            host: a.example
            checks: [{probe: ssh, from: [local]}, {probe: ssh, from: [hq], expect: blocked}]
        """)
    )
    assert {id_: check.terms.expect for id_, check in found.items()} == {
        "local/a/ssh/22": "reachable",
        "hq/a/ssh/22": "blocked",
    }


@pytest.mark.parametrize(
    ("flow", "every"), [("connector-to-saas", True), ("user-to-saas", False), ("vault-to-target", False)]
)
def test_every_address(inventory: Load, flow: str, every: bool) -> None:
    """Every address must work by default where the connector reaches the service."""
    (check,) = plan(inventory(f"targets: {{a: {{host: a.example, flow: {flow}, checks: [https]}}}}"))
    assert check.terms.every_address is every


def test_anchors_are_shared(inventory: Load) -> None:
    """An alias means what its anchor means, each time."""
    found = checks(
        inventory("""
        targets:
          a: {host: a.example, checks: &usual [ssh, tcp/80]}
          b: {host: b.example, checks: *usual}
        """)
    )
    assert list(found) == ["local/a/ssh/22", "local/a/tcp/80", "local/b/ssh/22", "local/b/tcp/80"]
