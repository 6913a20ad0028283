"""Scenes: small files that say what stands where, what is checked, and what must be found.

A file holds `[scene]` and one or more `[[alike]]`: the same shape, a situation that looks alike and
must get another verdict. Each gets an address of its own, which `{address}` stands for in its texts;
`{other}` is a second live one, `{dead}` one that nobody answers for; `on` names the pool (see
`tests.lab.pools`) and `net` a network shared with others. In `check` there are also `{host_key}`, the
fingerprint of every sshd's key but those of kind `ssh-key NAME`, of which it is `{key-NAME}`; and `{folder}`,
where the certificates are, and `ssh-Q.txt` and `ssh-G.txt`, what OpenSSH prints of its algorithms.

`expect` may say the place, as `where = { relation = "after", address = "fw2-in", before = "left-in" }`:
hops are named as in `tests.lab.topology.HOPS`, `target` is the scene's address, `none` no place at all,
and a list allows any of several. `shows` are words that must stand in the summary, the evidence or the
warnings. `users` names the users who can know: `root`, `plain_user`.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lab.pools import POOLS, REACHED, Allotment
from tests.lab.topology import HOPS

FOLDER = Path(__file__).parent.parent / "scenes"
DOMAIN = "lab.test"
KEYS = frozenset(
    "says on net family host serve rules records hosts check expect users".split()  # noqa: SIM905
)
USERS = ("root", "plain_user")
CONFIDENCE = ("certain", "likely", "undetermined")


@dataclass(frozen=True, slots=True)
class Where:
    """The place that must be found: any of the addresses, None for no place at all.

    `before` is asserted as far as the file says something of it.
    """

    relation: str
    addresses: tuple[str | None, ...]
    before: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Expected:
    """What must be found; of several values any one, where the evidence cannot tell them apart.

    None, and an empty tuple, where the file says nothing.
    """

    verdicts: tuple[str, ...]
    causes: tuple[str | None, ...]
    layer: str | None
    confidence: tuple[str, ...] = CONFIDENCE
    where: Where | None = None
    responsible: tuple[str, ...] = ()
    ecmp: bool | None = None
    controls: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """One situation and the check made of it.

    `serve` maps ports to kinds of servers, `rules` are read by `tests.lab.rules`, `records` are DNS
    records of `host`, when that is a name; `hosts` lines go into the vault's hosts file.
    """

    name: str
    says: str
    on: str
    address: str
    other: str
    host: str
    serve: dict[int, str]
    rules: tuple[str, ...]
    records: tuple[str, ...]
    hosts: tuple[str, ...]
    check: dict[str, Any]
    expected: Expected = field(repr=False)
    users: tuple[str, ...] = USERS

    @property
    def port(self) -> int | None:
        """The port that the check and its rules are about."""
        return self.check.get("port")

    @property
    def is_on_the_way(self) -> bool:
        """Whether something is the matter on the way there, and not only at its end."""
        return bool(self.rules) or self.on not in REACHED

    @property
    def place(self) -> str | None:
        """Who holds the address and serves there; None: nobody."""
        return POOLS[self.on].place


def load(folder: Path = FOLDER) -> tuple[Scene, ...]:
    """Every scene of the folder, addresses allotted in the order of the file names."""
    allotment = Allotment()
    found = [_scene(name, table, allotment) for name, table in _tables(folder)]
    if len({scene.name for scene in found}) != len(found):
        raise ValueError("two scenes have the same name")
    recorded: dict[str, tuple[str, ...]] = {}
    for scene in found:
        if scene.records and recorded.setdefault(scene.host, scene.records) != scene.records:
            raise ValueError(f"{scene.name}: another scene has other records of {scene.host}")
    return tuple(found)


def _tables(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(folder.glob("*.toml")):
        with path.open("rb") as file:
            content = tomllib.load(file)
        yield path.stem, content["scene"]
        if not content["alike"]:
            raise ValueError(f"{path.name} has no look-alike")
        for number, table in enumerate(content["alike"], 1):
            yield f"{path.stem}-alike-{number}", table


def _scene(name: str, table: dict[str, Any], allotment: Allotment) -> Scene:
    if unknown := set(table) - KEYS:
        raise ValueError(f"{name}: unknown keys {sorted(unknown)}")
    family, pool = table.get("family", 4), table.get("on", "live")
    words = allotment.words(pool, family, table.get("net"))
    host = table.get("host", words["address"])
    lines = table.get("records", [f"{'AAAA' if family == 6 else 'A'} {words['address']}"])
    return Scene(
        name=name,
        says=table["says"],
        on=pool,
        address=words["address"],
        other=words["other"],
        host=host,
        serve={int(port): filled(kind, words) for port, kind in table.get("serve", {}).items()},
        rules=tuple(table.get("rules", ())),
        records=tuple(each for line in lines for each in records(filled(line, words)) if "host" in table),
        hosts=tuple(filled(line, words) for line in table.get("hosts", ())),
        check=filled(table["check"], words),
        expected=_expected(table["expect"], words["address"]),
        users=tuple(table.get("users", USERS)),
    )


def records(text: str) -> list[str]:
    """The DNS records that a line stands for.

    >>> records("A 10.20.0.254 +2")
    ['A 10.20.0.254', 'A 10.20.0.255', 'A 10.20.1.0']
    """
    found = re.fullmatch(r"A (\S+) \+(\d+)", text)
    if found is None:
        return [text]
    first = ipaddress.IPv4Address(found[1])
    return [f"A {first + step}" for step in range(int(found[2]) + 1)]


def filled(value: Any, words: dict[str, str]) -> Any:
    """The value with `{word}` replaced in every text of it."""
    if isinstance(value, str):
        for word, text in words.items():
            value = value.replace(f"{{{word}}}", text)
        return value
    if isinstance(value, list):
        return [filled(part, words) for part in value]
    if isinstance(value, dict):
        return {key: filled(part, words) for key, part in value.items()}
    return value


def _expected(table: dict[str, Any], address: str) -> Expected:
    where = table.get("where")
    return Expected(
        verdicts=_several(table["verdict"]),
        causes=tuple(None if cause == "none" else cause for cause in _several(table.get("cause"))),
        layer=table.get("layer"),
        confidence=_several(table.get("confidence", CONFIDENCE)),
        where=_where(where, address) if where else None,
        responsible=_several(table.get("responsible", ())),
        ecmp=table.get("ecmp"),
        controls=_several(table.get("controls", ())),
        shows=_several(table.get("shows", ())),
    )


def _where(table: dict[str, Any], address: str) -> Where:
    """The place with its hops by address, in the family of the scene's address."""
    known = {name: pair[":" in address] for name, pair in HOPS.items()} | {"target": address, "none": None}
    addresses, before = (
        tuple(known[name] for name in _several(table.get(key, ()))) for key in ("address", "before")
    )
    return Where(table["relation"], addresses, before)


def _several(value: Any) -> tuple[Any, ...]:
    """One value, or the values of a list."""
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)
