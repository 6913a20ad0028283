"""Names to addresses as programs get them: the system's lookup; DNS itself only explains a failure."""

from __future__ import annotations

import asyncio
import secrets
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from probes.net.base import Invented, LookupFailed, Network, Resolution, TimedOut
from probes.net.threads import Threads

if TYPE_CHECKING:
    from probes.net.dnswire import Answer

Reason = Literal["nxdomain", "no_address", "servfail", "refused", "timeout"]
HOSTS = Path("/etc/hosts")

# What the C library's own error says where DNS has nothing to add (getaddrinfo(3)).
LIBRARY_REASONS: dict[int, Reason] = {
    socket.EAI_NONAME: "nxdomain",
    getattr(socket, "EAI_NODATA", -5): "no_address",
    socket.EAI_AGAIN: "servfail",
    socket.EAI_FAIL: "servfail",
}

# A lookup that has said nothing for this share of its time gets its explanation beside it.
SUSPICIOUS = 0.5
# Reserved so that it never exists (RFC 6761 6.4): who answers for a name in it invents answers.
NOWHERE = "invalid."
PATIENCE = 1.0  # seconds for what such a name gets, beyond which nobody waits for it


class Lookup:
    """Looks every name up once; all who ask for it share the answer.

    With the first that DNS knows, a name that can't exist is looked up too: an answer for that is invented.
    """

    def __init__(self, network: Network, threads: Threads) -> None:
        self._network = network
        self._threads = threads
        self._answers: dict[str, asyncio.Task[Resolution]] = {}
        self._inventing: asyncio.Task[Invented] | None = None

    async def resolve(self, host: str, timeout: float) -> Resolution:
        """The name's addresses. Raises LookupFailed; a failure is shared too.

        Only the first to ask sets the time.
        """
        task = self._answers.get(host)
        if task is None:
            task = asyncio.create_task(self._resolve(host, timeout))
            task.add_done_callback(_seen)
            self._answers[host] = task
        return await asyncio.shield(task)

    async def _resolve(self, host: str, timeout: float) -> Resolution:
        began = self._network.now()
        system = asyncio.create_task(self._threads.call(_system, host, timeout=timeout))
        try:
            await asyncio.wait({system}, timeout=timeout * SUSPICIOUS)
            answers = await self._explain(host, began + timeout, system)
            addresses = await system
            listed = set(addresses) <= set(hosts_file(host))
        except TimedOut:
            raise _failure(host, "timeout", answers) from None
        except socket.gaierror as error:
            raise _failure(host, LIBRARY_REASONS.get(error.errno or 0, "nxdomain"), answers) from None
        except UnicodeError:
            raise LookupFailed("nxdomain", f"{host} is not a valid name") from None
        finally:
            system.cancel()
        took = self._network.now() - began
        return Resolution(addresses, took, listed, Invented() if listed else await self._invented())

    async def _invented(self) -> Invented:
        """What a name that can't exist gets; nothing, too, where no answer comes in good time."""
        if self._inventing is None:
            self._inventing = asyncio.create_task(self._look_nowhere_up())
            self._inventing.add_done_callback(_seen)
        await asyncio.wait({self._inventing})
        return self._inventing.result() if _succeeded(self._inventing) else Invented()

    async def _look_nowhere_up(self) -> Invented:
        name = f"{secrets.token_hex(10)}.{NOWHERE}"
        addresses = await Threads(1).call(_system, name, timeout=PATIENCE)
        from probes.net.dnswire import address, system_config

        return Invented(addresses, " ".join(map(address, system_config().servers)))

    async def _explain(self, host: str, until: float, system: asyncio.Task[tuple[str, ...]]) -> list[Answer]:
        """What each of the system's servers says, unless the system's own lookup ends well first."""
        if _succeeded(system):
            return []
        asking = asyncio.create_task(self._ask_servers(host, max(until, self._network.now() + 1.0)))
        try:
            while not asking.done() and not _succeeded(system):
                waiting = {asking} if system.done() else {asking, system}
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            return asking.result() if asking.done() else []
        finally:
            asking.cancel()

    async def _ask_servers(self, host: str, until: float) -> list[Answer]:
        from probes.net import dnswire  # dnspython loads when first needed

        config = dnswire.system_config()
        names = dnswire.candidates(host, config)
        questions = (
            dnswire.ask_in_turn(self._network, server, names, ("A", "AAAA"), until)
            for server in config.servers
        )
        return list(await asyncio.gather(*questions))


def _system(host: str) -> tuple[str, ...]:
    """getaddrinfo's addresses in its order (RFC 6724), each once."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def hosts_file(host: str) -> tuple[str, ...]:
    """The addresses that this host's own file gives the name (hosts(5))."""
    try:
        lines = HOSTS.read_text(errors="replace").splitlines()
    except OSError:
        return ()
    rows = [line.partition("#")[0].split() for line in lines]
    return tuple(row[0] for row in rows if host.lower() in map(str.lower, row[1:]))


def _succeeded(task: asyncio.Task[Any]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


def _seen(task: asyncio.Task[Any]) -> None:
    """Whoever asked may be gone: asyncio shall not report the exception as lost."""
    if not task.cancelled():
        task.exception()


def _failure(host: str, reason: Reason, answers: list[Answer]) -> LookupFailed:
    """The system's failure, explained by what the servers say."""
    from probes.net.dnswire import decisive

    evidence = tuple(answer.text for answer in answers)
    if not answers:
        return LookupFailed(reason, f"{host} can't be looked up; no DNS server to ask", evidence, False)
    best = decisive(answers)
    if best.status == "found":
        silent = next((answer.text for answer in answers if answer.status == "timeout"), None)
        why = (
            ""
            if best.without
            else f"; {silent}, and is waited for"
            if silent
            else ": hosts file or nsswitch?"
        )
        text = f"the system can't look {host} up, though {best.text}{why}"
        return LookupFailed("timeout" if silent else reason, text, evidence, False)
    return LookupFailed(cast(Reason, best.status), best.text, evidence)
