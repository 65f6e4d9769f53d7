"""What the rules on weights have in common for checkpoints and networks."""

import math

from conformance.oracle.profile import DEFAULT, Profile
from conformance.oracle.stored import Stored, rank
from conformance.oracle.values import Value, array, leaves, number, real


def not_number(value: Value, path: str) -> str | None:
    """Return the path of the first non-array, at any depth, that is not a Number."""
    for leaf, leaf_path in leaves(value, path):
        if real(leaf) is None:
            return leaf_path
    return None


def not_matrix(value: Value) -> bool:
    """Tell whether this is anything but an array of equally long arrays without arrays inside."""
    if not isinstance(value, list) or rank(value) not in (None, 2):
        return True
    for row in value:
        if not isinstance(row, list) or any(isinstance(element, list) for element in row):
            return True
    return any(len(array(row)) != len(array(value[0])) for row in value)


def dimensions(value: Value) -> tuple[int, ...]:
    """Return the shape of a rectangular array, () of anything else; what holds nothing has no dimensions below that."""
    if isinstance(value, Stored):
        return value.shape
    if not isinstance(value, list):
        return ()
    if not any(isinstance(entry, list) for entry in value):
        return (len(value),)
    inner = [dimensions(entry) for entry in value]
    return (len(value), *inner[0]) if inner[0] and all(lengths == inner[0] for lengths in inner) else ()


def not_finite(value: Value, path: str, profile: Profile = DEFAULT) -> str | None:
    """Return the path of the first Number, at any depth, that in the profile's format is NaN or an infinity."""
    for leaf, leaf_path in leaves(value, path):
        if not math.isfinite(profile.rounded(number(leaf))):
            return leaf_path
    return None


def shape(value: Value, due_inputs: int) -> tuple[int, int]:
    """Return (outputs, inputs) of a matrix; written without rows, as [], it has the input width that is due."""
    if isinstance(value, Stored):
        return value.shape[0], value.shape[1]
    rows = array(value)
    return (len(rows), len(array(rows[0]))) if rows else (0, due_inputs)


def numbers(value: Value, profile: Profile = DEFAULT) -> list[list[float]]:
    """Return a checked matrix as rows of numbers in the profile's format."""
    return [[profile.rounded(number(element)) for element in array(row)] for row in array(value)]
