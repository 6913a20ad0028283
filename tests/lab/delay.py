"""Holds packets up: `python -m tests.lab.delay PLACE DEVICE=SECONDS…`.

What is sent to a TUN device of this namespace comes out of the device of that name in PLACE so many
seconds later, in the order in which it came.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import struct
import sys
import time
from collections import deque

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
LONGEST = 65536


class Delay:
    """One direction between two devices."""

    def __init__(self, entrance: int, seconds: float) -> None:
        self.entrance = entrance
        self.exit = -1
        self.seconds = seconds
        self.waiting: deque[tuple[float, bytes]] = deque()

    def take(self, now: float) -> None:
        self.waiting.append((now + self.seconds, os.read(self.entrance, LONGEST)))

    def release(self, now: float) -> None:
        while self.waiting and self.waiting[0][0] <= now:
            os.write(self.exit, self.waiting.popleft()[1])


def attach(device: str) -> int:
    """A descriptor of the TUN device, which exists already, in the namespace where we are."""
    found = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(found, TUNSETIFF, struct.pack("16sH22x", device.encode(), IFF_TUN | IFF_NO_PI))
    return found


def enter(place: str) -> None:
    """Move this process into the network namespace of a place."""
    with open(f"/run/netns/{place}") as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"no way into {place}")


def carry(delays: list[Delay]) -> None:
    """Take and release packets for ever."""
    by_entrance = {delay.entrance: delay for delay in delays}
    while True:
        due = [delay.waiting[0][0] for delay in delays if delay.waiting]
        patience = max(0.0, min(due) - time.monotonic()) if due else None
        ready, _, _ = select.select(list(by_entrance), [], [], patience)
        now = time.monotonic()
        for entrance in ready:
            by_entrance[entrance].take(now)
        for delay in delays:
            delay.release(now)


def main() -> None:
    place, *wanted = sys.argv[1:]
    devices = [each.partition("=")[::2] for each in wanted]
    delays = [Delay(attach(device), float(seconds)) for device, seconds in devices]
    enter(place)
    for delay, (device, _) in zip(delays, devices, strict=True):
        delay.exit = attach(device)
    print("ready", flush=True)
    carry(delays)


if __name__ == "__main__":
    main()
