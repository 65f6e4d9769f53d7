"""Binary64 values as they travel in answers: 16 hex digits, and the distance of two of them."""

from __future__ import annotations

import math
import re
import struct

HEX = re.compile(r"[0-9a-f]{16}")


def decode(text: object) -> float | None:
    """Return the float that 16 lower-case hex digits stand for, or None for anything else."""
    if not isinstance(text, str) or not HEX.fullmatch(text):
        return None
    return float(struct.unpack(">d", bytes.fromhex(text))[0])


def encode(value: float) -> str:
    """Return the 16 hex digits of a float."""
    return struct.pack(">d", value).hex()


def ulps(a: float, b: float) -> int | None:
    """Return how many representable values lie between two floats (0 and -0: one); None unless both are finite."""
    if not (math.isfinite(a) and math.isfinite(b)):
        return None
    return abs(_rank(a) - _rank(b))


def _rank(value: float) -> int:
    """Number the floats in ascending order: bit patterns of positive ones ascend, those of negative ones descend."""
    (bits,) = struct.unpack(">q", struct.pack(">d", value))
    return int(bits) if bits >= 0 else -int(bits & 0x7FFFFFFFFFFFFFFF) - 1
