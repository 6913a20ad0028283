"""One check in the words of its writer: `ssh`, `ssh/2222`, `https://h:8443/x`; also a URL on its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from netcheck import registry
from netcheck.inventory.hosts import read_host
from netcheck.inventory.problems import nearest, secret_in_url
from probes.contract import NOTHING, Probe
from probes.settings import PORT, BadValue, shown

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class Wanted(NamedTuple):
    """A probe on a port. `host` and `settings` only where a URL gives them."""

    probe: Probe
    port: int | None
    host: str | None = None
    settings: Mapping[str, Any] = NOTHING


def read_service(text: str) -> Wanted:
    """`PROBE`, `PROBE/PORT` or a URL. Raises BadValue."""
    if SCHEME.match(text):
        return read_url(text)
    name, slash, port = text.partition("/")
    if not name:
        raise BadValue(f"{shown(text)} is not a check (for example `ssh`, `tcp/5432`, `https://h:8443/x`)")
    probe = find_probe(name, _meant(text))
    return Wanted(probe, with_port(probe, read_port(port) if slash else None))


def read_url(text: str) -> Wanted:
    """`SCHEME://HOST[:PORT][/PATH]`, the scheme a probe's name; `host` is set. Raises BadValue."""
    scheme = SCHEME.match(text)
    if scheme is None:
        raise BadValue(f"{shown(text)} is not a URL (for example `ssh://10.0.0.5`, `tcp://db1:5432`)")
    probe = find_probe(scheme[1].lower())
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        raise BadValue(f"{shown(text)} is not a URL: the host can't be read") from None
    if "@" in parts.netloc:
        raise BadValue("a URL may not hold a user or password; an inventory has `credentials` for that")
    if leak := secret_in_url(text):
        raise BadValue(leak)
    if not host:
        raise BadValue(f"{shown(text)} is not a URL: it names no host")
    port = re.sub(r"^(\[[^\]]*\]|[^:]*)", "", parts.netloc).removeprefix(":")
    asked = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return Wanted(
        probe, with_port(probe, read_port(port) if port else None), read_host(host), _settings(probe, asked)
    )


def _settings(probe: Probe, asked: str) -> Mapping[str, Any]:
    """What the URL's path and query ask of the probe."""
    if asked in ("", "/"):
        return NOTHING
    if probe.from_url is None:
        raise BadValue(f"{probe.name} takes no path: {shown(asked)}")
    return probe.from_url(asked)


def _meant(text: str) -> str:
    """`tcp:443` and `443/tcp` are how other tools write it."""
    found = re.fullmatch(r"([a-z]+):(\d+)|(\d+)(?:/([a-z]+))?", text)
    return f"; write `{found[1] or found[4] or 'tcp'}/{found[2] or found[3]}`" if found else ""


def find_probe(name: str, hint: str = "") -> Probe:
    """The probe of that name. Raises BadValue, which has the hint or else the nearest name."""
    if name not in registry.names():
        known = nearest(name, registry.names()) or f"; there are {', '.join(registry.names())}"
        raise BadValue(f"unknown probe {shown(name)}{hint or known}")
    try:
        return registry.get(name)
    except registry.BrokenProbe as error:
        raise BadValue(str(error)) from None


def read_port(text: str) -> int:
    """A port as text. Raises BadValue."""
    return PORT.read(int(text) if re.fullmatch(r"[0-9]{1,9}", text) else text)


def with_port(probe: Probe, port: int | None) -> int | None:
    """The port to use: the given one or the probe's own. Raises BadValue where it can't be."""
    if not probe.has_port:
        if port is not None:
            raise BadValue(f"{probe.name} has no port; write `{probe.name}`")
        return None
    if port is None and probe.default_port is None:
        raise BadValue(f"{probe.name} needs a port (for example `{probe.name}/443`)")
    return port or probe.default_port
