"""Pretrain on the digits 0 to 4, save, load, freeze, and fine-tune the readout on 5 to 9 with few examples.

The handwritten digits of scikit-learn (8 x 8 pixels, each a current) at random places of a field of 12 x 12; a
144-128-5 network of LIF neurons with leaky integrators as readout. Pretraining sees each digit at many places. Of the
new digits there are 10 examples each, at one place each: the pretrained network is fine-tuned with its hidden layer
frozen, and with its hidden layer learning slowly; both are held against the same network trained from scratch.

    python examples/digits_transfer.py [--small]
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from closing import Stimulus, arguments, close
from sklearn.datasets import load_digits
from spikeparity.torch import LI, LIF, Checkpoint, accuracy, load_into, parameter_groups, reset_states, to_checkpoint
from spikeparity.transfer import TransferConfig
from torch import Tensor, nn
from torch.nn import functional

mpl.use("agg")
from matplotlib import pyplot as plt

STEPS = 8
SHOTS = 10
FIELD = 12


@dataclass(frozen=True)
class Data:
    """Images as rows of values in [0, 1], and labels 0 … 4."""

    x: Tensor
    labels: Tensor

    def part(self, rows: Tensor) -> Data:
        """Return some rows."""
        return Data(self.x[rows], self.labels[rows])


def placed(data: Data) -> Data:
    """Return images of 8 x 8 pixels at random places of a field of 12 x 12."""
    fields = torch.zeros(len(data.x), FIELD, FIELD)
    corners = torch.randint(0, FIELD - 7, (len(data.x), 2))
    for field, image, (row, column) in zip(fields, data.x, corners.tolist(), strict=True):
        field[row : row + 8, column : column + 8] = image.reshape(8, 8)
    return Data(fields.flatten(1), data.labels)


def digits(first: int, seed: int) -> Data:
    """Return five digits, from `first` on, in random order; labels begin at 0."""
    images, labels = load_digits(return_X_y=True)
    chosen = (labels >= first) & (labels < first + 5)
    data = Data(torch.tensor(images[chosen] / 16.0).float(), torch.tensor(labels[chosen] - first))
    return data.part(torch.randperm(len(data.x), generator=torch.Generator().manual_seed(seed)))


def few(data: Data, shots: int) -> tuple[Data, Data]:
    """Return the first few examples of each class, and all others."""
    rank = torch.stack([(data.labels == label).cumsum(0) * (data.labels == label) for label in range(5)]).sum(0)
    return data.part(rank <= shots), data.part(rank > shots)


def network(seed: int) -> nn.Sequential:
    """Return an untrained network, of shape (batch, time, 144) → (batch, time, 5)."""
    torch.manual_seed(seed)
    hidden = LIF(tau_mem=10.0, learn_decay=True)
    return nn.Sequential(nn.Linear(FIELD**2, 128), hidden, nn.Linear(128, 5), LI(tau_mem=10.0))


def logits(net: nn.Module, x: Tensor) -> Tensor:
    """Return the potentials of the readout after the last step."""
    reset_states(net)
    return net(x[:, None].expand(-1, STEPS, -1))[:, -1] / STEPS


def tested(net: nn.Module, data: Data) -> float:
    """Return the accuracy."""
    with torch.no_grad():
        return accuracy(logits(net, data.x), data.labels)


def train(net: nn.Module, data: Data, optimizer: torch.optim.Optimizer, epochs: int, *, moving: bool = False) -> None:
    """Train on batches of 50; `moving`: images of 8 x 8 pixels, at other places in each epoch."""
    for _ in range(epochs):
        shown = placed(data) if moving else data
        for rows in torch.randperm(len(shown.x)).split(50):
            batch = shown.part(rows)
            optimizer.zero_grad()
            functional.cross_entropy(logits(net, batch.x), batch.labels).backward()
            optimizer.step()


def pretrained(seed: int, base: Path, epochs: int) -> float:
    """Train a network on 0 to 4, save it as a pair, and return its accuracy on the digits kept back."""
    net, data = network(seed), digits(0, seed)
    train(net, data.part(slice(200, None)), torch.optim.Adam(net.parameters(), lr=3e-3), epochs, moving=True)
    to_checkpoint(net, metadata={"digits": "0 to 4"}).save(base)
    return tested(net, placed(data.part(slice(200))))


def fine_tuned(seed: int, base: Path, data: Data, epochs: int, backbone: float) -> tuple[nn.Sequential, Checkpoint]:
    """Load the pair into another network, and train it on a few new digits: its hidden layer not at all, or slowly."""
    net, checkpoint = network(seed + 1000), Checkpoint.load(base)
    load_into(net, checkpoint)
    config = TransferConfig(freeze_until=0, lr_backbone=backbone, lr_head=0.01)
    groups = parameter_groups(net, checkpoint, config)
    train(net, data, torch.optim.Adam(groups), epochs)
    return net, checkpoint


def from_scratch(seed: int, data: Data, epochs: int) -> nn.Sequential:
    """Train a whole network on a few new digits."""
    net = network(seed + 1000)
    train(net, data, torch.optim.Adam(net.parameters(), lr=3e-3), epochs)
    return net


def picture(results: dict[str, list[float]], data: Data, file: Path) -> None:
    """Draw the accuracies of all seeds, and the examples of one."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.2), layout="constrained")
    for position, values in enumerate(results.values()):
        axes[0].scatter([position] * len(values), [100 * value for value in values], color="tab:blue", alpha=0.5)
        axes[0].hlines(100 * np.mean(values), position - 0.2, position + 0.2, color="black")
    axes[0].set_xticks(range(len(results)), list(results))
    axes[0].set_ylabel("accuracy on 5 to 9 (%)")
    order = data.labels.argsort(stable=True)
    rows = [torch.cat([image.reshape(FIELD, FIELD) for image in row], 1) for row in data.x[order].reshape(5, SHOTS, -1)]
    axes[1].imshow(torch.cat(rows), cmap="gray_r")
    axes[1].set_axis_off()
    axes[1].set_title("all examples of one seed")
    figure.savefig(file, dpi=150)


def main() -> None:
    """Pretrain and fine-tune for several seeds, draw, and put one network to all backends."""
    given = arguments(__doc__)
    seeds, epochs = (range(1), 3) if given.small else (range(5), 30)
    results: dict[str, list[float]] = {"before": [], "readout alone": [], "hidden slowly": [], "from scratch": []}
    kept = []
    for seed in seeds:
        base = given.out / "digits_0_to_4"
        old = pretrained(seed, base, epochs)
        shown, others = (placed(part) for part in few(digits(5, seed), SHOTS))
        before = network(seed)
        load_into(before, Checkpoint.load(base))
        net, checkpoint = fine_tuned(seed, base, shown, 2 * epochs, 0.0)
        slowly, _ = fine_tuned(seed, base, shown, 2 * epochs, 0.001)
        scratch = from_scratch(seed, shown, 2 * epochs)
        for name, one in zip(results, (before, net, slowly, scratch), strict=True):
            results[name].append(tested(one, others))
        hidden = torch.equal(net[0].weight, before[0].weight) and torch.equal(net[1].decay, before[1].decay)
        numbers = ", ".join(f"{name} {values[-1]:.1%}" for name, values in results.items())
        print(f"seed {seed}: 0 to 4 {old:.1%}; 5 to 9: {numbers}; frozen {checkpoint.frozen_layers}, unmoved: {hidden}")
        kept.append((slowly, shown, others))
    print("mean on 5 to 9:", ", ".join(f"{name} {np.mean(values):.1%}" for name, values in results.items()))
    net, shown, others = kept[0]
    picture(results, shown, given.out / "digits_transfer.png")
    close(net, "digits_transfer", Stimulus(others.x[:20], STEPS), given)


if __name__ == "__main__":
    main()
