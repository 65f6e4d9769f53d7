"""The layers of networks: dense, convolutions, sums of branches, average pools, flattenings; and their neurons.

What they compute is said in semantics.md, section 7, and networks.md, sections 1 and 2. The classes here only hold the
data: a `Network` checks them. Before that a field may hold whatever a rule is there to reject.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from spikeparity.matrix import FloatArray, array_like
from spikeparity.values import is_integer, listed

# Two numbers, height first; in a class that is not part of a network yet, one number stands for both.
Extent = tuple[int, int]


@dataclass(frozen=True)
class Neuron:
    """The dynamics of a layer's neurons: v = v + I (`if`) or v = (decay * v) + I (`lif`), firing where v >= threshold.

    Attributes:
        model: `"if"` or `"lif"`.
        threshold: finite, above 0.
        reset: at a spike `"subtract"` takes the threshold off the potential, `"zero"` sets it to +0.0.
        initial_potential: the potential before the first step.
        decay: for `lif` alone, the part of the potential that is left after a step, within [0, 1].

    """

    model: str = "if"
    threshold: float = 1.0
    reset: str = "subtract"
    initial_potential: float = 0.0
    decay: float | None = None

    def document(self) -> dict[str, Any]:
        """Return the neuron as a JSON document has it."""
        return {key: value for key, value in vars(self).items() if key != "decay" or value is not None}


@dataclass(frozen=True, eq=False)
class Layer:
    """A fully connected (dense) layer: (inputs) → (outputs).

    Attributes:
        weights: shape (outputs, inputs).
        bias: shape (outputs), or None.
        neuron: the dynamics of its neurons.
        name: by which later layers can name it as their source.
        source: name of the earlier layer that it takes its input from, or `"input"`; None for the layer before.

    """

    kind: ClassVar[str] = "dense"

    weights: FloatArray
    bias: FloatArray | None = None
    neuron: Neuron = field(default_factory=Neuron)
    name: str | None = None
    source: str | None = None

    def document(self) -> dict[str, Any]:
        """Return the layer as a JSON document has it, with arrays in place of nested lists."""
        return {**_place(self), "weights": array_like(self.weights), **_spiking(self)}


@dataclass(frozen=True, eq=False)
class Conv2d:
    """A convolution (a cross-correlation, as in PyTorch): (C, H, W) → (outputs, H', W').

    H' = floor((H + 2 * padding - dilation * (kernel height - 1) - 1) / stride) + 1 with the first entry of each pair,
    W' with the second. Positions in the padding contribute nothing.

    Attributes:
        weights: shape (outputs, C / groups, kernel height, kernel width).
        bias: shape (outputs), one entry per channel, or None.
        neuron: the dynamics of its neurons.
        stride: (vertical, horizontal) step between windows.
        padding: (rows, columns) added on each side.
        dilation: (vertical, horizontal) distance between neighbours under the kernel.
        groups: into how many groups the channels are divided; output group g sees input group g alone.
        name: by which later layers can name it as their source.
        source: name of the earlier layer that it takes its input from, or `"input"`; None for the layer before.

    Of stride, padding and dilation one integer stands for two equal ones.

    """

    kind: ClassVar[str] = "conv2d"

    weights: FloatArray
    bias: FloatArray | None = None
    neuron: Neuron = field(default_factory=Neuron)
    stride: Extent = (1, 1)
    padding: Extent = (0, 0)
    dilation: Extent = (1, 1)
    groups: int = 1
    name: str | None = None
    source: str | None = None

    def document(self) -> dict[str, Any]:
        """Return the layer as a JSON document has it, with arrays in place of nested lists."""
        return {**_place(self), "weights": array_like(self.weights), **_window(self), **_spiking(self)}


@dataclass(frozen=True, eq=False)
class DenseBranch:
    """A branch of a sum that is fully connected: (inputs) → (outputs).

    Attributes:
        weights: shape (outputs, inputs).
        source: name of the earlier layer that it takes its input from, or `"input"`.

    """

    kind: ClassVar[str] = "dense"

    weights: FloatArray
    source: str

    def document(self) -> dict[str, Any]:
        """Return the branch as a JSON document has it, with arrays in place of nested lists."""
        return {**_place(self), "weights": array_like(self.weights)}


@dataclass(frozen=True, eq=False)
class Conv2dBranch:
    """A branch of a sum that is a convolution: (C, H, W) → (outputs, H', W').

    Attributes:
        weights: shape (outputs, C / groups, kernel height, kernel width).
        source: name of the earlier layer that it takes its input from, or `"input"`.
        stride: as of `Conv2d`, and so are `padding`, `dilation` and `groups`.

    """

    kind: ClassVar[str] = "conv2d"

    weights: FloatArray
    source: str
    stride: Extent = (1, 1)
    padding: Extent = (0, 0)
    dilation: Extent = (1, 1)
    groups: int = 1

    def document(self) -> dict[str, Any]:
        """Return the branch as a JSON document has it, with arrays in place of nested lists."""
        return {**_place(self), "weights": array_like(self.weights), **_window(self)}


@dataclass(frozen=True, eq=False)
class IdentityBranch:
    """A branch of a sum that hands on each element of its source times one weight: any shape → the same.

    Attributes:
        source: name of the earlier layer that it takes its input from, or `"input"`.
        weight: finite.

    """

    kind: ClassVar[str] = "identity"

    source: str
    weight: float = 1.0

    def document(self) -> dict[str, Any]:
        """Return the branch as a JSON document has it."""
        return {**_place(self), "weight": self.weight}


Branch = DenseBranch | Conv2dBranch | IdentityBranch


@dataclass(frozen=True, eq=False)
class Sum:
    """Neurons whose current is the sum of several branches: skip connections join here.

    Attributes:
        inputs: 1 to 64 branches, whose outputs have one shape, that of the layer; added in this order.
        bias: where that has three dimensions shape (channels), else (outputs); or None.
        neuron: the dynamics of its neurons.
        name: by which later layers can name it as their source.

    """

    kind: ClassVar[str] = "sum"

    inputs: Sequence[Branch]
    bias: FloatArray | None = None
    neuron: Neuron = field(default_factory=Neuron)
    name: str | None = None

    def document(self) -> dict[str, Any]:
        """Return the layer as a JSON document has it, with arrays in place of nested lists."""
        return {**_place(self), "inputs": documents(self.inputs), **_spiking(self)}


@dataclass(frozen=True, eq=False)
class AvgPool2d:
    """The mean of the elements under a kernel: (C, H, W) → (C, H', W'). It has no neurons.

    Attributes:
        kernel: (height, width).
        stride: (vertical, horizontal) step between windows; None for that of the kernel.
        name: by which later layers can name it as their source.
        source: name of the earlier layer that it takes its input from, or `"input"`; None for the layer before.

    Of kernel and stride one integer stands for two equal ones.

    """

    kind: ClassVar[str] = "avgpool2d"

    kernel: Extent
    stride: Extent | None = None
    name: str | None = None
    source: str | None = None

    def document(self) -> dict[str, Any]:
        """Return the layer as a JSON document has it."""
        return {**_place(self), "kernel": _extent(self.kernel), **_there({"stride": _extent(self.stride)})}


@dataclass(frozen=True, eq=False)
class Flatten:
    """All elements in one dimension, the last index fastest: any shape → (its number of elements). It has no neurons.

    Attributes:
        name: by which later layers can name it as their source.
        source: name of the earlier layer that it takes its input from, or `"input"`; None for the layer before.

    """

    kind: ClassVar[str] = "flatten"

    name: str | None = None
    source: str | None = None

    def document(self) -> dict[str, Any]:
        """Return the layer as a JSON document has it."""
        return _place(self)


SpikingLayer = Layer | Conv2d | Sum
AnyLayer = SpikingLayer | AvgPool2d | Flatten


def documents(parts: Any) -> Any:
    """Return the documents of layers or branches; what is none stays as it is, for a rule to reject."""
    parts = listed(parts)
    if not isinstance(parts, list):
        return parts
    return [part.document() if isinstance(part, AnyLayer | Branch) else part for part in parts]


def _there(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return optional members without those that are absent."""
    return {key: value for key, value in members.items() if value is not None}


def _place(part: AnyLayer | Branch) -> dict[str, Any]:
    """Return what says where a layer or a branch stands in the network; a dense one need not say its kind."""
    kind = None if part.kind == "dense" else part.kind
    return _there({"kind": kind, "name": getattr(part, "name", None), "from": getattr(part, "source", None)})


def _window(part: Conv2d | Conv2dBranch) -> dict[str, Any]:
    return {
        "stride": _extent(part.stride),
        "padding": _extent(part.padding),
        "dilation": _extent(part.dilation),
        "groups": part.groups,
    }


def _spiking(layer: SpikingLayer) -> dict[str, Any]:
    neuron = layer.neuron.document() if isinstance(layer.neuron, Neuron) else layer.neuron
    return {**_there({"bias": array_like(layer.bias)}), "neuron": neuron}


def _extent(value: Any) -> Any:
    return [value, value] if is_integer(value) else listed(value)
