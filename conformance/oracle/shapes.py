"""Shapes: the walk through the layers of a network, network.chain and network.elements (networks.md, section 3)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from conformance.oracle import geometry
from conformance.oracle.geometry import Shape
from conformance.oracle.kinds import INPUT, Fields, kind, layers, sources
from conformance.oracle.values import Rejected, Value, array, integer, members

ELEMENTS = 16777216  # rules.toml, limits.elements

WeightsShape = Callable[[str, Fields], "tuple[int, int | None] | tuple[int, int, int, int]"]
"""(outputs, inputs), or (outputs, inputs / groups, kernel height, kernel width), of the weights of the layer or branch
at a path; a matrix that is written as [] has None for inputs."""

AtLayer = Callable[[int, list[Shape], Shape], None]
"""What is still to be checked of a layer: its index, the shapes that it takes, and its own."""


@dataclass
class Shapes:
    """What the walk finds: the shape of the input (None: any width), what each layer takes, and what it gives."""

    input: Shape | None
    taken: list[list[Shape]] = field(default_factory=list)
    given: list[Shape] = field(default_factory=list)


def walk(document: Value, weights_shape: WeightsShape, last: AtLayer | None = None) -> Shapes:
    """Return the shapes of a network; raise `Rejected`, network.chain or network.elements, with a path below it.

    `last` is called at each layer that is not dense, after its own checks.
    """
    found = Shapes(_input(document, weights_shape))
    all_sources = sources(document)
    for i, (path, layer) in enumerate(layers(document)):
        taken, given = [], []
        for _ in array(layer["inputs"]) if kind(layer) == "sum" else [layer]:
            place, fields, source = next(all_sources)
            if source == INPUT and "input_shape" not in members(document) and kind(fields) != "dense":
                raise Rejected("network.chain", f"{place}/weights" if kind(fields) == "conv2d" else place)
            shape = found.input if source == INPUT else found.given[source]
            taken.append(shape or (0,))
            given.append(_output(place, fields, shape, weights_shape))
            if math.prod(given[-1]) > ELEMENTS:
                raise Rejected("network.elements", place)
        if kind(layer) == "sum":
            _check_sum(path, layer, given)
        found.taken.append(taken)
        found.given.append(given[0])
        if last is not None and kind(layer) != "dense":
            last(i, taken, given[0])
    return found


def fault(code: str, document: Value, weights_shape: WeightsShape, last: AtLayer | None = None) -> str | None:
    """Return the path of the first fault of the walk where it has this code."""
    try:
        walk(document, weights_shape, last)
    except Rejected as rejected:
        return rejected.path if rejected.code == code else None
    return None


def _input(document: Value, weights_shape: WeightsShape) -> Shape | None:
    """Return the input's shape: as written, else the width of the first dense taker that has one."""
    if "input_shape" in members(document):
        return tuple(entry for entry in map(integer, array(members(document)["input_shape"])) if entry is not None)
    for path, fields, source in sources(document):
        if source == INPUT and kind(fields) == "dense":
            width = weights_shape(path, fields)[1]
            if width is not None:
                return (width,)
    return None


def _output(path: str, fields: Fields, source: Shape | None, weights_shape: WeightsShape) -> Shape:
    """Return what a layer or a branch gives that takes such a source; an input of any width is None."""
    if kind(fields) == "conv2d":
        return _of_convolution(path, fields, source, weights_shape(path, fields))
    if kind(fields) == "dense":
        outputs, inputs, *_ = weights_shape(path, fields)
        if source is not None and (len(source) != 1 or inputs not in (None, source[0])):
            raise Rejected("network.chain", f"{path}/weights")
        return (outputs,)
    assert source is not None
    if kind(fields) == "avgpool2d":
        return _of_pool(path, fields, source)
    return (math.prod(source),) if kind(fields) == "flatten" else source


def _of_convolution(path: str, fields: Fields, source: Shape | None, weights: tuple[int | None, ...]) -> Shape:
    outputs, inputs, *kernel = (length for length in weights if length is not None)
    found = geometry.of_convolution(fields, (kernel[0], kernel[1]))
    if source is None or len(source) != 3 or source[0] != found.groups * inputs or outputs % found.groups != 0:
        raise Rejected("network.chain", f"{path}/weights")
    height, width = found.size(source[1], source[2])
    if height < 1 or width < 1:
        raise Rejected("network.chain", f"{path}/weights")
    return (outputs, height, width)


def _of_pool(path: str, fields: Fields, source: Shape) -> Shape:
    if len(source) != 3:
        raise Rejected("network.chain", path)
    height, width = geometry.of_pool(fields).size(source[1], source[2])
    if height < 1 or width < 1:
        raise Rejected("network.chain", path)
    return (source[0], height, width)


def _check_sum(path: str, layer: Fields, given: list[Shape]) -> None:
    for b, shape in enumerate(given):
        if shape != given[0]:
            raise Rejected("network.chain", f"{path}/inputs/{b}")
    bias = layer.get("bias")  # in a sidecar no array, but the name of a member
    if isinstance(bias, list) and len(bias) != given[0][0]:
        raise Rejected("network.chain", f"{path}/bias")
