"""Shapes: the walk through the layers of a network by which each layer fits those that it takes its input from.

It is that of the rules network.chain and network.elements (networks.md, section 3): the first fault on the way decides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from spikeparity.neurons.kinds import DENSE, INPUT, SUM, Document, kind_of, layers, takers
from spikeparity.rejection import RejectedError

ELEMENTS = 1 << 24

Shape = tuple[int, ...]

# What a source is called that is the input; that of a layer is its index.
OUTSIDE = -1

# How the weights of a layer or branch at a path are shaped: (outputs, inputs), inputs None for the matrix `[]`, or
# (outputs, inputs / groups, kernel height, kernel width).
WeightsShape = Callable[[str, Document], tuple[Any, ...]]


@dataclass(frozen=True)
class Flow:
    """How numbers get to a layer and from it.

    Attributes:
        sources: the indices of the layers that it takes its input from, -1 for the network's input; one per branch.
        taken: the shape of each source, None for an input of any width.
        shape: of what the layer gives.

    """

    sources: tuple[int, ...]
    taken: tuple[Shape | None, ...]
    shape: Shape


def input_shape(network: Document, weights_shape: WeightsShape) -> Shape | None:
    """Return the shape of the input: as it is said, or the width of the first dense taker that has one; else None."""
    if "input_shape" in network:
        return tuple(int(size) for size in network["input_shape"])
    for (path, part), source in _sources(network):
        width = weights_shape(path, part)[1] if source == OUTSIDE and kind_of(part) == DENSE else None
        if width is not None:
            return (width,)
    return None


def walk(network: Document, weights_shape: WeightsShape) -> Iterator[Flow]:
    """Give the flow of each layer in turn; raise RejectedError, network.chain or network.elements, where it ends."""
    outside = input_shape(network, weights_shape)
    sources = _sources(network)
    shapes: list[Shape] = []
    for path, layer in layers(network):
        numbers, taken, given = [], [], []
        for (where, part), source in [next(sources) for _ in takers(path, layer)]:
            if source == OUTSIDE and "input_shape" not in network and kind_of(part) != DENSE:
                unfit(_place(where, part), f"{kind_of(part)}: expected an input of three dimensions, by an input_shape")
            numbers.append(source)
            taken.append(outside if source == OUTSIDE else shapes[source])
            given.append(_output(where, part, taken[-1], weights_shape))
            _limited(where, given[-1])
        if kind_of(layer) == SUM:
            _alike(path, given)
        shapes.append(given[0])
        yield Flow(tuple(numbers), tuple(taken), given[0])


@dataclass(frozen=True)
class Window:
    """How a kernel moves in one direction, height or width."""

    kernel: int
    stride: int
    padding: int
    dilation: int

    def count(self, size: int) -> int:
        """Return how many windows there are on so many elements; 0 or less where there is none."""
        return (size + 2 * self.padding - self.dilation * (self.kernel - 1) - 1) // self.stride + 1

    def under(self, place: int, size: int, count: int) -> tuple[slice, slice]:
        """Return the windows that see an element at a place under the kernel, not padding, and these elements."""
        offset = place * self.dilation - self.padding
        first = max(0, -(offset // self.stride))
        last = min(count, (size - 1 - offset) // self.stride + 1)
        if first >= last:
            return slice(0, 0), slice(0, 0)
        begin = first * self.stride + offset
        return slice(first, last), slice(begin, begin + (last - first - 1) * self.stride + 1, self.stride)


def windows(part: Document, kernel: Any) -> tuple[Window, Window]:
    """Return the windows of a convolution or a pool in height and width, by its members."""
    stride = part.get("stride")
    pairs = (
        kernel,
        (kernel if "kernel" in part else (1, 1)) if stride is None else stride,
        part.get("padding", (0, 0)),
        part.get("dilation", (1, 1)),
    )
    rows, columns = ([int(pair[axis]) for pair in pairs] for axis in range(2))
    return Window(*rows), Window(*columns)


def _sources(network: Document) -> Iterator[tuple[tuple[str, Any], int]]:
    """Give everything that takes an input, in turn, with the index of its source."""
    numbers = {INPUT: OUTSIDE}
    for index, (path, layer) in enumerate(layers(network)):
        for where, part in takers(path, layer):
            yield (where, part), numbers[part["from"]] if "from" in part else index - 1
        if "name" in layer:
            numbers[layer["name"]] = index


def _place(path: str, part: Document) -> str:
    """Return where it is said that a layer or branch does not fit."""
    return f"{path}/weights" if "weights" in part else path


def _output(path: str, part: Document, source: Shape | None, weights_shape: WeightsShape) -> Shape:
    """Return the shape that a layer or a branch gives to what it takes."""
    if kind_of(part) == DENSE:
        return _of_dense(path, source, *weights_shape(path, part))
    assert source is not None  # an input of any width is for dense takers alone
    if kind_of(part) == "flatten":
        return (math.prod(source),)
    if kind_of(part) == "identity":
        return source
    weights = weights_shape(path, part) if kind_of(part) == "conv2d" else None
    return _of_windows(_place(path, part), part, source, weights)


def _of_dense(path: str, source: Shape | None, outputs: int, inputs: int | None) -> Shape:
    if source is not None and len(source) != 1:
        unfit(f"{path}/weights", f"weights: expected an input of one dimension (flatten it), got the shape {source}")
    before = source[0] if source else None
    if None not in (before, inputs) and inputs != before:
        unfit(f"{path}/weights", f"weights: expected {before} inputs, as many as the source gives, got {inputs}")
    return (outputs,)


def _of_windows(place: str, part: Document, source: Shape, weights: tuple[int, ...] | None) -> Shape:
    """Return the shape that a convolution or, without weights, a pool gives."""
    if len(source) != 3:
        unfit(place, f"{kind_of(part)}: expected an input of shape (channels, height, width), got the shape {source}")
    outputs, kernel = (source[0], part["kernel"]) if weights is None else (weights[0], weights[2:])
    if weights is not None:
        _channels(place, source[0], outputs, weights[1], int(part.get("groups", 1)))
    sizes = zip(source[1:], windows(part, kernel), strict=True)
    height, width = (window.count(size) for size, window in sizes)
    if height < 1 or width < 1:
        message = f"{kind_of(part)}: expected a kernel that fits into its input of shape {source}, got no window"
        unfit(place, message)
    return (outputs, height, width)


def _channels(place: str, channels: int, outputs: int, inputs: int, groups: int) -> None:
    if channels != groups * inputs:
        message = f"weights: expected {channels} input channels in {groups} groups, got {inputs} in each"
        unfit(place, message)
    if outputs % groups:
        unfit(place, f"weights: expected outputs that {groups} groups divide evenly, got {outputs}")


def unfit(path: str, message: str) -> NoReturn:
    """Reject (network.chain) what does not fit what it takes its input from."""
    raise RejectedError("network.chain", path, message)


def _limited(path: str, shape: Shape) -> None:
    """Reject (network.elements) an output of too many elements."""
    if math.prod(shape) > ELEMENTS:
        message = f"expected an output of at most {ELEMENTS} elements, got one of shape {shape}"
        raise RejectedError("network.elements", path, message)


def _alike(path: str, given: list[Shape]) -> None:
    for number, shape in enumerate(given):
        if shape != given[0]:
            message = f"inputs: expected the shape of branch 0, {given[0]}, got {shape} from branch {number}"
            unfit(f"{path}/inputs/{number}", message)
