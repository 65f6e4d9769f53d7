"""Weight matrices and tensors: the checks that checkpoints and networks share, and the way into a NumPy array.

A matrix is an array of equally long rows, one per output, or a two-dimensional NumPy array of a real type. `[]` has no
outputs and any number of inputs.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from spikeparity.rejection import RejectedError
from spikeparity.values import FloatType, as_float, describe, finite_in, is_array, is_number

FloatArray = npt.NDArray[np.float64]
RealArray = npt.NDArray[np.floating[Any]]  # of the format of a profile

_EXACT = 2**53

# Elements that are looked at together: few enough for the near caches.
PART = 1 << 16


class Deferred(ABC):
    """An array that is elsewhere: the rule on its type is the first to ask for it."""

    @abstractmethod
    def array(self, code: str, path: str) -> FloatArray:
        """Return the array; `code` is that of an integer that float64 cannot hold, `path` where the array is due."""


def fetch(parent: Any, key: str, code: str, path: str) -> None:
    """Put the array itself in the place of one that is elsewhere."""
    if isinstance(parent.get(key), Deferred):
        parent[key] = parent[key].array(code, path)


def leaf_types(code: str, value: Any, path: str) -> None:
    """Reject the first non-array leaf, at any depth, that is not a Number."""
    if isinstance(value, np.ndarray):
        typed_array(code, value, path)
    elif is_array(value):
        for index, entry in enumerate(value):
            if type(entry) is not float:  # nearly all leaves are floats: no path is built for them
                leaf_types(code, entry, f"{path}/{index}")
    elif not is_number(value):
        raise RejectedError(code, path, f"expected a number, got {describe(value)}")


def typed_array(code: str, array: npt.NDArray[Any], path: str) -> None:
    """Reject a NumPy array that is not of a real type, or holds a value that binary64 cannot hold exactly."""
    if array.dtype.kind not in "fiu" or isinstance(array, np.ma.MaskedArray):
        raise RejectedError(code, path, f"expected an array of real numbers, got {describe(array)}")
    if array.dtype.itemsize < 8 or array.dtype == np.float64:
        return
    for index in np.argwhere(_doubtful(array)):
        value = array[tuple(index)]
        if not is_number(value):
            where = path + "".join(f"/{i}" for i in index)
            raise RejectedError(code, where, f"expected a value that binary64 holds exactly, got {value}")


def _doubtful(array: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Mark the values that binary64 may not hold: large integers, and what a wider float loses."""
    if array.dtype.kind == "f":
        with np.errstate(all="ignore"):
            lost: npt.NDArray[np.bool_] = (array.astype(np.float64) != array) & (array == array)
        return lost
    large: npt.NDArray[np.bool_] = array > _EXACT
    return large if array.dtype.kind == "u" else large | (array < -_EXACT)


def shape(code: str, matrix: Any, path: str) -> tuple[int, int | None]:
    """Return (outputs, inputs) of a matrix, inputs None for `[]`; reject what is not one."""
    if isinstance(matrix, np.ndarray) and matrix.ndim == 2:
        return matrix.shape[0], matrix.shape[1]
    if not isinstance(matrix, (list, tuple)):
        raise RejectedError(code, path, f"expected an array of rows, got {describe(matrix)}")
    for index, row in enumerate(matrix):
        _row(code, row, index, path)
        if len(row) != len(matrix[0]):
            message = f"expected rows of one length, got {len(matrix[0])} in row 0 and {len(row)} in row {index}"
            raise RejectedError(code, path, message)
    return len(matrix), len(matrix[0]) if matrix else None


def _row(code: str, row: Any, index: int, path: str) -> None:
    if not is_array(row):
        raise RejectedError(code, path, f"expected rows of numbers, got {describe(row)} as row {index}")
    for entry in row:
        if type(entry) is not float and is_array(entry):
            raise RejectedError(code, path, f"expected rows of numbers, got an array inside row {index}")


def tensor(code: str, value: Any, rank: int, path: str) -> None:
    """Reject what is not a rectangular array of so many dimensions, each of 1 or more."""
    sizes = dimensions(value)
    if len(sizes) != rank or 0 in sizes or not _rectangular(value, sizes):
        got = f"{len(sizes)} of sizes {sizes}" if is_array(value) else describe(value)
        message = f"expected an array of {rank} dimensions, each of 1 or more, rectangular; got {got}"
        raise RejectedError(code, path, message)


def dimensions(value: Any) -> tuple[int, ...]:
    """Return the dimensions of an array, each by its first entry; an empty list ends them."""
    if isinstance(value, np.ndarray):
        return tuple(value.shape)
    if not is_array(value):
        return ()
    return (len(value), *dimensions(value[0])) if len(value) else (0,)


def _rectangular(value: Any, sizes: tuple[int, ...]) -> bool:
    """Tell whether every entry of an array, at any depth, is an array of the due length, and the last ones none."""
    if isinstance(value, np.ndarray):
        return tuple(value.shape) == sizes
    if not sizes:
        return not is_array(value)
    return is_array(value) and len(value) == sizes[0] and all(_rectangular(entry, sizes[1:]) for entry in value)


def vector_type(code: str, values: Any, path: str) -> None:
    """Reject what is not a list of Numbers: at the entry, or at the member where it is no list."""
    if isinstance(values, np.ndarray) and values.ndim == 1:
        typed_array(code, values, path)
    elif not isinstance(values, (list, tuple)):
        raise RejectedError(code, path, f"expected a list of numbers, got {describe(values)}")
    else:
        for index, value in enumerate(values):
            if not is_number(value):
                raise RejectedError(code, f"{path}/{index}", f"expected a number, got {describe(value)}")


def vector_finite(code: str, values: Any, path: str, dtype: FloatType = np.float64) -> None:
    """Reject the first of a list of Numbers that is NaN or infinite, or becomes so in a format."""
    vector = to_vector(values)
    faults = np.flatnonzero(~np.isfinite(rounded(vector, dtype)))
    if len(faults):
        raise RejectedError(code, f"{path}/{faults[0]}", f"expected a {finite_in(dtype)}, got {vector[faults[0]]}")


def finite(code: str, matrix: Any, path: str, dtype: FloatType = np.float64) -> None:
    """Reject the first element that is NaN or infinite, or becomes so in a format."""
    array = as_array(matrix, None)
    index = _not_finite(array, dtype)
    if index is not None:
        where = "".join(f"/{i}" for i in index)
        raise RejectedError(code, path + where, f"expected a {finite_in(dtype)}, got {array[index]}")


def _not_finite(array: FloatArray, dtype: FloatType) -> tuple[int, ...] | None:
    """Return the index of the first NaN or infinity, part by part: a mask of all would take an eighth of the array."""
    flat = array.reshape(-1)
    with np.errstate(all="ignore"):
        for begin in range(0, flat.size, PART):
            part = flat[begin : begin + PART].astype(dtype, copy=False)
            if math.isfinite(part.dot(part)):  # no sum of squares is finite where one of them is not
                continue
            sound = np.isfinite(part)
            if not sound.all():
                return tuple(int(i) for i in np.unravel_index(begin + int(sound.argmin()), array.shape))
    return None


def array_like(value: object) -> object:
    """Return the NumPy array of what offers one, such as a tensor of another library; anything else as it is.

    What fails to become one is represented by its error, so that the rule on types rejects it in its turn.
    """
    if isinstance(value, np.ndarray) or not hasattr(value, "__array__"):
        return value
    try:
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        return error


def rounded(array: FloatArray, dtype: FloatType) -> npt.NDArray[Any]:
    """Return an array in a format, each value rounded once, ties to even; what is too large becomes infinite."""
    if array.dtype == dtype:
        return array
    with np.errstate(all="ignore"):
        return array.astype(dtype, copy=False)


def as_array(matrix: Any, inputs: int | None) -> FloatArray:
    """Return a checked matrix, or an array of any rank, as a binary64 array in C order: itself where it is one."""
    if isinstance(matrix, np.ndarray):
        return np.asarray(matrix, dtype=np.float64, order="C")
    return to_array(matrix, inputs)


def to_array(matrix: Any, inputs: int | None) -> FloatArray:
    """Return a checked matrix or tensor as a new binary64 array in C order; `inputs` serves the matrix `[]`."""
    if isinstance(matrix, np.ndarray):
        return np.array(matrix, dtype=np.float64, order="C", subok=False)
    if not matrix:
        return np.zeros((0, inputs or 0))
    return np.array([_to_part(part) for part in matrix], dtype=np.float64)


def _to_part(part: Any) -> FloatArray:
    return to_array(part, None) if len(part) and is_array(part[0]) else to_vector(part)


def to_vector(values: Any) -> FloatArray:
    """Return a checked array of Numbers as a new binary64 array."""
    if isinstance(values, np.ndarray):
        return np.array(values, dtype=np.float64, subok=False)
    return np.array([as_float(value) for value in values], dtype=np.float64)


def plain(value: Any) -> Any:
    """Return a document with nested lists in place of arrays, at any depth."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    return [plain(entry) for entry in value] if isinstance(value, list) else value
