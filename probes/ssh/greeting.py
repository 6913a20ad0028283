"""What the server says in clear: read, quoted as evidence, and compared with the vault's algorithms."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from probes import sniff
from probes.codes import Failed
from probes.ladder import Ladder
from probes.net.base import Connection, NetworkFailure, TimedOut
from probes.ssh.algorithms import KINDS, Agreement, agree, as_lists, weaknesses
from probes.ssh.wire import (
    IDENTIFICATION,
    Algorithms,
    Disconnect,
    Identification,
    farewell,
    identification,
    lines_before,
    opening,
    packet,
)

OUR_LINE = IDENTIFICATION.encode() + b"\r\n"

# The words of OpenSSH's sshd before it hangs up; MaxStartups in sshd_config(5).
TOO_MANY = "exceeded maxstartups"

QUOTED_LINES = 3

# More than OpenSSH offers of any kind. A name has at most 64 characters (RFC 4251 6).
MOST_LISTED = 30
LONGEST_NAME = 64

# Seconds to hear the server out before we speak.
LISTEN = 0.25


@dataclass(frozen=True, slots=True)
class Greeting:
    """What the server said in clear. `ahead` are all its bytes from the identification on."""

    identification: Identification
    server: Algorithms
    ahead: bytes


async def greet(connection: Connection, our_offer: bytes, ladder: Ladder, until: float) -> Greeting:
    """Introduce ourselves, send our KEXINIT message, and read on until the server's offer is complete.

    Some servers (Cisco's, AudioCodes') don't send theirs before they have seen ours.
    """
    hello: Identification | None = None
    data = b""
    try:
        data, introduced = await _first_words(connection, until)
        while (hello := _identified(data)) is None:
            if not introduced:
                await connection.send(OUR_LINE, until)
                introduced = True
            data += await connection.receive(until)
        ladder.facts["identification"] = hello.line
        ladder.facts["identified_after_s"] = round(ladder.network.now() - ladder.began, 1)
        await connection.send((b"" if introduced else OUR_LINE) + packet(our_offer), until)
        while (found := opening(data[hello.end :])) is None:
            data += await connection.receive(until)
    except NetworkFailure as failure:
        if isinstance(failure, TimedOut) and hello:
            failure.whole = len(data) == hello.end
        raise _in_its_words(data, hello, ladder) or failure from None
    if isinstance(found, Disconnect):
        raise farewell(found)
    return Greeting(hello, found, data[hello.start :])


async def _first_words(connection: Connection, until: float) -> tuple[bytes, bool]:
    """What the server says first, and whether we had to introduce ourselves before it did.

    SSH servers speak at once, HTTP servers wait for us. Spoken to, a server that turns us away would
    answer with a reset, which overtakes its words.
    """
    listening = asyncio.ensure_future(connection.receive(until))
    listening.add_done_callback(lambda heard: heard.cancelled() or heard.exception())  # it was not forgotten
    try:
        await asyncio.wait({listening}, timeout=LISTEN)
        if introduced := not listening.done():
            await connection.send(OUR_LINE, until)
        return await listening, introduced
    finally:
        listening.cancel()


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
        failed = _nothing_in_common(agreement, vault, server)
        if (name := ladder.facts.get("vault_list")) is not None:
            failed.evidence = (*failed.evidence, f"the vault's list is `{name}`, by `ssh_profile`")
        raise failed
    if found := weaknesses(agreement):
        ladder.caution("ssh.weak", f"vault and target would use {', '.join(found)}")


def _nothing_in_common(agreement: Agreement, vault: Algorithms, server: Algorithms) -> Failed:
    kind = agreement.missing[0]
    theirs, ours = getattr(server, kind), getattr(vault, kind)
    offers = f"it offers only {_listed(theirs)}" if theirs else "it offers none"
    others = f"one of {len(ours)} others" if len(ours) > 1 else ours[0] if ours else "something else"
    return Failed(
        "ssh.no_common_algorithm",
        f"{KINDS[kind]}: {offers}; the vault needs {others}",
        evidence=tuple(listed(each, server, vault) for each in agreement.missing),
    )


def listed(kind: str, server: Algorithms, vault: Algorithms) -> str:
    """What both offer of one kind, in words."""
    theirs, ours = getattr(server, kind), getattr(vault, kind)
    return f"{KINDS[kind]}: target {_listed(theirs)} · vault {_listed(ours)}"


def _listed(names: Sequence[str]) -> str:
    """The names as far as people read them; the facts have them all."""
    shown = [name[:LONGEST_NAME] for name in names[:MOST_LISTED]]
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return ", ".join(shown) + more or "nothing"
