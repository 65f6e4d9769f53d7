"""Network documents: the rules of stage `network` (semantics.md, section 7), one function each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from conformance.oracle import matrix
from conformance.oracle.places import Folder
from conformance.oracle.profile import DEFAULT, Profile
from conformance.oracle.stored import Stored, rank, resolved
from conformance.oracle.values import Number, Rules, Value, array, check, members, number, pointer, real

LAYERS = 1024  # rules.toml, limits.layers
NETWORK_KEYS = ("layers", "readout")
LAYER_KEYS = ("weights", "bias", "neuron")
NEURON_KEYS = ("model", "threshold", "reset", "initial_potential", "decay")


@dataclass
class Layer:
    """An accepted layer: weights (output, input), bias (output) or none, and its neurons' parameters."""

    weights: list[list[float]]
    bias: list[float] | None
    leaky: bool
    decay: float
    threshold: float
    reset: str
    initial_potential: float
    fires: bool


@dataclass
class Network:
    """Accepted layers, and the input width, which is None where the first layer's weights are `[]`."""

    layers: list[Layer]
    width: int | None
    readout: str


def load(document: Value, root: Folder | None = None, profile: Profile = DEFAULT) -> Network:
    """Return the accepted network, its numbers in the profile's format; raise `Rejected` with paths below `/network`.

    Arrays may be references to files below `root`, where that is given; they are replaced in `document`.
    """
    reading = {
        "network.weight-type": partial(weight_type, root=root),
        "network.bias-type": partial(bias_type, root=root),
        "network.weight-finite": partial(weight_finite, profile=profile),
        "network.bias-finite": partial(bias_finite, profile=profile),
        "network.threshold": partial(threshold, profile=profile),
        "network.initial-potential": partial(initial_potential, profile=profile),
    }
    check(tuple((code, reading.get(code, rule)) for code, rule in RULES), document, "/network")
    readout = members(document).get("readout", "spikes")
    assert isinstance(readout, str)
    layers = [_layer(fields, profile) for _, fields in _layers(document)]
    layers[-1].fires = readout == "spikes"
    first = array(members(document)["layers"])[0]
    return Network(layers, _width(members(first)["weights"]), readout)


def _width(weights: Value) -> int | None:
    """Return the input size that a first layer's weights make due; without rows only those from a file make one due."""
    return matrix.shape(weights, 0)[1] if array(weights) or isinstance(weights, Stored) else None


def _layer(fields: dict[str, Value], profile: Profile) -> Layer:
    neuron = members(fields["neuron"])
    reset = neuron.get("reset", "subtract")
    assert isinstance(reset, str)
    return Layer(
        weights=matrix.numbers(fields["weights"], profile),
        bias=[profile.rounded(number(entry)) for entry in array(fields["bias"])] if "bias" in fields else None,
        leaky=neuron["model"] == "lif",
        decay=profile.rounded(number(neuron.get("decay", Number("1", 1.0)))),
        threshold=profile.rounded(number(neuron["threshold"])),
        reset=reset,
        initial_potential=profile.rounded(number(neuron.get("initial_potential", Number("0.0", 0.0)))),
        fires=True,
    )


def _objects(document: Value) -> Iterator[tuple[str, str, Value]]:
    """Yield (kind, path, value) of the network, layer 0, its neuron, layer 1, …, as far as there is something."""
    yield "network", "", document
    layers = document.get("layers") if isinstance(document, dict) else None
    for i, layer in enumerate(layers if isinstance(layers, list) else []):
        yield "layer", f"/layers/{i}", layer
        if isinstance(layer, dict) and "neuron" in layer:
            yield "neuron", f"/layers/{i}/neuron", layer["neuron"]


def _layers(document: Value) -> Iterator[tuple[str, dict[str, Value]]]:
    for i, layer in enumerate(array(members(document)["layers"])):
        yield f"/layers/{i}", members(layer)


def _neurons(document: Value) -> Iterator[tuple[str, dict[str, Value]]]:
    for path, layer in _layers(document):
        yield f"{path}/neuron", members(layer["neuron"])


def _known_keys(kind: str, fields: dict[str, Value]) -> tuple[str, ...]:
    if kind == "network":
        return NETWORK_KEYS
    if kind == "layer":
        return LAYER_KEYS
    return NEURON_KEYS[:-1] if fields.get("model") == "if" else NEURON_KEYS


def _required_keys(kind: str, fields: dict[str, Value]) -> tuple[str, ...]:
    if kind == "network":
        return ("layers",)
    if kind == "layer":
        return ("weights", "neuron")
    return ("model", "threshold", "decay") if fields.get("model") == "lif" else ("model", "threshold")


def all_objects(document: Value) -> str | None:
    """network.object."""
    for _, path, value in _objects(document):
        if not isinstance(value, dict):
            return path
    return None


def unknown_key(document: Value) -> str | None:
    """network.unknown-key."""
    for kind, path, value in _objects(document):
        for key in members(value):
            if key not in _known_keys(kind, members(value)):
                return path + pointer(key)
    return None


def missing_key(document: Value) -> str | None:
    """network.missing-key."""
    for kind, path, value in _objects(document):
        for key in _required_keys(kind, members(value)):
            if key not in members(value):
                return path + pointer(key)
    return None


def layers(document: Value) -> str | None:
    """network.layers."""
    value = members(document)["layers"]
    return None if isinstance(value, list) and 1 <= len(value) <= LAYERS else "/layers"


def weight_type(document: Value, root: Folder | None = None) -> str | None:
    """network.weight-type; what references to files below `root` stand for is put in their place."""
    for path, layer in _layers(document):
        if root is not None:
            layer["weights"] = resolved(layer["weights"], root, f"/network{path}/weights")
        fault = matrix.not_number(layer["weights"], f"{path}/weights")
        if fault is not None:
            return fault
    return None


def weight_rank(document: Value) -> str | None:
    """network.weight-rank."""
    for path, layer in _layers(document):
        if matrix.not_matrix(layer["weights"]):
            return f"{path}/weights"
    return None


def weight_finite(document: Value, profile: Profile = DEFAULT) -> str | None:
    """network.weight-finite."""
    for path, layer in _layers(document):
        fault = matrix.not_finite(layer["weights"], f"{path}/weights", profile)
        if fault is not None:
            return fault
    return None


def bias_type(document: Value, root: Folder | None = None) -> str | None:
    """network.bias-type; what references to files below `root` stand for is put in their place."""
    for path, layer in _layers(document):
        if root is not None and "bias" in layer:
            layer["bias"] = resolved(layer["bias"], root, f"/network{path}/bias")
        bias = layer.get("bias", [])
        if not isinstance(bias, list) or rank(bias) not in (None, 1):
            return f"{path}/bias"
        for i, entry in enumerate(bias):
            if real(entry) is None:
                return f"{path}/bias/{i}"
    return None


def bias_shape(document: Value) -> str | None:
    """network.bias-shape."""
    for path, layer in _layers(document):
        if "bias" in layer and len(array(layer["bias"])) != len(array(layer["weights"])):
            return f"{path}/bias"
    return None


def bias_finite(document: Value, profile: Profile = DEFAULT) -> str | None:
    """network.bias-finite."""
    for path, layer in _layers(document):
        fault = matrix.not_finite(layer.get("bias", []), f"{path}/bias", profile)
        if fault is not None:
            return fault
    return None


def chain(document: Value) -> str | None:
    """network.chain."""
    outputs_before: int | None = None
    for path, layer in _layers(document):
        outputs, inputs = matrix.shape(layer["weights"], due_inputs=outputs_before or 0)
        if outputs_before is not None and inputs != outputs_before:
            return f"{path}/weights"
        outputs_before = outputs
    return None


def neuron_model(document: Value) -> str | None:
    """network.neuron-model."""
    for path, neuron in _neurons(document):
        if neuron["model"] not in ("if", "lif"):
            return f"{path}/model"
    return None


def threshold(document: Value, profile: Profile = DEFAULT) -> str | None:
    """network.threshold."""
    for path, neuron in _neurons(document):
        theta = real(neuron["threshold"])
        if theta is None or not math.isfinite(profile.rounded(theta)) or not profile.rounded(theta) > 0.0:
            return f"{path}/threshold"
    return None


def reset(document: Value) -> str | None:
    """network.reset."""
    for path, neuron in _neurons(document):
        if neuron.get("reset", "subtract") not in ("subtract", "zero"):
            return f"{path}/reset"
    return None


def decay(document: Value) -> str | None:
    """network.decay."""
    for path, neuron in _neurons(document):
        if "decay" in neuron:
            alpha = real(neuron["decay"])
            if alpha is None or not 0.0 <= alpha <= 1.0:
                return f"{path}/decay"
    return None


def initial_potential(document: Value, profile: Profile = DEFAULT) -> str | None:
    """network.initial-potential."""
    for path, neuron in _neurons(document):
        if "initial_potential" in neuron:
            potential = real(neuron["initial_potential"])
            if potential is None or not math.isfinite(profile.rounded(potential)):
                return f"{path}/initial_potential"
    return None


def readout(document: Value) -> str | None:
    """network.readout."""
    return None if members(document).get("readout", "spikes") in ("spikes", "membrane") else "/readout"


RULES: Rules[Value] = (
    ("network.object", all_objects),
    ("network.unknown-key", unknown_key),
    ("network.missing-key", missing_key),
    ("network.layers", layers),
    ("network.weight-type", weight_type),
    ("network.weight-rank", weight_rank),
    ("network.weight-finite", weight_finite),
    ("network.bias-type", bias_type),
    ("network.bias-shape", bias_shape),
    ("network.bias-finite", bias_finite),
    ("network.chain", chain),
    ("network.neuron-model", neuron_model),
    ("network.threshold", threshold),
    ("network.reset", reset),
    ("network.decay", decay),
    ("network.initial-potential", initial_potential),
    ("network.readout", readout),
)
