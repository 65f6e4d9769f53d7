"""What a module computes, in the order in which its `forward` calls its parts (torch.fx): the layers of a network.

Nothing is dropped silently: each call is understood, or a ModuleError names it. What only folds batch and time, and
what does nothing in eval mode, is no layer.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx, nn

from spikeparity.torch.errors import ModuleError
from spikeparity.torch.layers import IF, LI, LIF, Stateful
from spikeparity.torch.sequential import SequentialConv2d, SequentialLinear

INPUT = -1

LINEAR = (nn.Linear, SequentialLinear)
CONVOLUTION = (nn.Conv2d, SequentialConv2d)
PASSING = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d)

NORMALISATION = (
    "is not in network documents: fold it into the layer before it, in eval mode "
    "(torch.nn.utils.fusion.fuse_linear_bn_eval, fuse_conv_bn_eval)"
)
ADVICE = {
    "ExpSyn": "is a synapse, which network documents do not have: leave it out, or train with LI or LIF alone",
    "MaxPool2d": "cannot be said of spikes: use AvgPool2d",
    "BatchNorm1d": NORMALISATION,
    "BatchNorm2d": NORMALISATION,
}
OTHERWISE = (
    "is not in network documents, which have Linear, Conv2d, sums of them, AvgPool2d and Flatten, with IF, LIF or, "
    "last, LI after the weights"
)


@dataclass(frozen=True, eq=False)
class Branch:
    """What adds to a current: a source, through a Linear, a Conv2d or (None) as it is."""

    source: int
    path: str = ""
    module: nn.Linear | nn.Conv2d | None = None


@dataclass(frozen=True, eq=False)
class Spiking:
    """Neurons and where their current comes from: a dense layer, a convolution, or a sum of several branches."""

    branches: tuple[Branch, ...]
    path: str
    neurons: IF | LIF | LI

    @property
    def name(self) -> str:
        """Path of the first weights or, where there are none, of the neurons."""
        return next((branch.path for branch in self.branches if branch.module is not None), self.path)


@dataclass(frozen=True, eq=False)
class Pool:
    """An average pool."""

    source: int
    path: str
    module: nn.AvgPool2d

    @property
    def name(self) -> str:
        """Path of the pool."""
        return self.path


@dataclass(frozen=True, eq=False)
class Flattening:
    """All features in one dimension."""

    source: int
    name: str


Part = Spiking | Pool | Flattening


@dataclass(frozen=True, eq=False)
class Given:
    """What a node of the graph gives: what a layer does, or the input; whether as (channels, height, width)."""

    source: int
    spatial: bool


@dataclass(frozen=True, eq=False)
class Current:
    """What a node of the graph gives: a current, for neurons to take."""

    branches: tuple[Branch, ...]
    spatial: bool


Value = Given | Current


class Tracer(fx.Tracer):
    """Traces down to the modules of torch.nn, and to ours."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Tell whether a module is not looked into."""
        ours = isinstance(m, (Stateful, SequentialLinear, SequentialConv2d))
        return ours or super().is_leaf_module(m, module_qualified_name)


class Root(nn.Module):
    """Calls the module, so that a module that is a single layer is traced as any other."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: torch.Tensor) -> Any:
        """Call the module."""
        return self.module(x)


def traced(module: nn.Module) -> fx.Graph:
    """Return the graph of a module; raises ModuleError where that cannot be had."""
    try:
        return Tracer().trace(Root(module))
    except Exception as error:  # whatever the module's own code raises on symbolic values
        message = (
            f"the forward method of {type(module).__name__} cannot be traced by torch.fx ({error}): it must not depend "
            "on values or sizes of tensors, and must take one tensor"
        )
        raise ModuleError(message) from error


def called(module: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return the paths and modules that a module calls, in the order in which it calls them first."""
    paths = [_path(str(node.target)) for node in traced(module).nodes if node.op == "call_module"]
    return [(path, module.get_submodule(path)) for path in dict.fromkeys(paths)]


def read(module: nn.Module, *, spatial: bool) -> list[Part]:
    """Return the layers of a module; `spatial`: its input has the dimensions (channels, height, width).

    Raises:
        ModuleError: a part cannot be said in a network document, or the module cannot be traced.

    """
    return Reader(module, spatial).read()


@dataclass(eq=False)
class Reader:
    """Follows the nodes of a graph."""

    module: nn.Module
    spatial: bool
    parts: list[Part] = field(default_factory=list)
    values: dict[fx.Node, Value] = field(default_factory=dict)
    met: set[nn.Module] = field(default_factory=set)

    def read(self) -> list[Part]:
        """Return the layers."""
        for node in traced(self.module).nodes:
            if node.op == "placeholder":
                self.values[node] = Given(INPUT, self.spatial)
            elif node.op == "output":
                self.output(node)
            elif node.op != "get_attr":  # what uses a parameter directly is refused by its own name
                self.values[node] = self.handler(node)(node)
        return self.parts

    def handler(self, node: fx.Node) -> Callable[[fx.Node], Value]:
        """Return what understands a node, or raise ModuleError."""
        if node.op == "call_module":
            part = self.called(node)
            if type(part) in LINEAR:
                return self.linear
            if type(part) in CONVOLUTION:
                return self.convolution
            if isinstance(part, (IF, LIF, LI)):
                return self.neurons
            if type(part) is nn.AvgPool2d:
                return self.pool
            if type(part) is nn.Flatten:
                return lambda node: self.flattened(node, part.start_dim, part.end_dim)
            if type(part) is nn.Unflatten:
                return lambda node: self.unflattened(node, part.dim)
            if type(part) in PASSING:
                return self.value
        elif node.target in (operator.add, operator.iadd, torch.add, "add", "add_"):
            return self.added
        elif node.target in (torch.flatten, "flatten"):
            start, end = self.argument(node, 1, "start_dim", 0), self.argument(node, 2, "end_dim", -1)
            return lambda node: self.flattened(node, start, end)
        elif node.target in (torch.unflatten, "unflatten"):
            return lambda node: self.unflattened(node, self.argument(node, 1, "dim", 0))
        raise self.error(node, ADVICE.get(self.place(node)[1], OTHERWISE))

    def called(self, node: fx.Node) -> nn.Module:
        """Return the module that a node calls."""
        return self.module.get_submodule(_path(str(node.target)))

    def place(self, node: fx.Node) -> tuple[str, str]:
        """Return the path of the module of a node, and the name of what it calls."""
        if node.op == "call_module":
            return _path(str(node.target)), type(self.called(node)).__name__
        stack = list(node.meta.get("nn_module_stack") or {"": None})
        name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
        return _path(str(stack[-1])), str(name)

    def error(self, node: fx.Node, message: str) -> ModuleError:
        """Return the error of a node."""
        path, name = self.place(node)
        within = "" if node.op == "call_module" or not path else " in"
        return ModuleError(f"{name}{within}{f' {path!r}' if path else ''} {message}", path)

    def argument(self, node: fx.Node, position: int, name: str, default: Any) -> Any:
        """Return an argument of a call, by position or name."""
        return node.args[position] if len(node.args) > position else node.kwargs.get(name, default)

    def value(self, node: fx.Node, position: int = 0) -> Value:
        """Return what a node is given."""
        source = node.args[position] if len(node.args) > position else node.kwargs.get("input")
        value = self.values.get(source) if isinstance(source, fx.Node) else None
        if value is None:
            raise self.error(node, f"is given {source!r}, which no layer computes")
        return value

    def given(self, node: fx.Node) -> Given:
        """Return what a node is given, which must not be a current."""
        value = self.value(node)
        if isinstance(value, Current):
            paths = " and ".join(repr(branch.path) for branch in value.branches if branch.module is not None)
            raise self.error(node, f"follows {paths} without neurons between: put IF or LIF there")
        return value

    def once(self, node: fx.Node) -> Any:
        """Return the module that a node calls, and that no other node may call."""
        module = self.called(node)
        if module in self.met:
            raise self.error(node, "is called twice: network documents have layers, each run once per step")
        self.met.add(module)
        return module

    def linear(self, node: fx.Node) -> Value:
        """Read a Linear."""
        given, module = self.given(node), self.once(node)
        if given.spatial:
            raise self.error(node, "is given (channels, height, width): put a Flatten before it")
        return Current((Branch(given.source, _path(str(node.target)), module),), False)

    def convolution(self, node: fx.Node) -> Value:
        """Read a Conv2d."""
        given, module = self.given(node), self.once(node)
        if isinstance(module.padding, str) or module.padding_mode != "zeros":
            raise self.error(node, "pads otherwise than with a number of zeros: say padding in numbers")
        if not given.spatial:
            raise self.error(node, "is given one dimension: tell the input_shape (channels, height, width)")
        return Current((Branch(given.source, _path(str(node.target)), module),), True)

    def added(self, node: fx.Node) -> Value:
        """Read a sum of two."""
        if self.argument(node, 2, "alpha", 1) != 1:
            raise self.error(node, "multiplies by alpha: network documents have plain sums")
        values = [self.value(node, position) for position in range(2)]
        branches = [value.branches if isinstance(value, Current) else (Branch(value.source),) for value in values]
        return Current((*branches[0], *branches[1]), values[0].spatial)

    def neurons(self, node: fx.Node) -> Value:
        """Read IF, LIF or LI."""
        value, module = self.value(node), self.once(node)
        branches = value.branches if isinstance(value, Current) else (Branch(value.source),)
        if not isinstance(module, LI) and module.firing.smooth:
            raise self.error(node, "is smooth, for gradient checks: spikes are due")
        self.parts.append(Spiking(branches, _path(str(node.target)), module))
        return Given(len(self.parts) - 1, value.spatial)

    def pool(self, node: fx.Node) -> Value:
        """Read an AvgPool2d."""
        given, module = self.given(node), self.once(node)
        if module.ceil_mode or module.divisor_override is not None or module.padding not in (0, (0, 0)):
            raise self.error(node, "has padding, ceil_mode or divisor_override: leave them off")
        if not given.spatial:
            raise self.error(node, "is given one dimension: tell the input_shape (channels, height, width)")
        self.parts.append(Pool(given.source, _path(str(node.target)), module))
        return Given(len(self.parts) - 1, True)

    def flattened(self, node: fx.Node, start: int, end: int) -> Value:
        """Read a flattening: of batch and time, or of the features."""
        if (start, end) == (0, 1):
            return self.value(node)
        if start not in (1, 2, -3) or end not in (-1, 3, 4):
            raise self.error(node, f"flattens {start} to {end}: expected 1 or 2 to -1, the features")
        given = self.given(node)
        if not given.spatial:
            return given
        self.parts.append(Flattening(given.source, self.place(node)[0] if node.op == "call_module" else node.name))
        return Given(len(self.parts) - 1, False)

    def unflattened(self, node: fx.Node, dim: int) -> Value:
        """Read what unfolds batch and time."""
        if dim != 0:
            raise self.error(node, f"unflattens {dim}: expected 0, batch and time")
        return self.value(node)

    def output(self, node: fx.Node) -> None:
        """Read what the module returns: what its last layer gives, and only that one may be LI."""
        value = self.values.get(node.args[0]) if isinstance(node.args[0], fx.Node) else None
        last = self.parts[-1] if self.parts else None
        if not isinstance(last, Spiking) or not isinstance(value, Given) or value.source != len(self.parts) - 1:
            raise ModuleError("the module must return what its last layer gives, which must be IF, LIF or LI")
        for part in self.parts[:-1]:
            if isinstance(part, Spiking) and isinstance(part.neurons, LI):
                message = f"LI {part.path!r} is not the last layer: only a readout can do without spikes"
                raise ModuleError(message, part.path)


def _path(target: str) -> str:
    """Return the path of a module without that of `Root`."""
    return target.removeprefix("module").removeprefix(".")
