"""What an experiment that varies one thing comes to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from netcheck.diagnosis.judgement import Judgement
from netcheck.record import Control
from probes.contract import Verdict
from probes.variation import Variation


class Varied(NamedTuple):
    """What the tries of one experiment make of a judgement, and each of them as a control.

    `telling`: some got further than others, so that what ends the check may be of this service alone.
    """

    explain: Callable[[Judgement], Judgement]
    controls: tuple[Control, ...]
    telling: bool = False


def controls(variations: Iterable[Variation], words: Callable[[Variation], str]) -> tuple[Control, ...]:
    """Each variation as a control; `words` say what was done and how it ended."""
    return tuple(
        Control(one.varied, one.value, Verdict.PASS if one.works else Verdict.FAIL, words(one), one.cause)
        for one in variations
    )
