"""Who acts, explained: the pages show the very table that decides."""

from __future__ import annotations

import pytest

from netcheck.diagnosis.acts import Rule, deciding, table
from netcheck.diagnosis.catalogue import all_entries, entry
from netcheck.explain import acts, manual
from tests.unit.test_acts import cases

EVERY = [pytest.param(rule, id=f"rule{number}") for number, rule in enumerate(table().rules, 1)]
FOREIGN = ("foreign",)  # its codes are known to third parties only


def flat(text: str) -> str:
    return " ".join(text.split())


def sentence(rule: Rule) -> str:
    """The rule's reason as the pages have it."""
    return rule.why.format(**acts.NAMES)


@pytest.mark.parametrize("rule", [each for each in EVERY if each.values[0].of != FOREIGN])
def test_the_page_and_the_manual_have_every_rule(rule: Rule) -> None:
    """Its answer and its reason; no rule is left out for lack of space."""
    assert sentence(rule) in flat(acts.page())
    assert f"| **{rule.who}** | {sentence(rule)} |" in manual.causes()


@pytest.mark.parametrize("found", [pytest.param(found, id=found.code) for found in all_entries()])
def test_a_codes_page_has_what_may_be_said_of_it(found) -> None:
    """In every flow and for every evidence there can be, the deciding rule stands on the page."""
    text = flat(acts.of_code(found))
    for case in cases():
        assert sentence(deciding(found, case)) in text


def test_a_codes_page_has_no_rule_of_another_family() -> None:
    """A certificate that expired has nothing to do with hops."""
    text = acts.of_code(entry("tls.expired"))
    assert "HOP signed" not in text
    assert "vendor        otherwise: the certificate is the service's own" in text


def test_conditions_are_told_in_words() -> None:
    """The place, the owner of its hop and of the next, and what no rule above has named."""
    text = acts.of_code(entry("tcp.filtered"))
    for words in (
        "the finding is undetermined: ",
        "at a vendor's hop: ",
        "after a customer's hop, before a customer's hop: ",
        "at or after a hop of unknown owner: ",
        "otherwise: targets and services, and the way to them, are the customer's",
    ):
        assert words in flat(text)


def test_a_rule_for_one_code_names_it_among_others_and_not_on_its_own_page() -> None:
    """The way to the service: a refusal has a reason of its own."""
    reason = "the refusal bears the service's own address"
    assert f"tcp.refused: {reason}" in acts.page()
    assert f"otherwise: {reason}" in acts.of_code(entry("tcp.refused"))
