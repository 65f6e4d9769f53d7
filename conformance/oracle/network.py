"""Network documents: the rules of stage `network` (semantics.md, section 7; networks.md), one function each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from conformance.oracle import geometry, kinds, matrix, shapes
from conformance.oracle.avgpool2d import AvgPool2d
from conformance.oracle.conv2d import Conv2d
from conformance.oracle.dense import Dense
from conformance.oracle.geometry import Shape
from conformance.oracle.identity import Flatten, Identity
from conformance.oracle.kinds import Fields
from conformance.oracle.places import Folder
from conformance.oracle.profile import DEFAULT, Profile
from conformance.oracle.shapes import Shapes
from conformance.oracle.stored import Stored, rank, resolved
from conformance.oracle.values import Number, Rules, Value, array, check, integer, members, number, pointer, real

LAYERS = 1024  # rules.toml, limits.layers
BRANCHES = 64  # rules.toml, limits.branches
NETWORK_KEYS = ("layers", "readout", "input_shape")
NEURON_KEYS = ("model", "threshold", "reset", "initial_potential", "decay")


class Part(Protocol):
    """What turns a source into currents, or a pool's into means: a layer without its bias, or a branch."""

    def current(self, x: list[float], profile: Profile) -> list[float]:
        """Return one number per output."""


@dataclass
class Neurons:
    """The parameters of a layer's neurons, and whether they fire."""

    leaky: bool
    decay: float
    threshold: float
    reset: str
    initial_potential: float
    fires: bool = True


@dataclass
class Layer:
    """An accepted layer: its parts, each with the number of its source, its bias per output, its neurons.

    Only a sum has more than one part; bias and neurons can be absent; `elements` is the number of its outputs.
    """

    parts: list[tuple[int, Part]]
    is_sum: bool
    bias: list[float] | None
    neurons: Neurons | None
    elements: int


@dataclass
class Network:
    """Accepted layers, the shapes between them, the width of the input (None: any), and the readout."""

    layers: list[Layer]
    shapes: Shapes
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
    found = shapes.walk(document, weights_shape)
    readout = members(document).get("readout", "spikes")
    assert isinstance(readout, str)
    all_sources = kinds.sources(document)
    layers = []
    for i, (_, fields) in enumerate(kinds.layers(document)):
        parts: list[tuple[int, Part]] = []
        for taken in found.taken[i]:
            _, part, source = next(all_sources)
            parts.append((source, _part(part, taken, found.given[i], profile)))
        layers.append(_layer(fields, parts, found.given[i], profile))
    last = layers[-1].neurons
    assert last is not None
    last.fires = readout == "spikes"
    return Network(layers, found, None if found.input is None else math.prod(found.input), readout)


def weights_shape(path: str, fields: Fields) -> tuple[int, int | None] | tuple[int, int, int, int]:
    """Return the shape of weights in the document; that of a matrix [] without its width, but for one from a file."""
    weights = fields["weights"]
    if kinds.kind(fields) == "conv2d":
        outputs, inputs, height, width = matrix.dimensions(weights)
        return outputs, inputs, height, width
    if not array(weights) and not isinstance(weights, Stored):
        return 0, None
    return matrix.shape(weights, 0)


def _part(fields: Fields, source: Shape, output: Shape, profile: Profile) -> Part:
    kind = kinds.kind(fields)
    if kind == "dense":
        return Dense(matrix.numbers(fields["weights"], profile))
    if kind == "conv2d":
        weights = [
            [matrix.numbers(kernel, profile) for kernel in array(kernels)] for kernels in array(fields["weights"])
        ]
        found = geometry.of_convolution(fields, (len(weights[0][0]), len(weights[0][0][0])))
        return Conv2d(weights, found, source, output)
    if kind == "avgpool2d":
        return AvgPool2d(geometry.of_pool(fields), source, output)
    return Identity(profile.rounded(number(fields["weight"]))) if kind == "identity" else Flatten()


def _layer(fields: Fields, parts: list[tuple[int, Part]], output: Shape, profile: Profile) -> Layer:
    bias = None
    if "bias" in fields:  # one entry per channel, or per output where there is one dimension
        each = math.prod(output[1:])
        bias = [profile.rounded(number(entry)) for entry in array(fields["bias"]) for _ in range(each)]
    neurons = _neurons(members(fields["neuron"]), profile) if "neuron" in fields else None
    return Layer(parts, kinds.kind(fields) == "sum", bias, neurons, math.prod(output))


def _neurons(neuron: Fields, profile: Profile) -> Neurons:
    reset = neuron.get("reset", "subtract")
    assert isinstance(reset, str)
    return Neurons(
        leaky=neuron["model"] == "lif",
        decay=profile.rounded(number(neuron.get("decay", Number("1", 1.0)))),
        threshold=profile.rounded(number(neuron["threshold"])),
        reset=reset,
        initial_potential=profile.rounded(number(neuron.get("initial_potential", Number("0.0", 0.0)))),
    )


def _spiking(document: Value) -> Iterator[tuple[str, Fields]]:
    for path, layer in kinds.layers(document):
        if kinds.kind(layer) in kinds.SPIKING:
            yield f"{path}/neuron", members(layer["neuron"])


def _known_keys(sort: str, fields: Fields) -> tuple[str, ...]:
    if sort == "network":
        return NETWORK_KEYS
    if sort == "neuron":
        return NEURON_KEYS[:-1] if fields.get("model") == "if" else NEURON_KEYS
    return (kinds.BRANCHES if sort == "branch" else kinds.LAYERS)[kinds.known(fields)]


def _required_keys(sort: str, fields: Fields) -> tuple[str, ...]:
    if sort == "network":
        return ("layers",)
    if sort == "neuron":
        return ("model", "threshold", "decay") if fields.get("model") == "lif" else ("model", "threshold")
    return (kinds.REQUIRED_OF_BRANCH if sort == "branch" else kinds.REQUIRED)[kinds.known(fields)]


def all_objects(document: Value) -> str | None:
    """network.object."""
    for _, path, value in kinds.objects(document):
        if not isinstance(value, dict):
            return path
    return None


def kind(document: Value) -> str | None:
    """network.kind."""
    for sort, path, value in kinds.objects(document):
        known = {"layer": kinds.LAYERS, "branch": kinds.BRANCHES}.get(sort)
        name = kinds.kind(members(value))
        if known is not None and not (isinstance(name, str) and name in known):
            return f"{path}/kind"
    return None


def unknown_key(document: Value) -> str | None:
    """network.unknown-key."""
    for sort, path, value in kinds.objects(document):
        for key in members(value):
            if key not in _known_keys(sort, members(value)):
                return path + pointer(key)
    return None


def missing_key(document: Value) -> str | None:
    """network.missing-key."""
    for sort, path, value in kinds.objects(document):
        for key in _required_keys(sort, members(value)):
            if key not in members(value):
                return path + pointer(key)
    return None


def layers(document: Value) -> str | None:
    """network.layers."""
    value = members(document)["layers"]
    return None if isinstance(value, list) and 1 <= len(value) <= LAYERS else "/layers"


def inputs(document: Value) -> str | None:
    """network.inputs."""
    for path, layer in kinds.layers(document):
        value = layer.get("inputs", [None])
        if not isinstance(value, list) or not 1 <= len(value) <= BRANCHES:
            return f"{path}/inputs"
    return None


def input_shape(document: Value) -> str | None:
    """network.input-shape."""
    value = members(document).get("input_shape", [Number("1", 1.0)] * 3)
    if not isinstance(value, list) or len(value) != 3:
        return "/input_shape"
    elements = 1
    for entry in map(integer, value):
        if entry is None or entry < 1:
            return "/input_shape"
        elements *= entry
    return None if elements <= shapes.ELEMENTS else "/input_shape"


def layer_name(document: Value) -> str | None:
    """network.name."""
    taken = ["input"]
    for path, layer in kinds.layers(document):
        if "name" in layer:
            name = layer["name"]
            if not isinstance(name, str) or name in taken:
                return f"{path}/name"
            taken.append(name)
    return None


def source(document: Value) -> str | None:
    """network.from."""
    earlier: list[Value] = ["input"]
    for path, layer in kinds.layers(document):
        for place, fields in ((path, layer), *kinds.branches(path, layer)):
            if "from" in fields and (not isinstance(fields["from"], str) or fields["from"] not in earlier):
                return f"{place}/from"
        if "name" in layer:
            earlier.append(layer["name"])
    return None


def kernel_geometry(document: Value) -> str | None:
    """network.geometry."""
    for path, fields in kinds.parts(document):
        member = geometry.fault(fields)
        if member is not None:
            return f"{path}/{member}"
    return None


def weight_type(document: Value, root: Folder | None = None) -> str | None:
    """network.weight-type; what references to files below `root` stand for is put in their place."""
    for path, fields in kinds.parts(document):
        if "weights" in fields:
            if root is not None:
                fields["weights"] = resolved(fields["weights"], root, f"/network{path}/weights")
            fault = matrix.not_number(fields["weights"], f"{path}/weights")
            if fault is not None:
                return fault
        if "weight" in fields and real(fields["weight"]) is None:
            return f"{path}/weight"
    return None


def identity_type(document: Value) -> str | None:
    """network.weight-type, of the weights of identities alone."""
    for path, fields in kinds.parts(document):
        if "weight" in fields and real(fields["weight"]) is None:
            return f"{path}/weight"
    return None


def weight_rank(document: Value) -> str | None:
    """network.weight-rank."""
    for path, fields in kinds.parts(document):
        if kinds.kind(fields) == "conv2d":
            lengths = matrix.dimensions(fields["weights"])
            if len(lengths) != 4 or 0 in lengths:
                return f"{path}/weights"
        elif "weights" in fields and matrix.not_matrix(fields["weights"]):
            return f"{path}/weights"
    return None


def weight_finite(document: Value, profile: Profile = DEFAULT) -> str | None:
    """network.weight-finite."""
    for path, fields in kinds.parts(document):
        for key in ("weights", "weight"):
            fault = matrix.not_finite(fields.get(key, []), f"{path}/{key}", profile)
            if fault is not None:
                return fault
    return None


def identity_finite(document: Value) -> str | None:
    """network.weight-finite, of the weights of identities alone."""
    for path, fields in kinds.parts(document):
        if "weight" in fields and not math.isfinite(number(fields["weight"])):
            return f"{path}/weight"
    return None


def bias_type(document: Value, root: Folder | None = None) -> str | None:
    """network.bias-type; what references to files below `root` stand for is put in their place."""
    for path, layer in kinds.layers(document):
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
    for path, layer in kinds.layers(document):
        if kinds.kind(layer) != "sum" and "bias" in layer and len(array(layer["bias"])) != len(array(layer["weights"])):
            return f"{path}/bias"
    return None


def bias_finite(document: Value, profile: Profile = DEFAULT) -> str | None:
    """network.bias-finite."""
    for path, layer in kinds.layers(document):
        fault = matrix.not_finite(layer.get("bias", []), f"{path}/bias", profile)
        if fault is not None:
            return fault
    return None


def chain(document: Value) -> str | None:
    """network.chain."""
    return shapes.fault("network.chain", document, weights_shape)


def elements(document: Value) -> str | None:
    """network.elements."""
    return shapes.fault("network.elements", document, weights_shape)


def output(document: Value) -> str | None:
    """network.output."""
    *_, (path, last) = kinds.layers(document)
    return None if kinds.kind(last) in kinds.SPIKING else path


def neuron_model(document: Value) -> str | None:
    """network.neuron-model."""
    for path, neuron in _spiking(document):
        if neuron["model"] not in ("if", "lif"):
            return f"{path}/model"
    return None


def threshold(document: Value, profile: Profile = DEFAULT) -> str | None:
    """network.threshold."""
    for path, neuron in _spiking(document):
        theta = real(neuron["threshold"])
        if theta is None or not math.isfinite(profile.rounded(theta)) or not profile.rounded(theta) > 0.0:
            return f"{path}/threshold"
    return None


def reset(document: Value) -> str | None:
    """network.reset."""
    for path, neuron in _spiking(document):
        if neuron.get("reset", "subtract") not in ("subtract", "zero"):
            return f"{path}/reset"
    return None


def decay(document: Value) -> str | None:
    """network.decay."""
    for path, neuron in _spiking(document):
        if "decay" in neuron:
            alpha = real(neuron["decay"])
            if alpha is None or not 0.0 <= alpha <= 1.0:
                return f"{path}/decay"
    return None


def initial_potential(document: Value, profile: Profile = DEFAULT) -> str | None:
    """network.initial-potential."""
    for path, neuron in _spiking(document):
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
    ("network.kind", kind),
    ("network.unknown-key", unknown_key),
    ("network.missing-key", missing_key),
    ("network.layers", layers),
    ("network.inputs", inputs),
    ("network.input-shape", input_shape),
    ("network.name", layer_name),
    ("network.from", source),
    ("network.geometry", kernel_geometry),
    ("network.weight-type", weight_type),
    ("network.weight-rank", weight_rank),
    ("network.weight-finite", weight_finite),
    ("network.bias-type", bias_type),
    ("network.bias-shape", bias_shape),
    ("network.bias-finite", bias_finite),
    ("network.chain", chain),
    ("network.elements", elements),
    ("network.output", output),
    ("network.neuron-model", neuron_model),
    ("network.threshold", threshold),
    ("network.reset", reset),
    ("network.decay", decay),
    ("network.initial-potential", initial_potential),
    ("network.readout", readout),
)
