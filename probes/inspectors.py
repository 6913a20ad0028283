"""Products that decrypt TLS on the way, told by the issuers they sign with (`inspectors.toml`)."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

from probes.certificates import Certificate


def product_of(chain: Iterable[Certificate]) -> str | None:
    """The product whose name stands in an issuer or CA of the chain; None where none is known.

    The server's own subject does not count: it has the name that was asked for.
    """
    issuers = [name for at, each in enumerate(chain) for name in _signing(at, each)]
    return next((name for name, pattern in _products() if any(map(pattern.search, issuers))), None)


def _signing(at: int, certificate: Certificate) -> tuple[str, ...]:
    return (certificate.issuer,) if at == 0 else (certificate.issuer, certificate.subject)


@functools.cache
def _products() -> tuple[tuple[str, re.Pattern[str]], ...]:
    import tomllib
    from importlib.resources import files

    data = tomllib.loads(files("probes").joinpath("inspectors.toml").read_text(encoding="utf-8"))
    return tuple((each["name"], re.compile(each["pattern"], re.IGNORECASE)) for each in data["product"])
