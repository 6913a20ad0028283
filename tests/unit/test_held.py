"""What samples and idle connections make of a verdict."""

import pytest

from netcheck.check import Check, Terms
from netcheck.diagnosis.judge import judge
from netcheck.diagnosis.judgement import Judgement
from netcheck.diagnosis.sampled import as_record, samples_words
from probes import tcp
from probes.contract import Ascent, Caution, Confidence, Layer, Outcome, Step, Timing, Verdict
from probes.path.samples import Samples
from probes.path.waits import Bracket, End, Held, Kept, Wait

CONNECTED = Step(Layer.CONNECT, Verdict.PASS)
GOOD = Ascent("10.0.0.1", Verdict.PASS, (CONNECTED,), duration=0.012)
WARNED = GOOD._replace(cautions=(Caution("ssh.host_key_unknown", "unknown key"),))
SILENT = Ascent(
    "10.0.0.1",
    Verdict.FAIL,
    (Step(Layer.CONNECT, Verdict.FAIL, "tcp.filtered"),),
    "tcp.filtered",
    Layer.CONNECT,
    summary="no answer to 3 SYNs in 5.0 s",
)
MUTE = Ascent("10.0.0.1", Verdict.FAIL, (CONNECTED,), "protocol.silent", Layer.PROTOCOL, summary="silence")
ALL = Samples("10.0.0.1", 20, 20, 0, 0, 0.95, (0.01,) * 20)
SOME = ALL._replace(answered=11, rtts=(0.01,) * 11)
NONE = ALL._replace(answered=0, rtts=())
FAR = ALL._replace(within=2.1, rtts=(1.2,) * 20)
COUNT = "11 of 20 handshakes completed within 950 ms"


def judged(
    ascent: Ascent, samples: Samples | None = None, held: Held | None = None, probe: str = "tcp"
) -> Judgement:
    terms = Terms("local", "declared", "vault-to-target", probe, 22, tcp.Settings(), Timing())
    return judge(Check("a", "10.0.0.1", terms), Outcome(None, (ascent,), samples=samples, held=held))


def idle(end: End, seconds: float = 600.0, kept: End | None = None, until: float = 600.0) -> Held:
    return Held("10.0.0.1", end, 600.0, seconds, kept and Kept(30, Wait(until, kept)))


@pytest.mark.parametrize(
    ("ascent", "samples", "verdict", "cause"),
    [
        (GOOD, ALL, Verdict.PASS, None),
        (GOOD, SOME, Verdict.WARN, "path.unstable"),
        (GOOD, NONE, Verdict.WARN, "path.unstable"),
        (GOOD, ALL._replace(refused=1), Verdict.WARN, "path.unstable"),
        (GOOD, FAR, Verdict.WARN, "path.slow"),
        (WARNED, ALL, Verdict.WARN, "ssh.host_key_unknown"),
        (WARNED, SOME, Verdict.WARN, "path.unstable"),
        (WARNED, FAR, Verdict.WARN, "ssh.host_key_unknown"),
        (SILENT, NONE, Verdict.FAIL, "tcp.filtered"),
        (SILENT, SOME, Verdict.WARN, "path.unstable"),
        (SILENT, SOME._replace(refused=10), Verdict.WARN, "path.unstable"),
        (SILENT, SOME._replace(refused=11), Verdict.FAIL, "tcp.refused"),
        (MUTE, SOME, Verdict.FAIL, "protocol.silent"),
    ],
)
def test_what_samples_make_of_a_verdict(
    ascent: Ascent, samples: Samples, verdict: Verdict, cause: str | None
) -> None:
    """A loss warns of what passed; it turns no failure above the handshake into anything else."""
    found = judged(ascent, samples)
    assert (found.verdict, found.cause) == (verdict, cause)
    assert samples_words(samples) in found.evidence


def test_an_unsteady_path_marks_the_step_and_keeps_the_remarks() -> None:
    """The count is the summary; what the ladder warned of is still among the warnings."""
    found = judged(WARNED, SOME)
    assert found.summary == COUNT
    assert (found.layer, found.confidence) == (Layer.CONNECT, Confidence.CERTAIN)
    assert found.steps == (CONNECTED._replace(verdict=Verdict.WARN, cause="path.unstable"),)
    assert [warned.cause for warned in found.warnings] == ["ssh.host_key_unknown"]


def test_a_loss_beside_a_failure_is_a_remark() -> None:
    """It may be the reason, and may not."""
    (warned,) = judged(MUTE, SOME).warnings
    assert (warned.cause, warned.summary) == ("path.unstable", COUNT)


def test_handshakes_do_not_stand_for_a_service() -> None:
    """Silence, then some answers: enough for a check of the handshake; one of ssh has not seen ssh."""
    climbed = SILENT._replace(steps=(*SILENT.steps, Step(Layer.PROTOCOL, Verdict.SKIP)))
    found = judged(climbed, SOME, probe="ssh")
    assert (found.verdict, found.cause, found.layer) == (Verdict.FAIL, "path.unstable", Layer.CONNECT)
    assert found.summary == f"no answer to 3 SYNs in 5.0 s; then {COUNT}"


def test_silence_beside_rejections_is_only_likely() -> None:
    """Perhaps the look's own rejection was not heard."""
    sure = SILENT._replace(confidence=Confidence.CERTAIN)
    terms = Terms("local", "declared", "vault-to-target", "tcp", 22, tcp.Settings(), Timing())
    for rejected, confidence in ((0, Confidence.CERTAIN), (2, Confidence.LIKELY)):
        outcome = Outcome(None, (sure,), samples=NONE._replace(rejected=rejected))
        found = judge(Check("a", "10.0.0.1", terms), outcome, looks=2)
        assert (found.cause, found.confidence) == ("tcp.filtered", confidence)


def test_slow_once_is_likely_and_by_the_median_certain() -> None:
    """One round trip may have met a moment's load."""
    slow = GOOD._replace(cautions=(Caution("path.slow", "1.2 s", Layer.CONNECT),))
    assert (judged(slow).cause, judged(slow).confidence) == ("path.slow", Confidence.LIKELY)
    assert (judged(slow, FAR).cause, judged(slow, FAR).confidence) == ("path.slow", Confidence.CERTAIN)
    assert judged(slow, FAR).summary == "the round trip takes 1.2 s; the vendor's bound is 900 ms"


def test_an_idle_connection_that_lived_is_evidence() -> None:
    """The verdict stays."""
    found = judged(GOOD, held=idle(End.LIVED))
    assert (found.verdict, found.summary) == (Verdict.PASS, "passed in 12 ms")
    assert "a connection left idle for 10 min still worked" in found.evidence


@pytest.mark.parametrize(
    ("kept", "sure", "beside"),
    [
        (End.LIVED, Confidence.CERTAIN, "with a keep-alive every 30 s lived as long"),
        (End.CLOSED, Confidence.LIKELY, "was closed after 2 min, which the idle ones never heard of"),
        (End.DROPPED, Confidence.UNDETERMINED, "a failover, a restart or a timeout shorter than that"),
        (End.RESET, Confidence.UNDETERMINED, "a failover, a restart or a timeout shorter than that"),
        (End.GONE, Confidence.UNDETERMINED, "could not be made"),
    ],
)
@pytest.mark.parametrize("end", [End.DROPPED, End.FORGOTTEN])
def test_an_idle_connection_that_was_dropped(end: End, kept: End, sure: Confidence, beside: str) -> None:
    """Certain where keep-alives prevent it; a failover or a restart ends them too, and no number helps."""
    found = judged(GOOD, held=idle(end, kept=kept, until=120.0))
    assert (found.verdict, found.cause, found.layer) == (Verdict.FAIL, "path.idle_dropped", Layer.CONNECT)
    assert found.confidence is sure
    assert found.summary.startswith("a connection left idle for 10 min is d")
    assert ("keep-alives every 30 s prevent it" in found.summary) is (sure is not Confidence.UNDETERMINED)
    assert beside.replace("2 min", "120 s") in found.evidence[-1]


@pytest.mark.parametrize(
    ("end", "summary"),
    [(End.RESET, "an RST ends a connection left idle"), (End.CLOSED, "a FIN ends a connection left idle")],
)
def test_an_idle_connection_that_no_timer_of_the_servers_ended(end: End, summary: str) -> None:
    """One with keep-alives lived on, and an application can't see them: likely the path's doing."""
    found = judged(GOOD, held=idle(end, 240.0, End.LIVED))
    assert (found.verdict, found.cause) == (Verdict.FAIL, "path.idle_dropped")
    assert found.confidence is Confidence.LIKELY
    assert found.summary == f"{summary}, after 4 min; keep-alives every 30 s prevent it"
    assert "an application can't see keep-alives" in found.evidence[-1]


@pytest.mark.parametrize(
    ("seconds", "kept"), [(240.0, End.RESET), (240.0, End.CLOSED), (590.0, End.LIVED), (240.0, None)]
)
def test_a_timer_that_may_be_the_servers(seconds: float, kept: End | None) -> None:
    """The connection with keep-alives was ended too, or was spared by being a second younger."""
    found = judged(GOOD, held=idle(End.RESET, seconds, kept))
    assert (found.verdict, found.cause) == (Verdict.ERROR, "probe.unsupported")


@pytest.mark.parametrize(
    ("end", "seconds", "words"),
    [
        (End.CLOSED, 120.0, "a FIN came after 120 s of idleness, by the server (sshd: LoginGraceTime) or"),
        (
            End.CLOSED,
            1.0,
            "a FIN came after 1 s of idleness, by the server or by a firewall: 10 min can't",
        ),
        (End.RESET, 240.0, "an RST came after 4 min of idleness, by the server or by a firewall"),
        (End.SPOKE, 600.0, "the server keeps speaking by itself"),
        (End.UNKNOWN, 600.0, "can't be told here"),
    ],
)
def test_what_could_not_be_tried(end: End, seconds: float, words: str) -> None:
    """An error of this check that blames nobody; that the look passed is in the evidence."""
    found = judged(GOOD, held=idle(end, seconds), probe="ssh")
    assert (found.verdict, found.cause, found.layer) == (Verdict.ERROR, "probe.unsupported", Layer.VANTAGE)
    assert words in found.summary
    assert "the check itself: passed in 12 ms" in found.evidence


def test_this_host_swallows_it() -> None:
    """The vantage's own rules, and nobody else's fault."""
    found = judged(GOOD, held=idle(End.SWALLOWED))
    assert (found.verdict, found.cause) == (Verdict.ERROR, "vantage.blocked_locally")
    assert found.summary == "this host itself swallows what is sent after 10 min of idleness"


def test_a_host_that_is_gone_meanwhile() -> None:
    """It passed, and then nothing works: no fault of idleness."""
    found = judged(GOOD, held=idle(End.GONE))
    assert (found.verdict, found.cause, found.confidence) == (
        Verdict.FAIL,
        "path.unstable",
        Confidence.LIKELY,
    )


def test_samples_in_a_record() -> None:
    """Milliseconds; what is not known is None."""
    assert as_record(None) is None
    assert as_record(SOME._replace(rtts=(0.001, 0.002, 0.0104))) == {
        "address": "10.0.0.1",
        "sent": 20,
        "answered": 11,
        "refused": 0,
        "rejected": 0,
        "within_ms": 950.0,
        "rtt_ms": {"min": 1.0, "median": 2.0, "max": 10.4},
    }
    found = as_record(NONE)
    assert found is not None
    assert found["rtt_ms"] == {"min": None, "median": None, "max": None}


@pytest.mark.parametrize(
    ("waits", "works", "verdict", "cause", "sure"),
    [
        ([(60.0, End.LIVED), (90.0, End.LIVED)], True, Verdict.PASS, None, Confidence.CERTAIN),
        ([(60.0, End.LIVED), (90.0, End.CLOSED)], True, Verdict.PASS, None, Confidence.CERTAIN),
        (
            [(60.0, End.LIVED), (90.0, End.DROPPED)],
            True,
            Verdict.FAIL,
            "path.idle_dropped",
            Confidence.CERTAIN,
        ),
        (
            [(60.0, End.DROPPED), (90.0, End.LIVED)],
            True,
            Verdict.FAIL,
            "path.idle_dropped",
            Confidence.LIKELY,
        ),
        ([(60.0, End.DROPPED)], True, Verdict.FAIL, "path.idle_dropped", Confidence.LIKELY),
        ([(60.0, End.LIVED), (61.0, End.RESET)], True, Verdict.FAIL, "path.idle_dropped", Confidence.LIKELY),
        ([(60.0, End.CLOSED), (90.0, End.LIVED)], True, Verdict.PASS, None, Confidence.CERTAIN),
        ([(60.0, End.GONE)], False, Verdict.FAIL, "path.unstable", Confidence.LIKELY),
    ],
)
def test_what_a_bracket_makes_of_a_verdict(
    waits: list[tuple[float, End]], works: bool, verdict: Verdict, cause: str | None, sure: Confidence
) -> None:
    """Certain only where the shorter waits lived and the longer ones did not; each wait is told."""
    kept = Kept(5, Wait(90.0, End.LIVED))
    bracket = Bracket("10.0.0.1", 22, tuple(Wait(*wait) for wait in waits), works, kept)
    terms = Terms("local", "declared", "vault-to-target", "tcp", 22, tcp.Settings(), Timing())
    found = judge(Check("a", "10.0.0.1", terms), Outcome(None, (GOOD,), bracket=bracket))
    assert (found.verdict, found.cause, found.confidence) == (verdict, cause, sure)
    assert f"left idle: 60 s {waits[0][1]}" in found.evidence[0]


@pytest.mark.parametrize("kept", [End.DROPPED, End.FORGOTTEN, End.RESET, End.GONE])
def test_a_failover_ends_the_one_with_keep_alives_too(kept: End) -> None:
    """Nobody is named and no number given: it is not settled that idleness is the reason."""
    waits = (Wait(60.0, End.LIVED), Wait(90.0, End.DROPPED))
    bracket = Bracket("10.0.0.1", 22, waits, True, Kept(5, Wait(70.0, kept)))
    terms = Terms("local", "declared", "vault-to-target", "tcp", 22, tcp.Settings(), Timing())
    found = judge(Check("a", "10.0.0.1", terms), Outcome(None, (GOOD,), bracket=bracket))
    assert (found.cause, found.confidence) == ("path.idle_dropped", Confidence.UNDETERMINED)
    assert "keep-alive" not in found.summary
    assert "failover" in found.evidence[-1]
