"""One contestant of bench_conversion.py, in a process of its own: runs what each line asks, answers what it took.

    python conversion_worker.py CONTESTANT THREADS DATA.npz

The data: weights and biases of two layers (balanced: thresholds are 1), images (samples, inputs), labels, steps. A
line is a JSON object with `encoding` (`poisson` or `constant`), `scale` (by which the images are multiplied), `rate`
(which all inputs have instead, or null) and `batch` (the images that go together). What each contestant computes is the
same: single spikes, subtraction of the threshold in the same step, the outputs' currents summed up over all steps.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

Task = Callable[[Any, str], Any]  # images and encoding to readouts, each (samples, …)


class Ours:
    """ConvertedSNN on the Rust kernel, in one of the profiles."""

    def __init__(self, data: Any, threads: int, profile: str) -> None:
        sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))
        from spikeparity.conversion import ConvertedSNN

        layers = [data["weights_0"], data["weights_1"]], [data["bias_0"], data["bias_1"]]
        self.network = ConvertedSNN(*layers, [1.0, 1.0], int(data["steps"]))
        self.options = {"threads": threads, "profile": profile, "kernel": "rust"}

    def prepare(self, images: Any) -> Any:
        """Keep the images as they are."""
        return images

    def __call__(self, images: Any, encoding: str) -> Any:
        return self.network.run(images, encoding=encoding, **self.options)


class Neurocore:
    """sc_neurocore's converted network; it takes NumPy arrays and draws Poisson spikes."""

    def __init__(self, data: Any, threads: int) -> None:
        from sc_neurocore.conversion import ConvertedSNN

        layers = [data["weights_0"], data["weights_1"]], [data["bias_0"], data["bias_1"]]
        self.network = ConvertedSNN(*layers, [1.0, 1.0], int(data["steps"]))

    def prepare(self, images: Any) -> Any:
        """Keep the images as they are."""
        return images

    def __call__(self, images: Any, encoding: str) -> Any:
        if encoding != "poisson":
            raise SystemExit("sc_neurocore runs on Poisson spikes alone")
        return self.network.run(images)


class Torch:
    """What the contestants on PyTorch share: float32, and layers with the weights."""

    def __init__(self, data: Any, threads: int) -> None:
        import torch

        self.torch = torch
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self.steps = int(data["steps"])
        self.linear = [self.layer(data[f"weights_{index}"], data[f"bias_{index}"]) for index in range(2)]

    def layer(self, weights: Any, bias: Any) -> Any:
        """Return a Linear."""
        linear = self.torch.nn.Linear(weights.shape[1], weights.shape[0])
        linear.weight.data = self.torch.tensor(weights, dtype=self.torch.float32)
        linear.bias.data = self.torch.tensor(bias, dtype=self.torch.float32)
        return linear

    def prepare(self, images: Any) -> Any:
        """Return the images as a tensor."""
        return self.torch.tensor(images, dtype=self.torch.float32)

    def step(self, images: Any, encoding: str) -> Any:
        """Return what is presented at a step."""
        return (self.torch.rand_like(images) < images).float() if encoding == "poisson" else images

    def sequence(self, images: Any, encoding: str) -> Any:
        """Return what is presented at all steps, (steps, samples, inputs)."""
        if encoding == "constant":
            return images.expand(self.steps, *images.shape)
        return (self.torch.rand(self.steps, *images.shape) < images).float()


class Loop(Torch):
    """A plain loop over the steps."""

    def __call__(self, images: Any, encoding: str) -> Any:
        first, last = self.linear
        potential = self.torch.zeros(len(images), first.out_features)
        readout = self.torch.zeros(len(images), last.out_features)
        for _ in range(self.steps):
            potential += self.current(images, encoding)
            spikes = (potential >= 1.0).float()
            potential -= spikes
            readout += last(spikes)
        return readout

    def current(self, images: Any, encoding: str) -> Any:
        """Return the current of the first layer at a step."""
        return self.linear[0](self.step(images, encoding))


class LoopOnce(Loop):
    """A loop that computes the first layer's constant current once."""

    def __call__(self, images: Any, encoding: str) -> Any:
        self.constant = self.linear[0](images)
        return super().__call__(images, encoding)

    def current(self, images: Any, encoding: str) -> Any:
        """Return the current of the first layer."""
        return self.constant


class Sinabs(Torch):
    """sinabs: all steps of a layer at once, (samples, steps, …); by default it would fire several spikes at a step."""

    def __init__(self, data: Any, threads: int) -> None:
        super().__init__(data, threads)
        from sinabs.activation import MembraneSubtract, SingleSpike
        from sinabs.layers import IAF

        self.neurons = IAF(spike_threshold=self.torch.tensor(1.0), spike_fn=SingleSpike, reset_fn=MembraneSubtract())

    def __call__(self, images: Any, encoding: str) -> Any:
        self.neurons.reset_states()
        presented = self.sequence(images, encoding).transpose(0, 1)
        return self.linear[1](self.neurons(self.linear[0](presented))).sum(1)


class Snntorch(Torch):
    """snntorch: step by step; `reset_delay=False` subtracts in the same step."""

    def __init__(self, data: Any, threads: int) -> None:
        super().__init__(data, threads)
        import snntorch

        self.neurons = snntorch.Leaky(beta=1.0, threshold=1.0, reset_mechanism="subtract", reset_delay=False)

    def __call__(self, images: Any, encoding: str) -> Any:
        first, last = self.linear
        potential = self.neurons.init_leaky()
        readout = self.torch.zeros(len(images), last.out_features)
        for _ in range(self.steps):
            spikes, potential = self.neurons(first(self.step(images, encoding)), potential)
            readout += last(spikes)
        return readout


class Spikingjelly(Torch):
    """spikingjelly: all steps of a layer at once, (steps, samples, …); `v_reset=None` subtracts."""

    def __init__(self, data: Any, threads: int) -> None:
        super().__init__(data, threads)
        from spikingjelly.activation_based import functional, neuron

        self.reset = functional.reset_net
        self.neurons = neuron.IFNode(v_threshold=1.0, v_reset=None, step_mode="m").eval()

    def __call__(self, images: Any, encoding: str) -> Any:
        self.reset(self.neurons)
        return self.linear[1](self.neurons(self.linear[0](self.sequence(images, encoding)))).sum(0)


CONTESTANTS: dict[str, Callable[[Any, int], Any]] = {
    "ours, float64": lambda data, threads: Ours(data, threads, "sequential-f64"),
    "ours, float32": lambda data, threads: Ours(data, threads, "sequential-f32"),
    "torch loop": Loop,
    "torch loop, first layer once": LoopOnce,
    "sinabs": Sinabs,
    "snntorch": Snntorch,
    "spikingjelly": Spikingjelly,
    "sc_neurocore": Neurocore,
}


@contextmanager
def answers() -> Iterator[Any]:
    """Give the standard output for answers alone: what libraries print goes elsewhere."""
    with os.fdopen(os.dup(1), "w") as output:
        os.dup2(2, 1)
        yield output


def main() -> None:
    """Answer what is asked."""
    name, threads, path = sys.argv[1:]
    with answers() as output:
        data = dict(np.load(path))
        contestant = CONTESTANTS[name](data, int(threads))
        for line in sys.stdin:
            asked = json.loads(line)
            images = data["images"] * asked["scale"]
            if asked["rate"] is not None:
                images = np.full_like(images, asked["rate"])
            prepared, batch = contestant.prepare(images), asked["batch"]
            began, busy = time.perf_counter(), time.process_time()
            parts = [contestant(prepared[at : at + batch], asked["encoding"]) for at in range(0, len(images), batch)]
            seconds, processor = time.perf_counter() - began, time.process_time() - busy
            best = np.concatenate([np.asarray(part).reshape(len(part), -1).argmax(1) for part in parts])
            accuracy = 100.0 * float(np.mean(best == data["labels"]))
            print(json.dumps({"wall": seconds, "cpu": processor, "accuracy": accuracy}), file=output, flush=True)


if __name__ == "__main__":
    main()
