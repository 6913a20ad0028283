"""The tools beside netcheck: how each is asked about a scene, and which of its words are its answer."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from urllib.parse import urlencode

from tests.lab.lab import PATH
from tests.lab.scenes import Scene

PACKAGES = {
    "nmap": "nmap",
    "nc": "netcat-openbsd",
    "ssh": "openssh-client",
    "curl": "curl",
    "prometheus-blackbox-exporter": "prometheus-blackbox-exporter",
}
EXPORTER = "127.0.0.1:9115"
WAIT = "5"  # seconds, as netcheck's timeout
LONGEST = 110  # characters of an answer
MODULES = {
    "tcp": "tcp_connect",
    "ssh": "ssh_banner",
    "tls": "tls_connect",
    "http": "http_2xx",
    "https": "http_2xx",
}
# The modules of the package's own example, with IPv4 and netcheck's patience.
CONFIGURATION = json.dumps(
    {
        "modules": {
            "tcp_connect": {"prober": "tcp", "timeout": "5s", "tcp": {"preferred_ip_protocol": "ip4"}},
            "tls_connect": {
                "prober": "tcp",
                "timeout": "5s",
                "tcp": {"preferred_ip_protocol": "ip4", "tls": True},
            },
            "ssh_banner": {
                "prober": "tcp",
                "timeout": "5s",
                "tcp": {
                    "preferred_ip_protocol": "ip4",
                    "query_response": [{"expect": "^SSH-2.0-"}, {"send": "SSH-2.0-blackbox-ssh-check"}],
                },
            },
            "http_2xx": {"prober": "http", "timeout": "5s", "http": {"preferred_ip_protocol": "ip4"}},
        }
    }
)
SSH_OPTIONS = (
    "BatchMode=yes",
    f"ConnectTimeout={WAIT}",
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
)


@dataclass(frozen=True, slots=True)
class Tool:
    """A column of the table. `root`: it needs privilege, and gets it."""

    name: str
    root: bool = False


NMAP = Tool("nmap -sT -Pn")
NMAP_SYN = Tool("nmap -sS -Pn --reason, as root", root=True)
NATURAL = Tool("nc, ssh, curl")
BLACKBOX = Tool("blackbox_exporter")
TOOLS = (NMAP, NMAP_SYN, NATURAL, BLACKBOX)


def missing() -> list[str]:
    """The Debian packages that must be installed first."""
    return [package for command, package in PACKAGES.items() if not shutil.which(command, path=PATH)]


def command(tool: Tool, scene: Scene) -> list[str]:
    """How the tool is asked about the scene's check."""
    host, port = scene.host, str(scene.port)
    if tool is NMAP:
        return ["nmap", "-sT", "-Pn", "-n", "-p", port, host]
    if tool is NMAP_SYN:
        return ["nmap", "-sS", "-Pn", "-n", "--reason", "-p", port, host]
    if tool is BLACKBOX:
        return _blackbox(scene)
    probe = scene.check["probe"]
    if probe == "ssh":
        options = [word for option in SSH_OPTIONS for word in ("-o", option)]
        return ["ssh", *options, "-p", port, f"nobody@{host}", "true"]
    if probe == "tcp":
        return ["nc", "-vz", "-w", WAIT, host, port]
    return ["curl", "-sSf", "-o", "/dev/null", "-w", "HTTP %{http_code}", "--max-time", WAIT, _url(scene)]


def _url(scene: Scene) -> str:
    scheme = "http" if scene.check["probe"] == "http" else "https"
    return f"{scheme}://{scene.host}:{scene.port}{scene.check.get('path', '/')}"


def _blackbox(scene: Scene) -> list[str]:
    probe = scene.check["probe"]
    target = _url(scene) if probe in ("http", "https") else f"{scene.host}:{scene.port}"
    query = urlencode({"target": target, "module": MODULES[probe], "debug": "true"})
    return ["curl", "-sS", "--max-time", "15", f"http://{EXPORTER}/probe?{query}"]


def answer(tool: Tool, said: str) -> str:
    """The tool's answer in its own words: the one line that says how it ended, shortened."""
    lines = [" ".join(line.split()) for line in said.splitlines() if line.strip()]
    if tool in (NMAP, NMAP_SYN):
        told = [line for line in lines if re.match(r"\d+/tcp|Failed to resolve", line)]
        # The name that nmap's list has for the port says nothing of this one.
        lines = [re.sub(r"^(\d+/tcp \S+) \S+", r"\1", line) for line in told] or lines
    elif tool is BLACKBOX:
        lines = _logged(lines)
    else:
        lines = [line for line in lines if line.startswith("curl: (")] or lines
    return shortened(lines[-1] if lines else "(nothing)")


def _logged(lines: list[str]) -> list[str]:
    """The errors that the exporter logged, without what stands before the message; else its metric."""
    logged = [line.partition(" target=")[2].partition(" level=")[2] for line in lines]
    errors = [
        line.partition(" ")[2] for line in logged if line.startswith("error ") or 'msg="Invalid' in line
    ]
    told = [words for words in errors if "Probe failed" not in words]
    return told or errors or [line for line in lines if line.startswith("probe_success")]


def shortened(words: str) -> str:
    """The words without quoting and the hour, cut where they are long."""
    plain = re.sub(r"[\\\"`|]|: current time .*", "", words)
    return plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 1]}…"
