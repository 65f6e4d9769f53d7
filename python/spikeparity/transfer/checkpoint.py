"""Checkpoints of spiking networks: weights, names and sizes of the layers, and which of them are frozen.

The functions named after a rule's code check that rule over a whole document; `RULES` holds them in the order in which
they are applied (semantics.md, section 3).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from spikeparity import matrix
from spikeparity.matrix import FloatArray
from spikeparity.rejection import RejectedError, member
from spikeparity.values import as_float, describe, is_array, is_integer, is_string, listed, strings

REQUIRED = ("layer_names", "layer_sizes", "weights")
OPTIONAL = ("neuron_types", "metadata", "frozen_layers")

# How deep the metadata of the Python API may nest: what a request line may. It also ends a dict that contains itself.
METADATA_DEPTH = 128

Document = Mapping[str, Any]


class SNNCheckpoint:
    """The layers of a spiking network as they are saved, moved and fine-tuned.

    Attributes:
        weights: per layer a float64 array of shape (output_features, input_features).
        layer_names: per layer a name, each once.
        layer_sizes: per layer (input_features, output_features).
        neuron_types: empty, or per layer the type of its neurons; any strings.
        metadata: anything that JSON can carry, under string keys.
        frozen_layers: names of the layers that are not trained, sorted by code point.

    Layers need not chain. All arguments are copied, arrays included. Any iterable serves as a list, and NumPy numbers
    serve as numbers where float64 holds them exactly.

    Raises:
        RejectedError: the code of a rule of stage `checkpoint` and the path of the datum at fault, such as
            `/weights/0/1/2`.

    """

    weights: list[FloatArray]
    layer_names: list[str]
    layer_sizes: list[tuple[int, int]]
    neuron_types: list[str]
    metadata: dict[str, Any]
    frozen_layers: list[str]
    names_checked: list[str]  # the names as they were when all rules were applied
    frozen_checked: list[str]  # the frozen layers as they were when they were last found sound

    def __init__(
        self,
        weights: Iterable[npt.ArrayLike],
        layer_names: Iterable[str],
        layer_sizes: Iterable[Iterable[int]],
        neuron_types: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
        frozen_layers: Iterable[str] = (),
    ) -> None:
        """Check the arguments and copy them."""
        document = {
            "layer_names": listed(layer_names),
            "layer_sizes": _each(listed, layer_sizes),
            "weights": _each(matrix.array_like, weights),
            "neuron_types": listed(neuron_types),
            "metadata": {} if metadata is None else metadata,
            "frozen_layers": listed(frozen_layers, ordered=False),
        }
        self._take(document)

    @classmethod
    def from_document(cls, document: Any) -> SNNCheckpoint:
        """Make a checkpoint of a JSON document (semantics.md, section 3), or raise RejectedError."""
        checkpoint = cls.__new__(cls)
        checkpoint._take(document)
        return checkpoint

    @classmethod
    def of_checked(cls, document: Mapping[str, Any]) -> SNNCheckpoint:
        """Make a checkpoint of a document that is sound by all rules; its arrays, of float64, are not copied."""
        checkpoint = cls.__new__(cls)
        checkpoint._fill(document, list(document["weights"]))
        return checkpoint

    def validate(self) -> None:
        """Check all rules again: the attributes can be changed after construction. Raises RejectedError."""
        check(self._parts())

    @property
    def n_layers(self) -> int:
        """The number of layers."""
        return len(self.layer_names)

    @property
    def total_params(self) -> int:
        """The number of weights: the sum of input × output features."""
        return sum(inputs * outputs for inputs, outputs in self.layer_sizes)

    def __repr__(self) -> str:
        """Name the layers with their sizes, not the weights."""
        layers = ", ".join(f"{name!r} {size}" for name, size in zip(self.layer_names, self.layer_sizes, strict=False))
        return f"SNNCheckpoint({layers or 'no layers'}; frozen_layers={self.frozen_layers})"

    def __eq__(self, other: object) -> bool:
        """Compare all attributes, weights by value."""
        if not isinstance(other, SNNCheckpoint):
            return NotImplemented
        mine, others = self._parts(), other._parts()
        pairs = zip(mine.pop("weights"), others.pop("weights"), strict=False)
        return mine == others and all(np.array_equal(left, right) for left, right in pairs)

    def _parts(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key in REQUIRED + OPTIONAL}

    def _take(self, document: Any) -> None:
        check(document)
        layers = zip(document["weights"], document["layer_sizes"], strict=True)
        self._fill(document, [matrix.to_array(weights, int(inputs)) for weights, (inputs, _) in layers])

    def _fill(self, document: Any, weights: list[FloatArray]) -> None:
        self.layer_names = [str(name) for name in document["layer_names"]]
        self.names_checked = self.layer_names.copy()
        self.layer_sizes = [(int(inputs), int(outputs)) for inputs, outputs in document["layer_sizes"]]
        self.weights = weights
        self.neuron_types = [str(name) for name in document.get("neuron_types", ())]
        self.metadata = _copy(document.get("metadata", {}))
        self.frozen_layers = sorted({str(name) for name in document.get("frozen_layers", ())})
        self.frozen_checked = self.frozen_layers.copy()


def check(document: Any) -> None:
    """Apply every rule of stage `checkpoint` in turn; raise RejectedError for the first one broken."""
    for rule in RULES:
        rule(document)


def object_(document: Any) -> None:
    """checkpoint.object: the root must be an object."""
    if not isinstance(document, Mapping):
        raise RejectedError("checkpoint.object", "", f"checkpoint: expected an object, got {describe(document)}")


def unknown_key(document: Document, known: tuple[str, ...] = REQUIRED + OPTIONAL) -> None:
    """checkpoint.unknown-key: no other keys than those of a checkpoint, or of a sidecar."""
    for key in document:
        if key not in known:
            expected = ", ".join(known)
            raise RejectedError("checkpoint.unknown-key", member("", key), f"expected one of {expected}, got {key!r}")


def missing_key(document: Document, required: tuple[str, ...] = REQUIRED) -> None:
    """checkpoint.missing-key: the required keys must be there."""
    for key in required:
        if key not in document:
            raise RejectedError("checkpoint.missing-key", member("", key), f"expected {key}, which is absent")


def names_type(document: Document) -> None:
    """checkpoint.names-type: layer_names must be a list of strings."""
    strings("checkpoint.names-type", document["layer_names"], "/layer_names")


def names_unique(document: Document) -> None:
    """checkpoint.names-unique: no name twice, compared by code points."""
    seen: dict[str, int] = {}
    for index, name in enumerate(document["layer_names"]):
        if seen.setdefault(name, index) != index:
            message = f"expected each layer name once, got {name!r} as layer {seen[name]} and as layer {index}"
            raise RejectedError("checkpoint.names-unique", f"/layer_names/{index}", message)


def weights_count(document: Document) -> None:
    """checkpoint.weights-count: one weight matrix per layer."""
    _one_per_layer("checkpoint.weights-count", "weights", document)


def sizes_count(document: Document) -> None:
    """checkpoint.sizes-count: one pair of sizes per layer."""
    _one_per_layer("checkpoint.sizes-count", "layer_sizes", document)


def sizes_type(document: Document) -> None:
    """checkpoint.sizes-type: a size is a pair of non-negative Integers."""
    for index, pair in enumerate(document["layer_sizes"]):
        if not (is_array(pair) and len(pair) == 2 and all(is_integer(size) and size >= 0 for size in pair)):
            message = f"expected a pair of non-negative integers [input_features, output_features], got {_pair(pair)}"
            raise RejectedError("checkpoint.sizes-type", f"/layer_sizes/{index}", message)


def types_type(document: Document) -> None:
    """checkpoint.types-type: neuron_types must be a list of strings."""
    strings("checkpoint.types-type", document.get("neuron_types", ()), "/neuron_types")


def types_count(document: Document) -> None:
    """checkpoint.types-count: neuron_types is empty or has one entry per layer."""
    if len(document.get("neuron_types", ())):
        _one_per_layer("checkpoint.types-count", "neuron_types", document)


def frozen_type(document: Document) -> None:
    """checkpoint.frozen-type: frozen_layers must be a list of strings."""
    strings("checkpoint.frozen-type", document.get("frozen_layers", ()), "/frozen_layers")


def frozen_unknown(document: Document) -> None:
    """checkpoint.frozen-unknown: frozen_layers names layers of the checkpoint."""
    known = set(document["layer_names"])
    for index, name in enumerate(document.get("frozen_layers", ())):
        if name not in known:
            message = f"expected the name of a layer, got {name!r}"
            raise RejectedError("checkpoint.frozen-unknown", f"/frozen_layers/{index}", message)


def metadata_type(document: Document) -> None:
    """checkpoint.metadata-type: metadata is an object, and what it holds can be carried by JSON."""
    metadata = document.get("metadata", {})
    if not isinstance(metadata, Mapping):
        message = f"metadata: expected an object, got {describe(metadata)}"
        raise RejectedError("checkpoint.metadata-type", "/metadata", message)
    metadata_depth(metadata, METADATA_DEPTH)


def metadata_depth(metadata: Document, depth: int) -> None:
    """Reject (checkpoint.metadata-type) what JSON cannot hold, or nests deeper than so many objects and arrays."""
    _carried_by_json(metadata, "/metadata", depth)


def weight_type(document: Document) -> None:
    """checkpoint.weight-type: every leaf is a Number, every typed array one of reals that binary64 holds."""
    for path, weights, _sizes in _layers(document):
        matrix.leaf_types("checkpoint.weight-type", weights, path)


def weight_rank(document: Document) -> None:
    """checkpoint.weight-rank: every matrix is an array of equally long arrays of Numbers."""
    for path, weights, _sizes in _layers(document):
        matrix.shape("checkpoint.weight-rank", weights, path)


def weight_shape(document: Document) -> None:
    """checkpoint.weight-shape: every matrix has the shape (output_features, input_features) of its layer."""
    for path, weights, (inputs, outputs) in _layers(document):
        rows, columns = matrix.shape("checkpoint.weight-rank", weights, path)
        if rows != outputs or columns not in (inputs, None):
            got = f"({rows}, {columns})" if columns is not None else "an empty one"
            message = f"expected a weight matrix of shape ({outputs}, {inputs}), outputs first, got {got}"
            raise RejectedError("checkpoint.weight-shape", path, message)


def weight_finite(document: Document) -> None:
    """checkpoint.weight-finite: no NaN and no infinity."""
    for path, weights, _sizes in _layers(document):
        matrix.finite("checkpoint.weight-finite", weights, path)


RULES: tuple[Callable[[Any], None], ...] = (
    object_,
    unknown_key,
    missing_key,
    names_type,
    names_unique,
    weights_count,
    sizes_count,
    sizes_type,
    types_type,
    types_count,
    frozen_type,
    frozen_unknown,
    metadata_type,
    weight_type,
    weight_rank,
    weight_shape,
    weight_finite,
)


def _layers(document: Document) -> Iterable[tuple[str, Any, tuple[int, int]]]:
    """Give each layer's path to its weights, weights and sizes."""
    for index, (weights, sizes) in enumerate(zip(document["weights"], document["layer_sizes"], strict=True)):
        yield f"/weights/{index}", weights, tuple(sizes)


def _one_per_layer(code: str, key: str, document: Document) -> None:
    value, layers = document[key], len(document["layer_names"])
    if not is_array(value) or len(value) != layers:
        message = f"{key}: expected an array of {layers}, one per layer, got {describe(value)}"
        raise RejectedError(code, f"/{key}", message)


def _pair(value: object) -> str:
    if is_array(value) and len(value) == 2:
        return f"[{describe(value[0])}, {describe(value[1])}]"
    return describe(value)


def _carried_by_json(value: object, path: str, room: int) -> None:
    """Reject, at the datum, what a JSON text of finite numbers and well-formed strings cannot hold."""
    code = "checkpoint.metadata-type"
    if room == 0 and isinstance(value, (Mapping, list, tuple)):
        raise RejectedError(code, path, "metadata: expected fewer nested objects and arrays, got one more")
    if isinstance(value, Mapping):
        for key, entry in value.items():
            if not is_string(key):
                raise RejectedError(code, path, f"metadata: expected string keys, got {describe(key)}")
            _carried_by_json(entry, member(path, key), room - 1)
    elif isinstance(value, (list, tuple)):
        for index, entry in enumerate(value):
            _carried_by_json(entry, f"{path}/{index}", room - 1)
    elif isinstance(value, (int, float)):
        if not math.isfinite(as_float(value)):
            raise RejectedError(code, path, f"metadata: expected a finite number, got {describe(value)}")
    elif value is not None and not is_string(value):
        raise RejectedError(code, path, f"metadata: expected what JSON can carry, got {describe(value)}")


def _copy(value: Any) -> Any:
    """Copy metadata: objects become dicts and arrays lists, at every depth."""
    if isinstance(value, Mapping):
        return {str(key): _copy(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copy(entry) for entry in value]
    return value


def _each(prepare: Callable[[object], object], value: object) -> object:
    """Prepare each entry of what should be a list."""
    entries = listed(value)
    return [prepare(entry) for entry in entries] if isinstance(entries, list) else entries
