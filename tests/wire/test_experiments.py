"""Experiments on stalled connections: what a small segment size shows, and what it does not."""

from collections.abc import Callable

from netcheck.check import Check
from netcheck.record import RunRecord
from probes.contract import Verdict
from probes.net.base import TlsSession
from probes.net.scripted import Scripted, Silence
from probes.tls import Settings

Checks = Callable[..., Check]
Runs = Callable[..., RunRecord]
HERE = ("10.0.0.1", 443)
UNTRUSTED = TlsSession("TLSv1.3", "AES", None, (), ((20, 0, "unable to get local issuer certificate"),))


def tried(check: Checks, run: Runs, small: TlsSession | None) -> tuple[Verdict, str | None]:
    """What becomes of a TLS handshake that hangs, if with small segments it ends like this (None: hangs)."""
    hangs = {HERE: [Silence()]}
    with_small = Scripted({HERE: []}, tls={HERE: small}) if small else Scripted(hangs)
    network = Scripted(hangs, small=with_small)
    (record,) = run([check("10.0.0.1", 443, probe="tls", settings=Settings())], network).checks
    return record.verdict, record.cause


def test_what_comes_only_in_small_segments_is_lost_for_its_size(check: Checks, run: Runs) -> None:
    """Whatever is wrong with the certificate besides: it came, and with big segments it does not."""
    assert tried(check, run, UNTRUSTED) == (Verdict.FAIL, "path.mtu_blackhole")


def test_what_hangs_with_any_size_has_another_reason(check: Checks, run: Runs) -> None:
    """The server is slow, or something before it keeps silent."""
    assert tried(check, run, None) == (Verdict.FAIL, "tls.timeout")
