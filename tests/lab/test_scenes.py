"""Every scene, as root and as a user without privilege: verdict, place and who acts are the expected ones."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from netcheck.diagnosis.catalogue import entry
from netcheck.diagnosis.refine import UNSURE
from netcheck.registry import names
from tests.lab import scenes
from tests.lab.pools import DELAYED
from tests.lab.topology import HOPS, NETWORKS, can_delay

SCENES = scenes.load()
# On the way to routers with Linux's own limit on ICMP.
BEFORE_STOCK = ("fw1-in", "fw2-in", "stock-in")
RATE_LIMITED = [scene.name for scene in SCENES if scene.on == "stingy"]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
@pytest.mark.parametrize("user", ["root", "plain_user"])
def test_scene(scene: scenes.Scene, user: str, request: pytest.FixtureRequest) -> None:
    """The check of the scene ends as its file says."""
    found: dict[str, Any] = request.getfixturevalue(f"found_by_{user}")
    if user not in scene.users:
        pytest.skip(f"only {' and '.join(scene.users)} can know")
    if scene.on in DELAYED and not can_delay():
        pytest.skip("no TUN devices here")
    check, expected = found[scene.name], scene.expected
    got = f"{scene.says}: {check['verdict']} {check['cause']} at {check['layer']}, {check['summary']}"
    assert check["verdict"] in expected.verdicts, got
    assert check["cause"] in expected.causes, got
    if expected.layer:
        assert check["layer"] == expected.layer, got
    assert check["confidence"] in expected.confidence, f"{got}: {check['confidence']}"
    if expected.responsible:
        assert check["responsible"] in expected.responsible, f"{got}: {check['evidence']}"
    assert_place(check, expected)
    said = [check["summary"], *check["evidence"], *(one["summary"] for one in check["warnings"])]
    for words in expected.shows:
        assert any(words in text for text in said), f"`{words}` is not in {said}"


def assert_place(check: dict[str, Any], expected: scenes.Expected) -> None:
    """Where it stops, whether the path forks, and which controls were made, as far as the scene says."""
    trace = check["trace"] or {"where": None, "hops": None, "ecmp": False}
    if expected.where:
        where = trace["where"] or {"relation": None, "address": None, "before": None}
        hops = [hop["address"] for hop in trace["hops"] or ()]
        got = f"{check['cause']} {check['confidence']}: {where}, hops {hops}, {check['evidence']}"
        if any(UNSURE in words for words in check["evidence"]):
            # The run had no time left for these routers, and says so: the place may be a hop too near.
            assert check["confidence"] != "certain", got
            nearer = [HOPS[hop][":" in (where["address"] or "")] for hop in BEFORE_STOCK]
            assert where["address"] in (*expected.where.addresses, *nearer), got
            return
        assert where["address"] in expected.where.addresses, got
        if where["address"] is not None:
            assert where["relation"] == expected.where.relation, got
        if expected.where.before:
            assert where["before"] in expected.where.before, got
    if expected.ecmp is False:
        assert not trace["ecmp"], trace
    varied = {control["varied"] for control in check["controls"]}
    assert varied >= set(expected.controls), check["controls"]


@pytest.mark.parametrize("user", ["root", "plain_user"])
def test_rate_limited_rejections(user: str, request: pytest.FixtureRequest) -> None:
    """Of many rejections of one host only some are heard; the silent ones are not filtered for certain."""
    found = request.getfixturevalue(f"found_by_{user}")
    checks = [found[name] for name in RATE_LIMITED]
    assert any(check["cause"] == "tcp.rejected" for check in checks)
    claimed = [check["id"] for check in checks if check["cause"] == "tcp.filtered"]
    certain = [check["id"] for check in checks if check["id"] in claimed and check["confidence"] == "certain"]
    assert not certain, f"{len(certain)} of {len(checks)} rejections are called filtered, certain"


@pytest.mark.parametrize("user", ["root", "plain_user"])
def test_nobody_is_named_without_evidence(user: str, request: pytest.FixtureRequest) -> None:
    """On a user's way to the service somebody acts only where a hop of theirs is what ends it."""
    found = request.getfixturevalue(f"found_by_{user}")
    ended = [
        check
        for check in found.values()
        if check["flow"] == "user-to-saas"
        and check["layer"] == "connect"
        and entry(check["cause"]).family == "connection"  # a proxy, or a login page, is the customer's anyway
    ]
    assert len(ended) > 10
    for check in ended:
        where = (check["trace"] or {}).get("where")
        named = check["responsible"]
        if any("through a proxy the service is reached" in words for words in check["evidence"]):
            assert named == "customer", check["evidence"]
        elif named in ("customer", "vendor") and check["cause"] != "tcp.refused":
            assert where, check["evidence"]
            assert owner(where["address"]) == named, check["evidence"]
            if where["relation"] == "after" and named == "customer":
                assert owner(where["before"]) == named, check["evidence"]


def owner(address: str | None) -> str | None:
    """Whose an address is, as the lab's inventory says."""
    for party, networks in NETWORKS.items():
        for network in networks:
            if address and ipaddress.ip_address(address) in ipaddress.ip_network(network):
                return party
    return None


def test_two_ways_are_seen(found_by_root: dict[str, Any], found_by_plain_user: dict[str, Any]) -> None:
    """A router chooses by a hash of the ports: of two asked, both may fall on one way, but not always."""
    forked = [scene.name for scene in SCENES if scene.expected.ecmp]
    traces = [found[name]["trace"] for found in (found_by_root, found_by_plain_user) for name in forked]
    assert any(trace["ecmp"] for trace in traces if trace)


def test_every_layer_has_a_scene() -> None:
    """The scenes reach every probe and every step of the ladder that a failure can have."""
    assert {scene.check["probe"] for scene in SCENES} == set(names())
    layers = {scene.expected.layer for scene in SCENES}
    assert layers >= {"resolve", "connect", "tls", "protocol", "auth", "policy"}
