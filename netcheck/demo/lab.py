"""The lab: the servers of a vault's devices on loopback addresses, and the inventory that names them."""

from __future__ import annotations

import contextlib
import secrets
import string
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from netcheck.demo.certificates import Authority
from netcheck.demo.dns import DnsServer
from netcheck.demo.listener import Listener, Unresponsive, closed_port, hang_up, silence
from netcheck.demo.ssh import SshServer, old_ssh_server
from netcheck.demo.web import tls_web_server, web_server

USER = "svc-vault"
ZONE = {"vault.acme.example": ["10.20.0.10"], "erp.acme.example": ["10.99.0.15"]}

# The checks that were broken on purpose, and the cause that each must get; all others pass.
BROKEN = {
    "db01/tcp/${db01_closed}": "tcp.refused",
    "db01/tcp/${db01_dropped}": "tcp.filtered",
    "db02/ssh/${db02_ssh}": "auth.failed",
    "app01/ssh/${app01_web}": "protocol.mismatch",
    "sw-core-1/ssh/${sw1_ssh}": "ssh.no_common_algorithm",
    "sw-core-2/ssh/${sw2_ssh}": "ssh.host_key_mismatch",
    "fw-dmz/ssh/${fw_ssh}": "protocol.closed",
    "ups-1/ssh/${ups_ssh}": "protocol.silent",
    "vcenter/https/${vcenter_https}": "tls.expired",
    "ilo-7/https/${ilo_https}": "tls.hostname_mismatch",
    "vault/https/${vault_https}": "tls.expires_soon",
    "erp-name/dns/-": "dns.mismatch",
    "old-name/dns/-": "dns.nxdomain",
    "direct-rdp/tcp/${rdp_open}": "policy.unexpectedly_open",
}


class Server(Protocol):
    """What the lab needs to know of a server."""

    address: str
    port: int

    def close(self) -> None: ...


class Lab:
    """Starts every server when made and stops them all when left.

    `folder` receives the inventory and what it refers to: the CA's certificate and the passwords, which
    are made up anew each time. Raises OSError where a server can't start.
    """

    def __init__(self, folder: Path) -> None:
        self.inventory = folder / "inventory.yml"
        self._folder = folder
        self._places: dict[str, str] = {}
        with contextlib.ExitStack() as stack:  # if one server can't start, the others stop
            self._stack = stack
            self._start_servers()
            self._start_devices()
            self._start_sites()
            self._write("inventory.yml", self._filled(_template()))
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def intended(self) -> dict[str, str]:
        """The id of every check that must not pass, with the cause it must get."""
        return {f"local/{self._filled(check)}": cause for check, cause in BROKEN.items()}

    def _start_servers(self) -> None:
        """Linux servers and the database, each with its own SSH host key."""
        password, former = secrets.token_urlsafe(12), secrets.token_urlsafe(12)
        self._write("linux.password", password)
        self._write("old.password", former)
        for number, name in enumerate(("web01", "web02", "db01", "db02"), start=11):
            server = SshServer(f"127.0.0.{number}", {USER: password})
            self._add(name, "ssh", server)
            self._places[f"{name}_key"] = server.fingerprint
        database = self._places["db01"]
        self._add("db01", "dropped", Unresponsive(database))
        self._places["db01_closed"] = str(closed_port(database))
        self._add("app01", "web", web_server("127.0.0.21"))
        self._add("rdp", "open", Listener("127.0.0.22", silence))

    def _start_devices(self) -> None:
        """Network devices with an SSH of their own."""
        self._add("sw1", "ssh", old_ssh_server("127.0.0.31"))
        self._add("sw2", "ssh", SshServer("127.0.0.32", {}))
        self._places["sw2_former_key"] = self._places["web01_key"]
        self._add("fw", "ssh", Listener("127.0.0.33", hang_up))
        self._add("ups", "ssh", Listener("127.0.0.34", silence))

    def _start_sites(self) -> None:
        """Web sites with certificates of the lab's own CA, and the DNS server."""
        authority = Authority("ACME demo CA")
        authority.write(self._folder / "ca.pem")
        sites = {
            "vault": authority.issue("vault.acme.example", days=9.5),
            "vcenter": authority.issue("vcenter.acme.example", days=-12),
            "ilo": authority.issue("ilo-6.acme.example"),
        }
        for number, (name, identity) in enumerate(sites.items(), start=51):
            self._add(name, "https", tls_web_server(f"127.0.0.{number}", identity))
        resolver = DnsServer("127.0.0.2", ZONE)
        self._stack.callback(resolver.close)
        self._places["dns"] = f"{resolver.address}:{resolver.port}"

    def _add(self, name: str, service: str, server: Server) -> None:
        self._stack.callback(server.close)
        self._places[name] = server.address
        self._places[f"{name}_{service}"] = str(server.port)

    def _filled(self, text: str) -> str:
        return string.Template(text).substitute(self._places)

    def _write(self, name: str, text: str) -> None:
        path = self._folder / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")


def _template() -> str:
    return files("netcheck.demo").joinpath("inventory.yml").read_text(encoding="utf-8")
