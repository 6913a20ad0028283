"""Answers that a device on the way gives in a service's name: whose they are, and what they mean. Pure.

What a product writes into its pages proves little of a target, which may be that very product. So it is told
from where an answer is seen: through a proxy that fetches the page itself, or of a name that is public.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import SplitResult

from probes import pages, proxy, urls
from probes.codes import Failed
from probes.contract import Confidence
from probes.http1 import NETWORK_LOGIN, PROXY_LOGIN, REDIRECTS, REFUSALS, Reply, plain

# The server never saw the upgrade, and answers as to any request: nobody says so of a path that is not there.
STRIPPED = frozenset({400, 426})
# It wants a login of its own, or has nothing there: no proxy or firewall says so of an upgrade.
OF_THE_SERVICE = frozenset({401, 404, 405, 410})


class Standing(NamedTuple):
    """From where answers are seen. `relayed`: a proxy was asked, and fetches the page itself.

    `of_the_service`: only the service can have answered, inside TLS with a chain that public CAs know.
    `public`: the name is a public one, of no device on this side.
    """

    relayed: bool = False
    of_the_service: bool = False
    public: bool = False


def standing(tls: Mapping[str, Any] | None, *, public: bool, relayed: bool = False) -> Standing:
    """`tls`: the facts of the session in which answers come, if they come in one."""
    return Standing(relayed, bool((tls or {}).get("known_publicly")), public)


def page(reply: Reply, answer: str, words: str, seen: Standing) -> Failed | None:
    """What a device's page means; None where nothing shows one. `answer` and `words`: in a sentence, and the
    page's own. What a proxy passed on (`Via`) is of whoever stands behind it."""
    if seen.of_the_service:
        return None
    by_proxy = seen.relayed and "via" not in reply.headers
    signed = pages.signed(reply.headers)
    named = signed or (pages.product_of(reply.headers, words) if by_proxy or seen.public else None)
    bare = by_proxy and pages.FETCHED.isdisjoint(reply.headers)
    forbids = pages.FORBIDS.search(words) is not None
    if reply.status >= 500 and (named or (bare and reply.status in proxy.ONWARD)):
        return Failed(
            "proxy.refused",
            f"{named or 'the proxy'} can't get there itself: {answer}",
            confidence=Confidence.LIKELY,
            evidence=pages.signs(reply.headers),
        )
    in_its_place = named is not None and (reply.status >= 400 or signed is not None or forbids)
    if in_its_place or (by_proxy and forbids) or (bare and reply.status in REFUSALS):
        sure = signed is not None and seen.relayed
        return _in_its_place(named or "the proxy", answer, reply.headers, sure=sure)
    return None


def redirected(reply: Reply, onward: SplitResult, seen: Standing) -> Failed:
    """To another host: the service's own login, or a filter's page that says what it blocks."""
    answer = f"{reply.status} redirects to {plain(onward.geturl())}"
    signed = pages.signed(reply.headers)
    named = signed or (pages.sent_to(onward.hostname or "") if seen.public else None)
    if named is None or seen.of_the_service:
        by_proxy = seen.relayed and "via" not in reply.headers
        sure = Confidence.LIKELY if by_proxy else Confidence.CERTAIN
        return Failed("http.redirected_away", answer, confidence=sure)
    return _in_its_place(named, answer, reply.headers, sure=signed is not None and seen.relayed)


def wants_login(reply: Reply, seen: Standing) -> Failed | None:
    """What no service says of itself: that the network, or a proxy, wants a login first."""
    answer = f"{reply.status} {reply.reason}".rstrip()
    signs = pages.signs(reply.headers)
    if seen.of_the_service:
        return None
    if reply.status == NETWORK_LOGIN:
        return Failed("http.captive_portal", f"the network wants a login first: {answer}", evidence=signs)
    if reply.status == PROXY_LOGIN:
        words = f"something on the way answers as a proxy that wants a login: {answer}"
        return Failed("proxy.auth_required", words, evidence=signs, confidence=Confidence.LIKELY)
    return None


def refused_upgrade(
    reply: Reply, beside: Reply | None, path: str, here: frozenset[str], seen: Standing
) -> Failed:
    """What it means that an upgrade is not accepted.

    `beside`: what a plain request for the same path got; `here`: the names of the host that was asked.
    """
    status, signs = reply.status, pages.signs(reply.headers)
    if (wanted := wants_login(reply, seen)) is not None:
        return wanted
    away = urls.host_of(reply.headers.get("location")) if status in REDIRECTS else None
    named = _whose(reply.headers, away, seen)
    plain_one = f", and a plain GET beside it gets {beside.status} {beside.reason}".rstrip() if beside else ""
    by = f" by {named}" if named else ""
    stripped = status < 300 or status in STRIPPED
    how = "was taken for a plain request" if stripped else "is refused"
    blocked = Failed(
        "ws.upgrade_blocked",
        f"the upgrade {how}{by}: {status}{plain_one}",
        evidence=signs,
        confidence=Confidence.LIKELY,  # one answer alone does not show whether the service itself gives it
    )
    if stripped:
        return blocked
    if beside is not None and beside.status == status:
        answer = f"{path} answers {status}, with and without an upgrade"
        if named is not None and seen.public:
            return _in_its_place(named, answer, reply.headers, sure=False)
        if away is not None and away not in here:
            answer = f"{answer}, and redirects to {plain(reply.headers['location'])}"
            return Failed("http.redirected_away", answer, evidence=signs)
        return Failed(_own(status), answer, evidence=signs)
    if seen.of_the_service or (status in OF_THE_SERVICE and named is None):
        words = f"the service refuses the upgrade itself: {status}{plain_one}"
        sure = Confidence.CERTAIN if seen.of_the_service else Confidence.LIKELY
        return Failed(_own(status), words, evidence=signs, confidence=sure)
    return blocked


def _whose(headers: Mapping[str, str], away: str | None, seen: Standing) -> str | None:
    """The device that a refusal names; None: it may be the service's own, or the target that very device."""
    if seen.of_the_service:
        return None
    public = (pages.product_of(headers) or pages.sent_to(away or "")) if seen.public else None
    return pages.signed(headers) or public


def _own(status: int) -> str:
    return "http.server_error" if status >= 500 else "http.status"


def _in_its_place(named: str, answer: str, headers: Mapping[str, str], *, sure: bool) -> Failed:
    return Failed(
        "http.blocked_by_proxy",
        f"{named} answers in the service's place: {answer}",
        confidence=Confidence.CERTAIN if sure else Confidence.LIKELY,
        evidence=pages.signs(headers),
    )
