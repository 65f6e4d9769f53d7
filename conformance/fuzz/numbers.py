"""Numbers near the edges: of binary64, of the Integers, of decimal text that lies half-way between two floats."""

from __future__ import annotations

import math
import struct
from fractions import Fraction
from random import Random

TINY = 5e-324
"""The smallest subnormal."""
LARGEST = 1.7976931348623157e308
"""The largest finite binary64."""
LARGEST_INTEGER = 2**53 - 1

EDGES: tuple[float | int, ...] = (
    *(0, 0.0, -0.0, 1, 1.0, -1, 2, 0.5, -0.5, 0.1, 0.2, 0.3, 1 / 3, 2 / 3),
    *(TINY, -TINY, 2.0**-1023, 2.2250738585072014e-308, 2.225073858507201e-308, 1e-310),
    *(1 - 2.0**-53, 1 + 2.0**-52, 2.0**-53, 2.0**53, 2.0**53 - 1, -(2.0**53), 1e16, -1e16, 1e15),
    *(LARGEST, -LARGEST, 8.98846567431158e307, 1e308, -1e308, 1e200, 1e-200, 2.0**31, 2.0**32, 2.0**63),
    *(LARGEST_INTEGER, -LARGEST_INTEGER),
)


def finite(rng: Random) -> float | int:
    """Draw a value that JSON can carry, often an edge."""
    x = rng.random()
    if x < 0.45:
        return rng.gauss(0.0, 1.0)
    if x < 0.6:
        return rng.randint(-16, 16) / 8
    if x < 0.7:
        return rng.randint(-20, 20) / 10
    if x < 0.85:
        return rng.choice(EDGES)
    if x < 0.9:
        return rng.randint(-5, 5)
    return rng.gauss(0.0, 1.0) * 10.0 ** rng.randint(-20, 20)


def neighbour(value: float, rng: Random) -> float:
    """Return a finite value itself, or the float just below or above it."""
    toward = rng.choice((None, -math.inf, math.inf))
    other = value if toward is None else math.nextafter(value, toward)
    return other if math.isfinite(other) else value


def any_float(rng: Random) -> float:
    """Draw a positive finite float, all exponents alike."""
    value: float = struct.unpack(">d", struct.pack(">Q", rng.getrandbits(63)))[0]
    return value if math.isfinite(value) else 1.0


def text(rng: Random) -> str:
    """Draw the text of a JSON number (RFC 8259), most often one that is hard to read to the nearest binary64."""
    x = rng.random()
    if x < 0.25:
        return half_way(rng)
    if x < 0.35:
        return repr(any_float(rng))
    if x < 0.5:
        return rng.choice(NUMBER_TEXTS)
    return _digits(rng)


def half_way(rng: Random) -> str:
    """Return the exact decimal text between two neighbouring floats, or one that differs from it far behind."""
    low = any_float(rng) if rng.random() < 0.8 else rng.choice((TINY, LARGEST, 2.2250738585072009e-308, 0.0, 2.0**53))
    high = math.nextafter(low, math.inf)
    # Where the largest float ends, the next step of the exponent stands for infinity.
    above = Fraction(2**1024) if high == math.inf else Fraction(high)
    middle = (Fraction(low) + above) / 2
    places = middle.denominator.bit_length() - 1
    digits = middle.numerator * 5**places
    nudge = rng.choice((0, 0, -1, 1))
    if nudge:
        zeros = rng.choice((1, 5, 20, 300))
        digits, places = digits * 10**zeros + nudge, places + zeros
    sign = rng.choice(("", "-"))
    # Beyond 4,300 digits Python refuses to print an int; those that long are not what this is about.
    return f"{sign}{digits}e-{places}" if digits.bit_length() < 14_000 else f"{sign}{low!r}"


def _digits(rng: Random) -> str:
    count = (
        rng.choice((1, 2, 5, 16, 17, 18, 19, 20, 21, 40, 400, 800))
        if rng.random() < 0.98
        else rng.choice((5000, 5000, 5000, 40_000))
    )
    digits = "".join(rng.choices("0123456789" if rng.random() < 0.7 else "09", k=count))
    whole = digits[: rng.randint(0, count)].lstrip("0") or "0"
    fraction = digits[count // 2 :] if rng.random() < 0.6 else ""
    if rng.random() < 0.2:
        fraction = "0" * rng.randint(0, 400) + fraction
    if whole != "0" and rng.random() < 0.1:
        whole += "0" * rng.randint(0, 330)
    result = rng.choice(("", "-")) + whole + (f".{fraction}" if fraction else "")
    return result + _exponent(rng, len(whole), len(fraction)) if rng.random() < 0.7 else result


def _exponent(rng: Random, whole: int, fraction: int) -> str:
    near_the_ends = rng.choice((-whole, fraction)) + rng.choice((-324, -323, -308, -307, 0, 308, 309))
    value = rng.choice((rng.randint(-400, 400), near_the_ends, near_the_ends, rng.choice(EXPONENTS)))
    zeros = "0" * rng.choice((0, 0, 0, 1, 20))
    sign = "-" if value < 0 else rng.choice(("", "+"))
    return rng.choice("eE") + sign + zeros + str(abs(value))


EXPONENTS = (0, 99999, -99999, 2**31 - 1, 2**31, -(2**31), 2**32, 2**63, -(2**63), 2**64, 10**20, -(10**20))
NUMBER_TEXTS = (
    *("0", "-0", "0.0", "-0.0", "0e0", "-0E-0", "1", "-1", "1.0", "1e0", "10e-1", "1E+2", "0.1", "1.5e3"),
    *("9007199254740991", "9007199254740992", "9007199254740993", "-9007199254740991", "-9007199254740992"),
    *("9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616"),
    *("1e308", "1e309", "1e400", "-1e400", "1e-400", "-1e-400", "1E400", "0e400", "0e-400", "-0e99999"),
    *("1.7976931348623157e308", "1.7976931348623158e308", "1.7976931348623159e308", "-1.797693134862315807e308"),
    *("4.9406564584124654e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "2.2250738585072011e-308"),
    *("123456789012345678901234567890", "1" + "0" * 308, "1" + "0" * 309, "0." + "0" * 330 + "1"),
)
