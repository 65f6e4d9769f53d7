"""LIF neurons and surrogate gradients tell two classes of Poisson spike trains apart that have nothing in common.

The job of the first tutorials on surrogate gradients (Neftci, Mostafa, Zenke 2019; brainpy.state): 256 random spike
trains of 100 inputs at 5 Hz over 200 ms, each with a random label. Nothing can be learned but the trains themselves.
The readout is the largest potential of a leaky integrator; the loss begins at ln 2 = 0.69, and 200 epochs should bring
it below 0.58.

    python examples/poisson_classifier.py [--small]
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from closing import Stimulus, arguments, close
from spikeparity.torch import LI, LIF, FastSigmoid, SpikeRecorder, accuracy, reset_states
from torch import Tensor, nn
from torch.nn import functional

mpl.use("agg")
from matplotlib import pyplot as plt

INPUTS, HIDDEN, STEPS = 100, 10, 200
DT = 1e-3  # seconds
EPOCHS = 200


def network() -> nn.Sequential:
    """Return the untrained network, of shape (batch, time, 100) → (batch, time, 2)."""
    net = nn.Sequential(
        nn.Linear(INPUTS, HIDDEN, bias=False),
        LIF(tau_mem=10e-3, dt=DT, reset="zero", surrogate=FastSigmoid(10.0), detach_reset=True),
        nn.Linear(HIDDEN, 2, bias=False),
        LI(tau_mem=10e-3, dt=DT),
    )
    # Weights that let the hidden neurons fire now and then: without spikes there is nothing to learn.
    nn.init.normal_(net[0].weight, 0.0, 4.0 / INPUTS**0.5)
    nn.init.normal_(net[2].weight, 0.0, 0.3 / HIDDEN**0.5)
    return net


def stimulus(seed: int, samples: int) -> Stimulus:
    """Return the spike trains of a seed."""
    return Stimulus(torch.full((samples, INPUTS), 5 * DT), STEPS, seed)


def logits(net: nn.Module, x: Tensor) -> Tensor:
    """Return the largest potentials over time, shape (batch, 2)."""
    reset_states(net)
    return net(x).amax(1)


def train(seed: int, samples: int, epochs: int) -> tuple[nn.Sequential, list[float], float]:
    """Return the network of a seed after training, the loss in each epoch, and the accuracy at the end."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    x = stimulus(seed, samples).presented()
    labels = torch.randint(0, 2, (samples,), generator=generator)
    net = network()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    losses = []
    for _ in range(epochs):
        optimizer.zero_grad()
        loss = functional.cross_entropy(logits(net, x), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        return net, losses, accuracy(logits(net, x), labels)


def picture(histories: list[list[float]], net: nn.Module, x: Tensor, file: Path) -> None:
    """Draw the loss by epoch for all seeds, and what the first network does with a spike train."""
    reset_states(net)
    with torch.no_grad(), SpikeRecorder(net) as recorder:
        net(x[:1])
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained")
    for history in histories:
        axes[0].plot(history, color="tab:blue", linewidth=0.7)
    axes[0].axhline(0.58, color="black", linestyle=":")
    axes[0].set(xlabel="epoch", ylabel="loss", title=f"{len(histories)} seeds")
    times = [recorder.spikes("1")[0, :, neuron].nonzero().flatten().tolist() for neuron in range(HIDDEN)]
    axes[1].eventplot(times, colors="gray", linelengths=0.8)
    twin = axes[1].twinx()
    for unit in range(2):
        twin.plot(recorder.spikes("3")[0, :, unit], label=f"class {unit}")
    twin.legend(loc="upper left")
    twin.set_ylabel("potential of the readout")
    axes[1].set(xlabel="time (ms)", ylabel="hidden neuron", title="trained, seed 0")
    figure.savefig(file, dpi=150)


def main() -> None:
    """Train for all seeds, draw, and put one network to all backends."""
    given = arguments(__doc__)
    seeds, samples, epochs = (range(2), 64, 40) if given.small else (range(10), 256, EPOCHS)
    trained = [train(seed, samples, epochs) for seed in seeds]
    for seed, (_, losses, right) in zip(seeds, trained, strict=True):
        print(f"seed {seed}: loss {losses[0]:.3f} at first, {losses[-1]:.3f} after {epochs} epochs; {right:.1%} right")
    last = np.median([losses[-1] for _, losses, _ in trained])
    print(f"median loss after {epochs} epochs: {last:.3f}")
    net = trained[0][0]
    first = stimulus(0, 20)
    picture([losses for _, losses, _ in trained], net, first.presented(), given.out / "poisson_classifier.png")
    close(net, "poisson_classifier", first, given)


if __name__ == "__main__":
    main()
