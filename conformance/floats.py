"""Binary64 and binary32 values as they travel in answers: 16 or 8 hex digits, and the distance of two of them."""

from __future__ import annotations

import math
import re
import struct

HEX = re.compile(r"[0-9a-f]{16}|[0-9a-f]{8}")
LAYOUTS = {16: ">d", 8: ">f"}


def decode(text: object) -> float | None:
    """Return the float that 16 or 8 lower-case hex digits stand for, or None for anything else."""
    if not isinstance(text, str) or not HEX.fullmatch(text):
        return None
    return float(struct.unpack(LAYOUTS[len(text)], bytes.fromhex(text))[0])


def encode(value: float) -> str:
    """Return the 16 hex digits of a float."""
    return struct.pack(">d", value).hex()


def ulps(a: object, b: object) -> int | None:
    """Return how many values of their format lie between two floats in hex digits (0 and -0: one).

    None unless both are finite floats of the same format.
    """
    if not (isinstance(a, str) and isinstance(b, str) and len(a) == len(b)):
        return None
    values = decode(a), decode(b)
    if not all(value is not None and math.isfinite(value) for value in values):
        return None
    return abs(_rank(a) - _rank(b))


def _rank(digits: str) -> int:
    """Number the floats in ascending order: bit patterns of positive ones ascend, those of negative ones descend."""
    sign = 1 << (4 * len(digits) - 1)
    bits = int(digits, 16)
    return bits if bits < sign else -(bits - sign) - 1
