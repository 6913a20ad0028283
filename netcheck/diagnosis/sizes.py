"""Packets that get lost for their size: what the experiment makes of a judgement, and its controls. Pure."""

from __future__ import annotations

from netcheck.diagnosis.found import Sizes
from netcheck.diagnosis.judgement import Judgement, with_cause
from netcheck.record import Control
from probes.contract import Confidence, Verdict
from probes.path import mtu

OURS = "our own segments were never acknowledged: what is lost goes to the target"
THEIRS = "all that we sent was acknowledged: what is lost comes from the target"
UNTOLD = "whether what is lost goes to the target or comes from it can't be told here"
BY_CONTENT = (
    "a filter on the way to the target that drops a long first message for what it says looks the same"
)


def size_controls(sizes: Sizes, address: str) -> list[Control]:
    """What each size showed; the largest that works is the last but for the least that does not."""
    fits = f"packets of {mtu.packet(sizes.largest, address)} bytes pass"
    controls = [
        Control("mss", sizes.small, Verdict.PASS, "with segments this small it works"),
        Control("mss", None, Verdict.FAIL, "without the limit, tried again, it hangs again"),
        Control("mss", sizes.largest, Verdict.PASS, fits),
    ]
    if sizes.fails is not None:
        lost = f"packets of {mtu.packet(sizes.fails, address)} bytes do not"
        controls.append(Control("mss", sizes.fails, Verdict.FAIL, lost))
    return controls


def _bounds(sizes: Sizes, address: str) -> str:
    """Which packets pass, and which do not: the limit lies between the two."""
    fits = f"packets of {mtu.packet(sizes.largest, address)} bytes pass"
    if sizes.fails is None:
        return f"{fits}, full-sized ones do not"
    return f"{fits}, of {mtu.packet(sizes.fails, address)} do not"


def too_big(judgement: Judgement, sizes: Sizes) -> Judgement:
    """Big packets get lost: for certain on the way to us. What goes to the target a filter may read."""
    bounds = _bounds(sizes, judgement.main.address or "")
    step = next((step for step in judgement.main.steps if step.layer is judgement.layer), None)
    unacked = step.detail.get("unacked") if step else None
    direction = UNTOLD if unacked is None else (OURS if unacked else THEIRS)
    return with_cause(
        judgement,
        "path.mtu_blackhole",
        f"{bounds}: with segments of at most {sizes.largest} bytes it works",
        Confidence.CERTAIN if unacked == 0 else Confidence.LIKELY,
        f"with segments of {sizes.small} bytes it works, and without the limit it hangs, each tried again",
        direction,
        *(() if unacked == 0 else (BY_CONTENT,)),
    )
