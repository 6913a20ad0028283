"""References to secrets, followed: environment, file, keyring, command.

What goes wrong is said without the secret: neither a command's arguments nor its stderr are shown.
"""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from netcheck.inventory.model import SecretRef

COMMAND_SECONDS = 10.0
MOST_BYTES = 65536


class Missing(Exception):
    """The secret is not to be had; the text says why."""


def follow(reference: SecretRef) -> str:
    """The secret. Blocks for as long as its keeper takes; raises Missing."""
    value = reference.value
    if isinstance(value, tuple):
        return _from_command(value)
    match reference.kind:
        case "env":
            return _from_environment(value)
        case "file":
            return _from_file(Path(value))
        case "keyring":
            return _from_keyring(value)
        case _:
            raise Missing("nothing was typed in, or there is no terminal to ask on")


def _from_environment(name: str) -> str:
    if not (secret := os.environ.get(name)):
        raise Missing(f"${name} is {'not set' if secret is None else 'empty'}")
    return secret


def _from_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise Missing(f"{_short(path)} does not exist") from None
    except OSError as error:
        raise Missing(f"{_short(path)} can't be read: {(error.strerror or str(error)).lower()}") from None
    return _text(data, _short(path))


def _short(path: Path) -> str:
    """The path as people write it, from their home."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def _text(data: bytes, source: str) -> str:
    """The secret in these bytes, without the line end that editors and commands add."""
    if len(data) > MOST_BYTES:
        raise Missing(f"{source} gives more than {MOST_BYTES} bytes: no secret")
    try:
        secret = data.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise Missing(f"{source} gives no UTF-8 text") from None
    if not secret:
        raise Missing(f"{source} is empty")
    return secret


def _from_command(words: tuple[str, ...]) -> str:
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # it may quote the secret
            start_new_session=True,  # so that its children can be ended with it
        )
    except OSError as error:
        raise Missing(f"command {words[0]} can't be run: {(error.strerror or '').lower()}") from None
    with process:
        try:
            data, _ = process.communicate(timeout=COMMAND_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise Missing(f"command {words[0]} gave no answer in {COMMAND_SECONDS:g} s") from None
    if process.returncode:
        raise Missing(f"command {words[0]} failed (exit status {process.returncode})")
    return _text(data, f"command {words[0]}")


def _from_keyring(place: str) -> str:
    try:
        import keyring
    except ImportError:
        raise Missing("the keyring needs the extra: pip install 'netcheck[keyring]'") from None
    service, _, name = place.partition("/")
    try:
        secret = keyring.get_password(service, name)
    except Exception as error:  # each backend has errors of its own
        raise Missing(f"the keyring can't be asked: {type(error).__name__}") from None
    if not secret:
        raise Missing(f"the keyring has no {place}")
    return secret
