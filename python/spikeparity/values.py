"""What a rule may ask about a datum: is it an Integer, a Number, a string, an array, and what is it called in messages?

The data are JSON values or, in the Python API, what stands for them there: tuples and NumPy arrays are arrays, NumPy
scalars are numbers where binary64 holds them exactly. A NumPy bool is no number.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping
from typing import Any, TypeGuard

import numpy as np

from spikeparity.rejection import RejectedError
from spikeparity.strict_json import LARGEST_INTEGER

# The format of a profile (semantics.md, section 6; conversion.md, section 1).
FloatType = type[np.float64] | type[np.float32]

NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def is_integer(value: object) -> TypeGuard[int]:
    """Tell whether a value is an Integer: a whole number by type, within ±(2^53-1)."""
    if type(value) is not int and (isinstance(value, bool) or not isinstance(value, numbers.Integral)):
        return False
    return abs(int(value)) <= LARGEST_INTEGER


def is_number(value: object) -> bool:
    """Tell whether a value is a Number: real by type, or one of the strings that JSON needs for NaN and infinities."""
    if isinstance(value, bool):
        return False
    if isinstance(value, (float, int)):
        return True
    if isinstance(value, str):
        return value in NON_FINITE
    return isinstance(value, numbers.Real) and _is_exact(value)


def _is_exact(value: numbers.Real) -> bool:
    """Tell whether binary64 holds a scalar that is neither float nor int: it must not be changed silently."""
    if isinstance(value, numbers.Integral):
        return int(as_float(value)) == int(value)
    return bool(as_float(value) == value or value != value)


def as_float(value: Any) -> float:
    """Return a Number as the nearest binary64, ties to even; an int beyond its range becomes infinite."""
    if isinstance(value, str):
        return NON_FINITE[value]
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def rounded(value: float, dtype: FloatType) -> float:
    """Return a binary64 rounded to a format, ties to even; beyond its range it becomes infinite."""
    with np.errstate(all="ignore"):
        return float(dtype(value))


def finite_in(dtype: FloatType) -> str:
    """Name, in a message, the numbers that are finite in a format."""
    return "finite number" if dtype is np.float64 else "finite binary32 number"


def is_string(value: object) -> TypeGuard[str]:
    """Tell whether a value is a string that JSON can carry: one without lone surrogates."""
    if not isinstance(value, str):
        return False
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def is_array(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """Tell whether a value is an array: a list, a tuple, or a NumPy array of at least one dimension."""
    return isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim > 0)


def listed(value: object, *, ordered: bool = True) -> object:
    """Return what an iterable gives as a list; what is no list of things stays as it is, for a rule to reject.

    A string, a mapping, a scalar array, and a set where the order counts, are no lists.
    """
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        return value
    scalar = isinstance(value, np.ndarray) and value.ndim == 0
    return value if scalar or (ordered and isinstance(value, (set, frozenset))) else list(value)


def strings(code: str, value: object, path: str) -> None:
    """Reject what is not a list of strings: at the entry, or at the member where it is no list."""
    if not is_array(value):
        raise RejectedError(code, path, f"expected a list of strings, got {describe(value)}")
    for index, entry in enumerate(value):
        if not is_string(entry):
            raise RejectedError(code, f"{path}/{index}", f"expected a string, got {describe(entry)}")


def describe(value: object) -> str:
    """Name a value in a message."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the string {shorten(value)!r}"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, (list, tuple)):
        return f"an array of {len(value)}"
    if isinstance(value, np.ndarray):
        return f"a NumPy array of type {value.dtype} and shape {value.shape}"
    if isinstance(value, np.bool_):
        return f"a NumPy bool ({value})"
    if isinstance(value, int) and value.bit_length() > 1024:
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, numbers.Real):
        return shorten(str(value))
    if isinstance(value, Exception):
        return f"what NumPy cannot read ({value})"
    return f"a Python {type(value).__name__}"


def shorten(text: str) -> str:
    """Cut a long text for a message."""
    return text if len(text) <= 40 else f"{text[:30]}… ({len(text)} characters)"
