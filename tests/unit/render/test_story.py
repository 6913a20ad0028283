"""The page of `diagnose` against its golden files, and what it must never say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from netcheck.check import Contact
from netcheck.diagnosis.answered import FIRST
from netcheck.record import (
    Accepted,
    AddressRecord,
    CheckRecord,
    Control,
    Hop,
    Place,
    RunRecord,
    Trace,
    Warned,
)
from netcheck.render import Options, by_name
from probes.contract import Confidence, Layer, Step, Verdict
from probes.net.base import Source

Golden = Callable[[str, Iterator[str]], None]
Make = Callable[..., CheckRecord]
Run = Callable[..., RunRecord]

RESOLVED = Step(Layer.RESOLVE, Verdict.PASS, None, 0.0012)
CONNECTED = Step(Layer.CONNECT, Verdict.PASS, None, 0.0009)
EDGE = Hop(1, "10.1.0.1", "fw1.acme.example", 0.0003)
CORE = Hop(2, "10.2.0.1", "core2.acme.example", 0.0006)
TARGET = Hop(3, "10.20.0.15", None, 0.0009)
CUSTOMER = (
    "who acts: customer, because 10.1.0.1 is in `networks: customer` (10.0.0.0/8), and so is what follows"
)


def failing(
    make: Make, cause: str, layer: Layer, summary: str, advice: str, /, **changes: Any
) -> CheckRecord:
    """A check that fails there, with the steps below it passed."""
    passed = {Layer.CONNECT: (RESOLVED,), Layer.TLS: (RESOLVED, CONNECTED)}
    passed[Layer.PROTOCOL] = passed[Layer.TLS]
    values: dict[str, Any] = {
        "probe": "tcp",
        "port": 5432,
        "verdict": Verdict.FAIL,
        "cause": cause,
        "layer": layer,
        "responsible": "customer",
        "summary": summary,
        "advice": advice,
        "evidence": (CUSTOMER,),
        "steps": (*passed[layer], Step(layer, Verdict.FAIL, cause, 5.0009)),
        "attempts": 2,
    }
    return make(**{**values, **changes})


def ssh(make: Make, **changes: Any) -> CheckRecord:
    """The sibling that works, traced as far as the target."""
    values: dict[str, Any] = {
        "port": 2222,
        "trace": Trace("tcp-ttl", (EDGE, CORE, TARGET), owners=("customer", None, "customer")),
        "facts": {"identification": "SSH-2.0-OpenSSH_9.2"},
    }
    return make(**{**values, **changes})


def silent(make: Make, **changes: Any) -> CheckRecord:
    values: dict[str, Any] = {
        "evidence": ("3 SYNs unanswered in 5.0 s, twice", CUSTOMER),
        "owner": Contact("Unix team", "unix@acme.example"),
        "controls": (
            Control("port", 41873, Verdict.FAIL, "refused by the target: the way is open for it"),
            Control("neighbour", "10.20.0.16", Verdict.FAIL, "silent too"),
        ),
        "trace": Trace("tcp-ttl", (EDGE,), owners=("customer",)),
        "where": Place("after", "10.1.0.1", "10.2.0.1"),
    }
    return failing(
        make,
        "tcp.filtered",
        Layer.CONNECT,
        "no answer to 3 SYNs in 5.0 s",
        "Open tcp/5432 from 10.9.0.7 to 10.20.0.15 (db01) in the firewalls on the way.",
        **{**values, **changes},
    )


def scenes(make: Make) -> dict[str, tuple[CheckRecord, ...]]:
    """Records as a diagnosis leaves them, by name."""
    rejected = failing(
        make,
        "tcp.rejected",
        Layer.CONNECT,
        "rejected by 10.2.0.1: administratively prohibited",
        "Open tcp/5432 from 10.9.0.7 to 10.20.0.15 (db01) on 10.2.0.1, which signed the rejection.",
        trace=Trace("tcp-ttl", (EDGE, CORE)),
        where=Place("at", "10.2.0.1"),
    )
    refused = failing(
        make,
        "tcp.refused",
        Layer.CONNECT,
        "RST after 0.9 ms",
        "Start the service on tcp/5432 of db01, or correct the port in the inventory.",
        trace=Trace("tcp-ttl", (EDGE, CORE, TARGET)),
    )
    mtu = failing(
        make,
        "path.mtu_blackhole",
        Layer.TLS,
        "connected, then silence for 5.0 s; with packets of at most 1376 bytes it works",
        "Let ICMP 'fragmentation needed' pass on the way to 10.20.0.15, or clamp the TCP segment size.",
        probe="https",
        port=443,
        controls=(
            Control("mss", 536, Verdict.PASS, "the handshake ends in 31 ms"),
            Control("mss", 1460, Verdict.FAIL, "silence again"),
        ),
        trace=Trace("tcp-ttl", (EDGE, Hop(2), TARGET), ecmp=True),
    )
    middlebox = failing(
        make,
        "path.middlebox_answers",
        Layer.PROTOCOL,
        "connected in 0.2 ms, and not a byte in 5.0 s",
        "Look behind the proxying firewall: check from its far side whether db01 answers on tcp/22.",
        probe="ssh",
        port=22,
        confidence=Confidence.LIKELY,
        controls=(Control("port", 41873, Verdict.PASS, "connects too, and nobody can have opened it"),),
        trace=Trace("tcp-ttl", (EDGE,)),
    )
    reset = failing(
        make,
        "tcp.reset_by_firewall",
        Layer.CONNECT,
        "an RST that the target did not send, from right after 10.1.0.1",
        "Open tcp/5432 from 10.9.0.7 to 10.20.0.15 on 10.1.0.1, on 10.2.0.1 or between them.",
        evidence=("the RST comes at TTL 2, where tcp/22 has only got to the router 10.2.0.1", CUSTOMER),
        trace=Trace("tcp-ttl", (EDGE,)),
        where=Place("after", "10.1.0.1", "10.2.0.1"),
    )
    idle = failing(
        make,
        "path.idle_dropped",
        Layer.CONNECT,
        "idle connections are dropped between 5 min and 7 min; set keep-alive to at most 150 s",
        "Send keep-alives more often, or raise that time on the firewalls.",
        evidence=("left idle: 3 min lived, 5 min lived, 7 min dropped, 10 min dropped", CUSTOMER),
    )
    return {
        "reset": (reset, ssh(make)),
        "idle": (idle,),
        "filtered": (silent(make), ssh(make), silent(make, port=5433)),
        "rejected": (rejected, ssh(make)),
        "refused": (refused,),
        "mtu": (mtu,),
        "middlebox": (middlebox,),
        "fine": (ssh(make), make(probe="dns", port=None, source=None)),
        "addresses": (_addresses(make),),
        "ipv6": (_ipv6(make),),
        "skipped": (_skipped(make), silent(make, accepted=Accepted("2026-12-31", "CHG-4711", "netops"))),
        "vantages": (silent(make), make(vantage="local", probe="tcp", port=5432, source=None)),
    }


def _addresses(make: Make) -> CheckRecord:
    dead = Step(Layer.CONNECT, Verdict.FAIL, "tcp.refused", 0.001)
    return make(
        target="saas",
        host="acme.vault.example",
        address="203.0.113.10",
        probe="https",
        port=443,
        name="health",
        verdict=Verdict.WARN,
        cause="path.some_addresses_dead",
        layer=Layer.CONNECT,
        responsible="undetermined",
        summary="1 of 2 addresses failed: 203.0.113.11 tcp.refused",
        evidence=("who acts: nobody can be named yet, because 203.0.113.11 is in neither network",),
        advice="Repair the addresses of acme.vault.example that fail, or take them out of DNS.",
        warnings=(Warned("tls.expires_soon", "9 days"),),
        steps=(RESOLVED, CONNECTED, Step(Layer.TLS, Verdict.PASS, None, 0.02, {"version": "TLSv1.3"})),
        addresses=(
            AddressRecord("203.0.113.10", Verdict.PASS, None, None, "", 0.11),
            AddressRecord("203.0.113.11", Verdict.FAIL, "tcp.refused", Layer.CONNECT, "RST", 0.001, (dead,)),
            AddressRecord("2001:db8::a", Verdict.SKIP, None, None, "no route to it", None),
        ),
    )


def _ipv6(make: Make) -> CheckRecord:
    return failing(
        make,
        "tcp.rejected",
        Layer.CONNECT,
        "rejected by 2001:db8:0:2::1: administratively prohibited",
        "Open tcp/5432 from 2001:db8::7 to 2001:db8:0:20::15 (db01) on the device that signed the rejection.",
        address="2001:db8:0:20::15",
        source=Source("2001:db8::7", 40000),
        trace=Trace("tcp-ttl", (Hop(1, "2001:db8:0:1::1", None, 0.0003), Hop(2, "2001:db8:0:2::1", "fw6"))),
        where=Place("at", "2001:db8:0:2::1"),
    )


def _skipped(make: Make) -> CheckRecord:
    return make(
        verdict=Verdict.SKIP,
        cause="credential.missing",
        layer=Layer.AUTH,
        responsible="operator",
        summary="edge (~/.ssh/id_ed25519 does not exist)",
        evidence=("who acts: operator, because the secret is not there",),
        advice="Put the secret where the inventory says, or correct the reference.",
        steps=(RESOLVED, CONNECTED, Step(Layer.AUTH, Verdict.SKIP, "credential.missing")),
    )


NAMES = (
    *("filtered", "rejected", "refused", "mtu", "middlebox", "fine", "addresses", "ipv6", "skipped"),
    *("vantages", "reset", "idle"),
)


@pytest.fixture
def page(a_check: Make, a_run: Run) -> Callable[..., str]:
    """The page of checks, or of a scene by its name."""

    def render(*checks: CheckRecord | str, **options: Any) -> str:
        known = scenes(a_check)
        shown = [one for check in checks for one in (known[check] if isinstance(check, str) else (check,))]
        return "".join(by_name("story").render(a_run(*shown), Options(**options)))

    return render


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", NAMES)
def test_pages(name: str, width: int, page: Callable[..., str], golden: Golden) -> None:
    """Each scene, on a narrow and on a wide terminal."""
    golden(f"story.{name}.{width}.txt", iter([page(name, width=width)]))


@pytest.mark.parametrize("name", NAMES)
def test_no_line_is_wider_than_the_terminal(name: str, page: Callable[..., str]) -> None:
    """At any width from 80 columns on; a narrower terminal gets 80."""
    for width, most in ((40, 80), (80, 80), (97, 97), (300, 120)):
        assert max(map(len, page(name, width=width).splitlines())) <= most


def test_foreign_text_is_escaped(page: Callable[..., str], a_check: Make) -> None:
    """Whatever a server, a resolver or an inventory put into the record drives no terminal."""
    evil = "\x1b[2J\r\u202e\x00{0}{x}"
    check = silent(
        a_check,
        target=f"db{evil}",
        host=f"h{evil}",
        summary=f"s{evil}",
        advice=f"Open{evil}.",
        evidence=(f"e{evil}", f"who acts: customer, because {evil}"),
        owner=Contact(f"o{evil}", f"m{evil}"),
        controls=(Control(f"v{evil}", evil, Verdict.FAIL, f"c{evil}"),),
        trace=Trace("tcp-ttl", (Hop(1, "10.1.0.1", f"n{evil}", 0.001),)),
        facts={"identification": f"i{evil}"},
        warnings=(Warned(None, f"w{evil}"),),
        accepted=Accepted(f"2026{evil}", evil, evil),
        addresses=(AddressRecord(f"a{evil}", Verdict.FAIL, f"c{evil}", None, evil, None),),
    )
    assert all(line.isprintable() for line in page(check, width=80).splitlines())


def test_lost_after_is_all_that_a_trace_claims(page: Callable[..., str]) -> None:
    """The hop may drop the packets itself, and so may the target's own filter: nobody is named."""
    shown = " ".join(page("filtered", width=120).split())
    assert "10.1.0.1 (fw1.acme.example) is the last hop that answers" in shown
    assert "lost there or on entering 10.2.0.1" in shown


def test_the_drawing_says_which_hop_a_sibling_shows(page: Callable[..., str]) -> None:
    """Both flows agree as far as both are seen, so one drawing has both, with the end between."""
    lines = page("filtered", width=120).splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("The way"))
    assert [line.split()[0] for line in lines[first + 1 : first + 5]] == ["1", "✗", "2", "3"]
    assert lines[first + 3].endswith("ssh/2222 only")
    assert not any("The way" in line for line in lines[first + 1 :])


def test_a_hop_that_is_silent_to_one_flow_is_passed_by_all(page: Callable[..., str], a_check: Make) -> None:
    """Routers send few answers: who was met further on came through this hop as well."""
    short = ssh(a_check, port=22, trace=Trace("tcp-ttl", (Hop(1), CORE, TARGET)))
    lines = page(ssh(a_check), short, width=120).splitlines()
    [row] = [line for line in lines if line.lstrip().startswith("1  10.1.0.1")]
    assert "only" not in row


def test_flows_that_differ_have_a_drawing_each(page: Callable[..., str], a_check: Make) -> None:
    """Another address at the same TTL is another way; so is another target address."""
    other = ssh(a_check, port=22, trace=Trace("tcp-ttl", (EDGE, Hop(2, "10.3.0.1"), TARGET)))
    shown = page(silent(a_check), ssh(a_check), other, width=120)
    assert "10.9.0.7 → 10.20.0.15: tcp/5432 ✗ and ssh/2222 ✓\n" in shown
    assert "10.9.0.7 → 10.20.0.15: ssh/22 ✓\n" in shown


def test_a_trace_that_met_nobody_says_so(page: Callable[..., str], a_check: Make) -> None:
    """No hop, no place."""
    shown = page(silent(a_check, trace=Trace("tcp-ttl"), where=None), width=120)
    assert "no hop answered: where it ends is not known" in shown
    assert "last hop" not in shown


def test_a_bare_connection_does_not_prove_that_the_host_is_up(
    page: Callable[..., str], a_check: Make
) -> None:
    """Only a sibling that got bytes of the target does: a middlebox completes handshakes too."""
    bare = a_check(probe="tcp", port=443, steps=(RESOLVED, CONNECTED))
    assert "the host is up" not in page(silent(a_check), bare, width=120)
    assert "the host is up" in page(silent(a_check), ssh(a_check), width=120)


def test_only_what_is_likely_names_what_could_look_the_same(page: Callable[..., str], a_check: Make) -> None:
    """And what is likely rules nothing out."""
    shown = " ".join(page(silent(a_check, confidence=Confidence.LIKELY), width=120).split())
    assert "This is likely, not proved. Look-alikes, and how they differ: tcp.host_down" in shown
    assert "Nobody rejects it" not in shown
    assert "tcp.filtered, likely:" in shown


def test_who_acts_without_a_sentence_is_the_record_s_word(page: Callable[..., str], a_check: Make) -> None:
    """A record of a run that had no such sentence."""
    lines = page(silent(a_check, evidence=(), owner=None), width=120).splitlines()
    assert "Who        customer" in lines


def test_a_log_line_is_only_of_a_flow_that_failed(page: Callable[..., str]) -> None:
    """The record of dead addresses has the source of the one that works: no log line to look for."""
    assert "51234" not in page("addresses", width=120)
    assert "10.9.0.7:51234 → 10.20.0.15:5432 at 2026-11-23 21:00:00.125 UTC" in page("filtered", width=120)


def test_a_time_and_a_flow_stay_on_one_line(page: Callable[..., str]) -> None:
    """Who searches a log copies them whole."""
    for width in range(80, 121):
        shown = page("filtered", width=width)
        assert shown.count("10.9.0.7:51234 → 10.20.0.15:5432") == 2
        assert shown.count("2026-11-23 21:00:00.125 UTC") == 5


def test_each_target_has_its_page(page: Callable[..., str], a_check: Make) -> None:
    """In the order of the inventory."""
    shown = page(ssh(a_check), ssh(a_check, target="db02"), width=120)
    assert shown.index("db01 · ") < shown.index("db02 · ")
    assert shown.count("Nothing has to be done") == 2


def test_colours_are_for_terminals(page: Callable[..., str]) -> None:
    """Only the signs are painted, and only when asked for."""
    assert "\x1b" not in page("filtered")
    painted = page("filtered", color=True)
    assert "\x1b[31m✗\x1b[0m fail" in painted
    assert painted.replace("\x1b[31m", "").replace("\x1b[32m", "").replace("\x1b[0m", "") == page("filtered")


def test_what_is_likely_is_not_told_as_if_it_were_certain(page: Callable[..., str], a_check: Make) -> None:
    """An RST that may be a firewall's is not called the target's refusal."""
    refused = scenes(a_check)["refused"][0]
    sure = " ".join(page(refused, width=120).split())
    perhaps = " ".join(page(refused._replace(confidence=Confidence.LIKELY), width=120).split())
    assert "is refused at the target: nothing listens there, or a filter refuses" in sure
    assert "is refused at the target:" not in perhaps
    assert "tcp/5432 is probably refused at the target" in perhaps


def test_what_something_else_answers_is_not_lost(page: Callable[..., str], a_check: Make) -> None:
    """The connection opens behind a hop, or before the first one; nothing of that is called lost."""
    answered = scenes(a_check)["middlebox"][0]
    after = " ".join(page(answered._replace(where=Place("after", "10.1.0.1")), width=120).split())
    assert "✗ ssh/22 is probably answered in the target's place after 10.1.0.1" in after
    assert "10.1.0.1 (fw1.acme.example) is the last hop before the answer" in after
    assert " lost " not in after


def test_what_is_answered_before_the_first_hop_is_drawn_above_all(
    page: Callable[..., str], a_check: Make
) -> None:
    """Beside a flow that goes all the way, and alone."""
    answered = scenes(a_check)["middlebox"][0]._replace(evidence=(FIRST,), trace=Trace("tcp-ttl"))
    for checks in ((answered,), (answered, ssh(a_check))):
        lines = page(*checks, width=120).splitlines()
        first = next(number for number, line in enumerate(lines) if line.startswith("The way"))
        assert (
            lines[first + 1]
            .split("  ")[-1]
            .endswith("✗ ssh/22 is probably answered in the target's place at the first hop or before it")
        )
        assert "no hop answered" not in "".join(lines)


def test_a_control_that_names_what_it_varied_is_said_once(page: Callable[..., str], a_check: Make) -> None:
    """The summary alone, and no proof that repeats it."""
    words = "tcp/41873 of 10.20.0.15, which nobody uses, is refused by an RST"
    check = silent(
        a_check,
        controls=(Control("port", 41873, Verdict.FAIL, words),),
        evidence=(f"beside it: {words}",),
    )
    shown = page(check, width=120)
    assert shown.count(words) == 1
    assert "same host, port 41873" not in shown


def test_a_loop_is_drawn_once(page: Callable[..., str], a_check: Make) -> None:
    """Two routers that send it to each other are two rows, not thirty."""
    hops = tuple(Hop(ttl, "10.2.0.1" if ttl % 2 else "10.3.0.1", None, 0.001) for ttl in range(2, 19))
    looping = failing(
        a_check,
        "tcp.no_route",
        Layer.CONNECT,
        "ICMP 11/0 (time to live exceeded in transit) from 10.3.0.1: a routing loop",
        "Add a route.",
        trace=Trace("tcp-ttl", (EDGE, *hops)),
        where=Place("at", "10.3.0.1"),
    )
    lines = page(looping, width=120).splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("The way"))
    drawn = [line.split() for line in lines[first + 1 : first + 6]]
    assert [words[:2] for words in drawn[:3]] == [["1", "10.1.0.1"], ["2", "10.3.0.1"], ["✗", "tcp/5432"]]
    assert drawn[3][:2] == ["3", "10.2.0.1"]
    assert " ".join(drawn[4]) == "… the same hops by turns, up to TTL 18: a routing loop"


def test_a_proof_of_all_is_said_once(page: Callable[..., str], a_check: Make) -> None:
    """Without a name; one that only some have is said with theirs."""
    both = "hop 1 answers, nothing after it does"
    one = silent(a_check, evidence=(both, "3 SYNs unanswered"))
    other = silent(a_check, port=5433, evidence=(both,))
    lines = [line.strip() for line in page(one, other, width=120).splitlines()]
    assert lines.count(f"· {both}") == 1
    assert "· tcp/5432: 3 SYNs unanswered" in lines


def test_no_log_is_asked_about_a_certificate(page: Callable[..., str], a_check: Make) -> None:
    """Its dates stand in no log; a handshake that hangs does."""
    expired = failing(
        a_check, "tls.expired", Layer.TLS, "expired 12 days ago", "Renew it.", probe="tls", port=443
    )
    assert "look for" not in page(expired, width=120)
    assert "In the logs, look for" in page(expired._replace(cause="tls.timeout"), width=120)


@pytest.mark.parametrize(
    ("cause", "summary", "confidence", "told"),
    [
        (
            "path.unstable",
            "it passed; later a new connection does not work either",
            Confidence.CERTAIN,
            "works at some times and not at others: it passed; later a new connection does not work either.",
        ),
        (
            "path.idle_dropped",
            "idle connections died between 5 s and 7 s",
            Confidence.UNDETERMINED,
            "connections that are left idle do not last: idle connections died between 5 s and 7 s.",
        ),
    ],
)
def test_what_happened_is_the_checks_own_sentence(
    page: Callable[..., str], a_check: Make, cause: str, summary: str, confidence: Confidence, told: str
) -> None:
    """It failed first or passed first; whether idleness is the reason may not be settled."""
    given = {"verdict": Verdict.FAIL, "layer": Layer.CONNECT, "confidence": confidence}
    text = " ".join(page(a_check(cause=cause, summary=summary, **given)).split())
    assert told in text


def test_a_signer_whose_distance_was_not_seen_stands_after_the_last_hop(
    page: Callable[..., str], a_check: Make
) -> None:
    """No row is drawn for hops that may have been unheard only."""
    check = failing(
        a_check,
        "tcp.rejected",
        Layer.CONNECT,
        "ICMP 3/13 from 10.2.0.1",
        "Open it.",
        trace=Trace("tcp-ttl", (EDGE,)),
        where=Place("at", "10.2.0.1"),
    )
    shown = page(check, width=120)
    assert "…  10.2.0.1  signed the answer to tcp/5432; how far away was not seen" in shown
    assert "rejected by 10.2.0.1" in shown
    assert "no answer" not in shown
    alone = page(check._replace(trace=Trace("tcp-ttl")), width=120)
    assert "no hop answered" not in alone


def test_nobody_signs_a_routing_loop(page: Callable[..., str], a_check: Make) -> None:
    """Those who send it round are told; who said last that its time was up is chance."""
    ways = [EDGE, *(Hop(ttl, f"10.{2 + ttl % 2}.0.1") for ttl in range(2, 8))]
    check = failing(
        a_check,
        "tcp.no_route",
        Layer.CONNECT,
        "ICMP 11/0 from 10.3.0.1: a routing loop",
        "Add a route.",
        trace=Trace("tcp-ttl", tuple(ways)),
        where=Place("at", "10.2.0.1"),
        confidence=Confidence.LIKELY,
    )
    shown = " ".join(page(check, width=120).split())
    assert "sent round in circles by 10.2.0.1 and 10.3.0.1: a routing loop" in shown
    assert "signed" not in shown
    assert "reports it" not in shown


def test_what_a_trace_opened_is_told_as_unstable(page: Callable[..., str], a_check: Make) -> None:
    """It did not work when it was looked at again; the flow that failed is for the logs."""
    check = failing(
        a_check,
        "path.unstable",
        Layer.CONNECT,
        "RST after 0.2 ms; and yet one SYN of the trace was answered by a handshake",
        "Run it again.",
        confidence=Confidence.LIKELY,
    )
    shown = " ".join(page(check, width=120).split())
    assert "works at some times and not at others" in shown
    assert "worked when it was looked at again" not in shown
    assert "10.9.0.7:51234 → 10.20.0.15:5432 at" in page(check, width=120).replace("\xa0", " ")
