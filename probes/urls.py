"""URLs as an HTTP request needs them: authority, origin, comparable hosts, what may travel."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, quote, urljoin, urlsplit

PORTS = {"http": 80, "https": 443}


def ascii_name(host: str) -> str:
    """The host as the wire has it (RFC 5890 A-labels).

    >>> ascii_name("bücher.example"), ascii_name("fe80::1")
    ('xn--bcher-kva.example', 'fe80::1')
    """
    return host if host.isascii() else host.encode("idna").decode("ascii")


def asked_name(settings: Any, host: str) -> str:
    """The name that is asked for in TLS: by which a device chooses what it decrypts.

    `settings` as a probe has them, or a record of them; one without TLS has no such option.

    >>> asked_name({}, "vault.example"), asked_name({"server_name": "acme.example"}, "10.0.0.5")
    ('vault.example', 'acme.example')
    """
    record = isinstance(settings, Mapping)
    named = settings.get("server_name") if record else getattr(settings, "server_name", None)
    try:
        return ascii_name(named or host)
    except UnicodeError:  # of a record that somebody else wrote
        return str(named or host)


def url(scheme: str, host: str, port: int, path: str) -> SplitResult:
    """The URL of a path on a service.

    >>> url("https", "2001:db8::1", 8443, "/a b").geturl()
    'https://[2001:db8::1]:8443/a%20b'
    """
    return urlsplit(f"{scheme}://{authority(host, port, scheme)}{_travelling(path)}")


def follow(base: SplitResult, location: str) -> SplitResult:
    """Where a Location leads (RFC 9110 10.2.2), without user and fragment. Raises ValueError for no URL."""
    onward = urlsplit(urljoin(base.geturl(), location.strip()))
    if onward.scheme not in PORTS or not onward.hostname:
        return onward
    netloc = authority(ascii_name(onward.hostname), port_of(onward), onward.scheme)
    path, query = _travelling(onward.path or "/"), _travelling(onward.query)
    return onward._replace(netloc=netloc, path=path, query=query, fragment="")


def authority(host: str, port: int, scheme: str) -> str:
    """The Host header (RFC 9110 7.2): IPv6 in brackets without its zone, a port other than the scheme's."""
    name = f"[{host.partition('%')[0]}]" if ":" in host else host
    return name if port == PORTS[scheme] else f"{name}:{port}"


def port_of(parts: SplitResult) -> int:
    """The port, or the scheme's own. Raises ValueError for a number that is none."""
    return PORTS[parts.scheme] if parts.port is None else parts.port


def origin(parts: SplitResult) -> tuple[str, int]:
    """What a connection on one address is for."""
    return parts.scheme, port_of(parts)


def host_of(found: str | None) -> str | None:
    """The host of a URL, comparable; None where there is none, or it is no URL.

    >>> host_of("http://Login.Example:8080/start"), host_of("/start")
    ('login.example', None)
    """
    try:
        host = urlsplit(found).hostname if found else None
        return normal(host) if host else None
    except ValueError:
        return None


def normal(host: str) -> str:
    """A host name or address in the form in which two can be compared.

    >>> normal("Web.Example."), normal("2001:DB8::0:1")
    ('web.example', '2001:db8::1')
    """
    bare = host.partition("%")[0]
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return ascii_name(bare).rstrip(".").lower()


def _travelling(path: str) -> str:
    """Path and query with what a request line does not take percent-encoded, and nothing encoded twice."""
    return quote(path, safe="/?:@!$&'()*+,;=%~-._[]|")
