"""Two entries that make one check: refused; two that only share a target: fine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netcheck.inventory.model import Inventory
from netcheck.inventory.problems import InventoryError
from netcheck.plan import plan


@pytest.mark.parametrize(
    ("first", "second", "twin"),
    [
        ('hosts: "web[01-12]"', 'hosts: "web[12-20]"', "web12"),
        ('hosts: "web[01-12]"', "hosts: [db, web05]", "web05"),
        ('hosts: "web1[0-9]"', 'hosts: "web[10-11]"', "web10"),
        ("hosts: 10.0.0.0/24", 'hosts: "10.0.0.[250-255]"', "10.0.0.250"),
        ("hosts: 10.0.0.0/24", "hosts: 10.0.0.128/25", "10.0.0.129"),
        ("hosts: 10.0.0.77", "hosts: 10.0.0.0/24", "10.0.0.77"),
        ('hosts: "2001:db8::/120"', 'hosts: "2001:DB8::00ff"', "2001:db8::ff"),
    ],
)
def test_twins(inventory: Callable[[str], Inventory], first: str, second: str, twin: str) -> None:
    """The second entry is named, with the id and the first one's line."""
    with pytest.raises(InventoryError) as caught:
        inventory(f"targets:\n  a: {{{first}, checks: [ssh]}}\n  b: {{{second}, checks: [tcp/1, ssh]}}\n")
    (problem,) = caught.value.problems
    assert problem.line == 4
    assert problem.message == (
        f"a second check `local/{twin}/ssh/22`; the first is on line 3; give one of them a `name`"
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("hosts: 10.0.0.0/24, checks: [ssh]", "hosts: 10.0.0.0/24, checks: [tcp/80]"),
        ("hosts: 10.0.0.0/25, checks: [ssh]", "hosts: 10.0.0.128/25, checks: [ssh]"),
        ('hosts: "web[01-12]", checks: [ssh]', 'hosts: "web[1-9]", checks: [ssh]'),
        ('hosts: "web[01-12]", checks: [ssh]', 'hosts: "web[13-20]", checks: [ssh]'),
        ("hosts: 10.0.0.1, checks: [ssh]", "host: 10.0.0.1, checks: [ssh]"),
        ("host: web01, checks: [ssh]", "host: web01, checks: [ssh]"),
        ('hosts: "fe80::1%eth0", checks: [ssh]', 'hosts: "fe80::1%eth1", checks: [ssh]'),
        ("hosts: web01, checks: [ssh]", "hosts: web01, checks: [{probe: ssh, name: again}]"),
    ],
)
def test_no_twins(inventory: Callable[[str], Inventory], first: str, second: str) -> None:
    """Another probe, port, name or target makes another id."""
    checks = list(plan(inventory(f"targets:\n  a: {{{first}}}\n  b: {{{second}}}\n")))
    assert len({check.id for check in checks}) == len(checks)
