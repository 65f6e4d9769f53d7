"""Networks: layers of integrate-and-fire neurons, and the rules that their documents obey.

The functions named after a rule's code check that rule over a whole network; `RULES` holds them in the order in which
they are applied (semantics.md, section 7; networks.md, section 3).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikeparity import matrix
from spikeparity.neurons import shapes
from spikeparity.neurons.building import layer_of, rounded_layer
from spikeparity.neurons.kinds import (
    INPUT,
    KEYS,
    REQUIRED,
    SPIKING,
    SUM,
    Document,
    Place,
    branches,
    kind_of,
    kinds,
    parts,
    walk,
)
from spikeparity.neurons.kinds import layers as layers_of
from spikeparity.neurons.layers import AnyLayer, documents
from spikeparity.neurons.shapes import ELEMENTS, Shape
from spikeparity.rejection import RejectedError, member
from spikeparity.values import (
    FloatType,
    as_float,
    describe,
    finite_in,
    is_array,
    is_integer,
    is_number,
    is_string,
    listed,
    rounded,
)

LAYERS = 1024
BRANCHES = 64
EXTENT = 65_536
MODELS = ("if", "lif")
RESETS = ("subtract", "zero")
READOUTS = ("spikes", "membrane")


@dataclass(frozen=True, eq=False, init=False)
class Network:
    """A feed-forward network of spiking layers, and of what stands between them, checked once and for all.

    A network of `Layer`s in a row needs no names, sources or shapes. Otherwise see networks.md.

    Attributes:
        layers: `Layer`, `Conv2d`, `Sum`, `AvgPool2d`, `Flatten`, input first; arrays are float64 copies and read-only.
        readout: `"spikes"` (the output is the last layer's spike counts) or `"membrane"` (the last layer never fires,
            the output is its potential).
        input_shape: (channels, height, width) of the input, which is given flat, the last index fastest; None where it
            has one dimension, its width.
        inputs: number of inputs; None where all that takes the input are matrices `[]`, which take any.
        shapes: per layer the shape of what it gives, (outputs) or (channels, height, width); in records it is flat.
        sources: per layer the indices of the layers that it takes its input from, one per branch; -1 for the input.

    Raises:
        RejectedError: the code of a rule of stage `network` and the path of the datum at fault, such as
            `/layers/1/neuron/threshold`.

    """

    layers: tuple[AnyLayer, ...]
    readout: str
    input_shape: tuple[int, ...] | None
    inputs: int | None
    shapes: tuple[Shape, ...]
    sources: tuple[tuple[int, ...], ...]
    dtype: FloatType

    def __init__(
        self, layers: Iterable[AnyLayer], readout: str = "spikes", input_shape: Iterable[int] | None = None
    ) -> None:
        """Check the layers and copy their arrays."""
        document = {"layers": documents(layers), "readout": readout}
        self._take(document if input_shape is None else {**document, "input_shape": listed(input_shape)})

    @classmethod
    def from_document(cls, document: Any, dtype: FloatType = np.float64) -> Network:
        """Make a network of a JSON document (semantics.md, section 7; networks.md), or raise RejectedError.

        With `dtype` float32 the rules on finiteness and on thresholds are those of the profile `sequential-f32`
        (conversion.md, section 1); the network is the same.
        """
        network = cls.__new__(cls)
        network._take(document, dtype)
        return network

    @classmethod
    def of_checked(cls, document: Document) -> Network:
        """Make a network of a document that is sound by all rules; its arrays, of float64, are not copied."""
        network = cls.__new__(cls)
        network._fill(document, copy=False)
        return network

    def given(self, source: int) -> Shape:
        """Return the shape of what a source gives: a layer, by its index, or the input, -1; of any width (0)."""
        return self.shapes[source] if source >= 0 else self.input_shape or (self.inputs or 0,)

    def document(self) -> dict[str, Any]:
        """Return the network as a JSON document has it, with arrays in place of nested lists."""
        shape = {} if self.input_shape is None else {"input_shape": list(self.input_shape)}
        return {"layers": [layer.document() for layer in self.layers], "readout": self.readout, **shape}

    def to_document(self) -> dict[str, Any]:
        """Return the network as a JSON document, of which `from_document` makes the same network.

        A matrix without outputs is `[]` there, which forgets its width.
        """
        return {key: matrix.plain(value) for key, value in self.document().items()}

    def rounded(self, dtype: FloatType) -> Network:
        """Return the network with all its values rounded once to a format, as a profile computes with them.

        Raises:
            RejectedError: a value becomes infinite by that, or a threshold 0 (paths such as `/layers/0/weights/1/2`).

        """
        if dtype is np.float64:
            return self
        document = self.document()
        for rule in ROUNDED:
            rule(document, dtype)
        network = Network.__new__(Network)
        for key, value in vars(self).items():
            object.__setattr__(network, key, value)
        object.__setattr__(network, "layers", tuple(rounded_layer(layer, dtype) for layer in self.layers))
        object.__setattr__(network, "dtype", dtype)
        return network

    def _take(self, document: Any, dtype: FloatType = np.float64) -> None:
        for rule in RULES:
            if rule in ROUNDED:
                rule(document, dtype)
            else:
                rule(document)
        self._fill(document, copy=True)

    def _fill(self, document: Document, *, copy: bool) -> None:
        flows = list(shapes.walk(document, weights_shape))
        outside = shapes.input_shape(document, weights_shape)
        parts = zip(document["layers"], flows, strict=True)
        object.__setattr__(self, "layers", tuple(layer_of(part, flow.taken, copy=copy) for part, flow in parts))
        object.__setattr__(self, "readout", str(document.get("readout", READOUTS[0])))
        object.__setattr__(self, "input_shape", outside if "input_shape" in document else None)
        object.__setattr__(self, "inputs", None if outside is None else math.prod(outside))
        object.__setattr__(self, "shapes", tuple(flow.shape for flow in flows))
        object.__setattr__(self, "sources", tuple(flow.sources for flow in flows))
        object.__setattr__(self, "dtype", np.float64)


def object_(network: Any) -> None:
    """network.object: the network, each layer, each branch and each neuron is an object."""
    for noun, path, part in walk(network):
        if not isinstance(part, Mapping):
            raise RejectedError("network.object", path, f"{noun}: expected an object, got {describe(part)}")


def kind(network: Any) -> None:
    """network.kind: the kind of a layer is one of the five, that of a branch one of the three."""
    for noun, path, part in walk(network):
        if noun in ("layer", "branch"):  # of no kind that there is
            message = f"kind: expected one of {', '.join(kinds(noun))}, got {describe(kind_of(part))}"
            raise RejectedError("network.kind", f"{path}/kind", message)


def unknown_key(network: Any) -> None:
    """network.unknown-key: no keys but those of the kind; `decay` is none of an `if` neuron."""
    for noun, path, part in walk(network):
        known = KEYS[noun] if noun != "neuron" or part.get("model") == "if" else (*KEYS[noun], "decay")
        for key in part:
            if key not in known:
                message = f"{noun}: expected one of {', '.join(known)}, got {key!r}"
                raise RejectedError("network.unknown-key", member(path, key), message)


def missing_key(network: Any) -> None:
    """network.missing-key: the required keys are there; `decay` is one of a `lif` neuron."""
    for noun, path, part in walk(network):
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


def inputs(network: Document) -> None:
    """network.inputs: `inputs` of a sum is an array of 1 to 64 branches."""
    for path, layer in layers_of(network):
        value = layer.get("inputs")
        if "inputs" in layer and not (is_array(value) and 1 <= len(value) <= BRANCHES):
            message = f"inputs: expected an array of 1 to {BRANCHES} branches, got {describe(value)}"
            raise RejectedError("network.inputs", f"{path}/inputs", message)


def input_shape(network: Document) -> None:
    """network.input-shape: `input_shape` is an array of three Integers of 1 or more, of at most 2^24 in product."""
    value = network.get("input_shape", (1, 1, 1))
    if not (integers(value, 3, 1, ELEMENTS) and math.prod(map(int, value)) <= ELEMENTS):
        message = (
            f"input_shape: expected three integers of 1 or more, {ELEMENTS} at most in product, got {_list(value)}"
        )
        raise RejectedError("network.input-shape", "/input_shape", message)


def name(network: Document) -> None:
    """network.name: a name is a string, not "input", and not that of an earlier layer."""
    seen = {INPUT: "the input"}
    for path, layer in layers_of(network):
        value = layer.get("name")
        if "name" in layer and not (is_string(value) and value not in seen):
            got = f"{value!r}, the name of {seen[value]}" if is_string(value) else describe(value)
            message = f"name: expected a string that names nothing else, got {got}"
            raise RejectedError("network.name", f"{path}/name", message)
        if "name" in layer:
            seen[value] = f"the layer at {path}"


def from_(network: Document) -> None:
    """network.from: a source is "input" or the name of an earlier layer."""
    earlier = {INPUT}
    for path, layer in layers_of(network):
        for where, part in ((path, layer), *branches(path, layer)):
            value = part.get("from")
            if "from" in part and not (isinstance(value, str) and value in earlier):
                message = f"from: expected {INPUT!r} or the name of an earlier layer, got {describe(value)}"
                raise RejectedError("network.from", f"{where}/from", message)
        if "name" in layer:
            earlier.add(layer["name"])


def geometry(network: Document) -> None:
    """network.geometry: kernel, stride, dilation and padding are two Integers, groups one, within their limits."""
    for path, part in parts(network):
        for key, lowest in (("kernel", 1), ("stride", 1), ("dilation", 1), ("padding", 0)):
            if key in part and not integers(part[key], 2, lowest, EXTENT):
                message = f"{key}: expected two integers in {lowest} … {EXTENT}, got {_list(part[key])}"
                raise RejectedError("network.geometry", f"{path}/{key}", message)
        if not integers([part.get("groups", 1)], 1, 1, EXTENT):
            message = f"groups: expected an integer in 1 … {EXTENT}, got {describe(part['groups'])}"
            raise RejectedError("network.geometry", f"{path}/groups", message)


def weight_type(network: Document) -> None:
    """network.weight-type: every leaf of the weights, and the weight of an identity, is a Number."""
    for path, part in parts(network):
        if "weights" in part:
            matrix.fetch(part, "weights", "network.weight-type", f"{path}/weights")
            matrix.leaf_types("network.weight-type", part["weights"], f"{path}/weights")
        identity_type(path, part)


def identity_type(path: str, part: Document) -> None:
    """Reject (network.weight-type) the weight of an identity that is no Number."""
    if "weight" in part and not is_number(part["weight"]):
        message = f"weight: expected a number, got {describe(part['weight'])}"
        raise RejectedError("network.weight-type", f"{path}/weight", message)


def weight_rank(network: Document) -> None:
    """network.weight-rank: weights are a rectangular array of Numbers, of two dimensions, of a convolution of four."""
    for path, part in parts(network):
        if kind_of(part) == "conv2d":
            matrix.tensor("network.weight-rank", part["weights"], 4, f"{path}/weights")
        elif "weights" in part:
            matrix.shape("network.weight-rank", part["weights"], f"{path}/weights")


def weight_finite(network: Document, dtype: FloatType = np.float64) -> None:
    """network.weight-finite: no weight is NaN or an infinity."""
    for path, part in parts(network):
        if "weights" in part:
            matrix.finite("network.weight-finite", part["weights"], f"{path}/weights", dtype)
        identity_finite(path, part, dtype)


def identity_finite(path: str, part: Document, dtype: FloatType = np.float64) -> None:
    """Reject (network.weight-finite) the weight of an identity that is NaN or an infinity."""
    if "weight" in part and not math.isfinite(rounded(as_float(part["weight"]), dtype)):
        message = f"weight: expected a {finite_in(dtype)}, got {describe(part['weight'])}"
        raise RejectedError("network.weight-finite", f"{path}/weight", message)


def bias_type(network: Document) -> None:
    """network.bias-type: a bias is a list of Numbers."""
    for path, layer in layers_of(network):
        if "bias" in layer:
            matrix.fetch(layer, "bias", "network.bias-type", f"{path}/bias")
            matrix.vector_type("network.bias-type", layer["bias"], f"{path}/bias")


def bias_shape(network: Document) -> None:
    """network.bias-shape: a bias has one entry per output, of a convolution per channel; that of a sum see `chain`."""
    for path, bias, outputs in _biases(network):
        if len(bias) != outputs:
            message = f"bias: expected one entry per output, {outputs}, got {len(bias)}"
            raise RejectedError("network.bias-shape", path, message)


def bias_finite(network: Document, dtype: FloatType = np.float64) -> None:
    """network.bias-finite: no bias is NaN or an infinity."""
    for path, layer in layers_of(network):
        if "bias" in layer:
            matrix.vector_finite("network.bias-finite", layer["bias"], f"{path}/bias", dtype)


def chain(network: Document) -> None:
    """network.chain: each layer and branch fits what it takes its input from, a sum its branches and its bias."""
    _first_in_walk("network.chain", network)


def elements(network: Document) -> None:
    """network.elements: no layer or branch gives more than 2^24 elements."""
    _first_in_walk("network.elements", network)


def output(network: Document) -> None:
    """network.output: the last layer has neurons."""
    *_, (path, last) = layers_of(network)
    if kind_of(last) not in SPIKING:
        message = f"expected a last layer with neurons ({', '.join(SPIKING)}), got {kind_of(last)}"
        raise RejectedError("network.output", path, message)


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
    kind,
    unknown_key,
    missing_key,
    layers,
    inputs,
    input_shape,
    name,
    from_,
    geometry,
    weight_type,
    weight_rank,
    weight_finite,
    bias_type,
    bias_shape,
    bias_finite,
    chain,
    elements,
    output,
    neuron_model,
    threshold,
    reset,
    decay,
    initial_potential,
    readout,
)

# Those on values that a profile rounds to its format before it computes with them.
ROUNDED: tuple[Callable[[Any, FloatType], None], ...] = (weight_finite, bias_finite, threshold, initial_potential)


def weights_shape(path: str, part: Document) -> tuple[Any, ...]:
    """Return how checked weights in a document are shaped: (outputs, inputs or None), of a convolution all four."""
    if kind_of(part) == "conv2d":
        return matrix.dimensions(part["weights"])
    return matrix.shape("network.weight-rank", part["weights"], path)


def _first_in_walk(code: str, network: Document) -> None:
    """Walk through the shapes, and reject the first fault on the way where it breaks this rule."""
    try:
        for (path, layer), flow in zip(layers_of(network), shapes.walk(network, weights_shape), strict=True):
            if kind_of(layer) == SUM and "bias" in layer and len(layer["bias"]) != flow.shape[0]:
                entries = "channel" if len(flow.shape) == 3 else "output"
                message = f"bias: expected one entry per {entries}, {flow.shape[0]}, got {len(layer['bias'])}"
                shapes.unfit(f"{path}/bias", message)
    except RejectedError as error:
        if error.code == code:
            raise


def _neurons(network: Document) -> Iterator[Place]:
    for path, layer in layers_of(network):
        if "neuron" in layer:
            yield f"{path}/neuron", layer["neuron"]


def _biases(network: Document) -> Iterator[tuple[str, Any, int]]:
    """Give the path of each bias, the bias, and the outputs of its layer, sums left out."""
    for path, layer in layers_of(network):
        if "bias" in layer and "weights" in layer:
            yield f"{path}/bias", layer["bias"], len(layer["weights"])


def _one_of(code: str, key: str, choices: tuple[str, ...], places: Iterable[Place]) -> None:
    for path, part in places:
        value = part.get(key, choices[0])
        if not (isinstance(value, str) and value in choices):
            message = f"{key}: expected {' or '.join(map(repr, choices))}, got {describe(value)}"
            raise RejectedError(code, f"{path}/{key}", message)


def integers(value: Any, count: int, lowest: int, highest: int) -> bool:
    """Tell whether a value is an array of so many Integers within limits."""
    return (
        is_array(value)
        and len(value) == count
        and all(is_integer(entry) and lowest <= entry <= highest for entry in value)
    )


def _list(value: Any) -> str:
    return f"[{', '.join(map(describe, value))}]" if is_array(value) and len(value) <= 4 else describe(value)
