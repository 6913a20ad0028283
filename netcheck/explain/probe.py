"""Probes explained: the ladder, the port, every option with its kind and default."""

from __future__ import annotations

from typing import Any

from netcheck import registry
from netcheck.explain.layout import columns, section, wrapped
from netcheck.inventory.keys import COMMON
from probes import settings
from probes.contract import Layer, Probe
from probes.settings import Kind, Option, options_of


def listing() -> str:
    """Every probe with its sentence; one that can't be loaded says why."""
    return section("Probes", columns((name, _summary(name)) for name in registry.names()))


def _summary(name: str) -> str:
    try:
        return registry.get(name).summary
    except registry.BrokenProbe as error:
        return str(error)


def page(name: str) -> str:
    """All about one probe, for a terminal."""
    try:
        found = registry.get(name)
    except registry.BrokenProbe as error:
        return wrapped(str(error))
    facts = [("ladder", ladder(found)), ("port", port(found))]
    return "\n\n".join(
        (
            section(f"{name}: {found.summary}", columns(facts)),
            section("Its options", columns(options(found)) or "  none"),
            section("Options of every probe", columns(common())),
            section("In an inventory", f"  checks: [{example(found)}]"),
            section("Without one", f"  netcheck check {url(found)}"),
        )
    )


def ladder(probe: Probe) -> str:
    """Its steps, lowest first. A name is resolved before the first of them."""
    first = () if Layer.RESOLVE in probe.layers else (Layer.RESOLVE,)
    return " → ".join((*first, *probe.layers))


def port(probe: Probe) -> str:
    """Which port it takes, in words."""
    if not probe.has_port:
        return "none"
    return f"{probe.default_port} unless said otherwise" if probe.default_port else "must be given"


def options(probe: Probe) -> list[tuple[str, str]]:
    """Its own options, each with its sentence, kind and default."""
    return [(option.name, _sentence(option)) for option in options_of(probe.settings).values()]


def common() -> list[tuple[str, str]]:
    """The options that every check may have."""
    return [(name, key.doc) for name, key in COMMON.items()]


def _sentence(option: Option) -> str:
    default = f"default {_shown(option)}" if option.default not in (None, ()) else ""
    details = "; ".join(filter(None, (kind_words(option.kind), default)))
    return f"{option.doc} ({details})" if details else option.doc


def _shown(option: Option) -> str:
    if isinstance(option.kind, settings.Duration):
        return duration(option.default)
    return shown(option.default)


def shown(value: Any) -> str:
    """A default as YAML would have it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (tuple, list)):
        return ", ".join(shown(part) for part in value)
    return str(value)


def duration(seconds: float) -> str:
    """Seconds in the largest unit that holds them without a rest.

    >>> duration(2592000.0), duration(90.0), duration(0.5)
    ('30d', '90s', '500ms')
    """
    for unit, size in sorted(settings.UNITS.items(), key=lambda entry: -entry[1]):
        if seconds >= size and (seconds / size).is_integer():
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:g}s"


def kind_words(kind: Kind) -> str:
    """What a value of this kind is, in a few words; nothing where the kind is a probe's own."""
    match kind:
        case settings.Choice(words=words):
            return " or ".join(words)
        case settings.Listing(item=item):
            each = kind_words(item)
            return f"one or a list: {each}" if each else "one or a list"
        case settings.Text(what=what) | settings.Whole(what=what):
            return what
        case _:
            return WORDS.get(type(kind), "")


WORDS: dict[type, str] = {
    settings.Duration: "a duration",
    settings.File: "a file's path",
    settings.Flag: "true or false",
    settings.Network: "an address or network",
    settings.Server: "ADDRESS or ADDRESS:PORT",
    settings.TextMap: "names with a text each",
}


def example(probe: Probe) -> str:
    """Checks as an inventory has them."""
    if not probe.has_port:
        return probe.name
    if not probe.default_port:
        return f"{probe.name}/8443"
    return f"{probe.name}, {probe.name}/{probe.default_port + 2000}"


def url(probe: Probe) -> str:
    """The check as a URL."""
    port = "" if probe.default_port or not probe.has_port else ":8443"
    return f"{probe.name}://db01{port}"
