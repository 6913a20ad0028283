"""What stands between: squid, Dante and chrony, and nginx in front of a WebSocket server. Real programs.

Kinds of `serve`: `squid`, `squid-auth` (wants a login), `squid-deny` (its policy refuses everything),
`squid-page` (the same by a redirect to a page that says so), `squid-443` (tunnels to port 443 alone, as squid
comes); `squid-front`, one that nobody asked for, before the pages of nginx, `squid-front-deny`,
`squid-front-dead` (before a server that is gone); `socks`, `socks-deny`, `socks-auth`; `ws` and
`wss CERTIFICATE`, and of each `-strip` (the upgrade is taken out on the way), `-refuse` (403 for upgrades
alone), `-swallow` (no answer to upgrades alone), `-idle` (a silent session is ended after a second).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tests.lab.scenes import Scene
from tests.lab.topology import RESOLVER

FRONTS = ("squid-front", "squid-front-deny", "squid-front-dead")
SQUID = ("squid", "squid-auth", "squid-deny", "squid-page", "squid-443", *FRONTS)
SOCKS = ("socks", "socks-deny", "socks-auth")
WEBSOCKETS = ("ws", "ws-strip", "ws-refuse", "ws-swallow", "ws-idle")
WEBSOCKET_PORT, SILENT_PORT, PAGES_PORT, CLOSED_PORT = 9001, 9002, 9003, 9004  # on the place's own loopback
PEERS = (("pages", PAGES_PORT, "squid-front"), ("gone", CLOSED_PORT, "squid-front-dead"))
TIME = "10.20.0.123"

Wanted = Iterable[tuple[Scene, int, str]]

PASS_ON = (
    f"proxy_pass http://127.0.0.1:{WEBSOCKET_PORT}; proxy_http_version 1.1; proxy_set_header Host $host;"
)
UPGRADED = 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";'
# Within `location /`, by kind.
LOCATIONS = {
    "ws": PASS_ON + UPGRADED,
    "ws-strip": PASS_ON,
    "ws-refuse": "if ($http_upgrade) { return 403; }" + PASS_ON,
    "ws-swallow": (
        f"set $to 127.0.0.1:{WEBSOCKET_PORT}; if ($http_upgrade) {{ set $to 127.0.0.1:{SILENT_PORT}; }}"
        " proxy_pass http://$to; proxy_http_version 1.1;" + UPGRADED
    ),
    "ws-idle": PASS_ON + UPGRADED + "proxy_read_timeout 1s;",
}


def location(kind: str) -> str:
    """The body of nginx' server for a kind of WebSocket."""
    return f" location / {{ {LOCATIONS[kind.replace('wss', 'ws')]} }}\n"


def squid_config(folder: Path, wanted: Wanted) -> str:
    """One squid for all scenes, its policy by the port that is asked."""
    ports = [
        f"http_port {scene.address}:{port} name={kind}{number}{' accel vhost' if kind in FRONTS else ''}"
        for number, (scene, port, kind) in enumerate(wanted)
    ]
    named: dict[str, list[str]] = {kind: [] for kind in SQUID}
    for number, (_, _, kind) in enumerate(wanted):
        named[kind].append(f"{kind}{number}")
    lists = [f"acl on-{kind} myportname {' '.join(names) or 'none'}" for kind, names in named.items()]
    return "\n".join(
        [
            *ports,
            *lists,
            "auth_param basic program /usr/lib/squid/basic_ncsa_auth /dev/null",
            "acl users proxy_auth REQUIRED",
            "acl tunnel method CONNECT",
            "acl to-443 port 443",
            "deny_info 302:http://filter.lab.test/blocked on-squid-page",
            "http_access deny on-squid-page",
            "http_access deny on-squid-deny",
            "http_access deny on-squid-front-deny",
            "http_access deny on-squid-443 tunnel !to-443",
            "http_access deny on-squid-auth !users",
            "http_access allow all",
            f"dns_nameservers {RESOLVER}",
            "hosts_file none",
            *(line for name, port, kind in PEERS if named[kind] for line in _peer(name, port, kind)),
            "server_persistent_connections off",
            "cache deny all",
            "access_log none",
            f"cache_log {folder}/cache.log",
            f"pid_filename {folder}/squid.pid",
            f"coredump_dir {folder}",
            "visible_hostname proxy.lab.test",
            "shutdown_lifetime 0 seconds",
            "connect_timeout 3 seconds",
            "",
        ]
    )


def _peer(name: str, port: int, kind: str) -> list[str]:
    """The server behind the ports of a kind, and behind no others."""
    return [
        f"cache_peer 127.0.0.1 parent {port} 0 no-query no-digest originserver name={name}",
        f"cache_peer_access {name} allow on-{kind}",
        f"cache_peer_access {name} deny all",
        f"never_direct allow on-{kind}",
    ]


def socks_config(wanted: Wanted, kind: str) -> str:
    """Dante for the scenes of one kind."""
    ports = [f"internal: {scene.address} port = {port}" for scene, port, _ in wanted]
    verdict = "block" if kind == "socks-deny" else "pass"
    return "\n".join(
        [
            "logoutput: stderr",
            *ports,
            "external: in",
            f"socksmethod: {'username' if kind == 'socks-auth' else 'none'}",
            "clientmethod: none",
            "user.privileged: root",
            "user.unprivileged: root",
            "client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }",
            f"socks {verdict} {{ from: 0.0.0.0/0 to: 0.0.0.0/0 }}",
            "",
        ]
    )


def time_config(folder: Path) -> str:
    """A time server of this machine's own clock."""
    return f"local stratum 8\nallow all\nbindaddress {TIME}\ncmdport 0\npidfile {folder}/chronyd.pid\n"
