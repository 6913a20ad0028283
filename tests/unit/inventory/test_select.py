"""`--only`: a comma is and, `!` is not, several selectors are or."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netcheck.errors import UsageError
from netcheck.inventory.model import Inventory
from netcheck.plan import plan

TEXT = """
groups:
  dmz: {tags: [edge], owner: {name: Net team}}
targets:
  web: {hosts: "web[1-2]", groups: [dmz], checks: [ssh, https]}
  db: {host: db.example, tags: [db], checks: [ssh, tcp/5432], flow: vault-to-service}
  v6: {hosts: "2001:db8::1/128", checks: [tcp/22]}
"""


@pytest.mark.parametrize(
    ("only", "targets"),
    [
        (["db"], ["db", "db"]),
        (["web*,probe:ssh"], ["web1", "web2"]),
        (["web?,probe:https", "tag:db,probe:tcp"], ["web1", "web2", "db"]),
        (["group:dmz,!web1,probe:ssh"], ["web2"]),
        (["group:web,!probe:ssh"], ["web1", "web2"]),
        (["!web*,!db"], ["2001:db8::1"]),
        (["2001:db8::1"], ["2001:db8::1"]),
        (["tag:edge,name:x", "db,probe:ssh"], None),
        (["owner:Net*,probe:ssh"], ["web1", "web2"]),
        (["!owner:*"], ["db", "db", "2001:db8::1"]),
        (["flow:vault-to-service"], ["db", "db"]),
        (["vantage:local,web1"], ["web1", "web1"]),
        ([" db , probe:ssh "], ["db"]),
        (["web[12],probe:ssh"], ["web1", "web2"]),
    ],
)
def test_selection(inventory: Callable[[str], Inventory], only: list[str], targets: list[str] | None) -> None:
    """The targets of the chosen checks, in the inventory's order."""
    if targets is None:
        with pytest.raises(UsageError):
            plan(inventory(TEXT), only=only)
        return
    chosen = plan(inventory(TEXT), only=only)
    assert [check.target for check in chosen] == targets
    assert len(chosen) == len(targets)


@pytest.mark.parametrize(
    ("only", "message"),
    [
        (["nothing"], "netcheck: --only `nothing` selects nothing; nothing was checked"),
        (["x", "y"], "netcheck: --only `x` or `y` selects nothing; nothing was checked"),
        (["dbb"], "netcheck: --only `dbb` selects nothing; did you mean `db`?"),
        (["web"], "netcheck: --only `web` selects nothing; did you mean `group:web`?"),
        (["grup:dmz"], "netcheck: --only `grup:dmz`: unknown selector `grup:`; did you mean `group`?"),
        (
            ["xyzzy:dmz"],
            "netcheck: --only `xyzzy:dmz`: unknown selector `xyzzy:`; "
            "there are group, tag, probe, flow, vantage, owner",
        ),
        (["group:"], "netcheck: --only `group:`: a part of the selector is empty"),
        (["db,"], "netcheck: --only `db,`: a part of the selector is empty"),
    ],
)
def test_refused(inventory: Callable[[str], Inventory], only: list[str], message: str) -> None:
    """What selects nothing, or is no selector, is a usage error before anything is sent."""
    with pytest.raises(UsageError) as caught:
        plan(inventory(TEXT), only=only)
    assert str(caught.value) == message
