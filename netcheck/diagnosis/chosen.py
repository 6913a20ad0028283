"""What an SSH key exchange that ends depends on, told by such that choose another algorithm. Pure."""

from __future__ import annotations

from functools import partial

from netcheck.diagnosis.judgement import Judgement, also, likely, with_cause
from netcheck.diagnosis.varied import Varied, controls
from probes.contract import Confidence
from probes.ssh.choices import VARIED_WORDS, Choices
from probes.variation import Variation


def varied(choices: Choices) -> Varied:
    """These key exchanges as an experiment."""
    return Varied(partial(chosen, choices=choices), controls(choices.tried, partial(_words, choices)))


def chosen(judgement: Judgement, choices: Choices) -> Judgement:
    """The failure, and what it depends on where one algorithm alone stops the key exchange.

    The vault fails at it only if it would choose that algorithm itself.
    """
    judgement = also(judgement, *(_words(choices, one) for one in choices.tried))
    works = choices.reliable
    if works is None:
        return judgement
    refused = choices.first[works.varied]
    does = "says nothing more" if judgement.cause == "protocol.silent" else "ends the connection"
    summary = (
        f"{VARIED_WORDS[works.varied]}: it offers {refused}, and {does} when that is chosen;"
        f" with {works.value} it goes on"
    )
    if choices.preferred != refused:
        why = f"the vault would choose {choices.preferred}, which netcheck can't try"
        return likely(judgement, f"{summary}; {why}")
    again = "tried again, the other went on each time and this one never"
    return with_cause(judgement, "ssh.no_common_algorithm", summary, Confidence.CERTAIN, again, choices.lists)


def _words(choices: Choices, one: Variation) -> str:
    first = choices.first[one.varied]
    return f"with the {VARIED_WORDS[one.varied]} {one.value} instead of {first}: {one.summary}"
