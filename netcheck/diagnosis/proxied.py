"""A failure beside the same by another way: through a proxy, or without the one in use. Pure."""

from __future__ import annotations

from functools import partial

from netcheck.diagnosis.judgement import Judgement, also
from netcheck.diagnosis.varied import Varied
from netcheck.record import Control
from probes.contract import Verdict


def varied(proxy: str | None, works: bool, summary: str) -> Varied:
    """What the same look came to through this `proxy`, or (None) without the one that it went through."""
    way = f"through the proxy {proxy}" if proxy else "directly, without the proxy"
    words = f"{way} it {'works' if works else f'fails too: {summary}'}"
    control = Control("proxy", proxy or "none", Verdict.PASS if works else Verdict.FAIL, words)
    return Varied(partial(_told, words=words, works=works), (control,))


def _told(judgement: Judgement, *, words: str, works: bool) -> Judgement:
    return also(judgement, words) if works else judgement
