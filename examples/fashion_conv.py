"""A small convolutional network over (batch, time, channels, height, width), trained on Fashion-MNIST to 88 %.

Each image is a current into the first convolution, the same at each of 4 time steps; the readout is the potential of
leaky integrators after the last one. The images come from Debian's package dataset-fashion-mnist
(scripts/fashion_mnist.py). The full run is 5 epochs, of a few minutes each on one core.

    python examples/fashion_conv.py [--small]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from closing import Stimulus, arguments, close
from spikeparity.torch import LI, ArcTan, IFSqueeze, SpikeRecorder, accuracy, reset_states
from torch import Tensor, nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts"))

mpl.use("agg")
from matplotlib import pyplot as plt

STEPS = 4
BATCH = 100


class ConvNet(nn.Module):
    """Two convolutions with integrate-and-fire neurons and a readout: (batch, 4, 1, 28, 28) → (batch, 4, 10)."""

    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, channels, 5, stride=2, padding=2),
            IFSqueeze(num_timesteps=STEPS, surrogate=ArcTan()),
            nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1),
            IFSqueeze(num_timesteps=STEPS, surrogate=ArcTan()),
            nn.Flatten(),
            nn.Linear(2 * channels * 49, 10),
        )
        self.readout = LI()

    def forward(self, x: Tensor) -> Tensor:
        """Return the potentials of the readout at every step."""
        return self.readout(self.layers(x.flatten(0, 1)).unflatten(0, (-1, STEPS)))


def images(small: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return training images, shape (samples, 1, 28, 28), their labels, test images, theirs."""
    import fashion_mnist

    train, test = fashion_mnist.load()
    sizes = (2000, 500) if small else (len(train.labels), len(test.labels))
    parts: list[Tensor] = []
    for part, size in zip((train, test), sizes, strict=True):
        parts.append(torch.tensor(part.images[:size], dtype=torch.float32).reshape(-1, 1, 28, 28))
        parts.append(torch.tensor(part.labels[:size]))
    return parts[0], parts[1], parts[2], parts[3]


def logits(net: nn.Module, x: Tensor) -> Tensor:
    """Return the potentials after the last step, per step: shape (batch, 10)."""
    reset_states(net)
    return net(x[:, None].expand(-1, STEPS, -1, -1, -1))[:, -1] / STEPS


def tested(net: nn.Module, x: Tensor, labels: Tensor) -> float:
    """Return the accuracy."""
    with torch.no_grad():
        return accuracy(torch.cat([logits(net, part) for part in x.split(500)]), labels)


def train(net: nn.Module, data: tuple[Tensor, Tensor, Tensor, Tensor], epochs: int) -> list[float]:
    """Train; return the test accuracy after each epoch."""
    x, labels, test_x, test_labels = data
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    batches = -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=epochs * batches)
    found = []
    for epoch in range(epochs):
        began = time.perf_counter()
        for rows in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            functional.cross_entropy(logits(net, x[rows]), labels[rows]).backward()
            optimizer.step()
            schedule.step()
        found.append(tested(net, test_x, test_labels))
        print(
            f"epoch {epoch + 1}: {found[-1]:.2%} of the test images ({time.perf_counter() - began:.0f} s)", flush=True
        )
    return found


def picture(net: nn.Module, x: Tensor, found: list[float], file: Path) -> None:
    """Draw the accuracy by epoch, an image, and the spikes of the first convolution on it at each step."""
    reset_states(net)
    with torch.no_grad(), SpikeRecorder(net) as recorder:
        net(x[:1, None].expand(-1, STEPS, -1, -1, -1))
    spikes = recorder.spikes("layers.1")[0].numpy()  # (steps, channels, 14, 14)
    figure, axes = plt.subplots(
        1, STEPS + 2, figsize=(12, 2.4), layout="constrained", width_ratios=[2] + [1] * (STEPS + 1)
    )
    axes[0].plot(np.arange(1, len(found) + 1), [100 * value for value in found], marker="o")
    axes[0].set(xlabel="epoch", ylabel="test accuracy (%)")
    axes[1].imshow(x[0, 0], cmap="gray")
    axes[1].set_title("input")
    for step in range(STEPS):
        axes[step + 2].imshow(spikes[step].sum(0), cmap="magma", vmin=0, vmax=spikes.shape[1])
        axes[step + 2].set_title(f"spikes, step {step + 1}")
    for axis in axes[1:]:
        axis.set_axis_off()
    figure.savefig(file, dpi=150)


def main() -> None:
    """Train, draw, and put the network to all backends."""
    given: Any = arguments(__doc__)
    torch.manual_seed(0)
    data = images(given.small)
    net = ConvNet(4 if given.small else 16)
    found = train(net, data, 2 if given.small else 5)
    picture(net, data[2], found, given.out / "fashion_conv.png")
    close(net, "fashion_conv", Stimulus(data[2][:20], STEPS), given, input_shape=(1, 28, 28))


if __name__ == "__main__":
    main()
