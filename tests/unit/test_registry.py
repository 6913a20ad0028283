"""Probes by entry point: built-in ones by the same door as strangers', a broken one failing alone."""

import sys
import types
from collections.abc import Iterator
from importlib.metadata import EntryPoint

import pytest

from netcheck import registry
from probes.contract import Probe

BUILT_IN = {"dns", "tcp", "tls", "http", "https", "ssh"}


@pytest.fixture
def strangers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Three third-party entry points beside tcp: a good one, one that is not there, one that is none."""
    module = types.ModuleType("stranger")
    real = registry.get("tcp")
    module.PROBE = Probe("knock", "knocks", real.settings, real.layers, real.run)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "stranger", module)
    values = {"tcp": "probes.tcp:PROBE", "knock": "stranger:PROBE", "gone": "nowhere:P", "odd": "math:pi"}
    points = {name: EntryPoint(name, value, registry.GROUP) for name, value in values.items()}
    registry.get.cache_clear()
    monkeypatch.setattr(registry, "_registered", lambda: points)
    yield
    registry.get.cache_clear()


def test_the_built_in_probes_are_entry_points() -> None:
    """The core names no probe: they are found in the package's metadata."""
    assert set(registry.names()) >= BUILT_IN
    assert {registry.get(name).name for name in BUILT_IN} == BUILT_IN


@pytest.mark.usefixtures("strangers")
def test_a_strangers_probe_is_as_good_as_ours() -> None:
    """It is listed and loaded by its name."""
    assert registry.names() == ("gone", "knock", "odd", "tcp")
    assert registry.get("knock").summary == "knocks"


@pytest.mark.usefixtures("strangers")
@pytest.mark.parametrize(("name", "words"), [("gone", "can't be loaded"), ("odd", "is not a probes")])
def test_a_broken_probe_fails_alone(name: str, words: str) -> None:
    """Its name and what is wrong are said; the others still load."""
    with pytest.raises(registry.BrokenProbe, match=f"`{name}`.*{words}"):
        registry.get(name)
    assert registry.get("tcp").name == "tcp"


def test_an_unknown_name_is_a_key_error() -> None:
    """The caller knows the nearest word."""
    with pytest.raises(KeyError):
        registry.get("shh")
