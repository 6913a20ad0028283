"""`--only`: selectors that choose among planned checks.

A selector is a target's name or a glob, or `group:g`, `tag:t`, `probe:p`, `flow:f`, `vantage:v`, `owner:o`
(globs too). A comma is *and*, a leading `!` is *not*; of several selectors any may match.
"""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from netcheck.check import Check
from netcheck.errors import UsageError
from netcheck.inventory.problems import nearest

FIELDS: dict[str, Callable[[Check], Iterable[str]]] = {
    "group": lambda check: check.terms.groups,
    "tag": lambda check: check.terms.tags,
    "probe": lambda check: (check.terms.probe,),
    "flow": lambda check: (check.terms.flow,),
    "vantage": lambda check: (check.terms.vantage,),
    "owner": lambda check: (check.terms.owner.name,) if check.terms.owner else (),
}


def _target(check: Check) -> Iterable[str]:
    return (check.target,)


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a selector: a pattern for one property, or its opposite."""

    words: Callable[[Check], Iterable[str]]
    matches: Callable[[str], object]
    negative: bool

    def __call__(self, check: Check) -> bool:
        return any(self.matches(word) for word in self.words(check)) is not self.negative


@dataclass(frozen=True, slots=True)
class Selection:
    """Which checks are wanted: all, where there is no selector."""

    selectors: tuple[str, ...]
    terms: tuple[tuple[Term, ...], ...]

    def __call__(self, check: Check) -> bool:
        if not self.terms:
            return True
        return any(all(term(check) for term in terms) for terms in self.terms)

    def refuse_nothing(self, targets: Iterable[str], groups: Collection[str]) -> UsageError:
        """The error of a selection that matches nothing, among targets and groups of these names."""
        words = " or ".join(f"`{selector}`" for selector in self.selectors)
        meant = [f"; did you mean `group:{word}`?" for word in self.selectors if word in groups]
        meant += [nearest(word, targets) for word in self.selectors]
        hint = next(filter(None, meant), "; nothing was checked")
        return UsageError(f"netcheck: --only {words} selects nothing{hint}")


def selection(selectors: Iterable[str]) -> Selection:
    """The selectors as the command line gives them. Raises UsageError."""
    given = tuple(selectors)
    return Selection(given, tuple(tuple(_term(word, text) for word in text.split(",")) for text in given))


def _term(word: str, selector: str) -> Term:
    negative = word.strip().startswith("!")
    pattern = word.strip().removeprefix("!").strip()
    field, colon, value = pattern.partition(":")
    if colon and field in FIELDS:
        return Term(FIELDS[field], _pattern(value.strip(), selector), negative)
    # A target named by its host may be an IPv6 address, which has colons too.
    if colon and re.fullmatch("[a-z_]+", field) and not re.fullmatch("[0-9a-f]{1,4}", field):
        hint = nearest(field, FIELDS) or f"; there are {', '.join(FIELDS)}"
        raise UsageError(f"netcheck: --only `{selector}`: unknown selector `{field}:`{hint}")
    return Term(_target, _pattern(pattern, selector), negative)


def _pattern(text: str, selector: str) -> Callable[[str], object]:
    if not text:
        raise UsageError(f"netcheck: --only `{selector}`: a part of the selector is empty")
    return re.compile(_expression(text)).match


@functools.cache
def _expression(glob: str) -> str:
    return fnmatch.translate(glob)
