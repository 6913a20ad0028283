"""Probes explained: the ladder, the port, every option with its kind and default."""

from __future__ import annotations

from typing import Any

from netcheck import registry
from netcheck.explain.layout import columns, section, wrapped
from probes import settings
from probes.contract import Probe
from probes.settings import Kind, Option, options_of

# Options that every check has, whatever its probe; the inventory reads them.
COMMON = "`timeout`, `retries`, `expect`, `from`, `flow`, `credential`, `every_address`, `samples`, `tags`"


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
    steps = " → ".join(layer.value for layer in found.layers)
    facts = [("ladder", steps), ("port", _port(found))]
    return "\n\n".join(
        (
            section(f"{name}: {found.summary}", columns(facts)),
            section("Options", _options(found)),
            section("In an inventory", f"  checks: [{_example(found)}]"),
            section("Without one", f"  netcheck check {_url(found)}"),
        )
    )


def _port(probe: Probe) -> str:
    if not probe.has_port:
        return "none"
    return f"{probe.default_port} unless said otherwise" if probe.default_port else "must be given"


def _options(probe: Probe) -> str:
    rows = [(option.name, _sentence(option)) for option in options_of(probe.settings).values()]
    return columns([*rows, ("any probe's", COMMON)])


def _sentence(option: Option) -> str:
    default = "" if option.default is None else f"; default {_shown(option)}"
    return f"{option.doc} ({kind_words(option.kind)}{default})"


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
    """What a value of this kind is, in a few words."""
    match kind:
        case settings.Choice(words=words):
            return " or ".join(words)
        case settings.Listing(item=item):
            return f"one or a list: {kind_words(item)}"
        case settings.Text(what=what) | settings.Whole(what=what):
            return what
        case _:
            return WORDS.get(type(kind), "a value")


WORDS: dict[type, str] = {
    settings.Duration: "a duration",
    settings.File: "a file's path",
    settings.Flag: "true or false",
    settings.Network: "an address or network",
    settings.Server: "ADDRESS or ADDRESS:PORT",
    settings.TextMap: "names with a text each",
}


def _example(probe: Probe) -> str:
    if not probe.has_port:
        return probe.name
    if not probe.default_port:
        return f"{probe.name}/5432"
    return f"{probe.name}, {probe.name}/{probe.default_port + 2000}"


def _url(probe: Probe) -> str:
    port = "" if probe.default_port or not probe.has_port else ":5432"
    return f"{probe.name}://db01{port}"
