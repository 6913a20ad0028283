"""A capture of failing flows: which packets are kept, and what they tell of who sent an RST.

Kept are the headers, never payload, of the connections that begin at a failing service while it is looked at,
and of the ICMP errors that quote those. A connection that was there before is somebody else's.
"""

from __future__ import annotations

import importlib.util
import logging
import socket
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from probes.path.packets import Captured, Flow, captured, distinct, pcap, read

if TYPE_CHECKING:
    from probes.path.sniffer import Sniffer

MOST = 10_000  # packets that are kept, of at most 256 bytes each: 2.6 MB
INSTALL = "pip install 'netcheck[capture]'"
PRIVILEGE = "run it with sudo, or in a container with `--cap-add NET_RAW`"

Service = tuple[str, int]  # address and TCP port


class Result(NamedTuple):
    """What a capture holds. `missed`: packets that did not fit, or came too fast and may be of others."""

    packets: tuple[Captured, ...] = ()
    flows: int = 0
    missed: int = 0

    def file(self) -> Iterator[bytes]:
        """The packets as a pcap file."""
        return pcap(self.packets)


def missing() -> str | None:
    """Why no packets can be captured here, with the remedy; None where they can. Nothing is sent."""
    if not sys.platform.startswith("linux"):
        return f"packets are captured on Linux only, and this is {sys.platform}"
    if not importlib.util.find_spec("scapy"):
        return f"a capture needs scapy, which is not installed: {INSTALL}"
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM).close()
    except PermissionError:
        return f"a capture needs privilege (CAP_NET_RAW): {PRIVILEGE}"
    except OSError as error:
        return f"this host gives no packet socket: {error.strerror}"
    return _broken()


def _broken() -> str | None:
    """Load scapy, without its remarks on this host."""
    logging.getLogger("scapy").setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module("probes.path.sniffer")
    except Exception as error:
        return f"scapy can't be loaded ({type(error).__name__}: {error}): install it again, {INSTALL}"
    return None


class Watch:
    """Sorts out the packets of these services, in the order in which they pass. No I/O.

    To tell whose an RST is, answers of all ports of their addresses are noted, without being kept.
    """

    def __init__(self, services: Iterable[Service]) -> None:
        self._services = {(plain(address), port) for address, port in services}
        self._addresses = {address for address, _ in self._services}
        self._begun: set[Flow] = set()
        self._resets: dict[Service, set[int]] = {}  # the TTLs with which they arrived
        self._handshakes: dict[Service, set[int]] = {}
        self._kept: list[Captured] = []
        self._unkept = 0

    def take(self, when: int, packet: bytes) -> None:
        """One more packet, that passed at this Unix time in nanoseconds."""
        seen = read(packet)
        if seen is None:
            return
        flow = seen.flow
        if seen.is_syn() and flow.address in self._addresses:
            self._begun.add(flow)
        elif seen.answers_syn() and flow.back() in self._begun:
            answers = self._resets if seen.is_reset() else self._handshakes
            answers.setdefault((flow.source, flow.source_port), set()).add(seen.ttl)
        if self._is_wanted(flow) or self._is_wanted(flow.back()):
            self._keep(captured(when, packet, seen))

    def _is_wanted(self, flow: Flow) -> bool:
        return flow in self._begun and (flow.address, flow.port) in self._services

    def _keep(self, packet: Captured) -> None:
        if len(self._kept) < MOST:
            self._kept.append(packet)
        else:
            self._unkept += 1

    def result(self) -> Result:
        """What was kept so far."""
        flows = sum(self._is_wanted(flow) for flow in self._begun)
        return Result(tuple(distinct(self._kept)), flows, self._unkept)

    def told(self, address: str, port: int) -> str | None:
        """With which TTL the service's RSTs arrived, and an answer of another port of its host."""
        service = (plain(address), port)
        resets = self._resets.get(service)
        if not resets:
            return None
        other = _other("the SYN-ACK", self._handshakes, service) or _other("that", self._resets, service)
        return f"captured: the RST arrived with TTL {_ttls(resets)}{other}"


def _other(what: str, answers: Mapping[Service, set[int]], service: Service) -> str:
    """`, that of tcp/443 with 61`, of the first other port that answered so; nothing where none did."""
    host, own = service
    ports = [port for address, port in answers if address == host and port != own]
    return f", {what} of tcp/{min(ports)} with {_ttls(answers[host, min(ports)])}" if ports else ""


class Capture:
    """One capture, which runs while `of` is held. Ask `missing` first."""

    def __init__(self) -> None:
        self._watch = Watch(())
        self._lock = Lock()
        self._lost = 0
        self.problem: str | None = None  # why there is no capture after all

    @contextmanager
    def of(self, services: Iterable[Service]) -> Iterator[None]:
        """Capture the flows to these services meanwhile. A capture that can't be had ends no run."""
        from probes.path.sniffer import Sniffer  # and with it scapy, which few runs need

        wanted = set(services)
        self._watch = Watch(wanted)
        try:
            sniffer = Sniffer({port for _, port in wanted}, self._take) if wanted else None
        except OSError as error:
            self.problem = error.strerror or str(error)
            sniffer = None
        try:
            yield
        finally:
            if sniffer is not None:
                self._stop(sniffer)

    def _stop(self, sniffer: Sniffer) -> None:
        try:
            self._lost = sniffer.stop()
        except Exception as error:  # scapy's thread has died, of whatever
            self.problem = f"{type(error).__name__}: {error}"

    def _take(self, when: int, packet: bytes) -> None:
        with self._lock:
            self._watch.take(when, packet)

    def told(self, address: str, port: int) -> str | None:
        """What the packets so far confirm of an RST by this service; None where none was captured."""
        with self._lock:
            return self._watch.told(address, port)

    def result(self) -> Result:
        """What was captured."""
        with self._lock:
            found = self._watch.result()
        return found._replace(missed=found.missed + self._lost)


def plain(address: str) -> str:
    """The address as the kernel writes it, without a zone.

    >>> plain("2001:DB8:0::1"), plain("fe80::1%eth0")
    ('2001:db8::1', 'fe80::1')
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.inet_ntop(family, socket.inet_pton(family, address.partition("%")[0]))


def _ttls(ttls: Iterable[int]) -> str:
    return " and ".join(map(str, sorted(ttls)))
