"""The plan: lazy, repeatable, in the inventory's order."""

from __future__ import annotations

import itertools
import tracemalloc
from pathlib import Path

from netcheck.check import Origin
from netcheck.inventory import load
from netcheck.inventory.model import Inventory
from netcheck.plan import plan


def inventory(tmp_path: Path, text: str) -> Inventory:
    path = tmp_path / "inventory.yml"
    path.write_text("netcheck: 1\n" + text)
    return load(path)


def test_order_and_repetition(tmp_path: Path) -> None:
    """Targets in the file's order, a target's checks in theirs; iterating again gives the same."""
    made = plan(inventory(tmp_path, "targets: {n: {hosts: 10.0.0.0/30, checks: [tcp/80, ssh]}}"))
    ids = [check.id for check in made]
    assert ids == [
        "local/10.0.0.1/tcp/80",
        "local/10.0.0.1/ssh/22",
        "local/10.0.0.2/tcp/80",
        "local/10.0.0.2/ssh/22",
    ]
    assert [check.id for check in made] == ids
    assert (len(made), made.targets) == (4, 2)


def test_terms_are_shared(tmp_path: Path) -> None:
    """All hosts of an entry share one object for a check's terms."""
    made = plan(inventory(tmp_path, "targets: {n: {hosts: 10.0.0.0/24, checks: [tcp/80]}}"))
    assert len({id(check.terms) for check in made}) == 1


def test_a_million_targets_cost_nothing(tmp_path: Path) -> None:
    """The most an inventory may have is loaded, counted and begun without being written out."""
    inventory(tmp_path, "targets: {n: {host: a, checks: [tcp/80]}}")  # imports the probes
    tracemalloc.start()
    made = inventory(tmp_path, "targets: {n: {hosts: 10.0.0.0/12, checks: [tcp/80]}}")
    checks = plan(made)
    assert len(checks) == 2**20 - 2
    assert len(list(itertools.islice(checks, 10))) == 10
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_timeout_overrides(tmp_path: Path) -> None:
    """`--timeout` is the nearest of all, and says so."""
    made = inventory(tmp_path, "targets: {a: {host: a, timeout: 9s, checks: [ssh]}}")
    (check,) = plan(made, timeout=1.5)
    assert (check.terms.timing.timeout, check.terms.timing.deadline) == (1.5, 6.0)
    assert check.terms.origins["timeout"] == Origin("--timeout")
    (untouched,) = plan(made)
    assert untouched.terms.timing.timeout == 9.0


def test_no_name_to_look_up(tmp_path: Path) -> None:
    """A lookup of an address is stopped, beside a neighbour that has a name."""
    made = inventory(tmp_path, 'targets: {a: {hosts: ["db1", "10.0.0.5"], checks: [dns]}}')
    assert [check.terms.stopped for check in plan(made)] == [
        None,
        ("probe.unsupported", "10.0.0.5 is an address: there is no name to look up"),
    ]


def test_samples_and_idle(tmp_path: Path) -> None:
    """Both may stand at any level; what does not ask for them has none."""
    checks = "[{probe: ssh, idle: 5m}, {probe: tcp, port: 9, samples: 3}]"
    text = f"defaults: {{samples: 20}}\ntargets: {{a: {{host: a, checks: {checks}}}}}"
    ssh, tcp = plan(inventory(tmp_path, text))
    assert (ssh.terms.samples, ssh.terms.idle, ssh.terms.stopped) == (20, 300.0, None)
    assert (tcp.terms.samples, tcp.terms.idle) == (3, None)
    assert tcp.terms.origins["samples"].level == "check"


def test_what_is_not_there_yet(tmp_path: Path) -> None:
    """A profile is planned, and says that it is not available yet."""
    text = "targets: {a: {host: a, profile: linux}}"
    (profile,) = plan(inventory(tmp_path, text))
    assert profile.id == "local/a/profile/-/linux"
    assert profile.terms.stopped == ("probe.unsupported", "profile `linux`: not available yet")
