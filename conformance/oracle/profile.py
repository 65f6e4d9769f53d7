"""Arithmetic profiles: how the result of each operation is rounded, and how numbers travel in answers."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """A profile: the rounding of a binary64 to its format, and the layout of that format in `struct`."""

    rounded: Callable[[float], float]
    layout: str

    def digits(self, number: float) -> str:
        """Return the big-endian bit pattern of a number of this format in hex digits."""
        return struct.pack(self.layout, number).hex()


def binary32(number: float) -> float:
    """Return the nearest binary32, ties to even.

    Sum, product, difference and quotient of two binary32, computed in binary64 and then rounded, are what one rounding
    gives: 53 >= 2 * 24 + 2 (Figueroa 1995, "When is double rounding innocuous?").
    """
    try:
        return float(struct.unpack(">f", struct.pack(">f", number))[0])
    except OverflowError:
        return math.copysign(math.inf, number)


PROFILES = {"sequential-f64": Profile(float, ">d"), "sequential-f32": Profile(binary32, ">f")}
DEFAULT = PROFILES["sequential-f64"]
