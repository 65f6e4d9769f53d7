"""Networks of more than dense layers: small geometry, named sources, branches, near the boundary of every rule."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

Draw = Callable[[], "float | int"]
Shape = tuple[int, ...]
Node = dict[str, Any]

NAMES = ("a", "b", "Input", "", "input ", "\u00e9", "e\u0301", "\U0001f600", "layer_0", "sum")
EXTENT = 65536
SIDE = 3000
"""With a padding of so much on all sides there are more than limits.elements outputs; just fewer would take minutes."""


@dataclass
class Drawn:
    """A network while it is drawn: its layers, what each gives, and what the input gives (empty: any width)."""

    rng: Random
    draw: Draw
    neuron: Callable[[], Node]
    input: Shape
    layers: list[Node] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)

    def source(self) -> int:
        """Draw a source: as a rule the layer before, else any earlier layer or the input (-1)."""
        last = len(self.layers) - 1
        return last if self.rng.random() < 0.7 else self.rng.randint(-1, last)

    def shape(self, source: int) -> Shape:
        """Return what a source gives."""
        return self.input if source < 0 else self.shapes[source]

    def name(self, source: int) -> str:
        """Return the name of a source; a layer that has none gets one."""
        if source < 0:
            return "input"
        if "name" not in self.layers[source]:
            taken = {layer.get("name") for layer in self.layers}
            free = [name for name in (*NAMES, f"n{source}") if name not in taken]
            self.layers[source]["name"] = self.rng.choice(free)
        return str(self.layers[source]["name"])

    def array(self, *lengths: int) -> Any:
        """Draw nested lists of numbers."""
        if not lengths:
            return self.draw()
        return [self.array(*lengths[1:]) for _ in range(lengths[0])]


def network(rng: Random, draw: Draw, neuron: Callable[[], Node]) -> tuple[dict[str, Any], int]:
    """Draw a network, and the width of its input."""
    shaped = rng.random() < 0.8
    shape = (rng.choice((1, 1, 2, 3, 4)), rng.randint(1, 5), rng.randint(1, 5)) if shaped else (rng.randint(0, 4),)
    drawn = Drawn(rng, draw, neuron, shape)
    for _ in range(rng.choice((1, 1, 2, 2, 3, 4, 6))):
        _grow(drawn, _any_kind(drawn))
    if drawn.layers[-1].get("kind") in ("avgpool2d", "flatten") and rng.random() < 0.97:
        _grow(drawn, "sum")
    layers = [dict(rng.sample(list(layer.items()), len(layer))) for layer in drawn.layers]
    document: dict[str, Any] = {"layers": layers}
    if shaped:
        document["input_shape"] = list(shape)
    if rng.random() < 0.5:
        document["readout"] = rng.choice(("spikes", "membrane"))
    if rng.random() < 0.08:
        _near_a_rule(document, rng)
    width = 1
    for length in shape:
        width *= length
    return document, width


def _any_kind(drawn: Drawn) -> str:
    """Draw a kind that can take the source before, and the input where that is the only one."""
    rng = drawn.rng
    last = drawn.shape(len(drawn.layers) - 1)
    if not drawn.layers and len(drawn.input) == 1:
        return rng.choice(("dense", "dense", "sum"))
    if len(last) == 3:
        return rng.choice(("conv2d", "conv2d", "conv2d", "sum", "sum", "avgpool2d", "flatten"))
    return rng.choice(("dense", "dense", "sum", "sum", "flatten"))


def _grow(drawn: Drawn, kind: str) -> None:
    """Add a layer of this kind; where its source has not the dimensions for it, another one."""
    rng = drawn.rng
    if kind == "sum":
        _add_sum(drawn)
        return
    rank = {"conv2d": 3, "avgpool2d": 3, "dense": 1}.get(kind)
    source = drawn.source()
    if kind == "flatten" and source < 0 and len(drawn.input) == 1:
        source = len(drawn.layers) - 1
    if rank is not None and len(drawn.shape(source)) != rank:
        source = len(drawn.layers) - 1
    shape = drawn.shape(source)
    layer: Node = {"kind": kind} if kind != "dense" or rng.random() < 0.3 else {}
    if source != len(drawn.layers) - 1 or rng.random() < 0.15:
        layer["from"] = drawn.name(source)
    if rng.random() < 0.2:
        layer["name"] = f"n{len(drawn.layers)}"
    if kind == "dense":
        given = _dense(drawn, layer, shape)
    elif kind == "conv2d":
        given = _conv(drawn, layer, shape)
    elif kind == "avgpool2d":
        given = _pool(drawn, layer, shape)
    else:
        given = (_elements(shape),)
    if kind in ("dense", "conv2d"):
        _spiking(drawn, layer, given)
    drawn.layers.append(layer)
    drawn.shapes.append(given)


def _spiking(drawn: Drawn, layer: Node, given: Shape) -> None:
    layer["neuron"] = drawn.neuron()
    if drawn.rng.random() < 0.5:
        layer["bias"] = drawn.array(given[0])


def _dense(drawn: Drawn, part: Node, shape: Shape, outputs: int | None = None) -> Shape:
    outputs = drawn.rng.choice((0, 1, 1, 2, 3, 4)) if outputs is None else outputs
    part["weights"] = drawn.array(outputs, _elements(shape))
    return (outputs,)


def _conv(drawn: Drawn, part: Node, shape: Shape) -> Shape:
    rng = drawn.rng
    channels = shape[0]
    groups = rng.choice([g for g in range(1, channels + 1) if channels % g == 0]) if rng.random() < 0.5 else 1
    outputs = groups * rng.choice((1, 1, 2, 3) if groups == 1 else (1, 2))
    sides = [_side(rng, length) for length in shape[1:]]
    kernel, stride, padding, dilation, given = ([side[k] for side in sides] for k in range(5))
    part["weights"] = drawn.array(outputs, channels // groups, *kernel)
    for member, value, default in (
        ("stride", stride, [1, 1]),
        ("padding", padding, [0, 0]),
        ("dilation", dilation, [1, 1]),
        ("groups", groups, 1),
    ):
        if value != default or rng.random() < 0.1:
            part[member] = value
    return (outputs, given[0], given[1])


def _side(rng: Random, length: int) -> tuple[int, int, int, int, int]:
    """Draw kernel, stride, padding and dilation for a side of this length, and tell how many places they give."""
    padding = rng.choice((0, 0, 0, 1, 1, 2, 3))
    dilation = rng.choice((1, 1, 1, 2, 3, EXTENT if rng.random() < 0.02 else 1))
    most = (length + 2 * padding - 1) // dilation + 1
    kernel = min(rng.choice((1, 1, 2, 2, 3, 4, most)), most)
    stride = rng.choice((1, 1, 1, 2, 3, EXTENT if rng.random() < 0.02 else 1))
    return kernel, stride, padding, dilation, (length + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def _pool(drawn: Drawn, layer: Node, shape: Shape) -> Shape:
    rng = drawn.rng
    kernel = [rng.randint(1, length) for length in shape[1:]]
    stride = kernel
    layer["kernel"] = kernel
    if rng.random() < 0.5:
        stride = layer["stride"] = [rng.choice((1, 1, 2, 3)) for _ in range(2)]
    rows, columns = ((length - k) // step + 1 for length, k, step in zip(shape[1:], kernel, stride, strict=True))
    return (shape[0], rows, columns)


def _add_sum(drawn: Drawn) -> None:
    """Add a sum: the first branch decides the shape, the others come to the same one as they can."""
    rng = drawn.rng
    branches: list[Node] = []
    given: Shape | None = None
    for _ in range(rng.choice((1, 2, 2, 3, 3, 4))):
        branch = _branch(drawn, given)
        if branch is not None:
            branches.append(branch[0])
            given = branch[1]
    layer: Node = {"kind": "sum", "inputs": branches}
    shape = given if given is not None else (0,)
    _spiking(drawn, layer, shape)
    if rng.random() < 0.3:
        layer["name"] = f"n{len(drawn.layers)}"
    drawn.layers.append(layer)
    drawn.shapes.append(shape)


def _branch(drawn: Drawn, due: Shape | None) -> tuple[Node, Shape] | None:
    """Draw a branch that gives the due shape, or any; None where the source that was drawn has no way to it."""
    rng = drawn.rng
    source = drawn.source()
    shape = drawn.shape(source)
    branch: Node = {"from": drawn.name(source)}
    plain_input = source < 0 and len(drawn.input) == 1
    if (due is None or due == shape) and not plain_input and rng.random() < 0.5:
        weight = drawn.draw()
        return {**branch, "kind": "identity", "weight": weight}, shape
    if len(shape) == 1 and (due is None or len(due) == 1):
        if rng.random() < 0.3:
            branch["kind"] = "dense"
        return branch, _dense(drawn, branch, shape, None if due is None else due[0])
    if len(shape) != 3 or (due is not None and (len(due) != 3 or due[1] > shape[1] or due[2] > shape[2])):
        return None
    branch["kind"] = "conv2d"
    if due is None:
        return branch, _conv(drawn, branch, shape)
    branch["weights"] = drawn.array(due[0], shape[0], shape[1] - due[1] + 1, shape[2] - due[2] + 1)
    return branch, due


def _elements(shape: Shape) -> int:
    product = 1
    for length in shape:
        product *= length
    return product


# ---- just across a rule's boundary -----------------------------------------------------------------------------------


def _near_a_rule(document: dict[str, Any], rng: Random) -> None:
    """Change one thing that the shapes, the names or the geometry hang on."""
    layers = document["layers"]
    layer = rng.choice(layers)
    parts = [layer, *layer.get("inputs", [])]
    part = rng.choice(parts)
    rng.choice(
        (
            lambda: part.update({"from": rng.choice((*NAMES, "input", "n0", "n1", "n9"))}),
            lambda: layer.update({"name": rng.choice((*NAMES, "input", "n0", "n1"))}),
            lambda: part.update({"padding": rng.choice(([SIDE, SIDE], [EXTENT, EXTENT], [0, 9])), "stride": [1, 1]}),
            lambda: part.update({"stride": [rng.randint(1, 4), rng.choice((1, 2, EXTENT, EXTENT + 1))]}),
            lambda: part.update({"dilation": [rng.randint(1, 3), rng.choice((1, 2, EXTENT))]}),
            lambda: part.update({"groups": rng.choice((1, 2, 3, 4, EXTENT))}),
            lambda: part.update({"kernel": [rng.randint(1, 6), rng.randint(1, 6)]}),
            lambda: layer.update({"inputs": _repeated(layer.get("inputs", []), rng.choice((0, 2, 32, 64, 65)))}),
            lambda: document.update({"input_shape": [rng.randint(0, 4) for _ in range(rng.choice((3, 3, 2)))]}),
            lambda: document.update(
                {"input_shape": rng.choice(([1, 4096, 4096], [1, 4096, 4097], [2**22, 2**22, 2**22]))}
            ),
            lambda: document.pop("input_shape", None),
            lambda: rng.shuffle(layers),
            lambda: layers.pop(),
            lambda: layer.update({"bias": [1.0] * rng.randint(0, 4)}),
            lambda: part.update({"weights": rng.choice(([], [[]], [[[[1.0]]]], [[[[]]]], [[[1.0]]], [[1.0]]))}),
        )
    )()


def _repeated(branches: list[Node], count: int) -> list[Node]:
    """Return copies: a branch that stood in two places would be bent in both."""
    return [copy.deepcopy(branch) for _ in range(count) for branch in branches]
