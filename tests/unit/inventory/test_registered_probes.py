"""Probes of third parties: their options are read and completed like ours; a broken one fails alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from netcheck import registry
from netcheck.inventory import keys
from netcheck.inventory.form import schema
from netcheck.inventory.model import Inventory
from netcheck.inventory.problems import InventoryError
from netcheck.plan import plan
from probes import tcp
from probes.contract import Layer, Probe
from probes.settings import BadValue, Whole, option


@dataclass(frozen=True, slots=True)
class Settings:
    """A stranger's options, with a rule between two of them."""

    least: int = option(Whole(1, 9), 1, "the fewest answers")
    most: int = option(Whole(1, 9), 9, "the most answers")

    def __post_init__(self) -> None:
        if self.least > self.most:
            raise BadValue("`least` is greater than `most`")


ACME = Probe("acme", "a stranger's protocol", Settings, (Layer.CONNECT,), tcp.run, default_port=4711)


@pytest.fixture(autouse=True)
def strangers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two more probes: `acme` works, `broken` can't be loaded."""
    names, get = registry.names, registry.get

    def found(name: str) -> Probe:
        if name == "broken":
            raise registry.BrokenProbe("probe `broken` (acme.broken:PROBE) can't be loaded: ImportError()")
        return ACME if name == "acme" else get(name)

    monkeypatch.setattr(registry, "names", lambda: (*names(), "acme", "broken"))
    monkeypatch.setattr(registry, "get", found)
    caches = (keys.probes, keys.all_options, keys.options)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


def test_options(inventory: Callable[[str], Inventory]) -> None:
    """Options of a stranger's probe may stand at any level."""
    made = inventory("targets: {a: {host: a, most: 7, checks: [{probe: acme, least: 2}, ssh]}}")
    first, second = plan(made)
    assert (first.id, first.terms.settings) == ("local/a/acme/4711", Settings(2, 7))
    assert second.terms.probe == "ssh"


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ("{probe: acme, least: 12}", "`12` is not a whole number: 1 to 9"),
        ("{probe: acme, least: 5, most: 2}", "`least` is greater than `most`"),
        ("{probe: acme, lest: 5}", "a check by acme has no key `lest`; did you mean `least`?"),
        ("acne", "unknown probe `acne`; did you mean `acme`?"),
        ("broken", "probe `broken` (acme.broken:PROBE) can't be loaded: ImportError()"),
    ],
)
def test_refused(inventory: Callable[[str], Inventory], check: str, message: str) -> None:
    """Its mistakes are reported like ours."""
    with pytest.raises(InventoryError) as caught:
        inventory(f"targets: {{a: {{host: a, checks: [{check}]}}}}")
    assert [problem.message for problem in caught.value.problems] == [message]


def test_schema() -> None:
    """It is in the schema; the broken one is left out, and breaks nothing."""
    text, _port, mapping = schema()["$defs"]["check"]["anyOf"]
    assert "acme" in text["examples"]
    assert "broken" not in text["examples"]
    assert "the fewest answers" in mapping["properties"]["least"]["description"]
