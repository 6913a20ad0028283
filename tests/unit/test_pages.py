"""Products that write pages in a service's place: by what each is told, and that each pattern can tell."""

from __future__ import annotations

import pytest

from probes import impostors, pages
from probes.http1 import Reply
from probes.impostors import Standing

HEADS = {
    "Squid": ({"x-squid-error": "ERR_ACCESS_DENIED 0"}, {"server": "squid/5.7"}),
    "Zscaler": ({"server": "Zscaler/6.2"},),
    "FortiGate": ({"server": "FortiGate"}, {"x-fortinet-webfilter": "1"}),
    "Blue Coat ProxySG": ({"server": "BlueCoat-Security-Appliance"}, {"server": "ProxySG"}),
    "Cisco Secure Web Appliance": ({"server": "Cisco-WSA"}, {"server": "IronPort"}),
    "Forcepoint": ({"server": "Websense Content Gateway"}, {"server": "Forcepoint"}),
    "Barracuda": ({"server": "Barracuda WAF"},),
}


def test_every_head_can_tell() -> None:
    """Each product that has a pattern for the head is named by one, and by no other."""
    assert set(HEADS) == {one.name for one in pages.products() if one.header is not None}
    for name, heads in HEADS.items():
        assert [pages.product_of(head) for head in heads] == [name] * len(heads)


@pytest.mark.parametrize(
    "name", [name for name, tells in pages.FIELDS.items() if tells is pages.Tells.HANDLED]
)
def test_who_passed_it_on_wrote_nothing(name: str) -> None:
    """A `Via` and its like are evidence, and name no writer; no pattern looks there."""
    head = {name: "1.1 gw (squid/5.7)"}
    assert (pages.product_of(head), pages.signed(head)) == (None, None)
    assert pages.signs(head) == (f"its header {name}: 1.1 gw (squid/5.7)",)
    assert not any(one.header and one.header.search(f"{name}: ") for one in pages.products())


def test_only_an_error_of_its_own_is_signed() -> None:
    """A `Server` may be the target's."""
    assert pages.signed({"x-squid-error": "ERR_DNS_FAIL 0"}) == "Squid"
    assert pages.signed({"server": "squid/5.7"}) is None


REFUSED = {"server": "Barracuda WAF"}


@pytest.mark.parametrize(
    ("status", "beside", "seen", "cause"),
    [
        (403, 200, Standing(public=True), "ws.upgrade_blocked"),
        (403, 200, Standing(of_the_service=True, public=True), "http.status"),
        (403, 403, Standing(public=True), "http.blocked_by_proxy"),
        (403, 403, Standing(of_the_service=True, public=True), "http.status"),
        (403, 403, Standing(), "http.status"),
        (401, 200, Standing(), "http.status"),
        (426, 426, Standing(of_the_service=True), "ws.upgrade_blocked"),
        (502, 200, Standing(of_the_service=True), "http.server_error"),
        (502, 200, Standing(), "ws.upgrade_blocked"),
        (511, 511, Standing(), "http.captive_portal"),
        (511, 511, Standing(of_the_service=True), "http.server_error"),
    ],
)
def test_whose_refusal_of_an_upgrade(status: int, beside: int, seen: Standing, cause: str) -> None:
    """One rule for http and WebSockets: by where the answer is seen from."""
    plain = Reply(beside, "")
    found = impostors.refused_upgrade(Reply(status, "", REFUSED), plain, "/", frozenset(), seen)
    assert found.cause == cause
    assert ("Barracuda" in found.summary) is (seen.public and not seen.of_the_service)
