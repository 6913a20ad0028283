"""The dns probe and the explanation of failed lookups, against scripted DNS servers."""

import asyncio
import itertools
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from probes import dns as dns_probe
from probes.contract import Ascent, Confidence, Target, Timing, Verdict
from probes.dns import Settings
from probes.net import dnswire, lookup
from probes.net.base import ConnectFailed, Icmp, LookupFailed, TimedOut
from probes.net.dnswire import StubConfig, candidates
from probes.net.scripted import Scripted
from probes.net.threads import Threads

ONE, TWO = ("10.0.0.53", 53), ("10.0.0.54", 53)
Server = Callable[[bytes], bytes]


def server(zone: dict[str, list[str]], rcode: dns.rcode.Rcode = dns.rcode.NXDOMAIN) -> Server:
    """A DNS server that knows these names and says `rcode` for all others."""

    def answer(datagram: bytes) -> bytes:
        query = dns.message.from_wire(datagram)
        reply = dns.message.make_response(query)
        question = query.question[0]
        records = zone.get(question.name.to_text())
        if records is None:
            reply.set_rcode(rcode)
            return reply.to_wire()
        kind = dns.rdatatype.to_text(question.rdtype)
        fitting = [one for one in records if (":" in one) == (kind == "AAAA")]
        if fitting and kind in ("A", "AAAA"):
            reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *fitting))
        return reply.to_wire()

    return answer


DB = {"db.acme.example.": ["10.20.0.15"]}


@pytest.fixture(autouse=True)
def _resolv_conf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two servers and one search suffix, whatever this machine has."""
    monkeypatch.setattr(dnswire, "system_config", lambda: StubConfig((ONE, TWO), ("acme.example",), 1))


def ask(servers: dict[Any, Any], host: str = "db.acme.example", **settings: Any) -> Ascent:
    """One look of the dns probe."""
    network = Scripted({}, datagrams=servers)
    outcome = asyncio.run(dns_probe.run(Target(host, None), Settings(**settings), Timing(), network))
    return outcome.ascents[0]


def test_a_name_is_found() -> None:
    """The address is what the check shows; the server's words are the evidence."""
    ascent = ask({ONE: server(DB)})
    assert (ascent.verdict, ascent.address) == (Verdict.PASS, "10.20.0.15")
    assert ascent.evidence == ("10.0.0.53 says 10.20.0.15 for db.acme.example.",)


def test_a_server_that_fails_for_ipv6_only() -> None:
    """Programs get the IPv4 address; the failure for AAAA is told, unless AAAA alone was asked."""

    def half(datagram: bytes) -> bytes:
        asked = dns.message.from_wire(datagram).question[0].rdtype
        return server(DB if asked == dns.rdatatype.A else {}, dns.rcode.SERVFAIL)(datagram)

    ascent = ask({ONE: half})
    assert (ascent.verdict, ascent.address) == (Verdict.PASS, "10.20.0.15")
    assert "but of AAAA: 10.0.0.53 says SERVFAIL" in ascent.evidence[0]
    assert ask({ONE: half, TWO: half}, type="AAAA").cause == "dns.servfail"


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (server({}), "dns.nxdomain"),
        (server({"db.acme.example.": []}), "dns.no_address"),
        (server({}, dns.rcode.SERVFAIL), "dns.servfail"),
        (server({}, dns.rcode.REFUSED), "dns.refused"),
        (None, "dns.timeout"),
        (lambda _: b"\x00garbage", "dns.servfail"),
    ],
)
def test_each_refusal_has_its_code(answer: Server | None, cause: str) -> None:
    """What both servers say is the cause."""
    servers = {ONE: answer, TWO: answer} if answer else {}
    assert ask(servers).cause == cause


def test_the_next_server_is_asked_and_the_first_remarked_on() -> None:
    """As a stub resolver does; a silent first server is worth knowing."""
    ascent = ask({TWO: server(DB)})
    assert ascent.verdict is Verdict.PASS
    told = next(caution for caution in ascent.cautions if caution.cause)
    assert told.cause == "dns.timeout"
    assert told.text.startswith("10.0.0.53 did not answer for db.acme.example.: each lookup waits")
    second_dead = ask({ONE: server(DB)})
    assert not [caution for caution in second_dead.cautions if caution.cause]
    assert "10.0.0.54 did not answer for db.acme.example." in [one.text for one in second_dead.cautions]


def test_named_resolvers_must_all_know_the_name() -> None:
    """One of two that does not is the failure."""
    ascent = ask({ONE: server(DB), TWO: server({})}, resolvers=(ONE, TWO))
    assert ascent.cause == "dns.split"
    assert len(ascent.evidence) == 2
    assert ask({ONE: server({}), TWO: server({})}, resolvers=(ONE, TWO)).cause == "dns.nxdomain"


def test_of_the_systems_servers_the_first_decides() -> None:
    """Programs ask the first; that the second says otherwise shows once the first is silent."""
    first_knows = ask({ONE: server(DB), TWO: server({})})
    assert first_knows.verdict is Verdict.PASS
    assert "dns.split" in [caution.cause for caution in first_knows.cautions]
    assert ask({ONE: server({}), TWO: server(DB)}).cause == "dns.split"


def inventive(zone: dict[str, list[str]], invented: str, under: str = ".") -> Server:
    """A server that gives this address for whatever it does not know, under a suffix."""
    known = server(zone)

    def answer(datagram: bytes) -> bytes:
        name = dns.message.from_wire(datagram).question[0].name.to_text()
        if name in zone or not name.endswith(under):
            return known(datagram)
        return server({name: [invented]})(datagram)

    return answer


def test_an_answer_that_is_given_for_anything_is_hijacked() -> None:
    """A name below .invalid can't exist (RFC 6761 6.4), and gets the same address."""
    ascent = ask({ONE: inventive({}, "10.99.0.1")}, "old.acme.example")
    assert (ascent.verdict, ascent.cause) == (Verdict.FAIL, "dns.hijacked")
    assert "10.99.0.1" in ascent.summary


def test_a_server_that_invents_others_may_know_this_one() -> None:
    """Its answer for the name is another: a remark, and no failure."""
    ascent = ask({ONE: inventive(DB, "10.99.0.1")})
    assert (ascent.verdict, ascent.cause) == (Verdict.PASS, None)
    assert any("invents answers" in caution.text for caution in ascent.cautions)


def test_a_wildcard_under_a_search_suffix_answers_for_any_short_name() -> None:
    """The name is found only by the suffix, and so is any other."""
    ascent = ask({ONE: inventive({}, "10.99.0.2", ".acme.example.")}, "db1")
    assert (ascent.cause, ascent.confidence) == ("dns.hijacked", Confidence.LIKELY)
    assert "db1.acme.example." in ascent.summary
    assert ask({ONE: server({"db1.acme.example.": ["10.20.0.15"]})}, "db1").verdict is Verdict.PASS


def test_a_public_address_where_a_private_one_is_due() -> None:
    """The words say what it looks like."""
    ascent = ask({ONE: server({"db.acme.example.": ["8.8.4.4"]})}, addresses=("10.20.0.0/24",))
    assert ascent.cause == "dns.mismatch"
    assert "a public address where a private one is due" in ascent.summary


def test_servers_that_disagree_are_split_and_pools_are_not() -> None:
    """Inside and outside of one name; two members of one pool are no split."""
    inside, outside = server(DB), server({"db.acme.example.": ["8.8.4.4"]})
    assert ask({ONE: inside, TWO: outside}, resolvers=(ONE, TWO)).cause == "dns.split"
    assert "dns.split" in [caution.cause for caution in ask({ONE: inside, TWO: outside}).cautions]
    other = server({"db.acme.example.": ["10.20.0.16"]})
    assert ask({ONE: inside, TWO: other}, resolvers=(ONE, TWO)).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("expected", "cause"), [(None, None), (("10.20.0.15",), "dns.mismatch"), (("10.0.0.0/8",), None)]
)
def test_what_programs_get_may_be_a_hosts_files(expected: tuple[str, ...] | None, cause: str | None) -> None:
    """The system's own lookup says something else than DNS."""
    network = Scripted({}, {"db.acme.example": ("10.99.0.9",)}, datagrams={ONE: server(DB)})
    asked = dns_probe.run(Target("db.acme.example", None), Settings(addresses=expected), Timing(), network)
    ascent = asyncio.run(asked).ascents[0]
    assert ascent.cause == cause
    if cause is None:
        assert "dns.split" in [caution.cause for caution in ascent.cautions]
    else:
        assert "hosts file" in ascent.summary


@pytest.mark.parametrize(
    ("expected", "cause"),
    [
        (("10.20.0.15",), None),
        (("10.20.0.0/24",), None),
        (("10.20.0.16",), "dns.mismatch"),
        (("10.20.0.15", "10.20.0.16"), "dns.mismatch"),
        (("10.30.0.0/16",), "dns.mismatch"),
    ],
)
def test_expected_addresses(expected: tuple[str, ...], cause: str | None) -> None:
    """Single addresses are an exact set, networks must contain what comes."""
    assert ask({ONE: server(DB)}, addresses=expected).cause == cause


def test_the_search_list_is_used_as_the_stub_does() -> None:
    """A short name is tried with the suffix first, a dotted one as it stands."""
    assert ask({ONE: server(DB)}, "db").verdict is Verdict.PASS
    config = StubConfig((), ("a.example", "b.example"), 1)
    assert candidates("x.y", config)[0] == "x.y."
    assert candidates("x.", config) == ("x.",)


def test_a_forged_answer_is_not_believed() -> None:
    """A reply to another question is ignored, and the question asked again."""
    right = server(DB)
    replies: list[Server] = [
        lambda _: dns.message.make_response(dns.message.make_query("evil.example", "A")).to_wire()
    ]

    def answer(datagram: bytes) -> bytes:
        return replies.pop()(datagram) if replies else right(datagram)

    assert ask({ONE: answer}, type="A").address == "10.20.0.15"


def test_what_can_t_be_read_does_not_hide_the_answer() -> None:
    """Anybody may send a datagram; where nothing else comes it is the server's."""
    right, first = server(DB), [True]

    def answer(datagram: bytes) -> bytes:
        return right(datagram)[:20] + b"\xc0\x14" * 10 if first and first.pop() else right(datagram)

    assert ask({ONE: answer}, type="A", resolvers=(ONE,)).address == "10.20.0.15"
    never = ask({ONE: lambda datagram: datagram[:3]}, type="A", resolvers=(ONE,))
    assert (never.cause, "can't be read" in never.summary) == ("dns.servfail", True)


def test_an_answer_that_is_cut_over_tcp_as_well() -> None:
    """It does not say that there is no address."""

    def cut(datagram: bytes) -> bytes:
        reply = dns.message.make_response(dns.message.from_wire(datagram))
        reply.flags |= dns.flags.TC
        return reply.to_wire()

    def stream(sent: bytes) -> bytes:
        wire = cut(sent[2:])
        return len(wire).to_bytes(2, "big") + wire

    network = Scripted({ONE: [stream]}, datagrams={ONE: cut})
    settings = Settings(type="A", resolvers=(ONE,))
    outcome = asyncio.run(dns_probe.run(Target("db.acme.example", None), settings, Timing(), network))
    assert (outcome.ascents[0].cause, "over TCP" in outcome.ascents[0].summary) == ("dns.servfail", True)


def chain_of(count: int) -> Callable[[dns.message.Message], None]:
    """An answer with so many aliases, and an address at their end."""

    def change(reply: dns.message.Message) -> None:
        names = [reply.question[0].name.to_text(), *(f"c{number}.cdn.example." for number in range(count))]
        reply.answer = [
            dns.rrset.from_text(name, 60, "IN", "CNAME", target) for name, target in itertools.pairwise(names)
        ]
        reply.answer.append(dns.rrset.from_text(names[-1], 60, "IN", "A", "10.20.0.15"))

    return change


def test_a_chain_of_aliases_is_no_circle() -> None:
    """Too long a one fails as itself."""
    assert ask({ONE: altered(chain_of(15))}, type="A", resolvers=(ONE,)).address == "10.20.0.15"
    long = ask({ONE: altered(chain_of(17))}, type="A", resolvers=(ONE,))
    assert (long.cause, "first of 17 aliases in a row" in long.summary) == ("dns.servfail", True)
    circle = ask({ONE: altered(alias_of_itself)}, type="A", resolvers=(ONE,))
    assert "an alias that leads to itself" in circle.summary


def test_a_long_answer_comes_over_tcp() -> None:
    """Truncated over UDP, whole over TCP (RFC 7766)."""

    def cut(datagram: bytes) -> bytes:
        reply = dns.message.make_response(dns.message.from_wire(datagram))
        reply.flags |= dns.flags.TC
        return reply.to_wire()

    def stream(sent: bytes) -> bytes:
        wire = server(DB)(sent[2:])
        return len(wire).to_bytes(2, "big") + wire

    network = Scripted({ONE: [stream]}, datagrams={ONE: cut})
    settings = Settings(type="A")
    outcome = asyncio.run(dns_probe.run(Target("db.acme.example", None), settings, Timing(), network))
    assert outcome.ascents[0].address == "10.20.0.15"


def explained(
    monkeypatch: pytest.MonkeyPatch, error: OSError, servers: dict[Any, Any], host: str = "db.acme.example"
) -> LookupFailed:
    """How a failure of the system's lookup is explained."""

    def system(host: str) -> tuple[str, ...]:
        raise error

    monkeypatch.setattr(lookup, "_system", system)

    async def main() -> LookupFailed:
        network = Scripted({}, datagrams=servers)
        with pytest.raises(LookupFailed) as caught:
            await lookup.Lookup(network, Threads()).resolve(host, 1.0)
        return caught.value

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("code", "answers", "reason", "certain"),
    [
        (socket.EAI_NONAME, [server({}), server({})], "nxdomain", True),
        (socket.EAI_AGAIN, [server({}, dns.rcode.SERVFAIL)] * 2, "servfail", True),
        (socket.EAI_AGAIN, [server({}, dns.rcode.REFUSED)] * 2, "refused", True),
        (socket.EAI_AGAIN, [], "timeout", True),
        (socket.EAI_NONAME, [server(DB)] * 2, "nxdomain", False),
    ],
)
def test_dns_explains_the_systems_failure(
    monkeypatch: pytest.MonkeyPatch, code: int, answers: list[Server], reason: str, certain: bool
) -> None:
    """The library's EAI_AGAIN hides three reasons; where DNS knows the name, the reason is only likely."""
    servers = dict(zip((ONE, TWO), answers, strict=False))
    failed = explained(monkeypatch, socket.gaierror(code, "x"), servers)
    assert (failed.reason, failed.certain) == (reason, certain)


def test_the_search_list_is_walked_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead first server made the system's lookup too slow; the name exists under the second suffix."""
    config = StubConfig((ONE, TWO), ("corp.example", "acme.example"), 1)
    monkeypatch.setattr(dnswire, "system_config", lambda: config)
    failed = explained(monkeypatch, socket.gaierror(socket.EAI_AGAIN, "x"), {TWO: server(DB)}, "db")
    assert (failed.reason, failed.certain) == ("timeout", False)
    assert "10.0.0.54 says 10.20.0.15 for db.acme.example." in failed.text
    assert "10.0.0.53 did not answer" in failed.text


@pytest.mark.parametrize("listed", ["10.20.0.77", "10.20.0.78"])
def test_an_address_of_the_hosts_file_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, listed: str
) -> None:
    """Whoever fails with it need not look for a firewall first."""
    file = tmp_path / "hosts"
    file.write_text(f"{listed} db.acme.example\n")
    monkeypatch.setattr(lookup, "HOSTS", file)
    monkeypatch.setattr(lookup, "_system", lambda host: ("10.20.0.77",))
    found = asyncio.run(lookup.Lookup(Scripted({}), Threads()).resolve("db.acme.example", 1.0))
    assert found.listed is (listed == "10.20.0.77")


def test_a_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All who ask for a name share the lookup; a failure is shared too."""
    calls: list[str] = []

    def system(host: str) -> tuple[str, ...]:
        calls.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "x")

    monkeypatch.setattr(lookup, "_system", system)

    async def main() -> list[object]:
        found = lookup.Lookup(Scripted({}, datagrams={ONE: server({}), TWO: server({})}), Threads())
        asked = (found.resolve("db", 1.0) for _ in range(3))
        return [*await asyncio.gather(*asked, return_exceptions=True)]

    assert [type(failure) for failure in asyncio.run(main())] == [LookupFailed] * 3
    assert calls == ["db"]


def test_a_hosts_file_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Comments are none of its lines; a name has any case."""
    file = tmp_path / "hosts"
    file.write_text(
        "10.0.0.1 db.acme.example db # old: \n#10.0.0.2 db.acme.example\n10.0.0.3 DB.acme.example\n"
    )
    monkeypatch.setattr(lookup, "HOSTS", file)
    assert lookup.hosts_file("db.ACME.example") == ("10.0.0.1", "10.0.0.3")
    monkeypatch.setattr(lookup, "HOSTS", tmp_path / "none")
    assert lookup.hosts_file("db") == ()


def test_a_hosts_file_that_pins_a_public_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two public addresses may be a pool's, unless the file says where one comes from."""
    name, found = "db.acme.example", {"db.acme.example.": ["203.0.113.1"]}

    def told() -> list[str | None]:
        network = Scripted({}, {name: ("203.0.113.2",)}, datagrams={ONE: server(found)})
        outcome = asyncio.run(dns_probe.run(Target(name, None), Settings(), Timing(), network))
        return [caution.cause for caution in outcome.ascents[0].cautions]

    assert "dns.split" not in told()
    monkeypatch.setattr(dns_probe, "hosts_file", lambda host: ("203.0.113.2",))
    assert "dns.split" in told()


NOBODYS = (
    *("0.0.0.0", "127.0.0.1", "::", "::1", "::ffff:127.0.0.1"),
    *("224.0.0.1", "ff02::1", "255.255.255.255"),
)
UNUSUAL = ("240.0.0.1", "169.254.169.254", "fe80::1")


@pytest.mark.parametrize("address", NOBODYS)
def test_an_address_that_is_no_other_host_s(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """As filters answer; unless it is declared, by the inventory or by the hosts file."""
    said = {ONE: server({"db.acme.example.": [address]})}
    ascent = ask(said)
    assert (ascent.cause, ascent.confidence) == ("dns.hijacked", Confidence.LIKELY)
    assert ask(said, addresses=(address,)).verdict is Verdict.PASS
    monkeypatch.setattr(dns_probe, "hosts_file", lambda host: (address,))
    assert ask(said).verdict is Verdict.PASS


@pytest.mark.parametrize("address", UNUSUAL)
def test_an_address_that_some_networks_use(address: str) -> None:
    """Link-local and 240/4 serve meshes and clouds: a warning, unless it is declared."""
    said = {ONE: server({"db.acme.example.": [address]})}
    ascent = ask(said)
    assert ascent.verdict is Verdict.PASS
    assert "dns.hijacked" in [caution.cause for caution in ascent.cautions]
    assert "dns.hijacked" not in [caution.cause for caution in ask(said, addresses=(address,)).cautions]


@pytest.mark.parametrize("address", [*NOBODYS, *UNUSUAL])
def test_such_an_address_beside_a_host_s(address: str) -> None:
    """Some programs take it: a warning, unless it is declared."""
    said = {ONE: server({"db.acme.example.": ["10.20.0.15", address]})}
    ascent = ask(said)
    assert ascent.verdict is Verdict.PASS
    [told] = [caution for caution in ascent.cautions if caution.cause]
    assert told.cause == "dns.hijacked"
    assert f"of these {address} can't be another host's" in told.text
    assert not [one for one in ask(said, addresses=("10.20.0.15", address)).cautions if one.cause]


def lying(invented: str, spared: str = "invalid.") -> Server:
    """A server that gives this address for all names but those under one suffix."""
    return lambda datagram: (
        server({})(datagram)
        if dns.message.from_wire(datagram).question[0].name.to_text().endswith(spared)
        else server({dns.message.from_wire(datagram).question[0].name.to_text(): [invented]})(datagram)
    )


@pytest.mark.parametrize("host", ["acme.vault.example", "nosuchname.acme-typo.example", "vault.com", "db1"])
def test_a_server_that_invents_all_but_invalid_names(host: str) -> None:
    """It spares the name by which invention is told: a name of another zone gets the same."""
    ascent = ask({ONE: lying("203.0.113.10")}, host, resolvers=(ONE,))
    assert (ascent.verdict, ascent.cause) == (Verdict.FAIL, "dns.hijacked")
    assert ascent.confidence is Confidence.CERTAIN
    assert "203.0.113.10, as it does for names that do not exist" in ascent.summary


def test_a_wildcard_record_of_the_owner_is_no_invention() -> None:
    """Its zone alone gets the answer, and no name is asked for elsewhere but where a sibling gets it."""
    asked: list[str] = []

    def noting(answer: Server) -> Server:
        def note(datagram: bytes) -> bytes:
            asked.append(dns.message.from_wire(datagram).question[0].name.to_text())
            return answer(datagram)

        return note

    wild = noting(inventive({}, "10.20.7.8", ".apps.acme.example."))
    ascent = ask({ONE: wild}, "shop.apps.acme.example", resolvers=(ONE,))
    assert ascent.verdict is Verdict.PASS
    assert not [caution for caution in ascent.cautions if caution.cause]
    assert "any name under apps.acme.example. gets the same answer, by a wildcard record" in ascent.evidence
    assert any(name.endswith(".com.") for name in asked)
    failing = altered(no_internet, {})
    doubted = ask({ONE: lambda data: (failing if b"\x03com" in data else wild)(data)}, "a.apps.acme.example")
    assert doubted.verdict is Verdict.PASS
    assert "unless the server invents answers" in " ".join(doubted.evidence)
    asked.clear()
    ask({ONE: noting(server(DB))}, resolvers=(ONE,))
    assert {name.partition(".")[2] for name in asked} == {"acme.example.", "invalid."}
    asked.clear()
    ask({ONE: noting(server({}))}, resolvers=(ONE,))
    assert "acme.example." not in {name.partition(".")[2] for name in asked if not name.startswith("db.")}


def test_servers_with_private_addresses_of_different_sites() -> None:
    """One of them may be stale; neither is known to be, so it is a caution."""
    other = server({"db.acme.example.": ["10.77.0.5"]})
    ascent = ask({ONE: server(DB), TWO: other}, resolvers=(ONE, TWO))
    assert ascent.verdict is Verdict.PASS
    assert "dns.split" in [caution.cause for caution in ascent.cautions]


def test_a_type_that_is_never_answered_delays_each_lookup() -> None:
    """Beside it the other type's addresses are found."""

    async def main() -> dnswire.Answer:
        network = Half({}, datagrams={ONE: server(DB)})
        return await dnswire.ask(network, ONE, "db.acme.example.", ("A", "AAAA"), 5.0)

    answer = asyncio.run(main())
    assert (answer.status, answer.records) == ("found", ("10.20.0.15",))
    assert [(kind, failure.status) for kind, failure in answer.without] == [("AAAA", "timeout")]


class Half(Scripted):
    """A network where questions for IPv6 addresses get lost."""

    async def exchange(self, server: Any, datagram: bytes, until: float, read: Any) -> Any:
        if dns.message.from_wire(datagram).question[0].rdtype == dns.rdatatype.AAAA:
            raise TimedOut(until)
        return await super().exchange(server, datagram, until, read)


def test_a_silent_server_is_asked_over_tcp_in_time() -> None:
    """The same question over TCP does not wait for the deadline of the one over UDP."""
    stream = [lambda sent: (wire := server(DB)(sent[2:])) and len(wire).to_bytes(2, "big") + wire]
    network = Scripted({ONE: stream}, datagrams={})
    settings = Settings(resolvers=(ONE,))
    outcome = asyncio.run(dns_probe.run(Target("db.acme.example", None), settings, Timing(), network))
    ascent = outcome.ascents[0]
    assert ascent.cause == "dns.timeout"
    assert any("answers over TCP" in sentence for sentence in ascent.evidence)


def test_a_name_with_its_final_dot_has_no_suffix() -> None:
    """A wildcard of its own zone answers for what is under it as well, and is no search list's."""
    wild = inventive({}, "10.20.7.8", ".apps.acme.example.")
    assert ask({ONE: wild}, "shop.apps.acme.example.").verdict is Verdict.PASS


def altered(change: Callable[[dns.message.Message], None], zone: dict[str, list[str]] = DB) -> Server:
    """A server whose answers are changed at the end."""

    def answer(datagram: bytes) -> bytes:
        reply = dns.message.from_wire(server(zone)(datagram))
        change(reply)
        return reply.to_wire()

    return answer


def alias_of_itself(reply: dns.message.Message) -> None:
    name = reply.question[0].name
    reply.answer = [dns.rrset.from_text(name, 60, "IN", "CNAME", name.to_text())]


def no_internet(reply: dns.message.Message) -> None:
    reply.set_rcode(dns.rcode.SERVFAIL)


def referring(reply: dns.message.Message) -> None:
    reply.answer = []
    reply.authority.append(dns.rrset.from_text("acme.example.", 60, "IN", "NS", "ns.acme.example."))


def of_another_name(reply: dns.message.Message) -> None:
    reply.answer = [dns.rrset.from_text("evil.example.", 60, "IN", "A", "10.0.0.1")]


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (alias_of_itself, "dns.servfail"),
        (referring, "dns.servfail"),
        (of_another_name, "dns.no_address"),
        (lambda reply: None, None),
    ],
)
def test_answers_that_lead_nowhere(change: Callable[[dns.message.Message], None], cause: str | None) -> None:
    """A loop of aliases, servers to ask instead, another name's address."""
    assert ask({ONE: altered(change)}, resolvers=(ONE,)).cause == cause


def test_a_server_from_before_edns() -> None:
    """It does not understand the question with EDNS, and answers one without."""

    def old(datagram: bytes) -> bytes:
        edns = dns.message.from_wire(datagram).edns >= 0
        return server({} if edns else DB, dns.rcode.FORMERR)(datagram)

    assert ask({ONE: old}, resolvers=(ONE,)).verdict is Verdict.PASS


def test_a_server_that_does_not_listen() -> None:
    """Its own ICMP says so, and no firewall's."""
    closed = ConnectFailed(111, icmp=Icmp(4, 3, 3, ONE[0]))
    assert ask({ONE: closed}, resolvers=(ONE,)).cause == "dns.refused"
    walled = ConnectFailed(111, icmp=Icmp(4, 3, 3, "10.9.0.1"))
    assert ask({ONE: walled}, resolvers=(ONE,)).cause == "dns.timeout"
