"""Modules as pairs of format 2, which every backend simulates, and back (networks.md, section 4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from spikeparity.files import Place
from spikeparity.matrix import FloatArray
from spikeparity.neurons.layers import (
    AnyLayer,
    AvgPool2d,
    Conv2d,
    Conv2dBranch,
    DenseBranch,
    Flatten,
    IdentityBranch,
    Layer,
    Neuron,
    Sum,
)
from spikeparity.neurons.network import Network
from spikeparity.torch.errors import ModuleError
from spikeparity.torch.fine_tune import freeze_only
from spikeparity.torch.graph import INPUT, Branch, Flattening, Part, Pool, Spiking, read
from spikeparity.torch.layers import IF, LI, LIF
from spikeparity.transfer import pair


@dataclass(eq=False)
class Checkpoint:
    """A trained network as it is saved: what every backend simulates, and what training needs to go on.

    Attributes:
        network: layers, weights, neurons.
        layer_names: per layer of the network the path of its weights in the module (of its neurons, its pool).
        frozen_layers: names of those that are not trained, sorted by code point.
        metadata: anything that JSON can carry, under string keys.

    """

    network: Network
    layer_names: list[str]
    frozen_layers: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)

    def save(self, path: Any, *, compress: bool = True, durable: bool = True) -> None:
        """Save it as the pair `path`.json, `path`.npz; arguments and errors as of `spikeparity.save_network`."""
        document, arrays = pair.of_network(self.network)
        names = {"layer_names": self.layer_names, "frozen_layers": self.frozen_layers, "metadata": self.metadata}
        with pair.locked(Place.of(path), durable=durable) as saving:
            saving.run(({**document, **names}, arrays), compress=compress)

    @classmethod
    def load(cls, path: Any) -> Checkpoint:
        """Load a pair of format 2; errors as of `spikeparity.load_network`."""
        found = pair.load(Place.of(path))
        document = found.document
        frozen, metadata = document.get("frozen_layers", []), document.get("metadata", {})
        return cls(found.network(), list(document["layer_names"]), sorted(set(frozen)), dict(metadata))


def to_checkpoint(
    module: nn.Module,
    *,
    input_shape: Iterable[int] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Checkpoint:
    """Return what a module computes in eval mode, as every backend simulates it; it shares no memory with the module.

    Layers are those that `forward` calls, in its order (torch.fx): Linear, Conv2d (also our sequential ones), sums of
    what they give and of spikes, each followed by IF, LIF or, as the last one, LI; AvgPool2d and Flatten between them.

    Args:
        module: takes one tensor with an axis of time, or with batch and time folded.
        input_shape: (channels, height, width) of a sample; needed before convolutions and pools.
        metadata: anything that JSON can carry, under string keys.

    Raises:
        ModuleError: a part that a network document cannot say, by name.
        RejectedError: a rule on networks, such as network.weight-finite; paths such as `/layers/0/weights/1/2`.

    """
    shape = None if input_shape is None else tuple(int(size) for size in input_shape)
    parts = read(module, spatial=shape is not None)
    names = _names(parts)
    row = all(_in_a_row(part, index) for index, part in enumerate(parts))
    layers = [_layer(part, None if row else names, index) for index, part in enumerate(parts)]
    readout = "membrane" if isinstance(_last(parts).neurons, LI) else "spikes"
    frozen = sorted(name for name, part in zip(names, parts, strict=True) if _is_frozen(part))
    return Checkpoint(Network(layers, readout, shape), names, frozen, dict(metadata or {}))


def load_into(module: nn.Module, checkpoint: Checkpoint | Network) -> None:
    """Give a module the weights, biases and neurons of a checkpoint, and freeze the layers that are frozen there.

    Values are rounded once to the type of the module's own. The module changes whole or not at all.

    Args:
        module: has the layers of the checkpoint, in its order, as `to_checkpoint` reads them.
        checkpoint: as `Checkpoint.load` or `to_checkpoint` gives it; of a mere network nothing is frozen or unfrozen.

    Raises:
        ModuleError: a part of the module is unlike its layer in the checkpoint, or cannot be read.

    """
    if not isinstance(checkpoint, (Checkpoint, Network)):
        got = type(checkpoint).__name__
        raise ModuleError(f"checkpoint: expected a Checkpoint (Checkpoint.load) or a Network, got {got}")
    network = checkpoint.network if isinstance(checkpoint, Checkpoint) else checkpoint
    parts = read(module, spatial=network.input_shape is not None)
    if len(parts) != len(network.layers):
        raise ModuleError(f"the module has {len(parts)} layers, the checkpoint {len(network.layers)}")
    membrane = isinstance(_last(parts).neurons, LI)
    if membrane != (network.readout == "membrane"):
        raise ModuleError(f"{_last(parts).path!r}: the checkpoint's readout is {network.readout!r}", _last(parts).path)
    copies: list[tuple[Tensor, Any]] = []
    for index, part in enumerate(parts):
        copies += _copies(part, network, index, membrane and index == len(parts) - 1)
    with torch.no_grad():
        for target, values in copies:
            target.copy_(torch.as_tensor(np.array(values, dtype=np.float64)))
    if isinstance(checkpoint, Checkpoint):
        named = zip(checkpoint.layer_names, parts, strict=True)
        frozen = [part for name, part in named if name in checkpoint.frozen_layers]
        freeze_only(module, [branch.path for part in frozen for branch in _weighted(part)])


def _last(parts: list[Part]) -> Spiking:
    last = parts[-1]
    assert isinstance(last, Spiking)  # as `read` has seen to
    return last


def _names(parts: list[Part]) -> list[str]:
    """Return the names of layers, each once: a module that is a single layer has an empty one."""
    return [part.name or f"layer_{index}" for index, part in enumerate(parts)]


def _weighted(part: Part) -> list[Branch]:
    """Return the branches of a layer that have weights."""
    return [branch for branch in part.branches if branch.module is not None] if isinstance(part, Spiking) else []


def _is_frozen(part: Part) -> bool:
    """Tell whether a layer has weights and none of them is trained."""
    trained = [branch.module.weight.requires_grad for branch in _weighted(part) if branch.module is not None]
    return bool(trained) and not any(trained)


def _in_a_row(part: Part, index: int) -> bool:
    """Tell whether a layer takes the one before it, through weights, so that nothing needs a name."""
    if not isinstance(part, Spiking):
        return part.source == index - 1
    return len(part.branches) == 1 and part.branches[0].module is not None and part.branches[0].source == index - 1


def _layer(part: Part, names: list[str] | None, index: int) -> AnyLayer:
    """Return a layer; with `names` it says its own and that of its source."""

    def source(branch: Branch | Pool | Flattening) -> Any:
        return None if names is None else "input" if branch.source == INPUT else names[branch.source]

    name = None if names is None else names[index]
    if isinstance(part, Pool):
        return AvgPool2d(part.module.kernel_size, part.module.stride, name, source(part))  # type: ignore[arg-type]
    if isinstance(part, Flattening):
        return Flatten(name, source(part))
    neuron = _neuron(part.neurons)
    if len(part.branches) > 1 or part.branches[0].module is None:
        branches = [_branch(branch, source(branch)) for branch in part.branches]
        return Sum(branches, _total_bias(part), neuron, name)
    (branch,) = part.branches
    weights, bias = _array(branch.module.weight), _total_bias(part)  # type: ignore[union-attr]
    if isinstance(branch.module, nn.Conv2d):
        return Conv2d(weights, bias, neuron, *_window(branch.module), name=name, source=source(branch))
    return Layer(weights, bias, neuron, name, source(branch))


def _branch(branch: Branch, source: str) -> DenseBranch | Conv2dBranch | IdentityBranch:
    if branch.module is None:
        return IdentityBranch(source)
    if isinstance(branch.module, nn.Conv2d):
        return Conv2dBranch(_array(branch.module.weight), source, *_window(branch.module))
    return DenseBranch(_array(branch.module.weight), source)


def _window(module: nn.Conv2d) -> tuple[Any, Any, Any, int]:
    """Return stride, padding, dilation, groups."""
    return module.stride, module.padding, module.dilation, module.groups


def _array(tensor: Tensor) -> FloatArray:
    return tensor.detach().cpu().double().numpy().copy()


def _total_bias(part: Spiking) -> FloatArray | None:
    """Return the sum of the biases of a layer's branches, in binary64."""
    biases = [b.module.bias for b in part.branches if b.module is not None and b.module.bias is not None]
    return sum((_array(bias) for bias in biases[1:]), _array(biases[0])) if biases else None


def _neuron(neurons: IF | LIF | LI) -> Neuron:
    """Return the neurons of a layer; a readout that never fires has any threshold."""
    decay = neurons.decay_in(torch.float64)
    model, left = ("if", None) if decay is None else ("lif", float(decay.detach()))
    start = float(neurons.initial_potential)
    if isinstance(neurons, LI):
        return Neuron(model, 1.0, "subtract", start, left)
    return Neuron(model, neurons.largest(), neurons.firing.reset, start, left)


def _copies(part: Part, network: Network, index: int, membrane: bool) -> list[tuple[Tensor, Any]]:
    """Return tensors of a module's layer and what is to be copied into them; raises ModuleError where it is another."""
    layer = network.layers[index]
    mine, due = (_traits(one, membrane) for one in (_layer(part, None, index), layer))
    sources = [branch.source for branch in part.branches] if isinstance(part, Spiking) else [part.source]
    mine["sources"], due["sources"] = sources, list(network.sources[index])
    for what, value in mine.items():
        if value != due.get(what):
            path = part.path if isinstance(part, Spiking) else part.name
            message = f"{path!r}: {what}: the module has {value}, layer {index} of the checkpoint {due.get(what)}"
            raise ModuleError(message, path)
    if not isinstance(part, Spiking) or isinstance(layer, (AvgPool2d, Flatten)):
        return []
    weights = [layer.weights] if not isinstance(layer, Sum) else [getattr(b, "weights", None) for b in layer.inputs]
    copies: list[tuple[Tensor, Any]] = []
    bias = layer.bias
    for branch, values in zip(part.branches, weights, strict=True):
        if branch.module is None:
            continue
        copies.append((branch.module.weight, values))
        if branch.module.bias is not None:  # the first one takes the bias of the whole sum
            copies.append((branch.module.bias, np.zeros(len(branch.module.bias)) if bias is None else bias))
            bias = None
    neuron, neurons = layer.neuron, part.neurons
    copies.append((neurons.initial_potential, neuron.initial_potential))
    if neurons.decay is not None:
        copies.append((neurons.decay, neuron.decay))
    if not isinstance(neurons, LI):
        copies.append((neurons.threshold, neuron.threshold))
    return copies


def _traits(layer: AnyLayer, membrane: bool) -> dict[str, Any]:
    """Return what a module and its checkpoint must have in common, by name; a readout of potentials never resets."""
    document: dict[str, Any] = {"kind": layer.kind, **layer.document()}
    if layer.kind == "avgpool2d":
        return {"kind": layer.kind, "kernel": document["kernel"], "stride": document.get("stride", document["kernel"])}
    traits: dict[str, Any] = {
        key: document[key] for key in ("kind", "stride", "padding", "dilation", "groups") if key in document
    }
    if "weights" in document:
        traits["shape of the weights"] = document["weights"].shape
    if "inputs" in document:
        traits["branches"] = [_branch_traits(branch) for branch in document["inputs"]]
    if "neuron" in document:
        traits["bias"] = "bias" in document
        traits["model"] = document["neuron"]["model"]
        traits["reset"] = None if membrane else document["neuron"]["reset"]
    return traits


def _branch_traits(branch: Mapping[str, Any]) -> dict[str, Any]:
    shape = {"weights": branch["weights"].shape} if "weights" in branch else {}
    return {**{key: value for key, value in branch.items() if key != "from"}, **shape}
