"""`netcheck plan INVENTORY`: the checks that `run` would make, each value with its origin; no traffic."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from netcheck import codec, exitcodes
from netcheck.check import Check, Terms
from netcheck.cli import choosing
from netcheck.diagnosis.write import asked
from netcheck.explain.probe import duration
from netcheck.inventory import load
from netcheck.plan import plan
from netcheck.render.table import laid_out
from netcheck.render.text import count, safe
from probes.settings import Duration, options_of

HEADERS = ["target", "check", "host", "from", "flow", "timeout", "note"]


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("inventory", metavar="INVENTORY")
    choosing.add_arguments(parser)
    parser.add_argument("--format", choices=("table", "json"), default="table", help="default: table")
    parser.add_argument(
        "-v", "--origins", action="store_true", help="show each value of each check and where it came from"
    )


def run(arguments: Namespace) -> int:
    checks = plan(load(arguments.inventory), only=arguments.only, timeout=arguments.timeout)
    if arguments.format == "json":
        pieces = _json(checks)
    elif arguments.origins:
        pieces = _listing(checks)
    else:
        pieces = _table(checks)
    for piece in pieces:
        print(piece, end="")
    return exitcodes.OK


def _table(checks: Iterable[Check]) -> Iterator[str]:
    rows = [_row(check) for check in checks]
    yield from laid_out(HEADERS, rows, color=False)
    skipped = sum(1 for check in checks if check.terms.stopped)
    later = f", {skipped:,} of them without sending anything" if skipped else ""
    yield f"\n{count(len(rows), 'check')}{later}\n"


def _row(check: Check) -> tuple[str, ...]:
    terms = check.terms
    words = [terms.probe if terms.port is None else check.label, terms.name]
    label = " ".join(word for word in words if word)
    source = terms.vantage if terms.origin == "declared" else f"{terms.vantage} (assumed)"
    return check.target, label, check.host, source, terms.flow, _seconds(terms), _note(terms)


def _seconds(terms: Terms) -> str:
    return f"{terms.timing.timeout:g}s"


def _note(terms: Terms) -> str:
    """What is unusual about the check, the reason why nothing is sent first."""
    notes = [": ".join(terms.stopped)] if terms.stopped else []
    if terms.expect == "blocked":
        notes.append("expect blocked")
    if terms.credential:
        notes.append(f"credential {terms.credential}")
    if terms.samples is not None:
        notes.append(f"samples {terms.samples}")
    if terms.idle is not None:
        notes.append(f"idle {duration(terms.idle)}")
    options = _options(terms.settings)
    notes += [f"{name} {options[name]}" for name in asked(terms.settings) if name in options]
    return safe("; ".join(notes))


def _options(settings: Any) -> Mapping[str, str]:
    """The probe's options that have a value, each as an inventory would write it."""
    if not hasattr(settings, "__dataclass_fields__"):
        return {}
    return {
        name: duration(value) if isinstance(option.kind, Duration) else _shown(value)
        for name, option in options_of(settings.__class__).items()
        if (value := getattr(settings, name)) not in (None, ())
    }


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (tuple, list)):
        return ", ".join(map(_shown, value))
    return codec.dumps(value)


def _listing(checks: Iterable[Check]) -> Iterator[str]:
    """Every check with all its values, each with its origin."""
    for check in checks:
        yield f"{safe(check.id)}  {safe(check.host)}\n"
        if check.terms.stopped:
            yield f"    nothing is sent: {safe(': '.join(check.terms.stopped))}\n"
        for name, value in _values(check.terms).items():
            yield f"    {name} {safe(value)} ({_origin(check.terms, name)})\n"


def _values(terms: Terms) -> Mapping[str, str]:
    """The values a check has, as text, by the key that sets them."""
    values: dict[str, Any] = {
        "flow": terms.flow,
        "from": terms.vantage,
        "expect": terms.expect,
        "timeout": _seconds(terms),
        "retries": terms.retries,
        "every_address": terms.every_address,
        "samples": terms.samples,
        "idle": None if terms.idle is None else duration(terms.idle),
        "credential": terms.credential,
        "tags": terms.tags or None,
        "owner": terms.owner.name if terms.owner else None,
        "accept": [f"{accepted.cause or 'any'} until {accepted.until}" for accepted in terms.accept] or None,
    }
    common = {name: _shown(value) for name, value in values.items() if value is not None}
    return {**common, **_options(terms.settings)}


def _origin(terms: Terms, name: str) -> str:
    """`group dmz, line 24`; what no level gives is built in, or where a URL says it, the check's."""
    origin = terms.origins.get(name)
    if origin is not None:
        return origin.level if origin.line is None else f"{origin.level}, line {origin.line}"
    if name == "from":
        return "stands for the flow" if terms.origin == "declared" else "nobody declared another"
    return "check" if name in asked(terms.settings) else "built-in"


def _json(checks: Iterable[Check]) -> Iterator[str]:
    """One array, written check by check."""
    separator = "[\n"
    for check in checks:
        yield separator + codec.dumps(_document(check))
        separator = ",\n"
    yield "\n]\n"


def _document(check: Check) -> dict[str, Any]:
    terms = check.terms
    return {
        "id": check.id,
        "name": terms.name,
        "vantage": terms.vantage,
        "origin": terms.origin,
        "flow": terms.flow,
        "target": check.target,
        "groups": terms.groups,
        "tags": terms.tags,
        "owner": terms.owner._asdict() if terms.owner else None,
        "host": check.host,
        "probe": terms.probe,
        "port": terms.port,
        "expect": terms.expect,
        "timeout_s": terms.timing.timeout,
        "deadline_s": terms.timing.deadline,
        "retries": terms.retries,
        "every_address": terms.every_address,
        "samples": terms.samples,
        "idle_s": terms.idle,
        "credential": terms.credential,
        "accept": [accepted._asdict() for accepted in terms.accept],
        "settings": dict(asked(terms.settings)),
        "stopped": dict(zip(("cause", "why"), terms.stopped, strict=True)) if terms.stopped else None,
        "origins": {name: origin._asdict() for name, origin in terms.origins.items()},
    }
