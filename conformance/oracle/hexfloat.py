"""Binary64 as answers carry it: 16 hex digits, big-endian."""

import struct


def to_hex(number: float) -> str:
    """Return the bit pattern: 1.0 is 3ff0000000000000."""
    return struct.pack(">d", number).hex()


def from_hex(digits: str) -> float:
    """Return the binary64 with these 16 hex digits."""
    return float(struct.unpack(">d", bytes.fromhex(digits))[0])
