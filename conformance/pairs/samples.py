"""Sample checkpoints and networks for the exchange of pairs, each with what any language may lose on the way."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from conformance.shapes import of_request

LARGEST = 2**53 - 1
TINIEST = 5e-324
NAMES = ["", " ", "a/b", "~1", "é", "e\u0301", "\0", "\u2028", "\uffff", "\U0001f600", '"\\', "layer_0"]
DEEPEST = 62
"""Arrays in metadata: with the sidecar's root and the metadata itself they are as deep as a JSON text may be."""


@dataclass(frozen=True)
class Sample:
    """Something to save.

    Attributes:
        id: Its name, and the pair's.
        content: ``{"checkpoint": document}`` (format 1) or ``{"network": document}`` (format 2).
        compress: Whether the archive's members are deflated.
    """

    id: str
    content: dict[str, Any]
    compress: bool = True

    @property
    def network(self) -> dict[str, Any] | None:
        """The network's document, of a sample of format 2."""
        document: dict[str, Any] | None = self.content.get("network")
        return document

    def save_input(self) -> dict[str, Any]:
        """Return the input of checkpoint.save."""
        return {**self.content, "base": self.id} | ({} if self.compress else {"compress": False})


def samples() -> list[Sample]:
    """Return all samples; each has an id of its own."""
    return [*_checkpoints(), *_networks()]


# ---- format 1 --------------------------------------------------------------------------------------------------------


def _checkpoint(weights: list[list[list[Any]]], sizes: list[list[int]] | None = None, **members: Any) -> dict[str, Any]:
    shapes = sizes if sizes is not None else [[len(matrix[0]), len(matrix)] for matrix in weights]
    names = members.pop("layer_names", [f"layer {index}" for index in range(len(weights))])
    return {"checkpoint": {"layer_names": names, "layer_sizes": shapes, "weights": weights, **members}}


def _checkpoints() -> Iterator[Sample]:
    yield Sample("one-weight", _checkpoint([[[0.5]]]))
    yield Sample("no-layers", _checkpoint([], metadata={"note": "nothing yet"}))
    widths = _checkpoint([[], [[], [], []], []], [[3, 0], [0, 3], [0, 0]])
    yield Sample("zero-widths", widths)
    yield Sample("zero-widths-stored", widths, compress=False)
    yield Sample("not-chained", _checkpoint([[[1.0, 2.0, 3.0]], [[4.0], [5.0]]]))
    named: dict[str, Any] = {
        "layer_names": NAMES,
        "neuron_types": ["lif", "if", *NAMES[2:]],
        "frozen_layers": NAMES[::-1] + NAMES[:3],
    }
    yield Sample("unicode-names", _checkpoint([[[float(index)]] for index in range(len(NAMES))], **named))
    yield Sample("extreme-weights", _checkpoint([_extremes()]))
    yield Sample("extreme-weights-stored", _checkpoint([_extremes()]), compress=False)
    yield Sample("metadata", _checkpoint([[[1.0]]], metadata=_metadata()))
    yield Sample("many-layers", _checkpoint([[[index / 3]] for index in range(120)]))
    yield Sample("wide", _checkpoint([_pattern(96, 128)]))
    yield Sample("wide-stored", _checkpoint([_pattern(96, 128), _pattern(3, 5)]), compress=False)


def _extremes() -> list[list[Any]]:
    """Return values that a detour over text, float32 or a flush to zero would change; some written as Integers."""
    return [
        [-0.0, 0, TINIEST, -TINIEST, 2.0**-1022, 2.0**-1022 - TINIEST],
        [1.7976931348623157e308, -1.7976931348623157e308, 1 / 3, 0.1, 1.0 + 2.0**-52, -1],
        [LARGEST, -LARGEST, 16777217.0, 1e22, 1e23, 123456789.12345679],
    ]


def _metadata() -> dict[str, Any]:
    deep: Any = 1
    for _ in range(DEEPEST):
        deep = [deep]
    return {
        "integers": [0, LARGEST, -LARGEST, 2**53, 2**63, 2**64 - 1, 2**64 + 2**12, -(10**30)],
        "floats": [2.0, 0.1, -0.0, 1e-7, 1e300, TINIEST, 1e22, 100000.0],
        "texts": ["", "é", "e\u0301", "\0\x1f\x7f", '"\\/', "\u2028", "\uffff", "\U0001f600"],
        "others": [None, True, False, {}, [], {"": {"": []}}],
        "keys": {"b": 1, "a": 2, "é": 3, "\U0001f600": 4, "\uffff": 5, "a/b": 6, "\0": 7},
        "deep": deep,
        "weights": [[0.5]],
    }


def _pattern(outputs: int, inputs: int) -> list[list[float]]:
    """Return weights that deflate to less and to more than one block, without a generator that languages must share."""
    return [[((i * 7919 + j * 104729) % 1009 - 504) / 1024 for j in range(inputs)] for i in range(outputs)]


# ---- format 2 --------------------------------------------------------------------------------------------------------


def _layer(weights: list[list[Any]], bias: list[Any] | None = None, **neuron: Any) -> dict[str, Any]:
    members = {"weights": weights, "neuron": {"model": "if", "threshold": 1.0, **neuron}}
    return members if bias is None else {**members, "bias": bias}


def _network(*layers: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"network": {"layers": list(layers), **members}}


def _networks() -> Iterator[Sample]:
    yield Sample("if-network", _network(_layer([[0.5, 0.25], [0.75, -0.5]]), _layer([[1.0, 0.5]])))
    lif: dict[str, Any] = {"model": "lif", "threshold": 0.7, "decay": 0.9, "reset": "zero", "initial_potential": -0.125}
    both = _network(_layer(_pattern(16, 9), _pattern(1, 16)[0], **lif), _layer(_pattern(4, 16), threshold=0.1))
    yield Sample("biases-and-decay", both)
    yield Sample("biases-and-decay-stored", both, compress=False)
    yield Sample("membrane-readout", _network(_layer([[0.3, 0.6]], [0.1]), readout="membrane"))
    whole: dict[str, Any] = {"model": "lif", "threshold": 1, "decay": 0, "initial_potential": -0.0, "reset": "subtract"}
    yield Sample("whole-numbers", _network(_layer([[1, -1]], [2], **whole), readout="spikes"))
    edges: dict[str, Any] = {"model": "lif", "threshold": TINIEST, "decay": 1.0 - 2.0**-53, "initial_potential": 0.1}
    yield Sample("neurons-at-the-edge", _network(_layer([[0.5]], **edges), _layer([[0.1]], threshold=1.5e308)))
    yield Sample("empty-first-layer", _network(_layer([]), _layer([[], []], [0.25, -0.0])))
    yield Sample("empty-later-layer", _network(_layer([[1.0], [2.0], [3.0]]), _layer([], []), _layer([])))
    yield from _kinds()
    yield Sample("deep-network", _network(*(_layer([[0.9]], [0.125 * (index % 3)]) for index in range(40))))


def _kernels(*shape: int, first: int = 0) -> Any:
    """Return nested lists of weights, all of them different."""
    if not shape:
        return (first % 97 - 48) / 64
    return [_kernels(*shape[1:], first=first * shape[0] + index) for index in range(shape[0])]


def _kinds() -> Iterator[Sample]:
    """Yield networks of more than dense layers."""
    neuron: dict[str, Any] = {"model": "if", "threshold": 0.5}
    conv = {"kind": "conv2d", "name": "a", "weights": _kernels(2, 3, 2, 3), "bias": [0.25, -0.0], "neuron": neuron}
    branches = [
        {"kind": "identity", "from": "a", "weight": 2},
        {
            "kind": "conv2d",
            "from": "input",
            "weights": _kernels(2, 3, 2, 1, first=1),
            "padding": [0, 0],
            "stride": [1, 2],
        },
    ]
    layers = [
        conv | {"stride": [1, 2], "padding": [0, 1]},
        {"kind": "sum", "inputs": branches, "neuron": {**neuron, "model": "lif", "decay": 1}, "bias": [1, -0.125]},
        {"kind": "avgpool2d", "kernel": [2, 1], "stride": [1, 1], "name": "é \U0001f600"},
        {"kind": "flatten", "from": "é \U0001f600", "name": "f"},
        {"weights": _kernels(2, 12, first=3), "neuron": neuron},
    ]
    whole = {"network": {"layers": layers, "input_shape": [3, 4, 5]}}
    yield Sample("every-kind", whole)
    yield Sample("every-kind-stored", whole, compress=False)
    grouped = conv | {"weights": _kernels(4, 1, 1, 2, first=2), "bias": [0, 1, 2, 3], "groups": 2, "dilation": [2, 2]}
    yield Sample(
        "groups-at-the-end", {"network": {"layers": [grouped], "input_shape": [2, 2, 3], "readout": "membrane"}}
    )
    dense = [{"from": "input", "weights": [[]] * 2}, {"kind": "dense", "from": "input", "weights": [[], []]}]
    yield Sample("branches-of-nothing", _network(_layer([]), {"kind": "sum", "inputs": dense, "neuron": neuron}))
    wide = [{"from": "input", "weights": []}, {"from": "b", "weights": []}]
    first = {"kind": "dense", "name": "b", **_layer(_pattern(3, 4))}
    yield Sample("empty-branches", _network(first, {"kind": "sum", "inputs": wide, "neuron": neuron, "bias": []}))
    one = {"kind": "identity", "from": "input", "weight": 0.1}
    single = {"layers": [{"kind": "sum", "inputs": [one] * 3, "neuron": neuron}], "input_shape": [1, 1, 2]}
    yield Sample("identities-alone", {"network": single})


# ---- what is due -----------------------------------------------------------------------------------------------------


def due_output(sample: Sample) -> dict[str, Any]:
    """Return what every load of the pair must answer (pairs.md, section 5), made of the sample alone."""
    members = list(_members(sample))
    layers = sample.content.get("checkpoint") or {"layer_names": [f"layer_{n}" for n in range(_layers(sample))]}
    return {
        "n_layers": len(layers["layer_names"]),
        "total_params": sum(len(values) for _, _, values in members),
        "layer_names": layers["layer_names"],
        "frozen_layers": sorted(set(layers.get("frozen_layers", ()))),
        "format_version": 2 if sample.network else 1,
        "members": [
            {
                "name": name,
                "shape": shape,
                "sha256": hashlib.sha256(struct.pack(f">{len(values)}d", *values)).hexdigest(),
            }
            for name, shape, values in members
        ],
    }


def due_sidecar(sample: Sample) -> dict[str, Any]:
    """Return what the sidecar must hold beside ``archive_digest``, with defaults filled in (see ``normal``)."""
    output = due_output(sample)
    due = {name: output[name] for name in ("n_layers", "total_params", "layer_names", "format_version")}
    due["frozen_layers"] = output["frozen_layers"]
    if sample.network is None:
        checkpoint = sample.content["checkpoint"]
        due |= {name: checkpoint[name] for name in ("layer_sizes", "neuron_types", "metadata") if name in checkpoint}
        return normal(due)
    found, layers = of_request(sample.network), sample.network["layers"]
    due["layer_sizes"] = [
        [sum(map(math.prod, taken)), math.prod(given)] for taken, given in zip(found.taken, found.layers, strict=True)
    ]
    due["neuron_types"] = [layer["neuron"]["model"] if "neuron" in layer else layer["kind"] for layer in layers]
    shapes = {member["name"]: member["shape"] for member in output["members"]}
    stored = [_stored(n, layer, shapes) for n, layer in enumerate(layers)]
    due["network"] = {**sample.network, "layers": stored}
    return normal(due)


def _stored(n: int, layer: dict[str, Any], shapes: dict[str, list[int]]) -> dict[str, Any]:
    """Return a layer with its arrays replaced by the names of their members (networks.md, section 4)."""
    stored = dict(layer)
    if "weights" in layer:
        name = f"layer_{n}"
        stored["weights"] = {"member": name} | ({"shape": shapes[name]} if layer.get("kind") == "conv2d" else {})
    if "inputs" in layer:
        names = [f"layer_{n}_{b}" for b in range(len(layer["inputs"]))]
        stored["inputs"] = [
            {**branch, "weights": {"member": name, "shape": shapes[name]}} if "weights" in branch else branch
            for name, branch in zip(names, layer["inputs"], strict=True)
        ]
    if "bias" in layer:
        stored["bias"] = {"member": f"bias_{n}"}
    return stored


def normal(sidecar: dict[str, Any]) -> dict[str, Any]:
    """Return a sidecar without its digest, with defaults filled in, frozen layers sorted and Numbers of one kind.

    In ``network`` every Number is a binary64, and Integers stay such; in ``metadata`` whole numbers keep all digits,
    and all other numbers are binary64 (pairs.md, section 6).
    """
    whole: dict[str, Any] = {"format_version": 1, "neuron_types": [], "metadata": {}, "frozen_layers": [], **sidecar}
    whole.pop("archive_digest", None)
    whole["frozen_layers"] = sorted(set(whole["frozen_layers"]))
    whole["metadata"] = _numbers(whole["metadata"])
    if isinstance(whole.get("network"), dict):
        network = {"readout": "spikes", **whole["network"]}
        network["layers"] = [_normal_layer(layer) for layer in network["layers"]]
        whole["network"] = network
    return whole


def _normal_layer(layer: dict[str, Any]) -> dict[str, Any]:
    filled = _filled(layer)
    if "neuron" in layer:
        filled["neuron"] = _neuron(layer["neuron"])
    if "inputs" in layer:
        filled["inputs"] = [_normal_branch(branch) for branch in layer["inputs"]]
    return filled


def _normal_branch(branch: dict[str, Any]) -> dict[str, Any]:
    filled = _filled(branch)
    return {**filled, "weight": _bits(branch["weight"])} if "weight" in branch else filled


def _filled(part: dict[str, Any]) -> dict[str, Any]:
    """Return a layer or a branch with the defaults of its kind."""
    defaults: dict[str, dict[str, Any]] = {
        "conv2d": {"stride": [1, 1], "padding": [0, 0], "dilation": [1, 1], "groups": 1},
        "avgpool2d": {"stride": part.get("kernel")},
    }
    return {"kind": "dense", **defaults.get(part.get("kind", "dense"), {}), **part}


def _neuron(neuron: dict[str, Any]) -> dict[str, Any]:
    filled = {"reset": "subtract", "initial_potential": 0.0, **neuron}
    return {name: _bits(value) if type(value) in (int, float) else value for name, value in filled.items()}


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _numbers(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_numbers(entry) for entry in value]
    return _bits(value) if type(value) is float else value


def _bits(value: float) -> str:
    return f"binary64 {struct.pack('>d', value).hex()}"


def _layers(sample: Sample) -> int:
    return len((sample.network or sample.content["checkpoint"])["layers" if sample.network else "weights"])


def _members(sample: Sample) -> Iterator[tuple[str, list[int], list[Any]]]:
    """Yield name, shape and values, in C order, of the members due."""
    if sample.network is None:
        checkpoint = sample.content["checkpoint"]
        pairs = zip(checkpoint["weights"], checkpoint["layer_sizes"], strict=True)
        for index, (matrix, (inputs, outputs)) in enumerate(pairs):
            yield f"layer_{index}", [outputs, inputs], [value for row in matrix for value in row]
        return
    taken = of_request(sample.network).taken
    for index, layer in enumerate(sample.network["layers"]):
        for b, part in enumerate(layer.get("inputs", [layer])):
            if "weights" in part:
                name = f"layer_{index}" if part is layer else f"layer_{index}_{b}"
                shape = _shape(part["weights"]) if part["weights"] else [0, *taken[index][b]]
                yield name, shape, list(_leaves(part["weights"]))
        if "bias" in layer:
            yield f"bias_{index}", [len(layer["bias"])], layer["bias"]


def _shape(nested: Any) -> list[int]:
    return [len(nested), *(_shape(nested[0]) if nested else [])] if isinstance(nested, list) else []


def _leaves(nested: Any) -> Iterator[Any]:
    for entry in nested:
        if isinstance(entry, list):
            yield from _leaves(entry)
        else:
            yield entry
