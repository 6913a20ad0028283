"""ssh: identification, algorithms, key exchange, host key and, with a credential, a login."""

from __future__ import annotations

from dataclasses import dataclass

from probes import sniff
from probes.causes import Failed
from probes.contract import Credential, Layer, Outcome, Probe, Target, Timing
from probes.ladder import Ladder, look
from probes.net.base import Connection, Network, NetworkFailure
from probes.settings import Choice, option
from probes.ssh_algorithms import KINDS, Agreement, agree, as_lists, profile, profile_names, weaknesses
from probes.ssh_socket import ReplayedSocket
from probes.ssh_wire import (
    IDENTIFICATION,
    Algorithms,
    Disconnect,
    Identification,
    identification,
    lines_before,
    opening,
)

LAYERS = (Layer.CONNECT, Layer.PROTOCOL, Layer.AUTH)

# A thread that overruns its own deadline is given up after this many seconds more.
GRACE = 1.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What the ssh probe is asked."""

    ssh_profile: str = option(
        Choice(profile_names(), "a list of algorithms"),
        "openssh",
        "whose algorithms the target is compared with",
    )


@dataclass(frozen=True, slots=True)
class Greeting:
    """What the server said in clear. `ahead` are all its bytes from the identification on."""

    identification: Identification
    server: Algorithms
    ahead: bytes


async def run(
    target: Target,
    settings: Settings,
    timing: Timing,
    network: Network,
    credential: Credential | None = None,
) -> Outcome:
    """Climb to the host key on every address of the target."""

    async def climb(ladder: Ladder) -> None:
        connection = await ladder.connect(target.port)
        with ladder.step(Layer.PROTOCOL) as rung:
            vault = profile(settings.ssh_profile)
            greeting = await _greeting(connection, ladder, rung.until)
            _compare(vault, greeting.server, ladder)
            sock = ReplayedSocket(
                connection.detach(), greeting.ahead, IDENTIFICATION.encode() + b"\r\n", connection.received
            )
            try:
                seconds = rung.until - network.now()
                key = await network.in_thread(
                    _host_key, sock, vault, greeting.server, seconds, until=rung.until + GRACE
                )
            finally:
                sock.close()
            ladder.facts["host_key"] = {"type": key.type, "bits": key.bits, "fingerprint": key.fingerprint}

    return await look(target, timing, network, LAYERS, climb)


def _host_key(sock, vault, server, seconds):
    from probes.ssh_session import open_session

    session, key = open_session(sock, vault, server, seconds)
    session.close()
    return key


async def _greeting(connection: Connection, ladder: Ladder, until: float) -> Greeting:
    """Introduce ourselves and read on until the server's offer is complete."""
    await connection.send(IDENTIFICATION.encode() + b"\r\n", until)
    data = b""
    hello: Identification | None = None
    try:
        while True:
            data += await connection.receive(until)
            hello = hello or _identified(data)
            if hello is None:
                continue
            ladder.facts["identification"] = hello.line
            match opening(data[hello.end :]):
                case Algorithms() as server:
                    return Greeting(hello, server, data[hello.start :])
                case Disconnect() as goodbye:
                    raise Failed("protocol.closed", goodbye.text)
    except NetworkFailure:
        _quote(data, hello, ladder)
        raise


def _identified(data: bytes) -> Identification | None:
    name = sniff.protocol_of(data)
    if name not in (None, "SSH"):
        raise Failed("protocol.mismatch", sniff.described(data))
    hello = identification(data)
    if hello and hello.protocol not in ("2.0", "1.99"):  # 1.99: RFC 4253 5.1
        raise Failed("protocol.mismatch", f"SSH-1 only: {hello.line!r}")
    return hello


def _quote(data: bytes, hello: Identification | None, ladder: Ladder) -> None:
    """Evidence of what a server said before it fell silent or hung up."""
    if hello:
        ladder.prove(f"it introduced itself as {hello.line}")
    for line in lines_before(data)[:3] if not hello else ():
        ladder.prove(f"it said {line[:200]!r}")


def _compare(vault: Algorithms, server: Algorithms, ladder: Ladder) -> None:
    ladder.facts["offered"] = as_lists(server)
    agreement = agree(vault, server)
    ladder.facts["agreed"] = agreement.chosen
    if agreement.missing:
        raise _nothing_in_common(agreement, vault, server)
    for weakness in weaknesses(agreement):
        ladder.caution("ssh.weak", weakness)


def _nothing_in_common(agreement: Agreement, vault: Algorithms, server: Algorithms) -> Failed:
    kind = agreement.missing[0]
    theirs, ours = getattr(server, kind), getattr(vault, kind)
    return Failed(
        "ssh.no_common_algorithm",
        f"{KINDS[kind]}: it offers only {', '.join(theirs) or 'nothing'}; the vault needs one of {len(ours)} others",
        evidence=tuple(
            f"{KINDS[kind]}: target offers {', '.join(getattr(server, kind))}; vault offers {', '.join(getattr(vault, kind))}"
            for kind in agreement.missing
        ),
    )


PROBE = Probe(
    name="ssh",
    summary="SSH identification, algorithms, host key and login",
    settings=Settings,
    layers=LAYERS,
    run=run,
    default_port=22,
    authenticates=True,
)
