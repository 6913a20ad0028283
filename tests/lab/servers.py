"""The servers behind the firewalls: OpenSSH, nginx, unbound, dnsmasq, and listeners that misbehave.

`serve` of a scene maps a port to a kind: a variant of SSHD, `http`, `https CERTIFICATE`,
`tls-old CERTIFICATE` and the others of TLS, one of `tests.lab.between`, of `tests.lab.middleboxes`, of
`tests.lab.liars` or of `tests.lab.sshds`, or a behaviour of `tests.lab.listeners`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.lab import between, liars, sshds
from tests.lab.certificates import Authorities
from tests.lab.listeners import BEHAVIOURS, TLS
from tests.lab.middleboxes import BOXES
from tests.lab.rules import HOLD_PORT, holding
from tests.lab.scenes import DOMAIN, Scene
from tests.lab.system import alone
from tests.lab.topology import (
    DELAYS,
    INVENTING_RESOLVER,
    OTHER_RESOLVER,
    OUTSIDE_RESOLVER,
    RESOLVER,
    can_delay,
    inside,
    run,
)

SSHD = {
    "ssh": "",
    "ssh-no-password": "PasswordAuthentication no\nKbdInteractiveAuthentication no",
    "ssh-old-kex": "KexAlgorithms diffie-hellman-group14-sha1,diffie-hellman-group1-sha1",
    "ssh-good-kex": "KexAlgorithms diffie-hellman-group14-sha256",
    "ssh-old-cipher": "Ciphers aes128-cbc,3des-cbc",
    "ssh-old-hostkey": "HostKeyAlgorithms ssh-rsa",
    "ssh-old-mac": "Ciphers aes128-ctr\nMACs hmac-md5,hmac-sha1-96",
    "ssh-old": "KexAlgorithms diffie-hellman-group1-sha1\nCiphers 3des-cbc\nMACs hmac-md5",
    "ssh-hasty": "LoginGraceTime 2",
    "ssh-only-chacha": "Ciphers chacha20-poly1305@openssh.com",
    "ssh-only-sntrup": "KexAlgorithms sntrup761x25519-sha512@openssh.com",
}
NOBODY = ("unshare", "--user", "--map-user=65534", "--map-group=65534")
MAX_LISTEN_SOCKS = 16  # of one sshd
# What nginx says of TLS by kind; {pem} is the server's own certificate and key.
TLS_OPTIONS = {
    "https": "",
    "tls-old": "ssl_protocols TLSv1 TLSv1.1; ssl_ciphers DEFAULT@SECLEVEL=0;",
    "tls-1.2": "ssl_protocols TLSv1.2;",
    "tls-1.3": "ssl_protocols TLSv1.3;",
    "https-mtls": "ssl_verify_client on; ssl_client_certificate {pem};",
    "https-asks": "ssl_verify_client optional; ssl_client_certificate {pem};",
    "https-stranger": "ssl_reject_handshake on;",  # knows no site of the name
}
SERVING = ("targets", "far")
Listener = tuple[str, int, str, str | None]  # address, port, kind, PEM file
PAGES = """
    location = /missing { return 404; }
    location = /forbidden { return 403; }
    location = /broken { return 503; }
    location = /away { return 302 http://elsewhere.example/; }
    location = /loop { return 302 /loop; }
    location = /moved { return 301 /; }
    location = /large { default_type text/plain; root pages; }
    location ~ \\.(der|crl)$ { default_type application/octet-stream; root pages; }
    location / { default_type text/plain; return 200 "lab says hello\n"; }
"""


class Servers:
    """All servers of a lab; they die with the lab's process namespace."""

    def __init__(self, folder: Path, scenes: Iterable[Scene]) -> None:
        self.folder = folder
        self.scenes = tuple(scenes)
        self.authorities = Authorities(folder)
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, listening: Iterable[tuple[str, int]]) -> None:
        """Start everything; `listening` are further (address, port) pairs that just accept."""
        self._keys()
        os.makedirs("/run/sshd", mode=0o755)
        for place in SERVING:
            inside(place, "sysctl", "-qw", "net.ipv4.ip_unprivileged_port_start=0")
            for kind in SSHD:
                wanted = self._wanted(place, kind)
                for first in range(0, len(wanted), MAX_LISTEN_SOCKS):
                    name = f"{place}-{kind}-{first}"
                    self._sshd(place, name, SSHD[kind], wanted[first : first + MAX_LISTEN_SOCKS])
            self._special_sshds(place)
            self._nginx(place)
            self._proxies(place)
            self._liars(place)
        self._unbound()
        self._time()
        self._dnsmasq()
        self._listeners("targets", listening)
        self._listeners("far", ())
        for place in SERVING:
            self._boxes(place)
        for place in holding(self.scenes):
            self._listen(
                f"hold-{place}",
                place,
                [("0.0.0.0", HOLD_PORT, "accept", None), ("::", HOLD_PORT, "accept", None)],
            )
        if can_delay():
            delays = [f"{device}={seconds}" for device, _, seconds in DELAYS]
            self._spawn("fw3", sys.executable, "-m", "tests.lab.delay", "far", *delays)

    def _wanted(self, place: str, *kinds: str) -> list[tuple[Scene, int, str]]:
        return [
            (scene, port, served)
            for scene in self.scenes
            for port, served in scene.serve.items()
            if scene.place == place and served.split()[0] in kinds
        ]

    def _spawn(self, place: str, *argv: str) -> None:
        log = (self.folder / f"{place}-{len(self.running)}.log").open("wb")
        started = subprocess.Popen(
            ("ip", "netns", "exec", place, *argv),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        self.running.append(started)

    def _keys(self) -> None:
        """Host keys, and two users' keys: one that every sshd knows, and a stranger's."""
        for name, kind in (
            ("host", "ed25519"),
            ("host_rsa", "rsa"),
            ("known", "ed25519"),
            ("strange", "ed25519"),
        ):
            run("ssh-keygen", "-q", "-t", kind, "-N", "", "-C", name, "-f", str(self.folder / name))
        host_key = (self.folder / "host.pub").read_text()
        (self.folder / "known_hosts").write_text(f"somebody.lab.test {host_key}")
        (self.folder / "authorized_keys").write_bytes((self.folder / "known.pub").read_bytes())
        self._vaults()

    def _vaults(self) -> None:
        """What programs print of the algorithms that a vault has: all it knows, and all it is set to use."""
        asked = [("ssh", "-Q", kind) for kind in ("kex", "HostKeyAlgorithms", "cipher", "mac")]
        for name, commands in (("ssh-Q", asked), ("ssh-G", [("ssh", "-G", "-F", "none", "somebody")])):
            shown = [subprocess.run(argv, capture_output=True, text=True, check=True) for argv in commands]
            (self.folder / f"{name}.txt").write_text("".join(each.stdout for each in shown))

    def _sshd(self, place: str, name: str, options: str, wanted: list[tuple[Scene, int, str]]) -> None:
        ends = [(scene.address, port) for scene, port, _ in wanted]
        self._openssh(place, name, options, ends, ("host", "host_rsa"))

    def _openssh(
        self, place: str, name: str, options: str, ends: Iterable[tuple[str, int]], keys: Iterable[str]
    ) -> None:
        """An sshd at these (address, port) pairs with these host keys."""
        config = self.folder / f"{name}.conf"
        lines = [f"ListenAddress {_bracketed(address)}:{port}" for address, port in ends]
        most = () if "MaxStartups" in options else ("MaxStartups 100",)
        # Of two values of most keywords sshd takes the first.
        config.write_text("\n".join([*lines, options, *_sshd_lines(self.folder, keys), *most]) + "\n")
        self._spawn(place, *_shed(), "/usr/sbin/sshd", "-D", "-e", "-f", str(config))

    def _special_sshds(self, place: str) -> None:
        """An sshd each for the kinds that stand for themselves, and what stands before others."""
        for number, (scene, port, words) in enumerate(self._wanted(place, *sshds.OPENSSH)):
            kind, _, key = words.partition(" ")
            keys = (self._own_key(key),) if key else ("host", "host_rsa")
            ends = [(scene.address, port)]
            self._openssh(place, f"{place}-own-{number}", sshds.OPENSSH[kind], ends, keys)
        for port, options in sshds.BEHIND.items():
            self._openssh(
                place, f"{place}-behind-{port}", options, [("127.0.0.1", port)], ("host", "host_rsa")
            )
        wanted = self._wanted(place, "ssh-full", *sshds.BEFORE)
        config = self.folder / f"sshds-{place}.json"
        config.write_text(json.dumps([(scene.address, port, words) for scene, port, words in wanted]))
        self._spawn(place, sys.executable, "-m", "tests.lab.sshds", str(config))

    def _own_key(self, name: str) -> str:
        """The file of the host key with this name, made when it is first asked for."""
        path = self.folder / f"key-{name}"
        if not path.exists():
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path))
        return path.name

    def _nginx(self, place: str) -> None:
        servers = [f"  server {{ listen 127.0.0.1:{between.PAGES_PORT};{PAGES}  }}\n"]
        sockets = (*between.WEBSOCKETS, *(kind.replace("ws", "wss") for kind in between.WEBSOCKETS))
        for scene, port, kind in self._wanted(place, "http", *TLS_OPTIONS, *sockets):
            tls = self._tls(scene, kind) if " " in kind else ""
            listen = f"listen {_bracketed(scene.address)}:{port}{' ssl' if tls else ''};"
            pages = between.location(kind.split()[0]) if kind.startswith("ws") else PAGES
            servers.append(f"  server {{ {listen}{tls}{pages}  }}\n")
        work = self.folder / f"nginx-{place}"
        work.mkdir()
        (work / "pages").mkdir()
        (work / "pages" / "large").write_text("lab says hello\n" * 2000)
        self.authorities.publish(work / "pages")
        config = work / "nginx.conf"
        config.write_text(_nginx_config(work, "".join(servers)))
        self._spawn(place, "/usr/sbin/nginx", "-p", str(work), "-c", str(config), "-e", "stderr")

    def _tls(self, scene: Scene, kind: str) -> str:
        how, name = kind.split()
        pem = self.authorities.issue(name, scene.host)
        options = TLS_OPTIONS.get(how, "").format(pem=pem)
        return f" ssl_certificate {pem}; ssl_certificate_key {pem}; {options}"

    def _proxies(self, place: str) -> None:
        """squid and Dante, where a scene wants them."""
        if wanted := self._wanted(place, *between.SQUID):
            folder = self.folder / f"squid-{place}"
            folder.mkdir()
            config = folder / "squid.conf"
            config.write_text(between.squid_config(folder, wanted))
            self._spawn(place, *NOBODY, "/usr/sbin/squid", "-N", "-f", str(config))  # it will not be root
        for kind in between.SOCKS:
            if wanted := self._wanted(place, kind):
                config = self.folder / f"{kind}-{place}.conf"
                config.write_text(between.socks_config(wanted, kind))
                self._spawn(place, "/usr/sbin/danted", "-f", str(config), "-p", f"{config}.pid")

    def _liars(self, place: str) -> None:
        """Servers of names, time and pages that are wrong, where a scene wants them."""
        wanted = [
            (scene.address, port, kind, scene.host, scene.records, self._public(scene, kind))
            for scene, port, kind in self._wanted(place, *liars.KINDS)
        ]
        config = self.folder / f"liars-{place}.json"
        config.write_text(json.dumps(wanted))
        self._spawn(place, sys.executable, "-m", "tests.lab.liars", str(config))

    def _public(self, scene: Scene, kind: str) -> str | None:
        return str(self.authorities.issue("good", scene.host)) if liars.needs_tls(kind) else None

    def _time(self) -> None:
        """chrony, which shows this machine's own time."""
        config = self.folder / "chrony.conf"
        config.write_text(between.time_config(self.folder))
        self._spawn("targets", "/usr/sbin/chronyd", "-d", "-x", "-u", "root", "-f", str(config))

    def _unbound(self) -> None:
        lines = [
            f'  local-data: "{scene.host}. 60 IN {record}"'
            for scene in self.scenes
            for record in scene.records
        ]
        config = self.folder / "unbound.conf"
        config.write_text(
            UNBOUND.format(folder=self.folder, address=RESOLVER, other=OTHER_RESOLVER, data="\n".join(lines))
        )
        self._spawn("targets", "/usr/sbin/unbound", "-d", "-c", str(config))

    def _dnsmasq(self) -> None:
        """A second opinion: every name of the domain is 10.20.99.99. Another invents answers for any name,
        and one knows nothing of the domain, but a zone with a wildcard record."""
        options = ("-C", "/dev/null", "-d", "-R", "-h", "--bind-interfaces", "--except-interface=lo")
        zone = "--host-record=known.zone.test,10.20.7.7"
        invents = (f"--listen-address={INVENTING_RESOLVER}", "--address=/#/10.20.66.66", zone)
        self._spawn("targets", "/usr/sbin/dnsmasq", *options, *invents)
        outside = "--host-record=outside.zone.test,203.0.113.9"
        knows = (f"--listen-address={OUTSIDE_RESOLVER}", f"--local=/{DOMAIN}/", "--local=/#/", outside)
        knows = (*knows, "--address=/apps.zone.test/10.20.7.8")
        self._spawn("targets", "/usr/sbin/dnsmasq", *options, *knows)
        where = (
            f"--listen-address={OTHER_RESOLVER}",
            f"--address=/{DOMAIN}/10.20.99.99",
            f"--local=/{DOMAIN}/",
            "--address=/half.test/10.20.99.98",  # without --local it refuses AAAA
        )
        self._spawn("targets", "/usr/sbin/dnsmasq", *options, *where)

    def _listeners(self, place: str, listening: Iterable[tuple[str, int]]) -> None:
        wanted: list[Listener] = [
            ("127.0.0.1", between.WEBSOCKET_PORT, "websocket", None),
            ("127.0.0.1", between.SILENT_PORT, "silent", None),
            *(
                (scene.address, port, kind, self._pem(scene, kind))
                for scene, port, kind in self._wanted(place, *BEHAVIOURS)
            ),
        ]
        self._listen(
            f"listeners-{place}",
            place,
            [*wanted, *((address, port, "accept", None) for address, port in listening)],
        )

    def _boxes(self, place: str) -> None:
        """Devices before a TLS server that read what clients say first."""
        wanted = [
            (
                scene.address,
                port,
                kind,
                str(self.authorities.issue("good", scene.host)),
                self._pem(scene, kind),
            )
            for scene, port, kind in self._wanted(place, *BOXES)
        ]
        if wanted:
            self._listen(f"boxes-{place}", place, wanted, "tests.lab.middleboxes")

    def _listen(
        self, name: str, place: str, wanted: Sequence[tuple[Any, ...]], module: str = "tests.lab.listeners"
    ) -> None:
        config = self.folder / f"{name}.json"
        config.write_text(json.dumps(wanted))
        self._spawn(place, sys.executable, "-m", module, str(config))

    def _pem(self, scene: Scene, kind: str) -> str | None:
        """The certificate of a behaviour: the one its kind always has, or the one named behind it."""
        named = TLS.get(kind) or kind.partition(" ")[2]
        return str(self.authorities.issue(named, scene.host)) if named else None

    def wait(self, listening: Iterable[tuple[str, int]]) -> None:
        """Wait until everything listens; a server that died is an error with its last words."""
        missing = {(scene.address, port) for scene in self.scenes for port in scene.serve}
        missing |= {*listening, (RESOLVER, 53), (OTHER_RESOLVER, 53)}
        for _ in range(150):
            for place in SERVING:
                missing -= _listening(place)
            if not missing:
                return
            for server in self.running:
                if server.poll() is not None:
                    raise RuntimeError(f"{server.args} ended: {self._last_words()}")
            time.sleep(0.1)
        raise RuntimeError(f"nobody listens at {sorted(missing)[:5]}: {self._last_words()}")

    def _last_words(self) -> str:
        logs = sorted(self.folder.glob("*.log"))
        return " | ".join(f"{log.name}: {log.read_text()[-300:]}" for log in logs if log.stat().st_size)


def _shed() -> tuple[str, ...]:
    """Words before a server that sheds root's rights, which it can't without a second user."""
    return NOBODY if alone() else ()


def _listening(place: str) -> set[tuple[str, int]]:
    """(address, port) of every socket that listens in the namespace, of TCP and of UDP."""
    argv = ("ip", "netns", "exec", place, "ss", "-Hltun")
    shown = subprocess.run(argv, text=True, capture_output=True, check=True).stdout
    ends = [line.split()[4].rpartition(":") for line in shown.splitlines()]
    return {(address.strip("[]").partition("%")[0], int(port)) for address, _, port in ends}


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _sshd_lines(folder: Path, keys: Iterable[str]) -> list[str]:
    return [
        *(f"HostKey {folder}/{key}" for key in keys),
        f"AuthorizedKeysFile {folder}/authorized_keys",
        "PidFile none",
        "StrictModes no",
        "UsePAM no",
        "UseDNS no",
    ]


def _nginx_config(work: Path, servers: str) -> str:
    """One process in the foreground that keeps its user, so that it also runs in a user namespace."""
    folders = "".join(
        f"  {kind}_temp_path {work}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        "user root; daemon off; master_process off; pid nginx.pid; error_log stderr;\n"
        "events { worker_connections 1024; }\n"
        f"http {{\n  access_log off;\n{folders}{servers}}}\n"
    )


# `static` without data: NXDOMAIN; broken.test is forwarded to a server that refuses it:
# SERVFAIL; of half.test that server refuses AAAA only.
UNBOUND = """
server:
  directory: "{folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  interface: {address}
  access-control: 0.0.0.0/0 allow
  module-config: "iterator"
  local-zone: "test." nodefault
  local-zone: "lab.test." static
  local-zone: "refused.test." always_refuse
  local-zone: "mute.test." deny
  local-zone: "example." static
{data}
forward-zone:
  name: "broken.test"
  forward-addr: {other}
forward-zone:
  name: "half.test"
  forward-addr: {other}
remote-control:
  control-enable: no
"""
