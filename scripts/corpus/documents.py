"""Sound documents from which the cases are made, each change written out at its case."""

from __future__ import annotations

from typing import Any


def checkpoint(**changes: Any) -> dict[str, Any]:
    """A sound checkpoint of two layers, 3 -> 2 -> 1; a change replaces a member or adds one at the end."""
    return {
        "layer_names": ["encoder", "head"],
        "layer_sizes": [[3, 2], [2, 1]],
        "weights": [[[0.5, -0.25, 1.0], [0.125, 0.0, -1.0]], [[1.5, -0.5]]],
    } | changes


def named(*names: str, **changes: Any) -> dict[str, Any]:
    """A sound checkpoint whose layers have these names and the shape 1 -> 1."""
    return {
        "layer_names": list(names),
        "layer_sizes": [[1, 1]] * len(names),
        "weights": [[[1.0]]] * len(names),
    } | changes


def without(document: dict[str, Any], *keys: str) -> dict[str, Any]:
    """The document with members left out."""
    return {key: value for key, value in document.items() if key not in keys}


def neuron(**changes: Any) -> dict[str, Any]:
    """An integrate-and-fire neuron with threshold 1."""
    return {"model": "if", "threshold": 1.0} | changes


def lif(decay: Any, **changes: Any) -> dict[str, Any]:
    """A leaky integrate-and-fire neuron with threshold 1."""
    return {"model": "lif", "threshold": 1.0, "decay": decay} | changes


def layer(weights: Any, cell: Any = None, **changes: Any) -> dict[str, Any]:
    """A layer; its neurons are plain ones unless given."""
    return {"weights": weights, "neuron": neuron() if cell is None else cell} | changes


def network(*layers: Any, **changes: Any) -> dict[str, Any]:
    """A network of these layers."""
    return {"layers": list(layers)} | changes


def constant(values: Any) -> dict[str, Any]:
    """The same values at every step."""
    return {"kind": "constant", "values": values}


def spikes(indices: Any) -> dict[str, Any]:
    """Spikes given as the active inputs of each step."""
    return {"kind": "spikes", "indices": indices}


def poisson(rates: Any, seed: Any, **changes: Any) -> dict[str, Any]:
    """Bernoulli spike trains."""
    return {"kind": "poisson", "rates": rates, "seed": seed} | changes


def simulation(net: Any, steps: Any, stimulus: Any, *record: str, **changes: Any) -> dict[str, Any]:
    """The input of `simulate`; `record` is left out where it is empty."""
    records = {"record": list(record)} if record else {}
    return {"network": net, "steps": steps, "input": stimulus} | records | changes


def conv2d(weights: Any, cell: Any = None, **changes: Any) -> dict[str, Any]:
    """A convolution; its neurons are plain ones unless given."""
    return {"kind": "conv2d"} | layer(weights, cell, **changes)


def avgpool2d(kernel: Any, **changes: Any) -> dict[str, Any]:
    """An average pool."""
    return {"kind": "avgpool2d", "kernel": kernel} | changes


def flatten(**changes: Any) -> dict[str, Any]:
    """A layer that makes one dimension of what it takes."""
    return {"kind": "flatten"} | changes


def total(*branches: Any, cell: Any = None, **changes: Any) -> dict[str, Any]:
    """A sum of branches; its neurons are plain ones unless given."""
    return {"kind": "sum", "inputs": list(branches), "neuron": neuron() if cell is None else cell} | changes


def dense_branch(source: str, weights: Any, **changes: Any) -> dict[str, Any]:
    """A dense branch."""
    return {"from": source, "weights": weights} | changes


def conv_branch(source: str, weights: Any, **changes: Any) -> dict[str, Any]:
    """A convolution as a branch."""
    return {"kind": "conv2d", "from": source, "weights": weights} | changes


def identity(source: str, weight: Any = 1.0, **changes: Any) -> dict[str, Any]:
    """A branch that hands on its source times a weight."""
    return {"kind": "identity", "from": source, "weight": weight} | changes
