"""What an experiment that varies one thing comes to."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from netcheck.diagnosis.judgement import Judgement
from netcheck.record import Control


class Varied(NamedTuple):
    """What the tries of one experiment make of a judgement, and each of them as a control.

    `telling`: some got further than others, so that what ends the check may be of this service alone.
    """

    explain: Callable[[Judgement], Judgement]
    controls: tuple[Control, ...]
    telling: bool = False
