"""What may be asked of `http` and `https`: path, method, headers, status, body, redirects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from probes import tls
from probes.settings import BadValue, Choice, Listing, Text, TextMap, Whole, option, shown

METHODS = ("GET", "HEAD", "OPTIONS", "POST")
# A name, or an IPv6 address in brackets; a login page answers what is not inside TLS.
CHALLENGE = Text(
    "a URL of plain http",
    r"http://(?:[^\s/@:\[\]]+|\[[0-9A-Fa-f:.]+\])(?::(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}))?(?:/\S*)?",
    "http://challenge.acme.example/generate_204",
)
PATH = Text("a path", r"/[^\s\x00-\x1f\x7f]*", "/health")

# Names under which secrets travel, such as X-Vault-Token: what is sent stands in every record of the run.
SECRET_HEADERS = re.compile(r"authorization|cookie|token|secret|passw|api-?key|access-?key|credential", re.I)
FRAMING_HEADERS = frozenset({"content-length", "transfer-encoding", "connection", "upgrade"})


@dataclass(frozen=True, slots=True)
class Headers(TextMap):
    """Header fields to send: no line breaks, nothing that frames the message, no secrets."""

    def read(self, value: Any) -> dict[str, str]:
        headers = TextMap.read(self, value)
        for name, text in headers.items():
            if not isinstance(name, str) or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
                raise BadValue(f"{shown(name)} is not a header's name", (name,))
            if SECRET_HEADERS.search(name):
                raise BadValue(f"secret in clear text: this probe sends no header `{name}`", (name,))
            if name.lower() in FRAMING_HEADERS:
                raise BadValue(f"the header `{name}` is netcheck's to set", (name,))
            if not re.fullmatch(r"[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?|", text):
                raise BadValue(
                    f"the header `{name}` has a line break or another character that can't travel", (name,)
                )
        return headers


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy's URL, without a user or password; `env`: what this host's environment names; `none`."""

    def read(self, value: Any) -> str:
        if value in ("env", "none"):
            return str(value)
        if isinstance(value, str) and "@" in value:
            raise BadValue("secret in clear text: a proxy's URL takes no user and password")
        if not isinstance(value, str) or not re.fullmatch(r"(?:https?|socks5h?)://[^\s/]+/?", value):
            raise BadValue(
                f"{shown(value)} is not a proxy's URL (`http://proxy.acme.example:3128`, `https://…`,"
                " `socks5://…`), `env` or `none`"
            )
        try:
            port = urlsplit(value).port
        except ValueError:
            port = 0
        if port == 0:
            raise BadValue(f"{shown(value)} has no port that there is: 1 to 65535")
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^(?:(?:https?|socks5h?)://[^\s/@]+/?|env|none)$"}


@dataclass(frozen=True, slots=True)
class Web(tls.Settings):
    """What http and WebSockets have in common: what is asked for, and by which way."""

    path: str = option(PATH, "/", "path and query to ask for")
    headers: Mapping[str, str] | None = option(Headers(), None, "header fields to send, by name")
    proxy: str | None = option(
        Proxy(), None, "the proxy to go through: a URL, `env` for HTTPS_PROXY and NO_PROXY, `none`"
    )
    challenge: str | None = option(
        CHALLENGE,
        None,
        "a URL that answers 204, asked where a login page of the network may be what answers; none is asked"
        " unless it is given",
    )
    challenge_body: str | None = option(
        Text(), None, "text that the answer of the `challenge` has, if it is a page and not 204"
    )

    def __post_init__(self) -> None:
        tls.Settings.__post_init__(self)
        if self.challenge_body is not None and self.challenge is None:
            raise BadValue(
                "`challenge_body` is the answer to a `challenge`, which is missing", ("challenge_body",)
            )


@dataclass(frozen=True, slots=True)
class Settings(Web):
    """What is sent and what must come back. For `http`, TLS counts where a redirect leads to https."""

    method: str = option(Choice(METHODS, "a method"), "GET", "the request's method")
    status: tuple[int, ...] | None = option(
        Listing(Whole(100, 599, "an HTTP status")), None, "accepted status codes; else below 400, 401 and 403"
    )
    body: str | None = option(Text(), None, "text that must be in the first MiB of the body")
    redirects: int = option(Whole(0, 50), 10, "redirects to follow on the same host; 0: none is followed")

    def __post_init__(self) -> None:
        Web.__post_init__(self)
        if self.body is not None and self.method == "HEAD":
            raise BadValue("`body` can't be looked for with `method: HEAD`", ("body",))


def from_url(asked: str) -> dict[str, str]:
    """A URL's path and query as the settings they mean. Raises BadValue.

    >>> from_url("/health?full=1"), from_url("?full=1")
    ({'path': '/health?full=1'}, {'path': '/?full=1'})
    """
    return {"path": PATH.read(asked if asked.startswith("/") else f"/{asked}")}
