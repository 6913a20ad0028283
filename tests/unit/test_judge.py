"""The verdict on a name with several addresses."""

import pytest

from netcheck.check import Check, Terms
from netcheck.diagnosis.judge import judge
from probes import tcp
from probes.contract import Ascent, Layer, Outcome, Step, Timing, Verdict

GOOD = Ascent("10.0.0.1", Verdict.PASS, (Step(Layer.CONNECT, Verdict.PASS),))
DEAD = Ascent("10.0.0.2", Verdict.FAIL, (), "tcp.refused", Layer.CONNECT, summary="RST after 1 ms")
HERE = Ascent("10.0.0.3", Verdict.ERROR, (), "vantage.blocked_locally", Layer.VANTAGE, summary="a rule here")


def of(every: bool) -> Check:
    """A check that wants every address, or any."""
    terms = Terms("local", "assumed", "vault-to-target", "tcp", 22, tcp.Settings(), Timing())
    return Check("pair", "pair.example", terms._replace(every_address=every))


@pytest.mark.parametrize(
    ("every", "others", "verdict", "cause"),
    [
        (False, (DEAD,), Verdict.WARN, "path.some_addresses_dead"),
        (True, (DEAD,), Verdict.FAIL, "path.some_addresses_dead"),
        (True, (HERE, DEAD), Verdict.FAIL, "path.some_addresses_dead"),
        (False, (HERE,), Verdict.WARN, "vantage.blocked_locally"),
        (True, (HERE,), Verdict.ERROR, "vantage.blocked_locally"),
    ],
)
def test_an_address_that_could_not_be_checked_is_not_dead(
    every: bool, others: tuple[Ascent, ...], verdict: Verdict, cause: str
) -> None:
    """Only what failed is the target's; what this host could not do is never a `fail`."""
    judgement = judge(of(every), Outcome(None, (GOOD, *others)))
    assert (judgement.verdict, judgement.cause) == (verdict, cause)


def test_the_dead_are_named_and_counted() -> None:
    """Those that could not be checked are not among them."""
    judgement = judge(of(False), Outcome(None, (GOOD, HERE, DEAD)))
    assert judgement.summary == "1 of 3 addresses failed: 10.0.0.2 tcp.refused"
    assert "10.0.0.2: RST after 1 ms" in judgement.evidence


def test_where_a_wrong_address_may_come_from() -> None:
    """The hosts file's address that fails is said to be the hosts file's; one that works is not."""
    by_file = Step(Layer.RESOLVE, Verdict.PASS, detail={"hosts_file": True})
    for resolve, said in ((by_file, True), (Step(Layer.RESOLVE, Verdict.PASS), False)):
        found = judge(of(False), Outcome(resolve, (DEAD,)))
        assert any("hosts file" in words for words in found.evidence) is said
