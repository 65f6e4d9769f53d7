"""How each example ends: the network is saved as a pair, held against PyTorch's spikes, and put to all backends."""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from spikeparity.neurons import AvgPool2d, Constant, Flatten, Poisson, simulate
from spikeparity.torch import SpikeRecorder, encode, in_profile_order, reset_states, to_checkpoint
from torch import Tensor, nn


@dataclass(frozen=True)
class Stimulus:
    """Inputs, shape (samples, …): values presented at every step or, with a seed, rates of Poisson spike trains."""

    values: Tensor
    steps: int
    seed: int | None = None

    def presented(self) -> Tensor:
        """Return what PyTorch is shown, shape (samples, steps, …)."""
        if self.seed is None:
            return self.values[:, None].expand(-1, self.steps, *self.values.shape[1:])
        return encode.poisson(self.values, self.steps, self.seed)

    def document(self) -> Constant | Poisson:
        """Return what `simulate` is shown."""
        rows = self.values.flatten(1).double().numpy()
        return Constant(rows) if self.seed is None else Poisson(rows, self.seed)


def arguments(about: str | None) -> argparse.Namespace:
    """Read the arguments that all examples have."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--small", action="store_true", help="less data and fewer rounds: under a minute")
    parser.add_argument("--out", type=Path, default=Path("examples/out"), help="folder for the pair and the picture")
    parser.add_argument("--backend", action="append", default=[], help="for the check (default: all)")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    return given


def close(module: nn.Module, name: str, stimulus: Stimulus, given: argparse.Namespace, **options: Any) -> None:
    """Save a module as the pair `name`, count the spikes that PyTorch has otherwise, and check the pair everywhere.

    Ends the program where a backend computes anything else than the others, or none could be compared.
    """
    module.eval()
    base = given.out / name
    checkpoint = to_checkpoint(module, metadata={"example": name}, **options)
    checkpoint.save(base)
    reference = [spikes_of(checkpoint.network, stimulus, profile) for profile in ("sequential-f32", "sequential-f64")]
    print(f"saved {base}.json, {base}.npz; of {reference[0].sum():,} spikes on {len(stimulus.values)} samples:")
    for what, one in (("PyTorch", module), ("PyTorch, sums in the profile's order", in_profile_order(module))):
        print(f"  {what}: {(recorded(one, stimulus) != reference[0]).sum():,} differ from sequential-f32")
    print(f"  sequential-f64: {(reference[1] != reference[0]).sum():,} differ from sequential-f32")
    command = [sys.executable, "-m", "conformance", "check", str(base), "--steps", str(stimulus.steps)]
    if stimulus.seed is None:
        np.savez(given.out / f"{name}-input.npz", x=stimulus.values.flatten(1).double().numpy()[:4])
        command += ["--input", f"{given.out / name}-input.npz:x"]
    for backend in given.backend:
        command += ["--backend", backend]
    print("$ python", *command[1:], flush=True)
    status = subprocess.run(command, check=False).returncode
    if status:
        sys.exit(f"check ended with {status}, see above")


def spikes_of(network: Any, stimulus: Stimulus, profile: str) -> Any:
    """Return all spikes of a simulation, of all neurons that fire: shape (samples, steps, neurons)."""
    spikes = simulate(network, stimulus.steps, stimulus.document(), ["spikes"], profile).spikes
    assert spikes is not None
    layers = zip(network.layers, spikes, strict=True)
    firing = [raster for layer, raster in layers if not isinstance(layer, (AvgPool2d, Flatten))]
    return np.concatenate(firing if network.readout == "spikes" else firing[:-1], axis=2)


def recorded(module: nn.Module, stimulus: Stimulus) -> Any:
    """Return all spikes of a module, in the order of `spikes_of`."""
    reset_states(module)
    with torch.no_grad(), SpikeRecorder(module) as recorder:
        module(stimulus.presented())
    layers = [path for path, layer in recorder.layers.items() if hasattr(layer, "threshold")]
    return np.concatenate([recorder.spikes(path).flatten(2).bool().numpy() for path in layers], axis=2)
