"""From a PyTorch model to its layers, in the order in which its `forward` calls them (torch.fx).

Nothing is dropped silently: each node of the traced graph is understood, or a ConversionError names it. `MODULES`,
`FUNCTIONS` and `METHODS` hold what is understood.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import fx, nn
from torch.nn.utils.parametrize import type_before_parametrizations

from spikeparity.conversion import refusals
from spikeparity.conversion.activation import QCFSActivation
from spikeparity.conversion.errors import ConversionError
from spikeparity.conversion.layers import (
    Activation,
    Affine,
    Convolution,
    Dense,
    Layer,
    Neurons,
    Pair,
    Pool,
    Qcfs,
    Relu,
    Shape,
    Skip,
    Source,
    elements,
    origin,
)
from spikeparity.matrix import FloatArray
from spikeparity.neurons.shapes import Window


@dataclass(frozen=True, eq=False)
class Value:
    """What a node of the graph computes: the output of a layer, or that with an affine map still to be folded.

    Attributes:
        source: the layer; None for the model's input.
        shape: of a sample, where known; that of the source, or flat.
        pending: what the next layer has to fold in: per feature or, of three dimensions, per channel.

    """

    source: Source
    shape: Shape | None
    pending: Affine | None = None

    @property
    def linear(self) -> Neurons | None:
        """The layer, where it has no activation yet."""
        return self.source if isinstance(self.source, Neurons) and self.source.activation is None else None


class BatchSize:
    """The number of samples, as `x.size(0)` asks for it."""


class Sizes:
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


class Proxy(fx.Proxy):
    """A symbolic value that tells `x += y`, which others may see, from `x + y`."""

    def __iadd__(self, other: Any) -> fx.Proxy:
        """Note an addition in place."""
        return self.tracer.create_proxy("call_function", operator.iadd, (self, other), {})


class Tracer(fx.Tracer):
    """Traces down to the modules of torch.nn, and to QCFS activations."""

    def proxy(self, node: fx.Node) -> fx.Proxy:
        """Return the symbolic value of a node."""
        return Proxy(node, self)

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


def read(graph: fx.GraphModule, input_shape: Shape | None = None) -> list[Layer]:
    """Return the layers of a traced model, each after its sources; raises ConversionError for what is not understood.

    Args:
        graph: the model.
        input_shape: the shape of a sample; what is not dense needs it.

    """
    return Reader(graph, input_shape).read()


class Reader:
    """Follows the nodes of a graph."""

    def __init__(self, graph: fx.GraphModule, input_shape: Shape | None = None) -> None:
        self.graph = graph
        self.input_shape = input_shape
        self.layers: list[Layer] = []
        self.values: dict[fx.Node, Value | BatchSize | Sizes] = {}

    def read(self) -> list[Layer]:
        """Return the layers."""
        for node in self.graph.graph.nodes:
            if node.op == "placeholder":
                self.values[node] = Value(None, self.input_shape)
            elif node.op == "output":
                self.output(node)
            elif node.op != "get_attr":  # what uses a parameter directly is refused by its own name
                self.values[node] = self.handler(node)(self, node)
        for node, value in self.values.items():
            if isinstance(value, Value):
                self.used(node)
        for layer in self.layers:
            if isinstance(layer, Neurons):
                layer.check_finite()
        return self.layers

    def handler(self, node: fx.Node) -> Handler:
        """Return what understands a node, or raise ConversionError."""
        handler = handler_of(node, self.module(node) if node.op == "call_module" else None)
        if handler is None:
            path, name = self.place(node)
            raise ConversionError(f"{name}{_within(node, path)} {refusals.advice(name)}", path)
        return handler

    def called(self, node: fx.Node) -> nn.Module | None:
        """Return the module that a node calls, if it calls one."""
        return self.graph.get_submodule(str(node.target)) if node.op == "call_module" else None

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
        return self.given(node, node.args[0] if node.args else node.kwargs.get("input"))

    def given(self, node: fx.Node, source: Any) -> Value:
        """Return what a node is given by another; what has no activation yet is given to one node alone."""
        value = self.values.get(source) if isinstance(source, fx.Node) else None
        if not isinstance(value, Value):
            raise self.error(node, f"is given {source!r}, which no layer computes: it cannot be converted")
        layer = value.linear
        if layer is not None and isinstance(source, fx.Node) and len(self.users(source)) > 1:
            if not layer.never_negative():
                message = f"shares {layer.module!r}, which has no ReLU behind it yet, with others"
                raise self.error(node, f"{message}: put a ReLU before they part")
            layer.activation = Relu()  # which changes nothing
        return value

    def users(self, node: fx.Node) -> list[fx.Node]:
        """Return what takes the value of a node, once per argument; asking for sizes is no use."""
        asking = (Reader.size, Reader.attribute)
        return [
            user
            for user in node.users
            if user.op == "output" or handler_of(user, self.called(user)) not in asking
            for _ in range(max(1, [*user.args, *user.kwargs.values()].count(node)))
        ]

    def neurons(self, node: fx.Node, value: Value) -> Value:
        """Return a value that is the output of neurons, or the input: what has no activation yet has none to come.

        A sum of what is never negative needs none.
        """
        layer = value.linear
        if layer is not None and not layer.never_negative():
            raise self.error(node, f"follows {layer.module!r} without a ReLU between: put one there, or merge the two")
        if layer is not None:
            layer.activation = Relu()  # which changes nothing
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
        if value.source is None:
            raise ConversionError("the model has no Linear and no Conv2d layer: there is nothing to convert")
        if isinstance(value.source, Pool):
            raise ConversionError("the model ends with pooling: add a Linear (or a Conv2d), whose outputs can be read")
        if value.pending is not None:
            message = "the model ends with a batch normalisation after an activation: leave it off, or add a Linear"
            raise ConversionError(message)

    def linear(self, node: fx.Node) -> Value:
        """Read a Linear."""
        module, value = self.module(node), self.neurons(node, self.value(node))
        if value.shape is not None and len(value.shape) != 1:
            raise self.error(node, f"is given {_size(value.shape)} per sample: put an nn.Flatten before it")
        width = module.in_features if value.pending is None else len(value.pending.scale)
        if value.shape not in (None, (module.in_features,)) or width != module.in_features:
            given = width if value.shape is None else value.shape[0]
            raise self.error(node, f"takes {module.in_features} features and is given {given} per sample")
        synapses = Dense(value.source, value.shape, numbers(module.weight))
        return self.synapses(node, synapses, (module.out_features,), value.pending)

    def convolution(self, node: fx.Node) -> Value:
        """Read a Conv2d."""
        module, value = self.module(node), self.neurons(node, self.value(node))
        if module.padding_mode != "zeros":
            raise self.error(node, f"has padding_mode={module.padding_mode!r}: use 'zeros' and train again")
        shape = self.image(node, value)
        if shape[0] != module.in_channels:
            raise self.error(node, f"takes {module.in_channels} channels and is given {_size(shape)}")
        padding = self.padding(node, module)
        if value.pending is not None and any(padding) and value.pending.shift.any():
            message = "pads what a batch normalisation before it gives, which cannot be folded into it"
            raise self.error(node, f"{message}: put the batch normalisation after a convolution, or pad with 0")
        window = {"stride": module.stride, "padding": padding, "dilation": module.dilation}
        size = self.windows(node, shape, kernel=module.kernel_size, **window)
        synapses = Convolution(value.source, shape, numbers(module.weight), **window, groups=module.groups)
        return self.synapses(node, synapses, (module.out_channels, *size), value.pending)

    def synapses(self, node: fx.Node, synapses: Dense | Convolution, shape: Shape, pending: Affine | None) -> Value:
        """Add a layer of one linear map, by the module of a node."""
        module = self.module(node)
        bias = None if module.bias is None else numbers(module.bias)
        layer = Neurons(_path(str(node.target)), [synapses], bias, shape, node.name)
        if pending is not None:
            layer.fold_before(pending)
        self.layers.append(layer)
        return Value(layer, shape)

    def padding(self, node: fx.Node, module: Any) -> Pair:
        """Return the padding of a Conv2d, which may be said by a word."""
        if module.padding == "valid":
            return 0, 0
        if module.padding != "same":
            return cast(Pair, module.padding)
        total = [step * (size - 1) for step, size in zip(module.dilation, module.kernel_size, strict=True)]
        if any(padded % 2 for padded in total):
            raise self.error(node, "has padding='same' with an even kernel, which pads unevenly: use an odd kernel")
        return total[0] // 2, total[1] // 2

    def pool_module(self, node: fx.Node) -> Value:
        """Read an AvgPool2d."""
        module = self.module(node)
        return self.pool(
            node, module.kernel_size, module.stride, module.padding, module.ceil_mode, module.divisor_override
        )

    def pool_function(self, node: fx.Node) -> Value:
        """Read a call of `avg_pool2d`."""
        names = (("kernel_size", None), ("stride", None), ("padding", 0), ("ceil_mode", False))
        kernel, stride, padding, ceil_mode = (self.argument(node, place, *name) for place, name in enumerate(names, 1))
        return self.pool(node, kernel, stride, padding, ceil_mode, self.argument(node, 6, "divisor_override", None))

    def pool(self, node: fx.Node, kernel: Any, stride: Any, padding: Any, ceil_mode: bool, divisor: Any) -> Value:
        """Add an average pooling."""
        value = self.neurons(node, self.value(node))
        shape, size = self.image(node, value), _pair(kernel)
        steps = _pair(stride) if stride not in (None, (), []) else size
        if _pair(padding) != (0, 0):
            raise self.error(node, "has a padding: use padding=0 and train again")
        if divisor is not None:
            raise self.error(node, "has a divisor_override: leave it off and train again")
        given = (shape[0], *self.windows(node, shape, kernel=size, stride=steps))
        rest = [(whole - part) % step for whole, part, step in zip(shape[1:], size, steps, strict=True)]
        if ceil_mode and any(rest):
            raise self.error(node, "has ceil_mode=True, where windows reach beyond the edge: use ceil_mode=False")
        return self.pooled(value, Pool(value.source, size, steps, given))

    def pooled(self, value: Value, layer: Pool) -> Value:
        """Add a pooling layer; a map of each channel that is still to be folded may as well come after it."""
        self.layers.append(layer)
        return replace(value, source=layer, shape=layer.shape)

    def adaptive_pool_module(self, node: fx.Node) -> Value:
        """Read an AdaptiveAvgPool2d."""
        return self.adaptive_pool(node, self.module(node).output_size)

    def adaptive_pool_function(self, node: fx.Node) -> Value:
        """Read a call of `adaptive_avg_pool2d`."""
        return self.adaptive_pool(node, self.argument(node, 1, "output_size", None))

    def adaptive_pool(self, node: fx.Node, output: Any) -> Value:
        """Add the mean of each channel."""
        if output not in (1, (1, 1), [1, 1]):
            raise self.error(
                node, f"has output_size={output}: only 1, the mean of a channel, is understood; use AvgPool2d"
            )
        value = self.neurons(node, self.value(node))
        channels, height, width = self.image(node, value)
        return self.pooled(value, Pool(value.source, (height, width), (height, width), (channels, 1, 1)))

    def image(self, node: fx.Node, value: Value) -> tuple[int, int, int]:
        """Return the shape (channels, height, width) of a value."""
        if value.shape is None:
            message = (
                "needs to know the shape of the input: give calibration_data, or input_shape=(channels, height, width)"
            )
            raise self.error(node, message)
        if len(value.shape) != 3:
            raise self.error(node, f"takes (channels, height, width) and is given {_size(value.shape)} per sample")
        return value.shape[0], value.shape[1], value.shape[2]

    def windows(self, node: fx.Node, shape: Shape, **window: Pair) -> tuple[int, int]:
        """Return how many windows fit into an image, (rows, columns)."""
        pairs = {"padding": (0, 0), "dilation": (1, 1), **window}
        along = [Window(**{key: pair[axis] for key, pair in pairs.items()}) for axis in range(2)]
        rows, columns = (part.count(size) for part, size in zip(along, shape[1:], strict=True))
        if rows < 1 or columns < 1:
            raise self.error(node, f"has a window that does not fit into {_size(shape)}")
        return rows, columns

    def add(self, node: fx.Node) -> Value:
        """Read an addition of two values: a residual connection."""
        if self.argument(node, 2, "alpha", 1) != 1 or node.kwargs.get("out") is not None:
            raise self.error(node, "has alpha or out: write x + y")
        pair = [self.argument(node, place, name, None) for place, name in enumerate(("input", "other"))]
        left, right = (self.given(node, source) for source in pair)
        if left.shape is None or left.shape != right.shape:
            sizes = ["an unknown shape" if value.shape is None else _size(value.shape) for value in (left, right)]
            message = f"adds {' and '.join(sizes)}: both must have one shape (say input_shape=… where it is unknown)"
            raise self.error(node, message)
        first, second = (self.summand(node, value) for value in (left, right))
        layer = first.merged(second, node.name)
        self.layers = [other for other in self.layers if other is not first and other is not second]
        self.layers.append(layer)
        return Value(layer, left.shape)

    def summand(self, node: fx.Node, value: Value) -> Neurons:
        """Return what is added, as a layer without activation."""
        if value.pending is not None:
            message = "adds what a batch normalisation gives after an activation: put the batch normalisation elsewhere"
            raise self.error(node, message)
        assert value.shape is not None
        if value.linear is None:
            return Neurons(self.place(node)[0], [Skip(value.source, value.shape)], None, value.shape, node.name)
        if value.shape != value.linear.shape:
            raise self.error(node, "adds flattened outputs that have no ReLU behind them yet: flatten the sum")
        return value.linear

    def add_in_place(self, node: fx.Node) -> Value:
        """Read `x += y`, where nothing else sees that x changes."""
        target: Any = node.args[0]
        while isinstance(target, fx.Node):
            if target.op == "placeholder" or len(self.users(target)) > 1:
                raise self.error(node, "changes in place what others use too: write x = x + y")
            aliases = (Reader.identity, Reader.dropout, Reader.flatten, Reader.flatten_module, Reader.view, Reader.relu)
            alias = handler_of(target, self.called(target)) in aliases
            target = (target.args[0] if target.args else target.kwargs.get("input")) if alias else None
        return self.add(node)

    def batch_norm(self, node: fx.Node) -> Value:
        """Read a batch norm, which is folded into the layer before it or, after an activation, into the next one."""
        module, value = self.module(node), self.value(node)
        if module.running_mean is None or module.running_var is None:
            raise self.error(node, "has no running statistics, so it mixes samples: track_running_stats=True is needed")
        if isinstance(module, nn.BatchNorm2d):
            self.image(node, value)
        elif value.shape is not None and len(value.shape) != 1:
            raise self.error(node, f"is given {_size(value.shape)} per sample: use BatchNorm2d, or flatten")
        if value.shape is not None and value.shape[0] != module.num_features:
            raise self.error(node, f"takes {module.num_features} features and is given {value.shape[0]} per sample")
        mean, variance = numbers(module.running_mean), numbers(module.running_var)
        scale = 1.0 / (variance + module.eps) ** 0.5
        if module.weight is not None:
            scale = scale * numbers(module.weight)
        shift = -mean * scale if module.bias is None else numbers(module.bias) - mean * scale
        affine, layer = Affine(scale, shift), value.linear
        if layer is not None:
            if value.shape != layer.shape or any(isinstance(part, Skip) for part in layer.branches):
                raise self.error(node, "follows an addition, or flattened outputs without ReLU: put it before them")
            layer.fold_after(affine)
            layer.value = node.name
            return value
        pending = affine if value.pending is None else value.pending.then(affine)
        return replace(value, shape=value.shape or (module.num_features,), pending=pending)

    def relu(self, node: fx.Node) -> Value:
        """Read a ReLU, as a module or a call; after another activation it changes nothing."""
        value = self.value(node)
        if value.linear is None and origin(value.source) is not None and value.pending is None:
            return value
        return self.activate(node, value, Relu())

    def qcfs(self, node: fx.Node) -> Value:
        """Read a QCFS activation."""
        return self.activate(node, self.value(node), Qcfs(self.module(node).threshold()))

    def activate(self, node: fx.Node, value: Value, activation: Activation) -> Value:
        """Give a layer its activation."""
        layer = value.linear
        if layer is None or value.pending is not None:
            message = "does not follow a Linear or a Conv2d (or its batch norm, or an addition)"
            raise self.error(node, f"{message}: put it there, or leave it out")
        layer.activation, layer.value = activation, node.name
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
        return self.flat(self.value(node))

    def flat(self, value: Value) -> Value:
        """Return a value with one dimension per sample."""
        if value.shape is None or len(value.shape) == 1:
            return value
        size = elements(value.shape)
        return Value(value.source, (size,), value.pending and value.pending.flattened(size))

    def view(self, node: fx.Node) -> Value:
        """Read a `view` or `reshape` to one row per sample."""
        value = self.value(node)
        sizes = node.args[1:] if len(node.args) != 2 or not isinstance(node.args[1], (tuple, list)) else node.args[1]
        sizes = tuple(self.values.get(size, size) if isinstance(size, fx.Node) else size for size in sizes)
        if len(sizes) == 2 and (isinstance(sizes[0], BatchSize) or sizes[0] == -1) and isinstance(sizes[1], int):
            if isinstance(sizes[0], BatchSize) and sizes[1] == -1:
                return self.flat(value)
            if sizes[1] > 0 and (value.shape is None or sizes[1] == elements(value.shape)):
                return replace(self.flat(value), shape=(sizes[1],))
        raise self.error(node, "is only understood as x.view(x.size(0), -1), one row per sample: use nn.Flatten")

    def size(self, node: fx.Node) -> BatchSize | Sizes:
        """Read `x.size(0)` or `x.size()`."""
        self.value(node)
        dimension = self.argument(node, 1, "dim", None)
        if dimension not in (None, 0):
            raise self.error(node, f"asks for axis {dimension}: only the number of samples, size(0), is understood")
        return Sizes() if dimension is None else BatchSize()

    def attribute(self, node: fx.Node) -> Sizes:
        """Read `x.shape`."""
        if node.args[1] != "shape":
            raise self.error(node, f"asks for {node.args[1]!r} of a tensor: only its shape is understood")
        self.value(node)
        return Sizes()

    def item(self, node: fx.Node) -> BatchSize:
        """Read `x.shape[0]`."""
        source = node.args[0]
        if not (isinstance(source, fx.Node) and isinstance(self.values.get(source), Sizes) and node.args[1] == 0):
            raise self.error(node, "takes a part of a tensor or of its shape: only x.shape[0] is understood")
        return BatchSize()


Handler = Callable[[Reader, fx.Node], Value | BatchSize | Sizes]

MODULES: dict[Any, Handler] = {
    nn.Linear: Reader.linear,
    nn.Conv2d: Reader.convolution,
    nn.AvgPool2d: Reader.pool_module,
    nn.AdaptiveAvgPool2d: Reader.adaptive_pool_module,
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d), Reader.batch_norm),
    nn.ReLU: Reader.relu,
    QCFSActivation: Reader.qcfs,
    nn.Flatten: Reader.flatten_module,
    **dict.fromkeys((nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d), Reader.identity),
    **dict.fromkeys((nn.AlphaDropout, nn.FeatureAlphaDropout), Reader.identity),
}

FUNCTIONS: dict[Any, Handler] = {
    **dict.fromkeys((F.relu, F.relu_, torch.relu, torch.relu_), Reader.relu),
    torch.flatten: Reader.flatten,
    torch.reshape: Reader.view,
    **dict.fromkeys((F.dropout, F.dropout2d), Reader.dropout),
    F.avg_pool2d: Reader.pool_function,
    F.adaptive_avg_pool2d: Reader.adaptive_pool_function,
    **dict.fromkeys((operator.add, torch.add), Reader.add),
    operator.iadd: Reader.add_in_place,
    getattr: Reader.attribute,
    operator.getitem: Reader.item,
}

METHODS: dict[Any, Handler] = {
    **dict.fromkeys(("relu", "relu_"), Reader.relu),
    "flatten": Reader.flatten,
    **dict.fromkeys(("view", "reshape"), Reader.view),
    "add": Reader.add,
    "add_": Reader.add_in_place,
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
    return TABLES.get(node.op, {}).get(node.target if module is None else type_before_parametrizations(module))


def numbers(tensor: torch.Tensor) -> FloatArray:
    """Return a tensor's values as float64; they may be the tensor's own memory, which nobody here writes to."""
    array: FloatArray = tensor.detach().to("cpu", torch.float64).numpy()
    return array


def _pair(value: Any) -> Pair:
    """Return two numbers, of which one may stand for both."""
    numbers = (value, value) if isinstance(value, int) else tuple(value)
    return (numbers[0], numbers[0]) if len(numbers) == 1 else (numbers[0], numbers[1])


def _size(shape: Shape) -> str:
    """Return how a shape is written in a message."""
    return " × ".join(map(str, shape))


def _path(target: str) -> str:
    """Return the path of a module below the model, which is `model` below Root."""
    return target.removeprefix("model").removeprefix(".")


def _within(node: fx.Node, path: str) -> str:
    """Say where a node is."""
    if node.op == "call_module":
        return f" ({path!r})" if path else ""
    return f" in {path!r}" if path else " in the model's forward"
