"""Which of the lab's scenes are compared: one a kind, those that a user of a vault meets."""

from __future__ import annotations

from tests.lab import scenes
from tests.lab.scenes import Scene

NAMES = (
    "drop-fw1",
    "drop-fw2",
    "drop-left",
    "drop-fw3",
    "drop-far",
    "hidden-left",
    "ecmp",
    "reject-at-fw2",
    "reject-at-left-alike-3",
    "far-no-route",
    "far-loop",
    "far-dead",
    "reset-fw1",
    "reset-left",
    "reset-fw3",
    "reset-fw3-alike-2",
    "own-rule-drop",
    "syn-proxy-dead",
    "syn-proxy-dead-alike-1",
    "held-dead",
    "syn-proxy-dead-alike-3",
    "mtu-ssh",
    "mtu-https",
    "idle-tcp",
    "lossy-both",
    "ecmp-one-dead",
    "lost-syn",
    "name-nxdomain",
    "name-servfail",
    "name-mute",
    "tls-expired",
    "tls-self-signed",
    "tls-missing-intermediate",
    "ssh-old-kex",
    "ssh-other-protocol",
    "http-status",
)


def load() -> tuple[Scene, ...]:
    """The chosen scenes in the order of NAMES. Raises KeyError where one is gone."""
    known = {scene.name: scene for scene in scenes.load()}
    return tuple(known[name] for name in NAMES)
