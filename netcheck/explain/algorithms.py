"""The lists of SSH algorithms that are shipped: what each has, for who compares it with a vault."""

from __future__ import annotations

from netcheck.explain.layout import columns, section, wrapped
from probes.ssh.algorithms import KINDS, about, profile

BOTH_WAYS = "_to_client"  # the same list in either direction: it is shown once


def page(name: str) -> str:
    """One list, kind by kind, most wanted first."""
    offer = profile(name)
    kinds = [kind for kind in KINDS if not kind.endswith(BOTH_WAYS)]
    rows = [(KINDS[kind].removesuffix(" to the target"), ", ".join(getattr(offer, kind))) for kind in kinds]
    use = (
        f"{{probe: ssh, ssh_profile: {name}}}; or, in place of the name, a file of what `ssh -G HOST` prints."
    )
    return "\n\n".join(
        (
            section(f"{name}: {about(name)}", columns(rows)),
            section("In an inventory", wrapped(use, 2)),
        )
    )
