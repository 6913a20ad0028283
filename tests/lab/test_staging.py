"""The lab stages what its scenes say: a second opinion, without netcheck, finds the same places."""

from __future__ import annotations

import json
import sys

import pytest

from tests.lab import scenes
from tests.lab.lab import Lab

# One walk can't judge a hop that says little, or two ways at once; of a service it knows the handshake only.
TARGET = 4  # routers before it
PLAIN = [
    scene
    for scene in scenes.load()
    if scene.expected.where
    and scene.check["probe"] == "tcp"
    and scene.on not in ("ecmp", "stock")
    and not any(word in rule for rule in scene.rules for word in (" ration", ".in ttl-"))
]


@pytest.fixture(scope="module")
def walked(lab: Lab) -> dict[str, list[str]]:
    """What one walk a scene shows, all at once, by the scene's name."""
    flows = [word for scene in PLAIN for word in (scene.address, str(scene.port))]
    done = lab.run(sys.executable, "-m", "tests.lab.walk", *flows, plain=True)
    assert done.returncode == 0, done.stderr
    return dict(zip((scene.name for scene in PLAIN), json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("scene", PLAIN, ids=lambda scene: scene.name)
def test_staged(scene: scenes.Scene, walked: dict[str, list[str]]) -> None:
    """The address that the file names is the last that answers, or the one that signs the rejection."""
    where = scene.expected.where
    assert where
    shown = walked[scene.name]
    if scene.expected.causes == ("tcp.refused",):
        assert shown.index("refused") == TARGET, shown
        return
    assert place(shown, where.relation) in where.addresses, shown


def place(shown: list[str], relation: str) -> str | None:
    """Where a flow ends: who signed, else who answered last before an RST or silence."""
    expired = [each.removeprefix("expired ") for each in shown if each.startswith("expired ")]
    if relation == "at":
        signed = [each.split()[1] for each in shown if each[0].isdigit()]
        return signed[0] if signed else expired[-1]
    return expired[-1] if expired else None
