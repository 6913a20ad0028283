"""What the server says in clear: read, quoted as evidence, and compared with the vault's algorithms."""

from __future__ import annotations

from dataclasses import dataclass

from probes import sniff
from probes.causes import Failed
from probes.ladder import Ladder
from probes.net.base import Connection, NetworkFailure
from probes.ssh_algorithms import KINDS, Agreement, agree, as_lists, weaknesses
from probes.ssh_wire import (
    IDENTIFICATION,
    Algorithms,
    Disconnect,
    Identification,
    farewell,
    identification,
    lines_before,
    opening,
)

OUR_LINE = IDENTIFICATION.encode() + b"\r\n"

# The words of OpenSSH's sshd before it hangs up; MaxStartups in sshd_config(5).
TOO_MANY = "exceeded maxstartups"

QUOTED_LINES = 3


@dataclass(frozen=True, slots=True)
class Greeting:
    """What the server said in clear. `ahead` are all its bytes from the identification on."""

    identification: Identification
    server: Algorithms
    ahead: bytes


async def greet(connection: Connection, ladder: Ladder, until: float) -> Greeting:
    """Introduce ourselves and read on until the server's offer is complete."""
    await connection.send(OUR_LINE, until)  # before it speaks: an HTTP server answers to this, too
    data = b""
    hello: Identification | None = None
    try:
        while True:
            data += await connection.receive(until)
            hello = hello or _identified(data)
            if hello is None:
                continue
            ladder.facts["identification"] = hello.line
            found = opening(data[hello.end :])
            if isinstance(found, Disconnect):
                raise farewell(found)
            if found is not None:
                return Greeting(hello, found, data[hello.start :])
    except NetworkFailure as failure:
        raise _in_its_words(data, hello, ladder) or failure from None


def _identified(data: bytes) -> Identification | None:
    """The identification if it is complete and of a version that we speak."""
    if sniff.protocol_of(data) not in (None, "SSH"):
        raise Failed("protocol.mismatch", sniff.described(data))
    hello = identification(data)
    if hello and hello.protocol not in ("2.0", "1.99"):  # 1.99 speaks both: RFC 4253 5.1
        raise Failed("protocol.mismatch", f"SSH-1 only: it introduced itself as {hello.line}")
    return hello


def _in_its_words(data: bytes, hello: Identification | None, ladder: Ladder) -> Failed | None:
    """Keep what the server said before it fell silent or hung up; the finding, if its words are one."""
    if hello:
        ladder.prove(f"it introduced itself as {hello.line}")
        return None
    lines = lines_before(data)
    for line in lines[:QUOTED_LINES]:
        ladder.prove(f"before that it said: {line[:200]}")
    if any(TOO_MANY in line.lower() for line in lines):
        return Failed("ssh.too_many_sessions", f"it says: {lines[-1][:200]}")
    return None


def compare(vault: Algorithms, server: Algorithms, ladder: Ladder) -> None:
    """What vault and target agree on; raises `ssh.no_common_algorithm`."""
    agreement = agree(vault, server)
    ladder.facts["offered"] = as_lists(server)
    ladder.facts["agreed"] = agreement.chosen
    if agreement.missing:
        raise _nothing_in_common(agreement, vault, server)
    if found := weaknesses(agreement):
        ladder.caution("ssh.weak", f"vault and target would use {', '.join(found)}")


def _nothing_in_common(agreement: Agreement, vault: Algorithms, server: Algorithms) -> Failed:
    kind = agreement.missing[0]
    theirs, ours = getattr(server, kind), getattr(vault, kind)
    offers = f"it offers only {', '.join(theirs)}" if theirs else "it offers none"
    return Failed(
        "ssh.no_common_algorithm",
        f"{KINDS[kind]}: {offers}; the vault needs one of {len(ours)} others",
        evidence=tuple(
            f"{KINDS[each]}: target {_listed(server, each)} · vault {_listed(vault, each)}"
            for each in agreement.missing
        ),
    )


def _listed(algorithms: Algorithms, kind: str) -> str:
    return ", ".join(getattr(algorithms, kind)) or "nothing"
