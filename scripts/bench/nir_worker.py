"""Reads a file of NIR with several libraries, runs spikes through it, prints the output's spike counts as JSON.

    python nir_worker.py FILE.nir RASTER.npy

Runs in the environment of scripts/peers.py. The raster has the shape (steps, samples, inputs). A library that fails has
its message in place of counts.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import nir
import numpy as np
import torch


def first(output: Any) -> Any:
    """Return the output alone where a state comes with it."""
    return output[0] if isinstance(output, tuple) else output


def in_steps(network: Any, raster: Any) -> Any:
    """Return the sum of the outputs of all steps, the state handed on."""
    state, total = None, 0.0
    for step in raster:
        output, state = network(step, state)
        total = total + output
    return total


def sinabs(graph: Any, raster: Any) -> Any:
    """sinabs, as it reads: all steps at once, (samples, steps, …)."""
    from sinabs.nir import from_nir

    network = from_nir(graph, batch_size=raster.shape[1], num_timesteps=raster.shape[0])
    steps, samples = raster.shape[:2]
    flat = raster.transpose(0, 1).reshape(steps * samples, -1)
    return first(network(flat)).reshape(samples, steps, -1).sum(1)


def snntorch(graph: Any, raster: Any) -> Any:
    """snntorch, as it reads; it hands its state from step to step."""
    from snntorch.import_nir import import_from_nir

    return in_steps(import_from_nir(graph), raster)


def norse_with(graph: Any, raster: Any, **options: Any) -> Any:
    """norse, with options of its reader."""
    import norse.torch

    return in_steps(norse.torch.from_nir(graph, **options), raster)


def norse(graph: Any, raster: Any) -> Any:
    """norse, as it reads."""
    return norse_with(graph, raster)


def norse_subtract(graph: Any, raster: Any) -> Any:
    """norse, told to subtract and to step by 1."""
    from norse.torch.functional.reset import reset_subtract

    return norse_with(graph, raster, reset_method=reset_subtract, dt=1.0)


def spikingjelly(graph: Any, raster: Any) -> Any:
    """spikingjelly, as it reads."""
    from spikingjelly.activation_based import functional, nir_exchange

    network = nir_exchange.import_from_nir(graph, 1.0)
    functional.set_step_mode(network, "s")
    return in_steps(network, raster)


READERS = {
    "sinabs": sinabs,
    "snntorch": snntorch,
    "norse": norse,
    "norse, reset_subtract and dt=1": norse_subtract,
    "spikingjelly": spikingjelly,
}


def main() -> None:
    """Read, run, print."""
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    file, raster = sys.argv[1:]
    given, found = torch.tensor(np.load(raster), dtype=torch.float32), {}
    for name, reader in READERS.items():
        try:
            found[name] = [[round(float(count)) for count in row] for row in reader(nir.read(file), given)]
        except Exception as error:  # whatever a library raises
            found[name] = f"{type(error).__name__}: {error}"
    print(json.dumps(found))


if __name__ == "__main__":
    main()
