"""Pages that something on the way answers in the service's name: whose they are, by headers and words.

Read from `pages.toml`; a sign alone proves that a device wrote the answer, not why.
"""

from __future__ import annotations

import enum
import functools
import re
from collections.abc import Mapping
from typing import NamedTuple


class Tells(enum.Enum):
    """What a field of an answer's head proves of the product that it names."""

    WROTE = "it wrote the answer: an error of its own"
    MAY_BE_TARGET = "it wrote the answer, and may be the target itself"
    HANDLED = "it had the answer in its hands, and may have passed it on"


# The fields that tell who answered (RFC 9110 7.6.3, 10.2.4; RFC 9209; the rest are products' own), each a
# sentence of evidence. Any other field, such as a product's own `X-`, tells what `server` does.
FIELDS = {
    "server": Tells.MAY_BE_TARGET,
    "x-squid-error": Tells.WROTE,
    "via": Tells.HANDLED,
    "x-bluecoat-via": Tells.HANDLED,
    "x-cache": Tells.HANDLED,
    "proxy-agent": Tells.HANDLED,
    "proxy-status": Tells.HANDLED,
    "proxy-authenticate": Tells.HANDLED,
}
# Fields of an answer that was fetched, or comes from a cache, or wants a login that is no proxy's (RFC 9110
# 7.6.3, 10.2.4, 11.6.1; RFC 9111 5.1): a refusal without any of them may be the proxy's own.
FETCHED = frozenset({"via", "age", "x-cache", "www-authenticate", "server"})

# How such a page is headed. The words alone are anybody's, and so is a product's name in a text.
FORBIDS = re.compile(
    r"<(title|h[1-3])\b[^>]*>[^<]*(?:\bblocked\b|\bblock page|denied|violation|not (?:allowed|permitted)"
    r"|restricted|can(?:no|')t be displayed|could not be retrieved|notification: policy)",
    re.IGNORECASE,
)


class Product(NamedTuple):
    """A device that writes pages. `header` is looked for in `NAME: value` lines, `body` in the page, `host`
    in the name to which it redirects."""

    name: str
    header: re.Pattern[str] | None
    body: re.Pattern[str] | None
    host: re.Pattern[str] | None


def signs(headers: Mapping[str, str]) -> tuple[str, ...]:
    """The headers that tell who answered, a sentence each."""
    return tuple(f"its header {name}: {headers[name]}" for name in FIELDS if headers.get(name))


def signed(headers: Mapping[str, str]) -> str | None:
    """The product that says in the head of an answer that it wrote it."""
    return _by_header(headers, frozenset({Tells.WROTE}))


def product_of(headers: Mapping[str, str], body: str = "") -> str | None:
    """Whose page it is; None where nothing tells. A page tells only where its head or title forbids."""
    named = _by_header(headers, frozenset({Tells.WROTE, Tells.MAY_BE_TARGET}))
    if named is not None or not FORBIDS.search(body):
        return named
    found = (one for one in products() if one.body is not None and one.body.search(body))
    return next((product.name for product in found), None)


def sent_to(host: str) -> str | None:
    """The product whose page stands at this host, by which it tells what it blocks; None: nobody's known."""
    named = (one for one in products() if one.host is not None and one.host.search(host.rstrip(".")))
    return next((product.name for product in named), None)


def _by_header(headers: Mapping[str, str], telling: frozenset[Tells]) -> str | None:
    lines = [
        f"{name}: {value}"
        for name, value in headers.items()
        if FIELDS.get(name, Tells.MAY_BE_TARGET) in telling
    ]
    named = (one for one in products() if one.header is not None and any(map(one.header.search, lines)))
    return next((product.name for product in named), None)


@functools.cache
def products() -> tuple[Product, ...]:
    """All that are known; the first that fits is named."""
    import tomllib
    from importlib.resources import files

    data = tomllib.loads(files("probes").joinpath("pages.toml").read_text(encoding="utf-8"))
    return tuple(
        Product(one["name"], *(_pattern(one, key) for key in ("header", "body", "host")))
        for one in data["product"]
    )


def _pattern(table: Mapping[str, str], key: str) -> re.Pattern[str] | None:
    return re.compile(table[key], re.IGNORECASE) if key in table else None
