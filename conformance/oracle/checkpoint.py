"""Checkpoint documents: the rules of stage `checkpoint` (semantics.md, section 3), one function each."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.oracle import matrix
from conformance.oracle.values import Rules, Value, array, check, integer, members, not_strings, pointer, strings

REQUIRED = ("layer_names", "layer_sizes", "weights")
OPTIONAL = ("neuron_types", "metadata", "frozen_layers")


@dataclass
class Checkpoint:
    """What an accepted checkpoint is asked for: names in document order, total parameters, frozen names."""

    layer_names: list[str]
    total_params: int
    frozen: set[str]


def load(document: Value, base: str = "") -> Checkpoint:
    """Return the accepted checkpoint; raise `Rejected` with paths below `base`."""
    check(RULES, document, base)
    fields = members(document)
    total = 0
    for pair in array(fields["layer_sizes"]):
        inputs, outputs = size(pair)
        total += inputs * outputs
    return Checkpoint(strings(fields["layer_names"]), total, set(strings(fields.get("frozen_layers", []))))


def validate(document: Value) -> dict[str, object]:
    """Answer `checkpoint.validate`."""
    checkpoint = load(document)
    return {
        "n_layers": len(checkpoint.layer_names),
        "total_params": checkpoint.total_params,
        "layer_names": checkpoint.layer_names,
        "frozen_layers": sorted(checkpoint.frozen),  # Python compares strings by code point
    }


def size(pair: Value) -> tuple[int, int]:
    """Return (input_features, output_features) of a pair that is known to be one."""
    inputs, outputs = (integer(entry) for entry in array(pair))
    assert inputs is not None and outputs is not None
    return inputs, outputs


def root_object(document: Value) -> str | None:
    """checkpoint.object."""
    return None if isinstance(document, dict) else ""


def unknown_key(document: Value, known: tuple[str, ...] = REQUIRED + OPTIONAL) -> str | None:
    """checkpoint.unknown-key."""
    for key in members(document):
        if key not in known:
            return pointer(key)
    return None


def missing_key(document: Value, required: tuple[str, ...] = REQUIRED) -> str | None:
    """checkpoint.missing-key."""
    for key in required:
        if key not in members(document):
            return pointer(key)
    return None


def names_type(document: Value) -> str | None:
    """checkpoint.names-type."""
    return not_strings(members(document)["layer_names"], "/layer_names")


def names_unique(document: Value) -> str | None:
    """checkpoint.names-unique."""
    names = strings(members(document)["layer_names"])
    for i, name in enumerate(names):
        if name in names[:i]:
            return f"/layer_names/{i}"
    return None


def weights_count(document: Value) -> str | None:
    """checkpoint.weights-count."""
    return _not_one_per_layer(document, "weights")


def sizes_count(document: Value) -> str | None:
    """checkpoint.sizes-count."""
    return _not_one_per_layer(document, "layer_sizes")


def sizes_type(document: Value) -> str | None:
    """checkpoint.sizes-type."""
    for i, pair in enumerate(array(members(document)["layer_sizes"])):
        if not isinstance(pair, list) or len(pair) != 2:
            return f"/layer_sizes/{i}"
        for entry in pair:
            features = integer(entry)
            if features is None or features < 0:
                return f"/layer_sizes/{i}"
    return None


def types_type(document: Value) -> str | None:
    """checkpoint.types-type."""
    return not_strings(members(document).get("neuron_types", []), "/neuron_types")


def types_count(document: Value) -> str | None:
    """checkpoint.types-count."""
    if members(document).get("neuron_types", []) == []:
        return None
    return _not_one_per_layer(document, "neuron_types")


def frozen_type(document: Value) -> str | None:
    """checkpoint.frozen-type."""
    return not_strings(members(document).get("frozen_layers", []), "/frozen_layers")


def frozen_unknown(document: Value) -> str | None:
    """checkpoint.frozen-unknown."""
    names = strings(members(document)["layer_names"])
    for i, name in enumerate(strings(members(document).get("frozen_layers", []))):
        if name not in names:
            return f"/frozen_layers/{i}"
    return None


def metadata_type(document: Value) -> str | None:
    """checkpoint.metadata-type."""
    return None if isinstance(members(document).get("metadata", {}), dict) else "/metadata"


def weight_type(document: Value) -> str | None:
    """checkpoint.weight-type."""
    return matrix.not_number(members(document)["weights"], "/weights")


def weight_rank(document: Value) -> str | None:
    """checkpoint.weight-rank."""
    for i, weights in enumerate(array(members(document)["weights"])):
        if matrix.not_matrix(weights):
            return f"/weights/{i}"
    return None


def weight_shape(document: Value) -> str | None:
    """checkpoint.weight-shape."""
    for i, weights in enumerate(array(members(document)["weights"])):
        inputs, outputs = size(array(members(document)["layer_sizes"])[i])
        if matrix.shape(weights, due_inputs=inputs) != (outputs, inputs):
            return f"/weights/{i}"
    return None


def weight_finite(document: Value) -> str | None:
    """checkpoint.weight-finite."""
    return matrix.not_finite(members(document)["weights"], "/weights")


def _not_one_per_layer(document: Value, key: str) -> str | None:
    value = members(document)[key]
    n_layers = len(array(members(document)["layer_names"]))
    return None if isinstance(value, list) and len(value) == n_layers else pointer(key)


RULES: Rules[Value] = (
    ("checkpoint.object", root_object),
    ("checkpoint.unknown-key", unknown_key),
    ("checkpoint.missing-key", missing_key),
    ("checkpoint.names-type", names_type),
    ("checkpoint.names-unique", names_unique),
    ("checkpoint.weights-count", weights_count),
    ("checkpoint.sizes-count", sizes_count),
    ("checkpoint.sizes-type", sizes_type),
    ("checkpoint.types-type", types_type),
    ("checkpoint.types-count", types_count),
    ("checkpoint.frozen-type", frozen_type),
    ("checkpoint.frozen-unknown", frozen_unknown),
    ("checkpoint.metadata-type", metadata_type),
    ("checkpoint.weight-type", weight_type),
    ("checkpoint.weight-rank", weight_rank),
    ("checkpoint.weight-shape", weight_shape),
    ("checkpoint.weight-finite", weight_finite),
)
