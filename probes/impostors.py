"""Answers that a device on the way gives in a service's name: whose they are, and what they mean. Pure.

What a product writes into its pages proves little of a target, which may be that very product. So it is told
from where an answer is seen: through a proxy that fetches the page itself, or of a name that is public.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult

from probes import pages, portals, proxy
from probes.codes import Failed
from probes.contract import Confidence
from probes.http1 import Reply, plain

# Fields of an answer that a hop wrote itself. A `Via` it adds to all that it passes on, and a `Server` may be
# the target's own.
WRITTEN = ("x-squid-error", "proxy-agent", "proxy-status")
PASSED_ON = ("via", "x-cache", "x-bluecoat-via")
PROXY_LOGIN = 407


class Standing(NamedTuple):
    """From where answers are seen. `relayed`: a proxy was asked, and fetches the page itself.

    `of_the_service`: only the service can have answered, inside TLS with a chain that public CAs know.
    `public`: the name is a public one, of no device on this side.
    """

    relayed: bool = False
    of_the_service: bool = False
    public: bool = False


def page(reply: Reply, answer: str, words: str, seen: Standing) -> Failed | None:
    """What a device's page means; None where nothing shows one. `answer` and `words`: in a sentence, and the
    page's own. What a proxy passed on (`Via`) is of whoever stands behind it."""
    if seen.of_the_service:
        return None
    signed = _signed(reply.headers)
    by_proxy = seen.relayed and "via" not in reply.headers
    named = signed or (product_of(reply.headers, words) if by_proxy or seen.public else None)
    unnamed = by_proxy and "server" not in reply.headers and reply.status in proxy.ONWARD
    if reply.status >= 500 and (named or unnamed):
        return Failed(
            "proxy.refused",
            f"{named or 'the proxy'} can't get there itself: {answer}",
            confidence=Confidence.LIKELY,
            evidence=pages.signs(reply.headers),
        )
    if named is None or (reply.status < 400 and not signed and not pages.FORBIDS.search(words)):
        return None
    return _in_its_place(named, answer, reply.headers, sure=signed is not None and seen.relayed)


def redirected(reply: Reply, onward: SplitResult, seen: Standing) -> Failed:
    """To another host: the service's own login, or a filter's page that says what it blocks."""
    answer = f"{reply.status} redirects to {plain(onward.geturl())}"
    signed = _signed(reply.headers)
    named = signed or (pages.sent_to(onward.hostname or "") if seen.public else None)
    if named is None or seen.of_the_service:
        return Failed("http.redirected_away", answer)
    return _in_its_place(named, answer, reply.headers, sure=signed is not None and seen.relayed)


def product_of(headers: Mapping[str, str], words: str = "") -> str | None:
    """The product that wrote an answer, by what is not just added to all that it passes on."""
    own = {name: text for name, text in headers.items() if name not in PASSED_ON}
    return pages.product_of(own, words)


def wants_login(status: int, reason: str, headers: Mapping[str, str]) -> Failed | None:
    """What no service says of itself: that the network, or a proxy, wants a login first."""
    answer = f"{status} {reason}".rstrip()
    signs = pages.signs(headers)
    if status == portals.LOGIN:
        return Failed("http.captive_portal", f"the network wants a login first: {answer}", evidence=signs)
    if status == PROXY_LOGIN:
        words = f"something on the way answers as a proxy that wants a login: {answer}"
        return Failed("proxy.auth_required", words, evidence=signs, confidence=Confidence.LIKELY)
    return None


def _signed(headers: Mapping[str, str]) -> str | None:
    """The product that says in the head of an answer that it wrote it."""
    return pages.product_of({name: headers[name] for name in WRITTEN if name in headers})


def _in_its_place(named: str, answer: str, headers: Mapping[str, str], *, sure: bool) -> Failed:
    return Failed(
        "http.blocked_by_proxy",
        f"{named} answers in the service's place: {answer}",
        confidence=Confidence.CERTAIN if sure else Confidence.LIKELY,
        evidence=pages.signs(headers),
    )
