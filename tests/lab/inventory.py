"""The one inventory that checks every scene, and the one that checks every drawn port."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.lab.oracle import Pair
from tests.lab.scenes import Scene, filled
from tests.lab.topology import NETWORKS

# The keys travel in the environment: the plain user can't read root's files.
CREDENTIALS = {
    "known-key": {"username": "nobody", "private_key": {"env": "LAB_KNOWN_KEY"}},
    "strange-key": {"username": "nobody", "private_key": {"env": "LAB_STRANGE_KEY"}},
    "password": {"username": "nobody", "password": {"env": "LAB_PASSWORD"}},
    "absent": {"username": "nobody", "password": {"env": "LAB_NOBODY_SET_THIS"}},
}


def of_scenes(scenes: Iterable[Scene], words: dict[str, str]) -> str:
    """Every scene as a target with one check; YAML that is also JSON."""
    targets = {scene.name: {"host": scene.host, "checks": [filled(scene.check, words)]} for scene in scenes}
    return _inventory("scenes", targets, {"credentials": CREDENTIALS, "networks": NETWORKS})


def of_pairs(pairs: Iterable[Pair]) -> str:
    """Every drawn port as a bare tcp check with nmap's patience: three seconds, one look."""
    targets: dict[str, Any] = {}
    for pair in pairs:
        name = pair.address.replace(":", "-")
        targets.setdefault(name, {"host": pair.address, "checks": []})["checks"].append(pair.port)
    return _inventory("oracle", targets, {"defaults": {"timeout": "3s", "retries": 0}})


def environment(folder: Path) -> dict[str, str]:
    """What the run needs: keys, trust in the lab's public root, and no colours or proxies."""
    return {
        "LAB_KNOWN_KEY": (folder / "known").read_text(),
        "LAB_STRANGE_KEY": (folder / "strange").read_text(),
        "LAB_PASSWORD": "not-used-anywhere",
        "SSL_CERT_FILE": str(folder / "vault-store.pem"),
        "NETCHECK_PUBLIC_CAS": str(folder / "public-root.pem"),
        "NO_COLOR": "1",
    }


def _inventory(name: str, targets: dict[str, Any], more: dict[str, Any]) -> str:
    flows = ["vault-to-target", "vault-to-service", "user-to-saas", "connector-to-saas"]
    vantages = {"local": {"stands_for": flows}}
    whole = {"netcheck": 1, "name": f"lab {name}", "vantages": vantages, **more, "targets": targets}
    return json.dumps(whole, indent=1)


def words(folder: Path) -> dict[str, str]:
    """What is known of the lab only once it runs, for the words of the scenes' checks."""
    own = {path.stem: fingerprint(path) for path in folder.glob("key-*.pub")}
    return {"host_key": fingerprint(folder / "host.pub"), "folder": str(folder), **own}


def fingerprint(path: Path) -> str:
    """A public key's, as `SHA256:…`."""
    shown = subprocess.run(("ssh-keygen", "-l", "-f", str(path)), capture_output=True, text=True, check=True)
    return shown.stdout.split()[1]
