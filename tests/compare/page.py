"""docs/comparison.md: made from answers, and read back by the test that asserts its marks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from tabulate import tabulate

from tests.compare import judging
from tests.compare.judging import Mark
from tests.compare.tools import TOOLS
from tests.lab.scenes import Scene

COLUMNS = ("netcheck", *(tool.name for tool in TOOLS))
HEAD = """# Comparison

What netcheck and the tools that are at hand elsewhere say about the same broken networks. Made by
`make compare`, which brings the lab of `tests/lab` up (namespaces with firewalls, routers and real
servers), asks every tool about every scene and writes this page; no result is written by hand.

All run in the vault's namespace, as a user without privilege but for the one column that says so.
netcheck checks all scenes in one `netcheck run` as a user would, with `samples` and `idle` where a scene
asks for them; nmap has its own defaults; the others get 5 s. Of `nc`, `ssh` and `curl` the natural one is
asked: `nc -vz` about a `tcp` check, `ssh` about `ssh`, `curl` about `tls`, `http` and `https`.
blackbox_exporter is asked with `debug=true` by a module of its kind (`tcp_connect`, `ssh_banner`,
`http_2xx`, TCP with TLS); its answer is the last error that it logs. Where trust matters, all trust the
lab's public root.
"""
RULE = """## The rule

An answer is one line of the tool's own words, cut after 110 characters; netcheck's has its verdict, cause,
place and who acts. `tests/compare/judging.py` judges all of them alike, from the words shown and nothing
else; what is so is what the scene's file stages, not what any tool says.

- **right**: it names the cause. Where packets vanish the place is the cause: the answer must name the hop
  after which they do.
- **no cause**: true as far as it goes, but it fits other causes as well: `filtered`, `timed out`, or `open`
  of a port whose server has an expired certificate.
- **wrong**: it says what is not so: `open` of a dead host, `refused` where the target refused nothing, `No
  route to host` where a firewall prohibits, a hop that is not the place, a party that need not act.

`+ place` stands where a right answer also names the hop that rejects, or after which packets vanish.
"""


class Answers(NamedTuple):
    """A row: what is so, and each column's words in the order of COLUMNS."""

    scene: Scene
    words: tuple[str, ...]

    @property
    def marks(self) -> tuple[Mark, ...]:
        return tuple(judging.mark(self.scene, words) for words in self.words)


def page(rows: Sequence[Answers], versions: Iterable[str]) -> str:
    """The whole page."""
    made = "".join(f"- {version}\n" for version in versions)
    return (
        f"{HEAD}\n{RULE}\n## Counted\n\n{counts(rows)}\n\n## Scene by scene\n\n{table(rows)}\n\n"
        f"## Versions\n\n{made}"
    )


def counts(rows: Sequence[Answers]) -> str:
    """How often each tool was right, without a cause and wrong, and how often it named the place."""
    columns = list(zip(*(row.marks for row in rows), strict=True))
    lines = [
        [name, *(marks.count(mark) for mark in Mark), sum(has_place(row, at) for row in rows)]
        for at, (name, marks) in enumerate(zip(COLUMNS, columns, strict=True))
    ]
    return tabulate(lines, ("of " + str(len(rows)), *Mark, "with place"), "github")


def has_place(row: Answers, at: int) -> bool:
    """Whether the answer in this column is right and names the place."""
    return row.marks[at] is Mark.RIGHT and judging.has_place(row.scene, row.words[at])


def table(rows: Sequence[Answers]) -> str:
    """A line a scene. Not padded: its lines are long enough."""
    lines = [f"| what is so | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|"]
    return "\n".join([*lines, *map(_line, rows)])


def _line(row: Answers) -> str:
    return f"| {title(row.scene)} | {' | '.join(marked(row))} |"


def marked(row: Answers) -> list[str]:
    """The cells of a row: each answer and what it is worth."""
    return [
        f"**{mark}**{' + place' if has_place(row, at) else ''}: {words}"
        for at, (mark, words) in enumerate(zip(row.marks, row.words, strict=True))
    ]


def title(scene: Scene) -> str:
    """The scene in words, and its name: that of its file."""
    return f"{scene.says} (`{scene.name}`)"


def read(text: str, scenes: Iterable[Scene]) -> Iterator[Answers]:
    """The rows of a page, in its order. Raises KeyError for a scene that is not among these."""
    known = {scene.name: scene for scene in scenes}
    for line in text.partition("## Scene by scene")[2].partition("## Versions")[0].splitlines()[4:]:
        if line:
            first, *cells = line.strip("| ").split(" | ")
            words = (re.sub(r"^\*\*[a-z ]+\*\*( \+ place)?: ", "", cell) for cell in cells)
            yield Answers(known[first.rpartition("(`")[2].removesuffix("`)")], tuple(words))
