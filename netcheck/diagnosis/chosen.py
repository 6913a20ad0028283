"""What an SSH key exchange that ends depends on, told by such that choose another algorithm. Pure."""

from __future__ import annotations

from functools import partial

from netcheck.diagnosis.judgement import Judgement, also, likely, with_cause
from netcheck.diagnosis.varied import Varied
from netcheck.record import Control
from probes.contract import Confidence, Verdict
from probes.ssh.choices import Choice, Choices


def varied(choices: Choices) -> Varied:
    """These key exchanges as an experiment."""
    return Varied(partial(chosen, choices=choices), controls(choices))


def chosen(judgement: Judgement, choices: Choices) -> Judgement:
    """The failure, and what it depends on where one algorithm alone ends the connection.

    The vault fails at it only if it would choose that algorithm itself.
    """
    judgement = also(judgement, *map(_words, choices.tried))
    works = choices.refused
    if works is None:
        return judgement
    summary = (
        f"{works.kind}: it offers {works.refused}, and ends the connection when that is chosen;"
        f" with {works.value} it goes on"
    )
    if choices.preferred != works.refused:
        why = f"the vault would choose {choices.preferred}, which netcheck can't try"
        return likely(judgement, f"{summary}; {why}")
    again = "tried again, the other went on each time and this one never"
    return with_cause(judgement, "ssh.no_common_algorithm", summary, Confidence.CERTAIN, again, choices.lists)


def controls(choices: Choices) -> tuple[Control, ...]:
    """Each choice as a control."""
    return tuple(
        Control(one.varied, one.value, Verdict.PASS if one.works else Verdict.FAIL, _words(one), one.cause)
        for one in choices.tried
    )


def _words(one: Choice) -> str:
    return f"with the {one.kind} {one.value} instead of {one.refused}: {one.summary}"
