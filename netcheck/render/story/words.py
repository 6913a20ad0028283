"""What a cause means to somebody who knows nothing of netcheck, and what it is not.

For the codes of the way there the sentences are here, for they speak of the flow; every other code's are
the catalogue's. A sentence about what it is not is said only where the verdict is certain.
"""

from __future__ import annotations

from netcheck.diagnosis.ascents import by_udp, handshake
from netcheck.diagnosis.catalogue import entry
from netcheck.diagnosis.findings.signs import signed_here
from netcheck.record import CheckRecord
from probes.contract import Confidence, Layer, Verdict

# {flow}: `tcp/5432 to 10.20.0.15`.
HAPPENED = {
    "tcp.filtered": "Nothing at all came back for {flow}: the packets are dropped, or the answers to them.",
    "tcp.rejected": "Something on the way says no to {flow}, and says so by ICMP.",
    "tcp.refused": "{flow} is refused at the target: nothing listens there, or a filter refuses, on the host"
    " or right in front of it.",
    "tcp.reset_by_firewall": "A device on the way ends {flow} with a reset, in the target's name.",
    "tcp.host_down": "For {flow} the last router asked after the host, and nobody answered.",
    "path.mtu_blackhole": "The connection for {flow} opens; small packets pass, and large ones are lost.",
    "path.middlebox_answers": "Something on the way opens the connection for {flow} in the target's place.",
    "path.idle_dropped": "{flow} works, but something on the way forgets a connection that is idle for long.",
    "path.unstable": "{flow} works at some times and not at others: {summary}.",
}
# The same, where the cause is not proved.
PERHAPS = {
    "path.idle_dropped": "{flow} works, but connections that are left idle do not last: {summary}.",
    "tcp.filtered": "Nothing was heard for {flow}: probably the packets are dropped, or the answers to them.",
    "tcp.rejected": "Something says no to {flow} by ICMP: probably a rule on the device that signed it.",
    "path.middlebox_answers": "The connection for {flow} opens, as others do there that nobody serves:"
    " probably something on the way opens them in the target's place, or the host opens every port.",
    "tcp.refused": "A reset came back for {flow}: probably the target's own, or of a filter there.",
}
NOT = {
    "tcp.filtered": "Nobody rejects it: neither a device on the way nor the target sends a word.",
    "tcp.refused": "It is no firewall further away: the answer comes from as far as the target's own.",
    "tcp.reset_by_firewall": "It is not the target that refuses: packets that end before it are reset too.",
    "tcp.host_down": "It is not a rule about the port: the router would let it pass, if the host were there.",
    "tcp.no_route": "It is not a rule about the port: a route is missing, for every port of that network.",
    "path.mtu_blackhole": "It is neither the port nor the service: both answer as long as packets are small.",
    "path.middlebox_answers": "That a port opens proves nothing here: whether the target is up is not known.",
    "path.idle_dropped": "It is not the server that hangs up: that would have been seen.",
    "path.unstable": "It is not a port that is closed for good.",
    "path.some_addresses_dead": "It is not the service as a whole: other addresses of the name work.",
}
BY_LAYER = {
    Layer.RESOLVE: "It says nothing of the way to the target: nothing was sent there.",
    Layer.TLS: "It is not a closed or filtered port: the connection opens.",
    Layer.PROTOCOL: "It is not a closed or filtered port: the connection opens.",
    Layer.AUTH: "It is not the network: the service answers, up to the login.",
}
NOT_LOOKED = "It says nothing of the target: the check could not be made."
NOT_TRIED = "It says nothing of what was not tried."


def happened(check: CheckRecord) -> str:
    """What happened, in a sentence or two; the catalogue's where a code has none of its own here.

    What is not certain is not said as if it were.
    """
    assert check.cause is not None
    if check.cause == "tcp.host_down" and signed_here(check):
        whose = "the target itself, or a gateway to it"
        return f"Nobody answers this very host as the next hop to {check.address}: {whose}."
    flow = f"{transport(check)} to {check.address or check.host}"
    summary = check.summary.rstrip(".")
    certain = check.confidence is Confidence.CERTAIN
    if not certain and check.cause in PERHAPS:
        return PERHAPS[check.cause].format(flow=flow, summary=summary)
    own = HAPPENED.get(check.cause)
    told = own.format(flow=flow, summary=summary) if own else f"{entry(check.cause).means} Here: {summary}."
    return told if certain else f"Probably: {lowered(told)}"


def transport(check: CheckRecord) -> str:
    """What a firewall knows of the check: `tcp/443`, `udp/123`; the probe where it has no port."""
    if check.port is None:
        return check.probe
    return f"{'udp' if by_udp(check.steps) else 'tcp'}/{check.port}"


def lowered(sentence: str) -> str:
    """The sentence as it goes on after another; a name or an abbreviation stays as it is."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]


def is_not(check: CheckRecord) -> str:
    """What the verdict rules out, or nothing."""
    if check.verdict is Verdict.ERROR:
        return NOT_LOOKED
    if check.verdict is Verdict.SKIP:
        return NOT_TRIED
    if check.cause in NOT:
        return NOT[check.cause]
    layer = check.layer
    if layer in (Layer.TLS, Layer.PROTOCOL, Layer.AUTH) and handshake(check.steps) is None:
        return ""
    return BY_LAYER.get(layer, "") if layer else ""


def alike(check: CheckRecord) -> tuple[str, ...]:
    """What could look the same; the catalogue's."""
    return entry(check.cause).look_alikes if check.cause else ()
