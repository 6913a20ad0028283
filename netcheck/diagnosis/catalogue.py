"""The catalogue of cause codes: what each means, how it is told apart, how sure it is, what to do.

The texts are data (`catalogue.toml`); `netcheck explain`, the manual and the advice in a record all
read them here. Every code of `probes.codes` has its entry, and a test keeps it so.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from netcheck.record import Place
from probes.codes import ALL_CODES

# A third party's probe claims `x-NAME.code`; its own evidence is all that netcheck knows of it.
FOREIGN = re.compile(r"x-[\w-]+\.\w+")


class About(NamedTuple):
    """What advice is given about; of several checks each value may name several.

    `name`: by which TLS asked. `services`: what was asked for. `where`: the place at which it fails. `alive`:
    the host answered otherwise. `here`: this very host says so, or is at fault; `there`: the other end is.
    `public`: a name for which only a public CA signs; `vouched`: one did. `signer`: the issuer of the
    certificate that came.
    """

    target: str
    host: str
    name: str
    address: str | None
    port: int | str | None
    services: str
    probe: str
    source: str | None
    where: Place | None
    alive: bool
    here: bool
    there: bool
    public: bool
    vouched: bool
    signer: str | None


class Entry(NamedTuple):
    """One cause code. `do` has placeholders; `family` is the part of the table of who acts (`acts.toml`).

    `look_alikes` are the codes and situations that could be taken for it, a sentence each; `sure` says
    when it is certain and when likely, and `usual` with which verdict and at which layer, both empty
    where nothing is peculiar; `do_here` and `do_there` what to do where this very host says so or is at
    fault, and where the other end is, if that is something else, `do_public` where the name is a public one,
    `do_vouched` where a public CA vouches for it all the same;
    `later`, that no check of this version claims it.
    """

    code: str
    means: str
    told_apart: str
    look_alikes: tuple[str, ...]
    do: str
    family: str
    sure: str = ""
    usual: str = ""
    do_here: str = ""
    do_public: str = ""
    do_vouched: str = ""
    do_there: str = ""
    later: bool = False

    def advice(self, about: About) -> str:
        """What to do next, about this check."""
        peculiar = (
            (about.here, self.do_here),
            (about.there, self.do_there),
            (about.vouched, self.do_vouched),
            (about.public, self.do_public),
        )
        do = next((text for holds, text in peculiar if holds and text), self.do)
        address = about.address or about.host
        if about.target == address:
            do = do.replace(" ({target})", "")  # it has no other name
        return do.format(
            target=about.target,
            host=about.host,
            name=about.name,
            address=address,
            port="-" if about.port is None else about.port,
            signer=decrypting(about.signer),
            services=about.services,
            probe=about.probe,
            source=about.source or "this host",
            where=_place(about.where) if about.where else "",
            up="" if about.alive else ", and make sure that the host is up",
        )


def decrypting(signer: str | None) -> str:
    """The device that decrypts, by the name with which it signs."""
    return f"the device that signs as {signer}" if signer else "the device that decrypts"


def service(host: str, port: int | None) -> str:
    """What was asked for, as people write it."""
    return host if port is None else f"{host}:{port}"


def entry(code: str) -> Entry:
    """The entry of a code; a general one for what is not ours, such as a third party's `x-NAME.code`."""
    return _catalogue().get(code) or _foreign(code)


def all_entries() -> tuple[Entry, ...]:
    """Every entry, in the order of the codes."""
    return tuple(_catalogue()[code] for code in ALL_CODES)


@functools.cache
def _catalogue() -> dict[str, Entry]:
    import tomllib  # not needed by a run where all is well
    from importlib.resources import files

    text = files("netcheck.diagnosis").joinpath("catalogue.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    return {found.code: found for found in _entries(data)}


def _entries(data: Mapping[str, Any]) -> Iterator[Entry]:
    for prefix, codes in data.items():
        for name, raw in codes.items():
            yield Entry(
                code=f"{prefix}.{name}",
                means=folded(raw["means"]),
                told_apart=folded(raw["told_apart"]),
                look_alikes=tuple(folded(text) for text in raw["look_alikes"]),
                do=folded(raw["do"]),
                family=raw["family"],
                sure=folded(raw.get("sure", "")),
                usual=raw.get("usual", ""),
                do_here=folded(raw.get("do_here", "")),
                do_public=folded(raw.get("do_public", "")),
                do_vouched=folded(raw.get("do_vouched", "")),
                do_there=folded(raw.get("do_there", "")),
                later=raw.get("later", False),
            )


def folded(text: str) -> str:
    """The text on one line, however the file wraps it."""
    return " ".join(text.split())


def _place(where: Place) -> str:
    """Where to look, after what to do. The last hop that answers may itself be the one that drops.

    >>> _place(Place("after", "10.1.0.1", "10.2.0.1"))
    ' on 10.1.0.1, on 10.2.0.1 or between them'
    """
    if where.cycle:
        return f" on {' or '.join(where.cycle)}, which send it round"
    if where.relation == "at":
        return f" on {where.address}, which signed the rejection"
    if where.before:
        return f" on {where.address}, on {where.before} or between them"
    return f" on {where.address} or what follows it"


def _foreign(code: str) -> Entry:
    name = code.partition(".")[0].removeprefix("x-")
    return Entry(
        code=code,
        means=f"A finding of the third-party probe package `{name}`.",
        told_apart="Its own evidence, in the record of the check.",
        look_alikes=(),
        do="Read the evidence of {probe} on {target}, and the manual of its probe package.",
        family="foreign",
    )
