"""Networks: layers of integrate-and-fire neurons, and the rules that their documents obey.

The functions named after a rule's code check that rule over a whole network; `RULES` holds them in the order in which
they are applied (semantics.md, section 7).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spikeparity import matrix
from spikeparity.matrix import FloatArray
from spikeparity.neurons.layers import Layer, Neuron
from spikeparity.rejection import RejectedError, member
from spikeparity.values import FloatType, as_float, describe, finite_in, is_array, is_number, listed, rounded

LAYERS = 1024
MODELS = ("if", "lif")
RESETS = ("subtract", "zero")
READOUTS = ("spikes", "membrane")

KEYS = {
    "network": ("layers", "readout"),
    "layer": ("weights", "bias", "neuron"),
    "neuron": ("model", "threshold", "reset", "initial_potential"),
}
REQUIRED = {"network": ("layers",), "layer": ("weights", "neuron"), "neuron": ("model", "threshold")}

Document = Mapping[str, Any]
Place = tuple[str, Any]


@dataclass(frozen=True, eq=False, init=False)
class Network:
    """A feed-forward network of spiking layers, checked once and for all.

    Attributes:
        layers: the layers, input first; arrays are float64 copies and read-only.
        readout: `"spikes"` (the output is the last layer's spike counts) or `"membrane"` (the last layer never fires,
            the output is its potential).
        inputs: number of inputs; None where the first layer is the matrix `[]`, which takes any.

    Raises:
        RejectedError: the code of a rule of stage `network` and the path of the datum at fault, such as
            `/layers/1/neuron/threshold`.

    """

    layers: tuple[Layer, ...]
    readout: str
    inputs: int | None

    def __init__(self, layers: Iterable[Layer], readout: str = "spikes") -> None:
        """Check the layers and copy their arrays."""
        parts = listed(layers)
        if isinstance(parts, list):
            parts = [part.document() if isinstance(part, Layer) else part for part in parts]
        self._take({"layers": parts, "readout": readout})

    @classmethod
    def from_document(cls, document: Any, dtype: FloatType = np.float64) -> Network:
        """Make a network of a JSON document (semantics.md, section 7), or raise RejectedError.

        With `dtype` float32 the rules on finiteness and on thresholds are those of the profile `sequential-f32`
        (conversion.md, section 1); the network is the same.
        """
        network = cls.__new__(cls)
        network._take(document, dtype)
        return network

    @classmethod
    def of_checked(cls, parts: Iterable[tuple[FloatArray, FloatArray | None, Document]], readout: str) -> Network:
        """Make a network of weights, biases and neurons that are sound by all rules; arrays are not copied."""
        network = cls.__new__(cls)
        layers = [Layer(_frozen(weights), _frozen(bias), _neuron(neuron)) for weights, bias, neuron in parts]
        network._fill(layers, readout, layers[0].weights.shape[1])
        return network

    def rounded(self, dtype: FloatType) -> Network:
        """Return the network with all its values rounded once to a format, as a profile computes with them.

        Raises:
            RejectedError: a value becomes infinite by that, or a threshold 0 (paths such as `/layers/0/weights/1/2`).

        """
        if dtype is np.float64:
            return self
        document = {"layers": [layer.document() for layer in self.layers]}
        for rule in ROUNDED:
            rule(document, dtype)
        network = Network.__new__(Network)
        network._fill([_rounded(layer, dtype) for layer in self.layers], self.readout, self.inputs)
        return network

    def _take(self, document: Any, dtype: FloatType = np.float64) -> None:
        for rule in RULES:
            if rule in ROUNDED:
                rule(document, dtype)
            else:
                rule(document)
        widths = _widths(document)
        layers = [_layer(part, inputs) for (_, part), (inputs, _) in zip(_layers(document), widths, strict=True)]
        self._fill(layers, str(document.get("readout", READOUTS[0])), widths[0][0])

    def _fill(self, layers: list[Layer], readout: str, inputs: int | None) -> None:
        object.__setattr__(self, "layers", tuple(layers))
        object.__setattr__(self, "readout", readout)
        object.__setattr__(self, "inputs", inputs)


def object_(network: Any) -> None:
    """network.object: the network, each layer and each neuron is an object."""
    for noun, path, part in _walk(network):
        if not isinstance(part, Mapping):
            raise RejectedError("network.object", path, f"{noun}: expected an object, got {describe(part)}")


def unknown_key(network: Any) -> None:
    """network.unknown-key: no keys but those of a network, a layer, a neuron; `decay` is none of an `if` neuron."""
    for noun, path, part in _walk(network):
        known = KEYS[noun] if noun != "neuron" or part.get("model") == "if" else (*KEYS[noun], "decay")
        for key in part:
            if key not in known:
                message = f"{noun}: expected one of {', '.join(known)}, got {key!r}"
                raise RejectedError("network.unknown-key", member(path, key), message)


def missing_key(network: Any) -> None:
    """network.missing-key: the required keys are there; `decay` is one of a `lif` neuron."""
    for noun, path, part in _walk(network):
        required = REQUIRED[noun] if part.get("model") != "lif" else (*REQUIRED[noun], "decay")
        for key in required:
            if key not in part:
                raise RejectedError(
                    "network.missing-key", member(path, key), f"{noun}: expected {key}, which is absent"
                )


def layers(network: Document) -> None:
    """network.layers: `layers` is an array of 1 to 1,024 layers."""
    value = network["layers"]
    if not is_array(value) or not 1 <= len(value) <= LAYERS:
        message = f"layers: expected an array of 1 to {LAYERS} layers, got {describe(value)}"
        raise RejectedError("network.layers", "/layers", message)


def weight_type(network: Document) -> None:
    """network.weight-type: every leaf of the weights is a Number."""
    for path, layer in _layers(network):
        matrix.fetch(layer, "weights", "network.weight-type", f"{path}/weights")
        matrix.leaf_types("network.weight-type", layer["weights"], f"{path}/weights")


def weight_rank(network: Document) -> None:
    """network.weight-rank: the weights are an array of equally long arrays of Numbers."""
    for path, layer in _layers(network):
        matrix.shape("network.weight-rank", layer["weights"], f"{path}/weights")


def weight_finite(network: Document, dtype: FloatType = np.float64) -> None:
    """network.weight-finite: no weight is NaN or an infinity."""
    for path, layer in _layers(network):
        matrix.finite("network.weight-finite", layer["weights"], f"{path}/weights", dtype)


def bias_type(network: Document) -> None:
    """network.bias-type: a bias is a list of Numbers."""
    for path, layer in _layers(network):
        if "bias" in layer:
            matrix.fetch(layer, "bias", "network.bias-type", f"{path}/bias")
            matrix.vector_type("network.bias-type", layer["bias"], f"{path}/bias")


def bias_shape(network: Document) -> None:
    """network.bias-shape: a bias has one entry per output."""
    for path, bias, outputs in _biases(network):
        if len(bias) != outputs:
            message = f"bias: expected one entry per output, {outputs}, got {len(bias)}"
            raise RejectedError("network.bias-shape", path, message)


def bias_finite(network: Document, dtype: FloatType = np.float64) -> None:
    """network.bias-finite: no bias is NaN or an infinity."""
    for path, bias, _outputs in _biases(network):
        matrix.vector_finite("network.bias-finite", bias, path, dtype)


def chain(network: Document) -> None:
    """network.chain: a layer has as many inputs as the one before it has outputs."""
    before: int | None = None
    for path, layer in _layers(network):
        outputs, inputs = matrix.shape("network.weight-rank", layer["weights"], path)
        if None not in (before, inputs) and inputs != before:
            message = f"weights: expected {before} inputs, the outputs of the layer before, got {inputs}"
            raise RejectedError("network.chain", f"{path}/weights", message)
        before = outputs


def neuron_model(network: Document) -> None:
    """network.neuron-model: `model` is "if" or "lif"."""
    _one_of("network.neuron-model", "model", MODELS, _neurons(network))


def threshold(network: Document, dtype: FloatType = np.float64) -> None:
    """network.threshold: a finite Number above 0."""
    for path, neuron in _neurons(network):
        value = neuron["threshold"]
        if not (is_number(value) and 0.0 < rounded(as_float(value), dtype) < math.inf):
            message = f"threshold: expected a {finite_in(dtype)} above 0, got {describe(value)}"
            raise RejectedError("network.threshold", f"{path}/threshold", message)


def reset(network: Document) -> None:
    """network.reset: `reset` is "subtract" or "zero"."""
    _one_of("network.reset", "reset", RESETS, _neurons(network))


def decay(network: Document) -> None:
    """network.decay: a Number within [0, 1]."""
    for path, neuron in _neurons(network):
        value = neuron.get("decay", 0.0)
        if not (is_number(value) and 0.0 <= as_float(value) <= 1.0):
            message = f"decay: expected a number within 0 and 1, got {describe(value)}"
            raise RejectedError("network.decay", f"{path}/decay", message)


def initial_potential(network: Document, dtype: FloatType = np.float64) -> None:
    """network.initial-potential: a finite Number."""
    for path, neuron in _neurons(network):
        value = neuron.get("initial_potential", 0.0)
        if not (is_number(value) and math.isfinite(rounded(as_float(value), dtype))):
            message = f"initial_potential: expected a {finite_in(dtype)}, got {describe(value)}"
            raise RejectedError("network.initial-potential", f"{path}/initial_potential", message)


def readout(network: Document) -> None:
    """network.readout: `readout` is "spikes" or "membrane"."""
    _one_of("network.readout", "readout", READOUTS, [("", network)])


RULES: tuple[Callable[..., None], ...] = (
    object_,
    unknown_key,
    missing_key,
    layers,
    weight_type,
    weight_rank,
    weight_finite,
    bias_type,
    bias_shape,
    bias_finite,
    chain,
    neuron_model,
    threshold,
    reset,
    decay,
    initial_potential,
    readout,
)

# Those on values that a profile rounds to its format before it computes with them.
ROUNDED: tuple[Callable[[Any, FloatType], None], ...] = (weight_finite, bias_finite, threshold, initial_potential)


def _walk(network: Any) -> Iterator[tuple[str, str, Any]]:
    """Give the network, layer 0, its neuron, layer 1, … as far as they are there; `object_` stops at a wrong one."""
    yield "network", "", network
    parts = network.get("layers")
    for index, layer in enumerate(parts if is_array(parts) else ()):
        yield "layer", f"/layers/{index}", layer
        if "neuron" in layer:
            yield "neuron", f"/layers/{index}/neuron", layer["neuron"]


def _layers(network: Document) -> Iterator[Place]:
    for index, layer in enumerate(network["layers"]):
        yield f"/layers/{index}", layer


def _neurons(network: Document) -> Iterator[Place]:
    for path, layer in _layers(network):
        yield f"{path}/neuron", layer["neuron"]


def _biases(network: Document) -> Iterator[tuple[str, Any, int]]:
    """Give the path of each bias, the bias, and the outputs of its layer."""
    for path, layer in _layers(network):
        if "bias" in layer:
            outputs, _inputs = matrix.shape("network.weight-rank", layer["weights"], path)
            yield f"{path}/bias", layer["bias"], outputs


def _one_of(code: str, key: str, choices: tuple[str, ...], places: Iterable[Place]) -> None:
    for path, part in places:
        value = part.get(key, choices[0])
        if not (isinstance(value, str) and value in choices):
            message = f"{key}: expected {' or '.join(map(repr, choices))}, got {describe(value)}"
            raise RejectedError(code, f"{path}/{key}", message)


def _widths(network: Document) -> list[tuple[int | None, int]]:
    """Return (inputs, outputs) of each layer; the matrix `[]` has the inputs that are due, None for the first layer."""
    widths: list[tuple[int | None, int]] = []
    for path, layer in _layers(network):
        outputs, inputs = matrix.shape("network.weight-rank", layer["weights"], path)
        due = widths[-1][1] if widths else None
        widths.append((due if inputs is None else inputs, outputs))
    return widths


def _layer(part: Document, inputs: int | None) -> Layer:
    weights = matrix.to_array(part["weights"], inputs)
    bias = matrix.to_vector(part["bias"]) if "bias" in part else None
    return Layer(_frozen(weights), _frozen(bias), _neuron(part["neuron"]))


def _rounded(layer: Layer, dtype: FloatType) -> Layer:
    neuron = layer.neuron
    return Layer(
        matrix.rounded(layer.weights, dtype),
        None if layer.bias is None else matrix.rounded(layer.bias, dtype),
        replace(
            neuron,
            threshold=rounded(neuron.threshold, dtype),
            initial_potential=rounded(neuron.initial_potential, dtype),
            decay=None if neuron.decay is None else rounded(neuron.decay, dtype),
        ),
    )


def _frozen(array: Any) -> Any:
    """Make an array read-only."""
    if array is not None:
        array.flags.writeable = False
    return array


def _neuron(part: Document) -> Neuron:
    return Neuron(
        model=str(part["model"]),
        threshold=as_float(part["threshold"]),
        reset=str(part.get("reset", RESETS[0])),
        initial_potential=as_float(part.get("initial_potential", 0.0)),
        decay=as_float(part["decay"]) if "decay" in part else None,
    )
