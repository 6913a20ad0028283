"""What this host and this installation offer to a run, beside the network."""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
from pathlib import Path

from netcheck import registry
from netcheck.doctor import clock as kernel_clock
from netcheck.doctor.ability import Ability, State
from netcheck.doctor.network import LINUX
from netcheck.history import journal
from netcheck.limits import CONCURRENCY, raise_descriptor_limit
from probes.net import trust as ca_store
from probes.path.selftest import is_linux
from probes.words import duration_words

STATUS = Path("/proc/self/status")
PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
CAP_NET_RAW = 1 << 13  # capabilities(7)
SIGNS = "✓✗–·→…"  # what the pages are drawn with


def system() -> Ability:
    """The versions that a report of a problem needs."""
    from OpenSSL import SSL

    versions = ", ".join(
        [
            f"{platform.system()} {platform.release()}",
            f"Python {platform.python_version()}",
            " ".join(SSL.SSLeay_version(SSL.SSLEAY_VERSION).decode().split()[:2]),
        ]
    )
    if is_linux():
        means = "the system that netcheck is made for"
        return Ability("system", State.YES, versions, means, needed=True)
    means = "netcheck is made for Linux; here it neither sees ICMP errors nor follows a way, and may not run"
    return Ability("system", State.NO, versions, means, LINUX, needed=True)


def all_probes() -> Ability:
    """Whether every registered probe can be loaded."""
    broken = [text for text in map(_broken, registry.names()) if text]
    if broken:
        means = "checks with these probes are `error`; the others are made"
        return Ability(
            "probes", State.NO, "; ".join(broken), means, "install netcheck or that probe again", needed=True
        )
    found = ", ".join(registry.names())
    return Ability("probes", State.YES, found, "every check of these can be made", needed=True)


def _broken(name: str) -> str | None:
    try:
        registry.get(name)
    except registry.BrokenProbe as error:
        return str(error)
    return None


def privilege() -> Ability:
    """Whether packets could be captured; nothing else needs privilege."""
    means = "checks, second looks and traces need none; only a capture of packets does"
    if _may_capture():
        return Ability("privilege", State.YES, "root, or CAP_NET_RAW", means)
    remedy = "run as root, or in a container with `--cap-add NET_RAW`; worth it for a capture only"
    return Ability("privilege", State.NO, "a plain user", means, remedy)


def _may_capture() -> bool:
    try:
        lines = STATUS.read_text().splitlines()
    except OSError:
        return hasattr(os, "geteuid") and os.geteuid() == 0
    effective = next((line.split()[1] for line in lines if line.startswith("CapEff:")), "0")
    return bool(int(effective, 16) & CAP_NET_RAW)


def connections() -> Ability:
    """How many connections the open-file limit leaves room for."""
    try:
        room = raise_descriptor_limit()
    except ImportError:
        means = "how many connections fit at once is found out only when they no longer do"
        return Ability("open files", State.NO, "this system has no such limit to ask for", means, LINUX)
    found = f"room for {room:,} connections at once"
    if room >= CONCURRENCY:
        means = f"a run makes up to {CONCURRENCY:,} at once, unless told otherwise"
        return Ability("open files", State.YES, found, means)
    means = f"a run makes no more than that at once (else {CONCURRENCY:,}): it takes longer, and is as right"
    return Ability("open files", State.PARTLY, found, means, "raise the hard limit (`ulimit -Hn`)")


def ports() -> Ability:
    """How many local ports connections can leave from."""
    try:
        first, last = map(int, PORTS.read_text().split())
    except (OSError, ValueError):
        means = "how many connections fit at once is found out only when they no longer do"
        return Ability("local ports", State.PARTLY, "the range can't be read", means)
    number = last - first + 1
    found = f"{first} to {last}, {number:,} ports"
    means = "so many connections can be open to one address and port; a firewall's log shows these ports"
    if number >= CONCURRENCY:
        return Ability("local ports", State.YES, found, means)
    return Ability("local ports", State.PARTLY, found, means, "sysctl net.ipv4.ip_local_port_range")


def clock() -> Ability:
    """Whether this host's times can be compared with others'."""
    wrong = (
        "the times in a record may not fit a firewall's log, and a certificate's dates may be judged wrongly"
    )
    remedy = "let NTP keep the clock (`timedatectl set-ntp true`, or chrony); in a container, the host's"
    try:
        reading = kernel_clock.read()
    except OSError as error:
        return Ability("clock", State.PARTLY, f"nothing tells how good it is: {error}", wrong, remedy)
    if not reading.synchronised:
        return Ability("clock", State.NO, "nothing keeps it right, says the kernel", wrong, remedy)
    found = f"synchronised, at most {duration_words(reading.most)} off by the kernel's estimate"
    return Ability("clock", State.YES, found, "the times in a record fit those in a firewall's log")


def trust() -> Ability:
    """Whom TLS checks trust."""
    try:
        found = ca_store.words(None)
        usable = any(path and os.path.exists(path) for path in ca_store.store(None))
    except OSError as error:
        found, usable = f"the store can't be read: {error}", False
    if usable and not found.startswith("no CA"):
        means = "certificates are verified against them; `ca_file` of a check replaces them"
        return Ability("trusted CAs", State.YES, found, means)
    means = "every certificate is `tls.untrusted`, unless the check has a `ca_file`"
    return Ability("trusted CAs", State.NO, found, means, "install the package ca-certificates")


def history() -> Ability:
    """Whether runs can be kept."""
    try:
        folder = journal.folder()
    except RuntimeError as error:  # this user has no home
        return _no_history(str(error))
    there = next(path for path in (folder, *folder.parents) if os.path.exists(path))
    if not (os.path.isdir(there) and os.access(there, os.W_OK | os.X_OK)):
        return _no_history(f"{there} can't be written to")
    means = "runs are kept, and `report last` finds them"
    return Ability("history", State.YES, str(folder), means)


def _no_history(found: str) -> Ability:
    means = "runs are made and shown, but not kept: `report last` does not find them"
    return Ability("history", State.NO, found, means, "set XDG_STATE_HOME to a folder of your own, or use -o")


def screen() -> Ability:
    """Whether the pages' signs can be shown."""
    encoding = sys.stdout.encoding or "ascii"
    try:
        SIGNS.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        means = f"signs such as {SIGNS[0]} are shown as `\\u2713`; files written with -o are always UTF-8"
        return Ability("screen", State.NO, encoding, means, "set LC_ALL=C.UTF-8, or PYTHONUTF8=1")
    return Ability("screen", State.YES, encoding, "every sign of the pages can be shown")


def optional(package: str, brings: str, lacks: str) -> Ability:
    """Whether an optional part is installed, and what follows either way."""
    if importlib.util.find_spec(package):
        return Ability(package, State.YES, "installed", brings)
    return Ability(package, State.NO, "not installed", lacks, f"pip install {package}")
