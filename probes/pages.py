"""Pages that something on the way answers in the service's name: whose they are, by headers and words.

Read from `pages.toml`; a sign alone proves that a device wrote the answer, not why.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import NamedTuple

# Who handled a message on the way, or wrote it (RFC 9110 7.6.3, 10.2.4; the rest are products' own).
TELLING = ("server", "via", "x-squid-error", "proxy-agent", "x-cache", "proxy-status", "proxy-authenticate")


# How such a page is headed. The words alone are anybody's, and so is a product's name in a text.
FORBIDS = re.compile(
    r"<(title|h[1-3])\b[^>]*>[^<]*(?:\bblock|denied|violation|not (?:allowed|permitted)|restricted"
    r"|can(?:no|')t be displayed|could not be retrieved|notification: policy)",
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
    return tuple(f"its header {name}: {headers[name]}" for name in TELLING if headers.get(name))


def product_of(headers: Mapping[str, str], body: str = "") -> str | None:
    """Whose page it is; None where nothing tells. A page tells only where its head or title forbids."""
    lines = [f"{name}: {value}" for name, value in headers.items()]
    for product in _products():
        if product.header is not None and any(map(product.header.search, lines)):
            return product.name
    if not FORBIDS.search(body):
        return None
    named = (one for one in _products() if one.body is not None and one.body.search(body))
    return next((product.name for product in named), None)


def sent_to(host: str) -> str | None:
    """The product whose page stands at this host, by which it tells what it blocks; None: nobody's known."""
    named = (one for one in _products() if one.host is not None and one.host.search(host.rstrip(".")))
    return next((product.name for product in named), None)


@functools.cache
def _products() -> tuple[Product, ...]:
    import tomllib
    from importlib.resources import files

    data = tomllib.loads(files("probes").joinpath("pages.toml").read_text(encoding="utf-8"))
    return tuple(
        Product(one["name"], *(_pattern(one, key) for key in ("header", "body", "host")))
        for one in data["product"]
    )


def _pattern(table: Mapping[str, str], key: str) -> re.Pattern[str] | None:
    return re.compile(table[key], re.IGNORECASE) if key in table else None
