"""Every scene, as root and as a user without privilege: verdict, cause and layer are the expected ones."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab import scenes

SCENES = scenes.load()
RATE_LIMITED = [scene.name for scene in SCENES if scene.on == "stingy"]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
@pytest.mark.parametrize("user", ["root", "plain_user"])
def test_scene(scene: scenes.Scene, user: str, request: pytest.FixtureRequest) -> None:
    """The check of the scene ends as its file says."""
    found: dict[str, Any] = request.getfixturevalue(f"found_by_{user}")
    check, expected = found[scene.name], scene.expected
    got = f"{scene.says}: {check['verdict']} {check['cause']} at {check['layer']}, {check['summary']}"
    assert check["verdict"] == expected.verdict, got
    assert check["cause"] in expected.causes, got
    if expected.layer:
        assert check["layer"] == expected.layer, got
    assert check["confidence"] in expected.confidence, got


@pytest.mark.parametrize("user", ["root", "plain_user"])
def test_rate_limited_rejections(user: str, request: pytest.FixtureRequest) -> None:
    """Of many rejections of one host only some are heard; the silent ones are not filtered for certain."""
    found = request.getfixturevalue(f"found_by_{user}")
    checks = [found[name] for name in RATE_LIMITED]
    assert any(check["cause"] == "tcp.rejected" for check in checks)
    claimed = [check["id"] for check in checks if check["cause"] == "tcp.filtered"]
    certain = [check["id"] for check in checks if check["id"] in claimed and check["confidence"] == "certain"]
    assert not certain, f"{len(certain)} of {len(checks)} rejections are called filtered, certain"


def test_every_layer_has_a_scene() -> None:
    """The scenes reach every probe and every step of the ladder that a failure can have."""
    assert {scene.check["probe"] for scene in SCENES} == {"dns", "tcp", "tls", "http", "https", "ssh"}
    layers = {scene.expected.layer for scene in SCENES}
    assert layers >= {"resolve", "connect", "tls", "protocol", "auth", "policy"}
