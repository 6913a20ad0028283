"""What the kernel knows of its clock's quality: adjtimex(2), asked without changing anything; no traffic."""

from __future__ import annotations

import ctypes
import os
from typing import NamedTuple

_UNSYNCHRONISED = 0x40  # STA_UNSYNC of linux/timex.h
_ERROR = 5  # TIME_ERROR: the clock is not synchronised


class _Timex(ctypes.Structure):
    """struct timex (linux/timex.h) up to what is read, and room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


class Reading(NamedTuple):
    """Whether something keeps the clock right, and how far off it may be at most, in seconds."""

    synchronised: bool
    most: float


def read() -> Reading:
    """The kernel's own estimate. Raises OSError where there is none."""
    timex = _Timex()
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(timex))
    except (AttributeError, TypeError) as error:  # no such call: macOS, Windows
        raise OSError(f"this system has no adjtimex: {error}") from None
    if state < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return Reading(state != _ERROR and not timex.status & _UNSYNCHRONISED, timex.maxerror / 1e6)
