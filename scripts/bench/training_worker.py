"""One contestant of bench_training.py, in a process of its own: trains what each line asks, answers what it took.

    python training_worker.py CONTESTANT DATA.npz

The data: images (batches, samples, 784) and their labels. A line is the name of a network (`lif` or `conv`); the answer
are the times for one pass over all batches (forward, backward, Adam's step; the states reset before each), the mean
loss, and of the first pass the loss of the first batch. All have the same initial weights and the same spikes, drawn
beforehand, and the same layers between the neurons, over all steps at once; what differs is the neurons, each library's
closest. The first line answered is the versions.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

SEED, DECAY, LEARNING_RATE = 20261, 0.9, 2e-3
STEPS = {"lif": 25, "conv": 4}


class Ours:
    """Our layers over (batch, time, …), or, `time_first`, over (time, batch, …)."""

    def __init__(self, time_first: bool) -> None:
        sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "python"))
        from spikeparity import torch as ours

        self.ours, self.time_first = ours, time_first

    def neurons(self, kind: str) -> nn.Module:
        """Return a layer: `lif`, or `if`."""
        made: nn.Module = (
            self.ours.LIF(decay=DECAY, surrogate=self.ours.ArcTan(), time_first=self.time_first)
            if kind == "lif"
            else self.ours.IF(surrogate=self.ours.ArcTan(), time_first=self.time_first)
        )
        return made

    def reset(self, net: nn.Module) -> None:
        """Let the neurons forget their potentials."""
        self.ours.reset_states(net)


class Sinabs:
    """sinabs over (batch, time, …); single spikes, inputs as they are, decay not trained, arctan as a callable."""

    time_first = False

    def neurons(self, kind: str) -> nn.Module:
        """Return a layer."""
        from sinabs.activation import MembraneSubtract, SingleSpike
        from sinabs.layers import IAF, LIF

        options = {
            "spike_threshold": torch.tensor(1.0),
            "spike_fn": SingleSpike,
            "reset_fn": MembraneSubtract(),
            "surrogate_grad_fn": lambda v, theta: 1.0 / (1.0 + (np.pi * (v - theta)).square()),
        }
        if kind == "if":
            return IAF(**options)
        layer = LIF(tau_mem=-1.0 / np.log(DECAY), norm_input=False, **options)
        layer.tau_mem.requires_grad_(False)
        return layer

    def reset(self, net: nn.Module) -> None:
        """Let the neurons forget their potentials."""
        for part in net.modules():
            if hasattr(part, "reset_states"):
                part.reset_states()


class SnntorchLayer(nn.Module):
    """A snntorch neuron over all steps, (time, batch, …): it knows single ones."""

    def __init__(self, neuron: nn.Module) -> None:
        super().__init__()
        self.neuron = neuron

    def forward(self, x: Tensor) -> Tensor:
        """Return the spikes."""
        potential, spikes = self.neuron.reset_mem(), []
        for current in x:
            spike, potential = self.neuron(current, potential)
            spikes.append(spike)
        return torch.stack(spikes)


class Snntorch:
    """snntorch; `reset_delay=False` subtracts in the same step."""

    time_first = True

    def neurons(self, kind: str) -> nn.Module:
        """Return a layer."""
        import snntorch
        from snntorch.surrogate import atan

        beta = DECAY if kind == "lif" else 1.0
        return SnntorchLayer(snntorch.Leaky(beta=beta, spike_grad=atan(2.0), reset_delay=False))

    def reset(self, net: nn.Module) -> None:
        """Do nothing: each call starts anew."""


class Spikingjelly:
    """spikingjelly, multi-step; `v_reset=None` subtracts."""

    time_first = True

    def neurons(self, kind: str) -> nn.Module:
        """Return a layer."""
        from spikingjelly.activation_based import neuron, surrogate

        options = {"v_reset": None, "surrogate_function": surrogate.ATan(alpha=2.0), "step_mode": "m"}
        if kind == "if":
            return neuron.IFNode(**options)
        return neuron.LIFNode(tau=1.0 / (1.0 - DECAY), decay_input=False, **options)

    def reset(self, net: nn.Module) -> None:
        """Let the neurons forget their potentials."""
        from spikingjelly.activation_based import functional

        functional.reset_net(net)


class NorseLayer(nn.Module):
    """A norse layer without the state that it returns."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Return the spikes."""
        return self.layer(x)[0]


class Norse:
    """norse: SuperSpike, for want of arctan; inputs are scaled by 1 - decay, so is the threshold; IAF resets to 0."""

    time_first = True

    def neurons(self, kind: str) -> nn.Module:
        """Return a layer."""
        import norse.torch as norse
        from norse.torch.functional.iaf import IAFParameters
        from norse.torch.functional.lif_box import LIFBoxParameters
        from norse.torch.functional.reset import reset_subtract

        if kind == "if":
            return NorseLayer(norse.IAF(IAFParameters(alpha=torch.tensor(10.0))))
        scale = 1.0 - DECAY
        parameters = LIFBoxParameters(
            tau_mem_inv=torch.tensor(scale / 1e-3), v_th=torch.tensor(scale), reset_method=reset_subtract
        )
        return NorseLayer(norse.Lift(norse.LIFBoxCell(parameters, dt=1e-3)))

    def reset(self, net: nn.Module) -> None:
        """Do nothing: each call starts anew."""


class Lif(nn.Module):
    """784-256-10, both layers LIF: (…, 784) → logits, the spike counts over the steps."""

    def __init__(self, library: Any) -> None:
        super().__init__()
        self.axis = 0 if library.time_first else 1
        self.layers = nn.Sequential(
            nn.Linear(784, 256), library.neurons("lif"), nn.Linear(256, 10), library.neurons("lif")
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        return self.layers(x).sum(self.axis)


class Conv(nn.Module):
    """The network of examples/fashion_conv.py; its readout is a sum, of ours its LI."""

    def __init__(self, library: Any) -> None:
        super().__init__()
        self.axis = 0 if library.time_first else 1
        self.convolutions = nn.ModuleList(
            [nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.Conv2d(16, 32, 3, stride=2, padding=1)]
        )
        self.neurons = nn.ModuleList([library.neurons("if"), library.neurons("if")])
        self.last = nn.Linear(32 * 49, 10)
        self.readout = library.ours.LI(time_first=library.time_first) if isinstance(library, Ours) else None

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        sizes = x.shape[:2]
        for convolution, neurons in zip(self.convolutions, self.neurons, strict=True):
            x = neurons(convolution(x.flatten(0, 1)).unflatten(0, sizes))
        x = self.last(x.flatten(2))
        total = x.sum(self.axis) if self.readout is None else self.readout(x).select(self.axis, -1)
        return total / STEPS["conv"]


def presented(images: Tensor, network: str, time_first: bool) -> Tensor:
    """Return what a batch is presented as: Poisson spikes, or the image at each step."""
    steps = STEPS[network]
    if network == "lif":
        x = (torch.rand(steps, *images.shape) < images).float()
    else:
        x = images.reshape(-1, 1, 28, 28).expand(steps, -1, -1, -1, -1)
    return x if time_first else x.transpose(0, 1).contiguous()


class Training:
    """A network, its optimizer, and its batches."""

    def __init__(self, library: Any, network: str, data: Any) -> None:
        torch.manual_seed(SEED)
        self.net = (Lif if network == "lif" else Conv)(library)
        self.reset = library.reset
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=LEARNING_RATE)
        images = torch.tensor(data["images"], dtype=torch.float32)
        torch.manual_seed(SEED)
        self.batches = [
            (presented(x, network, library.time_first).contiguous(), y)
            for x, y in zip(images, torch.tensor(data["labels"]), strict=True)
        ]

    def __call__(self) -> list[float]:
        """Train on all batches; return the losses."""
        losses = []
        for x, labels in self.batches:
            self.optimizer.zero_grad()
            self.reset(self.net)
            loss = nn.functional.cross_entropy(self.net(x), labels)
            loss.backward()
            self.optimizer.step()
            losses.append(loss.item())
        return losses


CONTESTANTS: dict[str, Callable[[], Any]] = {
    "ours": lambda: Ours(time_first=False),
    "ours, time first": lambda: Ours(time_first=True),
    "snntorch": Snntorch,
    "spikingjelly": Spikingjelly,
    "norse": Norse,
    "sinabs": Sinabs,
}


@contextmanager
def answers() -> Iterator[Any]:
    """Give the standard output for answers alone: what libraries print goes elsewhere."""
    with os.fdopen(os.dup(1), "w") as output:
        os.dup2(2, 1)
        yield output


def main() -> None:
    """Answer what is asked."""
    name, path = sys.argv[1:]
    with answers() as output:
        torch.set_num_threads(1)
        data = dict(np.load(path))
        library, trainings = CONTESTANTS[name](), {}
        packages = ("torch", "numpy", *(() if name.startswith("ours") else (name,)))
        print(json.dumps({package: version(package) for package in packages}), file=output, flush=True)
        for line in sys.stdin:
            network = line.strip()
            if network not in trainings:
                trainings[network] = Training(library, network, data)
            began, busy = time.perf_counter(), time.process_time()
            losses = trainings[network]()
            answer = {"wall": time.perf_counter() - began, "cpu": time.process_time() - busy, "losses": losses}
            print(json.dumps(answer), file=output, flush=True)


if __name__ == "__main__":
    main()
