"""Who may import whom, read from the source: probes know nothing of netcheck, renderers nothing of probes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent
PROBES = sorted((CHECKOUT / "probes").rglob("*.py"))
RENDERERS = sorted((CHECKOUT / "netcheck" / "render").rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it, as a full name; `from a import b` is also `a.b`."""
    package = list(path.relative_to(CHECKOUT).parent.parts)
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return names


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def test_there_is_something_to_read() -> None:
    """The rules below are not kept by looking at nothing."""
    assert len(PROBES) > 5
    assert RENDERERS


@pytest.mark.parametrize("path", PROBES, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_probes_never_import_netcheck(path: Path) -> None:
    """`probes` can be used without the application."""
    assert [name for name in imported(path) if within(name, "netcheck")] == []


@pytest.mark.parametrize("path", RENDERERS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_renderers_never_import_a_probe(path: Path) -> None:
    """A renderer sees records; of `probes` only the contract's words."""
    names = [name for name in imported(path) if within(name, "probes") and name != "probes"]
    assert [name for name in names if not within(name, "probes.contract")] == []
