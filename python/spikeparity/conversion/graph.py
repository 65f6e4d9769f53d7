"""From a PyTorch model to its layers, in the order in which its `forward` calls them (torch.fx).

Nothing is dropped silently: each node of the traced graph is understood, or a ConversionError names it. `MODULES`,
`FUNCTIONS` and `METHODS` hold what is understood.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn
from torch.nn.utils.parametrize import type_before_parametrizations

from spikeparity.conversion import refusals
from spikeparity.conversion.activation import QCFSActivation
from spikeparity.conversion.errors import ConversionError
from spikeparity.conversion.layers import INPUT, Activation, Affine, Dense, Qcfs, Relu
from spikeparity.matrix import FloatArray


@dataclass(frozen=True, eq=False)
class Value:
    """What a node of the graph computes: the output of a layer, or that with an affine map still to be folded.

    Attributes:
        layer: index of the layer, or INPUT.
        width: number of features per sample, where known.
        pending: what the next layer has to fold in.

    """

    layer: int
    width: int | None
    pending: Affine | None = None


class BatchSize:
    """The number of samples, as `x.size(0)` asks for it."""


class Shape:
    """All sizes of a value, as `x.shape` asks for them."""


class Root(nn.Module):
    """Calls the model: so that a model that is a single layer is traced as any other, and has one input."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.training = False

    def forward(self, x: torch.Tensor) -> Any:
        """Call the model."""
        return self.model(x)


class Tracer(fx.Tracer):
    """Traces down to the modules of torch.nn, and to QCFS activations."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Tell whether a module is not looked into."""
        return isinstance(m, QCFSActivation) or super().is_leaf_module(m, module_qualified_name)


def trace(model: nn.Module) -> fx.GraphModule:
    """Return the graph of a model in its present mode; raises ConversionError where that cannot be had."""
    root = Root(model)
    try:
        return fx.GraphModule(root, Tracer().trace(root))
    except Exception as error:  # whatever the model's own code raises on symbolic values
        message = (
            f"the forward method of {type(model).__name__} cannot be traced by torch.fx ({error}): it must not depend "
            "on values of tensors, and must take one tensor"
        )
        raise ConversionError(message) from error


def read(graph: fx.GraphModule) -> list[Dense]:
    """Return the layers of a traced model, each with its source; raises ConversionError for what is not understood."""
    return Reader(graph).read()


class Reader:
    """Follows the nodes of a graph."""

    def __init__(self, graph: fx.GraphModule) -> None:
        self.graph = graph
        self.layers: list[Dense] = []
        self.values: dict[fx.Node, Value | BatchSize | Shape] = {}

    def read(self) -> list[Dense]:
        """Return the layers."""
        for node in self.graph.graph.nodes:
            if node.op == "placeholder":
                self.values[node] = Value(INPUT, None)
            elif node.op == "output":
                self.output(node)
            elif node.op != "get_attr":  # what uses a parameter directly is refused by its own name
                self.values[node] = self.handler(node)(self, node)
        # All that is understood takes one value, and the model returns one: where each is used, nothing forks.
        for node, value in self.values.items():
            if isinstance(value, Value):
                self.used(node)
        for layer in self.layers:
            layer.check_finite()
        return self.layers

    def handler(self, node: fx.Node) -> Callable[[Reader, fx.Node], Value | BatchSize | Shape]:
        """Return what understands a node, or raise ConversionError."""
        handler = handler_of(node, self.module(node) if node.op == "call_module" else None)
        if handler is None:
            path, name = self.place(node)
            raise ConversionError(f"{name}{_within(node, path)} {refusals.advice(name)}", path)
        return handler

    def module(self, node: fx.Node) -> Any:
        """Return the module that a node calls; one with hooks is refused, as nobody knows what they do."""
        module = self.graph.get_submodule(str(node.target))
        if module._forward_hooks or module._forward_pre_hooks:
            path, name = self.place(node)
            message = f"{name}{_within(node, path)} has forward hooks, which may change what it computes: remove them"
            raise ConversionError(f"{message} (weight_norm: torch.nn.utils.remove_weight_norm)", path)
        return module

    def place(self, node: fx.Node) -> tuple[str, str]:
        """Return the path of the module of a node, and the name of what it calls."""
        if node.op == "call_module":
            module = self.graph.get_submodule(str(node.target))
            return _path(str(node.target)), type_before_parametrizations(module).__name__
        stack = list(node.meta.get("nn_module_stack") or {"": None})
        name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
        return _path(stack[-1]), str(name)

    def error(self, node: fx.Node, message: str) -> ConversionError:
        """Return the error of a node that is understood, but out of place."""
        path, name = self.place(node)
        return ConversionError(f"{name}{_within(node, path)} {message}", path)

    def value(self, node: fx.Node) -> Value:
        """Return what a node is given."""
        source = node.args[0] if node.args else node.kwargs.get("input")
        value = self.values.get(source) if isinstance(source, fx.Node) else None
        if not isinstance(value, Value):
            raise self.error(node, f"is given {source!r}, which no layer computes: it cannot be converted")
        return value

    def argument(self, node: fx.Node, position: int, name: str, default: Any) -> Any:
        """Return an argument of a call, by position or name."""
        return node.args[position] if len(node.args) > position else node.kwargs.get(name, default)

    def used(self, node: fx.Node) -> None:
        """Refuse what is computed for nothing, as an in-place call would be lost with it; sizes are no use."""
        if not any(isinstance(self.values.get(user), Value) or user.op == "output" for user in node.users):
            message = "has a result that nothing uses: use it (an in-place call's too), or leave it out in eval mode"
            raise self.error(node, message)

    def output(self, node: fx.Node) -> None:
        """Read what the model returns."""
        value = self.values.get(node.args[0]) if isinstance(node.args[0], fx.Node) else None
        if not isinstance(value, Value):
            raise ConversionError("the model must return one tensor, the outputs of its last layer")
        if value.layer == INPUT:
            raise ConversionError("the model has no Linear layer: there is nothing to convert")
        if value.pending is not None:
            message = "the model ends with a batch normalisation after an activation: leave it off, or add a Linear"
            raise ConversionError(message)

    def linear(self, node: fx.Node) -> Value:
        """Read a Linear."""
        module, value = self.module(node), self.value(node)
        if value.layer != INPUT and self.layers[value.layer].activation is None:
            before = self.layers[value.layer].module
            raise self.error(node, f"follows {before!r} without a ReLU between: merge the two into one Linear")
        width = module.in_features if value.pending is None else len(value.pending.scale)
        if value.width not in (None, module.in_features) or width != module.in_features:
            given = width if value.width is None else value.width
            raise self.error(node, f"takes {module.in_features} features and is given {given} per sample")
        bias = None if module.bias is None else numbers(module.bias)
        layer = Dense(_path(str(node.target)), (value.layer,), numbers(module.weight), bias, node.name)
        if value.pending is not None:
            layer.fold_before(value.pending)
        self.layers.append(layer)
        return Value(len(self.layers) - 1, layer.outputs)

    def batch_norm(self, node: fx.Node) -> Value:
        """Read a BatchNorm1d, which is folded into the layer before it or, after an activation, into the next one."""
        module, value = self.module(node), self.value(node)
        if module.running_mean is None or module.running_var is None:
            raise self.error(node, "has no running statistics, so it mixes samples: track_running_stats=True is needed")
        if value.width not in (None, module.num_features):
            raise self.error(node, f"takes {module.num_features} features and is given {value.width} per sample")
        mean, variance = numbers(module.running_mean), numbers(module.running_var)
        scale = 1.0 / (variance + module.eps) ** 0.5
        if module.weight is not None:
            scale = scale * numbers(module.weight)
        shift = -mean * scale if module.bias is None else numbers(module.bias) - mean * scale
        affine = Affine(scale, shift)
        if value.layer != INPUT and self.layers[value.layer].activation is None:
            layer = self.layers[value.layer]
            layer.fold_after(affine)
            layer.value = node.name
            return value
        pending = affine if value.pending is None else value.pending.then(affine)
        return Value(value.layer, module.num_features, pending)

    def relu(self, node: fx.Node) -> Value:
        """Read a ReLU, as a module or a call; after another activation it changes nothing."""
        value = self.value(node)
        activated = value.layer != INPUT and self.layers[value.layer].activation is not None
        if activated and value.pending is None:
            return value
        return self.activate(node, value, Relu())

    def qcfs(self, node: fx.Node) -> Value:
        """Read a QCFS activation."""
        return self.activate(node, self.value(node), Qcfs(self.module(node).threshold()))

    def activate(self, node: fx.Node, value: Value, activation: Activation) -> Value:
        """Give a layer its activation."""
        if value.layer == INPUT or value.pending is not None or self.layers[value.layer].activation is not None:
            raise self.error(node, "does not follow a Linear (or its BatchNorm1d): put it there, or leave it out")
        self.layers[value.layer].activation = activation
        self.layers[value.layer].value = node.name
        return value

    def identity(self, node: fx.Node) -> Value:
        """Read what does nothing in eval mode."""
        if node.op == "call_module":
            self.module(node)
        return self.value(node)

    def dropout(self, node: fx.Node) -> Value:
        """Read a functional dropout, which does nothing where it is told that this is no training."""
        if self.argument(node, 2, "training", True):
            raise self.error(node, "is random in eval mode too: say training=self.training, or use nn.Dropout")
        return self.value(node)

    def flatten_module(self, node: fx.Node) -> Value:
        """Read a Flatten."""
        module = self.module(node)
        return self.flattened(node, module.start_dim, module.end_dim)

    def flatten(self, node: fx.Node) -> Value:
        """Read a call of `flatten`."""
        return self.flattened(node, self.argument(node, 1, "start_dim", 0), self.argument(node, 2, "end_dim", -1))

    def flattened(self, node: fx.Node, start: Any, end: Any) -> Value:
        """Make one row of each sample, as ConvertedSNN does by itself."""
        if (start, end) != (1, -1):
            raise self.error(
                node, f"has start_dim={start}, end_dim={end}: only whole samples, (1, -1), can be flattened"
            )
        return self.value(node)

    def view(self, node: fx.Node) -> Value:
        """Read a `view` or `reshape` to one row per sample."""
        value = self.value(node)
        sizes = node.args[1:] if len(node.args) != 2 or not isinstance(node.args[1], (tuple, list)) else node.args[1]
        sizes = tuple(self.values.get(size, size) if isinstance(size, fx.Node) else size for size in sizes)
        if len(sizes) == 2 and (isinstance(sizes[0], BatchSize) or sizes[0] == -1) and isinstance(sizes[1], int):
            if isinstance(sizes[0], BatchSize) and sizes[1] == -1:
                return value
            if sizes[1] > 0 and value.width in (None, sizes[1]):
                return replace(value, width=sizes[1])
        raise self.error(node, "is only understood as x.view(x.size(0), -1), one row per sample: use nn.Flatten")

    def size(self, node: fx.Node) -> BatchSize | Shape:
        """Read `x.size(0)` or `x.size()`."""
        self.value(node)
        dimension = self.argument(node, 1, "dim", None)
        if dimension not in (None, 0):
            raise self.error(node, f"asks for axis {dimension}: only the number of samples, size(0), is understood")
        return Shape() if dimension is None else BatchSize()

    def attribute(self, node: fx.Node) -> Shape:
        """Read `x.shape`."""
        if node.args[1] != "shape":
            raise self.error(node, f"asks for {node.args[1]!r} of a tensor: only its shape is understood")
        self.value(node)
        return Shape()

    def item(self, node: fx.Node) -> BatchSize:
        """Read `x.shape[0]`."""
        source = node.args[0]
        if not (isinstance(source, fx.Node) and isinstance(self.values.get(source), Shape) and node.args[1] == 0):
            raise self.error(node, "takes a part of a tensor or of its shape: only x.shape[0] is understood")
        return BatchSize()


Handler = Callable[[Reader, fx.Node], Value | BatchSize | Shape]

MODULES: dict[Any, Handler] = {
    nn.Linear: Reader.linear,
    nn.BatchNorm1d: Reader.batch_norm,
    nn.ReLU: Reader.relu,
    QCFSActivation: Reader.qcfs,
    nn.Flatten: Reader.flatten_module,
    **dict.fromkeys((nn.Identity, nn.Dropout, nn.Dropout1d, nn.AlphaDropout, nn.FeatureAlphaDropout), Reader.identity),
}

FUNCTIONS: dict[Any, Handler] = {
    **dict.fromkeys((F.relu, F.relu_, torch.relu, torch.relu_), Reader.relu),
    torch.flatten: Reader.flatten,
    torch.reshape: Reader.view,
    F.dropout: Reader.dropout,
    getattr: Reader.attribute,
    operator.getitem: Reader.item,
}

METHODS: dict[Any, Handler] = {
    **dict.fromkeys(("relu", "relu_"), Reader.relu),
    "flatten": Reader.flatten,
    **dict.fromkeys(("view", "reshape"), Reader.view),
    "size": Reader.size,
    "contiguous": Reader.identity,
}

TABLES: dict[str, dict[Any, Handler]] = {
    "call_module": MODULES,
    "call_function": FUNCTIONS,
    "call_method": METHODS,
}


def handler_of(node: fx.Node, module: nn.Module | None = None) -> Handler | None:
    """Return what understands a node, which may call a module."""
    return TABLES[node.op].get(node.target if module is None else type_before_parametrizations(module))


def numbers(tensor: torch.Tensor) -> FloatArray:
    """Return a tensor's values as float64; they may be the tensor's own memory, which nobody here writes to."""
    array: FloatArray = tensor.detach().to("cpu", torch.float64).numpy()
    return array


def _path(target: str) -> str:
    """Return the path of a module below the model, which is `model` below Root."""
    return target.removeprefix("model").removeprefix(".")


def _within(node: fx.Node, path: str) -> str:
    """Say where a node is."""
    if node.op == "call_module":
        return f" ({path!r})" if path else ""
    return f" in {path!r}" if path else " in the model's forward"
