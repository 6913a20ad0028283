"""The rule of the comparison: what an answer is worth follows from its words and the scene."""

from __future__ import annotations

import pytest

from tests.compare import chosen, judging
from tests.compare.judging import Mark
from tests.lab.scenes import Scene

SCENES = {scene.name: scene for scene in chosen.load()}


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("drop-fw2", "fail tcp.filtered after 10.9.1.2 · customer", Mark.RIGHT),
        ("drop-fw2", "fail tcp.filtered · undetermined", Mark.NO_CAUSE),
        ("drop-fw2", "fail tcp.filtered after 10.9.0.1 · customer", Mark.WRONG),
        ("drop-fw1", "fail tcp.filtered after 10.9.0.1 · vendor", Mark.WRONG),
        ("drop-fw2", "2321/tcp filtered no-response", Mark.NO_CAUSE),
        ("drop-fw2", "2321/tcp closed reset ttl 63", Mark.WRONG),
        ("reject-at-fw2", "2401/tcp filtered admin-prohibited from 10.9.1.2 ttl 63", Mark.RIGHT),
        ("reject-at-fw2", "2401/tcp filtered admin-prohibited from 10.9.0.1 ttl 64", Mark.WRONG),
        ("reject-at-fw2", "nc: connect to 10.40.9.10 port 2401 (tcp) failed: No route to host", Mark.WRONG),
        ("reset-fw1", "fail tcp.refused · customer", Mark.WRONG),
        ("reset-fw3-alike-2", "fail tcp.reset_by_firewall after 10.9.5.2 · undetermined", Mark.WRONG),
        ("held-dead", "3001/tcp open", Mark.WRONG),
        ("held-dead", "pass", Mark.WRONG),
        ("syn-proxy-dead-alike-3", "fail path.middlebox_answers · customer", Mark.WRONG),
        ("tls-expired", "443/tcp open", Mark.NO_CAUSE),
        ("tls-expired", "fail tls.untrusted · customer", Mark.WRONG),
    ],
)
def test_mark(name: str, words: str, expected: Mark) -> None:
    """netcheck's words are judged as anybody else's."""
    assert judging.mark(SCENES[name], words) is expected


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_every_cause_has_a_rule(scene: Scene) -> None:
    """A scene whose true cause has no row could not be judged."""
    assert judging.cause(scene) in judging.WORTH


def test_unknown_words_are_no_mark() -> None:
    """Words that no pattern knows stop the page from being made."""
    with pytest.raises(ValueError, match="no claim"):
        judging.mark(SCENES["drop-fw1"], "something new")
