"""The rules of a scene become the nftables lines that stop exactly its packets."""

from __future__ import annotations

import pytest

from tests.lab import rules, scenes

REST = 'says = "x"\ncheck = {probe = "tcp", port = 1}\nexpect = {verdict = "pass"}\n'


@pytest.mark.parametrize(
    ("address", "action", "scope", "expected"),
    [
        ("10.20.1.9", "drop", "22", "ip daddr 10.20.1.9 tcp dport 22 drop"),
        ("10.20.1.9", "drop", "all", "ip daddr 10.20.1.9 drop"),
        ("10.20.1.9", "drop", "answers", "ip saddr 10.20.1.9 drop"),
        ("10.20.1.9", "drop", "big-answers", "ip saddr 10.20.1.9 meta length > 1000 drop"),
        (
            "10.20.1.9",
            "reset",
            "22",
            "ip daddr 10.20.1.9 tcp dport 22 meta l4proto tcp reject with tcp reset",
        ),
        (
            "fd00::9",
            "reject-policy-fail",
            "22",
            "ip6 daddr fd00::9 tcp dport 22 reject with icmpv6 type policy-fail",
        ),
    ],
)
def test_line(address: str, action: str, scope: str, expected: str) -> None:
    """Each action and scope has its line, in the address's own family."""
    assert rules.line(address, action, scope) == expected


@pytest.mark.parametrize(
    ("rule", "chain", "expected"),
    [
        ("fw2.in drop", "early", "ip daddr 10.40.1.10 tcp dport 1 drop"),
        ("fw2 drop rest", "scenes", "ip daddr 10.40.1.10 tcp dport != 1 drop"),
        ("fw2 lose-30 answers", "scenes", "ip saddr 10.40.1.10 numgen random mod 100 < 30 drop"),
        ("fw2 drop big-answers-1400", "scenes", "ip saddr 10.40.1.10 meta length > 1400 drop"),
        ("fw2 hide", "own", "icmp type time-exceeded @th,192,32 0xa28010a drop"),
        ("fw2 mute", "own", "icmp type destination-unreachable @th,192,32 0xa28010a drop"),
        ("fw2.in ttl-64 all", "early", "ip daddr 10.40.1.10 meta l4proto tcp ip ttl set 64"),
        (
            "fw2 ttl-255 resets",
            "own",
            "ip saddr 10.40.1.10 tcp flags & rst == rst meta l4proto tcp ip ttl set 255",
        ),
        ("fw2 hold all", "moved", "ip daddr 10.40.1.10 meta l4proto tcp redirect to :999"),
    ],
)
def test_lines_of_a_scene(rule: str, chain: str, expected: str, tmp_path) -> None:
    """Each kind of rule stands in the chain where the kernel asks for it."""
    text = f'rules = ["{rule}"]\non = "far"\n{REST}'
    (tmp_path / "one.toml").write_text(f"[scene]\n{text}[[alike]]\n{REST}")
    assert rules.lines_of("fw2", scenes.load(tmp_path)) == [(chain, expected)]


def test_scenes_of_one_net_share_it(tmp_path) -> None:
    """Others have a network of their own, for what is learned of one address is believed of the next."""
    alike = f'on = "far"\nnet = "shared"\n{REST}'
    text = f'[scene]\non = "far"\n{REST}' + f"[[alike]]\n{alike}" * 2
    (tmp_path / "one.toml").write_text(text)
    assert [scene.address for scene in scenes.load(tmp_path)] == ["10.40.1.10", "10.40.2.10", "10.40.2.11"]


def test_an_unknown_place_is_an_error(tmp_path) -> None:
    """A slip of the pen in a scene file does not pass as a scene without rules."""
    text = (
        'says = "x"\nrules = ["fw9 drop"]\ncheck = {probe = "tcp", port = 1}\nexpect = {verdict = "pass"}\n'
    )
    (tmp_path / "slip.toml").write_text(f"[scene]\n{text}[[alike]]\n{text}")
    with pytest.raises(ValueError, match="no place is called `fw9`"):
        rules.lines_of("fw1", scenes.load(tmp_path))


def test_an_unknown_key_is_an_error(tmp_path) -> None:
    """Nor is a key misread."""
    text = f"serves = {{}}\n{REST}"
    (tmp_path / "slip.toml").write_text(f"[scene]\n{text}[[alike]]\n{text}")
    with pytest.raises(ValueError, match="unknown keys \\['serves'\\]"):
        scenes.load(tmp_path)


def test_every_scene_has_a_look_alike() -> None:
    """Each file holds a situation and at least one that must get another answer, or no failure."""
    files = sorted(path.stem for path in scenes.FOLDER.glob("*.toml"))
    assert len(files) >= 60
    names = {scene.name for scene in scenes.load()}
    assert all({name, f"{name}-alike-1"} <= names for name in files)


def test_no_two_scenes_share_an_address() -> None:
    """A rule for one scene can't reach another."""
    addresses = [scene.address for scene in scenes.load()]
    assert len(set(addresses)) == len(addresses)
