"""Inputs of a network over time: constant values, spikes, and Poisson spike trains.

The functions named after a rule's code check that rule over a whole input; `RULES` holds those of `simulate`,
`POISSON_RULES` those of `encode.poisson`, in the order in which they are applied (semantics.md, section 7).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from spikeparity import matrix
from spikeparity.files import StorageError
from spikeparity.matrix import Deferred, FloatArray, RealArray, array_like
from spikeparity.neurons.philox import Raster, spike_block
from spikeparity.rejection import RejectedError, member
from spikeparity.strict_json import LARGEST_INTEGER
from spikeparity.values import FloatType, describe, finite_in, is_array, is_integer

STEPS = 1_048_576
MEMBERS = {
    "constant": ("kind", "values"),
    "spikes": ("kind", "indices"),
    "poisson": ("kind", "rates", "seed", "sample"),
}
DATA = {"constant": "values", "spikes": "indices", "poisson": "rates"}

Document = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Constant:
    """The same real values at every step, shape (inputs) or, for a batch, (samples, inputs)."""

    values: npt.ArrayLike

    def document(self) -> dict[str, Any]:
        """Return the input as a JSON document has it, with an array in place of lists."""
        return {"kind": "constant", "values": array_like(self.values)}


@dataclass(frozen=True, eq=False)
class Spikes:
    """Given spikes: for each step the strictly ascending indices of the active inputs; for a batch a list of those."""

    indices: Sequence[Sequence[Any]]

    @classmethod
    def from_raster(cls, raster: npt.ArrayLike) -> Spikes:
        """Take the spikes from a boolean array of shape (steps, inputs) or, for a batch, (samples, steps, inputs)."""
        return cls(index_lists(np.asarray(raster, dtype=np.bool_)))

    def document(self) -> dict[str, Any]:
        """Return the input as a JSON document has it."""
        return {"kind": "spikes", "indices": self.indices}


@dataclass(frozen=True, eq=False)
class Poisson:
    """Bernoulli spike trains from Philox4x32-10 (semantics.md, section 8).

    Attributes:
        rates: spike probability per step within [0, 1], shape (inputs) or, for a batch, (samples, inputs).
        seed: within 0 … 2^53-1.
        sample: number of the sample, or of the batch's first one; it decides which random numbers are drawn.

    """

    rates: npt.ArrayLike
    seed: int
    sample: int = 0

    def document(self) -> dict[str, Any]:
        """Return the input as a JSON document has it, with an array in place of lists."""
        return {"kind": "poisson", "rates": array_like(self.rates), "seed": self.seed, "sample": self.sample}


Input = Constant | Spikes | Poisson | Document


@dataclass(frozen=True)
class Due:
    """What an input has to fit: the network's inputs (None: any), the steps, a batch or not, the profile's format."""

    width: int | None
    steps: int
    batches: bool = True
    dtype: FloatType = np.float64


class Drive(Protocol):
    """A checked input, ready to be presented; `steady` where it is the same at every step."""

    steady: ClassVar[bool]

    @property
    def samples(self) -> int:
        """Number of samples."""

    def presented(self, start: int, stop: int) -> npt.NDArray[Any]:
        """Return the inputs in the steps from `start` until before `stop`, shape (steps, samples, inputs).

        An input that never changes is returned as one step that stands for all.
        """

    def part(self, first: int, last: int) -> Drive:
        """Return the drive of the samples from `first` until before `last`."""


@dataclass(frozen=True, eq=False)
class ConstantDrive:
    """Values of shape (samples, inputs), in the format of the profile."""

    steady: ClassVar[bool] = True

    values: RealArray

    @property
    def samples(self) -> int:
        """Number of samples."""
        return len(self.values)

    def presented(self, start: int, stop: int) -> RealArray:
        """Return the values as one step that stands for all."""
        return self.values[None]

    def part(self, first: int, last: int) -> ConstantDrive:
        """Return the drive of some samples."""
        return ConstantDrive(self.values[first:last])


@dataclass(frozen=True, eq=False)
class SpikeDrive:
    """Per sample and step the indices of the active inputs."""

    steady: ClassVar[bool] = False

    indices: Sequence[Sequence[Sequence[int]]]
    width: int

    @property
    def samples(self) -> int:
        """Number of samples."""
        return len(self.indices)

    def presented(self, start: int, stop: int) -> Raster:
        """Return the spikes of some steps."""
        raster = np.zeros((stop - start, self.samples, self.width), dtype=np.bool_)
        for number, sample in enumerate(self.indices):
            for step in range(start, stop):
                if len(sample[step]):
                    raster[step - start, number, sample[step]] = True
        return raster

    def part(self, first: int, last: int) -> SpikeDrive:
        """Return the drive of some samples."""
        return SpikeDrive(self.indices[first:last], self.width)


@dataclass(frozen=True, eq=False)
class PoissonDrive:
    """Rates of shape (samples, inputs), the seed, and the number of the first sample."""

    steady: ClassVar[bool] = False

    rates: FloatArray
    seed: int
    sample: int

    @property
    def samples(self) -> int:
        """Number of samples."""
        return len(self.rates)

    def presented(self, start: int, stop: int) -> Raster:
        """Return the spikes of some steps."""
        return spike_block(self.rates, self.seed, self.sample, start, stop)

    def part(self, first: int, last: int) -> PoissonDrive:
        """Return the drive of some samples; each keeps its number."""
        return PoissonDrive(self.rates[first:last], self.seed, self.sample + first)


def poisson_spikes(rates: npt.ArrayLike, seed: int, steps: int, sample: int = 0) -> Raster:
    """Return the spike trains that a Poisson input presents to a network.

    The spikes of a sample depend on its rates, its number, the seed, the step and the input's index only: they are the
    same in a batch as alone, and the same in every language.

    Args:
        rates: spike probability per step within [0, 1], shape (inputs) or, for a batch, (samples, inputs).
        seed: within 0 … 2^53-1.
        steps: number of time steps, within 1 … 1,048,576.
        sample: number of the sample, or of the batch's first one; within 0 … 2^53-1, as is that of the last one.

    Returns:
        True where an input fires, shape (steps, inputs) or (samples, steps, inputs).

    Raises:
        RejectedError: `simulate.steps`, `input.seed`, `input.sample`, `input.shape` or `input.range`, with a path such
            as `/steps`, `/seed`, `/sample`, `/rates/3`.

    """
    document = Poisson(rates, seed, sample).document()
    steps_(steps)
    check(document, Due(None, steps), POISSON_RULES)
    raster = np.moveaxis(drive(document, None).presented(0, int(steps)), 0, 1)
    return raster if is_batch(document) else raster[0]


def index_lists(raster: Raster) -> list[Any]:
    """Return, for each step of a boolean array (…, steps, neurons), the ascending indices of what is true."""
    if raster.ndim > 2:
        return [index_lists(part) for part in raster]
    indices = np.nonzero(raster)[1].tolist()
    ends = np.cumsum(np.count_nonzero(raster, axis=1)).tolist()
    return [indices[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


def steps_(steps: object) -> None:
    """simulate.steps: an Integer within 1 … 1,048,576."""
    if not (is_integer(steps) and 1 <= steps <= STEPS):
        raise RejectedError(
            "simulate.steps", "/steps", f"steps: expected an integer in 1 … {STEPS}, got {describe(steps)}"
        )


def kind(document: Any, due: Due) -> None:
    """input.kind: the input is an object, its kind "constant", "spikes" or "poisson"."""
    if not isinstance(document, Mapping):
        raise RejectedError("input.kind", "", f"input: expected an object, got {describe(document)}")
    value = document.get("kind")
    if not (isinstance(value, str) and value in MEMBERS):
        got = describe(value) if "kind" in document else "none"
        raise RejectedError("input.kind", "/kind", f"kind: expected {', '.join(map(repr, MEMBERS))}, got {got}")


def unknown_key(document: Document, due: Due) -> None:
    """input.unknown-key: no members but those of the kind."""
    known = MEMBERS[document["kind"]]
    for key in document:
        if key not in known:
            message = f"{document['kind']} input: expected one of {', '.join(known)}, got {key!r}"
            raise RejectedError("input.unknown-key", member("", key), message)


def seed(document: Document, due: Due) -> None:
    """input.seed: there, and an Integer within 0 … 2^53-1."""
    value = document.get("seed")
    if document["kind"] == "poisson" and not (is_integer(value) and value >= 0):
        got = describe(value) if "seed" in document else "none"
        raise RejectedError("input.seed", "/seed", f"seed: expected an integer in 0 … {LARGEST_INTEGER}, got {got}")


def sample(document: Document, due: Due) -> None:
    """input.sample: an Integer, it and the last sample's number within 0 … 2^53-1."""
    if document["kind"] != "poisson":
        return
    with suppress(RejectedError, StorageError):  # what is wrong with an array in a file is for `shape` to say
        _fetch(document)
    value = document.get("sample", 0)
    last = len(document["rates"]) - 1 if is_batch(document, due) else 0
    if not (is_integer(value) and 0 <= value <= LARGEST_INTEGER - last):
        message = f"sample: expected an integer in 0 … {LARGEST_INTEGER - last}, got {describe(value)}"
        raise RejectedError("input.sample", "/sample", message)


def shape(document: Document, due: Due) -> None:
    """input.shape: the data are there, are arrays, and fit the network and the steps."""
    key = DATA[document["kind"]]
    _fetch(document)
    if not is_array(document.get(key)):
        got = describe(document[key]) if key in document else "none"
        raise RejectedError("input.shape", f"/{key}", f"{key}: expected an array, got {got}")
    width = due.width
    for path, row in _samples(document, due):
        if key == "indices":
            _steps_shape(row, path, due.steps)
        else:
            width = _row_shape(row, path, width)


def indices(document: Document, due: Due) -> None:
    """input.indices: Integers within 0 … width-1, each greater than the one before it in its step."""
    if document["kind"] != "spikes":
        return
    last = LARGEST_INTEGER if due.width is None else due.width - 1
    for path, steps in _samples(document, due):
        for step, active in enumerate(steps):
            _ascending(active, f"{path}/{step}", last)


def range_(document: Document, due: Due) -> None:
    """input.range: values are finite, rates within [0, 1]."""
    if document["kind"] == "spikes":
        return
    poisson = document["kind"] == "poisson"
    for path, row in _samples(document, due):
        vector = matrix.to_vector(row) if poisson else matrix.rounded(matrix.to_vector(row), due.dtype)
        faults = np.flatnonzero(~((vector >= 0.0) & (vector <= 1.0)) if poisson else ~np.isfinite(vector))
        if len(faults):
            expected = "rate within 0 and 1" if poisson else finite_in(due.dtype)
            message = f"expected a {expected}, got {describe(row[faults[0]])}"
            raise RejectedError("input.range", f"{path}/{faults[0]}", message)


Rule = Callable[[Any, Due], None]
RULES: tuple[Rule, ...] = (kind, unknown_key, seed, sample, shape, indices, range_)
POISSON_RULES: tuple[Rule, ...] = (seed, sample, shape, range_)


def check(document: Any, due: Due, rules: tuple[Rule, ...]) -> None:
    """Apply rules in turn; raise RejectedError for the first one broken."""
    for rule in rules:
        rule(document, due)


def is_batch(document: Document, due: Due | None = None) -> bool:
    """Tell whether an input is a batch: it is where the place of a sample's first entry holds an array."""
    if due is not None and not due.batches:
        return False
    first = _first(document.get(DATA[document["kind"]]))
    return is_array(_first(first) if document["kind"] == "spikes" else first)


def drive(document: Document, width: int | None, dtype: FloatType = np.float64) -> Drive:
    """Make a checked input ready to be presented to a network of this width, in this format."""
    data = document[DATA[document["kind"]]]
    rows = data if is_batch(document) else [data]
    if document["kind"] == "spikes":
        return SpikeDrive(rows, width or 0)
    table = np.array([matrix.to_vector(row) for row in rows])
    if document["kind"] == "constant":
        return ConstantDrive(matrix.rounded(table, dtype))
    return PoissonDrive(table, int(document["seed"]), int(document.get("sample", 0)))


def _fetch(document: Any) -> None:
    """Put the array itself in the place of one that is in a file; it has the samples of a batch, or is one."""
    key = DATA[document["kind"]]
    if not isinstance(document.get(key), Deferred):
        return
    array = document[key].array("input.shape", f"/{key}")
    if array.ndim not in (1, 2) or (array.ndim == 2 and not len(array)):
        message = f"{key}: expected one sample (1 axis) or at least one (2 axes), got an array of shape {array.shape}"
        raise RejectedError("input.shape", f"/{key}", message)
    document[key] = array


def _first(value: Any) -> Any:
    return value[0] if is_array(value) and len(value) else None


def _samples(document: Document, due: Due) -> Iterator[tuple[str, Any]]:
    """Give the path and the data of each sample."""
    key = DATA[document["kind"]]
    if not is_batch(document, due):
        yield f"/{key}", document[key]
        return
    for number, row in enumerate(document[key]):
        yield f"/{key}/{number}", row


def _row_shape(row: Any, path: str, width: int | None) -> int:
    matrix.vector_type("input.shape", row, path)
    if width is not None and len(row) != width:
        raise RejectedError("input.shape", path, f"expected {width} entries, one per input, got {len(row)}")
    return len(row)


def _steps_shape(steps: Any, path: str, due: int) -> None:
    if not is_array(steps) or len(steps) != due:
        raise RejectedError("input.shape", path, f"expected an array of {due} steps, got {describe(steps)}")
    for step, active in enumerate(steps):
        if not is_array(active):
            message = f"expected the list of a step's active inputs, got {describe(active)}"
            raise RejectedError("input.shape", f"{path}/{step}", message)


def _ascending(active: Any, path: str, last: int) -> None:
    lowest = 0
    for position, index in enumerate(active):
        if not (is_integer(index) and lowest <= index <= last):
            message = f"expected an integer in {lowest} … {last}, ascending within a step, got {describe(index)}"
            raise RejectedError("input.indices", f"{path}/{position}", message)
        lowest = index + 1
